"""A function imports only what it needs: what is dear to import is listed for each."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from tests.fakes.health_environment import HEALTH_ENVIRONMENT
from tests.unit.functions.conftest import ENVIRONMENT
from tests.unit.functions.test_rest_authorizer import ENVIRONMENT as AUTHORIZER_ENVIRONMENT
from tools.project import ROOT

DEAR = {
    "boto3",
    "aws_xray_sdk",
    "requests",
    "pydantic",
    "jwt",
    "redis",
    "itsdangerous",
    "jsonschema",
    "PIL",
    "pyvips",
    "jinja2",
    "aiohttp",
    "pymysql",
}
IMPORTS = {
    "rest_authorizer": {"jwt"},
    "http_authorizer": {"jwt"},
    "websocket_authorizer": {"jwt"},
    "create_item": {"pydantic"},
    "get_item": {"redis"},
    "list_items": {"itsdangerous"},
    "update_item": {"pydantic", "redis"},
    "delete_item": {"redis"},
    "create_report": {"pydantic", "redis"},
    "list_reports": {"itsdangerous"},
    "get_report": set(),
    "weekly_reports": {"pymysql"},
    "report_generator": {"jinja2", "pymysql"},
    "get_health": set(),
    "health_checker": {"aiohttp", "jwt"},
    "network_probe": {"pymysql", "redis"},
    "create_image_upload": {"pydantic", "redis"},
    "get_image": set(),
    "get_documentation": set(),
    "image_processor": {"pyvips", "redis"},
    "image_remover": set(),
    "call_ingestor": set(),
    "data_transformer": set(),
    "change_publisher": set(),
    "event_router": set(),
    "notification_sender": {"boto3", "jinja2"},
    "list_calls": {"itsdangerous"},
    "get_call": set(),
    "create_ticket": {"redis"},
    "connect": set(),
    "disconnect": set(),
    "message": {"pydantic"},
    "broadcaster": {"aiohttp"},
    "topic_sender": {"aiohttp"},
    "replayer": {"aiohttp"},
    "connection_closer": {"aiohttp"},
    "report_projector": {"pymysql"},
    "rebuild_reports": {"pymysql"},
    "migrate": {"pymysql"},
    "rotate_secret": set(),
    "cleanup_job": set(),
}
BUCKETS = ("UPLOADS", "PROCESSED", "LANDING", "REPORTS", "ARCHIVE")
CONSUMERS_ENVIRONMENT = {
    **{
        f"{table}_TABLE": table
        for table in (
            "NOTIFICATION_MARKS",
            "EVENTS",
            "IMAGE_UPLOADS",
            "BRONZE_CALL",
            "SILVER_CALL",
            "REJECTED_CALL",
            "CONNECTIONS",
            "TICKETS",
            "REPORTS",
            "IDEMPOTENCY",
            "CLEANUP",
        )
    },
    **{f"{queue}_QUEUE": queue for queue in ("REPLAYS", "TOPIC_DELIVERIES", "CONNECTION_ENDINGS")},
    "REALTIME_SHARDS": "8",
    "REALTIME_ENDPOINT": "http://127.0.0.1:9/local",
    **{f"{bucket}_BUCKET": bucket for bucket in BUCKETS},
    "EVENTS_BUS": "events",
    "EVENTS_RETENTION_HOURS": "24",
    "CANARY_TENANT": "canary",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:notifications",
    "DEAD_LETTERS_QUEUE": "dead-letters",
    "MAX_RECEIVE_COUNT": "5",
    "TOKEN_SIGNING_SECRET": "token-signing",
    "DATABASE_USER_SECRET": "database",
    "CLEANUP_FUNCTIONS": "itemstream-test-get-item",
    "BRONZE_KEEP_DAYS": "60",
    "OPERATIONS_TENANT": "operations",
    "KEYS_BUCKET": "keys",
    "JWKS_COOLDOWN_SECONDS": "30",
}
FUNCTIONS = yaml.safe_load((ROOT / "functions.yaml").read_text())["functions"]


def imported(module: str) -> set[str]:
    """Import a module in a fresh interpreter and return what dear packages came with it."""
    program = f"import sys, json; import {module}; print(json.dumps(sorted(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **ENVIRONMENT,
            **AUTHORIZER_ENVIRONMENT,
            **HEALTH_ENVIRONMENT,
            **CONSUMERS_ENVIRONMENT,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "POWERTOOLS_SERVICE_NAME": "itemstream",
            "POWERTOOLS_METRICS_NAMESPACE": "Itemstream",
            "PYTHONPATH": f"{ROOT}:{ROOT}/layers/python",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return {name for name in json.loads(shown.stdout) if name in DEAR}


def test_the_table_names_every_function() -> None:
    assert IMPORTS.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_only_what_it_needs(function: str) -> None:
    module = FUNCTIONS[function]["handler"].rpartition(".")[0]
    assert imported(module) == IMPORTS[function]
