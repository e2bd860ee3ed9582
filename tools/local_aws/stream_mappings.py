"""DynamoDB streams invoke functions as their event source mappings say.

AWS: each mapping reads on its own. A batch goes out when it is full, when its window ends or when
it reaches 6 MB; up to ParallelizationFactor of them at once, and changes of one item in order. A
failed batch holds up only what shares its lane: it is tried again, with growing pauses, until its
retries or its age are used up, split in two on request (which costs no retry) and, with
ReportBatchItemFailures, taken up again at the lowest failed sequence number. What is given up
leaves an invocation record at the on-failure destination. A function that could not be invoked
(throttled, say) is tried until the records' age ends
(https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html).
MiniStack 1.5.33: reads all streams in one thread, which delays queues too; retries for ever; does
not split; takes a reported failure for a success; has no window and no parallel batches; leaves
defaults out of what it answers about a mapping.
"""

import heapq
import json
import logging
import os
import threading
import time
import uuid
import zlib
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import _request_account_id, _request_region, json_response
from ministack.services import dynamodb, dynamodb_streams, lambda_svc

from tools.local_aws.consumption import allowed, committing
from tools.local_aws.destinations import instant, send
from tools.local_aws.lambda_host import NOT_INVOKED
from tools.local_aws.weighted_aliases import EXECUTED_VERSION

# AWS documents growing pauses, not their length.
_PAUSE_SECONDS = float(os.environ.get("ITEMSTREAM_STREAM_RETRY_SECONDS", "0.5"))
_LONGEST_PAUSE_SECONDS = 20 * _PAUSE_SECONDS
# How soon a change of a mapping, or of its function, is noticed.
_LOOK_SECONDS = 0.25
_READ_AT_ONCE = 1000
_PAYLOAD_BYTES = 6 * 1024 * 1024
_RETENTION_SECONDS = 24 * 60 * 60
_DEFAULTS = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "ParallelizationFactor": 1,
    "DestinationConfig": {"OnFailure": {}},
    "TumblingWindowInSeconds": 0,
}
_RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
_TOO_OLD = "RecordAgeExceeded"

_log = logging.getLogger("itemstream.stream_mappings")
_written: defaultdict[str, list[threading.Event]] = defaultdict(list)
_readers: dict[str, "_Reader"] = {}

# Where a record stands in its stream, and the record.
_Placed = tuple[int, dict[str, Any]]


def apply() -> None:
    """Patch ``ministack.services.lambda_svc`` and the place where DynamoDB writes to a stream."""
    emit = dynamodb._emit_stream_event
    create, update = lambda_svc._create_esm, lambda_svc._update_esm

    def emit_and_wake(table_name: str, *args: Any, **kwargs: Any) -> None:
        emit(table_name, *args, **kwargs)
        for waiting in _written[table_name]:
            waiting.set()

    def create_whole(data: dict[str, Any]) -> Any:
        if ":dynamodb:" not in data.get("EventSourceArn", ""):
            return create(data)
        return _with_tumbling_window(create({**_DEFAULTS, **data}), {**_DEFAULTS, **data})

    def update_whole(mapping_id: str, data: dict[str, Any]) -> Any:
        return _with_tumbling_window(update(mapping_id, data), data)

    dynamodb._emit_stream_event = emit_and_wake
    lambda_svc._create_esm = create_whole
    lambda_svc._update_esm = update_whole
    lambda_svc._poll_dynamodb_streams = _watch_over_readers


def _with_tumbling_window(answer: Any, data: dict[str, Any]) -> Any:
    status, _, body = answer
    mapping = lambda_svc._esms.get(json.loads(body).get("UUID"))
    if mapping is None or "TumblingWindowInSeconds" not in data:
        return answer
    mapping["TumblingWindowInSeconds"] = data["TumblingWindowInSeconds"]
    return json_response(lambda_svc._esm_response(mapping), status)


def _watch_over_readers() -> bool:
    """Start a reader for each new mapping of a stream; nothing is left for MiniStack to do."""
    for account, region, mapping in lambda_svc._iter_all_esms():
        mapping_id = mapping["UUID"]
        if mapping_id not in _readers and ":dynamodb:" in mapping.get("EventSourceArn", ""):
            _readers[mapping_id] = _Reader(account, region, mapping_id)
            _readers[mapping_id].start()
    return False


