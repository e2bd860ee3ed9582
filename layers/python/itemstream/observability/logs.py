"""Structured JSON logs by Powertools Logger.

Every line carries the request id, the correlation id, the tenant, the function and whether the
start was cold. Tokens, bodies and personal data are never logged: pass ids, counts and reasons.
"""

from __future__ import annotations

from aws_lambda_powertools.logging import Logger

__all__ = ["logger"]

# Service and level come from POWERTOOLS_SERVICE_NAME and LOG_LEVEL.
logger = Logger(utc=True, use_rfc3339=True)
