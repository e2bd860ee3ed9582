"""Files of made-up call records: on disk, on standard output, or in the landing bucket."""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from tools.calls.generator import Made, written
from tools.stack.clients import client
from tools.stack.record import outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tools.stack.settings import Stack

__all__ = ["FileForm", "upload", "write"]


@dataclass(frozen=True)
class FileForm:
    """How a file is written: jsonl, list or json, packed or not."""

    format: str = "jsonl"
    gzip: bool = False

    @property
    def suffix(self) -> str:
        """The file's usual ending."""
        return (".jsonl" if self.format == "jsonl" else ".json") + (".gz" if self.gzip else "")


def write(
    made: Iterable[Made], form: FileForm, target: Path | None, report: Callable[[int], None]
) -> Counter[str]:
    """Write records to a file, or to standard output; return how many there are of each kind."""
    kinds: Counter[str] = Counter()

    def counted() -> Iterator[Made]:
        for number, record in enumerate(made, start=1):
            kinds[record.kind] += 1
            yield record
            if number % 1000 == 0:
                report(number)

    with _opened(target) as file, _packed(file, pack=form.gzip) as sink:
        for piece in written(counted(), form.format):
            sink.write(piece.encode(errors="surrogatepass"))
    return kinds


def upload(
    stack: Stack,
    tenant: str,
    name: str,
    fill: Callable[[Path], Counter[str]],
) -> tuple[str, Counter[str]]:
    """Put a file into the landing bucket of a local stack; return its address."""
    bucket = outputs(stack)["buckets"]["landing"]
    key = f"calls/{tenant}/{name}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "calls"
        kinds = fill(file)
        client(stack, "s3").upload_file(str(file), bucket, key)
    return f"s3://{bucket}/{key}", kinds


@contextmanager
def _opened(target: Path | None) -> Iterator[BinaryIO]:
    if target is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with target.open("wb") as file:
        yield file


@contextmanager
def _packed(file: BinaryIO, *, pack: bool) -> Iterator[BinaryIO]:
    if not pack:
        yield file
        return
    # No name and no time in it: the same records make the same file.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as packed:
        yield cast("BinaryIO", packed)
