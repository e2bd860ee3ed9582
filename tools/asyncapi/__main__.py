"""Write ``asyncapi/``; with ``--check``, compare it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.asyncapi.document import asyncapi_document
from tools.asyncapi.models import FRAMES

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parents[2] / "asyncapi"


def generated() -> dict[Path, str]:
    """Return the files' contents by path: the document, and a JSON Schema for each frame."""
    return {
        FOLDER / "asyncapi.json": _text(asyncapi_document()),
        **{FOLDER / "frames" / f"{name}.json": _schema(name, FRAMES[name]) for name in FRAMES},
    }


def main() -> None:
    """Write the files, or fail if they are not as they would be written."""
    check = "--check" in sys.argv[1:]
    wanted = generated()
    if check and (strangers := set(FOLDER.rglob("*.json")) - wanted.keys()):
        sys.exit(f"asyncapi/ has schemas of no frame: {sorted(path.name for path in strangers)}")
    for path, content in wanted.items():
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        elif not path.exists() or path.read_text() != content:
            sys.exit(f"asyncapi/{path.relative_to(FOLDER)} is out of date: run `make asyncapi`")


def _schema(name: str, model: type[BaseModel]) -> str:
    return _text(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:itemstream:frame:{name}:1",
            **model.model_json_schema(),
        }
    )


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
