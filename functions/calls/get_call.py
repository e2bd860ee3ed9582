"""GET /calls/{call_id}: one call."""

from itemstream.api.http import http_handler
from itemstream.api.rest import Call, Response
from itemstream.calls.dynamodb import DynamoCalls
from itemstream.calls.problems import call_problem

calls = DynamoCalls.from_environment()


@http_handler(scope="calls:read", problems=[call_problem])
def handler(call: Call) -> Response:
    """Read it by its key; a call id that nobody could have given is one that is not there."""
    return Response(200, calls.get(call.principal.tenant, call.request.path_text("call_id")))
