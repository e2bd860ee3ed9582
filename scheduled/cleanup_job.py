"""Once a day: removes what is over, and says what that was."""

from typing import Any

from itemstream.cleanup.account_metrics import write_metrics
from itemstream.cleanup.accounts_dynamodb import DynamoAccounts
from itemstream.cleanup.running import clean_up
from itemstream.cleanup.tasks_on_aws import tasks_from_environment
from itemstream.consumers.schedules import Scheduled, schedule_handler
from itemstream.dead_letters import Refused
from itemstream.observability.errors import error_fields
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

tasks = tasks_from_environment()
accounts = DynamoAccounts.from_environment()

# The rest is for the step that is under way when the time is over.
PART_OF_TIME = 0.8


@schedule_handler
def handler(scheduled: Scheduled) -> dict[str, Any]:
    """Clean up; with the input ``{"dry_run": true}`` only say what there is."""
    dry_run = scheduled.input.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise Refused("dry_run is neither true nor false")
    seconds = PART_OF_TIME * scheduled.remaining_seconds()
    run = clean_up(tasks, accounts, seconds=seconds, dry_run=dry_run)
    for name, account in run.tasks.items():
        if account.fault is not None:
            logger.error("task failed", extra={"task": name, **error_fields(account.fault)})
    if not dry_run:
        write_metrics(run.tasks)
        count("CleanupRuns")
        count("CleanupErrors", sum(account.errors for account in run.tasks.values()))
    document = run.document()
    logger.info("cleaned up", extra={"dry_run": dry_run, "tasks": document["tasks"]})
    return {**document, "dry_run": dry_run}