class _Reader(threading.Thread):
    """Reads the stream of one mapping for as long as the mapping exists."""

    def __init__(self, account: str, region: str, mapping_id: str) -> None:
        super().__init__(name=f"stream-{mapping_id}", daemon=True)
        self._account, self._region, self._mapping_id = account, region, mapping_id
        self._new_records = threading.Event()

    def run(self) -> None:
        _request_account_id.set(self._account)
        _request_region.set(self._region)
        try:
            while (mapping := lambda_svc._esms.get(self._mapping_id)) is not None:
                if (table := _readable_table(mapping)) is None:
                    time.sleep(_LOOK_SECONDS)
                    continue
                _written[table].append(self._new_records)
                try:
                    self._read(mapping, table)
                finally:
                    _written[table].remove(self._new_records)
        finally:
            del _readers[self._mapping_id]

    def _read(self, mapping: dict[str, Any], table: str) -> None:
        """Hand records to lanes until the mapping stops being what it is now."""
        position = _position(mapping, table)
        progress = _Progress(self._mapping_id, position)
        factor = mapping.get("ParallelizationFactor") or 1
        lanes = [
            _Lane(mapping, progress, self._account, self._region, number)
            for number in range(factor)
        ]
        for lane in lanes:
            lane.start()
        try:
            while (
                _readable_table(mapping) == table
                and (mapping.get("ParallelizationFactor") or 1) == factor
            ):
                position = max(position, dynamodb.stream_start_position(table))
                records = dynamodb.stream_records_since(table, position, _READ_AT_ONCE)
                placed = list(enumerate(records, position))
                position += len(records)
                self._hand_out(mapping, placed, lanes, progress)
                if not records:
                    self._new_records.wait(_LOOK_SECONDS)
                    self._new_records.clear()
        finally:
            for lane in lanes:
                lane.stop()
            for lane in lanes:
                lane.join()

    def _hand_out(
        self,
        mapping: dict[str, Any],
        placed: list[_Placed],
        lanes: list["_Lane"],
        progress: "_Progress",
    ) -> None:
        progress.begin(place for place, _ in placed)
        shares: list[list[_Placed]] = [[] for _ in lanes]
        left_out = []
        for item in placed:
            if lambda_svc._apply_filter_criteria([item[1]], mapping):
                keys = json.dumps(item[1]["dynamodb"]["Keys"], sort_keys=True)
                shares[zlib.crc32(keys.encode()) % len(lanes)].append(item)
            else:
                left_out.append(item[0])
        # At once, so that a batch is as full as what was read allows.
        for lane, share in zip(lanes, shares, strict=True):
            if share:
                lane.add(share)
        progress.finish(left_out)


def _readable_table(mapping: dict[str, Any]) -> str | None:
    """Name the table whose stream `mapping` may read now."""
    if (
        not allowed.is_set()
        or lambda_svc._esms.get(mapping["UUID"]) is not mapping
        or not mapping.get("Enabled", True)
    ):
        return None
    arn = mapping["EventSourceArn"]
    name = str(arn).split("/stream/")[0].rpartition("/")[2]
    table = dynamodb._tables.get(name)
    return name if table and table.get("LatestStreamArn") == arn else None


def _position(mapping: dict[str, Any], table: str) -> int:
    """Return the position from which `mapping` reads on, and keep it."""
    horizon = dynamodb.stream_start_position(table)
    end = dynamodb.stream_end_position(table)
    first = horizon if mapping.get("StartingPosition") == "TRIM_HORIZON" else end
    with lambda_svc._dynamodb_stream_positions_lock:
        positions = lambda_svc._dynamodb_stream_positions
        position = min(max(positions.get(mapping["UUID"], first), horizon), end)
        positions[mapping["UUID"]] = position
    return int(position)


class _Progress:
    """What of a stream is done with: its mapping's position is the first record that is not."""

    def __init__(self, mapping_id: str, position: int) -> None:
        self._mapping_id = mapping_id
        self._next = position
        self._open: list[int] = []
        self._finished: set[int] = set()
        self._lock = threading.Lock()

    def begin(self, places: Iterable[int]) -> None:
        """Note records that are handed out, in the stream's order."""
        with self._lock:
            for place in places:
                heapq.heappush(self._open, place)
                self._next = place + 1

    def finish(self, places: Iterable[int]) -> None:
        """Note records that are done with, in any order."""
        with self._lock:
            self._finished.update(places)
            while self._open and self._open[0] in self._finished:
                self._finished.remove(heapq.heappop(self._open))
            position = self._open[0] if self._open else self._next
            with lambda_svc._dynamodb_stream_positions_lock:
                if self._mapping_id in lambda_svc._esms:
                    lambda_svc._dynamodb_stream_positions[self._mapping_id] = position


