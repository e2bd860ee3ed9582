"""Archives and manifest: only what changed is built and deployed anew."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tools.catalogue import Family
from tools.packaging import package as packaging
from tools.packaging.package import package
from tools.packaging.platforms import this_machine
from tools.project import REQUIREMENTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REGISTRY = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two families, with a layer that is quickly built."""
    root = tmp_path / "project"
    for family in ("functions/one", "functions/two"):
        (root / family).mkdir(parents=True)
        (root / family / "__init__.py").write_text("")
        (root / family / "get.py").write_text("def handler(event, context): return 1\n")
    (root / "functions/__init__.py").write_text("")
    (root / "descriptions").mkdir()
    (root / "descriptions/one.json").write_text("{}")
    lock = root / "two.txt"
    lock.write_text(_section(REQUIREMENTS / "processors.txt", "markupsafe"))
    layer = root / "layers"
    layer.mkdir()
    (layer / "shared.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(packaging, "ROOT", root)
    monkeypatch.setattr(packaging, "LAYER_SOURCE", layer)
    monkeypatch.setattr(
        packaging,
        "families",
        lambda: [
            Family("one", root / "functions/one", (root / "descriptions/one.json",)),
            Family("two", root / "functions/two", requirements=lock),
        ],
    )
    monkeypatch.setattr(
        packaging,
        "build_layer",
        lambda target, _: target.write_bytes((layer / "shared.py").read_bytes()),
    )
    return root


def _section(lock: Path, package: str) -> str:
    """Return the lines of a lock that pin one package."""
    found = re.search(rf"^{package}==(?:.*\\\n)+.*\n", lock.read_text(), re.MULTILINE)
    assert found
    return found[0]


@pytest.fixture
def build(project: Path, tmp_path: Path) -> Callable[[], tuple[dict[str, Any], list[str]]]:
    def run() -> tuple[dict[str, Any], list[str]]:
        manifest, built = package(tmp_path / "build", this_machine(), REGISTRY)
        return json.loads(manifest.read_text()), built

    return run


def test_the_manifest_names_what_terraform_deploys(
    build: Callable[[], tuple[dict[str, Any], list[str]]], tmp_path: Path
) -> None:
    # When
    manifest, built = build()

    # Then
    assert built == ["layer", "one", "two"]
    assert manifest["architecture"] in {"x86_64", "arm64"}
    assert manifest["runtime"] == "python3.13"
    one = manifest["families"]["one"]
    assert re.fullmatch(
        rf"{re.escape(REGISTRY)}/itemstream-one@sha256:[0-9a-f]{{64}}", one["image_uri"]
    )
    for entry in (one, manifest["families"]["two"], manifest["layer"]):
        digest = hashlib.sha256((tmp_path / "build" / entry["archive"]).read_bytes()).digest()
        assert entry["archive_sha256"] == base64.b64encode(digest).decode()


def test_images_that_were_built_are_named_by_their_digests(project: Path, tmp_path: Path) -> None:
    # Given
    digests = {"one": f"sha256:{1:064}", "two": f"sha256:{2:064}"}

    # When
    manifest, _ = package(tmp_path / "build", this_machine(), REGISTRY, digests)

    # Then
    families = json.loads(manifest.read_text())["families"]
    assert {name: family["image_uri"] for name, family in families.items()} == {
        name: f"{REGISTRY}/itemstream-{name}@{digest}" for name, digest in digests.items()
    }


def test_what_makes_a_family_importable_belongs_to_its_archive(
    build: Callable[[], tuple[dict[str, Any], list[str]]], project: Path
) -> None:
    # Given
    build()

    # When
    (project / "functions/__init__.py").write_text('"""Functions."""\n')

    # Then
    _, built = build()
    assert sorted(built) == ["one", "two"]


def test_an_archive_has_the_import_paths_of_the_repository(
    build: Callable[[], tuple[dict[str, Any], list[str]]], tmp_path: Path
) -> None:
    # When
    build()

    # Then
    names = zipfile.ZipFile(tmp_path / "build" / "one.zip").namelist()
    sources = [name for name in names if name.endswith(".py")]
    assert sources == ["functions/__init__.py", "functions/one/__init__.py", "functions/one/get.py"]
    assert "descriptions/one.json" in names
    assert any(re.fullmatch(r"functions/one/__pycache__/get\..*\.pyc", name) for name in names)


def test_secrets_beside_the_code_are_not_shipped(
    build: Callable[[], tuple[dict[str, Any], list[str]]], project: Path, tmp_path: Path
) -> None:
    # Given
    for name in (".env", "server.key", "server.pem"):
        (project / "functions/one" / name).write_text("PASSWORD=secret")

    # When
    build()

    # Then
    shipped = zipfile.ZipFile(tmp_path / "build" / "one.zip").namelist()
    assert [name for name in shipped if re.search(r"/\.|\.(key|pem)$", name)] == []
    assert "functions/one/get.py" in shipped


def test_a_family_ships_the_packages_that_only_it_imports(
    build: Callable[[], tuple[dict[str, Any], list[str]]], tmp_path: Path
) -> None:
    # When
    build()

    # Then
    one, two = (
        zipfile.ZipFile(tmp_path / "build" / f"{name}.zip").namelist() for name in ("one", "two")
    )
    assert "markupsafe/__init__.py" in two
    assert "functions/two/get.py" in two
    assert not any(name.startswith("markupsafe") for name in one)


def test_nothing_is_built_twice(
    build: Callable[[], tuple[dict[str, Any], list[str]]],
) -> None:
    # Given
    before, _ = build()

    # When
    after, built = build()

    # Then
    assert built == []
    assert after == before


def test_a_changed_lock_changes_the_family_that_it_is_for(
    project: Path, build: Callable[[], tuple[dict[str, Any], list[str]]]
) -> None:
    # Given
    before, _ = build()

    # When
    lock = project / "two.txt"
    lock.write_text(f"{lock.read_text()}# another comment\n")
    after, built = build()

    # Then
    assert built == ["two"]
    assert after["families"]["two"]["image_uri"] != before["families"]["two"]["image_uri"]
    assert after["families"]["one"] == before["families"]["one"]


@pytest.mark.parametrize("file", ["functions/one/get.py", "descriptions/one.json"])
def test_a_changed_file_changes_its_family_alone(
    project: Path, build: Callable[[], tuple[dict[str, Any], list[str]]], file: str
) -> None:
    # Given
    before, _ = build()

    # When
    (project / file).write_text("2\n")
    after, built = build()

    # Then
    assert built == ["one"]
    assert after["families"]["one"] != before["families"]["one"]
    assert after["families"]["two"] == before["families"]["two"]
    assert after["layer"] == before["layer"]


def test_a_changed_shared_package_changes_every_image(
    project: Path, build: Callable[[], tuple[dict[str, Any], list[str]]]
) -> None:
    # Given
    before, _ = build()

    # When
    (project / "layers/shared.py").write_text("VALUE = 2\n")
    after, built = build()

    # Then
    assert built == ["layer"]
    for family in ("one", "two"):
        assert after["families"][family]["image_uri"] != before["families"][family]["image_uri"]
        assert after["families"][family]["archive"] == before["families"][family]["archive"]
