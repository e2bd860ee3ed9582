"""Files of call records, read as a stream: JSON Lines, a list or one object, plain or gzip.

Memory stays flat whatever the file holds: a record has at most 64 KiB, and no more than a few
hundred KiB of the file are held at once. Which format it is, its first bytes say, not its name.

Records keep the text they were sent as, so that bronze is what the client wrote. This is why a list
is split by the decoder of the standard library, which says where an element ends, rather than by a
streaming parser, which gives values and must hold each whole, however long it is.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["MAX_RECORD_BYTES", "Line", "UnreadableFile", "lines_of"]

MAX_RECORD_BYTES = 64 * 1024
# What is kept of something that is no record, for whoever looks into it.
EXCERPT_CHARACTERS = 1024
# What a file of 100 MB may unpack to: call records shrink to a tenth, never to a hundredth.
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_RATIO = 100
RATIO_COUNTS_FROM_BYTES = 16 * 1024 * 1024
# Empty lines count: of nothing else a small file can have so many.
MAX_RECORDS = 10_000_000
# A file may go on for long without giving a line.
WATCH_BYTES = 4 * 1024 * 1024

_CHUNK = 256 * 1024
_PIECE = 4096
_GZIP = b"\x1f\x8b"
_GZIP_BITS = zlib.MAX_WBITS | 16
_TOO_LONG = f"is longer than {MAX_RECORD_BYTES} bytes"
_NOT_TEXT = "is not UTF-8 text"
_BLANK = re.compile(r"[ \t\r\n]*")
_OF_NUMBERS = re.compile(r"[0-9.eE+-]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


class UnreadableFile(ValueError):  # noqa: N818
    """A file that holds no record at all. The message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """
    One record of a file, or the place where the file breaks.

    Parameters
    ----------
    number
        Its line, or its place in the list, from 1.
    raw
        Its text.
    fault
        Why it is no record; its text is then cut.
    """

    number: int
    raw: str
    fault: str | None = None


class _Broken(Exception):  # noqa: N818
    """The file cannot be read on from here; what was begun is in ``unfinished``."""

    unfinished = b""


def lines_of(chunks: Iterable[bytes], watch: Callable[[], None] = lambda: None) -> Iterator[Line]:
    """
    Read a file's records, in order.

    A file that breaks in the middle ends with one line whose fault says where and why.

    Parameters
    ----------
    chunks
        The file's bytes, in pieces of any size.
    watch
        Called every few MB, packed or not, whether they held a record or none; may raise.

    Raises
    ------
    UnreadableFile
        If nothing in it can be read.
    """
    last = 0
    try:
        for line in _records(_watched(_unpacked(_watched(iter(chunks), watch)), watch)):
            last = line.number
            yield line
    except _Broken as broken:
        if last == 0:
            raise UnreadableFile(str(broken)) from broken
        yield Line(last + 1, _excerpt(broken.unfinished), f"the file breaks here: {broken}")
        return
    if last == 0:
        raise UnreadableFile("the file is empty")


def _watched(chunks: Iterator[bytes], watch: Callable[[], None]) -> Iterator[bytes]:
    passed = 0
    for chunk in chunks:
        yield chunk
        passed += len(chunk)
        if passed >= WATCH_BYTES:
            passed = 0
            watch()


def _records(chunks: Iterator[bytes]) -> Iterator[Line]:
    head = _first_bytes(chunks)
    if b"\0" in head:
        raise _Broken("it is neither JSON in UTF-8 nor gzip of it")
    everything = _chain(head, chunks)
    if head[:1] == b"[":
        return _elements(everything)
    return _lines_or_object(everything)


def _first_bytes(chunks: Iterator[bytes]) -> bytes:
    """Return the beginning of the file, without its byte order mark and leading white space."""
    head = b""
    for chunk in chunks:
        head = (head + chunk).removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
        if len(head) > len(codecs.BOM_UTF8):
            break
    return head


def _chain(head: bytes, chunks: Iterator[bytes], broken: _Broken | None = None) -> Iterator[bytes]:
    yield head
    if broken is not None:
        raise broken
    yield from chunks


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_GZIP):
            break
    everything = _chain(head, chunks)
    return _gunzipped(everything) if head.startswith(_GZIP) else everything


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack a gzip file, which may have several members (RFC 1952, section 2.2)."""
    packed = unpacked = 0
    member = zlib.decompressobj(wbits=_GZIP_BITS)
    untouched = True
    for piece in _pieces(chunks):
        packed += len(piece)
        left = piece
        while left:
            if member.eof:
                # Zeros may pad the end.
                if not (left := left.lstrip(b"\0")):
                    break
                member, untouched = zlib.decompressobj(wbits=_GZIP_BITS), True
            try:
                content = member.decompress(left, _CHUNK)
            except zlib.error as error:
                raise _Broken(f"the gzip is damaged ({error})") from error
            untouched = False
            left = member.unused_data if member.eof else member.unconsumed_tail
            unpacked += len(content)
            if unpacked > MAX_UNPACKED_BYTES or (
                unpacked > RATIO_COUNTS_FROM_BYTES and unpacked > MAX_RATIO * packed
            ):
                raise _Broken("the gzip unpacks to more than a file may hold")
            if content:
                yield content
    if not (member.eof or untouched):
        raise _Broken("the gzip ends too early")


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut the file finely: what one piece holds is lost if it is damaged."""
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE]


