"""Start the host: `python -m tools.lambda_host --help`."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.lambda_host.archives import UnpackedArchives
from tools.lambda_host.limits import HostLimits
from tools.lambda_host.machine_launcher import ArchiveLauncher, SourceLauncher
from tools.lambda_host.sandbox_launcher import SandboxLauncher
from tools.lambda_host.server import Host, HostSettings

if TYPE_CHECKING:
    from tools.lambda_host.launcher import Launcher


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    chosen = _options()
    try:
        asyncio.run(_serve(_settings(chosen), _launcher(chosen)))
    except OSError as error:
        sys.exit(
            f"The Lambda host cannot listen on port {chosen.port} ({error.strerror}). "
            "Choose another one with ITEMSTREAM_PORT_LAMBDA_HOST."
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.lambda_host", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 for a free one")
    parser.add_argument("--aws-endpoint", required=True, help="MiniStack's URL")
    parser.add_argument("--region", default=os.environ.get("AWS_REGION", "us-east-1"))
    parser.add_argument("--state", type=Path, required=True, help="for logs and temporary files")
    parser.add_argument("--root", type=Path, help="run functions out of the source tree here")
    parser.add_argument("--base-image", help="run functions in sandboxes; Zip ones on this digest")
    for limit in dataclasses.fields(HostLimits):
        default = getattr(HostLimits(), limit.name)
        option = f"--{limit.name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default)
    return parser.parse_args()


def _settings(chosen: argparse.Namespace) -> HostSettings:
    limits = {limit.name: getattr(chosen, limit.name) for limit in dataclasses.fields(HostLimits)}
    return HostSettings(
        port=chosen.port,
        aws_endpoint=chosen.aws_endpoint,
        region=chosen.region,
        state=chosen.state.resolve(),
        limits=HostLimits(**limits),
    )


def _launcher(chosen: argparse.Namespace) -> Launcher:
    state = chosen.state.resolve()
    if chosen.root:
        return SourceLauncher(chosen.root.resolve(), state)
    archives = UnpackedArchives(state / "archives", chosen.aws_endpoint)
    if chosen.base_image:
        return SandboxLauncher(state / "sandbox", chosen.base_image, archives)
    return ArchiveLauncher(state, archives)


async def _serve(settings: HostSettings, launcher: Launcher) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Host(settings, launcher).serve(stop)


if __name__ == "__main__":
    main()
