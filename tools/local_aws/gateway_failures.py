"""What a REST API answers when its Lambda function fails.

AWS: a function error or a malformed proxy answer is 502, a throttled function 500, both by the
gateway's own DEFAULT_5XX response, and nothing of the function's text reaches the client; a status
that the API gives that response replaces both
(https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html,
https://repost.aws/knowledge-center/api-gateway-internal-server-error).
MiniStack 1.5.33: the error's text stands in the 502, a malformed answer is 200, throttling is a
429 with Lambda's own message.
"""

from typing import Any

from ministack.services import apigateway_v1 as gateway

# What MiniStack answers by a response to which the API gives no status.
_UNCHOSEN = 500


class _FailureError(Exception):
    """The function gave nothing that could be answered; `status` is what AWS uses for it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def apply() -> None:
    """Patch ``ministack.services.apigateway_v1``."""
    invoke = gateway._invoke_lambda_proxy_v1
    respond = gateway._gateway_error_response
    gateway._lambda_proxy_response = _proxy_response

    async def invoke_or_fail(*args: Any, **kwargs: Any) -> Any:
        try:
            return await invoke(*args, **kwargs)
        except _FailureError as failure:
            error = gateway._gw_error("DEFAULT_5XX", "Internal server error")
            error.status = failure.status
            return error

    def respond_with_status(error: Any, request: dict[str, Any]) -> Any:
        status, headers, body = respond(error, request)
        return getattr(error, "status", status) if status == _UNCHOSEN else status, headers, body

    gateway._invoke_lambda_proxy_v1 = invoke_or_fail
    gateway._gateway_error_response = respond_with_status


def _proxy_response(result: dict[str, Any]) -> tuple[dict[str, Any], None]:
    if result.get("throttle"):
        raise _FailureError(500)
    answer: Any = result.get("body")
    if result.get("error") or not _well_formed(answer):
        raise _FailureError(502)
    return {**answer, "statusCode": int(answer["statusCode"])}, None


def _well_formed(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and str(answer.get("statusCode", "")).isdecimal()
        and isinstance(answer.get("body"), str | None)
        and isinstance(answer.get("headers"), dict | None)
        and isinstance(answer.get("multiValueHeaders"), dict | None)
    )
