"""Secrets are rotated while they are used, twice in a row, and no request fails.

The keys of tokens are rotated under load in tests/e2e/test_authorization.py.
"""

from __future__ import annotations

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from itemstream.api.cursors import Cursors, keys_from_secret
from tests.local_stack import ITEMSTREAM, ROOT
from tests.waiting import eventually
from tools.dead_letters.accounts import local_account
from tools.secrets.rotating import rotate
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.local_stack import Caller, LocalStack


@contextmanager
def load(work: Callable[[], None], workers: int = 2) -> Iterator[Callable[[], int]]:
    """Do some work again and again beside what the test does; its first failure fails the test."""
    stop, done = threading.Event(), [0]

    def again() -> None:
        while not stop.is_set():
            work()
            done[0] += 1

    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(again) for _ in range(workers)]
        try:
            yield lambda: done[0]
        finally:
            stop.set()
        for one in running:
            one.result()


def more(done: Callable[[], int], count: int) -> None:
    """Wait until that much more work is done."""
    begin = done()
    eventually(lambda: done() >= begin + count, what="work")


def rotated(secret: str) -> str:
    return rotate(local_account(current_stack()), secret, lambda _: None)


def test_keys_of_cursors_rotate_without_a_refused_cursor(stack: LocalStack, caller: Caller) -> None:
    # Given pages whose cursors are from before both rotations, and lists that go on all the time
    for _ in range(3):
        caller.created()
    first = caller.http.get("items", params={"limit": 1}).json()["next_cursor"]
    keys = {stack.secret("cursor_signing")["current"]}
    query = {"list": "items", "category": None, "status": None}

    def newest() -> Cursors:
        """Sign as a function does that has just read the secret."""
        return Cursors(keys_from_secret(stack.secret("cursor_signing")))

    place = newest().read(caller.tenant, query, first)

    def read_all() -> None:
        assert sum(len(page) for page in caller.pages(limit=1)) == 3
        for cursor in (first, newest().write(caller.tenant, query, place)):
            answer = caller.http.get("items", params={"limit": 1, "cursor": cursor})
            assert answer.status_code == 200, answer.text

    # When
    with load(read_all) as done:
        for _ in range(2):
            rotated("cursor_signing")
            keys.add(stack.secret("cursor_signing")["current"])
            more(done, 4)

    # Then
    assert len(keys) == 3


def test_the_password_to_the_database_rotates_without_a_refused_login(stack: LocalStack) -> None:
    # Given a function that logs in each time it is called
    client = stack.client("lambda")
    passwords = {stack.secret("database")["password"]}

    def log_in() -> None:
        answer = client.invoke(
            FunctionName=stack.function("network_probe"), Qualifier="live", Payload=b"{}"
        )
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        assert found["mysql"]["state"] == "up", found

    # When
    with load(log_in) as done:
        more(done, 2)
        for _ in range(2):
            rotated("database")
            passwords.add(stack.secret("database")["password"])
            more(done, 4)

    # Then
    assert len(passwords) == 3


def test_a_secret_is_rotated_by_the_command_line() -> None:
    # When
    shown = subprocess.run(
        [*ITEMSTREAM, "secrets", "rotate", "cursor_signing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = subprocess.run(
        [*ITEMSTREAM, "secrets", "list", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    # Then
    assert "is current" in shown.stdout + shown.stderr
    by_name = {secret["name"]: secret for secret in json.loads(listed.stdout)}
    assert by_name["cursor_signing"]["rotated_at"] < by_name["cursor_signing"]["next_at"]


def test_what_secrets_manager_does_not_ask_for_is_refused(stack: LocalStack) -> None:
    # Given
    secret = stack.status["secrets"]["cursor_signing"]["arn"]
    labels = stack.client("secretsmanager").describe_secret(SecretId=secret)["VersionIdsToStages"]
    [previous] = [version for version, held in labels.items() if "AWSPREVIOUS" in held][:1] or [""]
    refusals = {
        "no step": {"Step": "deleteSecret", "ClientRequestToken": next(iter(labels))},
        "no version": {"Step": "createSecret", "ClientRequestToken": "none-such"},
        "not AWSPENDING": {"Step": "finishSecret", "ClientRequestToken": previous},
    }
    for reason, event in refusals.items():
        if not event["ClientRequestToken"]:
            continue

        # When
        answer = stack.client("lambda").invoke(
            FunctionName=stack.function("rotate_secret"),
            Qualifier="live",
            Payload=json.dumps({"SecretId": secret, **event}),
        )

        # Then
        assert answer["FunctionError"]
        error = json.loads(answer["Payload"].read())
        assert error["errorType"] == "RotationRefused"
        assert reason in error["errorMessage"]


def test_nobody_else_may_have_a_secret_rotated(stack: LocalStack) -> None:
    # Given the rights of a function that reads the secret
    role = stack.client("lambda").get_function_configuration(
        FunctionName=stack.function("list_items")
    )["Role"]
    assumed = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="rotation")
    client = stack.client(
        "secretsmanager",
        aws_access_key_id=assumed["Credentials"]["AccessKeyId"],
        aws_secret_access_key=assumed["Credentials"]["SecretAccessKey"],
        aws_session_token=assumed["Credentials"]["SessionToken"],
    )

    # Then
    with pytest.raises(ClientError, match="AccessDenied"):
        client.rotate_secret(SecretId=stack.status["secrets"]["cursor_signing"]["name"])
