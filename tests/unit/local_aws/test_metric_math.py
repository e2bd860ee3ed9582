"""Metric math: what our alarms' expressions come to."""

from __future__ import annotations

import re

import pytest

from tools.local_aws.metric_math import UnsupportedExpressionError, evaluate
from tools.project import ROOT

RATE = "IF(invocations > 0, 100 * errors / invocations, 0)"


@pytest.mark.parametrize(
    ("expression", "terms", "value"),
    [
        (RATE, {"invocations": 200.0, "errors": 3.0}, 1.5),
        (RATE, {"invocations": 0.0, "errors": 3.0}, 0),
        (RATE, {"invocations": None, "errors": 3.0}, None),
        (RATE, {"invocations": 5.0, "errors": None}, None),
        ("100 * FILL(errors, 0) / calls", {"errors": None, "calls": 4.0}, 0),
        ("a / b", {"a": 1.0, "b": 0.0}, None),
        ("-(a - b) * 2 + 1", {"a": 1.0, "b": 3.0}, 5),
        ("IF(a > 1 AND b < 2, 1, 0)", {"a": 2.0, "b": 1.0}, 1),
        ("IF(a > 1 && b < 2, 1, 0)", {"a": 2.0, "b": 5.0}, 0),
        ("IF(a >= 1 || b == 2, 1, 0)", {"a": 0.0, "b": 2.0}, 1),
        ("IF(a <= 1 OR b != 2, 1, 0)", {"a": 2.0, "b": 2.0}, 0),
        ("IF(a > 1 AND b < 2, 1, 0)", {"a": 2.0, "b": None}, None),
        ("SUM([a, b, c])", {"a": 1.0, "b": 2.0, "c": None}, 3),
        ("MAX([a, b]) - MIN([a, b])", {"a": 1.0, "b": 5.0}, 4),
        ("AVG([a, b])", {"a": 1.0, "b": 2.0}, 1.5),
        ("SUM([a])", {"a": None}, None),
    ],
)
def test_an_expression_is_evaluated_period_by_period(
    expression: str, terms: dict[str, float | None], value: float | None
) -> None:
    assert evaluate(expression, terms) == value


@pytest.mark.parametrize(
    "expression", ["ANOMALY_DETECTION_BAND(a)", "b + 1", "a ^ 2", "IF(a,", "a.real", "RATE(a, 1)"]
)
def test_what_is_not_understood_is_said(expression: str) -> None:
    with pytest.raises(UnsupportedExpressionError):
        evaluate(expression, {"a": 1.0})


def test_every_expression_of_our_terraform_is_understood() -> None:
    # Given the expressions as they stand in the modules, with what Terraform fills in as a term
    found = [
        re.sub(r"\$\{[^}]*\}", "filled_in", expression)
        for path in sorted((ROOT / "terraform").rglob("*.tf"))
        for expression in re.findall(r'^ +expression += "(.+)"$', path.read_text(), re.MULTILINE)
    ]
    assert RATE in found

    # When each is evaluated with all its terms
    values = {
        text: evaluate(text, dict.fromkeys(re.findall(r"\b[a-z_]+\b", text), 1.0)) for text in found
    }

    # Then it has a value
    assert None not in values.values()
