"""The database is who it says, or it is not spoken to."""

from __future__ import annotations

import datetime as dt
import ipaddress
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from itemstream.dependencies import DependencyUnavailable
from itemstream.mysql.connection import Database
from itemstream.mysql.passwords import FixedPassword
from tests.mariadb import PASSWORD, mariadb_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mariadb import MariaDbServer

CERTIFICATE, KEY = "server.pem", "server.key"


def certify(folder: Path, address: str) -> None:
    """Write a certificate that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "database of tests")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / CERTIFICATE).write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / KEY).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Keep the server's data, its certificate and its key."""
    with tempfile.TemporaryDirectory(prefix="mariadb-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[MariaDbServer]:
    """Run a server that takes TLS only."""
    certify(folder, "127.0.0.1")
    options = (
        *("--ssl", "--require-secure-transport=ON"),
        *(f"--ssl-cert={folder / CERTIFICATE}", f"--ssl-key={folder / KEY}"),
    )
    with mariadb_server(folder, *options) as server:
        yield server


def database(server: MariaDbServer, authorities: str, host: str = "127.0.0.1") -> Database:
    settings = replace(server.settings, database_host=host, database_tls_ca=authorities)
    return Database(settings, password=FixedPassword(PASSWORD))


def test_a_server_that_is_who_it_says_is_spoken_to_over_tls(
    server: MariaDbServer, folder: Path
) -> None:
    with closing(database(server, str(folder / CERTIFICATE))) as known:
        ((_, version),) = known.rows("SHOW STATUS LIKE 'Ssl_version'")
    assert version in {"TLSv1.2", "TLSv1.3"}


def test_a_server_of_another_name_is_not_spoken_to(server: MariaDbServer, folder: Path) -> None:
    # Given the right authority, and a name that the certificate does not hold
    other = database(server, str(folder / CERTIFICATE), host="localhost")

    # When, then
    with pytest.raises(DependencyUnavailable) as raised:
        list(other.rows("SELECT 1"))
    assert "certificate is not valid for" in str(raised.value.__cause__)


@pytest.mark.parametrize("authorities", ["certificates/rds.pem", "certificates/rds_proxy.pem"])
def test_a_server_that_nobody_vouches_for_is_not_spoken_to(
    server: MariaDbServer, authorities: str
) -> None:
    with pytest.raises(DependencyUnavailable) as raised:
        list(database(server, authorities).rows("SELECT 1"))
    assert "certificate verify failed" in str(raised.value.__cause__)


def test_a_server_without_tls_gets_no_password(mariadb_session: MariaDbServer) -> None:
    # Given one that offers none, where it is asked for
    with pytest.raises(DependencyUnavailable) as raised:
        list(database(mariadb_session, "certificates/rds_proxy.pem").rows("SELECT 1"))

    # Then the connection ended before it was told who comes
    assert "SSL is required" in str(raised.value.__cause__)
