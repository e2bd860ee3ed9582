"""Sockets of API Gateway, by its management endpoint (``@connections``).

aiohttp rather than botocore: many posts at once from one thread, each at a fraction of the CPU, on
connections that are kept from one invocation to the next (`make bench`, benchmarks/realtime.py).
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
from yarl import URL

from itemstream.aws import aws_credentials
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.observability.logs import logger
from itemstream.realtime.signatures import Signer
from itemstream.realtime.sockets import Outcome

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from botocore.credentials import ReadOnlyCredentials

__all__ = ["CONNECTIONS", "GatewaySettings", "GatewaySockets"]

# As many posts as senders have under way at once.
CONNECTIONS = 128
# A post takes API Gateway some 10 ms. One that takes this long is for a client that does not read,
# or went into a connection that died while Lambda held the process still.
ATTEMPT_SECONDS = 1.5
PATIENCE_SECONDS = 3.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
# After so many failures with no success between them it is the gateway that fails, not a client:
# each post is then tried once, or an outage would cost every one of them all of the patience.
FAILURES_OF_AN_OUTAGE = 32
# How long API Gateway keeps an idle connection is not documented. One that it has closed costs a
# retry, one that we close a handshake.
KEPT_ALIVE_SECONDS = 50


@dataclass(frozen=True)
class GatewaySettings:
    """Environment of the functions that send frames."""

    realtime_endpoint: str
    aws_region: str


class GatewaySockets:
    """
    Sends frames through API Gateway; see :class:`itemstream.realtime.sockets.Sockets`.

    To be used from one event loop, and made without one.

    Parameters
    ----------
    settings
        The management endpoint, its stage included, and its region.
    credentials
        Returns those that hold now.
    attempt
        Seconds that one request may take.
    patience
        Seconds that a post may take in all.
    pause
        Waits for some seconds.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        credentials: Callable[[], ReadOnlyCredentials],
        *,
        attempt: float = ATTEMPT_SECONDS,
        patience: float = PATIENCE_SECONDS,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        endpoint = URL(settings.realtime_endpoint.rstrip("/"))
        self._origin = str(endpoint.origin())
        self._path = endpoint.raw_path.rstrip("/")
        self._tls = endpoint.scheme == "https"
        host = endpoint.host_port_subcomponent or ""
        self._signer = Signer(host, settings.aws_region, credentials)
        self._attempt = attempt
        self._patience = patience
        self._pause = pause
        self._failures = 0
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_environment(cls) -> GatewaySockets:
        """Make the sockets of the API that the function's environment variables name."""
        return cls(from_environment(GatewaySettings), aws_credentials)

    async def post(
        self, connection_id: str, frame: bytes, *, patience: float | None = None
    ) -> Outcome:
        """Post it, signed, and again with growing pauses, for three seconds if no less is said."""
        status = await self._request("POST", connection_id, frame, patience)
        if status is not None and status < 300:
            return Outcome.DELIVERED
        if status == 410:
            return Outcome.GONE
        if status is not None and not _passing(status):
            # A frame that is too large, a right that we lack: ours to mend.
            logger.error("frame refused", extra={"status": status, "bytes": len(frame)})
        return Outcome.FAILED

    async def close(self, connection_id: str) -> None:
        """Delete the connection."""
        status = await self._request("DELETE", connection_id, b"")
        if status is None or _passing(status):
            raise DependencyUnavailable("API Gateway")
        if status >= 300 and status not in (404, 410):
            raise RuntimeError(f"API Gateway answers {status} to the end of a connection")

    async def aclose(self) -> None:
        """Close the kept connections."""
        if self._session:
            await self._session.close()
            self._session = None

    async def _request(
        self, method: str, connection_id: str, body: bytes, patience: float | None = None
    ) -> int | None:
        """Return the last attempt's status, or ``None`` if that had no answer."""
        attempt = self._attempt
        if patience is None:
            patience = self._patience
        else:
            # Room for a second one: the first may go into a connection that died.
            attempt = min(attempt, patience / 2)
        path = connection_path(self._path, connection_id)
        url = URL(self._origin + path, encoded=True)
        session = self._session or self._connect()
        clock = asyncio.get_running_loop().time
        until = clock() + patience
        timeout = aiohttp.ClientTimeout(total=attempt)
        longest_pause = FIRST_PAUSE_SECONDS
        while True:
            status: int | None = None
            try:
                headers = self._signer.headers(method, path, body)
                async with session.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    timeout=timeout,
                ) as response:
                    # A connection can be used again once its answer is read.
                    await response.read()
                    status = response.status
            except (aiohttp.ClientError, OSError, TimeoutError):
                # Both what could not be sent and what was not answered: a repeat has the same id.
                pass
            if status is not None and not _passing(status):
                self._failures = 0
                return status
            self._failures += 1
            # Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
            pause = random.uniform(0, longest_pause)  # noqa: S311 - spreads load, guards nothing
            if self._failures > FAILURES_OF_AN_OUTAGE or clock() + pause >= until:
                return status
            await self._pause(pause)
            longest_pause = min(2 * longest_pause, LONGEST_PAUSE_SECONDS)

    def _connect(self) -> aiohttp.ClientSession:
        # Not before there is an event loop. All that a request of ours has no use for is off.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS,
                keepalive_timeout=KEPT_ALIVE_SECONDS,
                ssl=_tls() if self._tls else True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            auto_decompress=False,
        )
        return self._session


def connection_path(base: str, connection_id: str) -> str:
    """Return the encoded path of a connection; ids end with an equals sign."""
    return f"{base}/@connections/{quote(connection_id, safe='-_.~')}"


def _passing(status: int) -> bool:
    return status == 429 or status >= 500


def _tls() -> ssl.SSLContext:
    import ssl

    from botocore.httpsession import DEFAULT_CA_BUNDLE

    # The authorities that every other AWS client here trusts, whatever the image has.
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE)
