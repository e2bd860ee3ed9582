"""Streams, their mappings' positions and waiting events are there again after a restart.

AWS: keeps a stream's records for 24 hours, and an asynchronous event for up to six
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
MiniStack 1.5.33: saves the positions but not the records, so that the first records after a
restart are skipped; forgets events that wait.

Records are appended to a file for each stream. Positions are saved as they were before all else,
by sequence number, and records after all else: a crash repeats records rather than skip them.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ministack import app
from ministack.core import persistence
from ministack.services import dynamodb, lambda_svc

from tools.local_aws import asynchronous_invocations, saved_state
from tools.local_aws.consumption import allowed, committing

_NAME = "itemstream_consumption"
_RETENTION_SECONDS = 24 * 60 * 60
_FOLDER = Path(persistence.STATE_DIR) / "streams"

# How many records of a stream are in its file, those that expired meanwhile included.
_written: dict[str, int] = {}


def apply() -> None:
    """Patch where ``ministack`` loads and saves, if it does; nothing is consumed before."""
    restore = lambda_svc._restore_esm_positions
    load = app._load_persisted_state

    def restore_but_streams(store: object, positions: object) -> None:
        if store is not lambda_svc._dynamodb_stream_positions:
            restore(store, positions)

    def load_with_streams() -> None:
        load()
        _load()
        allowed.set()

    if persistence.PERSIST_STATE:
        allowed.clear()
        lambda_svc._restore_esm_positions = restore_but_streams
        app._load_persisted_state = load_with_streams
        saved_state.keepers.append(_keep)


def _keep() -> Callable[[], None]:
    with committing:
        positions = _positions()
        events = asynchronous_invocations.pending()

    def finish() -> None:
        _append_records()
        # Events that were accepted meanwhile, and those that were done with meanwhile.
        waiting = {**asynchronous_invocations.pending(), **events}
        persistence.save_state(_NAME, {"positions": positions, "events": waiting})

    return finish


def _positions() -> list[list[str]]:
    """List account, region, mapping and the last sequence number it is done with, or ``""``."""
    found = []
    for account, region, mapping_id in list(lambda_svc._dynamodb_stream_positions._data):
        scope = (account, region)
        mapping = lambda_svc._esms.get_scoped(*scope, mapping_id)
        position = lambda_svc._dynamodb_stream_positions.get_scoped(*scope, mapping_id)
        if mapping is None or position is None:
            continue
        table = _table(mapping)
        records = dynamodb._stream_records.get_scoped(*scope, table) or []
        last = position - dynamodb._stream_trimmed.get_scoped(*scope, table, 0) - 1
        done = _sequence_number(records[last]) if 0 <= last < len(records) else ""
        found.append([account, region, mapping_id, done])
    return found


def _append_records() -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    streams = set()
    for (account, region, name), table in dynamodb._tables.all_items():
        arn = table.get("LatestStreamArn")
        records = dynamodb._stream_records.get_scoped(account, region, name)
        if not arn or records is None:
            continue
        streams.add(arn)
        trimmed = dynamodb._stream_trimmed.get_scoped(account, region, name, 0)
        start = max(_written.get(arn, 0), trimmed)
        new = records[start - trimmed :]
        with _file(arn).open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in new)
        _written[arn] = start + len(new)
    for gone in _written.keys() - streams:
        _file(gone).unlink(missing_ok=True)
        del _written[gone]


def _load() -> None:
    saved = persistence.load_state(_NAME) or {"positions": [], "events": {}}
    for (account, region, name), table in dynamodb._tables.all_items():
        arn = table.get("LatestStreamArn")
        if arn and _file(arn).exists():
            records = _read(_file(arn))
            # What expired, and a line that a crash cut off, would be in the way of what follows.
            _file(arn).write_text("".join(json.dumps(record) + "\n" for record in records))
            dynamodb._stream_records.set_scoped(account, region, name, records)
            _written[arn] = len(records)
    for account, region, mapping_id, done in saved["positions"]:
        mapping = lambda_svc._esms.get_scoped(account, region, mapping_id)
        if mapping is not None:
            table_name = _table(mapping)
            records = dynamodb._stream_records.get_scoped(account, region, table_name) or []
            position = sum(_sequence_number(record) <= done for record in records)
            lambda_svc._dynamodb_stream_positions.set_scoped(account, region, mapping_id, position)
    asynchronous_invocations.restore(saved["events"])


def _read(file: Path) -> list[dict[str, Any]]:
    oldest = time.time() - _RETENTION_SECONDS
    records = []
    for line in file.read_text().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            break
        if record["dynamodb"]["ApproximateCreationDateTime"] >= oldest:
            records.append(record)
    return records


def _file(arn: str) -> Path:
    return _FOLDER / f"{quote(arn, safe='')}.jsonl"


def _table(mapping: dict[str, Any]) -> str:
    return str(mapping["EventSourceArn"]).split("/stream/")[0].rpartition("/")[2]


def _sequence_number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
