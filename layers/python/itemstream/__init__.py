"""Itemstream's shared package: what every Lambda function of the platform builds on.

Rooms by meaning: ``items`` (the item itself), ``idempotency`` (one answer per key), ``api`` (HTTP
in and out), ``auth`` (tokens to principals), ``dependencies`` (what may be away),
``observability``, ``config``; and the plumbing of the adapters: ``dynamodb``, ``cache``.
"""

import gc
import os

if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    # What Init makes stays: to look for garbage in it, time and again, takes a seventh of a cold
    # start. See also `itemstream.observability.invocation`.
    gc.set_threshold(50_000)
