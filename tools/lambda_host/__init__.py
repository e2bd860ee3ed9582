"""The Lambda host: runs the functions of the local stack as AWS Lambda would.

MiniStack sends every invocation here and the host answers as Lambda's Invoke API does, running the
handler under AWS's own runtime client (``awslambdaric``) in execution environments that it makes,
reuses, bounds and ends.

Protocol
--------
``POST /2015-03-31/functions/<name>/invocations`` with the event as the body and the headers

``X-Amzn-Lambda-Function-Version``
    The version that runs: ``$LATEST`` or a number.
``X-Amzn-Lambda-Function-Arn``
    The ARN as invoked, alias included.
``X-Amzn-Lambda-Revision-Id``
    The revision of that version's configuration; the host reads a configuration again when this
    changes. Without it, the host reads the configuration for each invocation.
``X-Amzn-Lambda-Request-Id``, ``X-Amzn-Trace-Id``
    Passed to the function; made up when missing.

The answers are those of https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: 200 with
the payload, 200 with ``X-Amz-Function-Error: Unhandled`` and the error's JSON, 404, 413, 429 with
a reason, 500. ``GET /health`` counts what is there.
"""

from tools.lambda_host.survivors import stop_survivors

__all__ = ["stop_survivors"]
