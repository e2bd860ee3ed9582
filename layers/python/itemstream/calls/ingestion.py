"""From a file to bronze: every line once, whatever is repeated, and on from where it stopped.

A line's row is the same however often it is written, so a file may be read any number of times, by
several at once. How far it came is kept after each chunk; reading again passes over what is done.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import dropwhile
from typing import TYPE_CHECKING, Protocol

from itemstream.calls.files import lines_of
from itemstream.calls.model import CallFile, RawCall
from itemstream.dependencies import DependencyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from itemstream.calls.files import Line

__all__ = ["Bronze", "Ingested", "OutOfTime", "Progress", "ingest"]

# What may be lost to a crash, and what is held at once.
CHUNK_LINES = 1000
CHUNK_CHARACTERS = 2 * 1024 * 1024
# Lambda repeats an event twice and no more: an outage of half a minute is waited for here.
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 1.0


class OutOfTime(Exception):  # noqa: N818
    """The file is not done, and there is no time left: called again, it goes on where it is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file came: the last line that bronze has for certain, and whether that was all."""

    line: int = 0
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one reading of a file did."""

    lines: int
    calls: int


class Bronze(Protocol):
    """Where raw records are kept, and how far each file came."""

    def progress(self, file: CallFile) -> Progress:
        """Return how far a file came."""
        ...

    def advance(self, file: CallFile, progress: Progress) -> None:
        """Keep how far a file came."""
        ...

    def put(self, file: CallFile, records: Iterable[RawCall]) -> int:
        """Write records of a file, new or not; return with how many calls."""
        ...


def ingest(
    file: CallFile,
    chunks: Iterable[bytes],
    bronze: Bronze,
    *,
    out_of_time: Callable[[], bool] = lambda: False,
    pause: Callable[[float], None] = time.sleep,
) -> Ingested:
    """
    Write what a file holds to bronze, unless it is there.

    Parameters
    ----------
    file
        The file.
    chunks
        Its bytes; not touched if it is done.
    bronze
        Where to.
    out_of_time
        Says that it is time to stop; asked after each chunk, and while nothing is found as well.
    pause
        Waits for some seconds.

    Raises
    ------
    UnreadableFile
        If there is no record in it.
    OutOfTime
        If it had to stop.
    DependencyUnavailable
        If bronze stays away.
    """
    done = bronze.progress(file)
    if done.complete:
        return Ingested(0, 0)
    written = calls = 0
    last = done.line

    def watch() -> None:
        if out_of_time():
            raise OutOfTime(f"stopped after line {last}")

    fresh = dropwhile(lambda line: line.number <= done.line, lines_of(chunks, watch))
    for chunk in _chunks(fresh):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                calls += bronze.put(file, [_record(file, line) for line in chunk])
                bronze.advance(file, Progress(chunk[-1].number))
                break
            except DependencyUnavailable:
                if attempt == ATTEMPTS or out_of_time():
                    raise
                pause(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        written += len(chunk)
        last = chunk[-1].number
        watch()
    bronze.advance(file, Progress(last, complete=True))
    return Ingested(written, calls)


def _record(file: CallFile, line: Line) -> RawCall:
    return RawCall(file.tenant, file.id, line.number, line.raw, file.landed_at, line.fault)


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    characters = 0
    for line in lines:
        chunk.append(line)
        characters += len(line.raw)
        if len(chunk) == CHUNK_LINES or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk
