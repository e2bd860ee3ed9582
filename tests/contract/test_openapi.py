"""The committed OpenAPI document against the live API, by Schemathesis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.local_stack import EVERY_SCOPE, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import LocalStack

schema = schemathesis.openapi.from_dict(
    json.loads((ROOT / "openapi" / "openapi.json").read_text()),
    config=schemathesis.Config.from_path(Path(__file__).with_name("schemathesis.toml")),
)


@pytest.fixture(scope="module")
def token(sign: Callable[..., str]) -> str:
    scope = f"{EVERY_SCOPE} reports:read reports:write realtime:connect"
    return sign(tenant="contract", scope=scope)


@schema.parametrize()
# The same calls in every run: some that are chosen at random Schemathesis itself misjudges, such as
# an unknown query parameter without a value, which is not sent. To explore: derandomize=False.
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_fits_the_document(
    case: schemathesis.Case, stack: LocalStack, token: str
) -> None:
    response = case.call(base_url=stack.rest_api_url, headers={"Authorization": f"Bearer {token}"})
    case.validate_response(response)
