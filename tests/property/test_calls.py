"""Files of any format, and the account of records under any crash, repeat and order."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from itemstream.calls import ingestion
from itemstream.calls.cleaning import clean
from itemstream.calls.files import UnreadableFile, lines_of
from itemstream.calls.ingestion import ingest
from itemstream.calls.model import NotClean, RawCall
from itemstream.calls.transformation import transform
from itemstream.dependencies import DependencyUnavailable
from tests.fakes.calls import (
    LANDED_AT,
    InMemoryBronze,
    InMemorySetAsides,
    InMemorySilver,
    call_file,
    said,
)
from tools.calls.generator import Mix, records, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from itemstream.calls.model import Call, CallFile, SetAside
    from itemstream.calls.transformation import Known

UNTIL = dt.datetime(2026, 11, 21, 6, tzinfo=dt.UTC)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def cut(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut a file into pieces of these sizes, again and again."""
    position = turn = 0
    while position < len(content):
        size = sizes[turn % len(sizes)]
        yield content[position : position + size]
        position, turn = position + size, turn + 1


@given(
    elements=st.lists(values, min_size=1, max_size=8),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    form=st.sampled_from(["jsonl", "list"]),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
    packed=st.booleans(),
)
def test_what_is_written_in_any_format_is_read_as_it_was(
    elements: list[Any],
    sizes: list[int],
    form: str,
    indent: int | None,
    ascii_only: bool,
    packed: bool,
) -> None:
    # Given
    spaces = indent if form == "list" else None
    texts = [json.dumps(one, indent=spaces, ensure_ascii=ascii_only) for one in elements]
    # A file whose first line begins with a bracket is a list.
    if form == "jsonl" and texts[0].startswith("["):
        texts[0] = "{}"
    content = ("\n".join(texts) if form == "jsonl" else f"[{','.join(texts)}]").encode()
    content = gzip.compress(content) if packed else content

    # When / Then
    read = list(lines_of(cut(content, sizes)))
    assert [line.fault for line in read] == [None] * len(texts)
    assert [line.raw for line in read] == texts


