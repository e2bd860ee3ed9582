"""States of alarms, by the examples in CloudWatch's documentation.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import pytest

from tools.local_aws.alarm_states import alarm_state, breaches

POINTS = {"X": True, "0": False, "-": None}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
CURRENT = "what it was"

THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "0 - - - -": ("OK", "OK", "OK", "OK"),
    "- - - - -": ("INSUFFICIENT_DATA", CURRENT, "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - - - X": ("INSUFFICIENT_DATA", CURRENT, "ALARM", "OK"),
    "X - - - -": ("ALARM", CURRENT, "ALARM", "OK"),
    "- - X - -": ("ALARM", CURRENT, "ALARM", "OK"),
}
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - - X": ("INSUFFICIENT_DATA", CURRENT, "ALARM", "OK"),
}
ONE_OF_ONE = {
    "X - -": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "X - 0": ("OK", "OK", "OK", "OK"),
    "0 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - -": ("INSUFFICIENT_DATA", CURRENT, "ALARM", "OK"),
}
EXAMPLES = [
    (evaluated, to_alarm, points, treatment, state)
    for evaluated, to_alarm, table in (
        (3, 3, THREE_OF_THREE),
        (3, 2, TWO_OF_THREE),
        (1, 1, ONE_OF_ONE),
    )
    for points, states in table.items()
    for treatment, state in zip(TREATMENTS, states, strict=True)
]


@pytest.mark.parametrize(("evaluated", "to_alarm", "points", "treatment", "state"), EXAMPLES)
def test_a_state_follows_from_the_last_data_points(
    evaluated: int, to_alarm: int, points: str, treatment: str, state: str
) -> None:
    assert state == alarm_state(
        [POINTS[point] for point in points.split()],
        evaluated=evaluated,
        to_alarm=to_alarm,
        missing=treatment,
        current=CURRENT,
    )


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above"),
    [
        ("GreaterThanThreshold", False, False, True),
        ("GreaterThanOrEqualToThreshold", False, True, True),
        ("LessThanThreshold", True, False, False),
        ("LessThanOrEqualToThreshold", True, True, False),
    ],
)
def test_a_data_point_breaches_by_its_operator(
    operator: str, below: bool, equal: bool, above: bool
) -> None:
    assert [breaches(value, operator, 5) for value in (4, 5, 6)] == [below, equal, above]
