"""A canary before an API that asks its clients for a certificate."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import botocore.httpsession
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from itemstream.health import client_certificate
from tests.unit.health.apis import Outside, canary_of

if TYPE_CHECKING:
    from pathlib import Path

    from itemstream.health.probes import Finding


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Authority")
        basic = x509.BasicConstraints(ca=True, path_length=0)
        signs = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = self._builder(self._name, self._key).add_extension(basic, critical=True)
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        certificate = certificate.add_extension(signs, critical=True)
        certificate = certificate.add_extension(self._identifier, critical=False)
        self.pem = _pem(certificate.sign(self._key, hashes.SHA256()))

    def issue(self, name: str) -> dict[str, str]:
        """Return a certificate for 127.0.0.1, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier)
        address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        certificate = self._builder(_name(name), key).add_extension(address, critical=False)
        certificate = certificate.add_extension(issuer, critical=False)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "certificate": _pem(certificate.sign(self._key, hashes.SHA256())),
            "private_key": private,
        }

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
        )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Whom client and server trust."""
    made = Authority()
    (tmp_path / "authority.pem").write_text(made.pem)
    monkeypatch.setattr(botocore.httpsession, "DEFAULT_CA_BUNDLE", str(tmp_path / "authority.pem"))
    return made


def asked(authority: Authority, folder: Path, secret: str) -> dict[str, Finding]:
    """Return what a canary with that secret finds, where clients must show a certificate."""
    server = authority.issue("server")
    (folder / "server.pem").write_text(server["private_key"] + server["certificate"])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem)
    tls.load_cert_chain(folder / "server.pem")
    tls.verify_mode = ssl.CERT_REQUIRED

    async def ask() -> dict[str, Finding]:
        async with canary_of(Outside(), tls=tls, certificate_secret=secret) as canary:
            return await canary.ask()

    return asyncio.run(ask())


def test_an_api_that_asks_for_a_certificate_is_shown_one(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the canary's certificate in a secret
    secrets = {"canary-client": authority.issue("canary")}
    monkeypatch.setattr(client_certificate, "json_secret", secrets.__getitem__)

    # When it asks an API that wants to see one
    found = asked(authority, tmp_path, "canary-client")

    # Then it is let in
    assert {part: finding.state for part, finding in found.items()} == {
        "rest": "up",
        "websocket": "up",
    }


def test_who_shows_none_is_not_let_in(authority: Authority, tmp_path: Path) -> None:
    found = asked(authority, tmp_path, "")
    assert found["rest"].state == "down"
    assert str(found["rest"].reason).startswith("no connection: ")