@dataclass(frozen=True)
class _Batch:
    """Records on their way to the function, and what was tried with them.

    Attributes
    ----------
    retries
        How many of the mapping's retries they have used up.
    refusals
        How often in a row the function could not be invoked.
    """

    records: list[_Placed]
    retries: int = 0
    invocations: int = 0
    refusals: int = 0
    result: dict[str, Any] = field(default_factory=dict)

    def of(self, records: list[_Placed], **changes: Any) -> "_Batch":
        """Return a batch of some of the records with the same past, but for `changes`."""
        return _Batch(**{**self.__dict__, "records": records, **changes})


class _Lane(threading.Thread):
    """One of a mapping's concurrent batches: its records go to the function in order."""

    def __init__(
        self, mapping: dict[str, Any], progress: _Progress, account: str, region: str, number: int
    ) -> None:
        super().__init__(name=f"stream-{mapping['UUID']}-{number}", daemon=True)
        self._mapping, self._progress = mapping, progress
        self._account, self._region = account, region
        self._waiting: deque[_Placed] = deque()
        self._sizes: deque[int] = deque()
        self._changed = threading.Condition()
        self._stopping = threading.Event()

    def add(self, items: list[_Placed]) -> None:
        """Queue records."""
        # Each with the comma between two of them.
        sizes = [len(json.dumps(record, ensure_ascii=False).encode()) + 2 for _, record in items]
        with self._changed:
            self._waiting.extend(items)
            self._sizes.extend(sizes)
            self._changed.notify()

    def stop(self) -> None:
        """End soon: a running invocation still comes to its result."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()

    def run(self) -> None:
        _request_account_id.set(self._account)
        _request_region.set(self._region)
        while allowed.is_set() and not self._stopping.is_set():
            if records := self._next_records():
                try:
                    self._process(_Batch(records))
                except Exception:
                    # A defect here: without this the lane would end, and its records with it.
                    _log.exception("The batch stays where it is")
                    self._stopping.wait(_LONGEST_PAUSE_SECONDS)
                    self._put_back(records)

    def _put_back(self, records: list[_Placed]) -> None:
        with self._changed:
            self._waiting.extendleft(reversed(records))
            self._sizes.extendleft([0] * len(records))

    def _next_records(self) -> list[_Placed]:
        size = int(self._mapping.get("BatchSize") or 100)
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping.is_set())
            self._changed.wait_for(
                lambda: (
                    len(self._waiting) >= size
                    or sum(self._sizes) > _PAYLOAD_BYTES
                    or self._stopping.is_set()
                ),
                timeout=self._mapping.get("MaximumBatchingWindowInSeconds") or 0,
            )
            records: list[_Placed] = []
            total = 0
            while self._waiting and len(records) < size and not self._stopping.is_set():
                total += self._sizes[0]
                if records and total > _PAYLOAD_BYTES:
                    break
                self._sizes.popleft()
                records.append(self._waiting.popleft())
            return records

    def _process(self, first: _Batch) -> None:
        work = [first]
        while work and allowed.is_set() and not self._stopping.is_set():
            batch = self._without_aged(work.pop())
            if batch.records:
                # Last in, first out: what comes first in the stream is pushed last.
                work.extend(reversed(self._attempt(batch)))

    def _without_aged(self, batch: _Batch) -> _Batch:
        limit = int(self._mapping.get("MaximumRecordAgeInSeconds") or -1)
        oldest = time.time() - (limit if limit > 0 else _RETENTION_SECONDS)
        aged = [item for item in batch.records if _created(item) < oldest]
        if not aged:
            return batch
        self._give_up(batch.of(aged), _TOO_OLD)
        return batch.of(batch.records[len(aged) :])

    def _attempt(self, batch: _Batch) -> list[_Batch]:
        """Invoke the function; return what is left to do, in the stream's order."""
        function, config = lambda_svc._get_func_record_for_qualifier(
            self._mapping["FunctionName"], self._mapping.get("Qualifier")
        )
        if function is None:
            return self._again(batch, refusals=batch.refusals + 1)
        invoked = {**function, "config": {**config, "FunctionArn": self._mapping["FunctionArn"]}}
        result = lambda_svc._execute_function(
            invoked, {"Records": [record for _, record in batch.records]}
        )
        if not allowed.is_set():
            return []
        if result.get("throttle") or result.get(NOT_INVOKED):
            return self._again(batch, refusals=batch.refusals + 1)
        tried = batch.of(
            batch.records,
            invocations=batch.invocations + 1,
            refusals=0,
            result=result,
        )
        failed_from = _first_failure(result, batch.records, self._mapping)
        self._mapping["LastProcessingResult"] = (
            "OK" if failed_from is None else "PROBLEM: Function call failed"
        )
        if failed_from is None:
            self._finish(batch.records)
            return []
        self._finish(batch.records[:failed_from])
        return self._after_failure(tried.of(batch.records[failed_from:]), parted=failed_from > 0)

    def _after_failure(self, batch: _Batch, *, parted: bool) -> list[_Batch]:
        limit = self._mapping.get("MaximumRetryAttempts")
        if self._mapping.get("BisectBatchOnFunctionError"):
            if parted:
                return [batch]
            if len(batch.records) > 1:
                half = (len(batch.records) + 1) // 2
                return [batch.of(batch.records[:half]), batch.of(batch.records[half:])]
        if limit is not None and 0 <= int(limit) <= batch.retries:
            self._give_up(batch, _RETRIES_EXHAUSTED)
            return []
        return self._again(batch, retries=batch.retries + 1)

    def _again(self, batch: _Batch, **changes: int) -> list[_Batch]:
        tried = max(changes.values())
        pause = min(_PAUSE_SECONDS * 2 ** min(tried - 1, 10), _LONGEST_PAUSE_SECONDS)
        self._stopping.wait(min(pause, self._seconds_left(batch)))
        return [batch.of(batch.records, **changes)]

    def _seconds_left(self, batch: _Batch) -> float:
        """Return when the oldest record will be too old, so that it is not kept any longer."""
        limit = int(self._mapping.get("MaximumRecordAgeInSeconds") or -1)
        if limit <= 0:
            return _RETENTION_SECONDS
        return max(0.05, _created(batch.records[0]) + limit - time.time())

    def _give_up(self, batch: _Batch, condition: str) -> None:
        destination = self._mapping.get("DestinationConfig", {}).get("OnFailure", {})
        with committing:
            if not allowed.is_set():
                return
            if arn := destination.get("Destination"):
                send(arn, json.dumps(_invocation_record(self._mapping, batch, condition)))
            self._finish(batch.records)

    def _finish(self, records: list[_Placed]) -> None:
        with committing:
            if allowed.is_set():
                self._progress.finish(place for place, _ in records)


