"""
Whatever happens between any two steps of the cleanup, what is needed stays.

Needed are renditions that an item points to, files of uploads that may still become an image, and
connections that are open. The cleanup's ports are in memory; before each call of one of them,
others do as they please: pictures are processed, in the order in which the processor does it and
within its time, and again after dead letters; items are deleted, clients connect and come back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itemstream.cleanup.expired_rows import ExpiredRows, RowPage
from itemstream.cleanup.objects import (
    AbandonedUploads,
    ObjectPage,
    ObjectVersion,
    OrphanRenditions,
)
from itemstream.cleanup.tasks import Budget, PagedTask, Removal
from itemstream.images.model import Upload, UploadKey
from itemstream.items.model import Item, ItemNotFound, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.cleanup.expired_rows import Row

HOUR = 3600
DAY = 24 * HOUR
TENANT = "acme"
ITEMS = [f"01a1fc6a-0000-7000-8000-00000000000{number}" for number in range(2)]
IMAGES = [f"01a1fc6b-0000-7000-8000-00000000000{number}" for number in range(2)]
UPLOADS = [UploadKey(TENANT, item, image) for item in ITEMS for image in IMAGES]
# A processor has a minute, and a connection two hours; its row is kept ten minutes longer.
PROCESSOR_SECONDS = 60
CONNECTION_SECONDS = 2 * HOUR
ROW_SECONDS = CONNECTION_SECONDS + 600
# Dead letters come back within 14 days, files within ten minutes of being asked for.
REDRIVE_SECONDS = 14 * DAY
FORM_SECONDS = 600
UPLOAD_ROW_SECONDS = 15 * DAY
WAITS = [1, 59, 700, 5000, 7100, 25 * HOUR, 8 * DAY, 14 * DAY - 1]


def rendition(key: UploadKey) -> str:
    """Return the key of a rendition: the same picture is the same rendition at each try."""
    return f"images/{key.tenant}/{key.item_id}/{key.image_id}/320-aa.webp"


class Objects:
    """A versioned bucket: by key its versions, the current one last."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.versions: dict[str, list[ObjectVersion]] = {}

    def put(self, key: str) -> None:
        version = ObjectVersion(key, str(next(self.world.ids)), self.world.now)
        self.versions.setdefault(key, []).append(version)

    def __contains__(self, key: str) -> bool:
        return bool(self.versions.get(key))

    def page(self, prefix: str, position: str | None) -> ObjectPage:
        self.world.meanwhile()
        present = sorted(key for key, versions in self.versions.items() if versions)
        further = [key for key in present if key > (position or "") and key.startswith(prefix)]
        found = [self.versions[key][-1] for key in further[:2]]
        return ObjectPage(found, further[1] if further[2:] else None)

    def remove(self, versions: list[ObjectVersion]) -> Removal:
        for version in versions:
            self.world.meanwhile()
            if version in self.versions.get(version.key, []):
                self.versions[version.key].remove(version)
        return Removal(removed=len(versions))


