"""The images as they are built: what the archives hold, and nothing that has no business there."""

from __future__ import annotations

import re
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from tools.catalogue import families
from tools.containers.build_secrets import build_secrets
from tools.containers.buildah import Buildah
from tools.containers.engine import Recipe, Target
from tools.containers.inputs import labels
from tools.containers.interpreter import stand_in_interpreter
from tools.containers.layout import Layout
from tools.containers.store import CONTAINERS, IMAGES, image_configuration
from tools.packaging.package import LOCAL_REGISTRY, package
from tools.packaging.platforms import lambda_platform
from tools.project import ROOT, exclusive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.containers.conftest import Files
    from tools.containers.record import BuiltImage

# Issue 7: at most this much, compressed, on top of AWS's base image.
LARGEST_CRUD = 60_000_000
SHIPPED = ("authorizers", "functions", "layers", "scheduled")
BUILDS_OR_TESTS = re.compile(
    r"(^|/)(gcc|cc|g\+\+|c\+\+|clang|ld|make|cargo|rustc|uv|uvx|tests?|conftest\.py|Dockerfile)(/|$)"
)
SECRET = re.compile(
    rb"-----BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}|AKIA[0-9A-Z]{16}\b"
)

every_family = pytest.mark.parametrize("family", [family.name for family in families()])


@pytest.fixture(scope="module")
def archives(images: dict[str, BuiltImage], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Layer and archives for Lambda, compiled by the Python that the images have."""
    image = images["crud"]
    if not image.stand_in:
        pytest.skip("Docker's images hold AWS's Python, which does not run outside of them")
    platform = lambda_platform(image.architecture, stand_in_interpreter(image.base))
    folder = tmp_path_factory.mktemp("archives")
    package(folder, platform, LOCAL_REGISTRY)
    return folder


def archived(archive: Path, root: str) -> dict[str, bytes]:
    """Return an archive's files by where Lambda puts them."""
    with zipfile.ZipFile(archive) as opened:
        return {f"{root}{name}": opened.read(name) for name in opened.namelist()}


def below(files: Files, root: str) -> dict[str, bytes]:
    return {
        name: content
        for name, (entry, content) in files.items()
        if name.startswith(root) and entry.isfile()
    }


def assert_same(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    """Compare paths and then bytes, without printing megabytes."""
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []


def test_the_shared_base_image_is_the_layer(
    images: dict[str, BuiltImage], files_over_base: Callable[[BuiltImage], Files], archives: Path
) -> None:
    assert_same(
        below(files_over_base(images["crud"]), "opt/"), archived(archives / "layer.zip", "opt/")
    )


@every_family
def test_a_familys_image_holds_what_its_archive_does(
    family: str,
    images: dict[str, BuiltImage],
    files_over_base: Callable[[BuiltImage], Files],
    archives: Path,
) -> None:
    assert_same(
        below(files_over_base(images[family]), "var/"),
        archived(archives / f"{family}.zip", "var/task/"),
    )


@every_family
def test_an_image_holds_nothing_else(
    family: str, images: dict[str, BuiltImage], files_over_base: Callable[[BuiltImage], Files]
) -> None:
    # When
    files = files_over_base(images[family])

    # Then
    assert {name.split("/")[0] for name in files} == {"opt", "var"}
    assert [name for name in files if BUILDS_OR_TESTS.search(name)] == []
    assert [name for name, (_, content) in files.items() if SECRET.search(content)] == []
    for name, (entry, _) in files.items():
        assert entry.mode & 0o6000 == 0, f"{name} runs as its owner"
        assert entry.mode & 0o022 == 0, f"{name} may be written by others"
        readable = 0o555 if entry.isdir() else 0o444
        assert entry.mode & readable == readable, f"{name} cannot be read by the function"
        assert entry.uid == entry.gid == 0


def test_packages_are_only_where_they_are_used(
    images: dict[str, BuiltImage], files_over_base: Callable[[BuiltImage], Files]
) -> None:
    # When
    having = {
        package: {
            family
            for family, image in images.items()
            if any(f"/{package}/__init__.py" in name for name in files_over_base(image))
        }
        for package in ("pyvips", "PIL", "pymysql", "aiohttp", "botocore")
    }

    # Then
    assert having == {
        "pyvips": {"processors"},
        "PIL": set(),
        "pymysql": {"processors", "scheduled"},
        "aiohttp": {"realtime", "scheduled"},
        "botocore": set(images),
    }


@every_family
def test_an_image_says_what_it_is_and_runs_as_nobody_special(
    family: str, images: dict[str, BuiltImage]
) -> None:
    # When
    manifest = IMAGES.manifest(images[family].digest)

    # Then
    configuration = image_configuration(images[family].digest)
    assert configuration.user == "993:990"
    assert configuration.entry_point == ["/lambda-entrypoint.sh"]
    assert configuration.working_folder == "/var/task"
    told = manifest.configuration["config"]["Labels"]
    assert told["org.opencontainers.image.title"] == f"itemstream-{family}"
    assert told["org.opencontainers.image.licenses"] == "MIT"
    [expected] = [labels(entry) for entry in families() if entry.name == family]
    assert {name: told.get(name) for name in expected} == expected


def test_crud_is_small(images: dict[str, BuiltImage]) -> None:
    assert images["crud"].size_over_base <= LARGEST_CRUD


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another one of the same commit: of its owner's alone, and with secrets beside the code."""
    folder = tmp_path / "checkout"
    for name in (*SHIPPED, "openapi", "requirements", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".dockerignore", folder)
    for path in (path for name in SHIPPED for path in (folder / name).rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
    for secret in (".env", ".env.local", "server.key", "server.pem"):
        (folder / "functions/processors" / secret).write_text("PASSWORD=secret")
        (folder / "layers/python/itemstream" / secret).write_text("PASSWORD=secret")
    return folder


def test_every_checkout_of_a_commit_gives_the_same_image(
    images: dict[str, BuiltImage], checkout: Path, tmp_path: Path
) -> None:
    # Given
    image = images["processors"]
    if not image.stand_in:
        pytest.skip("built with buildah alone: Docker's images come from its own cache")
    family = next(family for family in families() if family.name == "processors")
    again = Target(Layout(tmp_path / "again"), image.architecture)
    recipe = Recipe(checkout / "functions/processors/Dockerfile", labels(family))

    # When: not beside `make images`, which uses the same names
    with exclusive(CONTAINERS), build_secrets() as secrets:
        engine = Buildah(CONTAINERS / "buildah", secrets, checkout)
        engine.build({"processors": recipe}, again, lambda _: None)

    # Then
    assert again.images.named(again.name("processors")) == image.digest
