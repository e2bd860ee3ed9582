"""What becomes of uploads: once and for good, whatever comes twice, late or at the same time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.dependencies import DependencyUnavailable
from itemstream.images.model import MAX_UPLOAD_BYTES, Upload, UploadKey
from itemstream.images.processing import Outcome, Processed, Processing
from itemstream.items.repository import AnyVersion
from tests.fakes.content import NOW, new_item
from tests.fakes.images import InMemoryOriginals, InMemoryRenditions, InMemoryUploads
from tests.fakes.items import InMemoryItems
from tests.fakes.pictures import jpeg, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.items import Item


@dataclass
class Place:
    """A processing with all its stores, and one item."""

    items: InMemoryItems = field(default_factory=InMemoryItems)
    uploads: InMemoryUploads = field(default_factory=InMemoryUploads)
    originals: InMemoryOriginals = field(default_factory=InMemoryOriginals)
    renditions: InMemoryRenditions = field(default_factory=InMemoryRenditions)
    item: Item = field(default_factory=new_item)

    def __post_init__(self) -> None:
        self.items.add(self.item)

    def processing(self, **parts: Any) -> Processing:
        usual = {
            "items": self.items,
            "table": self.items,
            "uploads": self.uploads,
            "originals": self.originals,
            "renditions": self.renditions,
        }
        return Processing(**{**usual, **parts}, clock=lambda: NOW)

    def asked(self, content_type: Any = "image/jpeg") -> Upload:
        upload = Upload.begin("acme", self.item.id, content_type, created_by="alice", now=NOW)
        self.uploads.known[upload.key] = upload
        return upload

    def put(self, upload: Upload, body: bytes, version: str = "v1") -> None:
        self.originals.files[str(upload.key), version] = body

    def process(self, upload: Upload, version: str = "v1", **parts: Any) -> Processed:
        body = self.originals.files.get((str(upload.key), version), b"x")
        return self.processing(**parts).process(str(upload.key), version, len(body))

    def images(self) -> list[dict[str, Any]]:
        return list(self.items.get("acme", self.item.id).document["images"])

    def used(self) -> set[str]:
        return {each["key"] for image in self.images() for each in image["renditions"]}


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_good_upload_becomes_an_image_of_its_item(place: Place) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg(900, 600))

    # When
    processed = place.process(upload)

    # Then
    assert processed == Processed(upload.key, Outcome.READY)
    assert place.uploads.known[upload.key].status == "ready"
    item = place.items.get("acme", place.item.id)
    assert (item.version, item.document["updated_at"]) == (2, "2026-11-21T06:00:00.000Z")
    (image,) = place.images()
    assert list(image) == [
        *("id", "width", "height", "dominant_color", "placeholder", "animated"),
        *("content_type", "created_at", "renditions"),
    ]
    assert (image["id"], image["width"], image["height"]) == (upload.key.image_id, 900, 600)
    assert (image["content_type"], image["created_at"]) == ("image/jpeg", upload.created_at)
    widths = [each["width"] for each in image["renditions"]]
    assert widths == [900, 900, 800, 800, 320, 320, 128, 128]
    for each in image["renditions"]:
        body, content_type = place.renditions.files[each["key"]]
        digest = hashlib.sha256(body).hexdigest()
        extension = {"image/webp": "webp", "image/jpeg": "jpg"}[content_type]
        assert each["key"] == (
            f"images/acme/{place.item.id}/{image['id']}/{each['width']}-{digest[:32]}.{extension}"
        )
        assert (each["content_type"], each["bytes"]) == (content_type, len(body))
    assert place.originals.removed == []


def test_an_event_that_is_repeated_changes_nothing(place: Place) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg())
    place.process(upload)
    before = place.items.get("acme", place.item.id), dict(place.renditions.files)

    # When
    again = [place.process(upload) for _ in range(3)]

    # Then
    assert {processed.outcome for processed in again} == {Outcome.KNOWN}
    assert (place.items.get("acme", place.item.id), place.renditions.files) == before


@pytest.mark.parametrize("first", ["good", "bad"])
def test_the_first_file_of_a_form_decides(place: Place, first: str) -> None:
    # Given
    upload = place.asked()
    good, bad, other = jpeg(), b"no picture at all", jpeg(seed=2)
    for version, body in (("good", good), ("bad", bad), ("other", other)):
        place.put(upload, body, version)

    # When
    outcomes = [
        place.process(upload, version).outcome for version in (first, "good", "bad", "other")
    ]

    # Then
    decided = Outcome.READY if first == "good" else Outcome.FAILED
    assert outcomes == [decided, *[Outcome.KNOWN] * 3]
    assert len(place.images()) == (first == "good")
    assert place.renditions.files.keys() == place.used()


def test_a_crash_after_the_decision_is_made_good_by_the_next_try(place: Place) -> None:
    # Given a first try that ends between the decision and the item
    upload = place.asked()
    place.put(upload, jpeg())

    class Away(InMemoryItems):
        def add_image(self, *_: Any, **__: Any) -> Item:
            raise DependencyUnavailable("DynamoDB")

    with pytest.raises(DependencyUnavailable):
        place.process(upload, items=Away())
    stored = dict(place.renditions.files)
    assert stored, "what may be part of the item is not removed"

    # When a bad file of the same form is looked at before the next try
    place.put(upload, b"no picture", "v2")
    assert place.process(upload, "v2").outcome is Outcome.KNOWN

    # Then the next try completes the first
    assert place.process(upload).outcome is Outcome.READY
    assert place.used() == stored.keys()


class Crash(BaseException):
    """The end of a process: nothing is caught, nothing is undone."""


def crash(*_: Any, **__: Any) -> Any:
    raise Crash


def first_puts_then_crash(place: Place) -> Callable[..., None]:
    """Return a way to store renditions that ends with the process after the third."""
    put = place.renditions.put

    def store(key: str, body: bytes, content_type: str) -> None:
        if len(place.renditions.files) >= 3:
            raise Crash
        put(key, body, content_type)

    return store


def after(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call whose answer never comes, as the process ends first."""

    def called(*arguments: Any, **named: Any) -> Any:
        call(*arguments, **named)
        raise Crash

    return called


