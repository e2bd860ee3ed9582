"""Versions of functions: the newest three and what aliases name stay."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from itemstream.cleanup.pace import Pace
from itemstream.cleanup.tasks import Budget
from itemstream.cleanup.versions import FunctionVersions
from itemstream.cleanup.versions_lambda import LambdaVersions
from itemstream.dependencies import DependencyUnavailable


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "DeleteFunction")


class Lambda:
    """Lambda's answers, two versions or aliases a page."""

    def __init__(self, **functions: int) -> None:
        self.versions = {
            name: ["$LATEST", *map(str, range(1, count + 1))] for name, count in functions.items()
        }
        self.aliases: dict[str, list[dict[str, Any]]] = {}
        self.refusals: dict[str, ClientError] = {}

    def list_versions_by_function(self, FunctionName: str, Marker: str = "0") -> dict[str, Any]:  # noqa: N803
        if FunctionName not in self.versions:
            raise refusal("ResourceNotFoundException")
        found = [{"Version": version} for version in self.versions[FunctionName]]
        return self._page("Versions", found, Marker)

    def list_aliases(self, FunctionName: str, Marker: str = "0") -> dict[str, Any]:  # noqa: N803
        return self._page("Aliases", self.aliases.get(FunctionName, []), Marker)

    def delete_function(self, FunctionName: str) -> None:  # noqa: N803
        function, version = FunctionName.split(":")
        if version in self.refusals:
            raise self.refusals[version]
        self.versions[function].remove(version)

    @staticmethod
    def _page(name: str, found: list[dict[str, Any]], marker: str) -> dict[str, Any]:
        start = int(marker)
        further = {"NextMarker": str(start + 2)} if start + 2 < len(found) else {}
        return {name: found[start : start + 2], **further}


def task(client: Lambda, *functions: str) -> FunctionVersions:
    return FunctionVersions(functions, LambdaVersions(client, Pace(1_000_000)))


def test_old_versions_go_but_for_those_that_aliases_name() -> None:
    # Given a release that gives version 3 a tenth of the calls, and an alias among others
    client = Lambda(reader=10)
    weights = {"AdditionalVersionWeights": {"3": 0.1}}
    client.aliases["reader"] = [
        {"FunctionVersion": "10"},
        {"FunctionVersion": "$LATEST"},
        {"FunctionVersion": "2", "RoutingConfig": weights},
    ]

    # When
    account = task(client, "reader").run(Budget(100))

    # Then
    assert client.versions["reader"] == ["$LATEST", "2", "3", "8", "9", "10"]
    assert (account.found, account.removed, account.done) == (5, 5, True)


def test_every_function_is_looked_at_also_in_several_runs() -> None:
    # Given
    client = Lambda(a=5, b=2, c=4)
    position, removed = None, 0

    # When
    for _ in range(4):
        account = task(client, "c", "gone", "a", "b").run(Budget(0, position))
        position, removed = account.position, removed + account.removed

    # Then
    assert account.done
    assert removed == 3
    assert [len(versions) for versions in client.versions.values()] == [4, 3, 4]


def test_a_dry_run_counts_the_same_and_removes_nothing() -> None:
    # Given
    client = Lambda(reader=5)

    # When
    account = task(client, "reader").run(Budget(100, dry_run=True))

    # Then
    assert (account.found, account.removed) == (2, 2)
    assert len(client.versions["reader"]) == 6


def test_a_version_that_an_alias_names_by_now_is_kept() -> None:
    # Given
    client = Lambda(reader=6)
    client.refusals = {
        "1": refusal("ResourceConflictException"),
        "2": refusal("AccessDeniedException"),
    }

    # When
    account = task(client, "reader").run(Budget(100))

    # Then
    assert (account.found, account.removed, account.kept, account.errors) == (3, 1, 1, 1)


@pytest.mark.parametrize(
    "error", [refusal("TooManyRequestsException"), EndpointConnectionError(endpoint_url="x")]
)
def test_when_lambda_is_away_the_next_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # Given
    client = Lambda(a=5, b=5)

    def fail(**_: Any) -> None:
        raise error

    first = task(client, "a", "b").run(Budget(0))
    monkeypatch.setattr(client, "list_versions_by_function", fail)

    # When
    account = task(client, "a", "b").run(Budget(100, first.position))

    # Then
    assert account.position == "a"
    assert isinstance(account.fault, DependencyUnavailable)
