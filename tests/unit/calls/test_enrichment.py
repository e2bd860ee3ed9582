"""What a call says between the lines."""

from __future__ import annotations

import pytest

from itemstream.calls.enrichment import agent_family, latency_class, outcome, path_template


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/items", "/items"),
        ("/v1/items", "/v1/items"),
        ("/items/7", "/items/{id}"),
        ("/items/7/", "/items/{id}/"),
        ("/items/01a1fc6a-9e31-71b5-8d0e-2f6f3f0c7a11/images", "/items/{id}/images"),
        ("/files/9f86d081884c7d65", "/files/{id}"),
        ("/users/ana%40example.com/orders/order-1234", "/users/{id}/orders/{id}"),
        ("/events/01JD9Z6N8W3QK5T7V9X1Y3Z5A7", "/events/{id}"),
        ("/static/feedback", "/static/feedback"),
        ("/documentation/internationalization", "/documentation/internationalization"),
    ],
)
def test_a_path_without_what_names_one_thing(path: str, template: str) -> None:
    assert path_template(path) == template


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (100, "informational"),
        (204, "success"),
        (304, "redirection"),
        (404, "client_error"),
        (599, "server_error"),
    ],
)
def test_an_outcome_is_the_first_digit(status: int, expected: str) -> None:
    assert outcome(status) == expected


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (0, "instant"),
        (99, "instant"),
        (100, "fast"),
        (300, "noticeable"),
        (1000, "slow"),
        (10_000, "stuck"),
    ],
)
def test_a_latency_has_a_class(duration: int, expected: str) -> None:
    assert latency_class(duration) == expected


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        (None, "unknown"),
        ("curl/8.15.0", "curl"),
        ("Boto3/1.42 md/Botocore#1.42", "aws-sdk"),
        ("python-requests/2.32.5", "python-requests"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "firefox"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0.0.0 Safari/537.36", "chrome"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0.0.0 Safari/537.36 Edg/142.0", "edge"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0.0.0 Safari/537.36 OPR/120", "opera"),
        ("Mozilla/5.0 (Macintosh) Version/18.5 Safari/605.1.15", "safari"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"),
        ("our own client", "other"),
    ],
)
def test_a_user_agent_has_a_family(user_agent: str | None, family: str) -> None:
    assert agent_family(user_agent) == family
