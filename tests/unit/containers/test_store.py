"""Images are read by digest: how they want to be run, and their layers, unpacked."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.fakes.container_images import built
from tools.containers import store
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path


def layer(**files: str) -> bytes:
    """A compressed layer of files, by name (`__` for `/`) and content."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(store, "IMAGES", store.Layout(tmp_path / "images"))
    monkeypatch.setattr(store, "_LAYERS", tmp_path / "layers")
    return tmp_path


def take(kept: Path, content: bytes, **configuration: object) -> str:
    store.IMAGES.take(built(kept / "built", content, configuration=configuration), "one")
    return store.IMAGES.named("one")


def test_an_image_says_how_it_wants_to_be_run(kept: Path) -> None:
    # Given
    digest = take(
        kept,
        layer(),
        Env=["PATH=/bin", "OPTIONS=a=b"],
        Entrypoint=["/entrypoint.sh"],
        WorkingDir="/var/task",
        User="993:990",
    )

    # Then
    assert store.image_configuration(digest) == store.ImageConfiguration(
        variables={"PATH": "/bin", "OPTIONS": "a=b"},
        entry_point=["/entrypoint.sh"],
        command=[],
        working_folder="/var/task",
        user="993:990",
    )


def test_a_layer_is_unpacked_once(kept: Path) -> None:
    # Given
    digest = take(kept, layer(task__function="def handler(): ..."))

    # When
    [folder] = store.layer_folders(digest)
    (folder / "task/function").write_text("seen")

    # Then
    assert store.layer_folders(digest) == [folder]
    assert (folder / "task/function").read_text() == "seen"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes what overlays take for deleted")
def test_what_a_layer_takes_away_is_said_as_overlays_understand_it(kept: Path) -> None:
    # Given
    digest = take(kept, layer(**{"task__.wh.gone": "", "emptied__.wh..wh..opq": ""}))

    # When
    [folder] = store.layer_folders(digest)

    # Then
    gone = (folder / "task/gone").stat()
    assert stat.S_ISCHR(gone.st_mode)
    assert gone.st_rdev == 0
    assert os.getxattr(folder / "emptied", "trusted.overlay.opaque") == b"y"
    assert list((folder / "emptied").iterdir()) == []


def test_an_unknown_digest_is_a_problem(kept: Path) -> None:
    with pytest.raises(Problem, match="There is no image sha256:0"):
        store.layer_folders(f"sha256:{'0' * 64}")
