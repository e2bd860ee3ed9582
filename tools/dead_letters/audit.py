"""Who changed what by command, and when: JSON lines in CloudWatch Logs.

A log group of the environment's own, so that whoever may change something need not be who may
delete the traces of it; what is written there is written before anything is touched, and again at
the end. Each kind of change has a stream: dead letters that were sent back or discarded; releases.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.dead_letters.accounts import Account

__all__ = ["DEAD_LETTERS", "RELEASES", "AuditEntry", "audited", "entries_since", "group_name"]

DEAD_LETTERS = "dead-letters"
RELEASES = "releases"
_RETENTION_DAYS = 400


def group_name(account: Account) -> str:
    """Return the log group of an environment's audit."""
    return f"/itemstream/{account.environment}/audit"


@dataclass
class AuditEntry:
    """One run, written when it begins and when it ends under one id."""

    account: Account
    what: dict[str, Any]
    stream: str = DEAD_LETTERS
    run: str = field(default_factory=lambda: str(uuid4()))

    def write(self, phase: str, **more: Any) -> None:
        """
        Write a line.

        Raises
        ------
        Problem
            If it could not be written.
        """
        now = dt.datetime.now(dt.UTC)
        line = {
            "run": self.run,
            "phase": phase,
            "at": now.isoformat(timespec="milliseconds"),
            **self.what,
            **more,
        }
        logs = self.account.client("logs")
        try:
            logs.put_log_events(
                logGroupName=group_name(self.account),
                logStreamName=self.stream,
                logEvents=[{"timestamp": int(now.timestamp() * 1000), "message": json.dumps(line)}],
            )
        except logs.exceptions.ClientError as error:
            raise Problem(
                f"The audit could not be written to {group_name(self.account)} ({error}). Ask for "
                "logs:CreateLogGroup, CreateLogStream, PutLogEvents and PutRetentionPolicy on it."
            ) from None


def audited(
    account: Account,
    report: Callable[[str], None],
    action: str,
    *,
    stream: str = DEAD_LETTERS,
    **what: Any,
) -> AuditEntry:
    """Begin the audit of a run; makes the log group if Terraform has not."""
    _ensure_group(account, report, stream)
    who = {"who": account.caller(), "user": getpass.getuser()}
    entry = AuditEntry(account, {"action": action, **who, **what}, stream)
    entry.write("begins")
    return entry


def entries_since(
    account: Account, begin: dt.datetime, stream: str = DEAD_LETTERS
) -> Iterator[dict[str, Any]]:
    """Yield the lines written to a stream since a time, oldest first."""
    logs = account.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group_name(account),
        logStreamNames=[stream],
        startTime=int(begin.timestamp() * 1000),
    )
    try:
        for page in pages:
            for event in page["events"]:
                yield json.loads(event["message"])
    except logs.exceptions.ResourceNotFoundException:
        return


def _ensure_group(account: Account, report: Callable[[str], None], stream: str) -> None:
    logs, group = account.client("logs"), group_name(account)
    try:
        try:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except logs.exceptions.ResourceNotFoundException:
            logs.create_log_group(logGroupName=group)
            logs.put_retention_policy(logGroupName=group, retentionInDays=_RETENTION_DAYS)
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            report(f"Made the log group {group}, which keeps the audit for {_RETENTION_DAYS} days.")
    except logs.exceptions.ResourceAlreadyExistsException:
        return
    except logs.exceptions.ClientError as error:
        raise Problem(f"There is no place for the audit, {group}: {error}") from None
