"""Entity tags: what If-Match and If-None-Match name, and what is no list of tags."""

from __future__ import annotations

import pytest

from itemstream.api.etags import MAX_TAGS, MalformedEntityTag, etag_of, matches, versions_of
from itemstream.api.preconditions import has_current, required_versions
from itemstream.api.problems import Problem
from itemstream.api.requests import Request
from tests.fakes.gateway import event

MALFORMED = [
    "",
    " ",
    ",",
    "3",
    '"3',
    '3"',
    "'3'",
    '"1" "2"',
    'w/"3"',
    "W/3",
    '"a\n"',
    '*, "3"',
    '"3"x',
    '"a b"',
    ", ".join('"1"' for _ in range(MAX_TAGS + 1)),
]


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ('"3"', {3}),
        (' "3" ', {3}),
        ('"3","4", "5"', {3, 4, 5}),
        (',"3",, "4" ,', {3, 4}),
        ('W/"3"', set()),
        ('W/"3", "4"', {4}),
        ('"0"', set()),
        ('"03"', set()),
        ('"-3"', set()),
        ('"three"', set()),
        ('""', set()),
        ('"99999999999999999"', set()),
        ('"a,b", "3"', {3}),
        ('"é"', set()),
    ],
)
def test_if_match_names_versions_by_strong_tags(header: str, named: set[int]) -> None:
    assert versions_of(header) == named


@pytest.mark.parametrize("header", ["*", " * "])
def test_a_star_is_every_version(header: str) -> None:
    assert all(version in versions_of(header) for version in (1, 2, 10**9))
    assert matches(header, 7)


def test_as_many_tags_as_dynamodb_compares_with_are_taken() -> None:
    header = ",".join(etag_of(version) for version in range(1, MAX_TAGS + 1))
    assert versions_of(header) == set(range(1, MAX_TAGS + 1))


@pytest.mark.parametrize("header", ['"3"', 'W/"3"', '"2", W/"3"', '"x", "3"'])
def test_if_none_match_compares_weakly(header: str) -> None:
    assert matches(header, 3)
    assert not matches(header, 33)


@pytest.mark.parametrize("header", MALFORMED)
def test_what_is_no_list_of_tags_is_malformed(header: str) -> None:
    with pytest.raises(MalformedEntityTag):
        versions_of(header)
    with pytest.raises(MalformedEntityTag):
        matches(header, 3)


def test_a_write_must_say_what_it_has_seen() -> None:
    with pytest.raises(Problem) as problem:
        required_versions(Request(event()))
    assert problem.value.status == 428
    assert "If-Match" in problem.value.detail


def test_a_malformed_precondition_is_refused_by_its_name() -> None:
    with pytest.raises(Problem) as write:
        required_versions(Request(event(headers={"If-Match": "3"})))
    with pytest.raises(Problem) as read:
        has_current(Request(event(headers={"If-None-Match": "3"})), 3)
    assert [problem.value.errors[0]["field"] for problem in (write, read)] == [
        "If-Match",
        "If-None-Match",
    ]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, False), ({"if-none-match": '"3"'}, True), ({"if-none-match": '"2"'}, False)],
)
def test_a_client_may_have_the_current_version(headers: dict[str, str], expected: bool) -> None:
    assert has_current(Request(event(headers=headers)), 3) is expected
