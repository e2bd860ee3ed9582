"""Init phase of one function in the Lambda host: out of the source, its image, its archive."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

from benchmarks.measure import ROOT, Comparison, function_environment, interleaved
from tools.containers.build import build_base, build_images
from tools.lambda_host.archives import UnpackedArchives
from tools.lambda_host.code import Archive, Archives, Image
from tools.lambda_host.configuration import FunctionConfiguration
from tools.lambda_host.credentials import Credentials
from tools.lambda_host.environment import Environment, Setting
from tools.lambda_host.machine_launcher import SourceLauncher
from tools.lambda_host.sandbox_launcher import SandboxLauncher
from tools.packaging.package import LOCAL_REGISTRY, package
from tools.packaging.platforms import lambda_platform, this_machine
from tools.project import LOCAL
from tools.stack.sandboxes import check_sandboxes

if TYPE_CHECKING:
    from tools.lambda_host.code import Code
    from tools.lambda_host.launcher import Launcher

FAMILY, HANDLER = "crud", "functions.crud.create_item.handler"
# A sandbox costs some mounts and processes; byte code that is ready pays for them.
HIGHEST_RATIO = 1.3
# The launchers add paths of their own.
_OF_THE_SOURCE = ("PATH", "PYTHONPATH", "PYTHONPYCACHEPREFIX")


def main(rounds: int = 15) -> None:
    """Measure and report."""
    check_sandboxes()
    image = build_images(lambda _: None)[FAMILY].digest
    base = build_base(lambda _: None)
    # Not below /tmp, of which functions have their own.
    LOCAL.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=LOCAL) as folder:
        state = Path(folder)
        archives = _archives(state / "build")
        sandboxes = SandboxLauncher(state / "sandbox", base, UnpackedArchives(state / "code", ""))
        source = SourceLauncher(ROOT, state)
        with asyncio.Runner() as runner:

            def start(launcher: Launcher, code: Code) -> float:
                return runner.run(_start(launcher, code, state))

            interleaved(
                Comparison(
                    "Init phase by launcher",
                    "ms",
                    "source",
                    goals={"image": HIGHEST_RATIO, "archive": HIGHEST_RATIO},
                ),
                {
                    "source": partial(start, source, Image(image)),
                    "image": partial(start, sandboxes, Image(image)),
                    "archive": partial(start, sandboxes, archives),
                },
                rounds,
            ).report()


def _archives(folder: Path) -> Archives:
    package(folder, lambda_platform(this_machine().architecture), LOCAL_REGISTRY)
    function, layer = (
        Archive(name, (folder / f"{name}.zip").as_uri()) for name in (FAMILY, "layer")
    )
    return Archives(function, (layer,))


async def _start(launcher: Launcher, code: Code, state: Path) -> float:
    """Run an Init phase; return its milliseconds."""
    log: list[str] = []
    variables = {
        name: value for name, value in function_environment().items() if name not in _OF_THE_SOURCE
    }
    environment = Environment(
        Setting(
            configuration=FunctionConfiguration(
                name="create-item",
                version="1",
                revision="1",
                handler=HANDLER,
                role="",
                memory=512,
                timeout=10,
                log_group="",
                variables={},
                code=code,
            ),
            variables=variables,
            credentials=Credentials("", "", "", 0.0),
            folder=state / "tmp" / uuid4().hex,
            source=launcher.source_version(),
            init_seconds=60,
            launcher=launcher,
            write=log.append,
        )
    )
    began = time.perf_counter()
    await environment.initialise()
    milliseconds = (time.perf_counter() - began) * 1000
    if not environment.alive:
        raise RuntimeError("\n".join(log))
    await environment.stop()
    return milliseconds
