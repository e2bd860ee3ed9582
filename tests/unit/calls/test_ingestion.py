"""From files to bronze: once for each line, and on from where it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from itemstream.calls import ingestion
from itemstream.calls.ingestion import Ingested, OutOfTime, Progress, ingest
from itemstream.dependencies import DependencyUnavailable
from tests.fakes.calls import LANDED_AT, InMemoryBronze, call_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itemstream.calls.model import CallFile, RawCall

FILE = call_file()
LINES = [f'{{"n": {n}}}' for n in range(25)]
CONTENT = "\n".join(LINES).encode()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "CHUNK_LINES", 10)


class Failing(InMemoryBronze):
    """Bronze that fails at the nth write of a chunk, with a part of it written."""

    def __init__(self, *fail_at: int, error: type[Exception] = ConnectionError) -> None:
        super().__init__()
        self.fail_at = fail_at
        self.error = error
        self.puts: list[int] = []

    def put(self, file: CallFile, records: Iterable[RawCall]) -> int:
        some = list(records)
        self.puts.append(some[0].line)
        if len(self.puts) in self.fail_at:
            super().put(file, some[:3])
            raise self.error("DynamoDB")
        return super().put(file, some)


def test_every_line_is_kept_with_where_it_comes_from() -> None:
    bronze = InMemoryBronze()
    assert ingest(FILE, [CONTENT], bronze) == Ingested(25, 3)
    assert [row.raw for row in bronze.inserted] == LINES
    assert [row.line for row in bronze.inserted] == list(range(1, 26))
    assert {(r.tenant, r.file_id, r.ingested_at) for r in bronze.inserted} == {
        ("acme", FILE.id, LANDED_AT)
    }
    assert bronze.progress(FILE) == Progress(25, complete=True)


def test_a_file_that_is_done_is_not_even_read() -> None:
    # Given
    bronze = InMemoryBronze()
    ingest(FILE, [CONTENT], bronze)

    def unreadable() -> Any:
        raise AssertionError("read again")
        yield

    # When / Then
    assert ingest(FILE, unreadable(), bronze) == Ingested(0, 0)


def test_another_version_of_a_file_is_another_file() -> None:
    bronze = InMemoryBronze()
    files = [FILE, call_file(version="2"), call_file("b.jsonl"), call_file(tenant="other")]
    for file in files:
        ingest(file, [CONTENT], bronze)
    assert len(bronze.inserted) == 100
    assert len({file.id for file in files}) == 4


@pytest.mark.parametrize("fail_at", [1, 2, 3])
def test_after_a_crash_it_goes_on_where_it_was_and_changes_nothing(fail_at: int) -> None:
    # Given
    bronze = Failing(fail_at)
    with pytest.raises(ConnectionError):
        ingest(FILE, [CONTENT], bronze)

    # When
    ingest(FILE, [CONTENT], bronze)

    # Then the chunk that failed was written again, and no other
    assert bronze.puts == [1, 11, 21][:fail_at] + [1, 11, 21][fail_at - 1 :]
    assert sorted(row.line for row in bronze.inserted) == list(range(1, 26))
    assert bronze.changed == []


def test_an_outage_is_waited_for_a_while() -> None:
    # Given bronze that is away at the second chunk
    pauses: list[float] = []
    bronze = Failing(2, 3, 4, error=DependencyUnavailable)

    # When / Then
    ingest(FILE, [CONTENT], bronze, pause=pauses.append)
    assert bronze.puts == [1, 11, 11, 11, 11, 21]
    assert pauses == [1, 2, 4]
    assert len(bronze.inserted) == 25


def test_an_outage_that_goes_on_is_left_to_lambda() -> None:
    pauses: list[float] = []
    away = Failing(*range(100), error=DependencyUnavailable)
    with pytest.raises(DependencyUnavailable):
        ingest(FILE, [CONTENT], away, pause=pauses.append)
    assert sum(pauses) == 31
    with pytest.raises(DependencyUnavailable):
        ingest(FILE, [CONTENT], away, pause=pauses.append, out_of_time=lambda: True)
    assert sum(pauses) == 31


def test_it_stops_in_time_and_goes_on_when_called_again() -> None:
    # Given
    bronze = Failing()

    # When
    with pytest.raises(OutOfTime, match="after line 10"):
        ingest(FILE, [CONTENT], bronze, out_of_time=lambda: True)

    # Then
    assert bronze.progress(FILE) == Progress(10)
    assert ingest(FILE, [CONTENT], bronze) == Ingested(15, 2)
    assert bronze.puts == [1, 11, 21]


def test_it_stops_in_time_though_no_line_is_found() -> None:
    # Given a file that goes on and on after a line, and an end to the time
    bronze = Failing()
    seconds = iter(range(1000))
    blank = iter([b"1\n", *[b" " * 2**20] * 100])

    # When
    with pytest.raises(OutOfTime, match="after line 0"):
        ingest(FILE, blank, bronze, out_of_time=lambda: next(seconds) > 3)

    # Then
    assert len(list(blank)) > 50
    assert bronze.puts == []


def test_a_file_that_breaks_keeps_what_was_read_and_one_line_that_says_so() -> None:
    bronze = InMemoryBronze()
    assert ingest(FILE, [b"[1, 2, oh"], bronze) == Ingested(3, 1)
    *whole, broken = bronze.inserted
    assert [(row.raw, row.fault) for row in whole] == [("1", None), ("2", None)]
    assert (broken.line, str(broken.fault)[:21]) == (3, "the file breaks here:")
    assert bronze.progress(FILE).complete


def test_chunks_are_bounded_by_their_size_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "CHUNK_CHARACTERS", 16)
    bronze = Failing()
    ingest(FILE, [CONTENT], bronze)
    assert bronze.puts[:3] == [1, 3, 5]