CRASHES: dict[str, Callable[[Place, pytest.MonkeyPatch], None]] = {
    "while renditions are stored": lambda p, m: m.setattr(
        p.renditions, "put", first_puts_then_crash(p)
    ),
    "before the decision": lambda p, m: m.setattr(p.uploads, "ready", crash),
    "after the decision": lambda p, m: m.setattr(p.uploads, "ready", after(p.uploads.ready)),
    "before the item has it": lambda p, m: m.setattr(p.items, "add_image", crash),
    "after the item has it": lambda p, m: m.setattr(p.items, "add_image", after(p.items.add_image)),
}


def crashed(place: Place, upload: Upload, at: str, version: str = "v1") -> None:
    with pytest.MonkeyPatch.context() as crashing:
        CRASHES[at](place, crashing)
        with pytest.raises(Crash):
            place.process(upload, version)
    assert place.renditions.files, "it was on its way"


@pytest.mark.parametrize("at", CRASHES)
def test_a_crash_anywhere_is_made_good_by_the_next_try(place: Place, at: str) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg(400, 300))
    crashed(place, upload, at)

    # When
    place.process(upload)

    # Then
    assert [image["id"] for image in place.images()] == [upload.key.image_id]
    assert place.uploads.known[upload.key].status == "ready"
    assert place.renditions.files.keys() == place.used()


@pytest.mark.parametrize("at", CRASHES)
def test_an_item_that_is_deleted_after_a_crash_keeps_no_renditions(place: Place, at: str) -> None:
    # Given a first try that crashed, and an item that is deleted and cleared before the next
    upload = place.asked()
    place.put(upload, jpeg(400, 300))
    crashed(place, upload, at)
    other = f"images/acme/{place.item.id}/{new_item().id}/128-1.webp"
    place.renditions.put(other, b"", "image/webp")
    place.items.delete("acme", place.item.id, versions=AnyVersion())

    # When
    processed = place.process(upload)

    # Then
    assert processed.outcome is Outcome.REMOVED
    assert place.renditions.files.keys() == {other}


GONE = "The file was deleted before it was processed."
FULL = "The item has 20 images already."


