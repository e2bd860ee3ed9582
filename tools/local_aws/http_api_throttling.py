"""An HTTP API refuses what its stage's throttling does not allow.

AWS: a token bucket for each route with settings of its own, and one for all others together:
429 ``Too Many Requests``
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html).
MiniStack 1.5.33: keeps the settings and never looks at them.
"""

import json
from typing import Any

from ministack.services import apigateway, apigateway_v1


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    execute = apigateway._handle_execute_in_scope

    async def execute_within_limits(
        api_id: str, stage_name: str, path: str, method: str, *args: Any, **kwargs: Any
    ) -> Any:
        stage = apigateway._stages.get(api_id, {}).get(stage_name, {})
        route = apigateway._match_route(api_id, method, "/" + path.lstrip("/")) or {}
        key = route.get("routeKey", "")
        own = (stage.get("routeSettings") or {}).get(key) or {}
        settings = {**(stage.get("defaultRouteSettings") or {}), **own}
        rate, burst = settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit")
        slot = ("http", api_id, stage_name, key if "throttlingRateLimit" in own else "")
        limits = {"rateLimit": rate, "burstLimit": burst}
        if rate and burst and method != "OPTIONS" and not apigateway_v1._take_token(slot, limits):
            body = json.dumps({"message": "Too Many Requests"}).encode()
            return 429, {"Content-Type": "application/json"}, body
        return await execute(api_id, stage_name, path, method, *args, **kwargs)

    apigateway._handle_execute_in_scope = execute_within_limits
