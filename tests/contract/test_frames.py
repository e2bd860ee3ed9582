"""The AsyncAPI document is one, and frames of both directions are as the committed schemas say."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from itemstream.realtime import problems, server_frames
from itemstream.realtime.frames import CLIENT_FRAMES, FrameRefused, read_frame
from itemstream.realtime.server_frames import CloseCode
from itemstream.realtime.topics import Topic
from tests.frame_contract import SCHEMAS, faults_of, validated
from tools.asyncapi.examples import EXAMPLES
from tools.asyncapi.models import FRAMES, SERVER_FRAMES
from tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itemstream.api.problems import Problem

ASYNCAPI = json.loads((ROOT / "asyncapi" / "asyncapi.json").read_text())
# As the package @asyncapi/specs 6.11.1 has it.
OFFICIAL = json.loads((ROOT / "tests/contract/asyncapi_3.0.0/schema.json").read_text())

ITEM = "01a1fd0d-0f71-747f-8457-26ecebd91c18"
PROBLEMS = [
    problems.invalid_frame("It is not.", [{"field": "topic", "reason": "is not"}]),
    problems.unknown_action(CLIENT_FRAMES),
    problems.frame_too_large(),
    problems.too_many_messages(),
    problems.too_many_topics(),
    problems.not_permitted(Topic.parse("calls")),
    problems.token_refused(),
    problems.other_principal(),
    problems.connection_gone(),
    problems.unavailable(3),
    problems.unexpected(),
]

topics = st.sampled_from(["items", f"items/{ITEM}", "calls", "reports"])
cursors = st.integers(0, 10**20 - 1)


def references(document: Any) -> Iterator[str]:
    """Yield every reference in a document."""
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        for value in document.values():
            yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def resolve(reference: str) -> Any:
    found = ASYNCAPI
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def messages_of(operation: dict[str, Any]) -> set[str]:
    listed = operation["messages"] + operation.get("reply", {}).get("messages", [])
    return {reference["$ref"].rpartition("/")[2] for reference in listed}


def test_the_committed_documents_are_the_generated_ones() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "tools.asyncapi", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_the_document_is_asyncapi() -> None:
    assert [error.message for error in Draft7Validator(OFFICIAL).iter_errors(ASYNCAPI)] == []
    # A version that is not there is noticed, so the schema does look.
    assert list(Draft7Validator(OFFICIAL).iter_errors({**ASYNCAPI, "asyncapi": "3.0.9"}))


def test_every_reference_leads_somewhere() -> None:
    found = set(references(ASYNCAPI))
    assert found
    for reference in found:
        assert resolve(reference), reference


def test_the_document_describes_every_frame_and_who_sends_it() -> None:
    # Given
    operations = ASYNCAPI["operations"]

    # When
    received = {name for name, operation in operations.items() if operation["action"] == "receive"}
    sent = [
        name
        for operation in operations.values()
        for name in messages_of(operation) - CLIENT_FRAMES.keys()
    ]

    # Then
    assert received == CLIENT_FRAMES.keys()
    assert set(sent) == SERVER_FRAMES.keys()
    assert ASYNCAPI["channels"]["connection"]["messages"].keys() == FRAMES.keys()


def test_the_document_says_what_the_frames_schemas_say() -> None:
    for name, model in FRAMES.items():
        schema = json.loads((SCHEMAS / f"{name}.json").read_text())
        described = ASYNCAPI["components"]["schemas"][model.__name__]
        own = {key: value for key, value in schema.items() if not key.startswith("$")}
        assert json.dumps(own).replace("#/$defs/", "#/components/schemas/") == json.dumps(described)


@pytest.mark.parametrize("name", FRAMES)
def test_an_example_is_as_its_schema_says(name: str) -> None:
    assert validated(json.dumps(EXAMPLES[name])) == EXAMPLES[name]
    assert resolve(f"#/components/messages/{name}")["examples"] == [{"payload": EXAMPLES[name]}]


@pytest.mark.parametrize("name", FRAMES)
def test_a_schema_refuses_what_is_missing_or_strange(name: str) -> None:
    # Given
    whole = EXAMPLES[name]
    optional = {"subscribe": {"after"}, "error": {"action", "topic"}}.get(name, set())

    # Then
    assert faults_of({**whole, "pk": "acme#0"})
    for member in whole.keys() - optional:
        assert faults_of({key: value for key, value in whole.items() if key != member}), member
    for member in whole:
        assert faults_of({**whole, member: None}), member


@pytest.mark.parametrize("name", CLIENT_FRAMES)
def test_an_example_of_a_clients_frame_is_read(name: str) -> None:
    assert read_frame(json.dumps(EXAMPLES[name]), False).action == name


values = st.none() | st.integers() | st.text() | st.just([]) | st.booleans()


@given(
    frame=st.fixed_dictionaries(
        {},
        optional={
            "action": st.sampled_from([*CLIENT_FRAMES]) | values,
            "topic": topics | values,
            "after": cursors.map(lambda number: f"{number:020}") | values,
            "token": st.text(max_size=9) | values,
            "other": values,
        },
    )
)
@example({"action": "ping"})
@example({"action": "subscribe", "topic": "items"})
@example({"action": "subscribe", "topic": "items", "after": "00000000000000000001"})
@example({"action": "unsubscribe", "topic": "items"})
@example({"action": "authenticate", "token": "x"})
def test_a_clients_frame_is_read_exactly_if_its_schema_allows_it(frame: dict[str, Any]) -> None:
    try:
        read_frame(json.dumps(frame), False)
    except FrameRefused:
        assert faults_of(frame)
    else:
        assert faults_of(frame) == []


@given(topic=topics, cursor=cursors, others=st.lists(topics, unique=True))
def test_what_the_server_says_is_as_its_schema_says(
    topic: str, cursor: int, others: list[str]
) -> None:
    for frame in (
        server_frames.subscribed(topic, cursor),
        server_frames.unsubscribed(topic),
        server_frames.reset(topic, cursor),
        server_frames.pong(),
        server_frames.authenticated(cursor % 10**10, others),
    ):
        validated(frame)


@pytest.mark.parametrize("code", CloseCode)
def test_each_close_code_is_in_the_schema(code: CloseCode) -> None:
    assert validated(server_frames.closing(code))["code"] == code


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.slug or problem.status)
def test_each_problem_makes_an_error_frame(problem: Problem) -> None:
    frame = validated(server_frames.error(problem, instance="urn:uuid:1", action="ping"))
    assert frame["problem"]["status"] == problem.status
    assert ("Retry-After" in problem.headers) == ("retry_after" in frame["problem"])


def test_every_problem_is_among_those() -> None:
    assert len(PROBLEMS) == len(problems.__all__)
