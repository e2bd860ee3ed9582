"""Which versions of a function there are, and which of them its callers get."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.catalogue import catalogue, function_names
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.dead_letters.accounts import Account

__all__ = ["ALIAS", "Versions", "chosen_functions", "gets_calls", "read_versions"]

ALIAS = "live"
_READERS = 8


@dataclass(frozen=True)
class Versions:
    """
    A function's versions.

    Parameters
    ----------
    function
        Its name in the catalogue.
    name
        Its name on AWS.
    live
        The version that the alias names.
    trial, share
        The version that the alias sends some of the calls to, and how many (0 to 1); None and 0 if
        there is none.
    published
        All of them, the oldest first.
    revision
        The alias's: it changes whenever somebody moves it.
    """

    function: str
    name: str
    live: str
    trial: str | None
    share: float
    published: tuple[str, ...]
    revision: str

    @property
    def at_once(self) -> bool:
        """Whether Terraform moves it in every environment, so that CodeDeploy does not know it."""
        entry = catalogue()["functions"].get(self.function, {})
        return bool(entry.get("deployment") == "all_at_once")

    @property
    def newest(self) -> str:
        """The version that was published last."""
        return self.published[-1]


def chosen_functions(names: Sequence[str]) -> list[str]:
    """
    Return the functions that are meant: those named, or all.

    Raises
    ------
    Problem
        If the catalogue knows one of them not.
    """
    known = function_names()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Problem(
            f"There is no function {', '.join(unknown)}. functions.yaml has them all: "
            f"{', '.join(known)}."
        )
    return list(dict.fromkeys(names)) or known


def read_versions(account: Account, functions: Sequence[str]) -> list[Versions]:
    """
    Ask Lambda for the versions of functions.

    Raises
    ------
    Problem
        If one is not deployed.
    """
    client = account.client("lambda")
    with ThreadPoolExecutor(_READERS) as readers:
        return list(readers.map(lambda function: _read(account, client, function), functions))


def gets_calls(account: Account, function: str, version: str) -> bool:
    """Say whether the alias of a function sends any call to a version."""
    client = account.client("lambda")
    try:
        alias = client.get_alias(FunctionName=_name(account, function), Name=ALIAS)
    except client.exceptions.ResourceNotFoundException:
        return False
    return version == alias["FunctionVersion"] or version in _weights(alias)


def _name(account: Account, function: str) -> str:
    return f"{account.prefix}{function.replace('_', '-')}"


def _weights(alias: dict[str, Any]) -> dict[str, float]:
    return dict(alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))


def _read(account: Account, client: Any, function: str) -> Versions:
    name = _name(account, function)
    try:
        alias = client.get_alias(FunctionName=name, Name=ALIAS)
    except client.exceptions.ResourceNotFoundException:
        raise Problem(
            f"There is no function {name} with an alias {ALIAS}: apply Terraform to "
            f"{account.environment} first."
        ) from None
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    numbers = [v["Version"] for page in pages for v in page["Versions"] if v["Version"].isdecimal()]
    trial, share = next(iter(_weights(alias).items()), (None, 0.0))
    return Versions(
        function,
        name,
        alias["FunctionVersion"],
        trial,
        share,
        tuple(sorted(numbers, key=int)),
        alias["RevisionId"],
    )
