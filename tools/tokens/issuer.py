"""Our own token issuer: its keys in Secrets Manager, its public keys in S3."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError

from itemstream.api.cursor_keys import new_cursor_keys
from itemstream.auth import TokenRefused
from itemstream.auth.keys import KeySet
from itemstream.auth.signing_keys import LONGEST_TOKEN, KeyRing, new_key_ring
from itemstream.auth.tokens import MAX_TOKEN_LENGTH, TokenVerifier
from itemstream.rotation.published_keys_s3 import S3PublishedKeys
from tools.dead_letters.accounts import aws_problems, local_account
from tools.project import Problem
from tools.secrets.rotating import rotate as rotate_secret
from tools.stack.clients import client
from tools.stack.record import outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.dead_letters.accounts import Account
    from tools.stack.settings import Stack

__all__ = ["ensure_keys", "issue", "issue_on_aws", "rotate", "signs_its_own"]

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
        _write(stack, secret_names["cursor_signing"]["name"], new_cursor_keys().to_json())
        made.append("cursor_signing")
    stored = _read(stack, secret_names["token_signing"]["name"])
    ring = KeyRing.from_json(stored) if stored else new_key_ring(_now())
    published = _published(stack)
    if stored is None or published.read() is None:
        # Published before the secret that signs with it is there: no token can be ahead of it.
        published.write(json.dumps(ring.public_keys(_now())).encode())
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
    return _signed(_ring(stack), outputs(stack), tenant, scope, subject, seconds)


def issue_on_aws(
    account: Account, values: dict[str, Any], tenant: str, scope: str, subject: str, seconds: int
) -> str:
    """
    Sign a token for an environment on AWS, as who may read its signing keys.

    Parameters
    ----------
    values
        The environment's outputs of Terraform.

    Raises
    ------
    Problem
        If its tokens are somebody else's to sign, there are no keys yet, or the token would be
        refused.
    """
    if not signs_its_own(account, values):
        raise Problem(
            f"Tokens for {account.environment} come from {values['token_issuer']}: get one there "
            "and set ITEMSTREAM_TOKEN."
        )
    manager = account.client("secretsmanager")
    with aws_problems(account):
        try:
            answer = manager.get_secret_value(SecretId=f"{account.prefix}token-signing")
        except manager.exceptions.ResourceNotFoundException:
            raise Problem(
                "There are no signing keys yet. Make them: itemstream secrets rotate token_signing "
                f"--environment {account.environment}"
            ) from None
    ring = KeyRing.from_json(answer["SecretString"])
    return _signed(ring, values, tenant, scope, subject, seconds)


def signs_its_own(account: Account, values: dict[str, Any]) -> bool:
    """Whether an environment's tokens are signed with our own keys, by its outputs."""
    return bool(values["token_issuer"] == f"urn:{account.prefix.rstrip('-')}")


def rotate(stack: Stack, report: Callable[[str], None]) -> KeyRing:
    """
    Have Secrets Manager let the next key sign, publish a new next one, and keep the old one's half.

    Waits, reporting on what, until the key that signs now has been published for a whole cooldown.

    Raises
    ------
    Problem
        If there are no keys, or the rotation comes to no end.
    """
    _ring(stack)
    account = local_account(stack)
    with aws_problems(account):
        rotate_secret(account, "token_signing", report)
    return _ring(stack)


def _signed(
    ring: KeyRing, values: dict[str, Any], tenant: str, scope: str, subject: str, seconds: int
) -> str:
    issuer, audience = values["token_issuer"], values["token_audience"]
    now = _now()
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


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _ring(stack: Stack) -> KeyRing:
    stored = _read(stack, outputs(stack)["secrets"]["token_signing"]["name"])
    if stored is None:
        raise Problem("There are no signing keys yet. `make up` makes them.")
    return KeyRing.from_json(stored)


def _read(stack: Stack, secret: str) -> str | None:
    manager = client(stack, "secretsmanager")
    try:
        # A stack that was made before its versions were as on AWS answers without a value.
        return manager.get_secret_value(SecretId=secret).get("SecretString")  # type: ignore[no-any-return]
    except manager.exceptions.ResourceNotFoundException:
        return None
    except EndpointConnectionError:
        raise Problem(f"The stack `{stack.name}` does not run. Start it: make up") from None


def _write(stack: Stack, secret: str, value: str) -> None:
    client(stack, "secretsmanager").put_secret_value(SecretId=secret, SecretString=value)


def _published(stack: Stack) -> S3PublishedKeys:
    return S3PublishedKeys(client(stack, "s3"), outputs(stack)["buckets"]["keys"])
