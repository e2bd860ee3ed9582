"""`make up` that was stopped half way knows, the next time, that it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tools.progress import Progress
from tools.project import Problem
from tools.stack import package_types, record, run_choice, settings, up
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from pathlib import Path

    from tools.infrastructure.workspace import Workspace
    from tools.stack.settings import Stack


class MissingError(Exception):
    """There is no such thing."""


class StoppedError(Exception):
    """Somebody ends the command here."""


class Services:
    """The local AWS: the note of what was applied, and functions that are all images."""

    exceptions = SimpleNamespace(
        ParameterNotFound=MissingError, ResourceNotFoundException=MissingError
    )

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}

    def put_parameter(self, *, Name: str, Value: str, **_: Any) -> None:  # noqa: N803
        self.parameters[Name] = Value

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803
        if Name not in self.parameters:
            raise MissingError
        return {"Parameter": {"Value": self.parameters[Name]}}

    def delete_parameters(self, *, Names: list[str]) -> None:  # noqa: N803
        for name in Names:
            self.parameters.pop(name, None)

    def create_bucket(self, **_: Any) -> None:
        """The state's."""

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        always_zip = FunctionName == "itemstream-local-call-ingestor"
        return {"PackageType": "Zip" if always_zip else "Image"}

    def delete_function(self, **_: Any) -> None:
        raise StoppedError


class Root:
    """Terraform's root: made of `inputs`."""

    def __init__(self, stack: Stack, inputs: str) -> None:
        self.stack = stack
        self._inputs = inputs

    def inputs(self) -> str:
        return self._inputs

    def initialise(self) -> bool:
        return False

    def outputs(self) -> dict[str, Any]:
        return {}

    def apply(self, _: Any) -> str:
        return "applied"


class BrokenRoot(Root):
    """One that Terraform cannot apply."""

    def apply(self, _: Any) -> str:
        raise Problem("half of it is there")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack that was brought up with images."""
    services = Services()
    for module in (package_types, record, up):
        monkeypatch.setattr(module, "client", lambda *_: services)
    monkeypatch.setattr(settings, "LOCAL", tmp_path)
    stack = current_stack()
    stack.folder.mkdir(parents=True)
    apply(Root(stack, "images"))
    assert record.applied_inputs(stack) == "images"
    return stack


def apply(root: Root) -> None:
    with Progress() as progress:
        up._apply(cast("Workspace", root), progress)


def test_deleting_functions_half_way_is_not_forgotten(stack: Stack) -> None:
    # When
    run_choice.keep(stack, run_choice.RunChoice(run_choice.Run.ARCHIVES))
    with pytest.raises(StoppedError):
        apply(Root(stack, "archives"))

    # Then: back to images, everything is applied again
    assert record.applied_inputs(stack) is None


def test_an_apply_that_failed_is_not_forgotten(stack: Stack) -> None:
    # When
    with pytest.raises(Problem, match="half of it"):
        apply(BrokenRoot(stack, "others"))

    # Then
    assert record.applied_inputs(stack) is None
