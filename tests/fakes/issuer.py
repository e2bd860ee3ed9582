"""A token issuer with a key of each kind, and tokens of every shape."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

ISSUER = "https://issuer.example"
AUDIENCE = "itemstream"
NOW = 1_800_000_000


@cache
def rsa_key(name: str = "rsa", bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str = "ec", curve: type[ec.EllipticCurve] = ec.SECP256R1) -> Any:
    return ec.generate_private_key(curve())


def public_jwk(key: Any, key_id: str, **changes: Any) -> dict[str, Any]:
    """Return a key's public half; a change to ``None`` takes a member away."""
    algorithm: Any = jwt.algorithms.RSAAlgorithm
    if isinstance(key, ec.EllipticCurvePrivateKey):
        algorithm = jwt.algorithms.ECAlgorithm
    jwk = {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, **changes}
    return {name: value for name, value in jwk.items() if value is not None}


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def issuer_jwks() -> bytes:
    """Return the issuer's keys: ``rsa-1`` and ``ec-1``."""
    return jwks(public_jwk(rsa_key(), "rsa-1"), public_jwk(ec_key(), "ec-1"))


def claims(**changes: Any) -> dict[str, Any]:
    """Return good claims; a change to ``None`` takes a claim away."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "tenant": "acme",
        "scope": "items:read items:write",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 600,
        "jti": "1",
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


def header(**changes: Any) -> dict[str, Any]:
    """Return a good ES256 header; a change to ``None`` takes a member away."""
    good = {"alg": "ES256", "typ": "at+jwt", "kid": "ec-1", **changes}
    return {name: value for name, value in good.items() if value is not None}


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def encoded(value: Any) -> str:
    return base64url(value if isinstance(value, bytes) else json.dumps(value).encode())


def es256(signed: bytes, key: Any = None) -> bytes:
    """Sign with ECDSA on P-256, as JWS writes it."""
    return jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(
        signed, key or ec_key()
    )


def es256_der(signed: bytes) -> bytes:
    """Sign with ECDSA on P-256, as everything but JWS writes it."""
    signature: bytes = ec_key().sign(signed, ec.ECDSA(hashes.SHA256()))
    return signature


def rs256(signed: bytes, key: rsa.RSAPrivateKey | None = None) -> bytes:
    return (key or rsa_key()).sign(signed, padding.PKCS1v15(), hashes.SHA256())


def ps256(signed: bytes) -> bytes:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return rsa_key().sign(signed, pss, hashes.SHA256())


def token(
    headers: Any = None, payload: Any = None, *, sign: Any = es256, signature: bytes | None = None
) -> str:
    """Write a token of whatever parts, good ones unless told otherwise."""
    signed = f"{encoded(headers or header())}.{encoded(payload or claims())}"
    made = sign(signed.encode()) if signature is None else signature
    return f"{signed}.{base64url(made)}"
