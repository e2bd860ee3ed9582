"""Which tokens are refused, which are not, and what an accepted one says."""

from __future__ import annotations

import datetime as dt

import jwt
import pytest

from itemstream.auth import KeysUnavailable, Principal, TokenRefused
from itemstream.auth.keys import KeySet
from itemstream.auth.tokens import TokenVerifier
from tests.fakes.issuer import AUDIENCE, ISSUER, NOW, claims, issuer_jwks, token
from tests.unit.auth.corpus import ACCEPTED, REFUSED


class FrozenDatetime(dt.datetime):
    """The time at which the corpus was signed."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> FrozenDatetime:
        return cls.fromtimestamp(NOW, tz)


@pytest.fixture(autouse=True)
def frozen_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jwt.api_jwt.datetime", FrozenDatetime)


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(KeySet(issuer_jwks), issuer=ISSUER, audience=AUDIENCE)


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_token_is_refused(verifier: TokenVerifier, refused: str) -> None:
    with pytest.raises(TokenRefused) as refusal:
        verifier.verify(refused)

    # Then the reason for the log holds no part of the token
    assert not any(len(part) > 3 and part in str(refusal.value) for part in refused.split("."))


@pytest.mark.parametrize("accepted", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_good_token_is_accepted(verifier: TokenVerifier, accepted: str) -> None:
    ends_at = jwt.decode(accepted, options={"verify_signature": False})["exp"]
    assert verifier.verify(accepted) == Principal(
        "acme", "alice", frozenset({"items:read", "items:write"}), int(ends_at)
    )


def test_the_corpus_is_large() -> None:
    assert len(set(REFUSED.values())) >= 100


@pytest.mark.parametrize("scope", [None, ""])
def test_a_token_without_scopes_allows_nothing(verifier: TokenVerifier, scope: str | None) -> None:
    assert verifier.verify(token(payload=claims(scope=scope))).scopes == frozenset()


def test_without_keys_nobody_is_judged() -> None:
    # Given an issuer that does not answer
    def away() -> bytes:
        raise OSError("no route to host")

    verifier = TokenVerifier(KeySet(away), issuer=ISSUER, audience=AUDIENCE)

    # When, then
    with pytest.raises(KeysUnavailable) as unavailable:
        verifier.verify(token())
    assert isinstance(unavailable.value.__cause__, OSError)
