"""Signing keys turn: every key is published for a whole cooldown before it signs."""

from __future__ import annotations

import datetime as dt
import json

import jwt
import pytest

from itemstream.auth import TokenRefused
from itemstream.auth.keys import MAX_KEYS, KeySet
from itemstream.auth.signing_keys import KeyRing
from itemstream.auth.tokens import TokenVerifier
from itemstream.rotation import RotationRefused
from itemstream.rotation.token_signing import CLOCK_SECONDS, TokenSigning

COOLDOWN = 30.0


class World:
    """A clock, and a place for public keys that remembers when they were written."""

    def __init__(self) -> None:
        self.now = dt.datetime.now(dt.UTC)
        self.published: tuple[bytes, dt.datetime] | None = None
        self.signing = TokenSigning(self, COOLDOWN, lambda: self.now, self.pause)

    def pause(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    def read(self) -> tuple[bytes, dt.datetime] | None:
        return self.published

    def write(self, document: bytes) -> None:
        self.published = (document, self.now)

    def rotate(self, current: str | None) -> str:
        pending = self.signing.make(current)
        self.signing.set(pending, current)
        self.signing.test(pending)
        return pending

    @property
    def key_ids(self) -> list[str]:
        assert self.published is not None
        return [key["kid"] for key in json.loads(self.published[0])["keys"]]

    def token(self, ring: str) -> str:
        return KeyRing.from_json(ring).sign(
            issuer="us",
            audience="us",
            tenant="acme",
            subject="ann",
            scope="",
            lifetime=dt.timedelta(hours=1),
            # What verifies it goes by the machine's clock.
            now=dt.datetime.now(dt.UTC),
        )

    def verifier(self) -> TokenVerifier:
        """An authorizer with the keys as they are published now, that looks no more."""
        assert self.published is not None
        document = self.published[0]
        keys = KeySet(lambda: document, max_age=float("inf"))
        keys.warm()
        return TokenVerifier(keys, issuer="us", audience="us")


def test_authorizers_that_saw_no_rotation_for_a_cooldown_know_the_key_that_signs() -> None:
    # Given authorizers as they are throughout two rotations in a row
    world = World()
    ring = world.rotate(None)
    verifiers = [world.verifier()]

    # When
    for _ in range(2):
        ring = world.rotate(ring)
        token = world.token(ring)

        # Then: those from before the rotation know its key already
        assert verifiers[-1].verify(token).tenant == "acme"
        verifiers.append(world.verifier())


def test_tokens_from_before_two_rotations_are_good() -> None:
    # Given
    world = World()
    first = world.rotate(None)
    token = world.token(first)

    # When
    world.rotate(world.rotate(first))

    # Then
    assert world.verifier().verify(token).tenant == "acme"


def test_a_rotation_waits_until_its_keys_have_been_published_for_a_cooldown() -> None:
    # Given
    world = World()
    ring = world.rotate(None)
    begin = world.now

    # When
    world.rotate(ring)

    # Then
    assert (world.now - begin).total_seconds() == COOLDOWN + CLOCK_SECONDS


def test_a_step_that_comes_again_does_not_begin_the_wait_again() -> None:
    # Given
    world = World()
    pending = world.signing.make(world.rotate(None))
    world.signing.set(pending, None)
    begin = world.now
    world.pause(20)

    # When
    world.signing.set(pending, None)
    world.signing.test(pending)

    # Then
    assert (world.now - begin).total_seconds() == COOLDOWN + CLOCK_SECONDS


def test_keys_whose_tokens_have_ended_are_published_no_more() -> None:
    # Given
    world = World()
    first = world.rotate(None)
    second = world.rotate(first)

    # When
    world.pause(25 * 3600)
    world.rotate(second)

    # Then
    assert KeyRing.from_json(first).current.kid not in world.key_ids
    assert len(world.key_ids) == 3


def test_a_key_is_not_put_in_use_while_others_are_published() -> None:
    # Given
    world = World()
    pending = world.signing.make(world.rotate(None))

    # When somebody has published other keys
    World.rotate(world, None)

    # Then
    with pytest.raises(TokenRefused):
        world.signing.test(pending)


def test_a_key_is_not_put_in_use_while_none_is_published() -> None:
    with pytest.raises(RotationRefused, match="not published"):
        World().signing.test(World().signing.make(None))


def test_more_keys_than_authorizers_read_are_refused() -> None:
    # Given
    world = World()
    ring = world.rotate(None)
    for _ in range(MAX_KEYS - 2):
        ring = world.rotate(ring)
    assert len(world.key_ids) == MAX_KEYS

    # When / Then: until the oldest are gone
    with pytest.raises(RotationRefused, match="24 hours"):
        world.signing.make(ring)
    world.pause(24 * 3600)
    assert world.rotate(ring)
    assert jwt.get_unverified_header(world.token(ring))["kid"] in world.key_ids
