"""What docs/realtime.md says of frames, limits, capacity and cost is so."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from itemstream.realtime import limits
from itemstream.realtime.deliveries import (
    BROADCAST_PATIENCE_SECONDS,
    BYTES_OF_A_PASS,
    POSTS_AT_ONCE,
    SUBSCRIBERS_OF_A_SMALL_TOPIC,
)
from itemstream.realtime.frames import CLIENT_FRAMES
from itemstream.realtime.gateway import PATIENCE_SECONDS
from itemstream.realtime.messages import SECONDS_TO_A_LEFT_REPLAY
from itemstream.realtime.queues_sqs import LONGEST_DELAY_SECONDS
from itemstream.realtime.replays import ATTEMPTS_AT_A_CLIENT
from itemstream.realtime.server_frames import CloseCode
from itemstream.realtime.topics import Topic
from tests.frame_contract import PAGE, conversation, validated
from tools.asyncapi.models import FRAMES, SERVER_FRAMES
from tools.catalogue import catalogue
from tools.project import ROOT

TEXT = PAGE.read_text()
PROSE = " ".join(TEXT.split())
TRANSCRIPT = conversation()
CLIENTS = [1_000, 10_000, 100_000, 1_000_000]
PING_SECONDS = 270
MONTH_HOURS = 730


def rows(first: str) -> list[list[str]]:
    """Return the rows of the table whose first heading is this."""
    found = re.search(rf"^\| {re.escape(first)} \|.*\n\| ---.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert found, first
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]


def number(text: str) -> float:
    return float(Fraction(re.sub(r"[, s]", "", text)))


def numbers(text: str) -> list[float]:
    return [number(digits) for digits in re.findall(r"\d[\d,]{2,}", text)]


def named(first: str) -> set[str]:
    return {name for row in rows(first) for name in re.findall(r"`([a-z]+)`", row[0])}


@pytest.mark.parametrize(("sender", "frame"), TRANSCRIPT)
def test_a_frame_of_the_conversation_is_one(sender: str, frame: str) -> None:
    document = validated(frame)
    assert ("type" in document) == (sender == "←")


def test_the_conversation_shows_every_frame() -> None:
    shown = [json.loads(frame) for _, frame in TRANSCRIPT]
    assert {frame.get("type") or frame["action"] for frame in shown} == FRAMES.keys()


def test_every_frame_is_explained() -> None:
    assert CLIENT_FRAMES.keys() <= named("client")
    assert SERVER_FRAMES.keys() <= named("server")


def test_every_close_code_is_explained() -> None:
    assert {int(row[0]) for row in rows("`code`")} == set(CloseCode)


def test_the_topics_and_their_scopes_are_those_of_the_code() -> None:
    item = "01a1fd0d-0f71-747f-8457-26ecebd91c18"
    for topic, _, scope in rows("topic"):
        assert Topic.parse(topic.strip("`").replace("<id>", item)).scope == scope.strip("`")


def test_the_limits_are_those_of_the_code() -> None:
    for limit in (
        f"| topics of a connection | {limits.TOPICS_PER_CONNECTION} |",
        f"| a client's frame | {limits.LARGEST_FRAME_BYTES:,} bytes of UTF-8 |",
        f"| its nesting | {limits.NESTING} arrays and objects |",
        f"| frames a client sends | {limits.MESSAGES_PER_SECOND} in a second |",
        f"| {limits.MOST_VIOLATIONS} within a minute |",
        f"| a frame of the server | {limits.LARGEST_EVENTS_FRAME_BYTES // 1024} KiB |",
        f"| a connection | {limits.CONNECTION_SECONDS // 3600} hours |",
        f"| a ticket | {limits.TICKET_SECONDS} seconds, once |",
        f"up to {SUBSCRIBERS_OF_A_SMALL_TOPIC:,} subscribers of a topic itself",
        f"up to {BYTES_OF_A_PASS // 1024} KiB of events in a pass",
    ):
        assert limit in PROSE
    assert limits.VIOLATION_SECONDS == 60


def test_the_capacity_follows_from_the_quotas() -> None:
    table = [row for row in rows("clients") if len(row) == 5]
    assert [number(row[0]) for row in table] == CLIENTS
    for clients, begun, back, requests, event in (map(number, row) for row in table):
        connections = limits.CONNECTION_SECONDS
        assert begun == pytest.approx(clients / connections, rel=0.3 if clients == 1000 else 0.02)
        assert back == clients / 500
        assert requests == pytest.approx(clients / 60 + clients / PING_SECONDS, rel=0.02)
        assert event == clients / 10_000


def test_the_concurrency_follows_from_what_is_asked_of_each_function() -> None:
    # Given
    functions = catalogue()["functions"]
    table = {row[0].strip("`"): row[1:] for row in rows("function")}

    # Then
    for name, (asked, takes, needed, given) in table.items():
        seconds = number(takes) / 1000
        assert number(needed) == ceil(round(sum(numbers(asked)) * seconds, 3)), name
        queues = [each["concurrency"] for each in functions[name].get("consumes", [])]
        assert number(given) == (queues or [functions[name]["concurrency"]["reserved"]])[0], name

    # And what comes all the time follows from the number of clients
    million = CLIENTS[-1]
    assert numbers(table["message"][0])[0] == round(million / PING_SECONDS)
    assert numbers(table["connection_closer"][0])[0] == round(million / LONGEST_DELAY_SECONDS)

    # And so does the time that the last one waits to be brought up to date
    _, takes, _, given = table["replayer"]
    a_second = number(given) / (number(takes) / 1000)
    assert f"{given} at a time bring {a_second:.0f} topics a second up to date" in PROSE
    assert f"{100_000 / a_second:.0f} s for 100,000 clients" in PROSE


def test_what_is_tried_is_tried_as_the_page_says() -> None:
    found = re.search(
        r"replays += \{ max_receive_count = (\d+)", (ROOT / "terraform/queues.tf").read_text()
    )
    assert found
    assert f"up to {found[1]} times" in PROSE
    assert f"is closed after {ATTEMPTS_AT_A_CLIENT} attempts" in PROSE
    assert BROADCAST_PATIENCE_SECONDS == 0.5
    assert PATIENCE_SECONDS == 3
    assert "`broadcaster` tries for half a second, `topic_sender` for three" in PROSE
    assert f"more than {POSTS_AT_ONCE} readers" in PROSE
    assert f"to come {SECONDS_TO_A_LEFT_REPLAY} seconds later" in PROSE


def test_every_promise_is_shown() -> None:
    # Given what is promised, but for what says that nothing is
    promises = re.findall(r"^\| (\*\*.*?\*\*) \|", TEXT, re.MULTILINE)
    kept = {promise for promise in promises if promise not in ("**across topics**", "**how late**")}

    # Then tests show it (that there are these tests is seen to with all pages')
    shown = {row[0]: re.findall(r"`[^`]*test_\w+[^`]*`", row[1]) for row in rows("promise")}
    assert kept
    assert kept <= shown.keys()
    assert all(shown.values())


def test_the_costs_follow_from_the_prices() -> None:
    # Given
    prices = [number(row[1]) / 1e6 for row in rows("per million")]
    message, message_beyond, minute, invocation, gb_second, write, read, request, gb = prices
    table = COSTS
    connections, pings = MONTH_HOURS / 2, MONTH_HOURS * 3600 / PING_SECONDS
    frames = MONTH_HOURS * 60
    call = invocation + 0.020 * 0.5 * gb_second

    assert [row[0] for row in table] == CLIENTS
    for clients, millions, *costs in table:
        # When
        messages = clients * (frames + 2 * pings + 2 * connections)
        expected = [
            min(messages, 1e9) * message + max(messages - 1e9, 0) * message_beyond,
            clients * MONTH_HOURS * 60 * minute,
            clients * ((pings + 14 * connections) * call + frames * 1.769 / 3000 * gb_second),
            clients * (pings + 11 * connections) * write
            + clients * (7 * connections + frames / 13) * read,
            clients * 30 * connections * request,
            clients * frames / 1e6 * gb,
        ]

        # Then
        assert millions == pytest.approx(messages / 1e6, abs=0.6)
        assert costs == pytest.approx([*expected, sum(expected)], abs=0.6)


def _costs() -> list[list[Any]]:
    section = TEXT.partition("\n## Cost\n")[2]
    return [
        [number(cell) for cell in line.strip("| ").split("|")]
        for line in section.splitlines()
        if re.match(r"\| [\d,]+ \|", line)
    ]


COSTS = _costs()
