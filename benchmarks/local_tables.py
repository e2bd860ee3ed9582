"""A MiniStack of the benchmark's own, with the two tables that the item functions use."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx

from tools.stack.parts import install_ministack, ministack
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["dynamodb_client", "local_tables"]

KEY = [("pk", "HASH"), ("sk", "RANGE")]
INDEXES = {
    "by_category": [("category_key", "HASH"), ("sk", "RANGE")],
    "by_status": [("status_key", "HASH"), ("sk", "RANGE")],
}


@contextmanager
def local_tables() -> Iterator[str]:
    """Start it, make the tables, yield its address, stop it."""
    install_ministack()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    program = Path(ministack(current_stack()).command()[0]).with_name("ministack")
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [str(program)],
            cwd=folder,
            env={
                "PATH": "/usr/bin:/bin",
                "TMPDIR": folder,
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "PERSIST_STATE": "0",
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            _wait(endpoint)
            _make_tables(dynamodb_client(endpoint))
            yield endpoint
        finally:
            process.terminate()


def dynamodb_client(endpoint: str) -> Any:
    """Return a DynamoDB client for it."""
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _wait(endpoint: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"{endpoint}/_ministack/health", timeout=1, trust_env=False)
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _make_tables(client: Any) -> None:
    names = {name for key in (KEY, *INDEXES.values()) for name, _ in key}
    client.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema(KEY),
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in sorted(names)],
        GlobalSecondaryIndexes=[
            {
                "IndexName": name,
                "KeySchema": _schema(key),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for name, key in INDEXES.items()
        ],
    )
    client.create_table(
        TableName="idempotency",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema(KEY[:1]),
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )


def _schema(key: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in key]
