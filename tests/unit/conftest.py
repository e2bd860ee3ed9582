"""AWS as moto plays it, and nothing of the machine's own configuration."""

from __future__ import annotations

import json
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import JSONFileLoader

from itemstream import aws as itemstream_aws
from itemstream.dead_letters.sqs import dead_letters
from itemstream.observability.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_load_file = JSONFileLoader.load_file


@cache
def _load_file_once(path: str) -> Any:
    return _load_file(JSONFileLoader(), path)


# Each test has AWS clients of its own; what botocore knows of the services is the same for all, and
# reading it took a fifth of the tests' time.
JSONFileLoader.load_file = lambda _self, path: _load_file_once(path)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give tests credentials that reach no real AWS, and clients of their own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    _forget_clients()
    yield
    _forget_clients()


def _forget_clients() -> None:
    itemstream_aws.aws_client.cache_clear()
    itemstream_aws._session.cache_clear()
    dead_letters.cache_clear()


@pytest.fixture
def log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that returns the lines of JSON written since it was last called."""
    logged = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", logged)

    def lines() -> list[dict[str, Any]]:
        """Read what the logger wrote, then what was printed: metrics."""
        written = logged.getvalue() + capsys.readouterr().out
        logged.seek(0)
        logged.truncate()
        return [json.loads(line) for line in written.splitlines()]

    return lines
