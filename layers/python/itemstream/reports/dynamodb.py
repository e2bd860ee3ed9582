"""Reports in DynamoDB.

The table: ``pk`` is the tenant, ``sk`` the week, ``2026-W47``. A request writes the whole row anew,
``pending``, under an id of its own; whoever fulfils it may change the row for as long as it holds
that id. So of two requests the later counts, and a week has one job at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.dynamodb.errors import condition_failed, dynamodb_errors
from itemstream.items.model import timestamp
from itemstream.reports.model import STALE_AFTER, Report, ReportNotFound, ReportRequest
from itemstream.reports.repository import ReportPage
from itemstream.reports.weeks import Week

__all__ = ["DynamoReports", "DynamoReportsSettings", "request_of"]

# A year and a month, so that a week can be looked at beside the same one a year before. Files stay
# a little longer than the rows that lead to them.
KEPT = timedelta(days=395)


@dataclass(frozen=True)
class DynamoReportsSettings:
    """Environment of the functions that use the table of reports."""

    reports_table: str


class DynamoReports:
    """Reports on DynamoDB; see :class:`itemstream.reports.repository.ReportRepository`."""

    def __init__(self, client: Any, settings: DynamoReportsSettings) -> None:
        self._client = client
        self._table = settings.reports_table

    @classmethod
    def from_environment(cls) -> DynamoReports:
        """Make the repository that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(DynamoReportsSettings))

    def request(self, request: ReportRequest) -> Report:
        """Write the row unless one is pending, and has not been for too long."""
        stale = datetime.fromisoformat(request.requested_at) - STALE_AFTER
        existing = self._put(request, "#status <> :pending OR requested_at < :before", stale)
        return existing or Report(request, "pending")

    def request_once(self, request: ReportRequest) -> bool:
        """Write the row unless there is one from after the week's end."""
        existing = self._put(request, "requested_at < :before", request.week.ends_at)
        return existing is None or existing.request.id == request.id

    def get(self, tenant: str, week: Week) -> Report:
        """Read one report, consistently, by its key."""
        with dynamodb_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=_key(tenant, str(week)), ConsistentRead=True
            )
        if "Item" not in answer:
            raise ReportNotFound(str(week))
        return _report(answer["Item"])

    def ready(
        self, request: ReportRequest, *, generated_at: datetime, changes: int, calls: int
    ) -> bool:
        """Settle the row if it is still this request's."""
        return self._settle(
            request,
            {
                "status": "ready",
                "generated_at": timestamp(generated_at),
                "changes": changes,
                "calls": calls,
                "reason": None,
            },
        )

    def fail(self, request: ReportRequest, reason: str) -> bool:
        """Settle the row if it is still this request's."""
        return self._settle(request, {"status": "failed", "reason": reason})

    def page(self, tenant: str, *, limit: int, before: str | None = None) -> ReportPage:
        """Query the tenant's partition, consistently, from the newest week on."""
        condition, values = "pk = :tenant", {":tenant": {"S": tenant}}
        if before is not None:
            condition += " AND sk < :before"
            values[":before"] = {"S": before}
        rows: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            with dynamodb_errors():
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ScanIndexForward=False,
                    ConsistentRead=True,
                    Limit=limit + 1 - len(rows),
                    **start,
                )
            rows += answer["Items"]
            if len(rows) > limit or "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        reports = [_report(row) for row in rows[:limit]]
        more = len(rows) > limit
        return ReportPage(reports, str(reports[-1].request.week) if more else None)

    def _put(self, request: ReportRequest, condition: str, before: datetime) -> Report | None:
        """Write a pending row; return the one that stands in its way, if there is one."""
        pending = {":pending": {"S": "pending"}} if ":pending" in condition else {}
        names = {"#status": "status"} if pending else {}
        try:
            with dynamodb_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(_row(request)),
                    ConditionExpression=f"attribute_not_exists(pk) OR {condition}",
                    ExpressionAttributeValues={":before": {"S": timestamp(before)}, **pending},
                    **({"ExpressionAttributeNames": names} if names else {}),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if not condition_failed(error):
                raise
            response: dict[str, Any] = dict(error.response)
            return _report(response["Item"])
        return None

    def _settle(self, request: ReportRequest, changes: dict[str, Any]) -> bool:
        """Change the row if this request is its latest, and is not fulfilled."""
        values = {f":{name}": value for name, value in to_item(changes).items()}
        try:
            with dynamodb_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(request.tenant, str(request.week)),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
                    ConditionExpression="#request = :request AND #status <> :settled",
                    ExpressionAttributeNames={
                        **{f"#{name}": name for name in changes},
                        "#request": "request",
                    },
                    ExpressionAttributeValues={
                        **values,
                        ":request": {"S": request.id},
                        ":settled": {"S": "ready"},
                    },
                )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def request_of(row: dict[str, Any]) -> ReportRequest:
    """
    Return the request that a row holds, given as JSON values.

    Raises
    ------
    KeyError, NoSuchWeek, TypeError
        If it is no row of reports.
    """
    return ReportRequest(
        str(row["pk"]),
        Week.parse(row["sk"]),
        str(row["request"]),
        str(row["requested_at"]),
        row["requested_by"],
    )


def _row(request: ReportRequest) -> dict[str, Any]:
    return {
        "pk": request.tenant,
        "sk": str(request.week),
        "status": "pending",
        "request": request.id,
        "requested_at": request.requested_at,
        "requested_by": request.requested_by,
        "expires_at": int((datetime.fromisoformat(request.requested_at) + KEPT).timestamp()),
    }


def _report(item: dict[str, Any]) -> Report:
    row = from_item(item)
    return Report(
        request_of(row),
        row["status"],
        row.get("generated_at"),
        row.get("reason"),
        row.get("changes"),
        row.get("calls"),
    )


def _key(tenant: str, week: str) -> dict[str, Any]:
    return {"pk": {"S": tenant}, "sk": {"S": week}}