def _lines_or_object(chunks: Iterator[bytes]) -> Iterator[Line]:
    """Tell one object on several lines from JSON Lines: it is small, and is JSON as a whole."""
    beginning, ended, broken = b"", False, None
    try:
        while len(beginning) <= MAX_RECORD_BYTES and not ended:
            chunk = next(chunks, None)
            beginning += chunk or b""
            ended = chunk is None
    except _Broken as error:
        broken = error
    if ended:
        whole = _text(beginning)
        if whole is not None and whole.strip() and _is_json(whole):
            yield Line(1, whole.strip())
            return
    yield from _lines(_chain(beginning, chunks, broken))


def _is_json(text: str) -> bool:
    try:
        _SKIMMER.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(chunks: Iterator[bytes]) -> Iterator[Line]:
    number = 1
    # The beginning of a line whose end is not there yet; of one that is too long, just enough to
    # know that.
    begun = b""
    try:
        for chunk in chunks:
            *ended, rest = chunk.split(b"\n")
            for end in ended:
                _bound(number)
                if begun:
                    end, begun = begun + end, b""
                if end and (line := _line(number, end)):
                    yield line
                number += 1
            if len(begun) <= MAX_RECORD_BYTES:
                begun += rest
    except _Broken as broken:
        broken.unfinished = begun
        raise
    if begun:
        _bound(number)
        if line := _line(number, begun):
            yield line


def _bound(number: int) -> None:
    if number > MAX_RECORDS:
        raise _Broken(f"it has more than {MAX_RECORDS} records, empty lines included")


def _line(number: int, content: bytes) -> Line | None:
    if len(content) > MAX_RECORD_BYTES:
        return Line(number, _excerpt(content), _TOO_LONG)
    content = content.strip()
    if not content:
        return None
    text = _text(content)
    if text is None:
        return Line(number, _excerpt(content), _NOT_TEXT)
    return Line(number, text)


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _excerpt(content: bytes) -> str:
    return content[:EXCERPT_CHARACTERS].decode(errors="backslashreplace")


# Values are not wanted here, only where they end: a number of 5,000 digits must not cost anything.
_SKIMMER = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)


class _Text:
    """Text that is read on as it is needed, and forgotten as it is used."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        # Bytes that are not UTF-8 spoil their own element only.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text = ""
        self.position = 0
        self.ended = False

    def read_on(self) -> bool:
        """Read some more; return whether there was any."""
        if self.ended:
            return False
        chunk = next(self._chunks, None)
        self.ended = chunk is None
        more = self._decoder.decode(chunk or b"", final=self.ended)
        self.text = self.text[self.position :] + more
        self.position = 0
        return not self.ended

    def next_mark(self) -> str:
        """Pass over white space and return the character there; empty at the end."""
        while True:
            match = _BLANK.match(self.text, self.position)
            self.position = match.end() if match else self.position
            if self.position < len(self.text):
                return self.text[self.position]
            if not self.read_on():
                return ""

    def element(self) -> str:
        """Pass over one JSON value and return its text."""
        while True:
            try:
                _, end = _SKIMMER.raw_decode(self.text, self.position)
            except RecursionError:
                raise _Broken("an element is nested too deeply") from None
            except ValueError as error:
                if len(self.text) - self.position > MAX_RECORD_BYTES:
                    raise _Broken(
                        f"an element is not JSON, or longer than {MAX_RECORD_BYTES} bytes"
                    ) from error
                if not self.read_on():
                    raise _Broken("an element is not JSON, or the file ends within it") from error
                continue
            length = end - self.position
            # A number may go on in the next chunk, as 1. does after 1.
            if _OF_NUMBERS.fullmatch(self.text, end) and self.read_on():
                continue
            found = self.text[self.position : self.position + length]
            self.position += length
            return found


def _elements(chunks: Iterator[bytes]) -> Iterator[Line]:
    text = _Text(chunks)
    text.next_mark()
    text.position += 1
    number = 0
    if text.next_mark() == "]":
        text.position += 1
    else:
        while True:
            number += 1
            _bound(number)
            text.next_mark()
            yield _element(number, text.element())
            mark = text.next_mark()
            text.position += 1
            if mark == "]":
                break
            if mark != ",":
                raise _Broken("the list ends without ]" if not mark else "a comma is missing")
    if text.next_mark():
        raise _Broken("something follows the list")


def _element(number: int, raw: str) -> Line:
    if _SURROGATE.search(raw):
        content = raw.encode(errors="surrogateescape")
        return Line(number, _excerpt(content), _NOT_TEXT)
    if len(raw) > MAX_RECORD_BYTES or len(raw.encode()) > MAX_RECORD_BYTES:
        return Line(number, raw[:EXCERPT_CHARACTERS], _TOO_LONG)
    return Line(number, raw)
