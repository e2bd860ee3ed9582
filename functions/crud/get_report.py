"""GET /reports/{id}: how a week's report is, and where its files can be read."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from itemstream.api.problems import invalid
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.items.model import timestamp
from itemstream.reports.dynamodb import DynamoReports
from itemstream.reports.model import FORMATS, Report, file_key
from itemstream.reports.problems import report_problem
from itemstream.reports.s3 import S3ReportFiles
from itemstream.reports.weeks import NoSuchWeek, Week

URL_SECONDS = 3600

reports = DynamoReports.from_environment()


@cache
def files() -> S3ReportFiles:
    """Make the store once; whoever only asks about pending reports needs none."""
    return S3ReportFiles.from_environment()


@rest_handler(scope="reports:read", problems=[report_problem])
def handler(call: Call) -> Response:
    """Answer the report, with an address for each of its files once it is ready."""
    try:
        week = Week.parse(call.request.path_text("id"))
    except NoSuchWeek as error:
        raise invalid({"field": "id", "reason": str(error)}) from None
    report = reports.get(call.principal.tenant, week)
    return Response(200, {**report.document(), "files": addresses(report)})


def addresses(report: Report) -> dict[str, Any] | None:
    """Sign an address for each file."""
    if report.status != "ready":
        return None
    request = report.request
    signed: dict[str, Any] = {}
    for form in FORMATS:
        key = file_key(request.tenant, str(request.week), request.id, form)
        signed[form] = files().url(key, seconds=URL_SECONDS)
    expires_at = datetime.now(UTC) + timedelta(seconds=URL_SECONDS)
    return {**signed, "expires_at": timestamp(expires_at)}
