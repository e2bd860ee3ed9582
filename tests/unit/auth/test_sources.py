"""Where keys are fetched from, and from where they are not."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import boto3
import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from moto import mock_aws

from itemstream.auth.sources import MAX_BYTES, jwks_source
from itemstream.config import ConfigurationError
from tests.fakes.issuer import ec_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Answers(BaseHTTPRequestHandler):
    paths: ClassVar[dict[str, tuple[int, bytes]]] = {
        "/jwks.json": (200, b'{"keys": []}'),
        "/moved": (302, b""),
        "/broken": (500, b"no"),
        "/large": (200, b" " * (MAX_BYTES + 1)),
    }

    def do_GET(self) -> None:
        status, body = self.paths[self.path]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/jwks.json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for localhost, with its key."""
    key = ec_key("server")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def issuer(certificate: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("localhost", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    pool = urllib3.PoolManager(ca_certs=str(certificate))
    monkeypatch.setattr(urllib3, "request", pool.request)


@pytest.mark.usefixtures("trusted")
def test_keys_come_over_https(issuer: str) -> None:
    assert jwks_source(f"{issuer}/jwks.json")() == b'{"keys": []}'


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("path", "failure", "reason"),
    [
        ("moved", OSError, "answers 302"),
        ("broken", OSError, "answers 500"),
        ("large", ValueError, "too large"),
    ],
)
def test_what_is_no_plain_answer_is_refused(
    issuer: str, path: str, failure: type[Exception], reason: str
) -> None:
    with pytest.raises(failure, match=reason):
        jwks_source(f"{issuer}/{path}")()


def test_a_host_whose_certificate_nobody_signed_is_refused(issuer: str) -> None:
    with pytest.raises(urllib3.exceptions.SSLError):
        jwks_source(f"{issuer}/jwks.json")()


@pytest.mark.parametrize(
    "url",
    ["http://issuer.example/jwks.json", "file:///etc/passwd", "s3://bucket", "s3:///key", "", "x"],
)
def test_other_addresses_are_a_fault_of_the_configuration(url: str) -> None:
    with pytest.raises(ConfigurationError, match="JWKS_URL must be https://"):
        jwks_source(url)


@pytest.mark.usefixtures("aws")
def test_keys_come_from_s3() -> None:
    with mock_aws():
        # Given
        client = boto3.client("s3")
        client.create_bucket(Bucket="keys")
        client.put_object(Bucket="keys", Key="a/jwks.json", Body=b'{"keys": []}')
        client.put_object(Bucket="keys", Key="large", Body=b" " * (MAX_BYTES + 1))

        # When, then
        assert jwks_source("s3://keys/a/jwks.json")() == b'{"keys": []}'
        with pytest.raises(ValueError, match="too large"):
            jwks_source("s3://keys/large")()
