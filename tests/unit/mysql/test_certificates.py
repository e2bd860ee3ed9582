"""The authorities that we verify MySQL by."""

from __future__ import annotations

import datetime as dt
import ssl
from hashlib import sha256
from pathlib import Path

import pytest

from itemstream import mysql

FOLDER = Path(mysql.__file__).parent / "certificates"
LEAST_LEFT = dt.timedelta(days=365)


def authorities(file: str) -> list[dict[str, str]]:
    context = ssl.create_default_context(cafile=FOLDER / file)
    return [
        {"name": "/".join(value for part in found["subject"] for _, value in part), **found}
        for found in context.get_ca_certs()
    ]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("file", "named", "number"),
    [("rds.pem", "Amazon RDS eu-central-1", 81), ("rds_proxy.pem", "Amazon Root CA 1", 5)],
)
def test_authorities_can_be_read_and_are_not_about_to_expire(
    file: str, named: str, number: int
) -> None:
    # Given a file as Python's TLS reads it
    found = authorities(file)

    # Then it holds all of them, with years to live
    assert len(found) == number
    assert any(named in authority["name"] for authority in found)
    soon = dt.datetime.now(dt.UTC) + LEAST_LEFT
    ends = {
        authority["name"]: dt.datetime.fromtimestamp(
            ssl.cert_time_to_seconds(authority["notAfter"]), dt.UTC
        )
        for authority in found
    }
    assert {name: end for name, end in ends.items() if end < soon} == {}


@pytest.mark.parametrize("file", ["rds.pem", "rds_proxy.pem"])
def test_a_file_is_the_one_whose_origin_is_written_down(file: str) -> None:
    digest = sha256((FOLDER / file).read_bytes()).hexdigest()
    assert f"| `{file}` | `{digest}` |" in (FOLDER / "README.md").read_text()
