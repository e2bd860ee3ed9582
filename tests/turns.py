"""A pytest plugin: tests that break the stack run alone, all others side by side.

Workers share a lock file. A test in tests/resilience holds it alone, any other shares it; and the
resilience tests come last, so that nobody waits long.
"""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

import pytest

from tools.project import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterator


def _breaks_the_stack(item: pytest.Item) -> bool:
    return "resilience" in item.path.parts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_breaks_the_stack)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "turns.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if _breaks_the_stack(item) else fcntl.LOCK_SH)
        return (yield)  # type: ignore[return-value]
