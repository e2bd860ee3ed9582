"""Files of call records, whatever their format, size and condition."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest

from itemstream.calls import files
from itemstream.calls.files import MAX_RECORD_BYTES, Line, UnreadableFile, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS = [{"call_id": f"c-{n}", "path": "/ü/\n", "nested": [{"a": "]},{["}]} for n in range(5)]
TEXTS = [json.dumps(record) for record in RECORDS]


def read(content: bytes, size: int = 7) -> list[Line]:
    """Read a file that arrives in pieces so small that everything is cut somewhere."""
    return list(lines_of(content[i : i + size] for i in range(0, len(content), size)))


def texts(content: bytes, size: int = 7) -> list[str]:
    lines = read(content, size)
    assert [line.fault for line in lines] == [None] * len(lines)
    return [line.raw for line in lines]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 4096])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_each_format_gives_the_records_as_they_were_sent(pack: type[bytes], size: int) -> None:
    for form in (
        "\n".join(TEXTS),
        "\n".join(TEXTS) + "\n",
        "\r\n".join(TEXTS) + "\r\n",
        f"\ufeff{TEXTS[0]}\n" + "\n".join(TEXTS[1:]),
        f"[{','.join(TEXTS)}]",
        f"\n [\n{' ,'.join(TEXTS)}\n] \n",
        f"\ufeff [{','.join(TEXTS)}]",
    ):
        assert texts(pack(form.encode()), size) == TEXTS


def test_one_object_may_stand_on_several_lines() -> None:
    pretty = json.dumps(RECORDS[0], indent=2)
    assert texts(pretty.encode()) == [pretty]
    assert texts(gzip.compress(pretty.encode())) == [pretty]
    assert texts(TEXTS[0].encode()) == [TEXTS[0]]


def test_a_record_keeps_its_line_though_lines_are_empty() -> None:
    lines = read(b'\n\n{"a": 1}\n   \n\r\n{"b": 2}')
    assert [(line.number, line.raw) for line in lines] == [(1, '{"a": 1}'), (4, '{"b": 2}')]


def test_what_is_no_json_is_a_line_all_the_same() -> None:
    assert texts(b'{"a": 1}\nnot json\n{"b":\n') == ['{"a": 1}', "not json", '{"b":']


@pytest.mark.parametrize("value", ["12", "-1.5e3", '"]"', "null", "true", '"\\""', "[[],{}]"])
def test_elements_of_a_list_may_be_of_any_kind(value: str) -> None:
    for size in (1, 3, 100):
        assert texts(f"[{value} , {value}]".encode(), size) == [value, value]


def test_a_line_that_is_too_long_is_cut_and_spoils_no_other() -> None:
    long = "x" * (MAX_RECORD_BYTES + 1)
    for size in (1000, 10**6):
        first, cut, last = read(f"{TEXTS[0]}\n{long}\n{TEXTS[1]}".encode(), size)
        assert (first.raw, last.raw) == (TEXTS[0], TEXTS[1])
        assert cut == Line(2, "x" * 1024, "is longer than 65536 bytes")
        assert [line.number for line in (first, cut, last)] == [1, 2, 3]


def test_the_longest_line_is_whole() -> None:
    longest = "x" * MAX_RECORD_BYTES
    assert texts(f"{longest}\n{longest}".encode(), 1000) == [longest, longest]


def test_an_element_that_is_too_long_is_cut_or_ends_the_list() -> None:
    # Given one that a chunk holds whole, and one that no chunk holds
    element = json.dumps("x" * (MAX_RECORD_BYTES - 1))
    cut, after = read(f"[{element}, 1]".encode(), 10**6)
    assert (cut.fault, len(cut.raw), after.raw) == ("is longer than 65536 bytes", 1024, "1")

    *_, broken = read(f"[1, {json.dumps('x' * 10 * MAX_RECORD_BYTES)}]".encode(), 50_000)
    assert broken.number == 2
    assert "not JSON, or longer" in str(broken.fault)


def test_bytes_that_are_no_text_spoil_their_own_record_only() -> None:
    for content in (
        b'{"a": 1}\n{"b": "\xff\xfe"}\n{"c": 3}',
        b'[{"a": 1},{"b": "\xff\xfe"},{"c": 3}]',
    ):
        first, bad, last = read(content)
        assert (first.raw, first.fault) == ('{"a": 1}', None)
        assert (bad.raw, bad.fault) == ('{"b": "\\xff\\xfe"}', "is not UTF-8 text")
        assert (last.raw, last.fault) == ('{"c": 3}', None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"[]", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (gzip.compress(b"\n", mtime=0), "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "neither JSON in UTF-8 nor gzip"),
        ('{"a": 1}'.encode("utf-16"), "neither JSON in UTF-8 nor gzip"),
        (
            gzip.compress(gzip.compress(b'{"a": 1}', mtime=0), mtime=0),
            "neither JSON in UTF-8 nor gzip",
        ),
        (b"\x1f\x8bxxxxxxxxxxxxxxxxxx", "gzip is damaged"),
        (b"\x1f\x8b", "gzip ends too early"),
        (b"[", "ends within it"),
        (b"[not json]", "ends within it"),
        (b"[" * 5000, "nested too deeply"),
    ],
)
def test_a_file_without_a_record_is_unreadable(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read(content, 4096)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("form", ["lines", "list"])
def test_a_truncated_gzip_keeps_what_was_read_and_says_where_it_breaks(
    form: str, kept: float
) -> None:
    # Given records that hardly shrink
    made = [json.dumps({"n": n, "hash": zlib.crc32(str(n).encode())}) for n in range(5000)]
    text = "\n".join(made) if form == "lines" else f"[{','.join(made)}]"
    packed = gzip.compress(text.encode())

    # When
    *whole, broken = read(packed[: int(len(packed) * kept)], 4096)

    # Then
    assert [line.raw for line in whole] == made[: len(whole)]
    assert len(whole) > 5000 * kept / 2
    assert broken.number == len(whole) + 1
    assert broken.fault == "the file breaks here: the gzip ends too early"
    if form == "lines":
        assert made[len(whole)].startswith(broken.raw)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[1, 2", "ends without ]"),
        (b"[1, 2,", "ends within it"),
        (b"[1, 2,]", "not JSON"),
        (b"[1, 2 3]", "comma is missing"),
        (b"[1, 2] 3", "something follows"),
        (b"[1, 2, {]", "not JSON"),
        (b"[1, 2, " + b"[" * 5000 + b"]" * 5000 + b"]", "nested too deeply"),
    ],
)
def test_a_list_that_breaks_says_where_and_why(content: bytes, reason: str) -> None:
    *whole, broken = read(content, 4096)
    assert [line.raw for line in whole] == ["1", "2"]
    assert broken.number == 3
    assert reason in str(broken.fault)


def test_a_gzip_may_have_several_members_and_be_padded() -> None:
    parts = [gzip.compress(f"{text}\n".encode()) for text in TEXTS]
    for size in (1, 5, 10**6):
        assert texts(b"".join(parts) + b"\0" * 20, size) == TEXTS
    *whole, broken = read(b"".join(parts) + b"junk", 10**6)
    assert len(whole) == len(TEXTS)
    assert "gzip is damaged" in str(broken.fault)


def test_a_bomb_stops_where_a_file_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a gzip that grows a thousandfold
    bomb = gzip.compress(b'{"a": 1}\n' + b" " * (40 * 1024 * 1024))
    assert len(bomb) < 100_000

    # When, then it is left when it has grown a hundredfold, beyond what any small file may
    tracemalloc.start()
    first, long_line = itertools.islice(lines_of([bomb]), 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert first.raw == '{"a": 1}'
    assert long_line.fault == "the file breaks here: the gzip unpacks to more than a file may hold"
    assert peak < 4 * 1024 * 1024

    # And however well it shrinks, there is an end
    monkeypatch.setattr(files, "MAX_UNPACKED_BYTES", 400_000)
    *_, broken = read(gzip.compress(b"12345\n" * 100_000), 10**6)
    assert "more than a file may hold" in str(broken.fault)


@pytest.mark.parametrize(
    ("whole", "more"), [(b"1\n\n3\n", b"4\n"), (b"1\n\n3", b"\n4"), (b"[1,2,3]", b"")]
)
def test_a_file_of_too_many_records_breaks_there(
    whole: bytes, more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(files, "MAX_RECORDS", 3)
    assert [line.fault for line in read(whole)] == [None] * len(read(whole))

    # When
    *read_well, broken = read(whole + more if more else b"[1,2,3,4]")

    # Then
    assert [line.raw for line in read_well] == [line.raw for line in read(whole)]
    assert broken.number == 4
    assert "more than 3 records" in str(broken.fault)


def test_a_file_of_nothing_but_line_ends_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given one line, so that the line ends do not count as the file's beginning
    monkeypatch.setattr(files, "MAX_RECORDS", 100_000)
    given = iter([b"1\n", *[b"\n" * 65_536] * 50])

    # When
    first, broken = lines_of(given)

    # Then
    assert (first.raw, broken.number) == ("1", 2)
    assert len(list(given)) > 40


@pytest.mark.parametrize(
    "content",
    [
        b"1\n" + b" " * (12 * 1024 * 1024),
        b" " * (12 * 1024 * 1024),
        b"[" + b" " * (12 * 1024 * 1024),
        b"[1," + b"\n" * (12 * 1024 * 1024),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_is_watched_while_it_gives_nothing(pack: type[bytes], content: bytes) -> None:
    # Given
    class Enough(Exception):  # noqa: N818
        pass

    def watch() -> None:
        raise Enough

    packed = pack(content)
    given = iter([packed[i : i + 65_536] for i in range(0, len(packed), 65_536)])

    # When
    with pytest.raises(Enough):
        list(lines_of(given, watch))

    # Then a third was read, and not much more
    if pack is bytes:
        assert len(list(given)) >= 192 - 65


def test_a_gzip_of_empty_members_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WATCH_BYTES", 10_000)
    watched: list[int] = []
    empty = gzip.compress(b"", mtime=0) * 100
    with pytest.raises(UnreadableFile, match="empty"):
        list(lines_of([empty] * 20, lambda: watched.append(1)))
    assert len(watched) == len(empty) * 20 // 10_000


@pytest.mark.parametrize("form", ["lines", "list", "gzip"])
def test_memory_stays_flat(form: str) -> None:
    # Given a file of 30 MB that is never whole in memory
    def chunks() -> Iterator[bytes]:
        chance = random.Random(7)
        yield b"[" if form == "list" else b""
        for _ in range(900):
            path = "/" + chance.randbytes(150).hex()
            record = json.dumps({"call_id": "c", "path": path})
            yield (f"{record},\n" if form == "list" else f"{record}\n").encode() * 100
        yield b"1]" if form == "list" else b"1"

    def packed() -> Iterator[bytes]:
        gzip_file = zlib.compressobj(wbits=31)
        yield from (gzip_file.compress(chunk) for chunk in chunks())
        yield gzip_file.flush()

    source = packed() if form == "gzip" else chunks()

    # When
    tracemalloc.start()
    count = sum(1 for _ in lines_of(source))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Then
    assert count == 90_001
    assert peak < 2 * 1024 * 1024
