"""What a log line says of an error: its kind and place, not its text, which may quote input."""

from __future__ import annotations

import traceback
from typing import Any

__all__ = ["error_fields"]


def error_fields(error: BaseException) -> dict[str, Any]:
    """Return the fields of a log line about an error."""
    frames = traceback.extract_tb(error.__traceback__)
    # Errors of AWS clients say which operation was refused, and how.
    aws_answer = getattr(error, "response", None) or {}
    return {
        "error": type(error).__name__,
        "aws_operation": getattr(error, "operation_name", None),
        "aws_code": aws_answer.get("Error", {}).get("Code"),
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