class Connections:
    """Rows of connections and of topics, by key, with their ends."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ends: dict[str, int] = {}

    def page(self, position: str | None, *, ended_by: int, whole: bool = False) -> RowPage:
        self.world.meanwhile()
        further = [key for key in sorted(self.ends) if key > (position or "")]
        rows: list[Row] = [{"pk": key} for key in further[:2] if self.ends[key] <= ended_by]
        return RowPage(rows, further[1] if further[2:] else None)

    def remove_ended(self, rows: list[Row], *, by: int) -> Removal:
        removal = Removal()
        for row in rows:
            self.world.meanwhile()
            if self.ends.get(row["pk"], by + 1) <= by:
                del self.ends[row["pk"]]
                removal += Removal(removed=1)
            else:
                removal += Removal(kept=1)
        return removal

    def remove_unchanged(self, rows: list[Row]) -> Removal:
        raise NotImplementedError


@dataclass
class Processor:
    """An invocation that makes an image of an upload, a step at a time."""

    key: UploadKey
    started: float
    step: int = 0


@dataclass
class World:
    """Everything but the cleanup: does a burst of its actions whenever it is asked to."""

    bursts: list[list[tuple[str, int]]]
    now: float = 1_795_230_000.0
    ids: Any = field(default_factory=lambda: count(1))
    items: dict[str, Item] = field(default_factory=dict)
    uploads: dict[UploadKey, Upload] = field(default_factory=dict)
    asked: dict[UploadKey, float] = field(default_factory=dict)
    processors: list[Processor] = field(default_factory=list)
    opened: dict[str, float] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.processed, self.originals = Objects(self), Objects(self)
        self.connections = Connections(self)

    # What the cleanup asks, after something has happened

    def get(self, tenant: str, item_id: str) -> Item:
        self.meanwhile()
        if item_id not in self.items:
            raise ItemNotFound(item_id)
        return self.items[item_id]

    def find(self, key: UploadKey) -> Upload | None:
        self.meanwhile()
        return self.uploads.get(key)

    def meanwhile(self) -> None:
        """Do some things, and see after each that all that is needed is there."""
        if self.bursts:
            for name, choice in self.bursts.pop(0):
                getattr(self, f"do_{name}")(choice)
                self.check()

    # What happens

    def do_wait(self, choice: int) -> None:
        self.now += WAITS[choice % len(WAITS)]
        self.processors = [
            each for each in self.processors if self.now - each.started <= PROCESSOR_SECONDS
        ]
        for key, asked in list(self.asked.items()):
            if self.now >= asked + UPLOAD_ROW_SECONDS:
                self.uploads.pop(key, None)

    def do_create_item(self, choice: int) -> None:
        item_id = ITEMS[choice % 2]
        known = [key for key in self.asked if key.item_id == item_id]
        # An id never comes back.
        if item_id not in self.items and not known:
            self.items[item_id] = Item(TENANT, {"id": item_id, "images": []})

    def do_delete_item(self, choice: int) -> None:
        self.items.pop(ITEMS[choice % 2], None)

    def do_ask(self, choice: int) -> None:
        key = UPLOADS[choice % len(UPLOADS)]
        if key.item_id in self.items and key not in self.asked:
            self.asked[key] = self.now
            at = timestamp(datetime.fromtimestamp(self.now, UTC))
            self.uploads[key] = Upload(key, "pending", "image/png", at, "alice")

    def do_upload(self, choice: int) -> None:
        key = UPLOADS[choice % len(UPLOADS)]
        if key in self.asked and self.now <= self.asked[key] + FORM_SECONDS:
            self.originals.put(str(key))
            self.processors.append(Processor(key, self.now))

    def do_redrive(self, choice: int) -> None:
        key = UPLOADS[choice % len(UPLOADS)]
        uploaded = self.originals.versions.get(str(key))
        if uploaded and self.now <= uploaded[0].stored_at + REDRIVE_SECONDS:
            self.processors.append(Processor(key, self.now))

    def do_process(self, choice: int) -> None:
        """Go one step on: read the item and the upload, store, decide, add."""
        if not self.processors:
            return
        at = self.processors[choice % len(self.processors)]
        upload, item = self.uploads.get(at.key), self.items.get(at.key.item_id)
        has_it = item is not None and any(
            image["id"] == at.key.image_id for image in item.document["images"]
        )
        match at.step:
            case 0 if upload is None or item is None or has_it or str(at.key) not in self.originals:
                self.processors.remove(at)
            case 1:
                self.processed.put(rendition(at.key))
            case 2 if upload is None:
                self.processors.remove(at)
            case 3:
                if item is not None and not has_it:
                    image = {"id": at.key.image_id, "renditions": [{"key": rendition(at.key)}]}
                    images = [*item.document["images"], image]
                    self.items[item.id] = Item(TENANT, {**item.document, "images": images})
                self.processors.remove(at)
        at.step += 1

    def do_die(self, choice: int) -> None:
        """End a processor between two of its steps."""
        if self.processors:
            self.processors.pop(choice % len(self.processors))

    def do_connect(self, choice: int) -> None:
        key = f"connection#{next(self.ids):04d}"
        self.opened[key] = self.now
        self.connections.ends[key] = int(self.now) + ROW_SECONDS

    def do_subscribe(self, choice: int) -> None:
        """Use a topic, whose row then lives for another day."""
        key = f"topics#{choice % 2}"
        self.used[key] = self.now
        self.connections.ends[key] = int(self.now) + DAY

    def check(self) -> None:
        """See that all that is needed is there."""
        for item in self.items.values():
            for image in item.document["images"]:
                for made in image["renditions"]:
                    assert made["key"] in self.processed, "an item points to nothing"
        for key, upload in self.uploads.items():
            versions = self.originals.versions
            if upload.status == "pending" and str(key) in versions:
                assert versions[str(key)], "a file is gone that a dead letter may ask for"
        for key, opened in self.opened.items():
            if self.now < opened + CONNECTION_SECONDS:
                assert key in self.connections.ends, "an open connection is forgotten"
        for key, used in self.used.items():
            if self.now < used + DAY:
                assert key in self.connections.ends, "a topic is forgotten that has subscribers"


TASKS: dict[str, Callable[[World], PagedTask]] = {
    "renditions": lambda world: OrphanRenditions(
        world.processed,
        world,  # type: ignore[arg-type]
        clock=lambda: world.now,
    ),
    "uploads": lambda world: AbandonedUploads(
        world.originals,
        world,  # type: ignore[arg-type]
        clock=lambda: world.now,
    ),
    "connections": lambda world: ExpiredRows(
        "connections", world.connections, clock=lambda: world.now
    ),
}
NAMES = [name.removeprefix("do_") for name in dir(World) if name.startswith("do_")]
# What makes pictures happens more often than what ends them.
WEIGHTED = [*NAMES, *["process"] * 6, *["redrive", "wait", "connect", "subscribe"] * 2]
ACTIONS = st.lists(st.tuples(st.sampled_from(WEIGHTED), st.integers(0, 7)), max_size=12)
# A dead letter that is tried again, up to any of the processor's steps.
TRIED_AGAIN = st.integers(0, 4).map(lambda steps: [("redrive", 0), *[("process", 0)] * steps])
BURSTS = st.lists(st.one_of(ACTIONS, TRIED_AGAIN), max_size=20)
_ASKED = [("create_item", 0), ("ask", 0), ("upload", 0)]
_STORED = [*_ASKED, ("process", 0), ("process", 0)]
_A_DAY = ("wait", 5)
BEGINNINGS = [
    # A picture of long ago; a processor that died before its item had it; a file that waits for a
    # dead letter; clients who came and stayed.
    [*_STORED, ("process", 0), ("process", 0), _A_DAY],
    [*_STORED, ("die", 0), _A_DAY],
    [*_ASKED, ("die", 0), _A_DAY],
    [("connect", 0), ("subscribe", 0), ("wait", 3), ("connect", 0), ("wait", 1)],
    [("subscribe", 0), _A_DAY],
]


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    beginning=st.sampled_from(BEGINNINGS),
    before=ACTIONS,
    during=BURSTS,
    names=st.permutations([*TASKS, *TASKS]),
)
def test_what_is_needed_stays_whatever_happens_between_two_steps(
    beginning: list[tuple[str, int]],
    before: list[tuple[str, int]],
    during: list[list[tuple[str, int]]],
    names: list[str],
) -> None:
    # Given a world in which something has happened already
    world = World([[*beginning, *before]])
    world.meanwhile()

    # When
    world.bursts = [*during]
    for name in names:
        account = TASKS[name](world).run(Budget(100, clock=lambda: 0))
        if account.fault is not None:
            raise account.fault

    # Then nothing is missing, then and later
    world.bursts += [[("process", 0)] * 8]
    while world.bursts:
        world.meanwhile()
