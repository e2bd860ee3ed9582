"""What a report of a million changes takes: memory, which must stay below 512 MB, and time.

On a real MariaDB, in a process of its own that throws the files away, beside a report of ten
thousand changes: memory must not grow with them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import console
from tests.integration.reports.many_changes import insert_changes, report_of
from tests.mariadb import mariadb_server

CHANGES = (10_000, 1_000_000)
LARGEST_MB = 512


def main() -> None:
    """Measure and report."""
    with (
        tempfile.TemporaryDirectory(prefix="mariadb-") as folder,
        mariadb_server(Path(folder)) as server,
    ):
        for number in CHANGES:
            insert_changes(server, f"t{number}", number)
            made = report_of(server, f"t{number}")
            console.print(
                f"Report of {number:,} changes: {made['seconds']} s, {made['megabytes']} MB of "
                f"memory at most, a file of {made['bytes'] / 1e6:,.0f} MB in {made['parts']} parts"
            )
            if made["megabytes"] > LARGEST_MB:
                sys.exit(f"More than {LARGEST_MB} MB for {number} changes.")
