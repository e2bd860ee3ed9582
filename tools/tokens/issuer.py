"""The local token issuer: its keys in Secrets Manager, its public keys in S3."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError

from itemstream.auth import TokenRefused
from itemstream.auth.keys import KeySet
from itemstream.auth.tokens import MAX_TOKEN_LENGTH, TokenVerifier
from tools.project import Problem
from tools.stack.clients import client
from tools.stack.record import outputs
from tools.tokens.signing_keys import LONGEST_TOKEN, KeyRing, new_key_ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.stack.settings import Stack

__all__ = ["ensure_keys", "issue", "rotate"]

_PUBLIC_KEYS = "jwks.json"
_DEFAULT_COOLDOWN_SECONDS = 30.0
_REMEDIES = {
    "tenant": "--tenant takes 1 to 64 ASCII letters, digits, - and _, and begins with neither of "
    "the last two.",
    "subject": "--subject takes 1 to 255 visible ASCII characters without spaces.",
    "scope": '--scope takes words of visible ASCII characters other than " and \\, one space '
    "between them.",
    "too long": f"A token has at most {MAX_TOKEN_LENGTH} characters: give it fewer scopes.",
}


def ensure_keys(stack: Stack) -> list[str]:
    """Make the secrets that have no value yet; return their logical names."""
    secret_names = outputs(stack)["secrets"]
    made = []
    if _read(stack, secret_names["cursor_signing"]["name"]) is None:
        kid = secrets.token_hex(4)
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
        value = json.dumps({"current": kid, "keys": {kid: key}})
        _write(stack, secret_names["cursor_signing"]["name"], value)
        made.append("cursor_signing")
    stored = _read(stack, secret_names["token_signing"]["name"])
    ring = KeyRing.from_json(stored) if stored else new_key_ring(_now())
    if stored is None or not _is_published(stack):
        # Published before the secret that signs with it is there: no token can be ahead of it.
        _publish(stack, ring)
    if stored is None:
        _write(stack, secret_names["token_signing"]["name"], ring.to_json())
        made.append("token_signing")
    return made


def issue(stack: Stack, tenant: str, scope: str, subject: str, seconds: int) -> str:
    """
    Sign a token for the local APIs.

    Raises
    ------
    Problem
        If the stack is not up, the lifetime is out of range or the token would be refused.
    """
    values = outputs(stack)
    issuer, audience = values["token_issuer"], values["token_audience"]
    ring, now = _ring(stack), _now()
    try:
        token = ring.sign(
            issuer=issuer,
            audience=audience,
            tenant=tenant,
            subject=subject,
            scope=scope,
            lifetime=dt.timedelta(seconds=seconds),
            now=now,
        )
    except (ValueError, OverflowError):
        longest = int(LONGEST_TOKEN.total_seconds())
        raise Problem(f"--ttl {seconds} is out of range: use 1 to {longest} seconds.") from None
    keys = KeySet(lambda: json.dumps(ring.public_keys(now)).encode())
    try:
        TokenVerifier(keys, issuer=issuer, audience=audience).verify(token)
    except TokenRefused as refusal:
        remedy = _REMEDIES.get(str(refusal), "")
        raise Problem(f"The API would refuse this token ({refusal}). {remedy}".strip()) from None
    return token


def rotate(stack: Stack, report: Callable[[str], None]) -> KeyRing:
    """
    Let the next key sign, publish a new next one, and keep the old one until its tokens are gone.

    Waits, reporting how long, until the next key has been published for a whole cooldown.
    """
    ring = _ring(stack)
    cooldown = _cooldown(stack)
    while (wait := ring.seconds_until_next_may_sign(_now(), cooldown)) > 0:
        report(f"the next key may sign in {wait:.0f} s")
        time.sleep(min(wait, 1.0))
    rotated = ring.rotated(_now())
    _publish(stack, rotated)
    _write(stack, outputs(stack)["secrets"]["token_signing"]["name"], rotated.to_json())
    return rotated


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _ring(stack: Stack) -> KeyRing:
    stored = _read(stack, outputs(stack)["secrets"]["token_signing"]["name"])
    if stored is None:
        raise Problem("There are no signing keys yet. `make up` makes them.")
    return KeyRing.from_json(stored)


def _cooldown(stack: Stack) -> float:
    """Return how often, in seconds, an authorizer looks for new keys at the most."""
    name = outputs(stack)["functions"]["rest_authorizer"]["name"]
    configuration = client(stack, "lambda").get_function_configuration(FunctionName=name)
    variables: dict[str, Any] = configuration.get("Environment", {}).get("Variables", {})
    return float(variables.get("JWKS_COOLDOWN_SECONDS") or _DEFAULT_COOLDOWN_SECONDS)


def _read(stack: Stack, secret: str) -> str | None:
    manager = client(stack, "secretsmanager")
    try:
        # AWS raises for a secret without a value, MiniStack answers without one.
        return manager.get_secret_value(SecretId=secret).get("SecretString")  # type: ignore[no-any-return]
    except manager.exceptions.ResourceNotFoundException:
        return None
    except EndpointConnectionError:
        raise Problem(f"The stack `{stack.name}` does not run. Start it: make up") from None


def _write(stack: Stack, secret: str, value: str) -> None:
    client(stack, "secretsmanager").put_secret_value(SecretId=secret, SecretString=value)


def _publish(stack: Stack, ring: KeyRing) -> None:
    client(stack, "s3").put_object(
        Bucket=outputs(stack)["buckets"]["keys"],
        Key=_PUBLIC_KEYS,
        Body=json.dumps(ring.public_keys(_now())).encode(),
        ContentType="application/jwk-set+json",
        CacheControl="no-cache",
    )


def _is_published(stack: Stack) -> bool:
    s3 = client(stack, "s3")
    try:
        s3.head_object(Bucket=outputs(stack)["buckets"]["keys"], Key=_PUBLIC_KEYS)
    except s3.exceptions.ClientError:
        return False
    return True
