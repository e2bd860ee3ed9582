"""The authorizer of a WebSocket API is asked whatever was sent, unless it names what it needs.

AWS: identity sources are optional; without any the authorizer is always called
(https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html).
MiniStack 1.5.33: takes a missing list for the header ``Authorization``, and refuses the others.
"""

from typing import Any

from ministack.services import apigateway


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    create = apigateway._create_authorizer

    def create_as_asked(api_id: str, data: dict[str, Any]) -> Any:
        if apigateway._apis.get(api_id, {}).get("protocolType") == "WEBSOCKET":
            data = {"identitySource": [], **data}
        return create(api_id, data)

    apigateway._create_authorizer = create_as_asked
