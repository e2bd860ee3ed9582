#!/bin/sh
# As AWS's: the handler is the one argument. AWS's starts its emulator where there is no runtime API.
if [ $# -ne 1 ]; then
    echo "entrypoint requires the handler name to be the first argument" >&2
    exit 142
fi
if [ -z "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
    echo "this stand-in has no runtime interface emulator: set AWS_LAMBDA_RUNTIME_API" >&2
    exit 143
fi
export _HANDLER="$1"
exec /var/lang/bin/python3 /var/runtime/bootstrap.py "$1"
