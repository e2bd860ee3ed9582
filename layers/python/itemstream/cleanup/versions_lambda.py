"""Versions of functions in Lambda."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from itemstream.cleanup.tasks import Removal
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.errors import error_code
from itemstream.observability.errors import error_fields
from itemstream.observability.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itemstream.cleanup.pace import Pace

__all__ = ["LambdaVersions"]

_GONE = "ResourceNotFoundException"
# What Lambda says of a version that an alias names.
_IN_USE = "ResourceConflictException"
_PASSING = frozenset({"TooManyRequestsException", "ServiceException", "ThrottlingException"})


class LambdaVersions:
    """
    Versions in Lambda; see :class:`itemstream.cleanup.versions.PublishedVersions`.

    Parameters
    ----------
    client
        Lambda client.
    pace
        Calls a second: Lambda allows an account 15 of those that change something
        (Lambda Developer Guide, "Lambda quotas").
    """

    def __init__(self, client: Any, pace: Pace) -> None:
        self._client = client
        self._pace = pace

    def published(self, function: str) -> list[int]:
        """List them; ``$LATEST`` is none."""
        pages = self._pages("list_versions_by_function", function)
        versions = [found["Version"] for page in pages for found in page["Versions"]]
        return [int(version) for version in versions if version.isdigit()]

    def aliased(self, function: str) -> set[int]:
        """List aliases with their second versions."""
        named: set[str] = set()
        for page in self._pages("list_aliases", function):
            for alias in page["Aliases"]:
                weighted = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
                named |= {alias["FunctionVersion"], *weighted}
        return {int(version) for version in named if version.isdigit()}

    def remove(self, function: str, versions: list[int]) -> Removal:
        """Delete them one by one, by their number: without one it would be the function."""
        removal = Removal()
        for version in versions:
            self._pace.spend(1)
            try:
                # In the name, so that no form of the request without it could mean the function.
                self._client.delete_function(FunctionName=f"{function}:{version}")
            except ClientError as error:
                if error_code(error) in {_IN_USE, _GONE}:
                    removal += Removal(kept=1)
                else:
                    about = {"version_of": function, **error_fields(error)}
                    logger.error("version not removed", extra=about)
                    removal += Removal(errors=1)
            except BotoCoreError as error:
                raise DependencyUnavailable("Lambda") from error
            else:
                removal += Removal(removed=1)
        return removal

    def _pages(self, operation: str, function: str) -> Iterator[dict[str, Any]]:
        query = {"FunctionName": function}
        while True:
            self._pace.spend(1)
            try:
                page: dict[str, Any] = getattr(self._client, operation)(**query)
            except ClientError as error:
                if error_code(error) == _GONE:
                    return
                if error_code(error) in _PASSING:
                    raise DependencyUnavailable("Lambda") from error
                raise
            except BotoCoreError as error:
                raise DependencyUnavailable("Lambda") from error
            yield page
            if not page.get("NextMarker"):
                return
            query["Marker"] = page["NextMarker"]
