"""Every invocation goes to the Lambda host, and the host's answers come back as Lambda's own.

AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html names the answers of Invoke: the
payload, the payload with ``X-Amz-Function-Error``, 429 TooManyRequestsException with a reason, 413
for a request over 6 MB.
MiniStack 1.5.33: its proxy mode wants an environment variable for each function, cuts the call off
at the function's time-out (cold start included), and makes one Runtime.HandlerError of every
answer but 200. Its WebSocket APIs run Zip functions in a process of MiniStack's own.

Protocol: ``POST <host>/2015-03-31/functions/<name>/invocations`` with the event as the body and
the headers ``X-Amzn-Lambda-Function-Name``, ``-Function-Version``, ``-Function-Arn`` (as invoked,
alias included), ``-Revision-Id`` (of the configuration), ``-Request-Id``, ``-Deadline-Ms`` and
``X-Amzn-Trace-Id``. The host answers as Invoke does. Concurrency, logs and the AWS/Lambda metrics
are the host's: MiniStack's own are off.
"""

import http.client
import json
import os
import queue
import select
import time
import uuid
from typing import Any
from urllib.parse import quote, urlsplit

from ministack.services import lambda_svc

REQUEST_TOO_LARGE = "RequestTooLargeException"
# Names, in a function's configuration, the request that is repeated; otherwise each has a new id.
REQUEST_ID = "RequestId"
# Marks the record of an invocation that reached no function: the host is away or refused it.
NOT_INVOKED = "not_invoked"
_EXCEPTIONS = {413: REQUEST_TOO_LARGE, 429: "TooManyRequestsException"}

# The host bounds every invocation itself; this only ends a wait for a host that hangs. It covers
# the queue, a cold start and the function's own time.
_PATIENCE_SECONDS = 120
# Shorter than the host keeps idle connections, so that none is used that it is about to close.
_KEEP_IDLE_SECONDS = 15


def apply() -> None:
    """Patch ``ministack.services.lambda_svc``; needs ITEMSTREAM_LAMBDA_HOST_URL."""
    host = _Host(os.environ["ITEMSTREAM_LAMBDA_HOST_URL"])
    invoke = lambda_svc._invoke
    find = lambda_svc._get_func_record_for_ref_in_scope

    def execute(function: dict[str, Any], event: Any) -> Any:
        config = function.get("config") or function
        if lambda_svc._function_config_scope_mismatch(config):
            return lambda_svc._run_with_function_config_scope(config, execute, function, event)
        return host.invoke(config, event)

    async def invoke_as_lambda(*args: Any, **kwargs: Any) -> Any:
        status, headers, body = await invoke(*args, **kwargs)
        if headers.get("X-Amz-Function-Error") == REQUEST_TOO_LARGE:
            status, headers = 413, {"Content-Type": "application/json"}
        # By this header SDKs tell exceptions apart.
        if status in _EXCEPTIONS:
            headers["x-amzn-ErrorType"] = _EXCEPTIONS[status]
        return status, headers, body

    def find_without_code(*args: Any, **kwargs: Any) -> Any:
        # Who invokes what is found here and sees no code leaves it to `execute`.
        function, config, name = find(*args, **kwargs)
        return function and {**function, "code_zip": None}, config, name

    lambda_svc._get_func_record_for_ref_in_scope = find_without_code
    lambda_svc._execute_function = execute
    lambda_svc._invoke = invoke_as_lambda
    lambda_svc._emit_lambda_metrics = _leave_to_the_host


def _leave_to_the_host(*_: Any, **__: Any) -> None:
    """Emit no metrics: the host does, for every invocation and not only those by the Invoke API."""


class _Host:
    """The Lambda host at `url`, reached over kept-alive connections."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._idle: queue.LifoQueue[tuple[float, http.client.HTTPConnection]] = queue.LifoQueue()

    def invoke(self, config: dict[str, Any], event: Any) -> dict[str, Any]:
        """Run one invocation and return the record MiniStack's services expect."""
        timeout = int(config.get("Timeout") or 3)
        request = json.dumps(event, ensure_ascii=False).encode()
        connection = self._connection()
        if connection.sock is not None:
            connection.sock.settimeout(timeout + _PATIENCE_SECONDS)
        connection.timeout = timeout + _PATIENCE_SECONDS
        try:
            name = quote(config["FunctionName"])
            connection.request(
                "POST",
                f"/2015-03-31/functions/{name}/invocations",
                request,
                _headers(config, timeout),
            )
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            return _record_of_failure(
                "ServiceException",
                f"The Lambda host at {self._address.geturl()} does not answer ({problem!r}). "
                "See `make status`; `make up` starts it again.",
            )
        self._idle.put((time.monotonic(), connection))
        return _record(answer.status, answer.headers.get("X-Amz-Function-Error"), body)

    def _connection(self) -> http.client.HTTPConnection:
        while True:
            try:
                since, connection = self._idle.get_nowait()
            except queue.Empty:
                return http.client.HTTPConnection(self._address.hostname or "", self._address.port)
            if time.monotonic() - since < _KEEP_IDLE_SECONDS and _is_open(connection):
                return connection
            connection.close()


def _is_open(connection: http.client.HTTPConnection) -> bool:
    """Tell whether the host still has it: from an idle connection there is only its end to read."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _headers(config: dict[str, Any], timeout: int) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "X-Amzn-Lambda-Function-Name": config["FunctionName"],
        "X-Amzn-Lambda-Function-Version": config.get("Version", "$LATEST"),
        "X-Amzn-Lambda-Function-Arn": config.get("FunctionArn", ""),
        "X-Amzn-Lambda-Revision-Id": config.get("RevisionId", ""),
        "X-Amzn-Lambda-Request-Id": config.get(REQUEST_ID) or str(uuid.uuid4()),
        "X-Amzn-Lambda-Deadline-Ms": str(int((time.time() + timeout) * 1000)),
    }
    if trace := lambda_svc._xray_trace_id_for_invocation(config):
        headers["X-Amzn-Trace-Id"] = trace
    return headers


def _record(status: int, function_error: str | None, body: bytes) -> dict[str, Any]:
    if status not in (200, *_EXCEPTIONS):
        return _record_of_failure("ServiceException", f"The Lambda host answered {status}.")
    try:
        payload = json.loads(body) if body else None
    except ValueError:
        return {"body": body.decode(errors="replace"), "raw_payload": True}
    if status == 429:
        return {"throttle": True, "error": True, "body": payload}
    if status == 413:
        return {"error": True, "function_error": REQUEST_TOO_LARGE, "body": payload}
    if function_error:
        return {"error": True, "function_error": function_error, "body": payload}
    return {"body": payload}


def _record_of_failure(kind: str, message: str) -> dict[str, Any]:
    return {
        "error": True,
        "function_error": "Unhandled",
        NOT_INVOKED: True,
        "body": {"errorType": kind, "errorMessage": message},
    }
