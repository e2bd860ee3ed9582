"""A connection is closed after what was sent to it before.

AWS: DeleteConnection ends a connection to which messages were posted first; they reach the client,
a last message being the only way to say why, because the call has no code to give
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html).
MiniStack 1.5.33: closes at once and forgets what waits to be sent.
"""

import asyncio
from typing import Any

from ministack.services import apigateway


class _Close(str):
    """Stands among the messages of a connection where it is to be closed."""

    closing: asyncio.Event


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    handle = apigateway.handle_websocket
    manage = apigateway.handle_connections_api

    async def handle_and_close(
        scope: Any, receive: Any, send: Any, *args: Any, **kwargs: Any
    ) -> None:
        async def send_or_close(message: dict[str, Any]) -> None:
            text = message.get("text")
            if isinstance(text, _Close):
                text.closing.set()
            else:
                await send(message)

        await handle(scope, receive, send_or_close, *args, **kwargs)

    async def manage_in_order(
        method: str, api_id: str, stage: str, connection_id: str, *args: Any
    ) -> Any:
        connection = apigateway._ws_connections.get(connection_id)
        if method != "DELETE" or not connection or connection["apiId"] != api_id:
            return await manage(method, api_id, stage, connection_id, *args)
        del apigateway._ws_connections[connection_id]
        last = _Close()
        last.closing = connection["close_event"]
        await connection["outbox"].put(last)
        return 204, {}, b""

    apigateway.handle_websocket = handle_and_close
    apigateway.handle_connections_api = manage_in_order
