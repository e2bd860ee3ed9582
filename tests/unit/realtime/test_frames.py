"""Frames: whatever a client sends is read or refused with a problem; what it is sent fits."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from itemstream.events.envelope import Event
from itemstream.realtime import server_frames
from itemstream.realtime.frames import (
    Authenticate,
    FrameRefused,
    Ping,
    Subscribe,
    Unsubscribe,
    read_frame,
)
from itemstream.realtime.limits import LARGEST_EVENTS_FRAME_BYTES, LARGEST_FRAME_BYTES
from itemstream.realtime.topics import Topic

ITEM = "01a1fd0d-0f71-747f-8457-26ecebd91c18"
ITEMS = Topic.parse("items")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)


def refusal(body: str, *, is_binary: bool = False) -> FrameRefused:
    with pytest.raises(FrameRefused) as refused:
        read_frame(body, is_binary)
    return refused.value


def event(sequence: int, size: int = 0, text: str = "x") -> dict[str, Any]:
    return Event(
        "item.updated",
        f"{ITEM}:{sequence}:item.updated",
        "acme",
        ITEM,
        "2026-11-21T07:41:00.000Z",
        {"name": text * size},
    ).document(sequence)


def test_a_frame_is_read() -> None:
    cursor = "00000000000000000007"
    assert read_frame('{"action": "ping"}', False) == Ping(action="ping")
    assert read_frame(
        f'{{"action": "subscribe", "topic": "items/{ITEM}"}}', False
    ) == Subscribe.model_construct(action="subscribe", topic=Topic("items", ITEM), after=None)
    assert read_frame(
        f'{{"topic": "items", "action": "subscribe", "after": "{cursor}"}}', False
    ) == Subscribe.model_construct(action="subscribe", topic=ITEMS, after=7)
    assert read_frame(
        '{"action": "unsubscribe", "topic": "items"}', False
    ) == Unsubscribe.model_construct(action="unsubscribe", topic=ITEMS)
    assert read_frame('{"action": "authenticate", "token": "a.b.c"}', False) == Authenticate(
        action="authenticate", token="a.b.c"
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", "The frame is not JSON: "),
        ("ping", "The frame is not JSON: "),
        ('{"action": "ping"', "The frame is not JSON: "),
        ('{"action": "ping"} {"action": "ping"}', "The frame is not JSON: Extra data"),
        ("\ufeff" + '{"action": "ping"}', "The frame is not JSON: "),
        ('{"action": NaN}', "The frame is not JSON: NaN is no value."),
        ('{"action": -Infinity}', "The frame is not JSON: -Infinity is no value."),
        ('{"action": "ping", "action": "ping"}', "a name is given more than once."),
        ('{"a": {"b": 1, "b": 2}}', "a name is given more than once."),
        ("[]", "The frame is not a JSON object."),
        ('"ping"', "The frame is not a JSON object."),
        ("1e999", "The frame is not a JSON object."),
        ("9" * 4000, "The frame is not a JSON object."),
        ('{"action": "\\ud800"}', "The frame holds half a surrogate pair."),
        ('{"\\udfff": 1}', "The frame holds half a surrogate pair."),
        ('{"action": "ping\ud800"}', "The frame is not UTF-8 text."),
        ('{"action": "pi\nng"}', "The frame is not JSON: Invalid control character"),
        ("[" * 4096, "The frame is nested deeper than 8 arrays and objects."),
        ('{"a":' * 800, "The frame is nested deeper than 8 arrays and objects."),
        ('{"a":' * 9 + "1" + "}" * 9, "The frame is nested deeper than 8 arrays and objects."),
    ],
    ids=lambda value: value[:24].encode("ascii", "backslashreplace").decode(),
)
def test_what_is_no_json_object_is_refused(body: str, detail: str) -> None:
    problem = refusal(body).problem
    assert detail in problem.detail
    assert (problem.slug, problem.status) == ("invalid-frame", 400)


def test_brackets_in_texts_nest_nothing() -> None:
    body = '{"action": "authenticate", "token": "' + "[{" * 20 + '\\"[["}'
    assert isinstance(read_frame(body, False), Authenticate)


def test_eight_levels_are_read() -> None:
    body = '{"a":' * 8 + "1" + "}" * 8
    assert refusal(body).problem.slug == "unknown-action"


def test_a_binary_frame_is_refused() -> None:
    problem = refusal('{"action": "ping"}', is_binary=True).problem
    assert problem.detail == "Frames are text; this one is binary."


@pytest.mark.parametrize("letter", ["a", "é", "€", "😀"])
def test_a_frames_size_is_that_of_its_utf_8(letter: str) -> None:
    # Given the longest token that fits
    rest = len('{"action":"authenticate","token":""}')
    length = (LARGEST_FRAME_BYTES - rest) // len(letter.encode())

    # Then
    body = '{"action":"authenticate","token":"' + letter * length + '"}'
    assert isinstance(read_frame(body, False), Authenticate)
    problem = refusal(body + " " * len(letter.encode())).problem
    assert (problem.slug, problem.status) == ("frame-too-large", 413)


@pytest.mark.parametrize(
    "body", ["{}", '{"action": null}', '{"action": ["ping"]}', '{"action": "Ping"}', '{"a": 1}']
)
def test_an_action_that_there_is_not_is_refused_with_those_that_there_are(body: str) -> None:
    refused = refusal(body)
    assert refused.problem.slug == "unknown-action"
    assert refused.problem.errors == [
        {
            "field": "action",
            "reason": "must be one of subscribe, unsubscribe, ping, authenticate",
        }
    ]
    assert refused.action is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ('{"action": "subscribe"}', ["topic"]),
        ('{"action": "subscribe", "topic": null}', ["topic"]),
        ('{"action": "subscribe", "topic": ["items"]}', ["topic"]),
        ('{"action": "subscribe", "topic": "items", "after": null}', ["after"]),
        ('{"action": "subscribe", "topic": "items", "after": 7}', ["after"]),
        ('{"action": "subscribe", "topic": "items", "after": "7"}', ["after"]),
        ('{"action": "subscribe", "topic": "items", "after": "000000000000000000001"}', ["after"]),
        ('{"action": "subscribe", "topic": "items", "after": "-0000000000000000001"}', ["after"]),
        ('{"action": "subscribe", "topic": "items", "after": "٠0000000000000000001"}', ["after"]),
        ('{"action": "unsubscribe", "topic": "items", "after": "x"}', ["after"]),
        ('{"action": "ping", "x": 1, "y": {}}', ["x", "y"]),
        ('{"action": "authenticate"}', ["token"]),
        ('{"action": "authenticate", "token": ""}', ["token"]),
        ('{"action": "authenticate", "token": 1}', ["token"]),
    ],
)
def test_each_field_that_is_wrong_is_named(body: str, fields: list[str]) -> None:
    refused = refusal(body)
    assert refused.problem.slug == "invalid-frame"
    assert [error["field"] for error in refused.problem.errors] == fields
    assert refused.action == json.loads(body)["action"]


def test_a_refusal_says_which_topic_as_the_client_spelled_it() -> None:
    assert refusal('{"action": "subscribe", "topic": "Items"}').topic == "Items"
    long = json.dumps({"action": "subscribe", "topic": "x" * 65})
    assert refusal(long).topic is None


def test_there_is_an_end_to_what_is_said_of_one_frame() -> None:
    body = json.dumps({"action": "ping", **{f"x{number}": 0 for number in range(100)}})
    assert len(refusal(body).problem.errors) == 20


@settings(deadline=None)
@given(body=st.text(st.characters(), max_size=300) | json_values.map(json.dumps))
@example("[" * 2_000_000)
@example('"' + '\\"' * 2000)
@example('{"action":"ping"}\x00')
def test_whatever_is_sent_is_a_frame_or_gets_a_problem(body: str) -> None:
    try:
        read_frame(body, False)
    except FrameRefused as refused:
        answer = server_frames.error(
            refused.problem, instance="urn:uuid:1", action=refused.action, topic=refused.topic
        )
        assert json.loads(answer)["problem"]["detail"]
        assert len(answer) <= 32 * 1024


@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_get_a_problem(data: bytes) -> None:
    # A gateway that passes bytes on as text leaves halves of surrogate pairs behind.
    for body in (data.decode("latin-1"), data.decode(errors="surrogateescape")):
        assert refusal(body).problem.status in {400, 413}


def test_frames_are_compact_utf_8() -> None:
    assert server_frames.pong() == b'{"type":"pong"}'
    assert server_frames.subscribed("items", 7) == (
        b'{"type":"subscribed","topic":"items","cursor":"00000000000000000007"}'
    )
    assert server_frames.authenticated(1_795_251_600, {"items", "calls"}) == (
        b'{"type":"authenticated","expires_at":"2026-11-21T09:00:00Z","topics":["calls","items"]}'
    )
    assert "é".encode() in server_frames.event_frames("items", [event(1, 1, "é")])[0][1]


def test_few_events_are_one_frame() -> None:
    # When
    ((last, frame),) = server_frames.event_frames("items", [event(3), event(5)])

    # Then
    assert last == 5
    assert json.loads(frame) == {
        "type": "events",
        "topic": "items",
        "cursor": "00000000000000000005",
        "events": [event(3), event(5)],
    }
    assert server_frames.event_frames("items", []) == []


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.lists(st.integers(0, LARGEST_EVENTS_FRAME_BYTES + 10) | st.integers(0, 300)),
    seed=st.integers(),
)
@example([LARGEST_EVENTS_FRAME_BYTES] * 3, 0)
def test_events_stay_whole_and_in_order_in_frames_that_fit(sizes: list[int], seed: int) -> None:
    # Given
    steps = random.Random(seed)
    sequence, events = 0, []
    for size in sizes:
        sequence += steps.randint(1, 5)
        events.append(event(sequence, size))

    # When
    frames = server_frames.event_frames(f"items/{ITEM}", events)

    # Then
    sent: list[dict[str, Any]] = []
    for last, frame in frames:
        document = json.loads(frame)
        assert len(frame) <= LARGEST_EVENTS_FRAME_BYTES
        assert document["cursor"] == document["events"][-1]["sequence"] == f"{last:020}"
        sent += document["events"]
    assert [one["sequence"] for one in sent] == [one["sequence"] for one in events]
    for one, whole in zip(sent, events, strict=True):
        if "dataref" in one:
            assert len(whole["data"]["name"]) > LARGEST_EVENTS_FRAME_BYTES - 1000
            assert (one["dataref"], one.get("data")) == (f"items/{ITEM}", None)
        else:
            assert one == whole


def test_a_frame_is_filled_to_its_last_byte() -> None:
    # Given two events that fill a frame exactly
    ((_, empty),) = server_frames.event_frames("items", [event(1), event(2)])
    room = LARGEST_EVENTS_FRAME_BYTES - len(empty)

    # Then they are one frame, and with a byte more two
    assert len(server_frames.event_frames("items", [event(1), event(2, room)])) == 1
    assert len(server_frames.event_frames("items", [event(1), event(2, room + 1)])) == 2


def test_the_server_needs_no_pydantic_to_send() -> None:
    # The functions that send start quickly because they import little.
    code = (
        "import sys, itemstream.realtime.server_frames, itemstream.realtime.topics;"
        "sys.exit('pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
