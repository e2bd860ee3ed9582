"""The four steps in which Secrets Manager has a secret rotated; each may come again.

Source: Secrets Manager User Guide, "Lambda rotation functions". A version is labelled AWSPENDING
while it is made, AWSCURRENT when it is in use and AWSPREVIOUS after that.
"""

from __future__ import annotations

from typing import Protocol

from itemstream.rotation import RotationRefused

__all__ = ["CURRENT", "PENDING", "STEPS", "Rotation", "SecretVersions", "perform"]

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"


class Rotation(Protocol):
    """How secrets of one kind are rotated."""

    def make(self, current: str | None) -> str:
        """Return the value that follows `current`; the first one, if there is none."""

    def set(self, pending: str, current: str | None) -> None:
        """Bring a new value to where it is checked, so that both it and `current` are good."""

    def test(self, pending: str) -> None:
        """Use a new value as its readers will; return when none of them would be refused."""


class SecretVersions(Protocol):
    """The versions of one secret."""

    def labels(self) -> dict[str, list[str]]:
        """Return the labels of each version, by its id."""

    def read(self, version: str) -> str | None:
        """Return a version's value; ``None`` if it has none yet."""

    def store(self, version: str, value: str) -> None:
        """Give the pending version its value."""

    def promote(self, version: str, previous: str | None) -> None:
        """Make a version the current one, in place of `previous`."""


def perform(step: str, version: str, versions: SecretVersions, rotation: Rotation) -> None:
    """
    Do one step of a rotation, or nothing if it is done already.

    Raises
    ------
    RotationRefused
        If there is no such step, or the version is not the one that is being made.
    """
    if step not in STEPS:
        raise RotationRefused(f"{step!r} is no step of a rotation")
    labels = versions.labels()
    if version not in labels:
        raise RotationRefused(f"the secret has no version {version}")
    if PENDING not in labels[version] and CURRENT not in labels[version]:
        raise RotationRefused(f"the version {version} is not {PENDING}")
    current = next((id_ for id_, held in labels.items() if CURRENT in held), None)
    if step == "createSecret":
        if versions.read(version) is None:
            versions.store(version, rotation.make(versions.read(current) if current else None))
        return
    value = versions.read(version)
    if value is None:
        # Secrets Manager tries a configuration that is to be used later by this step alone.
        if step == "testSecret":
            return
        raise RotationRefused(f"the version {version} has no value: createSecret comes first")
    if step == "setSecret":
        rotation.set(value, versions.read(current) if current else None)
    elif step == "testSecret":
        rotation.test(value)
    elif current != version:
        versions.promote(version, current)
