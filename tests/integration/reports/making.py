"""A process that makes one report of what is in MySQL, throws it away, and says what it took.

`python -m tests.integration.reports.making PORT PASSWORD TENANT PART_BYTES` prints a JSON object:
the peak of memory in MB, seconds, and the bytes and parts of the file of changes.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

from itemstream.mysql.connection import Database, DatabaseSettings
from itemstream.mysql.passwords import FixedPassword
from itemstream.reports.figures_mysql import ANSWER_SECONDS, MySqlWeeks
from itemstream.reports.generation import Generation
from itemstream.reports.model import Report, ReportRequest
from itemstream.reports.pages import Pages
from itemstream.reports.s3 import S3ReportFiles
from itemstream.reports.weeks import Week
from tools.project import ROOT

WEEK = Week(2026, 47)


class DiscardingClient:
    """An S3 client that takes everything, and counts bytes and parts of the file of changes."""

    def __init__(self) -> None:
        self.bytes = 0
        self.parts = 0

    def create_multipart_upload(self, **_: Any) -> dict[str, str]:
        return {"UploadId": "upload"}

    def upload_part(self, **what: Any) -> dict[str, str]:
        self.bytes += len(what["Body"])
        self.parts += 1
        return {"ETag": "etag"}

    def put_object(self, **what: Any) -> None:
        if what["Key"].endswith(".csv"):
            self.upload_part(**what)

    def complete_multipart_upload(self, **_: Any) -> None: ...


class OneReport:
    """The table of reports, with the one that is asked for."""

    def __init__(self, request: ReportRequest) -> None:
        self.report = Report(request, "pending")
        self.changes = 0

    def get(self, tenant: str, week: Week) -> Report:
        return self.report

    def ready(self, request: ReportRequest, *, changes: int, **_: Any) -> bool:
        self.changes = changes
        return True


def main(port: int, password: str, tenant: str, part_bytes: int) -> None:
    """Make the report."""
    settings = DatabaseSettings("127.0.0.1", port, "itemstream", "itemstream")
    database = Database(settings, password=FixedPassword(password), answer_seconds=ANSWER_SECONDS)
    request = ReportRequest(tenant, WEEK, "request", "2026-11-23T06:00:00.000Z")
    client, reports = DiscardingClient(), OneReport(request)
    generation = Generation(
        weeks=MySqlWeeks(database),
        reports=reports,  # type: ignore[arg-type]
        files=S3ReportFiles(client, "bucket", part_bytes=part_bytes),
        page=Pages(ROOT / "scheduled" / "report_templates").render,
    )
    began = time.perf_counter()
    generation.generate(request)
    taken = time.perf_counter() - began
    said = {"changes": reports.changes, "bytes": client.bytes, "parts": client.parts}
    print(json.dumps({"megabytes": peak_megabytes(), "seconds": round(taken, 2), **said}))


def peak_megabytes() -> float:
    """Return the most memory that this process, and no parent of it, has held at once."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found is not None
        return round(int(found[1]) / 1024, 1)
    # macOS counts in bytes.
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
