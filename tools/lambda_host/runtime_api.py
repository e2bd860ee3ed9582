"""The Lambda Runtime API of one process: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.

Each process has a port of its own: the runtime client knows its API by host and port only.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from tools.lambda_host.answers import Answer, reported, response_too_large
from tools.lambda_host.limits import RESPONSE_BYTES

if TYPE_CHECKING:
    from aiohttp import StreamReader

_PREFIX = "/2018-06-01/runtime"
_CLOSE_SECONDS = 1.0
_ACCEPTED = b'{"status":"OK"}'


@dataclass(frozen=True)
class Invocation:
    """One event on its way to a function.

    Attributes
    ----------
    function_arn
        As invoked, alias included.
    trace_id
        Value of the header ``X-Amzn-Trace-Id``.
    """

    request_id: str
    function_arn: str
    trace_id: str
    event: bytes


class RuntimeApi:
    """Hands invocations to a process and takes its answers.

    Attributes
    ----------
    initialised
        Done when the process asks for its first event, with None, or reports that its start
        failed, with that answer.
    """

    def __init__(self) -> None:
        self.initialised: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._next: asyncio.Queue[tuple[Invocation, int]] = asyncio.Queue()
        self._current: tuple[str, asyncio.Future[Answer]] | None = None
        # A process that ends leaves its request for the next event behind: that ends with it.
        self._protocols = web.Server(self._handle, access_log=None, handler_cancellation=True)
        self._listener: asyncio.Server | None = None

    async def open(self) -> str:
        """Listen on a free port of the loopback interface and return ``host:port``."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._protocols, "127.0.0.1", 0)
        host, port = self._listener.sockets[0].getsockname()
        return f"{host}:{port}"

    async def close(self) -> None:
        """Stop listening and drop what is open."""
        if self._listener is not None:
            self._listener.close()
        await self._protocols.shutdown(_CLOSE_SECONDS)

    def submit(self, invocation: Invocation, deadline_ms: int) -> asyncio.Future[Answer]:
        """Give the process its next event; the future is done when it has answered."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._current = (invocation.request_id, answer)
        self._next.put_nowait((invocation, deadline_ms))
        return answer

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        match request.method, request.path.removeprefix(_PREFIX).split("/")[1:]:
            case "GET", ["invocation", "next"]:
                return await self._give()
            case "POST", ["invocation", request_id, "response"]:
                body = await read(request.content, RESPONSE_BYTES)
                if body is None:
                    self._take(request_id, response_too_large())
                    return web.Response(status=413)
                return self._take(request_id, Answer(body))
            case "POST", ["invocation", request_id, "error"]:
                return self._take(request_id, reported(await request.content.read()))
            case "POST", ["init", "error"]:
                if not self.initialised.done():
                    self.initialised.set_result(reported(await request.content.read()))
                return web.Response(status=202, body=_ACCEPTED)
        return web.Response(status=404)

    async def _give(self) -> web.Response:
        if not self.initialised.done():
            self.initialised.set_result(None)
        invocation, deadline_ms = await self._next.get()
        return web.Response(
            body=invocation.event,
            content_type="application/json",
            headers={
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                "Lambda-Runtime-Trace-Id": invocation.trace_id,
            },
        )

    def _take(self, request_id: str, answer: Answer) -> web.Response:
        if self._current is None or self._current[0] != request_id or self._current[1].done():
            return web.Response(status=400)
        self._current[1].set_result(answer)
        return web.Response(status=202, body=_ACCEPTED)


async def read(content: StreamReader, limit: int) -> bytes | None:
    """Read a body to its end; None if it is over `limit` bytes, whose rest is then left unread."""
    chunks = bytearray()
    async for chunk in content.iter_any():
        chunks += chunk
        if len(chunks) > limit:
            return None
    return bytes(chunks)
