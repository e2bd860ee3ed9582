"""The issuer's keys: what is usable, when they are fetched, what happens while it is away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from itemstream.auth import KeysUnavailable, TokenRefused
from itemstream.auth.keys import MAX_KEYS, KeySet, MalformedKeySet, parse_jwks
from tests.fakes.issuer import ec_key, issuer_jwks, jwks, public_jwk, rsa_key


class Issuer:
    """An issuer that counts how often it is asked."""

    def __init__(self, document: bytes) -> None:
        self.document: bytes | Exception = document
        self.asked = 0

    def __call__(self) -> bytes:
        self.asked += 1
        if isinstance(self.document, Exception):
            raise self.document
        return self.document


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(issuer_jwks())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> KeySet:
    return KeySet(issuer, cooldown=30, max_age=3600, clock=clock)


EC = public_jwk(ec_key(), "ec-1")
USABLE = {
    "RSA": public_jwk(rsa_key(), "k"),
    "EC": public_jwk(ec_key(), "k"),
    "with its algorithm": public_jwk(ec_key(), "k", alg="ES256"),
    "with its use": public_jwk(ec_key(), "k", use="sig"),
}
UNUSABLE: dict[str, Any] = {
    "RSA of 1024 bits": public_jwk(rsa_key("weak", 1024), "k"),
    "EC on P-384": public_jwk(ec_key("p384", ec.SECP384R1), "k"),
    "EC on secp256k1": public_jwk(ec_key("k1", ec.SECP256K1), "k"),
    "a private key": public_jwk(ec_key(), "k", d="AQAB"),
    "for encryption": public_jwk(ec_key(), "k", use="enc"),
    "for another algorithm": public_jwk(rsa_key(), "k", alg="PS256"),
    "for an algorithm that is no text": public_jwk(rsa_key(), "k", alg=["RS256"]),
    "a shared secret": {"kty": "oct", "k": "AQAB", "kid": "k"},
    "of no type": public_jwk(ec_key(), "k", kty=None),
    "without a key id": public_jwk(ec_key(), "k", kid=None),
    "with a number as key id": public_jwk(ec_key(), "k", kid=1),
    "without a coordinate": public_jwk(ec_key(), "k", y=None),
    "off the curve": public_jwk(ec_key(), "k", x=EC["y"]),
    "no object": "k",
}


@pytest.mark.parametrize("jwk", USABLE.values(), ids=USABLE.keys())
def test_a_usable_key_is_found(jwk: dict[str, Any]) -> None:
    assert parse_jwks(jwks(jwk)).keys() == {"k"}


@pytest.mark.parametrize("jwk", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_key_is_left_out(jwk: dict[str, Any]) -> None:
    assert parse_jwks(jwks(jwk, EC)).keys() == {"ec-1"}


def test_keys_that_share_a_key_id_are_left_out() -> None:
    assert parse_jwks(jwks(public_jwk(rsa_key(), "k"), public_jwk(ec_key(), "k"), EC)).keys() == {
        "ec-1"
    }


def test_no_more_keys_than_an_issuer_needs_are_read() -> None:
    many = [public_jwk(ec_key(), f"k{number}") for number in range(MAX_KEYS + 5)]
    assert len(parse_jwks(jwks(*many))) == MAX_KEYS


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[]", b"null", b"{}", b'{"keys": 1}', b'{"keys": []}', b"\xff", jwks({})],
)
def test_a_document_without_keys_is_malformed(document: bytes) -> None:
    with pytest.raises(MalformedKeySet):
        parse_jwks(document)


def test_keys_are_fetched_once(keys: KeySet, issuer: Issuer) -> None:
    # When
    keys.warm()
    found = [keys.find("ec-1").key_id, keys.find("rsa-1").key_id]

    # Then
    assert found == ["ec-1", "rsa-1"]
    assert issuer.asked == 1


def test_a_flood_of_unknown_key_ids_asks_the_issuer_once(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    # Given
    keys.warm()
    clock.now += 31

    # When
    for number in range(1000):
        with pytest.raises(TokenRefused):
            keys.find(f"made-up-{number}")

    # Then
    assert issuer.asked == 2


def test_a_rotation_is_noticed_after_the_cooldown(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    # Given
    keys.warm()
    issuer.document = jwks(public_jwk(ec_key("next"), "ec-2"))

    # When it is too early, then the new key is unknown
    clock.now += 29
    with pytest.raises(TokenRefused, match="unknown key"):
        keys.find("ec-2")

    # When it is not, then it is there, and the old one is gone
    clock.now += 1
    assert keys.find("ec-2").key_id == "ec-2"
    clock.now += 30
    with pytest.raises(TokenRefused):
        keys.find("ec-1")


def test_old_keys_are_fetched_again(keys: KeySet, issuer: Issuer, clock: Clock) -> None:
    # Given
    keys.warm()

    # When
    clock.now += 3601
    keys.find("ec-1")

    # Then
    assert issuer.asked == 2


@pytest.mark.parametrize("failure", [OSError("away"), b"<html>", json.dumps({"keys": []}).encode()])
def test_the_last_good_keys_are_kept_while_the_issuer_is_away(
    keys: KeySet, issuer: Issuer, clock: Clock, failure: bytes | Exception
) -> None:
    # Given
    keys.warm()
    issuer.document = failure

    # When it has been away for a week, then it is asked once a cooldown, and the keys still do
    clock.now += 7 * 86400
    for _ in range(100):
        assert keys.find("ec-1").key_id == "ec-1"
    assert issuer.asked == 2

    # When it is back, then its keys are fetched
    issuer.document = issuer_jwks()
    clock.now += 30
    keys.find("ec-1")
    keys.find("ec-1")
    assert issuer.asked == 3


def test_an_issuer_away_from_the_start_is_asked_again_every_second(
    keys: KeySet, issuer: Issuer, clock: Clock
) -> None:
    # Given
    issuer.document = OSError("away")
    keys.warm()
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            keys.find("ec-1")
    assert issuer.asked == 1

    # When
    issuer.document = issuer_jwks()
    clock.now += 1

    # Then
    assert keys.find("ec-1").key_id == "ec-1"
