"""Terraform for the tests of this folder, and what an account gets before any environment."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tools.dependencies.terraform import find_terraform, plugin_folder, terraform_environment
from tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

# What it reads beside itself.
READ = (
    "functions.yaml",
    "openapi",
    "layers/python/itemstream/mysql/migrations",
    "tools/dependencies/mariadb.py",
)


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Terraform in a copy of its own, so that no other run is disturbed."""
    copy = tmp_path_factory.mktemp("infrastructure")
    ignored = shutil.ignore_patterns(".terraform*")
    shutil.copytree(ROOT / "terraform", copy / "terraform", ignore=ignored)
    for path in READ:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, copy / path)
        else:
            shutil.copy(ROOT / path, copy / path)

    def run(*arguments: str, expected: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            [find_terraform(), f"-chdir={copy / 'terraform'}", *arguments],
            env=terraform_environment(TF_DATA_DIR=str(copy / "data")),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in expected, done.stdout + done.stderr
        return done.stdout

    plugins = plugin_folder()
    run("init", "-backend=false", *([f"-plugin-dir={plugins}"] if plugins else []))
    return run


@pytest.fixture(scope="session")
def account(terraform: Callable[..., str]) -> dict[str, Any]:
    """The outputs of terraform/bootstrap, planned; every assertion about it holds."""
    chosen = "-filter=tests/bootstrap.tftest.hcl"
    messages = [
        json.loads(line) for line in terraform("test", "-json", "-verbose", chosen).splitlines()
    ]
    plan = next(m for m in messages if "test_plan" in m and m["@testrun"] == "bootstrap")
    changes = plan["test_plan"]["output_changes"]
    return {name: change["after"] for name, change in changes.items()}
