"""What an HTTP API answers when its Lambda function fails.

AWS: a function error, an answer with a status that is none and a body that is no text are 500
``Internal Server Error``, and nothing of the function's text reaches the client; a function that
cannot be invoked for want of concurrency is 503 ``Service Unavailable``, as seen on AWS
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html).
MiniStack 1.5.33: the error's text stands in a 502, Lambda's own message in a 429, a malformed
answer is 200.
"""

import json
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway, lambda_svc

_INTERNAL = 500, "Internal Server Error"
_UNAVAILABLE = 503, "Service Unavailable"
_of_http_api: ContextVar[bool] = ContextVar("of_http_api", default=False)


class _FailureError(Exception):
    """The function gave nothing that could be answered."""


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    invoke = apigateway._invoke_lambda_proxy
    shape = lambda_svc.lambda_execute_result_to_api_proxy_response

    async def invoke_or_fail(*args: Any, **kwargs: Any) -> Any:
        within = _of_http_api.set(True)
        try:
            return await invoke(*args, **kwargs)
        except _FailureError as failure:
            status, message = failure.args
            body = json.dumps({"message": message}).encode()
            return status, {"Content-Type": "application/json"}, body
        finally:
            _of_http_api.reset(within)

    def shape_or_fail(result: dict[str, Any]) -> Any:
        if not _of_http_api.get():
            return shape(result)
        if result.get("throttle"):
            raise _FailureError(*_UNAVAILABLE)
        if result.get("error"):
            raise _FailureError(*_INTERNAL)
        answer, problem = shape(result)
        if not _well_formed(answer):
            raise _FailureError(*_INTERNAL)
        return {**answer, "statusCode": int(answer["statusCode"])}, problem

    apigateway._invoke_lambda_proxy = invoke_or_fail
    lambda_svc.lambda_execute_result_to_api_proxy_response = shape_or_fail


def _well_formed(answer: dict[str, Any]) -> bool:
    return (
        str(answer.get("statusCode", "")).isdecimal()
        and isinstance(answer.get("body"), str | None)
        and isinstance(answer.get("headers"), dict | None)
        and isinstance(answer.get("cookies"), list | None)
    )
