"""The functions of call records: from file to API, and the HTTP API's authorizer."""

from __future__ import annotations

import gzip
import io
import json
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from itemstream.aws import aws_client
from itemstream.calls.files import UnreadableFile
from itemstream.calls.ingestion import OutOfTime
from itemstream.calls.landing_s3 import LandedObject
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item
from tests.fakes.calls import said
from tests.fakes.event_sources import object_created, stream_record
from tests.fakes.gateway import REQUEST_ID, LambdaContext, assert_problem
from tests.fakes.issuer import AUDIENCE, ISSUER, claims, issuer_jwks, token
from tests.fakes.tables import BRONZE_CALL, REJECTED_CALL, SILVER_CALL
from tests.unit.auth.corpus import REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

LANDING = "landing"
DEAD_LETTERS = "itemstream-test-dead-letters"


class Context(LambdaContext):
    """Lambda's context, with time left."""

    left = 300.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left * 1000)


class Pipeline:
    """The functions behind one another, with a bucket before and a stream between them."""

    def __init__(self, load: Callable[[str], Any]) -> None:
        self.s3 = aws_client("s3")
        self.s3.create_bucket(Bucket=LANDING)
        self.s3.put_bucket_versioning(Bucket=LANDING, VersioningConfiguration={"Status": "Enabled"})
        self.queue = aws_client("sqs").create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]
        self.ingestor = load("functions.processors.call_ingestor")
        self.transformer = load("functions.processors.data_transformer")
        self._api = {
            "GET /calls": load("functions.calls.list_calls").handler,
            "GET /calls/{call_id}": load("functions.calls.get_call").handler,
        }

    def land(self, content: bytes, key: str = "calls/acme/a.jsonl") -> dict[str, Any]:
        """Put a file and return S3's event."""
        put = self.s3.put_object(Bucket=LANDING, Key=key, Body=content)
        created = object_created(
            LANDING, key, size=len(content), version_id=put["VersionId"], etag=put["ETag"]
        )
        return {"Records": [created]}

    def ingest(self, event: dict[str, Any], context: Context | None = None) -> None:
        self.ingestor.handler(event, context or Context())

    def transform(self, *, records: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """Give the transformer all of bronze, as its stream would."""
        rows = self.rows(BRONZE_CALL)
        given = [stream_record(BRONZE_CALL, row) for row in rows] if records is None else records
        answer: dict[str, Any] = self.transformer.handler({"Records": given}, Context())
        return answer

    def rows(self, table: str) -> list[dict[str, Any]]:
        items = aws_client("dynamodb").scan(TableName=table)["Items"]
        return sorted((from_item(item) for item in items), key=lambda row: str(row.get("sk")))

    def reasons(self) -> list[str]:
        """Take the reasons from the dead-letter queue."""
        messages = aws_client("sqs").receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [
            message["MessageAttributes"]["Reason"]["StringValue"]
            for message in messages.get("Messages", [])
        ]

    def api(
        self,
        route: str,
        query: str = "",
        *,
        tenant: str | None = "acme",
        scopes: str = "calls:read",
        **path: str,
    ) -> dict[str, Any]:
        said = {"tenant": tenant, "subject": "alice", "scopes": scopes}
        event = {
            "version": "2.0",
            "routeKey": route,
            "rawQueryString": query,
            "headers": {"x-correlation-id": "c-1"},
            "pathParameters": path or None,
            "requestContext": {
                "requestId": REQUEST_ID,
                **({"authorizer": {"lambda": said}} if tenant else {}),
            },
            "isBase64Encoded": False,
        }
        answer: dict[str, Any] = self._api[route](event, Context())
        return answer

    def list(self, query: str = "", **kwargs: Any) -> dict[str, Any]:
        return self.api("GET /calls", query, **kwargs)

    def listed(self, query: str = "", **kwargs: Any) -> dict[str, Any]:
        answer = self.list(query, **kwargs)
        assert answer["statusCode"] == 200, answer
        return dict(json.loads(answer["body"]))


@pytest.fixture
def pipeline(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    for name, value in {
        "BRONZE_CALL_TABLE": BRONZE_CALL,
        "SILVER_CALL_TABLE": SILVER_CALL,
        "REJECTED_CALL_TABLE": REJECTED_CALL,
        "DEAD_LETTERS_QUEUE": DEAD_LETTERS,
    }.items():
        monkeypatch.setenv(name, value)
    return Pipeline(load)


def lines(*records: Any) -> bytes:
    return "\n".join(r if isinstance(r, str) else json.dumps(r) for r in records).encode()


def now_ms() -> int:
    return int(time.time() * 1000)


def test_a_file_becomes_calls_rejects_and_repeats(pipeline: Pipeline) -> None:
    # Given a file
    content = lines(
        said(call_id="c-1", occurred_at=now_ms()),
        said(call_id="c-2", occurred_at=now_ms() - 1000, status_code=404),
        "not json",
        said(call_id="c-1", occurred_at=None),
    )
    event = pipeline.land(gzip.compress(content))

    # When it is delivered twice, and its lines as well
    for _ in range(2):
        pipeline.ingest(event)
        assert pipeline.transform() == {"batchItemFailures": []}

    # Then every line is one thing
    assert [row["line"] for row in pipeline.rows(BRONZE_CALL) if "line" in row] == [1, 2, 3, 4]
    assert sorted(row["call_id"] for row in pipeline.rows(SILVER_CALL)) == ["c-1", "c-2"]
    assert [row["reason"] for row in pipeline.rows(REJECTED_CALL)] == [
        "is not JSON",
        "occurred_at is missing",
    ]
    assert pipeline.reasons() == []

    # When the file is put again, then all its calls are repeats, and its rejects rejects
    pipeline.ingest(pipeline.land(gzip.compress(content)))
    pipeline.transform()
    kinds = [row["kind"] for row in pipeline.rows(REJECTED_CALL)]
    assert sorted(kinds) == ["rejected"] * 4 + ["repeat"] * 2
    assert len(pipeline.rows(SILVER_CALL)) == 2

    # Then the API shows the calls
    found = pipeline.listed()
    assert [call["call_id"] for call in found["calls"]] == ["c-1", "c-2"]
    assert found["next_cursor"] is None
    one = pipeline.api("GET /calls/{call_id}", call_id="c-2")
    assert one["statusCode"] == 200
    assert one["headers"]["X-Correlation-Id"] == "c-1"
    assert json.loads(one["body"]) == found["calls"][1]
    assert list(found["calls"][1])[:3] == ["call_id", "client_id", "occurred_at"]


@pytest.mark.parametrize(
    ("key", "content", "reason"),
    [
        ("calls/a.jsonl", b"{}", "names no tenant"),
        ("calls//a.jsonl", b"{}", "names no tenant"),
        ("calls/a b/a.jsonl", b"{}", "names no tenant"),
        ("calls/a#0/a.jsonl", b"{}", "names no tenant"),
        ("calls/acme/", b"{}", "names no tenant"),
        ("other/acme/a.jsonl", b"{}", "names no tenant"),
        ("calls/acme/a.jsonl", b"", "the file is empty"),
        ("calls/acme/a.jsonl", b"\x00", "neither JSON in UTF-8 nor gzip"),
        ("calls/acme/a.jsonl", b"\x1f\x8b\x08", "gzip ends too early"),
    ],
)
def test_a_file_that_can_never_be_read_is_a_dead_letter_with_its_reason(
    pipeline: Pipeline, key: str, content: bytes, reason: str
) -> None:
    pipeline.ingest(pipeline.land(content, key))
    (found,) = pipeline.reasons()
    assert reason in found
    assert pipeline.rows(BRONZE_CALL) == []


def test_a_file_that_is_gone_is_a_dead_letter(pipeline: Pipeline) -> None:
    event = pipeline.land(b"{}")
    version = event["Records"][0]["s3"]["object"]["versionId"]
    pipeline.s3.delete_object(Bucket=LANDING, Key="calls/acme/a.jsonl", VersionId=version)
    pipeline.ingest(event)
    assert pipeline.reasons() == [
        "no record can be read: the file is gone, or was replaced before it was read"
    ]


@pytest.mark.parametrize("name", ["../x", "100%.jsonl", "a b+c.jsonl", "größe/🪑.jsonl"])
def test_a_file_may_have_any_name(pipeline: Pipeline, name: str) -> None:
    pipeline.ingest(pipeline.land(lines(said()), f"calls/acme/{name}"))
    assert pipeline.reasons() == []
    assert pipeline.rows(BRONZE_CALL)[0]["object"]["key"] == f"calls/acme/{name}"


def test_without_time_it_stops_and_goes_on_when_lambda_tries_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("itemstream.calls.ingestion.CHUNK_LINES", 2)
    event = pipeline.land(lines(*(said(call_id=f"c-{n}") for n in range(5))))
    hurried = Context()
    hurried.left = 10

    # When / Then
    for done in (2, 4):
        with pytest.raises(OutOfTime):
            pipeline.ingest(event, hurried)
        assert sum("line" in row for row in pipeline.rows(BRONZE_CALL)) == done
    pipeline.ingest(event)
    assert sum("line" in row for row in pipeline.rows(BRONZE_CALL)) == 5
    assert pipeline.reasons() == []


def test_a_file_is_read_in_parts(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itemstream.calls.landing_s3.PART_BYTES", 7)
    texts = [json.dumps(said(call_id=f"c-{n}")) for n in range(3)]
    pipeline.ingest(pipeline.land(lines(*texts)))
    assert [row["raw"] for row in pipeline.rows(BRONZE_CALL) if "raw" in row] == texts


class BreakingBody(io.BytesIO):
    """Content that breaks off while it arrives."""

    def read(self, *_: Any) -> bytes:
        raise ReadTimeoutError(endpoint_url="s3")


def landed_parts(*bodies: io.BytesIO, content_range: str | None = "bytes 0-1/2") -> list[bytes]:
    """Read an object of which S3 gives these bodies, one after another."""
    client = aws_client("s3")
    with Stubber(client) as stub:
        for body in bodies:
            answer: dict[str, Any] = {"Body": StreamingBody(body, 2)}  # type: ignore[arg-type]
            if content_range:
                answer["ContentRange"] = content_range
            stub.add_response("get_object", answer)
        return list(LandedObject(client, LANDING, "k", "etag", "v1").chunks())


def test_a_part_that_breaks_while_it_arrives_is_asked_for_again(aws: None) -> None:
    assert landed_parts(BreakingBody(), BreakingBody(), io.BytesIO(b"{}")) == [b"{}"]
    with pytest.raises(DependencyUnavailable):
        landed_parts(BreakingBody(), BreakingBody(), BreakingBody())


def test_a_server_that_does_not_heed_ranges_sends_the_whole_as_a_stream(aws: None) -> None:
    assert landed_parts(io.BytesIO(b"{}"), content_range=None) == [b"{}"]
    with pytest.raises(DependencyUnavailable):
        landed_parts(BreakingBody(), content_range=None)


def test_faults_of_s3_pass_and_its_refusals_do_not(aws: None) -> None:
    client = aws_client("s3")
    landed = LandedObject(client, LANDING, "k", "etag", None)
    assert landed.version == "etag:etag"
    for code, expected in (
        ("SlowDown", DependencyUnavailable),
        ("412", UnreadableFile),
        ("AccessDenied", client.exceptions.ClientError),
    ):
        with Stubber(client) as stub:
            stub.add_client_error("head_object", code)
            with pytest.raises(expected):
                landed.landed_at()
    with Stubber(client) as stub:
        stub.add_response("head_object", {"ContentLength": 100 * 1024 * 1024 + 1})
        with pytest.raises(UnreadableFile, match="larger than"):
            landed.landed_at()


def test_a_batch_that_meets_an_outage_is_given_again_from_its_first_record(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    pipeline.ingest(pipeline.land(lines(said(), "not json")))
    records = [stream_record(BRONZE_CALL, row) for row in pipeline.rows(BRONZE_CALL)]

    def unavailable(**_: Any) -> Any:
        raise DependencyUnavailable("DynamoDB")

    # When / Then
    with monkeypatch.context() as outage:
        outage.setattr(aws_client("dynamodb"), "batch_write_item", unavailable)
        answer = pipeline.transform(records=records)
    first = records[0]["dynamodb"]["SequenceNumber"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert pipeline.transform(records=records) == {"batchItemFailures": []}
    assert len(pipeline.rows(SILVER_CALL)) == len(pipeline.rows(REJECTED_CALL)) == 1


def test_what_is_said_of_records_is_counted(
    pipeline: Pipeline, log: Callable[[], list[dict[str, Any]]]
) -> None:
    pipeline.ingest(pipeline.land(lines(said(), said(), "not json")))
    pipeline.transform()
    metrics = [line for line in log() if "_aws" in line]
    assert metrics[0]["CallLinesIngested"] == [3.0]
    counted = {name: metrics[1][name] for name in metrics[1] if name.startswith("Calls")}
    assert counted == {"CallsRecorded": [1.0], "CallsRejected": [1.0], "CallsRepeated": [1.0]}


@pytest.fixture
def filled(pipeline: Pipeline) -> Pipeline:
    """Store seven calls, of a second each, and one of long ago."""
    some = [
        said(
            call_id=f"c-{n}",
            client_id=f"client-{n % 2}",
            status_code=[200, 404, 503][n % 3],
            occurred_at=now_ms() - 1000 * n,
        )
        for n in range(7)
    ]
    some.append(said(call_id="old", occurred_at=now_ms() - 30 * 24 * 3600 * 1000))
    pipeline.ingest(pipeline.land(lines(*some)))
    pipeline.transform()
    return pipeline


def ids(page: dict[str, Any]) -> str:
    return " ".join(call["call_id"].removeprefix("c-") for call in page["calls"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "0 1 2 3 4 5 6"),
        ("limit=2", "0 1"),
        ("client_id=client-1", "1 3 5"),
        ("status=404", "1 4"),
        ("status=5xx", "2 5"),
        ("status=5xx&client_id=client-0", "2"),
        ("client_id=nobody", ""),
        ("from=2026-01-01&to=2026-02-01", ""),
    ],
)
def test_a_list_is_filtered(filled: Pipeline, query: str, expected: str) -> None:
    assert ids(filled.listed(query)) == expected


def test_a_window_reaches_back_as_far_as_it_says(filled: Pipeline) -> None:
    from_day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 40 * 24 * 3600))
    everything = filled.listed(f"from={from_day}&limit=100")
    found = ids(everything)
    while everything["next_cursor"]:
        query = f"from={from_day}&limit=100&cursor={quote(everything['next_cursor'])}"
        everything = filled.listed(query)
        found += f" {ids(everything)}"
    assert found.split() == [*"0123456", "old"]


def test_a_list_goes_on_from_its_cursor(filled: Pipeline) -> None:
    first = filled.listed("limit=3")
    rest = filled.listed(f"limit=4&cursor={quote(first['next_cursor'])}")
    assert (ids(first), ids(rest)) == ("0 1 2", "3 4 5 6")
    assert rest["next_cursor"] is None


def test_a_cursor_is_refused_where_it_does_not_belong(filled: Pipeline) -> None:
    cursor = quote(filled.listed("limit=1")["next_cursor"])
    for answer in (
        filled.list(f"cursor={cursor}", tenant="other"),
        filled.list(f"cursor={cursor}&status=404"),
        filled.list(f"cursor={cursor}&client_id=client-1"),
        filled.list(f"cursor={cursor}&from=2026-11-01"),
        filled.list(f"cursor={cursor}x"),
        filled.list("cursor=x"),
    ):
        assert_problem(answer, 400, "cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=abc", "status"),
        ("status=6xx", "status"),
        ("status=4XX", "status"),
        ("status=", "status"),
        ("client_id=", "client_id"),
        (f"client_id={'x' * 129}", "client_id"),
        ("from=yesterday", "from"),
        ("from=2026-11-21T06:00:00", "from"),
        ("from=2026-02-30", "from"),
        ("from=9999-01-01", "from"),
        ("to=0001-01-01", "to"),
        ("from=2020-01-01", "from"),
        ("from=2026-11-02&to=2026-11-01", "from"),
        ("colour=red", "colour"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(pipeline: Pipeline, query: str, field: str) -> None:
    assert_problem(pipeline.list(query), 400, field)


def test_tenants_do_not_see_each_others_calls(filled: Pipeline) -> None:
    assert filled.listed(tenant="other") == {"calls": [], "next_cursor": None}
    missing = filled.api("GET /calls/{call_id}", call_id="c-0", tenant="other")
    assert assert_problem(missing, 404)["type"].endswith("call-not-found")
    assert_problem(filled.api("GET /calls/{call_id}", call_id="c-99"), 404)


def test_what_a_token_does_not_allow_is_forbidden(pipeline: Pipeline) -> None:
    assert_problem(pipeline.list(scopes="items:read calls:reading"), 403)
    assert_problem(pipeline.api("GET /calls/{call_id}", call_id="c", scopes=""), 403)
    assert_problem(pipeline.list(tenant=None), 401)


@pytest.fixture
def authorize(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str | None], Any]:
    for name, value in {
        "JWKS_URL": "s3://keys/jwks.json",
        "TOKEN_ISSUER": ISSUER,
        "TOKEN_AUDIENCE": AUDIENCE,
    }.items():
        monkeypatch.setenv(name, value)
    client = aws_client("s3")
    client.create_bucket(Bucket="keys")
    client.put_object(Bucket="keys", Key="jwks.json", Body=issuer_jwks())
    module = load("authorizers.http")

    def call(header: str | None) -> Any:
        event: dict[str, Any] = {"version": "2.0", "type": "REQUEST", "routeKey": "GET /calls"}
        if header is not None:
            event["identitySource"] = [header]
        return module.handler(event, LambdaContext())

    return call


def test_a_good_token_is_let_in_with_whose_it_is(authorize: Callable[[str | None], Any]) -> None:
    now = int(time.time())
    good = token(payload=claims(iat=now, nbf=now, exp=now + 600, scope="items:read calls:read"))
    for scheme in ("Bearer ", "bearer ", "BEARER  "):
        assert authorize(scheme + good) == {
            "isAuthorized": True,
            "context": {
                "tenant": "acme",
                "subject": "alice",
                "scopes": "calls:read items:read",
                "expires_at": str(now + 600),
            },
        }
    assert authorize(f"Basic {good}") == {"isAuthorized": False}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer Bearer x"])
def test_no_bearer_token_is_not_let_in(
    authorize: Callable[[str | None], Any], header: str | None
) -> None:
    assert authorize(header) == {"isAuthorized": False}


def test_every_bad_token_stays_outside_and_out_of_the_log(
    authorize: Callable[[str | None], Any], log: Callable[[], list[dict[str, Any]]]
) -> None:
    for name, bad in REFUSED.items():
        assert authorize(f"Bearer {bad}") == {"isAuthorized": False}, name
        written = json.dumps(log())
        assert re.search("token refused", written), name
        assert not any(part in written for part in bad.split(".") if len(part) > 12), name
