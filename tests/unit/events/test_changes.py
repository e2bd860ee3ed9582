"""Which events the change of a row means, and what of the row gets into them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from itemstream.dynamodb.streams import read_stream_record
from itemstream.events import Event, Unpublishable, changes, events_of
from itemstream.items import dynamodb as items_table
from tests.fakes.event_sources import stream_record
from tests.fakes.events import (
    IMAGE,
    call_record,
    call_row,
    cleanup_record,
    health_record,
    health_row,
    item_record,
    item_row,
    next_version,
    upload_record,
    upload_row,
)

HIDDEN = ("pk", "sk", "write_id", "status_key", "category_key", "expires_at", "tenant")


def events(raw: dict[str, Any]) -> list[Event]:
    return events_of(read_stream_record(raw))


def test_a_new_item_is_told_as_clients_see_it() -> None:
    # Given
    row = item_row()

    # When
    (event,) = events(item_record(row))

    # Then
    assert event.type == "item.created"
    assert event.id == f"{row['sk']}:1:item.created"
    assert (event.tenant, event.subject, event.time) == ("acme", row["sk"], row["created_at"])
    assert list(event.data) == list(items_table.DOCUMENT_FIELDS)
    assert event.data["id"] == row["sk"]
    assert event.data["price"] == row["price"]


def test_the_health_of_each_part_that_changed_is_told_to_those_who_run_the_platform() -> None:
    # Given
    before = health_row(mysql="up", redis="down", s3="up", sqs="unknown", rest="unknown")
    after = health_row(
        "2026-11-21T06:01:00.000Z", mysql="down", redis="up", s3="up", sqs="down", rest="up"
    )

    # When
    told = {event.subject: event for event in events(health_record(after, before))}

    # Then a new part that is up is no news
    assert told.keys() == {"mysql", "redis", "sqs"}
    mysql = told["mysql"]
    assert mysql.id == "mysql:2026-11-21T06:01:00.000Z:health.changed"
    assert (mysql.tenant, mysql.topic) == ("operations", "health")
    assert mysql.data == {
        "part": "mysql",
        "status": "down",
        "previous": "up",
        "since": "2026-11-21T06:01:00.000Z",
        "reason": "no answer",
    }
    assert told["redis"].data["status"] == "up"
    assert told["sqs"].data["previous"] == "unknown"


def test_the_first_check_tells_of_what_is_not_up() -> None:
    (event,) = events(health_record(health_row(s3="up", sqs="down")))
    assert event.subject == "sqs"


def test_a_check_that_changes_nothing_and_a_row_of_history_are_no_events() -> None:
    row = health_row(mysql="down")
    assert events(health_record({**row, "checked_at": "2026-11-21T06:02:00.000Z"}, row)) == []
    history = {"pk": "history#2026-11-21", "sk": row["checked_at"], "parts": row["parts"]}
    assert events(health_record(history)) == []


def test_a_run_of_the_cleanup_is_told_to_those_who_run_the_platform() -> None:
    # When
    (event,) = events(cleanup_record())

    # Then
    run = event.data["id"]
    assert (event.type, event.id) == ("cleanup.finished", f"{run}:cleanup.finished")
    assert (event.tenant, event.subject) == ("operations", run)
    assert event.time == event.data["ended_at"]
    assert event.data["tasks"]["tickets"]["removed"] == 2


def test_where_a_task_goes_on_is_told_to_nobody() -> None:
    assert events(cleanup_record({"pk": "task#tickets", "position": None})) == []


def test_a_replaced_item_is_told_with_what_changed() -> None:
    # Given
    old = item_row()
    new = next_version(old, name="Ash table", quantity=4)

    # When
    (event,) = events(item_record(new, old))

    # Then
    assert event.id == f"{old['sk']}:2:item.updated"
    assert event.time == new["updated_at"]
    assert event.data["changed"] == ["name", "quantity"]
    assert (event.data["name"], event.data["version"]) == ("Ash table", 2)


def test_a_replacement_by_the_same_is_told_too() -> None:
    old = item_row()
    (event,) = events(item_record(next_version(old), old))
    assert (event.type, event.data["changed"]) == ("item.updated", [])


def test_a_deleted_item_is_told_by_id_and_version() -> None:
    row = item_row(version=7)
    (event,) = events(item_record(None, row))
    assert event.id == f"{row['sk']}:7:item.deleted"
    assert event.data == {"id": row["sk"], "version": 7}
    assert event.time == "2026-11-21T08:33:20.000Z"
    assert event.tenant == "acme"


def test_a_new_image_is_told_as_such_and_not_as_an_update() -> None:
    # Given
    old = item_row()
    new = next_version(old, images=[IMAGE])

    # When
    (event,) = events(item_record(new, old))

    # Then
    assert (event.type, event.id) == ("image.ready", f"{IMAGE['id']}:image.ready")
    assert (event.subject, event.time) == (old["sk"], new["updated_at"])
    assert event.data == {**IMAGE, "item_id": old["sk"], "item_version": 2, "item_images": 1}


def test_what_changes_with_a_new_image_is_told_after_it() -> None:
    old = item_row(images=[IMAGE])
    new = next_version(old, images=[IMAGE, {**IMAGE, "id": "another"}], name="Ash table")
    told = events(item_record(new, old))
    assert [event.id for event in told] == [
        "another:image.ready",
        f"{old['sk']}:2:item.updated",
    ]
    assert told[1].data["changed"] == ["name"]


@pytest.mark.parametrize("images", [[], [{**IMAGE, "width": 1}]], ids=["removed", "altered"])
def test_images_that_go_or_change_are_an_update(images: list[dict[str, Any]]) -> None:
    old = item_row(images=[IMAGE])
    (event,) = events(item_record(next_version(old, images=images), old))
    assert (event.type, event.data["changed"]) == ("item.updated", ["images"])


def test_a_change_that_no_client_can_see_is_no_event() -> None:
    row = item_row()
    assert events(item_record({**row, "status_key": "acme#9#active"}, row)) == []


def test_a_change_without_a_new_version_is_refused() -> None:
    row = item_row()
    with pytest.raises(Unpublishable, match="without a new version: 1 and 1"):
        events(item_record({**row, "name": "By hand"}, row))


def test_a_failed_image_is_told_with_its_reason() -> None:
    # When
    (event,) = events(upload_record(upload_row(), upload_row("pending")))

    # Then
    assert (event.type, event.id) == ("image.failed", f"{IMAGE['id']}:image.failed")
    assert (event.tenant, event.subject) == ("acme", "item-1")
    assert event.data == {
        "id": IMAGE["id"],
        "item_id": "item-1",
        "reason": "The file is cut off.",
        "content_type": "image/jpeg",
        "created_at": "2026-11-21T06:00:00.000Z",
        "created_by": "alice",
    }


def test_an_image_that_nobody_asked_to_upload_is_told_too() -> None:
    row = upload_row(content_type=None, created_by=None)
    (event,) = events(upload_record(row))
    assert (event.data["content_type"], event.data["created_by"]) == (None, None)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (upload_row("pending"), None),
        (upload_row("ready"), upload_row("pending")),
        (upload_row(reason="Again."), upload_row()),
        (None, upload_row()),
    ],
    ids=["begun", "ready", "failed before", "gone"],
)
def test_other_changes_of_uploads_are_no_events(
    new: dict[str, Any] | None, old: dict[str, Any] | None
) -> None:
    assert events(upload_record(new, old)) == []


def test_a_call_is_told_as_clients_see_it() -> None:
    # When
    (event,) = events(call_record(call_row()))

    # Then
    assert (event.type, event.id) == ("call.recorded", "call-1:call.recorded")
    assert (event.tenant, event.subject, event.topic) == ("acme", "call-1", "calls")
    assert event.data["path_template"] == "/orders/{id}"
    for name in ("origin", "content_hash", "day_key", "client_key", "occurred_key"):
        assert name not in event.data


def test_a_call_is_told_once() -> None:
    assert events(call_record(call_row(), call_row(outcome="failure"))) == []
    assert events(call_record(None, call_row())) == []


@pytest.mark.parametrize(
    "raw",
    [
        item_record(item_row()),
        item_record(next_version(item_row(), images=[IMAGE], name="Ash"), item_row()),
        item_record(None, item_row()),
        upload_record(upload_row()),
        call_record(call_row()),
    ],
    ids=["created", "updated", "deleted", "failed", "call"],
)
def test_what_a_row_keeps_for_itself_gets_into_no_event(raw: dict[str, Any]) -> None:
    # Given a row that has gained an attribute that nobody thought of
    image = raw["dynamodb"].get("NewImage") or raw["dynamodb"]["OldImage"]
    image["secret"] = {"S": "hush"}

    # Then
    for event in events(raw):
        assert "hush" not in json.dumps(event.document(1))
        assert not set(HIDDEN) & event.data.keys()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (stream_record("itemstream-test-users", {"pk": "a"}), "no events are made of table"),
        (item_record({"pk": "acme#1", "sk": "x"}), "not one of items: KeyError 'name'"),
        (item_record(item_row(version="two"), item_row()), "not one of items: TypeError"),
        (
            item_record(next_version(item_row(), images=[1]), item_row()),
            "not one of items: TypeError",
        ),
        (call_record({"pk": "acme#1"}), "not one of silver-call: KeyError 'call_id'"),
        (upload_record({"pk": "acme#1"}), "not one of image-uploads: KeyError 'status'"),
    ],
    ids=["table", "incomplete", "no number", "no image", "no call", "no upload"],
)
def test_what_can_be_no_event_is_refused_with_a_reason(raw: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unpublishable, match=reason):
        events(raw)


def test_an_event_has_the_fields_of_an_item() -> None:
    assert changes._ITEM == items_table.DOCUMENT_FIELDS
    assert changes._ITEM_CONTENT == items_table.CONTENT_FIELDS
