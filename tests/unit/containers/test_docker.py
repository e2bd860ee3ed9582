"""Docker is asked for one plain image of each family, and what it makes is collected."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes.container_images import built
from tools.containers.docker import Docker
from tools.containers.engine import Recipe, Target
from tools.containers.layout import Layout
from tools.project import ROOT

# Writes what it is asked, and puts an image wherever one should go.
PROGRAM = """#!{python}
import json, os, pathlib, shutil, sys
asked = pathlib.Path({folder!r}, "asked.json")
calls = json.loads(asked.read_text()) if asked.exists() else []
names = ("SOURCE_DATE_EPOCH", "PLATFORM")
calls.append([sys.argv[1:], {{name: os.environ.get(name) for name in names}}])
asked.write_text(json.dumps(calls))
if "inspect" in sys.argv:
    sys.exit(1)
for argument in sys.argv:
    name, _, output = argument.partition(".output=")
    if output:
        shutil.copytree({folder!r} + "/image", output.rpartition("dest=")[2])
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that has no builder yet."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    python = os.path.realpath("/proc/self/exe")
    program.write_text(PROGRAM.format(folder=str(tmp_path), python=python))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    built(tmp_path / "image", b"layer")
    return tmp_path / "asked.json"


def test_images_come_out_of_one_bake(docker: Path, tmp_path: Path) -> None:
    # Given
    images = Layout(tmp_path / "images")
    recipe = Recipe(
        ROOT / "functions/crud/Dockerfile", {"org.opencontainers.image.revision": "abc"}
    )

    # When
    engine = Docker({"certificates": Path("/certificates")})
    engine.build({"crud": recipe}, Target(images, "arm64"), lambda _: None)

    # Then
    asked = [arguments for arguments, _ in json.loads(docker.read_text())]
    assert [arguments[1] for arguments in asked] == ["inspect", "create", "bake"]
    assert asked[1][-1] == "docker-container"
    bake, environment = json.loads(docker.read_text())[2]
    settings = [after for before, after in pairwise(bake) if before == "--set"]
    assert "*.secrets=id=certificates,src=/certificates" in settings
    assert "crud.labels.org.opencontainers.image.revision=abc" in settings
    [output] = [setting for setting in settings if ".output=" in setting]
    assert output.startswith("crud.output=type=oci,tar=false,rewrite-timestamp=true,dest=")
    assert environment == {"SOURCE_DATE_EPOCH": "0", "PLATFORM": "linux/arm64"}
    assert images.holds(images.named("crud-arm64"))
