"""Frames through API Gateway's management endpoint, played by a server of the test's own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from botocore import auth, awsrequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime import deliveries, gateway
from itemstream.realtime.deliveries import Broadcaster
from itemstream.realtime.gateway import GatewaySettings, GatewaySockets
from itemstream.realtime.signatures import Signer
from itemstream.realtime.sockets import Outcome
from tests.unit.realtime.test_deliveries import RealTime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

KEYS = ReadOnlyCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", None)
SESSION_KEYS = ReadOnlyCredentials("ASIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "a/session+token==")
NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


@dataclass
class Endpoint:
    """What the management endpoint was sent, and what it is to answer."""

    url: str = ""
    # Statuses in their order, and "hang up"; then 200.
    answers: list[int | str] = field(default_factory=list)
    # Whose requests get no answer.
    silent: str = ""
    requests: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert request.transport
        self.connections.add(id(request.transport))
        self.requests.append((request.method, request.raw_path, body, dict(request.headers)))
        answer = self.answers.pop(0) if self.answers else 200
        if self.silent and self.silent in request.path:
            await self.open.wait()
        if answer == "hang up":
            request.transport.close()
        status = answer if isinstance(answer, int) else 200
        return web.Response(status=status, text="" if status == 200 else '{"message": "no"}')

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@asynccontextmanager
async def gateway_of(
    *answers: int | str, keys: ReadOnlyCredentials = KEYS, **more: Any
) -> AsyncIterator[tuple[Endpoint, GatewaySockets]]:
    """Start an endpoint that gives these answers, and sockets that use it."""
    endpoint = Endpoint(answers=list(answers))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", endpoint.answer)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/_aws/execute-api/ws1/live"
    settings = GatewaySettings(endpoint.url, "eu-central-1")
    sockets = GatewaySockets(settings, lambda: keys, pause=endpoint.pause, **more)
    try:
        yield endpoint, sockets
    finally:
        endpoint.open.set()
        await sockets.aclose()
        await runner.cleanup()


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(work)


def botocore_headers(
    method: str, url: str, body: bytes, keys: ReadOnlyCredentials, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Sign as botocore does."""
    monkeypatch.setattr(auth, "get_current_datetime", lambda: NOW)
    request = awsrequest.AWSRequest(method, url, data=body)
    credentials = Credentials(str(keys.access_key), str(keys.secret_key), keys.token)
    signer = auth.SigV4Auth(credentials, "execute-api", "eu-central-1")
    signer.add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    connection_id=st.text(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+/ ~@%", min_size=1
    ),
    body=st.binary(max_size=200),
    method=st.sampled_from(["POST", "DELETE"]),
    keys=st.sampled_from([KEYS, SESSION_KEYS]),
    endpoint=st.sampled_from(
        [
            "https://abc123.execute-api.eu-central-1.amazonaws.com/live",
            "http://127.0.0.1:4566/_aws/execute-api/ws1/live",
        ]
    ),
)
def test_signatures_are_those_of_botocore(
    connection_id: str, body: bytes, method: str, keys: ReadOnlyCredentials, endpoint: str
) -> None:
    # Given
    path = gateway.connection_path("/" + endpoint.split("/", 3)[3], connection_id)
    host = endpoint.split("/")[2]

    # When
    signed = Signer(host, "eu-central-1", lambda: keys, clock=NOW.timestamp).headers(
        method, path, body
    )

    # Then
    with pytest.MonkeyPatch.context() as patch:
        expected = botocore_headers(method, f"http://{host}{path}", body, keys, patch)
    assert {name.lower(): value for name, value in signed.items()} == {
        name: expected[name]
        for name in ("authorization", "x-amz-date", "x-amz-security-token")
        if name in expected
    }


def test_a_day_later_another_key_signs() -> None:
    # Given
    now = [NOW.timestamp()]
    signer = Signer("host", "eu-central-1", lambda: KEYS, clock=lambda: now[0])
    today = signer.headers("POST", "/", b"")["Authorization"]

    # When
    now[0] += 24 * 3600
    tomorrow = signer.headers("POST", "/", b"")["Authorization"]

    # Then
    assert "20261121/eu-central-1" in today
    assert "20261122/eu-central-1" in tomorrow
    assert today.rpartition("=")[2] != tomorrow.rpartition("=")[2]


def test_a_frame_is_posted_to_its_connection_signed_over_what_is_sent() -> None:
    async def story() -> None:
        async with gateway_of(keys=SESSION_KEYS) as (endpoint, sockets):
            # When
            outcome = await sockets.post("Abc+d/e=", b'{"type":"pong"}')

            # Then
            assert outcome is Outcome.DELIVERED
            ((method, path, body, headers),) = endpoint.requests
            assert (method, body) == ("POST", b'{"type":"pong"}')
            assert path == "/_aws/execute-api/ws1/live/@connections/Abc%2Bd%2Fe%3D"
            assert headers["Host"] == endpoint.url.split("/")[2]
            assert headers["x-amz-security-token"] == SESSION_KEYS.token
            assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in headers["Authorization"]

    run(story())


@pytest.mark.parametrize("answer", [429, 500, 503, "hang up"])
def test_what_fails_in_passing_is_tried_again(answer: int | str) -> None:
    async def story() -> None:
        # Given
        async with gateway_of(answer, answer) as (endpoint, sockets):
            # When
            outcome = await sockets.post("c=", b"frame")

            # Then
            assert outcome is Outcome.DELIVERED
            assert [body for _, _, body, _ in endpoint.requests] == [b"frame"] * 3
            first, second = endpoint.pauses
            assert 0 <= first <= gateway.FIRST_PAUSE_SECONDS
            assert 0 <= second <= 2 * gateway.FIRST_PAUSE_SECONDS

    run(story())