@given(content=st.binary(max_size=200), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_bytes_of_any_kind_make_lines_or_a_refusal(content: bytes, sizes: list[int]) -> None:
    for file in (content, b"[" + content, b'{"a": 1}\n' + content, gzip.compress(content)):
        try:
            read = list(lines_of(cut(file, sizes)))
        except UnreadableFile:
            continue
        numbers = [line.number for line in read]
        assert numbers == sorted(set(numbers))
        # Every line can be stored, and looked at by the transformer.
        for line in read:
            line.raw.encode()
            with_fault = RawCall("acme", "f" * 32, line.number, line.raw, LANDED_AT, line.fault)
            try:
                clean(with_fault)
            except NotClean as error:
                assert str(error)


@given(
    fields=st.dictionaries(st.sampled_from(sorted(said())), values, max_size=4),
    more=st.dictionaries(st.text(), values, max_size=2),
)
def test_a_record_with_any_values_is_clean_or_says_why(
    fields: dict[str, Any], more: dict[str, Any]
) -> None:
    try:
        call = clean(
            RawCall("acme", "f" * 32, 1, json.dumps({**more, **said(), **fields}), LANDED_AT)
        )
    except NotClean as error:
        assert str(error)
        return
    document = call.document
    # DynamoDB takes whole numbers and UTF-8.
    json.dumps(document, ensure_ascii=False).encode()
    assert not any(isinstance(value, float) for value in document.values())
    assert document["occurred_at"].startswith(document["hour"])


@given(seed=st.integers(0, 10**6), form=st.sampled_from(["jsonl", "list"]))
def test_generated_records_become_what_they_were_made_to_be(seed: int, form: str) -> None:
    # Given
    mix = Mix(broken=0.2, repeats=0.1, whole=form == "list")
    made = list(records(60, mix, seed=seed, until=UNTIL))
    content = "".join(written(made, form)).encode()
    bronze, silver, aside = InMemoryBronze(), InMemorySilver(), InMemorySetAsides()

    # When
    ingest(call_file(), [content], bronze)
    transform(bronze.inserted, silver, aside)

    # Then
    kinds = Counter(record.kind for record in made)
    assert len(silver.rows) == kinds["call"]
    assert len(aside.rejected) == kinds["broken"]
    assert len(aside.repeats) == kinds["repeat"]


class Crash(Exception):  # noqa: N818
    """The process is gone."""


@dataclass
class Luck:
    """What happens at each write: nothing, a crash before it, or one after it."""

    events: list[int] = field(default_factory=list)

    def strikes(self) -> int:
        return self.events.pop() if self.events else 0


class UnluckyBronze(InMemoryBronze):
    def __init__(self, luck: Luck) -> None:
        super().__init__()
        self.luck = luck

    def put(self, file: CallFile, records: Iterable[RawCall]) -> int:
        some = list(records)
        struck = self.luck.strikes()
        # A part of a batch may be there after a crash.
        super().put(file, some[: len(some) // 2] if struck == 1 else some)
        if struck:
            raise Crash
        return 1


class UnluckySilver(InMemorySilver):
    def __init__(self, luck: Luck) -> None:
        super().__init__()
        self.luck = luck

    def add(self, calls: list[Call]) -> dict[str, Known]:
        struck = self.luck.strikes()
        if struck == 1:
            raise DependencyUnavailable("DynamoDB")
        known = super().add(calls)
        if struck:
            raise Crash
        return known


class UnluckySetAsides(InMemorySetAsides):
    def __init__(self, luck: Luck) -> None:
        super().__init__()
        self.luck = luck

    def put(self, records: Iterable[SetAside]) -> None:
        some = list(records)
        struck = self.luck.strikes()
        super().put(some[: len(some) // 2] if struck == 1 else some)
        if struck:
            raise Crash


small = {"call_id": ["c-1", "c-2", "c-3", None], "status_code": [200, 404]}
line = st.one_of(
    st.builds(
        lambda call_id, status_code: json.dumps(said(call_id=call_id, status_code=status_code)),
        *(st.sampled_from(choices) for choices in small.values()),
    ),
    st.just("not json"),
)


@given(data=st.data())
def test_lines_are_calls_rejects_and_repeats_after_any_crash_repeat_and_order(
    data: st.DataObject,
) -> None:
    # Given files that share calls, agree and contradict each other
    files = data.draw(st.lists(st.lists(line, min_size=1, max_size=12), min_size=1, max_size=3))
    luck = Luck(data.draw(st.lists(st.sampled_from([0, 0, 1, 2]), max_size=25)))
    bronze, silver = UnluckyBronze(luck), UnluckySilver(luck)
    aside = UnluckySetAsides(luck)

    # When each file is delivered until it is done, and once more
    chunk_lines = ingestion.CHUNK_LINES
    ingestion.CHUNK_LINES = 3
    try:
        for number, texts in enumerate(files):
            content = "\n".join(texts).encode()
            for _ in range(2):
                while True:
                    try:
                        ingest(call_file(f"{number}"), [content], bronze)
                        break
                    except Crash:
                        continue
    finally:
        ingestion.CHUNK_LINES = chunk_lines

    # And bronze's stream in batches of any size and order, each until it is done, some once more
    assert bronze.changed == []
    waiting = data.draw(st.permutations(bronze.inserted))
    while waiting:
        size = data.draw(st.integers(1, len(waiting)))
        batch, waiting = waiting[:size], waiting[size:]
        done = False
        while not done:
            # A batch that fails may be cut in two, and the later half come first.
            tried = data.draw(st.sampled_from([batch, batch[len(batch) // 2 :]]))
            try:
                transform(tried, silver, aside)
                done = tried is batch
            except (Crash, DependencyUnavailable):
                continue

    # Then the account is whole
    origins = {record.origin for record in bronze.rows.values()}
    stored = {call.origin for call in silver.rows.values()}
    set_aside = set(aside.rows)
    assert len(origins) == sum(len(texts) for texts in files)
    assert stored | set_aside == origins
    assert not stored & set_aside
    for repeat in aside.repeats:
        assert repeat.repeat_of in stored
