"""Cold start: from process start to ready to take the first event, for every function.

Beside it: a bare interpreter that imports boto3 and makes one client (the floor), and the same
functions as samples write them (`benchmarks/naive`).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from benchmarks.measure import ROOT, Comparison, function_environment, interleaved

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOOR_NAME = "boto3 and one client"
FLOOR = "import boto3; boto3.client('dynamodb')"
HIGHEST_RATIO = 1.6
HIGHEST_RATIO_TO_NAIVE = 0.5


def main(rounds: int = 15) -> None:
    """Measure and report: by the clock, and by CPU, which other work disturbs less."""
    catalogue = yaml.safe_load((ROOT / "functions.yaml").read_text())
    handlers = {
        name: function["handler"].rpartition(".")[0]
        for name, function in catalogue["functions"].items()
    }
    naive = [name for name in handlers if (ROOT / "benchmarks" / "naive" / f"{name}.py").exists()]
    programs = {FLOOR_NAME: FLOOR}
    programs |= {name: f"import {module}" for name, module in handlers.items()}
    programs |= {f"naive {name}": f"import benchmarks.naive.{name}" for name in naive}

    cpu: dict[str, list[float]] = {name: [] for name in programs}

    def start(name: str) -> float:
        clock, used = start_once(programs[name], endpoint)
        cpu[name].append(used)
        return clock

    with key_server() as endpoint:
        by_clock = interleaved(
            Comparison("Cold start", "ms", FLOOR_NAME),
            {name: partial(start, name) for name in programs},
            rounds,
        )
    for unit, samples in (("ms", by_clock.samples), ("ms of CPU", cpu)):
        Comparison(
            "Cold start" if unit == "ms" else "Cold start CPU",
            unit,
            FLOOR_NAME,
            goals=dict.fromkeys(handlers, HIGHEST_RATIO),
            samples=samples,
        ).report()
        Comparison(
            f"Cold start beside naive, {unit}",
            unit,
            FLOOR_NAME,
            goals=dict.fromkeys(naive, HIGHEST_RATIO_TO_NAIVE),
            against={name: f"naive {name}" for name in naive},
            samples={
                name: taken
                for name, taken in samples.items()
                if name == FLOOR_NAME or name.removeprefix("naive ") in naive
            },
        ).report()


@contextmanager
def key_server() -> Iterator[str]:
    """Serve a JWKS as S3 would: the authorizer fetches it at init."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    document = json.dumps({"keys": [{**json.loads(ECAlgorithm.to_jwk(public)), "kid": "k"}]})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(document)))
            self.end_headers()
            self.wfile.write(document.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def start_once(code: str, endpoint: str) -> tuple[float, float]:
    """Start an interpreter, run the code and end; return milliseconds of clock and of CPU."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code],
        env=function_environment(endpoint, redis_url="redis://127.0.0.1:1/0"),
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    clock = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return clock * 1000, used * 1000


if __name__ == "__main__":
    main()
