"""Tokens by name: those that must be refused, and those that must not."""

from __future__ import annotations

import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from itemstream.auth.tokens import LEEWAY_SECONDS, MAX_TOKEN_LENGTH
from tests.fakes.issuer import (
    AUDIENCE,
    ISSUER,
    NOW,
    base64url,
    claims,
    ec_key,
    encoded,
    es256,
    es256_der,
    header,
    ps256,
    public_jwk,
    rs256,
    rsa_key,
    token,
)

GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")


def _hs256(secret: bytes) -> Any:
    return lambda signed: hmac.digest(secret, signed, "sha256")


def _pem(key: Any) -> bytes:
    public: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public


def _bad_claims(**changes: Any) -> str:
    return token(payload=claims(**changes))


def _bad_header(**changes: Any) -> str:
    return token(header(**changes))


def _altered(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


ATTACKER_JWK = public_jwk(ec_key("attacker"), "ec-1")
DEEP = b"[" * 3000 + b"]" * 3000
SECP384 = ec_key("p384", ec.SECP384R1)

REFUSED = {
    # The signature algorithm
    **{
        f"alg {spelling!r}, unsigned": token(header(alg=spelling), signature=b"x")
        for spelling in ("none", "None", "NONE", "nOnE", "")
    },
    "alg none with an empty signature": f"{encoded(header(alg='none'))}.{BODY}.",
    "alg missing": _bad_header(alg=None),
    "alg not text": _bad_header(alg=["ES256"]),
    "alg in lower case": _bad_header(alg="es256"),
    "HS256 with the RSA public key as secret": token(
        header(alg="HS256", kid="rsa-1"), sign=_hs256(_pem(rsa_key()))
    ),
    "HS256 with the EC public key as secret": token(
        header(alg="HS256"), sign=_hs256(_pem(ec_key()))
    ),
    "HS256 with an empty secret": token(header(alg="HS256"), sign=_hs256(b"")),
    "RS256 under the id of the EC key": token(header(alg="RS256"), sign=rs256),
    "ES256 under the id of the RSA key": token(header(kid="rsa-1")),
    "PS256": token(header(alg="PS256", kid="rsa-1"), sign=ps256),
    "PSS signature called RS256": token(header(alg="RS256", kid="rsa-1"), sign=ps256),
    "ES384": token(header(alg="ES384"), sign=lambda signed: es256(signed, ec_key())),
    "ES256K": _bad_header(alg="ES256K"),
    "EdDSA": _bad_header(alg="EdDSA"),
    # The signature
    "signature stripped": f"{HEAD}.{BODY}.",
    "signature left out": f"{HEAD}.{BODY}",
    "signature cut short": GOOD[:-4],
    "signature altered": f"{HEAD}.{BODY}.{_altered(SIGNATURE)}",
    "signature of another key": token(sign=lambda signed: es256(signed, ec_key("attacker"))),
    "signature of another RSA key": token(
        header(alg="RS256", kid="rsa-1"), sign=lambda signed: rs256(signed, rsa_key("attacker"))
    ),
    "signature of another token": f"{HEAD}.{encoded(claims(tenant='other'))}.{SIGNATURE}",
    "signature in DER": token(sign=es256_der),
    "signature of zeros": token(signature=bytes(64)),
    "signature too long": token(signature=bytes(640)),
    "claims altered": f"{HEAD}.{_altered(BODY)}.{SIGNATURE}",
    "header altered": f"{encoded(header(typ='application/at+jwt'))}.{BODY}.{SIGNATURE}",
    # The key id and what else would choose the key
    "kid missing": _bad_header(kid=None),
    "kid empty": _bad_header(kid=""),
    "kid unknown": _bad_header(kid="ec-2"),
    "kid a number": _bad_header(kid=1),
    "kid a list": _bad_header(kid=["ec-1"]),
    "kid a path": _bad_header(kid="../../../dev/null"),
    "kid a query": _bad_header(kid="ec-1' OR '1'='1"),
    "kid with a NUL": _bad_header(kid="ec-1\0"),
    "jwk embedded": token(
        header(jwk=ATTACKER_JWK), sign=lambda signed: es256(signed, ec_key("attacker"))
    ),
    "jku": _bad_header(jku="https://attacker.example/jwks.json"),
    "x5u": _bad_header(x5u="https://attacker.example/cert.pem"),
    "x5c": _bad_header(x5c=["MIIB"]),
    "x5t": _bad_header(x5t="dGh1bWI"),
    "crit": _bad_header(crit=["exp"]),
    "crit with b64": _bad_header(crit=["b64"], b64=False),
    "b64 alone": _bad_header(b64=False),
    "zip": _bad_header(zip="DEF"),
    "cty of a nested token": _bad_header(cty="JWT"),
    # The type
    "typ missing": _bad_header(typ=None),
    "typ of any JWT": _bad_header(typ="JWT"),
    "typ of an ID token": _bad_header(typ="id+jwt"),
    "typ not text": _bad_header(typ=1),
    # Claims
    **{
        f"{name} missing": _bad_claims(**{name: None})
        for name in ("iss", "aud", "sub", "tenant", "iat", "exp")
    },
    "issuer another": _bad_claims(iss="https://attacker.example"),
    "issuer with a slash more": _bad_claims(iss=ISSUER + "/"),
    "issuer longer": _bad_claims(iss=ISSUER + ".attacker.example"),
    "issuer in capitals": _bad_claims(iss=ISSUER.upper()),
    "issuer a list": _bad_claims(iss=[ISSUER]),
    "audience another": _bad_claims(aud="another"),
    "audience a beginning": _bad_claims(aud=AUDIENCE[:-1]),
    "audience in capitals": _bad_claims(aud=AUDIENCE.upper()),
    "audience a list": _bad_claims(aud=[AUDIENCE, "another"]),
    "audience a list of one": _bad_claims(aud=[AUDIENCE]),
    "expired": _bad_claims(exp=NOW - LEEWAY_SECONDS - 1),
    "exp text": _bad_claims(exp=str(NOW + 600)),
    "exp true": _bad_claims(exp=True),
    "exp not a number": _bad_claims(exp=float("nan")),
    "exp without end": _bad_claims(exp=float("inf")),
    "exp a list": _bad_claims(exp=[NOW + 600]),
    "nbf in the future": _bad_claims(nbf=NOW + LEEWAY_SECONDS + 1),
    "nbf text": _bad_claims(nbf=str(NOW)),
    "iat in the future": _bad_claims(iat=NOW + LEEWAY_SECONDS + 1),
    "iat text": _bad_claims(iat=str(NOW)),
    "subject empty": _bad_claims(sub=""),
    "subject a number": _bad_claims(sub=7),
    "subject with a line end": _bad_claims(sub="alice\n"),
    "subject too long": _bad_claims(sub="a" * 256),
    "tenant empty": _bad_claims(tenant=""),
    "tenant a number": _bad_claims(tenant=7),
    "tenant with a separator": _bad_claims(tenant="acme#0"),
    "tenant with a slash": _bad_claims(tenant="acme/other"),
    "tenant with a line end": _bad_claims(tenant="acme\n"),
    "tenant of other letters": _bad_claims(tenant="аcme"),
    "tenant too long": _bad_claims(tenant="a" * 65),
    "scope a list": _bad_claims(scope=["items:read"]),
    "scope with a line end": _bad_claims(scope="items:read\n"),
    "scope with two spaces": _bad_claims(scope="items:read  items:write"),
    "scope with a quote": _bad_claims(scope='items:read"'),
    # The form
    "empty": "",
    "one part": HEAD,
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts, as an encrypted token": f"{GOOD}.{BODY}.{SIGNATURE}",
    "dots alone": "..",
    "a huge one": token(payload=claims(jti="x" * MAX_TOKEN_LENGTH)),
    "base64 padded": f"{HEAD}==.{BODY}.{SIGNATURE}",
    "base64 of the other alphabet": f"{HEAD}.{BODY}.+/{SIGNATURE[2:]}",
    "a space within": f"{HEAD}. {BODY}.{SIGNATURE}",
    "a line end after": f"{GOOD}\n",
    "a NUL after": f"{GOOD}\0",
    "odd Unicode": f"{HEAD}.{BODY}.{'ａ' * 86}",
    "JSON serialisation": json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE}),
    "header not JSON": token(b"{"),
    "header not UTF-8": token(b'{"alg":"ES256\xff"}'),
    "header a list": token(["ES256"]),
    "header deep": token(DEEP[:4000]),
    "header of null": token(b"null"),
    "claims not JSON": token(payload=b"{"),
    "claims a list": token(payload=["acme"]),
    "claims text": token(payload=b'"acme"'),
    "claims deep": token(payload=b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    "claims not UTF-8": token(payload=b"\xff\xfe"),
    "header given twice": f"{base64url(b'{')}.{HEAD}.{BODY}",
}

ACCEPTED = {
    "ES256": GOOD,
    "RS256": token(header(alg="RS256", kid="rsa-1"), sign=rs256),
    "the longer spelling of typ": token(header(typ="application/at+jwt")),
    "typ in capitals, as media types have no case": token(header(typ="AT+JWT")),
    "expired within the leeway": _bad_claims(exp=NOW - LEEWAY_SECONDS + 1),
    "nbf within the leeway": _bad_claims(nbf=NOW + LEEWAY_SECONDS),
    "iat within the leeway": _bad_claims(iat=NOW + LEEWAY_SECONDS),
    "times with fractions": _bad_claims(iat=NOW - 0.5, exp=NOW + 600.5),
    "no nbf, no jti": _bad_claims(nbf=None, jti=None),
}
