"""The AsyncAPI 3.0 document of the WebSocket API."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from itemstream.realtime.frames import CLIENT_FRAMES
from itemstream.realtime.limits import TICKET_SECONDS
from tools.asyncapi.examples import EXAMPLES
from tools.asyncapi.models import FRAMES, SERVER_FRAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["asyncapi_document"]

Json = dict[str, Any]

_REPLIES = {
    "subscribe": "subscribed",
    "unsubscribe": "unsubscribed",
    "ping": "pong",
    "authenticate": "authenticated",
}
# Beside the answers, these come by themselves; an error also to what is no frame.
_PUSHED = ["events", "reset", "error", "closing"]

_SECURITY: Json = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token (RFC 9068) with the claim `tenant` and the scope "
        "`realtime:connect`.",
    },
    "ticket": {
        "type": "httpApiKey",
        "name": "ticket",
        "in": "query",
        "description": f"From `POST /realtime/tickets`: for browsers, which can set no headers. "
        f"Good for {TICKET_SECONDS} seconds, once.",
    },
}


def asyncapi_document() -> Json:
    """Return the AsyncAPI document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Itemstream WebSocket API",
            "version": "1",
            "description": (
                "What happens to items, calls and reports, as it happens, for whoever subscribes; "
                "and what happened since a cursor. Each message is one frame of JSON text."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {"connection": _channel()},
        "operations": {**_answered(), **_pushed()},
        "components": {
            "messages": {name: _message(name) for name in FRAMES},
            "schemas": _schemas(),
            "securitySchemes": _SECURITY,
        },
    }


def _servers() -> Json:
    security = [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY]
    return {
        "aws": {
            "host": "{api}.execute-api.{region}.amazonaws.com",
            "pathname": "/{stage}",
            "protocol": "wss",
            "description": "API Gateway.",
            "variables": {
                "api": {"description": "Terraform's output `websocket_api_id`."},
                "region": {"default": "us-east-1"},
                "stage": {"default": "v1"},
            },
            "security": security,
        },
        "local": {
            "host": "127.0.0.1:{port}",
            "pathname": "/_aws/execute-api/{api}/{stage}",
            "protocol": "ws",
            "description": "The local stack; `itemstream status` shows the whole address.",
            "variables": {
                "port": {"default": "45660"},
                "api": {"description": "Made by `make up`."},
                "stage": {"default": "v1"},
            },
            "security": security,
        },
    }


def _channel() -> Json:
    return {
        "address": "/",
        "title": "A connection",
        "description": "It lasts until its token ends, and two hours at most.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in FRAMES},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {"ticket": {"type": "string"}},
                },
                "headers": {
                    "type": "object",
                    "properties": {
                        "Authorization": {"type": "string", "pattern": "^[Bb]earer [^ ]+$"}
                    },
                },
                "bindingVersion": "0.1.0",
            }
        },
    }


def _answered() -> Json:
    return {
        name: {
            "action": "receive",
            "channel": _CHANNEL,
            "summary": inspect.getdoc(CLIENT_FRAMES[name]),
            "messages": _messages([name]),
            "reply": {"channel": _CHANNEL, "messages": _messages([reply, "error", "closing"])},
        }
        for name, reply in _REPLIES.items()
    }


def _pushed() -> Json:
    return {
        f"send_{name}": {
            "action": "send",
            "channel": _CHANNEL,
            "summary": inspect.getdoc(SERVER_FRAMES[name]),
            "messages": _messages([name]),
        }
        for name in _PUSHED
    }


_CHANNEL = {"$ref": "#/channels/connection"}


def _messages(names: Iterable[str]) -> list[Json]:
    return [{"$ref": f"#/channels/connection/messages/{name}"} for name in names]


def _message(name: str) -> Json:
    return {
        "name": name,
        "title": FRAMES[name].__name__,
        "summary": inspect.getdoc(FRAMES[name]),
        "payload": {"$ref": f"#/components/schemas/{FRAMES[name].__name__}"},
        "examples": [{"payload": EXAMPLES[name]}],
    }


def _schemas() -> Json:
    _, document = models_json_schema(
        [(model, "validation") for model in FRAMES.values()],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = document["$defs"]
    return schemas
