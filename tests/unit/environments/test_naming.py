"""Names of environments: those with a tfvars file, and copies of dev."""

from __future__ import annotations

import pytest

from tools.environments.naming import environments, find_environment
from tools.project import Problem


@pytest.mark.parametrize("name", environments())
def test_an_environment_has_its_own_values(name: str) -> None:
    environment = find_environment(name)
    assert not environment.is_copy
    assert environment.variables() == [f"-var-file={environment.values}"]
    assert environment.values.stem == name


def test_a_copy_has_the_values_of_dev_and_a_name_of_its_own() -> None:
    environment = find_environment("dev123")
    assert environment.is_copy
    assert environment.values.stem == "dev"
    assert environment.variables()[1:] == ["-var=environment=dev123"]


@pytest.mark.parametrize("name", ["", "nowhere", "prod1", "local1", "dev0", "dev01", "dev12345678"])
def test_another_name_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(Problem, match=r"use dev, local, prod, staging, or a numbered copy of dev"):
        find_environment(name)