def _created(item: _Placed) -> float:
    return float(item[1]["dynamodb"]["ApproximateCreationDateTime"])


def _first_failure(
    result: dict[str, Any], records: list[_Placed], mapping: dict[str, Any]
) -> int | None:
    """Return where the records begin that failed, if any did.

    An answer that cannot be understood means that all of them did.
    """
    if result.get("error"):
        return 0
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or ()):
        return None
    answer = result.get("body")
    if answer is None:
        return None
    places = {record["dynamodb"]["SequenceNumber"]: n for n, (_, record) in enumerate(records)}
    try:
        failures = answer.get("batchItemFailures") or ()
        return min((places[failure["itemIdentifier"]] for failure in failures), default=None)
    except (AttributeError, TypeError, KeyError):
        return 0


def _invocation_record(mapping: dict[str, Any], batch: _Batch, condition: str) -> dict[str, Any]:
    first, last = batch.records[0][1]["dynamodb"], batch.records[-1][1]["dynamodb"]
    response: dict[str, Any] = {}
    if batch.invocations:
        response = {"statusCode": 200, "executedVersion": batch.result[EXECUTED_VERSION]}
        if batch.result.get("error"):
            response["functionError"] = batch.result.get("function_error") or "Unhandled"
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping["FunctionArn"],
            "condition": condition,
            "approximateInvokeCount": batch.invocations,
        },
        **({"responseContext": response} if response else {}),
        "version": "1.0",
        "timestamp": instant(time.time()),
        "DDBStreamBatchInfo": {
            "shardId": dynamodb_streams._DEFAULT_SHARD_ID,
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": instant(
                first["ApproximateCreationDateTime"], timespec="seconds"
            ),
            "approximateArrivalOfLastRecord": instant(
                last["ApproximateCreationDateTime"], timespec="seconds"
            ),
            "batchSize": len(batch.records),
            "streamArn": mapping["EventSourceArn"],
        },
    }
