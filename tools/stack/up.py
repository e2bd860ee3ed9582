"""Bring a local stack up, doing only what is not done yet."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx

from tools.dead_letters.accounts import local_account
from tools.dependencies.terraform import find_terraform
from tools.health import first_check
from tools.infrastructure.workspace import STATE_BUCKET, Workspace
from tools.project import Problem
from tools.stack.clients import client
from tools.stack.database import ensure_database
from tools.stack.package_types import delete_functions_of_another_type
from tools.stack.packages import make_packages
from tools.stack.parts import install_ministack, lambda_host, mariadb, ministack, redis
from tools.stack.record import (
    applied_inputs,
    forget_applied,
    mark_applied,
    outputs,
    save_outputs,
)
from tools.stack.run_choice import Run, RunChoice, chosen, keep
from tools.stack.sandboxes import check_sandboxes
from tools.stack.urls import rest_api_url
from tools.tokens.issuer import ensure_keys, issue

if TYPE_CHECKING:
    from tools.progress import Progress
    from tools.stack.daemons import Daemon
    from tools.stack.settings import Stack

__all__ = ["DEMO_TENANT", "bring_up"]

DEMO_TENANT = "demo"
_DEMO_ITEM: dict[str, Any] = {
    "name": "Desk lamp",
    "description": "A first item, so that lists are not empty.",
    "category": "lighting",
    "status": "active",
    "price": {"amount": 4900, "currency": "EUR"},
    "quantity": 12,
}
# A first answer waits for cold starts of the authorizer and the function, on a busy machine.
_FIRST_ANSWER_SECONDS = 60.0


def bring_up(stack: Stack, progress: Progress, run: Run | None = None) -> None:
    """
    Start what does not run, apply what has changed, make keys and the demo tenant, and check.

    Parameters
    ----------
    run
        What functions shall run out of; None: what was chosen last.

    Raises
    ------
    Problem
        If something needs a person; the message says what to do.
    """
    run = run or chosen(stack).run
    if run is Run.IMAGES:
        check_sandboxes()
    with ThreadPoolExecutor() as pool:
        terraform = pool.submit(_find_terraform, progress)
        packages = pool.submit(make_packages, stack, run, progress)
        database = pool.submit(_run, mariadb(stack), progress)
        _start(stack, progress)
        if run is Run.SOURCE:
            # It runs whatever was published before, too.
            keep(stack, RunChoice())
            _run(lambda_host(stack), progress)
        terraform.result()
        artifacts, choice = packages.result()
        database.result()
    _ensure_host(stack, choice, progress)
    _apply(Workspace(stack, artifacts), progress)
    if run is not Run.SOURCE:
        # Not sooner: one for images cannot run what was published for the source.
        _run(lambda_host(stack), progress)
    with progress.step("Database") as report:
        report(ensure_database(stack))
    with progress.step("Signing keys") as report:
        made = ensure_keys(stack)
        report(f"made {', '.join(made)}" if made else "are there")
    with progress.step("The API answers as it should") as report:
        report(_check(stack))
    with progress.step("Health") as report:
        report(first_check(local_account(stack)))


def _find_terraform(progress: Progress) -> None:
    with progress.step("Terraform") as report:
        report(str(find_terraform()))


def _start(stack: Stack, progress: Progress) -> None:
    with progress.step("MiniStack's own environment") as report:
        report("installed" if install_ministack() else "is there")
    _run(redis(stack), progress)
    if _run(ministack(stack), progress) != "running":
        # Its functions hold credentials that the MiniStack before has given.
        lambda_host(stack).stop()


def _ensure_host(stack: Stack, choice: RunChoice, progress: Progress) -> None:
    """Have a host that runs what is published now, and choose what will be."""
    if not (stack.folder / "outputs.json").exists():
        keep(stack, choice)
    if lambda_host(stack).state() != "running":
        _run(lambda_host(stack), progress)
    keep(stack, choice)


def _run(daemon: Daemon, progress: Progress) -> str:
    with progress.step(daemon.title[0].upper() + daemon.title[1:]) as report:
        outcome = daemon.start()
        report(f"{outcome} on port {daemon.port}")
    return outcome


def _apply(workspace: Workspace, progress: Progress) -> None:
    stack = workspace.stack
    inputs = workspace.inputs()
    if applied_inputs(stack) == inputs and (stack.folder / "outputs.json").exists():
        with progress.step("Terraform apply") as report:
            report("nothing has changed")
        return
    with progress.step("Terraform init") as report:
        client(stack, "s3").create_bucket(Bucket=STATE_BUCKET)
        report("done" if workspace.initialise() else "is there")
    with progress.step("Terraform apply") as report:
        forget_applied(stack)
        delete_functions_of_another_type(stack, chosen(stack))
        report(workspace.apply(report))
        save_outputs(stack, workspace.outputs())
        mark_applied(stack, inputs)


def _check(stack: Stack) -> str:
    """Make sure that the demo tenant can use the API, and that it has an item."""
    token = issue(stack, DEMO_TENANT, "items:read items:write", "make-up", 300)
    url = rest_api_url(stack, outputs(stack))
    deadline = time.monotonic() + _FIRST_ANSWER_SECONDS
    with httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
    ) as api:
        answer = _get(api, "/items?limit=1")
        while answer is None or answer.status_code >= 500:
            if time.monotonic() > deadline:
                said = "nothing" if answer is None else f"{answer.status_code} {answer.text}"
                raise Problem(
                    f"GET {url}/items answers {said}. The function's own words: "
                    "make logs FUNCTION=list_items, make logs FUNCTION=rest_authorizer"
                )
            time.sleep(0.2)
            answer = _get(api, "/items?limit=1")
        if answer.status_code != 200:
            raise Problem(f"GET {url}/items answers {answer.status_code}: {answer.text}")
        if answer.json()["items"]:
            return "the demo tenant has items"
        created = api.post("/items", json=_DEMO_ITEM)
        if created.status_code != 201:
            raise Problem(f"POST {url}/items answers {created.status_code}: {created.text}")
    return "made the demo tenant's first item"


def _get(api: httpx.Client, path: str) -> httpx.Response | None:
    try:
        return api.get(path)
    except httpx.HTTPError:
        return None
