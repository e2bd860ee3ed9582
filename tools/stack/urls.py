"""Where the applied APIs answer on this machine; Terraform's outputs name them as on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.stack.settings import Stack

__all__ = ["execute_api_url", "http_api_url", "rest_api_url", "websocket_url"]


def execute_api_url(stack: Stack) -> str:
    """Return where all APIs answer: below it, by id and stage."""
    return f"{stack.aws_endpoint_url}/_aws/execute-api"


def rest_api_url(stack: Stack, outputs: dict[str, Any]) -> str:
    """Return the REST API's URL, with its stage, that needs no name resolution."""
    return _url(stack, outputs["rest_api_id"], outputs["rest_api_stage"])


def http_api_url(stack: Stack, outputs: dict[str, Any]) -> str:
    """Return the HTTP API's URL, with its stage, that needs no name resolution."""
    return _url(stack, outputs["http_api_id"], outputs["http_api_stage"])


def websocket_url(stack: Stack, outputs: dict[str, Any]) -> str:
    """Return the WebSocket API's URL, with its stage, that needs no name resolution."""
    url = _url(stack, outputs["websocket_api_id"], outputs["websocket_api_stage"])
    return url.replace("http", "ws", 1)


def _url(stack: Stack, api: str, stage: str) -> str:
    return f"{execute_api_url(stack)}/{api}/{stage}"
