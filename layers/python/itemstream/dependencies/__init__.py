"""Dependencies: what the platform relies on and must expect to be away.

Errors
------
::

    DependencyUnavailable   a store or service did not answer in time; asking again later may work
"""

from __future__ import annotations

__all__ = ["DependencyUnavailable"]


class DependencyUnavailable(Exception):  # noqa: N818
    """
    A dependency did not answer, or asked us to slow down.

    Parameters
    ----------
    dependency
        Its name as people know it, such as ``DynamoDB``.
    retry_after
        Seconds after which another attempt is worth while.
    """

    def __init__(self, dependency: str, retry_after: int = 1) -> None:
        super().__init__(f"{dependency} is not available")
        self.dependency = dependency
        self.retry_after = retry_after
