"""Messages of a WebSocket API have at most 128 KB, in either direction.

AWS: a larger one from a client ends the connection with code 1009, a larger one to PostToConnection
is 413 PayloadTooLargeException
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html).
MiniStack 1.5.33: takes 16 MB from clients, and anything from functions.
"""

import json
from typing import Any

from hypercorn.protocol import ws_stream
from ministack.services import apigateway

_LARGEST = 128 * 1024
_TOO_BIG = 1009


class _Buffer(ws_stream.WebsocketBuffer):  # type: ignore[misc]
    """Gathers a message, and counts bytes where the server counts characters."""

    def __init__(self, _: int) -> None:
        super().__init__(_LARGEST)
        self._bytes = 0

    def extend(self, event: Any) -> None:
        """Take a piece of a message; the server closes at the first one that is too much."""
        if self._bytes > _LARGEST:
            return
        self._bytes += len(event.data.encode() if isinstance(event.data, str) else event.data)
        if self._bytes > _LARGEST:
            raise ws_stream.FrameTooLargeError
        super().extend(event)

    def clear(self) -> None:
        """Begin a message, unless one was too large."""
        super().clear()
        if self._bytes <= _LARGEST:
            self._bytes = 0

    def to_message(self) -> Any:
        """Return the message, or the end where one was too large."""
        if self._bytes > _LARGEST:
            return {"type": "websocket.disconnect", "code": _TOO_BIG}
        return super().to_message()


def apply() -> None:
    """Patch Hypercorn's ``ws_stream`` and ``ministack.services.apigateway``."""
    manage = apigateway.handle_connections_api

    async def manage_within_limits(
        method: str, api_id: str, stage: str, connection_id: str, body: bytes, *args: Any
    ) -> Any:
        if method == "POST" and len(body) > _LARGEST:
            headers = {
                "Content-Type": "application/json",
                "x-amzn-ErrorType": "PayloadTooLargeException",
            }
            return 413, headers, json.dumps({"message": "Payload too large"}).encode()
        return await manage(method, api_id, stage, connection_id, body, *args)

    apigateway.handle_connections_api = manage_within_limits
    ws_stream.WebsocketBuffer = _Buffer
