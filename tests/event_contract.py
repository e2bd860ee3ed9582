"""Events against the JSON Schemas that are committed in events/."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tools.project import ROOT

SCHEMAS = ROOT / "events"


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def faults_of(document: dict[str, Any]) -> list[str]:
    """Return what is wrong with a CloudEvent: its envelope, and its data by its type's schema."""
    faults = [error.message for error in validator("envelope").iter_errors(document)]
    if not faults and "data" in document:
        schema = validator(document["type"])
        if document["dataschema"] != schema.schema["$id"]:
            faults.append(f"{document['dataschema']} is not the schema of {document['type']}")
        faults += [
            f"{'/'.join(map(str, error.path))}: {error.message}"
            for error in schema.iter_errors(document["data"])
        ]
    return faults


def assert_valid_event(document: dict[str, Any]) -> None:
    """Check that a document is an event as the committed schemas say."""
    faults = faults_of(document)
    assert faults == [], f"{document}\n" + "\n".join(faults)
