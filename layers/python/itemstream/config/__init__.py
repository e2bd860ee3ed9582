"""Configuration: a function's environment variables, checked once at init."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ConfigurationError", "from_environment"]

Settings = TypeVar("Settings")

# A dataclass and these few lines instead of a Pydantic model: functions that need no other
# validation start without importing Pydantic.
_PARSERS: dict[str, Any] = {"str": str, "int": int, "float": float}


class ConfigurationError(RuntimeError):
    """An environment variable is missing or cannot be read."""


def from_environment(
    settings: type[Settings], environ: Mapping[str, str] | None = None
) -> Settings:
    """
    Make a settings dataclass from environment variables.

    Parameters
    ----------
    settings
        A dataclass of ``str``, ``int`` and ``float`` fields. Field ``items_table`` is read from
        ``ITEMS_TABLE``; a field with a default may be absent.
    environ
        The variables; the process's own by default.

    Raises
    ------
    ConfigurationError
        A variable is missing or malformed; the message names all of them.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in fields(settings):  # type: ignore[arg-type]
        name = field.name.upper()
        raw = environ.get(name)
        if raw is None:
            continue
        # A type, or its name where annotations are postponed.
        type_name = field.type if isinstance(field.type, str) else field.type.__name__
        try:
            values[field.name] = _PARSERS[type_name](raw)
        except ValueError:
            problems.append(f"{name} must be {type_name}, not {raw!r}")
    try:
        made = None if problems else settings(**values)
    except TypeError:
        made = None
    if made is None:
        problems += [
            f"{field.name.upper()} is not set"
            for field in fields(settings)  # type: ignore[arg-type]
            if field.name not in values and field.name.upper() not in environ and _required(field)
        ]
        raise ConfigurationError(f"{settings.__name__}: " + "; ".join(problems))
    return made


def _required(field: Any) -> bool:
    from dataclasses import MISSING

    return field.default is MISSING and field.default_factory is MISSING
