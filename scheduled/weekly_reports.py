"""Monday mornings: asks for the report of the week that has ended, for every tenant."""

from itemstream.consumers.schedules import Scheduled, schedule_handler
from itemstream.dead_letters import Refused
from itemstream.observability.metrics import count
from itemstream.reports.dynamodb import DynamoReports
from itemstream.reports.figures_mysql import MySqlWeeks
from itemstream.reports.model import ReportRequest
from itemstream.reports.weeks import Week

weeks = MySqlWeeks.from_environment()
reports = DynamoReports.from_environment()


@schedule_handler
def handler(scheduled: Scheduled) -> dict[str, int]:
    """
    Ask once for each: an attempt or an hour that follows another asks for those that are left.

    An operator may name the ``tenants`` to ask for.
    """
    week = Week.of(scheduled.time).before
    wanted = scheduled.input.get("tenants")
    if not isinstance(wanted, list | None):
        raise Refused("tenants must be a list of their names")
    # All of them at first: the connection need not wait for DynamoDB.
    tenants = [tenant for tenant in weeks.tenants() if wanted is None or tenant in wanted]
    asked = sum(
        reports.request_once(ReportRequest.new(tenant, week, now=scheduled.time))
        for tenant in tenants
    )
    count("ReportsScheduled", asked)
    return {"tenants": len(tenants), "asked": asked}
