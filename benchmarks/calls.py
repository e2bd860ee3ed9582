"""What a call record costs on its way from a file to silver, beside one AWS call for each record.

AWS calls are what is billed and what takes its time; the clock is the local AWS's. Then the whole
ingestor, with AWS played by a server that takes everything: its peak of memory for 10 and for
100 MB, which must be the same.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from benchmarks.local_tables import dynamodb_client, local_tables
from benchmarks.measure import ROOT, Comparison, console, function_environment, interleaved
from itemstream.calls.bronze_dynamodb import BronzeSettings, DynamoBronze
from itemstream.calls.cleaning import clean
from itemstream.calls.ingestion import ingest
from itemstream.calls.model import CallFile, NotClean, RawCall
from itemstream.calls.silver_dynamodb import (
    DynamoSetAsides,
    DynamoSilver,
    SetAsidesSettings,
    SilverSettings,
)
from itemstream.calls.transformation import transform
from itemstream.dynamodb.attribute_values import to_item
from itemstream.items.model import timestamp
from tools.calls.generator import Mix, records, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECORDS = 1000
CALLS, CPU, CLOCK = "AWS calls per record", "ms of CPU per record", "ms on the local AWS per record"
UNITS = (CALLS, CPU, CLOCK)
OURS, NAIVE = "ours", "call-per-record"
NOW = datetime.now(UTC)
LARGEST_MB = 256

_number = count(1)


class CountingClient:
    """A DynamoDB client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls += 1
            return getattr(self._client, name)(**arguments)

        return call


def main(rounds: int = 5) -> None:
    """Measure and report."""
    with local_tables() as endpoint:
        client = CountingClient(dynamodb_client(endpoint))
        make_tables(client)
        for title, ours, naive in (
            ("Call files into bronze", ingest_file, ingest_each),
            ("Call records into silver", transform_batches, transform_each),
        ):
            compare(
                title,
                {
                    NAIVE: partial(measured, client, naive),
                    OURS: partial(measured, client, ours),
                },
                rounds,
            )
    memory()


def compare(title: str, ways: dict[str, Callable[[], dict[str, float]]], rounds: int) -> None:
    """Measure ways in turn, and report what a record costs in each unit."""
    figures: dict[str, dict[str, list[float]]] = {unit: {way: [] for way in ways} for unit in UNITS}

    def measure(way: str) -> float:
        taken = ways[way]()
        for unit, figure in taken.items():
            figures[unit][way].append(figure)
        return taken[CLOCK]

    candidates = {way: partial(measure, way) for way in ways}
    interleaved(Comparison(title, CLOCK, NAIVE), candidates, rounds)
    for unit, goal in zip(UNITS, (0.1, 0.5, 0.8), strict=True):
        Comparison(f"{title}, {unit}", unit, NAIVE, {OURS: goal}, samples=figures[unit]).report()
    for way, clock in figures[CLOCK].items():
        console.print(f"{way}: {1000 / sorted(clock)[len(clock) // 2]:.0f} records a second")


def measured(
    client: CountingClient, way: Callable[[Any, CallFile, bytes], None]
) -> dict[str, float]:
    """Take a file of new records; return what one of them took."""
    number = next(_number)
    made = records(RECORDS, Mix(broken=0.05, repeats=0.02), seed=number, until=NOW)
    content = "".join(written(made, "jsonl")).encode()
    file = CallFile("bench", "landing", "calls/bench/a", str(number), timestamp(NOW))
    client.calls = 0
    clock, cpu = time.perf_counter(), time.process_time()
    way(client, file, content)
    return {
        CALLS: client.calls / RECORDS,
        CPU: (time.process_time() - cpu) * 1000 / RECORDS,
        CLOCK: (time.perf_counter() - clock) * 1000 / RECORDS,
    }


def ingest_file(client: Any, file: CallFile, content: bytes) -> None:
    """Write a file to bronze as the ingestor does."""
    ingest(file, [content], DynamoBronze(client, BronzeSettings("bronze")))


def ingest_each(client: Any, file: CallFile, content: bytes) -> None:
    """Write a file to bronze line by line."""
    for number, line in enumerate(content.splitlines(), 1):
        row = {"pk": f"naive#{file.id}", "sk": f"{number:010d}", "raw": line.decode()}
        client.put_item(TableName="bronze", Item=to_item(row))


def raw_calls(file: CallFile, content: bytes) -> Iterator[RawCall]:
    for number, line in enumerate(content.splitlines(), 1):
        yield RawCall(file.tenant, file.id, number, line.decode(), file.landed_at)


def transform_batches(client: Any, file: CallFile, content: bytes) -> None:
    """Write records to silver as the transformer does, in the batches of its stream."""
    silver = DynamoSilver(client, SilverSettings("silver"))
    aside = DynamoSetAsides(client, SetAsidesSettings("rejected"))
    batch = list(raw_calls(file, content))
    for start in range(0, len(batch), 500):
        transform(batch[start : start + 500], silver, aside)


