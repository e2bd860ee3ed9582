"""Functions whose package type changes are made anew, and no others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tools.catalogue import function_names
from tools.stack import package_types
from tools.stack.package_types import delete_functions_of_another_type
from tools.stack.run_choice import Run, RunChoice
from tools.stack.settings import Stack

STACK = Stack("trial", 1, 2, 3, 4, "us-east-1")


class MissingError(Exception):
    """There is no such function."""


class Functions:
    """What Lambda knows, and is told to delete."""

    exceptions = SimpleNamespace(ResourceNotFoundException=MissingError)

    def __init__(self, types: dict[str, str]) -> None:
        self.types = types
        self.deleted: list[str] = []

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in self.types:
            raise MissingError
        return {"PackageType": self.types[FunctionName]}

    def delete_function(self, *, FunctionName: str) -> None:  # noqa: N803
        self.deleted.append(FunctionName)


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Functions:
    """All functions of the catalogue, as images but the one that is always a Zip."""
    names = {f"itemstream-local-{name.replace('_', '-')}" for name in function_names()}
    known = Functions(dict.fromkeys(names, "Image") | {"itemstream-local-call-ingestor": "Zip"})
    monkeypatch.setattr(package_types, "client", lambda *_: known)
    return known


def test_archives_take_the_place_of_images(functions: Functions) -> None:
    # When
    deleted = delete_functions_of_another_type(STACK, RunChoice(Run.ARCHIVES))

    # Then
    assert set(functions.deleted) == functions.types.keys() - {"itemstream-local-call-ingestor"}
    assert deleted == len(functions.deleted)


@pytest.mark.parametrize("run", [Run.SOURCE, Run.IMAGES])
def test_what_stays_what_it_is_is_left_alone(functions: Functions, run: Run) -> None:
    assert delete_functions_of_another_type(STACK, RunChoice(run)) == 0
    assert functions.deleted == []


def test_functions_that_are_not_there_yet_need_nothing(functions: Functions) -> None:
    # Given
    functions.types = {}

    # Then
    assert delete_functions_of_another_type(STACK, RunChoice(Run.ARCHIVES)) == 0
