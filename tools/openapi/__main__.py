"""Write ``openapi/openapi.json`` and ``openapi/gateway.json``; with ``--check``, compare them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tools.openapi.document import openapi_document
from tools.openapi.gateway import gateway_document

ROOT = Path(__file__).parents[2]


def generated() -> dict[Path, str]:
    """Return the files' contents by path."""
    catalogue = yaml.safe_load((ROOT / "functions.yaml").read_text())
    openapi = openapi_document(catalogue)
    documents: dict[str, dict[str, Any]] = {
        "openapi.json": openapi,
        "gateway.json": gateway_document(openapi),
    }
    return {
        ROOT / "openapi" / name: json.dumps(document, indent=2) + "\n"
        for name, document in documents.items()
    }


def main() -> None:
    """Write the files, or fail if they are not as they would be written."""
    check = "--check" in sys.argv[1:]
    for path, content in generated().items():
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        elif not path.exists() or path.read_text() != content:
            sys.exit(f"{path.relative_to(ROOT)} is out of date: run `make openapi`")


if __name__ == "__main__":
    main()
