"""The versions of a secret, in memory."""

from __future__ import annotations

from itemstream.rotation.steps import CURRENT, PENDING

__all__ = ["Versions"]


class Versions:
    """Versions of one secret, of which `new` is being made; id → labels and id → value."""

    def __init__(self, *, current: str | None = "v1") -> None:
        self.held: dict[str, list[str]] = {"new": [PENDING]}
        self.values: dict[str, str] = {}
        if current:
            self.held["old"] = [CURRENT]
            self.values["old"] = current

    def labels(self) -> dict[str, list[str]]:
        return self.held

    def read(self, version: str) -> str | None:
        return self.values.get(version)

    def store(self, version: str, value: str) -> None:
        self.values[version] = value

    def promote(self, version: str, previous: str | None) -> None:
        if previous:
            self.held[previous] = ["AWSPREVIOUS"]
        self.held[version] = [CURRENT]

    @property
    def current(self) -> str:
        [version] = [id_ for id_, labels in self.held.items() if CURRENT in labels]
        return self.values[version]
