"""Write ``events/*.json``; with ``--check``, compare them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.event_schemas.models import EVENTS, Envelope

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parents[2] / "events"


def generated() -> dict[Path, str]:
    """Return the files' contents by path: the envelope's schema, and one for each type's data."""
    models: dict[str, type[BaseModel]] = {"envelope": Envelope, **EVENTS}
    return {FOLDER / f"{name}.json": _schema(name, model) for name, model in models.items()}


def main() -> None:
    """Write the files, or fail if they are not as they would be written."""
    check = "--check" in sys.argv[1:]
    wanted = generated()
    if check and (strangers := set(FOLDER.glob("*.json")) - wanted.keys()):
        sys.exit(f"events/ has schemas of no event: {sorted(path.name for path in strangers)}")
    for path, content in wanted.items():
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        elif not path.exists() or path.read_text() != content:
            sys.exit(f"events/{path.name} is out of date: run `make schemas`")


def _schema(name: str, model: type[BaseModel]) -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:itemstream:schema:{name}:1",
        **model.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
