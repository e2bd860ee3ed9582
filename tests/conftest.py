"""What every test process starts with: an environment that reaches no real AWS."""

from __future__ import annotations

import os

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "itemstream")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Itemstream")
