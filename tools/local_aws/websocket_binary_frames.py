"""A WebSocket API takes no binary frames.

AWS: it ends the connection of a client that sends one, with code 1003
(https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html).
MiniStack 1.5.33: takes it for text.
"""

from typing import Any

from ministack.services import apigateway

_UNSUPPORTED_DATA = 1003


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    handle = apigateway.handle_websocket

    async def handle_text(scope: Any, receive: Any, send: Any, *args: Any, **kwargs: Any) -> None:
        closed = False

        async def receive_text() -> Any:
            nonlocal closed
            message = await receive()
            if message["type"] != "websocket.receive" or message.get("bytes") is None:
                return message
            closed = True
            await send({"type": "websocket.close", "code": _UNSUPPORTED_DATA})
            return {"type": "websocket.disconnect", "code": _UNSUPPORTED_DATA}

        async def send_while_open(message: dict[str, Any]) -> None:
            if not closed:
                await send(message)

        await handle(scope, receive_text, send_while_open, *args, **kwargs)

    apigateway.handle_websocket = handle_text
