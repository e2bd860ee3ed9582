"""Frames of the WebSocket API against the JSON Schemas that are committed in asyncapi/."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tests.event_contract import assert_valid_event
from tools.project import ROOT

SCHEMAS = ROOT / "asyncapi" / "frames"
PAGE = ROOT / "docs" / "realtime.md"


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def faults_of(frame: dict[str, Any]) -> list[str]:
    """Return what is wrong with a frame, of a client or of the server."""
    # What the server sends has a type; an error tells also which action it is about.
    name = frame.get("type") or frame.get("action")
    if not isinstance(name, str) or not (SCHEMAS / f"{name}.json").exists():
        return [f"{name} is no frame"]
    return [
        f"{'/'.join(map(str, error.path))}: {error.message}"
        for error in validator(name).iter_errors(frame)
    ]


def validated(text: str | bytes) -> dict[str, Any]:
    """Read a frame, in either direction, and check that it is as the committed schemas say."""
    frame: dict[str, Any] = json.loads(text)
    faults = faults_of(frame)
    assert faults == [], f"{frame}\n" + "\n".join(faults)
    for event in frame.get("events", []):
        assert_valid_event(event)
    if frame.get("events"):
        assert frame["cursor"] == frame["events"][-1]["sequence"]
    return frame


def conversation() -> list[tuple[str, str]]:
    """Return the frames of the documentation's conversation: who sends each, ``→`` or ``←``."""
    blocks = re.findall(r"^```frames\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    # Lines that are indented go on with the frame before.
    frame = re.compile(r"^([→←]) (.*?)(?=^[→←]|\Z)", re.DOTALL | re.MULTILINE)
    return [(sender, text) for block in blocks for sender, text in frame.findall(block)]
