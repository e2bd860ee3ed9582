"""Bronze: archived whole, then removed, and only what was archived."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.cleanup import rows_dynamodb
from itemstream.cleanup.archive_s3 import ArchiveSettings, S3Archive
from itemstream.cleanup.bronze import ArchiveIncomplete, BronzeArchive
from itemstream.cleanup.pace import Pace
from itemstream.cleanup.rows_dynamodb import DynamoRows
from itemstream.cleanup.tasks import Budget
from itemstream.dynamodb.attribute_values import from_item, to_item
from tests.fakes.tables import BRONZE_CALL
from tests.unit.cleanup.conftest import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86400
# 2026-11-21T03:00:00Z
NOW = 1_795_230_000
LANDED_LONG_AGO = NOW - 60 * DAY
LANDED_LATELY = NOW - 60 * DAY + 1


def line(tenant: str, file: str, number: int, landed: int) -> dict[str, Any]:
    return {
        "pk": f"{tenant}#{file}#{number % 16}",
        "sk": f"{number:010d}",
        "tenant": tenant,
        "line": number,
        "raw": f'{{"é": {number}}}',
        "ingested_at": "2026-09-22T03:00:00.000Z",
        "object": {"id": file, "bucket": "b", "key": f"calls/{tenant}/x", "version": "1"},
        "expires_at": landed + 90 * DAY,
    }


def progress(tenant: str, file: str, landed: int) -> dict[str, Any]:
    row = line(tenant, file, 0, landed)
    kept = {name: row[name] for name in ("tenant", "object", "expires_at")}
    return {"pk": f"{tenant}#{file}", "sk": "progress", "progress": {"line": 40}, **kept}


OLD = [line("acme", "f1", number, LANDED_LONG_AGO) for number in range(40)]
OLD += [progress("acme", "f1", LANDED_LONG_AGO), line("globex", "f2", 7, LANDED_LONG_AGO)]
NEW = [line("acme", "f3", 1, LANDED_LATELY)]


@pytest.fixture
def bronze(dynamodb: Any, s3: Any) -> Any:
    for row in (*OLD, *NEW):
        dynamodb.put_item(TableName=BRONZE_CALL, Item=to_item(row))
    return dynamodb


def task(dynamodb: Any, archive: Any) -> BronzeArchive:
    rows = DynamoRows(dynamodb, BRONZE_CALL, ("pk", "sk"), Pace(1_000_000))
    return BronzeArchive(rows, archive, keep_days=60, clock=lambda: NOW)


def archive(s3: Any) -> S3Archive:
    return S3Archive(s3, ArchiveSettings(BUCKET))


def archived(s3: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        body = s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
        for text in gzip.decompress(body).decode().splitlines():
            yield found["Key"], json.loads(text)


def in_bronze(dynamodb: Any) -> list[dict[str, Any]]:
    return [from_item(row) for row in dynamodb.scan(TableName=BRONZE_CALL)["Items"]]


def by_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["pk"], row["sk"]))


def test_old_rows_are_in_the_archive_as_they_were_and_no_longer_in_bronze(
    bronze: Any, s3: Any
) -> None:
    # When
    account = task(bronze, archive(s3)).run(Budget(100))

    # Then
    assert (account.found, account.removed, account.done) == (len(OLD), len(OLD), True)
    found = list(archived(s3))
    assert by_key([row for _, row in found]) == by_key(OLD)
    assert in_bronze(bronze) == NEW
    for key, row in found:
        assert key.startswith(f"bronze/{row['tenant']}/2026-09-22/{row['object']['id']}/")
        assert key.endswith(".jsonl.gz")


def test_a_run_whose_time_is_over_stops_after_a_part_and_loses_nothing(
    bronze: Any, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given several pages of many parts, and time for one part in each run
    monkeypatch.setattr(rows_dynamodb, "PAGE_ROWS", 4)
    files: list[int] = [0]
    removed = 0
    account = task(bronze, archive(s3)).run(Budget(0, None))
    # The page has more parts: it is begun again.
    assert (account.removed > 0, account.position, account.done) == (True, None, False)

    # When
    while not account.done:
        files.append(len({key for key, _ in archived(s3)}))
        removed += account.removed
        account = task(bronze, archive(s3)).run(Budget(0, account.position))

    # Then
    assert {after - before for before, after in pairwise(files)} <= {0, 1}
    assert removed == len(OLD)
    assert by_key([row for _, row in archived(s3)]) == by_key(OLD)
    assert in_bronze(bronze) == NEW


def test_a_dry_run_counts_the_same_and_archives_nothing(bronze: Any, s3: Any) -> None:
    # When
    account = task(bronze, archive(s3)).run(Budget(100, dry_run=True))

    # Then
    assert (account.found, account.removed) == (len(OLD), len(OLD))
    assert list(archived(s3)) == []
    assert by_key(in_bronze(bronze)) == by_key(OLD + NEW)


def test_who_was_interrupted_before_the_removal_archives_the_same_again(
    bronze: Any, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a run that stored the parts and then ended
    class Interrupted(S3Archive):
        def keep(self, key: str, lines: list[str]) -> None:
            super().keep(key, lines)
            raise ArchiveIncomplete(key)

    first = task(bronze, Interrupted(s3, ArchiveSettings(BUCKET))).run(Budget(100))
    assert (first.removed, first.errors) == (0, len(OLD))
    parts = {key for key, _ in archived(s3)}

    # When
    second = task(bronze, archive(s3)).run(Budget(100))

    # Then
    assert second.removed == len(OLD)
    assert {key for key, _ in archived(s3)} == parts
    assert by_key([row for _, row in archived(s3)]) == by_key(OLD)


@pytest.mark.parametrize("read_back", [b"", b"not gzip", gzip.compress(b"{}\n", mtime=0)])
def test_what_cannot_be_read_back_whole_stays_in_bronze(
    bronze: Any, s3: Any, monkeypatch: pytest.MonkeyPatch, read_back: bytes
) -> None:
    # Given
    get = s3.get_object

    class Body:
        def read(self) -> bytes:
            return read_back

    monkeypatch.setattr(s3, "get_object", lambda **query: {**get(**query), "Body": Body()})

    # When
    account = task(bronze, archive(s3)).run(Budget(100))

    # Then
    assert (account.removed, account.errors) == (0, len(OLD))
    assert by_key(in_bronze(bronze)) == by_key(OLD + NEW)


def test_a_row_that_changes_while_it_is_archived_stays(bronze: Any, s3: Any) -> None:
    # Given
    changed = {**OLD[3], "raw": "something else"}

    class Busy(S3Archive):
        def keep(self, key: str, lines: list[str]) -> None:
            super().keep(key, lines)
            bronze.put_item(TableName=BRONZE_CALL, Item=to_item(changed))

    # When
    account = task(bronze, Busy(s3, ArchiveSettings(BUCKET))).run(Budget(100))

    # Then
    assert account.kept == 1
    assert by_key(in_bronze(bronze)) == by_key([changed, *NEW])


def test_a_row_that_does_not_say_whose_it_is_stays(bronze: Any, s3: Any) -> None:
    # Given
    strange = {"pk": "x#y#1", "sk": "0000000001", "expires_at": NOW}
    bronze.put_item(TableName=BRONZE_CALL, Item=to_item(strange))

    # When
    account = task(bronze, archive(s3)).run(Budget(100))

    # Then
    assert (account.removed, account.errors) == (len(OLD), 1)
    assert strange in in_bronze(bronze)
