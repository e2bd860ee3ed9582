"""What every Dockerfile keeps to, and that the lists which must agree do."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tools.catalogue import Family, families
from tools.packaging.dependencies import kept_services
from tools.project import ROOT, files_below

if TYPE_CHECKING:
    from pathlib import Path

BAKE = (ROOT / "docker-bake.hcl").read_text()
DOCKERFILES = [family.source / "Dockerfile" for family in families()]
CODE = ("layers/python", "functions", "authorizers", "scheduled")
MAKES_CLIENTS = {"aws_client", "client", "create_client", "resource"}
# Hands on what it is asked for.
AWS = ROOT / "layers/python/itemstream/aws.py"

every_family = pytest.mark.parametrize("family", families(), ids=lambda family: family.name)


def clients_in(file: Path) -> set[str]:
    """Name the services that a file makes clients of."""
    services = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in MAKES_CLIENTS:
                assert node.args, f"{file}: {name}() without a service"
                service = node.args[0]
                assert isinstance(service, ast.Constant), f"{file}: {name}() of a variable"
                services.add(str(service.value))
    return services


def test_botocore_keeps_just_the_services_that_the_code_uses() -> None:
    # Given
    files = [file for file in files_below(*(ROOT / folder for folder in CODE)) if file != AWS]

    # When
    used = set().union(*(clients_in(file) for file in files if file.suffix == ".py"))

    # Then
    assert kept_services() == used


def test_docker_builds_what_the_catalogue_names() -> None:
    # When
    targets = dict(
        re.findall(
            r'^target "(\w+)" \{\n  inherits   = \["_family"\]\n  .*"(.+)"', BAKE, re.MULTILINE
        )
    )
    [default] = re.findall(r'group "default" \{\n  targets = \[(.*)\]', BAKE)

    # Then
    expected = {family.name: str(family.source.relative_to(ROOT)) for family in families()}
    assert targets == {name: f"{source}/Dockerfile" for name, source in expected.items()}
    assert sorted(re.findall(r'"(\w+)"', default)) == sorted(expected)


def test_aws_base_image_is_pinned_by_digest_and_in_one_place() -> None:
    # When
    pins = re.findall(r"public\.ecr\.aws/lambda/python:[^\s\"`]+", BAKE)
    elsewhere = [
        file
        for file in (*DOCKERFILES, ROOT / "layers/Dockerfile")
        if "public.ecr.aws" in file.read_text()
    ]

    # Then
    assert len(pins) == 1
    assert re.fullmatch(r".+:3\.13@sha256:[0-9a-f]{64}", pins[0])
    assert elsewhere == []


@every_family
def test_an_image_runs_as_the_user_that_lambda_takes(family: Family) -> None:
    instructions = (family.source / "Dockerfile").read_text().splitlines()
    assert instructions[-1] == "USER 993:990"


@every_family
def test_only_the_machine_that_builds_runs_anything(family: Family) -> None:
    for dockerfile in (family.source / "Dockerfile", ROOT / "layers/Dockerfile"):
        stages = re.split(r"^FROM ", dockerfile.read_text(), flags=re.MULTILINE)[1:]
        for stage in stages:
            if re.search(r"^RUN ", stage, re.MULTILINE):
                assert stage.startswith("--platform=${BUILDPLATFORM} "), f"{dockerfile}: {stage}"


@every_family
def test_an_image_holds_the_packages_of_its_family_alone(family: Family) -> None:
    locks = set(re.findall(r"requirements/(\w+)\.txt", (family.source / "Dockerfile").read_text()))
    assert locks == ({family.requirements.stem} if family.requirements else set())


@every_family
def test_what_the_catalogue_includes_is_copied(family: Family) -> None:
    text = (family.source / "Dockerfile").read_text()
    for file in family.include:
        name = file.relative_to(ROOT)
        assert f"COPY {name} /var/task/{name.parent}/" in text
