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

from tools.lambda_host.launcher import SourceLauncher
from tools.lambda_host.limits import HostLimits
from tools.lambda_host.server import Host, HostSettings


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    settings = _settings()
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        sys.exit(
            f"The Lambda host cannot listen on port {settings.port} ({error.strerror}). "
            "Choose another one with ITEMSTREAM_PORT_LAMBDA_HOST."
        )


def _settings() -> HostSettings:
    parser = argparse.ArgumentParser(prog="python -m tools.lambda_host", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 for a free one")
    parser.add_argument("--aws-endpoint", required=True, help="MiniStack's URL")
    parser.add_argument("--region", default=os.environ.get("AWS_REGION", "us-east-1"))
    parser.add_argument("--root", type=Path, required=True, help="the repository")
    parser.add_argument("--state", type=Path, required=True, help="for logs and temporary files")
    limits = dataclasses.fields(HostLimits)
    for limit in limits:
        default = getattr(HostLimits(), limit.name)
        option = f"--{limit.name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default)
    chosen = parser.parse_args()
    return HostSettings(
        port=chosen.port,
        aws_endpoint=chosen.aws_endpoint,
        region=chosen.region,
        root=chosen.root.resolve(),
        state=chosen.state.resolve(),
        limits=HostLimits(**{limit.name: getattr(chosen, limit.name) for limit in limits}),
    )


async def _serve(settings: HostSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Host(settings, SourceLauncher(settings.root, settings.state)).serve(stop)


if __name__ == "__main__":
    main()