@pytest.mark.parametrize("reason", [GONE, FULL])
@pytest.mark.parametrize("at", [at for at in CRASHES if at != "after the item has it"])
def test_what_can_no_longer_be_completed_after_a_crash_fails(
    place: Place, at: str, reason: str
) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg(400, 300))
    crashed(place, upload, at)

    # When
    if reason == GONE:
        place.originals.files.clear()
    else:
        fill(place)
    processed = place.process(upload)

    # Then its client hears of it, and nothing is left
    assert processed == Processed(upload.key, Outcome.FAILED, reason)
    failed = place.uploads.known[upload.key]
    assert (failed.status, failed.reason) == ("failed", reason)
    assert place.renditions.files == {}


@pytest.mark.parametrize("at", CRASHES)
@pytest.mark.parametrize("second", ["good", "bad", "alike"])
def test_a_second_file_after_a_crash_leaves_one_image_or_none(
    place: Place, at: str, second: str
) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg(400, 300))
    bodies = {"good": jpeg(400, 300, seed=2), "bad": b"no picture", "alike": jpeg(400, 300)}
    place.put(upload, bodies[second], "v2")
    crashed(place, upload, at)

    # When another file of its form comes before the next try
    place.process(upload, "v2")
    place.process(upload)

    # Then what is said of the upload, what the item has and what is stored agree
    ready = place.uploads.known[upload.key].status == "ready"
    undecided = at in ("while renditions are stored", "before the decision")
    assert ready == (second != "bad" or not undecided)
    assert len(place.images()) == ready
    assert place.renditions.files.keys() == place.used()


def test_a_file_that_is_refused_fails_no_other_that_is_under_way(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a file that is decided and not yet on its item
    upload = place.asked()
    place.put(upload, jpeg(400, 300), "good")
    place.put(upload, b"no picture", "bad")
    add = place.items.add_image
    meanwhile = []

    def slow(*arguments: Any, **named: Any) -> Item:
        # When another one of its form is refused
        meanwhile.append(place.process(upload, "bad"))
        return add(*arguments, **named)

    monkeypatch.setattr(place.items, "add_image", slow)
    processed = place.process(upload, "good")

    # Then
    assert [one.outcome for one in (*meanwhile, processed)] == [Outcome.KNOWN, Outcome.READY]
    assert place.uploads.known[upload.key].status == "ready"
    assert place.renditions.files.keys() == place.used()


def test_of_two_files_at_once_the_slower_leaves_nothing(place: Place) -> None:
    # Given a second file that becomes the image while the first one is being stored
    upload = place.asked()
    place.put(upload, jpeg(seed=1), "slow")
    place.put(upload, jpeg(seed=2), "quick")

    class Slow(InMemoryUploads):
        def ready(self, upload: Upload, file: str) -> bool:
            place.process(upload, "quick")
            return place.uploads.ready(upload, file)

    slow = Slow()
    slow.known = place.uploads.known

    # When
    processed = place.process(upload, "slow", uploads=slow)

    # Then
    assert processed.outcome is Outcome.KNOWN
    assert len(place.images()) == 1
    assert place.renditions.files.keys() == place.used()


def test_a_file_that_failed_while_another_was_stored_leaves_nothing(place: Place) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg(), "good")
    place.put(upload, b"no picture", "bad")

    class Overtaken(InMemoryUploads):
        def ready(self, upload: Upload, file: str) -> bool:
            place.process(upload, "bad")
            return place.uploads.ready(upload, file)

    overtaken = Overtaken()
    overtaken.known = place.uploads.known

    # When
    processed = place.process(upload, "good", uploads=overtaken)

    # Then
    assert processed.outcome is Outcome.KNOWN
    assert place.uploads.known[upload.key].status == "failed"
    assert (place.images(), place.renditions.files) == ([], {})


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "The file is empty."),
    "too large": (bytes(MAX_UPLOAD_BYTES + 1), f"larger than {MAX_UPLOAD_BYTES} bytes"),
    "no picture": (b"<html>", "not a JPEG"),
    "another type": (png(8, 8), "not image/jpeg as announced"),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_a_bad_upload_fails_with_its_reason(place: Place, bad: str) -> None:
    # Given
    body, reason = BAD_FILES[bad]
    upload = place.asked()
    place.put(upload, body)

    # When
    processed = place.process(upload)

    # Then
    assert processed.outcome is Outcome.FAILED
    assert reason in str(processed.reason)
    failed = place.uploads.known[upload.key]
    assert (failed.status, failed.reason) == ("failed", processed.reason)
    assert place.items.get("acme", place.item.id) == place.item
    assert place.renditions.files == {}


