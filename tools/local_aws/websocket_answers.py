"""What a WebSocket API answers its clients.

AWS: what a function returns reaches the client only where its route has a route response
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html);
a function that fails is the gateway's own message, which names connection and request and shows
nothing of the function; the status that the function of ``$connect`` returns is the handshake's,
and 502 stands for one that fails.
MiniStack 1.5.33: sends whatever a function returns, the text of its error too; a failed
``$connect`` is 403.
"""

import json
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway, lambda_svc

_of_websocket: ContextVar[bool] = ContextVar("of_websocket", default=False)
# Takes what the function of `$connect` answers, if that is a refusal.
_refusal: ContextVar[dict[str, Any]] = ContextVar("refusal")

_FAILED = 502
# AWS documents none; as its REST APIs have it.
_THROTTLED = 500


class _FailureError(Exception):
    """The function gave nothing that could be answered; `status` is a handshake's."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def apply() -> None:
    """Patch ``ministack.services.apigateway`` and ``lambda_svc``."""
    handle = apigateway.handle_websocket
    invoke = apigateway._invoke_ws_lambda
    shape = lambda_svc.lambda_execute_result_to_api_proxy_response

    def shape_or_fail(result: dict[str, Any]) -> Any:
        if not _of_websocket.get():
            return shape(result)
        if result.get("throttle"):
            raise _FailureError(_THROTTLED)
        answer = result.get("body")
        if result.get("error") or not _well_formed(answer):
            raise _FailureError(_FAILED)
        return answer, None

    async def answer(
        api_id: str,
        account: str,
        region: str,
        route: dict[str, Any],
        stage: str,
        connection_id: str,
        event_type: str,
        request_id: str,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        named = (api_id, account, region, route, stage, connection_id, event_type, request_id)
        within = _of_websocket.set(True)
        try:
            given = await invoke(*named, *args, **kwargs)
            if given is None:
                raise _FailureError(_FAILED)
            if not _has_response(api_id, route):
                given = {**given, "body": None}
        except _FailureError as failure:
            document = {
                "message": "Internal server error",
                "connectionId": connection_id,
                "requestId": request_id,
            }
            given = {"statusCode": failure.status, "body": json.dumps(document)}
        finally:
            _of_websocket.reset(within)
        if event_type == "CONNECT" and not 200 <= int(given["statusCode"]) < 300:
            _refusal.get().update(given)
        return given

    async def handle_with_status(
        scope: Any, receive: Any, send: Any, *args: Any, **kwargs: Any
    ) -> None:
        refusal: dict[str, Any] = {}
        within = _refusal.set(refusal)

        async def send_or_refuse(message: dict[str, Any]) -> None:
            if message["type"] != "websocket.close" or not refusal:
                await send(message)
                return
            status, body = int(refusal["statusCode"]), refusal.get("body") or ""
            headers = [(b"content-type", b"application/json")]
            await send(
                {"type": "websocket.http.response.start", "status": status, "headers": headers}
            )
            await send({"type": "websocket.http.response.body", "body": body.encode()})

        try:
            await handle(scope, receive, send_or_refuse, *args, **kwargs)
        finally:
            _refusal.reset(within)

    apigateway.handle_websocket = handle_with_status
    apigateway._invoke_ws_lambda = answer
    lambda_svc.lambda_execute_result_to_api_proxy_response = shape_or_fail


def _well_formed(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and str(answer.get("statusCode", "")).isdecimal()
        and 200 <= int(answer["statusCode"]) < 600
        and isinstance(answer.get("body"), str | None)
    )


def _has_response(api_id: str, route: dict[str, Any]) -> bool:
    responses = apigateway._route_responses.get(api_id, {}).get(route.get("routeId"), {})
    return route.get("routeResponseSelectionExpression") == "$default" and any(
        response.get("routeResponseKey") == "$default" for response in responses.values()
    )