def transform_each(client: Any, file: CallFile, content: bytes) -> None:
    """Clean and write record by record, each on condition that it is new."""
    for record in raw_calls(file, content):
        try:
            call = clean(record)
        except NotClean as error:
            row = {"pk": file.id, "sk": str(record.line), "reason": str(error)}
            client.put_item(TableName="rejected", Item=to_item(row))
            continue
        with suppress(ClientError):
            document = call.document
            keys = {
                "pk": f"naive#{call.id}",
                "day_key": f"naive#{document['day']}",
                "client_key": f"naive#{document['client_id']}",
                "occurred_key": f"{document['occurred_at']}#{call.id}",
            }
            client.put_item(
                TableName="silver",
                Item=to_item({**document, **keys}),
                ConditionExpression="attribute_not_exists(pk)",
            )


def make_tables(client: Any) -> None:
    """Make bronze, silver and the table of what is set aside."""
    indexes = {"by_day": "day_key", "by_client": "client_key"}
    for table, sort_key, by in (
        ("bronze", "sk", {}),
        ("rejected", "sk", {}),
        ("silver", None, indexes),
    ):
        names = {"pk", *by.values(), *([sort_key] if sort_key else [])}
        names |= {"occurred_key"} if by else set()
        secondary = [
            {
                "IndexName": index,
                "KeySchema": schema(partition, "occurred_key"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, partition in by.items()
        ]
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=schema("pk", sort_key),
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in sorted(names)
            ],
            **({"GlobalSecondaryIndexes": secondary} if secondary else {}),
        )


def schema(partition: str, sort_key: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort_key, "KeyType": "RANGE"}] if sort_key else [])


# --- Memory ---------------------------------------------------------------------------------------

RUN_INGESTOR = """
import json, resource, sys
from types import SimpleNamespace
from functions.processors.call_ingestor import handler
context = SimpleNamespace(
    function_name="call-ingestor",
    function_version="1",
    aws_request_id="1",
    get_remaining_time_in_millis=lambda: 900000,
)
handler(json.load(sys.stdin), context)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def memory() -> None:
    """Run the ingestor on files of several sizes and formats, and report its peak of memory."""
    peaks: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, form, megabytes in (
            ("lines-10-MB", "jsonl", 10),
            ("lines-100-MB", "jsonl", 100),
            ("list-100-MB", "list", 100),
            ("lines-packed-100-MB", "gzip", 100),
        ):
            file = Path(folder) / name
            lines = make_file(file, form, megabytes)
            began = time.perf_counter()
            peaks[name] = [peak_of(file)]
            seconds = time.perf_counter() - began
            peak = peaks[name][0]
            mark = "✓" if peak < LARGEST_MB else "✗"
            console.print(
                f"{name}: {lines / seconds:.0f} records a second, {mark} < {LARGEST_MB} MB"
            )
            file.unlink()
    goals = {name: 1.2 for name in peaks if name != "lines-10-MB"}
    Comparison("Memory of the call ingestor", "MB", "lines-10-MB", goals, samples=peaks).report()


def make_file(file: Path, form: str, megabytes: int) -> int:
    """Write a file of so many MB, unpacked; return how many records it holds."""
    some = [record.text for record in records(5000, Mix(), seed=1, until=NOW)]
    text = (",\n" if form == "list" else "\n").join(some).encode()
    times = megabytes * 10**6 // len(text)
    between = b",\n" if form == "list" else b"\n"
    with gzip.open(file, "wb", 1) if form == "gzip" else file.open("wb") as sink:
        sink.write(b"[" if form == "list" else b"")
        for number in range(times):
            sink.write((between if number else b"") + text)
        sink.write(b"]" if form == "list" else b"")
    return len(some) * times


def peak_of(file: Path) -> float:
    """Run the ingestor on a file; return its peak of memory in MB."""
    record = {
        "eventTime": timestamp(NOW),
        "s3": {
            "bucket": {"name": "landing", "arn": "arn:aws:s3:::landing"},
            "object": {"key": "calls/bench/a", "size": 1, "eTag": "e", "versionId": "1"},
        },
    }
    with taking_everything(file) as endpoint:
        done = subprocess.run(
            [sys.executable, "-c", RUN_INGESTOR],
            input=json.dumps({"Records": [record]}),
            env={
                **function_environment(endpoint),
                "BRONZE_CALL_TABLE": "bronze",
                "DEAD_LETTERS_QUEUE": "none",
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return float(done.stdout.strip().splitlines()[-1])


@contextmanager
def taking_everything(file: Path) -> Iterator[str]:
    """Run an AWS that has one object, and forgets every row as soon as it has it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def answer(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content_Length": str(len(content)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200, b"{}", Content_Type="application/x-amz-json-1.0")

        def do_HEAD(self) -> None:
            size = str(file.stat().st_size)
            modified = "Sat, 21 Nov 2026 06:00:00 GMT"
            self.answer(200, b"", Content_Length=size, Last_Modified=modified)

        def do_GET(self) -> None:
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert match is not None
            first, last = int(match[1]), int(match[2])
            with file.open("rb") as source:
                source.seek(first)
                content = source.read(last - first + 1)
            span = f"bytes {first}-{first + len(content) - 1}/{file.stat().st_size}"
            self.answer(206, content, Content_Range=span)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    main()
