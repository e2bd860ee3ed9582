"""Many changes at once, made by MySQL itself, and what a report of them takes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from itemstream.reports.s3 import PART_BYTES
from tests.mariadb import PASSWORD
from tools.project import ROOT

if TYPE_CHECKING:
    from tests.mariadb import MariaDbServer


def insert_changes(server: MariaDbServer, tenant: str, number: int) -> None:
    """Insert changes of one week, each of an item of its own, and those items."""
    with server.as_root() as cursor:
        cursor.execute(
            f"""
            INSERT INTO item_changes
            SELECT %(tenant)s, CONCAT('01a1fc6a-9e31-71b5-8082-', LPAD(seq, 12, '0'), ':1'),
              CONCAT('01a1fc6a-9e31-71b5-8082-', LPAD(seq, 12, '0')), 'item.created', 1,
              '2026-11-16' + INTERVAL (seq %% 604800) SECOND, CONCAT('category ', seq %% 997),
              'active', 'EUR', seq, 2
            FROM seq_1_to_{number}
            """,  # noqa: S608
            {"tenant": tenant},
        )
        cursor.execute(
            """
            INSERT INTO items_current
            SELECT tenant, item_id, 2, 2, FALSE, 1, category, status, currency, price_amount,
              quantity, 0, occurred_at, occurred_at
            FROM item_changes WHERE tenant = %s
            """,
            (tenant,),
        )


def report_of(
    server: MariaDbServer, tenant: str, *, part_bytes: int = PART_BYTES
) -> dict[str, Any]:
    """Make a tenant's report in a process of its own; see ``making``."""
    made = subprocess.run(
        [
            *(sys.executable, "-m", "tests.integration.reports.making"),
            *(str(server.port), PASSWORD, tenant, str(part_bytes)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return dict(json.loads(made.stdout))
