"""What reviewers read of a plan: what is created, changed and destroyed, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest

from tools.infrastructure.plan_summary import as_markdown, summarise
from tools.infrastructure.prices import monthly_price

ENDPOINT = {"vpc_endpoint_type": "Interface", "subnet_ids": ["a", "b"]}


def change(
    address: str,
    *actions: str,
    mode: str = "managed",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "address": address,
        "mode": mode,
        "type": address.split(".")[0],
        "change": {"actions": list(actions), "before": before, "after": after},
    }


def test_each_change_is_counted_as_what_it_is() -> None:
    # When
    summary = summarise(
        [
            change("aws_sqs_queue.b", "create"),
            change("aws_sqs_queue.a", "create"),
            change("aws_sqs_queue.c", "update"),
            change("aws_sqs_queue.d", "delete", "create"),
            change("aws_sqs_queue.e", "create", "delete"),
            change("aws_sqs_queue.f", "delete"),
            change("aws_sqs_queue.g", "no-op"),
            change("aws_region.here", "read", mode="data"),
        ]
    )

    # Then
    assert summary.created == ["aws_sqs_queue.a", "aws_sqs_queue.b"]
    assert summary.counts() == "2 created, 1 changed, 2 replaced, 1 destroyed"
    assert not summary.empty


def test_the_costs_are_those_that_come_less_those_that_go() -> None:
    # Given an endpoint that comes, and a secret that goes
    changes = [
        change("aws_vpc_endpoint.this", "create", after=ENDPOINT),
        change("aws_secretsmanager_secret.this", "delete", before={"name": "a"}),
    ]

    # Then
    assert summarise(changes).dollars == pytest.approx(2 * 0.01 * 730 - 0.40)


@pytest.mark.parametrize(
    ("kind", "values", "price"),
    [
        ("aws_dynamodb_table", {}, 0),
        ("aws_db_instance", None, 0),
        (
            "aws_db_instance",
            {"instance_class": "db.t4g.medium", "multi_az": True, "allocated_storage": 20},
            2 * (0.065 * 730 + 20 * 0.115),
        ),
        ("aws_vpc_endpoint", {"vpc_endpoint_type": "Gateway"}, 0),
        (
            "aws_elasticache_replication_group",
            {"node_type": "cache.t4g.small", "num_cache_clusters": 2},
            2 * 0.032 * 730,
        ),
    ],
)
def test_prices_follow_what_is_planned(
    kind: str, values: dict[str, Any] | None, price: float
) -> None:
    assert monthly_price(kind, values) == pytest.approx(price)


def test_every_class_that_an_environment_has_has_a_price() -> None:
    from tools.environments.naming import environments, find_environment
    from tools.infrastructure import prices

    known = {*prices._DATABASES, *prices._CACHES}
    texts = [find_environment(name).values.read_text() for name in environments()]
    chosen = {word for text in texts for word in text.split('"') if word[:3] in {"db.", "cac"}}
    assert chosen
    assert chosen <= known


def test_a_comment_lists_what_is_destroyed_first_and_is_no_longer_than_github_takes() -> None:
    # Given a first deployment, and something that goes
    changes = [
        *(change(f"aws_sqs_queue.this[{n:04}]", "create") for n in range(3000)),
        change("aws_sqs_queue.old", "delete"),
    ]

    # When
    text = as_markdown("prod", summarise(changes), "A note.")

    # Then
    assert text.startswith("### Plan for `prod`: 3000 created, 0 changed, 0 replaced, 1 destroyed")
    assert text.index("1 destroyed</summary>") < text.index("3000 created</summary>")
    assert "A note." in text
    assert "… and 2600 more" in text
    assert len(text) < 65536


def test_an_empty_plan_says_so() -> None:
    assert "Nothing would change." in as_markdown("dev", summarise([]))
