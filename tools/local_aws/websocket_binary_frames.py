"""A binary frame reaches the function of ``$default`` as one.

AWS: ends the connection of a client that sends one, with code 1003; no function sees it
(https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html).
MiniStack 1.5.33: takes it for text, so that one may pass for a frame.
Here it comes in base64, marked as REST APIs mark it: what a function makes of one can be tried, and
nothing that AWS refuses is taken. Listed as a difference in docs/local.md.
"""

import base64
from typing import Any

from ministack.services import apigateway


class _Binary(str):
    """A binary frame in base64."""

    __slots__ = ()


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    handle = apigateway.handle_websocket
    run = apigateway.run_reentrant

    async def handle_marked(scope: Any, receive: Any, *args: Any, **kwargs: Any) -> None:
        async def receive_marked() -> Any:
            message = await receive()
            if message["type"] != "websocket.receive" or message.get("bytes") is None:
                return message
            text = _Binary(base64.b64encode(message["bytes"]).decode())
            return {"type": "websocket.receive", "text": text}

        await handle(scope, receive_marked, *args, **kwargs)

    async def run_marked(execute: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) > 1 and isinstance(args[1], dict) and isinstance(args[1].get("body"), _Binary):
            record, event, *rest = args
            args = (record, {**event, "isBase64Encoded": True}, *rest)
        return await run(execute, *args, **kwargs)

    apigateway.handle_websocket = handle_marked
    apigateway.run_reentrant = run_marked
