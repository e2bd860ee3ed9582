"""Request bodies that a REST API, or the function behind it, does not take.

AWS: a body over 10 MB, and one that makes the function's event larger than Lambda's 6 MB, is
answered 413 by the gateway's REQUEST_TOO_LARGE response
(https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
MiniStack 1.5.33: has neither limit.
"""

from typing import Any

from ministack.services import apigateway_v1 as gateway

from tools.local_aws.lambda_host import REQUEST_TOO_LARGE

_MAXIMUM_BYTES = 10 * 1024 * 1024


class _EventTooLargeError(Exception):
    """Lambda refused the event for its size."""


def apply() -> None:
    """Patch ``ministack.services.apigateway_v1``."""
    execute = gateway._execute_in_scope
    call_lambda = gateway._call_lambda_raw

    async def call_within_limit(*args: Any, **kwargs: Any) -> Any:
        result, problem = await call_lambda(*args, **kwargs)
        if result and result.get("function_error") == REQUEST_TOO_LARGE:
            raise _EventTooLargeError
        return result, problem

    async def execute_within_limits(
        request: dict[str, Any],
        api_id: str,
        stage_name: str,
        method: str,
        path: str,
        headers: Any,
        body: bytes,
        *rest: Any,
    ) -> Any:
        stage = gateway._stages_v1.get(api_id, {}).get(stage_name)
        try:
            if stage is None or len(body or b"") <= _MAXIMUM_BYTES:
                return await execute(
                    request, api_id, stage_name, method, path, headers, body, *rest
                )
        except _EventTooLargeError:
            pass
        request["stage"] = stage
        return gateway._gw_error("REQUEST_TOO_LARGE", "Request Too Long")

    gateway._call_lambda_raw = call_within_limit
    gateway._execute_in_scope = execute_within_limits
