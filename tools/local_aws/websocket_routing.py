"""No message ends its connection by what it says, or takes a route of the gateway's own.

AWS: what cannot be read goes to ``$default``; ``$connect`` and ``$disconnect`` are called when
clients come and go
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html).
MiniStack 1.5.33: a message nested too deeply for its parser ends the connection, and one with the
action ``$disconnect`` calls the function of that route.
"""

from ministack.services import apigateway


def apply() -> None:
    """Patch ``ministack.services.apigateway``."""
    evaluate = apigateway._evaluate_route_selection

    def evaluate_safely(expression: str, message: str) -> str:
        try:
            key: str = evaluate(expression, message)
        except RecursionError:
            return "$default"
        return "$default" if key.startswith("$") else key

    apigateway._evaluate_route_selection = evaluate_safely
