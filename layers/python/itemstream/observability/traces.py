"""Traces: X-Ray subsegments behind a facade of our own.

The X-Ray SDK is in maintenance and dear to import. All that we need of it is a JSON document, sent
by UDP to the daemon that the Lambda service runs beside the function (X-Ray Developer Guide,
"Sending segment documents to the X-Ray daemon"). Without a daemon or a sampled trace this does
nothing.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["subsegment"]

_HEADER = b'{"format": "json", "version": 1}\n'


@contextmanager
def subsegment(name: str, *, namespace: str = "remote") -> Iterator[None]:
    """
    Time a part of an invocation.

    Parameters
    ----------
    name
        What is called, for example ``DynamoDB``.
    namespace
        ``aws`` for AWS services, ``remote`` for the rest.
    """
    fields = _trace_fields()
    daemon = os.environ.get("AWS_XRAY_DAEMON_ADDRESS")
    if not daemon or fields.get("Sampled") != "1":
        yield
        return
    started, fault = time.time(), True
    try:
        yield
        fault = False
    finally:
        document = {
            "id": os.urandom(8).hex(),
            "trace_id": fields.get("Root"),
            "parent_id": fields.get("Parent"),
            "type": "subsegment",
            "name": name,
            "namespace": namespace,
            "start_time": started,
            "end_time": time.time(),
            "fault": fault,
        }
        host, _, port = daemon.rpartition(":")
        # A lost trace must not cost an answer.
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(_HEADER + json.dumps(document).encode(), (host, int(port)))


def _trace_fields() -> dict[str, str]:
    header = os.environ.get("_X_AMZN_TRACE_ID", "")
    return dict(part.split("=", 1) for part in header.split(";") if "=" in part)