def test_a_socket_that_is_gone_is_not_tried_again() -> None:
    async def story() -> None:
        # Given
        async with gateway_of(410) as (endpoint, sockets):
            # When / Then
            assert await sockets.post("c=", b"frame") is Outcome.GONE
            assert len(endpoint.requests) == 1

    run(story())


@pytest.mark.parametrize("status", [400, 403, 413])
def test_what_is_our_own_fault_fails_at_once_and_is_logged(
    status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        # Given
        async with gateway_of(status) as (endpoint, sockets):
            # When / Then
            assert await sockets.post("c=", b"frame") is Outcome.FAILED
            assert len(endpoint.requests) == 1

    run(story())


def test_a_client_that_does_not_read_holds_nobody() -> None:
    async def story() -> None:
        # Given
        async with gateway_of(attempt=60, patience=60) as (endpoint, sockets):
            endpoint.silent = "slow"
            slow = asyncio.create_task(sockets.post("slow=", b"frame"))

            # When
            fast = await sockets.post("fast=", b"frame")

            # Then
            assert fast is Outcome.DELIVERED
            assert not slow.done()
            endpoint.open.set()
            assert await slow is Outcome.DELIVERED

    run(story())


def test_a_client_that_does_not_read_is_given_up() -> None:
    async def story() -> None:
        # Given
        async with gateway_of(attempt=0.05, patience=0) as (endpoint, sockets):
            endpoint.silent = "slow"

            # When / Then
            assert await sockets.post("slow=", b"frame") is Outcome.FAILED

    run(story())


def test_whoever_holds_others_is_given_up_sooner() -> None:
    async def story() -> None:
        # Given
        async with gateway_of(attempt=60, patience=60) as (endpoint, sockets):
            endpoint.silent = "slow"

            # When / Then
            assert await sockets.post("slow=", b"frame", patience=0.05) is Outcome.FAILED

    run(story())


def test_no_batch_waits_for_a_socket_that_was_slow_in_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        # Given
        monkeypatch.setattr(deliveries, "BROADCAST_PATIENCE_SECONDS", 1)
        async with gateway_of(attempt=60, patience=60) as (endpoint, sockets):
            endpoint.silent = "slow"
            real_time = RealTime()
            real_time.subscribed("slow=")
            real_time.subscribed("fast=")
            ports = replace(real_time.ports(), sockets=sockets)
            broadcaster = Broadcaster(ports, real_time.leases, real_time.deliveries)

            # When
            for _ in range(2):
                done = await broadcaster.broadcast({"acme": real_time.happened("item")})
                assert done.sent.frames == 1

            # Then
            assert real_time.row("slow=").state == "behind"
            assert real_time.row("slow=").skipped == 2

    run(story())


def test_in_an_outage_each_post_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        # Given
        monkeypatch.setattr(gateway, "FAILURES_OF_AN_OUTAGE", 3)
        async with gateway_of(*[503] * 6) as (endpoint, sockets):
            assert await sockets.post("a=", b"frame") is Outcome.FAILED
            tried = len(endpoint.requests)

            # When
            assert await sockets.post("b=", b"frame") is Outcome.FAILED
            once = len(endpoint.requests) - tried

            # Then: it tries once, and again as usual when the outage is over.
            assert (tried, once) == (4, 1)
            endpoint.answers[:] = [200, 503]
            assert await sockets.post("c=", b"frame") is Outcome.DELIVERED
            assert await sockets.post("d=", b"frame") is Outcome.DELIVERED

    run(story())


def test_connections_are_used_again() -> None:
    async def story() -> None:
        async with gateway_of(200, 410, 503) as (endpoint, sockets):
            # When
            for number in range(20):
                await sockets.post(f"c-{number}=", b"frame")

            # Then
            assert len(endpoint.requests) == 21
            assert len(endpoint.connections) == 1

    run(story())


@pytest.mark.parametrize("status", [204, 404, 410])
def test_a_connection_is_closed_or_gone_already(status: int) -> None:
    async def story() -> None:
        # Given
        async with gateway_of(status) as (endpoint, sockets):
            # When
            await sockets.close("c=")

            # Then
            ((method, path, _, _),) = endpoint.requests
            assert method == "DELETE"
            assert path.endswith("/@connections/c%3D")

    run(story())


def test_a_connection_that_cannot_be_closed_now_is_to_be_closed_later() -> None:
    async def story() -> None:
        # Given
        async with gateway_of(*[503] * 100, patience=0) as (_, sockets):
            # When / Then
            with pytest.raises(DependencyUnavailable):
                await sockets.close("c=")

    run(story())


def test_a_right_that_is_missing_is_no_passing_fault() -> None:
    async def story() -> None:
        # Given
        async with gateway_of(403) as (_, sockets):
            # When / Then
            with pytest.raises(RuntimeError, match="403"):
                await sockets.close("c=")

    run(story())


def test_sockets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with gateway_of() as (endpoint, _):
            # Given
            monkeypatch.setenv("REALTIME_ENDPOINT", endpoint.url)
            monkeypatch.setenv("AWS_REGION", "eu-central-1")
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            sockets = GatewaySockets.from_environment()

            # When
            outcome = await sockets.post("c=", b"frame")
            await sockets.aclose()

            # Then
            assert outcome is Outcome.DELIVERED
            assert "/eu-central-1/execute-api/" in endpoint.requests[0][3]["Authorization"]

    run(story())


def test_aws_is_reached_with_the_authorities_that_botocore_trusts() -> None:
    # When
    context = gateway._tls()

    # Then
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 50
