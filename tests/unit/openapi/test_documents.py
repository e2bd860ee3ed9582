"""The OpenAPI document and the gateway's models say what the functions do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator
from openapi_spec_validator import validate

from tests.fakes.content import content
from tools.openapi.document import openapi_document
from tools.project import ROOT

CATALOGUE = yaml.safe_load((ROOT / "functions.yaml").read_text())
OPENAPI = json.loads((ROOT / "openapi" / "openapi.json").read_text())
GATEWAY = json.loads((ROOT / "openapi" / "gateway.json").read_text())
ROUTES = {
    f"{route['method']} {route['path']}": route["scope"]
    for function in CATALOGUE["functions"].values()
    for route in function.get("routes", [])
    if route.get("api", "rest") == "rest"
}
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in OPENAPI["paths"].items()
    for method, operation in operations.items()
}


def test_the_committed_documents_are_the_generated_ones() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "tools.openapi", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_the_document_is_openapi() -> None:
    validate(OPENAPI)


def test_routes_and_scopes_are_the_catalogues() -> None:
    described = {
        route: (operation.get("security") or [{"token": [None]}])[0]["token"][0]
        for route, operation in OPERATIONS.items()
    }
    assert described == ROUTES
    assert GATEWAY["methods"].keys() == ROUTES.keys()


def test_a_route_that_nobody_described_is_said() -> None:
    route = {"method": "GET", "path": "/new", "scope": None}
    functions = {**CATALOGUE["functions"], "get_new": {"routes": [route]}}
    with pytest.raises(ValueError, match="GET /new"):
        openapi_document({**CATALOGUE, "functions": functions})


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


def test_every_operation_describes_its_problems() -> None:
    for operation in OPERATIONS.values():
        problems = {code for code in operation["responses"] if code.startswith(("4", "500"))}
        assert "429" in problems
        assert {"401", "403"} <= problems or "security" not in operation
        for code in problems:
            assert "application/problem+json" in operation["responses"][code]["content"]


def test_the_gateways_models_are_json_schema_draft_4() -> None:
    assert GATEWAY["models"]
    for model in GATEWAY["models"].values():
        Draft4Validator.check_schema(model)
        assert model["$schema"] == "http://json-schema.org/draft-04/schema#"


@pytest.mark.parametrize(
    "body",
    [
        content(),
        {"name": "a"},
        {"name": "a", "price": None},
        # Types and lengths are the function's, which names the field in its problem.
        {"name": 7},
        {"name": "", "tags": "oak"},
    ],
    ids=str,
)
def test_the_gateway_lets_these_bodies_through(body: Any) -> None:
    assert Draft4Validator(GATEWAY["models"]["ItemContent"]).is_valid(body)


@pytest.mark.parametrize(
    "body",
    [None, [], "a", 1, {}, {"nom": "a"}, {"name": "a", "colour": "red"}]
    + [{"name": "a", "price": price} for price in ({}, {"amount": 1}, {"tax": 1})],
    ids=str,
)
def test_the_gateway_refuses_these_bodies(body: Any) -> None:
    assert not Draft4Validator(GATEWAY["models"]["ItemContent"]).is_valid(body)
