"""Events of an HTTP API in format 2.0: the path begins with the stage, and cookies are a list.

AWS: ``rawPath`` holds the stage's name unless that is ``$default``, and ``cookies`` all cookies
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
What reads events, Powertools for one, cuts the stage's name off.
MiniStack 1.5.33: leaves both out.
"""

from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway

_stage: ContextVar[str | None] = ContextVar("stage", default=None)


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    invoke = apigateway._invoke_lambda_proxy
    authorize = apigateway._authorize_request_v2
    run = apigateway.run_reentrant

    async def invoke_at_stage(
        integration: Any, api_id: str, stage: str, path: str, *args: Any, **kwargs: Any
    ) -> Any:
        within = _stage.set(stage)
        try:
            return await invoke(integration, api_id, stage, path, *args, **kwargs)
        finally:
            _stage.reset(within)

    async def authorize_at_stage(api_id: str, stage: str, *args: Any, **kwargs: Any) -> Any:
        within = _stage.set(stage)
        try:
            return await authorize(api_id, stage, *args, **kwargs)
        finally:
            _stage.reset(within)

    async def run_completed(execute: Any, *args: Any, **kwargs: Any) -> Any:
        stage = _stage.get()
        if stage is not None and "rawPath" in args[1]:
            record, event, *rest = args
            args = (record, _completed(event, stage), *rest)
        return await run(execute, *args, **kwargs)

    apigateway._invoke_lambda_proxy = invoke_at_stage
    apigateway._authorize_request_v2 = authorize_at_stage
    apigateway.run_reentrant = run_completed


def _completed(event: dict[str, Any], stage: str) -> dict[str, Any]:
    path = event["rawPath"] if stage == "$default" else f"/{stage}{event['rawPath']}"
    context = event["requestContext"]
    completed = {
        **event,
        "rawPath": path,
        "requestContext": {**context, "http": {**context["http"], "path": path}},
    }
    if cookies := event["headers"].get("cookie"):
        completed["cookies"] = cookies.split("; ")
    return completed
