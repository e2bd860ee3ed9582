"""A report takes as much memory for many changes as for few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.reports.many_changes import insert_changes, report_of

if TYPE_CHECKING:
    from itemstream.mysql.connection import Database
    from tests.mariadb import MariaDbServer


PART_BYTES = 1024 * 1024


def test_many_changes_are_held_a_part_at_a_time(
    mariadb: Database, mariadb_session: MariaDbServer
) -> None:
    # Given changes of several parts of a file, and few
    insert_changes(mariadb_session, "many", 50_000)
    insert_changes(mariadb_session, "few", 100)

    # When
    many, few = (
        report_of(mariadb_session, tenant, part_bytes=PART_BYTES) for tenant in ("many", "few")
    )

    # Then
    assert (many["changes"], few["changes"]) == (50_000, 100)
    assert many["parts"] >= 5
    # All of them at once are 6 MB as bytes and 60 as rows.
    assert many["megabytes"] - few["megabytes"] < 15, (many, few)
