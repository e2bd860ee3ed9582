"""Which state an alarm has by its last data points, some of which may be missing.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
and the page on alarm evaluation beside it. Imports the standard library only, so that the rules can
be tested without MiniStack.
"""

from collections.abc import Sequence

__all__ = ["ALARM", "EXTRA_PERIODS", "INSUFFICIENT_DATA", "OK", "alarm_state", "breaches"]

ALARM = "ALARM"
OK = "OK"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

# AWS looks further back than the periods it evaluates, and says by how much in an example only.
EXTRA_PERIODS = 2


def breaches(value: float, operator: str, threshold: float) -> bool:
    """Compare a data point with the threshold, by one of PutMetricAlarm's operators."""
    match operator:
        case "GreaterThanThreshold":
            return value > threshold
        case "GreaterThanOrEqualToThreshold":
            return value >= threshold
        case "LessThanThreshold":
            return value < threshold
        case "LessThanOrEqualToThreshold":
            return value <= threshold
    raise ValueError(operator)


def alarm_state(
    points: Sequence[bool | None], *, evaluated: int, to_alarm: int, missing: str, current: str
) -> str:
    """
    Return the state of an alarm.

    Parameters
    ----------
    points
        Whether each data point of the evaluation range breaches, the newest last; None: missing.
    evaluated
        ``EvaluationPeriods``: how many data points count.
    to_alarm
        ``DatapointsToAlarm``: how many of these must breach.
    missing
        ``TreatMissingData``: missing, ignore, breaching or notBreaching.
    current
        The state that the alarm has.
    """
    existing = [point for point in points if point is not None][-evaluated:]
    breaching = sum(existing)
    if breaching >= to_alarm:
        return ALARM
    lacking = evaluated - len(existing)
    if not lacking:
        return OK
    if missing == "breaching":
        return ALARM if breaching + lacking >= to_alarm else OK
    if missing == "notBreaching" or not all(existing):
        return OK
    # What there is breaches, and is not enough.
    if missing == "ignore":
        return current
    oldest = len(points) - points.index(True) if existing else 0
    return ALARM if oldest >= to_alarm else INSUFFICIENT_DATA