def test_a_file_that_is_gone_fails(place: Place) -> None:
    upload = place.asked()
    assert "deleted before" in str(place.process(upload, "v1").reason)


@pytest.mark.parametrize(
    "key",
    [
        "uploads/acme/{item}/a picture + 100%.jpg",
        "uploads/acme/{item}/größe-写真.jpg",
        "uploads/acme/../other/{item}",
        "uploads/",
        "elsewhere/acme/{item}/01a1fc6a-9e31-71b5-8a6f-0d9a3c1b2e50",
    ],
)
def test_a_file_under_an_odd_key_fails_once(place: Place, key: str) -> None:
    # Given
    name = key.format(item=place.item.id)

    # When
    first, again = (place.processing().process(name, "v1", 100) for _ in range(2))

    # Then
    assert (first.outcome, again.outcome) == (Outcome.FAILED, Outcome.KNOWN)
    (failed,) = place.uploads.known.values()
    assert failed.key == UploadKey.resembling(name)
    assert (failed.status, failed.content_type, failed.created_by) == ("failed", None, None)
    assert failed.reason == "The file's key is none that was given out."


def test_a_file_that_nobody_had_asked_to_upload_fails(place: Place) -> None:
    upload = replace(place.asked(), key=UploadKey("acme", place.item.id, new_item().id))
    place.put(upload, jpeg())
    first, again = place.process(upload), place.process(upload)
    assert (first.outcome, again.outcome) == (Outcome.FAILED, Outcome.KNOWN)
    assert place.uploads.known[upload.key].reason == "Nobody had asked to upload this file."
    assert place.images() == []


def test_an_upload_of_a_deleted_item_is_removed(place: Place) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg())
    place.items.delete("acme", place.item.id, versions=AnyVersion())

    # When
    processed = place.process(upload)

    # Then
    assert processed.outcome is Outcome.REMOVED
    assert place.originals.removed == [str(upload.key)]
    assert place.renditions.files == {}


def test_an_item_that_is_deleted_meanwhile_leaves_nothing(place: Place) -> None:
    # Given an item that is deleted after it was looked at
    upload = place.asked()
    place.put(upload, jpeg())

    # When
    processed = place.process(upload, items=InMemoryItems())

    # Then
    assert processed.outcome is Outcome.REMOVED
    assert place.originals.removed == [str(upload.key)]
    assert place.renditions.files == {}


@pytest.mark.parametrize("seen", ["before", "at the end"])
def test_an_item_takes_twenty_images(
    place: Place, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg())
    if seen == "before":
        fill(place)
    else:
        put = place.renditions.put
        monkeypatch.setattr(place.renditions, "put", lambda *a: (fill(place), put(*a)))

    # When
    processed = place.process(upload)

    # Then
    assert processed == Processed(upload.key, Outcome.FAILED, "The item has 20 images already.")
    assert place.uploads.known[upload.key].status == "failed"
    assert place.renditions.files == {}
    assert len(place.images()) == 20


def fill(place: Place) -> None:
    for number in range(20):
        image = {"id": str(number), "renditions": []}
        place.items.add_image("acme", place.item.id, image, most=20, updated_at="later")


def unavailable(*_: Any, **__: Any) -> Any:
    raise DependencyUnavailable("S3")


PASSING: dict[str, Callable[[Place, pytest.MonkeyPatch], None]] = {
    "reading the item": lambda p, m: m.setattr(p.items, "get", unavailable),
    "finding the upload": lambda p, m: m.setattr(p.uploads, "find", unavailable),
    "the download": lambda p, m: m.setattr(p.originals, "download", unavailable),
    "storing a rendition": lambda p, m: m.setattr(p.renditions, "put", unavailable),
    "deciding": lambda p, m: m.setattr(p.uploads, "ready", unavailable),
    "changing the item": lambda p, m: m.setattr(p.items, "add_image", unavailable),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_tried_again(
    place: Place, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    upload = place.asked()
    place.put(upload, jpeg())

    # When
    with monkeypatch.context() as passing:
        PASSING[fault](place, passing)
        with pytest.raises(DependencyUnavailable):
            place.process(upload)

    # Then the next try succeeds
    assert place.process(upload).outcome is Outcome.READY
    assert place.renditions.files.keys() == place.used()
