"""The four steps of a rotation, in whatever order and however often they come."""

from __future__ import annotations

import pytest

from itemstream.rotation import RotationRefused
from itemstream.rotation.steps import STEPS, perform
from tests.fakes.rotation import Versions


class Recorded:
    """A kind that counts up, and keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def make(self, current: str | None) -> str:
        self.told.append(("make", str(current)))
        return f"after {current}"

    def set(self, pending: str, current: str | None) -> None:
        self.told.append(("set", pending, str(current)))

    def test(self, pending: str) -> None:
        self.told.append(("test", pending))


def test_a_rotation_makes_sets_tests_and_puts_in_use() -> None:
    # Given
    versions, kind = Versions(), Recorded()

    # When
    for step in STEPS:
        perform(step, "new", versions, kind)

    # Then
    assert kind.told == [("make", "v1"), ("set", "after v1", "v1"), ("test", "after v1")]
    assert versions.current == "after v1"


@pytest.mark.parametrize("last", range(1, 5))
def test_a_rotation_that_begins_again_goes_on_with_the_same_value(last: int) -> None:
    # Given a rotation that stopped after some step
    versions, kind = Versions(), Recorded()
    for step in STEPS[:last]:
        perform(step, "new", versions, kind)

    # When
    for step in STEPS:
        perform(step, "new", versions, kind)

    # Then
    assert [told[0] for told in kind.told].count("make") == 1
    assert versions.current == "after v1"


def test_a_secret_without_a_value_gets_its_first() -> None:
    # Given
    versions, kind = Versions(current=None), Recorded()

    # When
    for step in STEPS:
        perform(step, "new", versions, kind)

    # Then
    assert kind.told == [("make", "None"), ("set", "after None", "None"), ("test", "after None")]
    assert versions.current == "after None"


def test_nothing_is_tested_where_only_the_configuration_is() -> None:
    # Given Secrets Manager's trial of a configuration: this step alone, of an empty version
    kind = Recorded()

    # When
    perform("testSecret", "new", Versions(), kind)

    # Then
    assert kind.told == []


@pytest.mark.parametrize("step", ["setSecret", "finishSecret"])
def test_a_version_without_a_value_is_not_used(step: str) -> None:
    # Given
    versions, kind = Versions(), Recorded()

    # Then
    with pytest.raises(RotationRefused, match="createSecret comes first"):
        perform(step, "new", versions, kind)
    assert versions.current == "v1"


def test_a_step_that_there_is_not_is_refused() -> None:
    with pytest.raises(RotationRefused, match="'deleteSecret' is no step"):
        perform("deleteSecret", "new", Versions(), Recorded())


def test_a_version_that_there_is_not_is_refused() -> None:
    with pytest.raises(RotationRefused, match="no version other"):
        perform("createSecret", "other", Versions(), Recorded())


@pytest.mark.parametrize("step", STEPS)
def test_a_version_that_is_not_pending_is_refused(step: str) -> None:
    # Given
    versions = Versions()
    versions.held["stale"] = ["AWSPREVIOUS"]
    versions.values["stale"] = "v0"

    # Then
    with pytest.raises(RotationRefused, match="not AWSPENDING"):
        perform(step, "stale", versions, Recorded())
    assert versions.current == "v1"
