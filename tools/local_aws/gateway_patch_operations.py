"""Paths of patch operations on a REST API that name things with a slash in them.

AWS: a path is a JSON Pointer, in which ``~1`` stands for ``/`` and ``~0`` for ``~``
(https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html, RFC 6901, section 3).
MiniStack 1.5.33: takes both as they are written, so a body model that is added to a method later is
kept for ``application~1json``: it is never applied, and no plan is ever empty again.
"""

from __future__ import annotations

from typing import Any

from ministack.services import apigateway_v1 as gateway


class _Pointer(str):
    """A path that is split into the names it means."""

    __slots__ = ()

    def lstrip(self, characters: str | None = None, /) -> _Pointer:
        return _Pointer(super().lstrip(characters))

    def split(self, *separators: Any, **options: Any) -> list[str]:
        names = super().split(*separators, **options)
        return [name.replace("~1", "/").replace("~0", "~") for name in names]


def apply() -> None:
    """Patch ``ministack.services.apigateway_v1``."""
    apply_patch = gateway._apply_patch

    def apply_pointers(target: Any, operations: list[dict[str, Any]]) -> Any:
        read = [{**each, "path": _Pointer(each.get("path", ""))} for each in operations]
        return apply_patch(target, read)

    gateway._apply_patch = apply_pointers
