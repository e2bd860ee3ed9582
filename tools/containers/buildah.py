"""Builds the images with buildah: as root, without a daemon, on the stand-in for AWS's base."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tools.commands import clean_environment, run
from tools.containers.layout import Layout
from tools.containers.stand_in.system import write_system
from tools.dependencies.buildah import find_buildah
from tools.packaging.platforms import this_machine
from tools.project import REQUIREMENTS, ROOT, Problem, content_hash, files_below

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tools.containers.engine import Recipe, Target

__all__ = ["Buildah"]

_STAND_IN = Path(__file__).parent / "stand_in"
_RUNTIME_CLIENT = REQUIREMENTS / "runtime.txt"
_BUILD = "localhost/itemstream-build"
_SHARED = "localhost/itemstream-shared"
# Files of one time, and no label of buildah's own: the same input, the same image.
_SAME = ("--timestamp", "0", "--identity-label=0")


class Buildah:
    """
    Builds images below `folder`.

    Parameters
    ----------
    folder
        For buildah's own storage.
    secrets
        Files for the build's time, by their names.
    context
        The checkout that images are made of.
    """

    name = "buildah"
    stand_in = True

    def __init__(self, folder: Path, secrets: Mapping[str, Path], context: Path = ROOT) -> None:
        self._program = find_buildah()
        self._folder = folder
        self._secrets = secrets
        self._context = context
        settings = folder / "storage.conf"
        folder.mkdir(parents=True, exist_ok=True)
        settings.write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder / "storage"}"\n'
            f'runroot = "{folder / "run"}"\n'
        )
        self._environment = clean_environment(CONTAINERS_STORAGE_CONF=str(settings))

    def check(self, architecture: str) -> None:
        """
        Make sure that images of `architecture` can be built.

        Raises
        ------
        Problem
            If they cannot: nothing is emulated.
        """
        if architecture != (own := this_machine().architecture):
            raise Problem(
                f"buildah builds for this machine alone ({own}): for {architecture} start Docker."
            )

    def build_base(self, target: Target, report: Callable[[str], None]) -> None:
        """Build the stand-in for AWS's base image."""
        self._export(self._stand_in(report), "base")
        self._hand_over("base", target)

    def build(
        self,
        families: Mapping[str, Recipe],
        target: Target,
        report: Callable[[str], None],
    ) -> None:
        """Build the images of families."""
        base = self._stand_in(report)
        for stage, name in (("build", _BUILD), ("shared", _SHARED)):
            report(f"the image `{stage}`")
            options = ("--target", stage, "--build-arg", f"BASE_IMAGE={base}")
            self._build(self._context / "layers" / "Dockerfile", name, *options)
        # Building waits for the disk and copying compresses: two at a time keep both at work.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda family: self._build_family(family, families, report), families))
        for family in families:
            self._hand_over(family, target)

    def _build_family(
        self, family: str, families: Mapping[str, Recipe], report: Callable[[str], None]
    ) -> None:
        report(family)
        recipe = families[family]
        images = (f"--build-arg=BUILD_IMAGE={_BUILD}", f"--build-arg=SHARED_IMAGE={_SHARED}")
        name = f"localhost/itemstream-{family}"
        self._build(recipe.dockerfile, name, *images)
        self._label(name, recipe.labels)
        self._export(name, family)

    def _label(self, name: str, labels: Mapping[str, str]) -> None:
        # Not while it is built: steps out of buildah's cache would tell the labels of another day.
        container = self._run("from", "--quiet", name).strip()
        told = (f"--label={key}={value}" for key, value in labels.items())
        self._run("config", *told, container)
        self._run("commit", "--quiet", "--rm", *_SAME, container, name)

    def _stand_in(self, report: Callable[[str], None]) -> str:
        """Build the stand-in, unless it is there; return its name."""
        content = content_hash(files_below(_STAND_IN, _RUNTIME_CLIENT))[:16]
        name = f"localhost/itemstream-stand-in-for-lambda-python:3.13-{content}"
        if self._is_there(name):
            return name
        context = self._folder / f"stand-in-{content}"
        shutil.copytree(_STAND_IN, context, dirs_exist_ok=True)
        shutil.copy(_RUNTIME_CLIENT, context)
        if not (system := context / "system.tar").exists():
            report("Debian's Python 3.13, for the stand-in of AWS's base image")
            write_system(system)
        report("the stand-in of AWS's base image")
        self._build(context / "Dockerfile", name, context=context, layers=False)
        shutil.rmtree(context)
        return name

    def _is_there(self, name: str) -> bool:
        try:
            self._run("inspect", "--type", "image", name)
        except Problem:
            return False
        return True

    def _build(
        self,
        dockerfile: Path,
        name: str,
        *options: str,
        context: Path | None = None,
        layers: bool = True,
    ) -> None:
        secrets = (f"--secret=id={key},src={path}" for key, path in self._secrets.items())
        about = (f"--layers={str(layers).lower()}", "--file", str(dockerfile), "--tag", name)
        self._run(
            *("build", "--quiet", "--isolation", "chroot", *_SAME, *about),
            *secrets,
            *options,
            str(context or self._context),
        )

    def _export(self, name: str, image: str) -> None:
        shutil.rmtree(folder := self._exported(image), ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        self._run("push", "--quiet", "--format", "oci", name, f"oci:{folder}")

    def _hand_over(self, image: str, target: Target) -> None:
        target.images.take(Layout(self._exported(image)), target.name(image))
        shutil.rmtree(self._exported(image))

    def _exported(self, image: str) -> Path:
        return self._folder / "exported" / image

    def _run(self, *arguments: str) -> str:
        # What it mounts ends with it: a folder with mounts in it could not be deleted.
        return run(
            ["unshare", "--mount", self._program, *arguments],
            environment=self._environment,
            remedy="The command can be run again at any time; what was built is kept.",
        )
