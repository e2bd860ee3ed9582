"""From raw records to clean calls, and the reasons why there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from itemstream.calls import NotClean
from itemstream.calls.cleaning import clean
from itemstream.calls.model import CALL_FIELDS, Call, RawCall
from tests.fakes.calls import LANDED_AT, said


def raw(text: str, fault: str | None = None) -> RawCall:
    return RawCall("acme", "f" * 32, 7, text, LANDED_AT, fault)


def cleaned(**changes: Any) -> Call:
    return clean(raw(json.dumps(said(**changes))))


def test_a_good_record_becomes_a_call() -> None:
    call = cleaned(path="/orders/7/lines/12?page=2")
    assert call.document == {
        "call_id": "c-1",
        "client_id": "client-7",
        "occurred_at": "2026-11-21T05:59:59.123Z",
        "method": "GET",
        "path": "/orders/7/lines/12",
        "path_template": "/orders/{id}/lines/{id}",
        "status_code": 200,
        "outcome": "success",
        "duration_ms": 12,
        "latency_class": "instant",
        "bytes_in": 0,
        "bytes_out": 512,
        "ip_network": "203.0.113.0/24",
        "user_agent": "curl/8.15.0",
        "agent_family": "curl",
        "day": "2026-11-21",
        "hour": "2026-11-21T05",
        "ingested_at": LANDED_AT,
    }
    assert set(call.document) == set(CALL_FIELDS)
    assert (call.tenant, call.id, call.origin) == ("acme", "c-1", "f" * 32 + "#0000000007")


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"call_id": "  c-1\t"}, "call_id", "c-1"),
        ({"method": " get "}, "method", "GET"),
        ({"status_code": "404"}, "status_code", 404),
        ({"status_code": 200.0}, "status_code", 200),
        ({"duration_ms": "12.6"}, "duration_ms", 13),
        ({"duration_ms": 0.2}, "duration_ms", 0),
        ({"bytes_in": "-"}, "bytes_in", None),
        ({"bytes_out": None}, "bytes_out", None),
        ({"ip": ""}, "ip_network", None),
        ({"ip": "198.51.100.7:443"}, "ip_network", "198.51.100.0/24"),
        ({"ip": "2001:db8:1:2::3"}, "ip_network", "2001:db8:1::/48"),
        ({"ip": "[2001:db8:1:2::3]:443"}, "ip_network", "2001:db8:1::/48"),
        ({"ip": "::ffff:192.0.2.9"}, "ip_network", "192.0.2.0/24"),
        ({"ip": "fe80::1%eth0"}, "ip_network", "fe80::/48"),
        ({"user_agent": "  a\n  b\x00 "}, "user_agent", "a b"),
        ({"user_agent": "\x00"}, "user_agent", None),
        ({"user_agent": "x" * 300}, "user_agent", "x" * 256),
        ({"path": "https://api.example.com/items/7?token=secret#x"}, "path", "/items/7"),
        ({"path": "/items#x?y"}, "path", "/items"),
        ({"path": "/\ud800"}, "path", "/?"),
        ({"unknown": "field"}, "call_id", "c-1"),
    ],
    ids=str,
)
def test_what_can_be_cleaned_is_cleaned(changes: Any, field: str, value: Any) -> None:
    assert cleaned(**changes).document[field] == value


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-21T05:59:59.123Z",
        "2026-11-21T06:59:59.123456+01:00",
        "2026-11-21 05:59:59.123",
        " 2026-11-21T05:59:59.123 ",
        1795240799.123,
        "1795240799.123",
        1795240799123,
        "1795240799123",
    ],
)
def test_a_moment_may_be_written_in_many_ways(moment: Any) -> None:
    assert cleaned(occurred_at=moment).document["occurred_at"] == "2026-11-21T05:59:59.123Z"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"call_id": None}, "call_id is missing"),
        ({"call_id": " - "}, "call_id is missing"),
        ({"call_id": 7}, "call_id is not 1 to 128"),
        ({"call_id": "a b"}, "call_id is not 1 to 128"),
        ({"call_id": "a#b"}, "call_id is not 1 to 128"),
        ({"call_id": "x" * 129}, "call_id is not 1 to 128"),
        ({"client_id": "a/b"}, "client_id is not 1 to 128"),
        ({"occurred_at": "yesterday"}, "occurred_at is neither"),
        ({"occurred_at": True}, "occurred_at is not a moment"),
        ({"occurred_at": [1]}, "occurred_at is neither"),
        ({"occurred_at": 10**30}, "occurred_at is neither"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at is neither"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "before 2000"),
        ({"occurred_at": "2026-11-22T06:00:01Z"}, "more than a day after"),
        ({"method": "FETCH"}, "method is not a method"),
        ({"method": 1}, "method is not a method"),
        ({"path": "items"}, "path does not begin"),
        ({"path": "http://[x/"}, "path does not begin"),
        ({"path": "/a\x00b"}, "path is not a path"),
        ({"path": ["/"]}, "path is not a path"),
        ({"path": "/" + "x" * 2048}, "path is longer"),
        ({"path": "/" + "ü" * 1500}, "path is longer"),
        ({"status_code": 99}, "status_code is not between"),
        ({"status_code": 600}, "status_code is not between"),
        ({"status_code": 200.5}, "status_code is not a whole"),
        ({"status_code": "2e2"}, "status_code is not a number"),
        ({"status_code": True}, "status_code is not a number"),
        ({"duration_ms": -1}, "duration_ms is not between"),
        ({"duration_ms": 86_400_001}, "duration_ms is not between"),
        ({"duration_ms": "١٢"}, "duration_ms is not a number"),
        ({"bytes_in": -1}, "bytes_in is not between"),
        ({"bytes_out": 10**40}, "bytes_out is not between"),
        ({"ip": "999.1.1.1"}, "ip is not an IP"),
        ({"ip": 7}, "ip is not an IP"),
        ({"user_agent": ["curl"]}, "user_agent is not text"),
        ({"status_code": "x", "ip": "x"}, "status_code is not a number; ip is not an IP address"),
    ],
    ids=str,
)
def test_what_cannot_be_cleaned_says_why(changes: Any, reason: str) -> None:
    with pytest.raises(NotClean, match=reason):
        cleaned(**changes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "is not JSON"),
        ('{"call_id": "c-1"', "is not JSON"),
        ('{"duration_ms": NaN}', "is not JSON"),
        ('{"duration_ms": %s}' % ("9" * 5000), "is not JSON"),
        ("[" * 50_000, "nested too deeply"),
        ("[]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("", "is not JSON"),
    ],
)
def test_what_is_no_object_says_so(text: str, reason: str) -> None:
    with pytest.raises(NotClean, match=reason):
        clean(raw(text))


def test_a_fault_found_in_the_file_is_the_reason() -> None:
    with pytest.raises(NotClean, match=r"^is not UTF-8 text$"):
        clean(raw(json.dumps(said()), fault="is not UTF-8 text"))


def test_a_reason_quotes_nothing_of_the_record() -> None:
    with pytest.raises(NotClean) as caught:
        cleaned(path="secret", ip="secret", call_id="sec ret", method="secret", bytes_in="secret")
    assert "secret" not in str(caught.value)


def test_the_same_said_in_another_way_has_the_same_hash() -> None:
    first = cleaned()
    for other in (
        cleaned(method="get", status_code="200", duration_ms=12.3),
        cleaned(occurred_at=1795240799123),
        cleaned(ip="203.0.113.200"),
        cleaned(more="than is read"),
    ):
        assert other.content_hash == first.content_hash
    for other in (cleaned(status_code=201), cleaned(path="/items/8"), cleaned(bytes_in=None)):
        assert other.content_hash != first.content_hash


def test_the_address_is_nowhere_in_what_is_kept() -> None:
    assert "203.0.113.9" not in repr(cleaned())
