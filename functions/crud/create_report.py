"""POST /reports: have the report of a week made."""

from datetime import UTC, datetime

import uuid_utils  # noqa: F401 - loaded at init, not by the first call

from itemstream.api.rest import Call, Response, rest_handler
from itemstream.api.validation import validated
from itemstream.rate_limits.http import tenant_rate_limit
from itemstream.reports.content import ReportContent
from itemstream.reports.dynamodb import DynamoReports
from itemstream.reports.model import ReportRequest
from itemstream.reports.problems import report_problem
from itemstream.reports.weeks import Week

reports = DynamoReports.from_environment()


@rest_handler(scope="reports:write", problems=[report_problem], rate_limit=tenant_rate_limit())
def handler(call: Call) -> Response:
    """Keep that it was asked for; its making begins with that."""
    principal, now = call.principal, datetime.now(UTC)
    asked = validated(ReportContent, call.request).week
    week = Week.of(now).before if asked is None else Week.parse(asked)
    report = reports.request(
        ReportRequest.new(principal.tenant, week, now=now, requested_by=principal.subject)
    )
    # Relative to the request's own address, so that it holds behind any stage or domain name.
    return Response(202, report.document(), {"Location": f"reports/{week}"})
