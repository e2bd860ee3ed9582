"""Raw call records that are older than they are kept: to the archive, and then out of bronze."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from itemstream.calls.model import RAW_DAYS
from itemstream.cleanup.tasks import Removal, Step, SteppedTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itemstream.cleanup.expired_rows import Row, ScannedRows

__all__ = ["Archive", "ArchiveIncomplete", "BronzeArchive"]

DAY_SECONDS = 24 * 3600


class ArchiveIncomplete(Exception):  # noqa: N818
    """What was archived is not what can be read back."""


class Archive(Protocol):
    """Where archived rows lie: S3."""

    def keep(self, key: str, lines: list[str]) -> None:
        """
        Store lines under a key, compressed, and read them back.

        Raises
        ------
        ArchiveIncomplete
            If they are not all there.
        DependencyUnavailable
            If that was not possible now.
        """


class BronzeArchive(SteppedTask):
    """
    Archives rows of bronze and removes them.

    The rows of a page that have a partition in common are a part of the archive, ``bronze/<tenant>/
    <day the file landed>/<file id>/<first>-<last>-<hash>.jsonl.gz``: JSON Lines, each a row with
    its key. Who archives the same rows again, after an interruption, writes the same part; other
    rows than before are another part, so that a row may stand in two parts and is in none never.

    Parameters
    ----------
    rows
        The table of bronze.
    archive
        Where they go.
    keep_days
        How long rows are kept after their file has landed; fewer than their time to live.
    clock
        Seconds since 1970.
    """

    name = "bronze"
    # As much as all the others: what is not archived in time nobody ever has again.
    share = 7

    def __init__(
        self,
        rows: ScannedRows,
        archive: Archive,
        *,
        keep_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rows = rows
        self._archive = archive
        self._ahead = (RAW_DAYS - keep_days) * DAY_SECONDS
        self._clock = clock

    def steps(self, position: str | None, *, dry_run: bool) -> Iterator[Step]:
        """Archive and remove rows; a step is a part: a page may hold a thousand of them."""
        while True:
            ended_by = int(self._clock()) + self._ahead
            page = self._rows.page(position, ended_by=ended_by, whole=True)
            if dry_run:
                yield Step(Removal(removed=len(page.rows)), page.position)
            else:
                ordered = sorted(page.rows, key=lambda row: (row["pk"], row["sk"]))
                for _, part in groupby(ordered, lambda row: row["pk"]):
                    # Who goes on where the page began finds what is left of it.
                    yield Step(self._move(list(part)), position, more=True)
                yield Step(Removal(), page.position)
            position = page.position

    def _move(self, rows: list[Row]) -> Removal:
        lines = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows]
        try:
            self._archive.keep(_part_key(rows, lines), lines)
        except (ArchiveIncomplete, KeyError, TypeError):
            # A row that does not say whose it is stays, and so does its part.
            return Removal(errors=len(rows))
        return self._rows.remove_unchanged(rows)


def _part_key(rows: list[Row], lines: list[str]) -> str:
    first, last = rows[0], rows[-1]
    landed = datetime.fromtimestamp(first["expires_at"] - RAW_DAYS * DAY_SECONDS, UTC)
    content = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    folder = f"bronze/{first['tenant']}/{landed:%Y-%m-%d}/{first['object']['id']}"
    return f"{folder}/{first['sk']}-{last['sk']}-{content}.jsonl.gz"
