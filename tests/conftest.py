"""What every test process starts with: an environment that reaches no real AWS."""

from __future__ import annotations

import os

# Fixtures that speak to the local stack or to a MariaDB, and turns for tests that break it.
pytest_plugins = ["tests.local_stack", "tests.mariadb", "tests.turns"]

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "itemstream")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Itemstream")
