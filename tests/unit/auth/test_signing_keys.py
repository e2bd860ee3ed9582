"""Signing keys in rotation: no token is ever ahead of the keys that verify it."""

from __future__ import annotations

import datetime as dt

import jwt
import pytest

from itemstream.auth.signing_keys import LONGEST_TOKEN, KeyRing, new_key_ring

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def sign(ring: KeyRing, now: dt.datetime = NOW, lifetime: dt.timedelta = LONGEST_TOKEN) -> str:
    return ring.sign(
        issuer="urn:us",
        audience="us",
        tenant="acme",
        subject="ann",
        scope="items:read",
        lifetime=lifetime,
        now=now,
    )


def key_of(token: str, ring: KeyRing, now: dt.datetime) -> jwt.PyJWK:
    """Return the published key that verifies a token; KeyError if there is none."""
    published = {key["kid"]: jwt.PyJWK(key) for key in ring.public_keys(now)["keys"]}
    return published[jwt.get_unverified_header(token)["kid"]]


def test_a_token_is_an_access_token_of_rfc_9068() -> None:
    # Given
    ring = new_key_ring(NOW)

    # When
    token = sign(ring, lifetime=dt.timedelta(hours=1))

    # Then
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    claims = jwt.decode(token, key_of(token, ring, NOW), ["ES256"], audience="us", issuer="urn:us")
    assert claims["sub"] == "ann"
    assert claims["tenant"] == "acme"
    assert claims["scope"] == "items:read"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["nbf"] == claims["iat"] == int(NOW.timestamp())
    assert claims["jti"]


def test_tokens_are_told_apart() -> None:
    ring = new_key_ring(NOW)
    assert sign(ring) != sign(ring)


def test_what_is_published_is_public() -> None:
    for key in new_key_ring(NOW).public_keys(NOW)["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_a_key_is_published_before_it_signs() -> None:
    # Given
    ring = new_key_ring(NOW)
    published_before = {key["kid"] for key in ring.public_keys(NOW)["keys"]}

    # When
    token = sign(ring.rotated(NOW))

    # Then
    assert jwt.get_unverified_header(token)["kid"] in published_before


def test_a_retired_key_verifies_as_long_as_its_tokens_live() -> None:
    # Given
    ring = new_key_ring(NOW)
    token = sign(ring)

    # When
    later = NOW + LONGEST_TOKEN - dt.timedelta(seconds=1)
    twice = ring.rotated(NOW).rotated(later)

    # Then
    assert key_of(token, twice, later).key_id == ring.current.kid


def test_a_retired_key_goes_when_its_tokens_are_gone() -> None:
    # Given
    ring = new_key_ring(NOW)
    after = NOW + LONGEST_TOKEN + dt.timedelta(seconds=1)

    # When
    rotated = ring.rotated(NOW).rotated(after)

    # Then
    assert ring.current.kid not in {key["kid"] for key in rotated.public_keys(after)["keys"]}
    assert ring.current.kid not in rotated.to_json()


def test_a_ring_is_stored_and_read_back() -> None:
    ring = new_key_ring(NOW).rotated(NOW)
    assert KeyRing.from_json(ring.to_json()) == ring


@pytest.mark.parametrize(
    "lifetime", [dt.timedelta(), dt.timedelta(-1), LONGEST_TOKEN + dt.timedelta(seconds=1)]
)
def test_no_token_outlives_its_key(lifetime: dt.timedelta) -> None:
    with pytest.raises(ValueError, match="at most"):
        sign(new_key_ring(NOW), lifetime=lifetime)


def test_private_keys_are_not_shown() -> None:
    ring = new_key_ring(NOW)
    assert "PRIVATE" in ring.to_json()
    assert "PRIVATE" not in repr(ring)
