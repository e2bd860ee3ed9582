"""Ids of connections look as AWS's do.

AWS: base64 with padding, such as ``L0SM9cOFvHcCIhw=``
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html),
so that whoever puts one into a path has to encode it, and to sign what was encoded.
MiniStack 1.5.33: hexadecimal digits, with which that cannot be got wrong.
"""

import base64
import os
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway

# Whether the next id is a connection's: the first that is made for it.
_is_next: ContextVar[bool] = ContextVar("is_next", default=False)


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    handle = apigateway.handle_websocket
    make = apigateway.new_uuid

    async def handle_with_id(*args: Any, **kwargs: Any) -> None:
        within = _is_next.set(True)
        try:
            await handle(*args, **kwargs)
        finally:
            _is_next.reset(within)

    def make_id() -> str:
        if not _is_next.get():
            return str(make())
        _is_next.set(False)
        # MiniStack removes hyphens.
        return base64.b64encode(os.urandom(11), b"aa").decode()

    apigateway.handle_websocket = handle_with_id
    apigateway.new_uuid = make_id
