"""Prepare an AWS account: what must be there before a pipeline can deploy to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from tools.commands import run
from tools.environments.naming import LOCAL_ENVIRONMENT, environments
from tools.infrastructure.account_limits import concurrency_advice, sets_gateway_account
from tools.infrastructure.bootstrap_root import BootstrapRoot
from tools.infrastructure.signing_in import sign_in
from tools.progress import console
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tools.infrastructure.signing_in import SignedIn
    from tools.progress import Progress

__all__ = ["account_settings", "bootstrap", "tell_what_to_protect", "tell_what_to_set"]

_GITHUB = "token.actions.githubusercontent.com"
# Developers' environment: its data may go, and previews are copies of it.
_FOR_DEVELOPERS = "dev"
# Environments of GitHub's that the code of a pull request runs in.
_OF_PULL_REQUESTS = ["plan", "preview"]
_PROTECT = """\
The roles trust environments of GitHub's, so make and protect these first (Settings → Environments):
a workflow that names one which is not there makes it, unprotected.
  {of_main}: deployment branches and tags: only main
  {reviewed}: required reviewers (in a private repository: with GitHub Enterprise)"""
_REMOTE = re.compile(r"github\.com[:/](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def bootstrap(
    repository: str | None,
    chosen: Sequence[str],
    registry_accounts: Sequence[str],
    progress: Progress,
    *,
    ask: bool,
) -> dict[str, Any]:
    """
    Make the state bucket, the roles and the registry, and return Terraform's outputs.

    Can be run again at any time; an interrupted run is gone on with.

    Parameters
    ----------
    repository
        On GitHub, as organisation/name; None: that of git's remote `origin`.
    chosen
        Environments of this account; none: all.
    registry_accounts
        Other accounts that run the images of this one.
    progress
        Is told of each step.
    ask
        Whether to ask before anything is made.

    Raises
    ------
    Problem
        If the person declines, an environment does not exist or Terraform fails.
    """
    caller = sign_in()
    settings = {
        **account_settings(repository or _origin(), chosen),
        "registry_accounts": list(registry_accounts),
        "makes_identity_provider": _makes_identity_provider(caller),
        "sets_gateway_account": sets_gateway_account(caller),
    }
    if advice := concurrency_advice(caller):
        console.print(advice, style="yellow", soft_wrap=True)
    root = BootstrapRoot.of(caller, settings)
    with progress.step("Terraform init") as report:
        root.initialise()
        report(f"account {caller.account}, {caller.region}")
    summary = root.plan()
    if not summary.empty:
        console.print(f"In the account {caller.account}, {caller.region}: {summary.counts()}.")
        tell_what_to_protect(settings["environments"])
        if ask and not typer.confirm("Make it so?", err=True):
            raise Problem("Nothing was changed.")
        with progress.step("Terraform apply") as report:
            report(root.apply(report))
    with progress.step("Terraform's state") as report:
        moved = root.move_state()
        report("moved into the bucket that was made" if moved else "is in its bucket")
    return root.outputs()


def account_settings(repository: str, chosen: Sequence[str]) -> dict[str, Any]:
    """
    Return the values of the root's variables for some environments.

    Raises
    ------
    Problem
        If one of them does not exist.
    """
    known = [name for name in environments() if name != LOCAL_ENVIRONMENT]
    if unknown := sorted(set(chosen) - set(known)):
        raise Problem(f"There is no environment {unknown[0]}: use {', '.join(known)}.")
    return {
        "repository": repository,
        "environments": {name: _environment(name) for name in chosen or known},
    }


def tell_what_to_protect(chosen: Collection[str]) -> None:
    """Print what must stand in GitHub before a role trusts it."""
    of_main = ", ".join([*chosen, "images"])
    reviewed = ", ".join([*({"prod"} & set(chosen)), *_OF_PULL_REQUESTS])
    console.print(_PROTECT.format(of_main=of_main, reviewed=reviewed), highlight=False)


def tell_what_to_set(outputs: dict[str, Any], region: str) -> None:
    """Print the variables that GitHub needs; no secret is among them."""
    roles = outputs["roles"]
    here = sorted(roles["deploy"])
    # With an account for each environment, each has a role that plans.
    everywhere = here == sorted(name for name in environments() if name != LOCAL_ENVIRONMENT)
    planning = [""] if everywhere else [f"_{environment.upper()}" for environment in here]
    lines = [
        "Set in GitHub, under Settings → Environments, in each environment:",
        f"  images: AWS_PUSH_ROLE {roles['push']}",
        *([f"  preview: AWS_PUSH_ROLE {roles['push']}"] if _FOR_DEVELOPERS in here else []),
        *(
            f"  {name}: AWS_DEPLOY_ROLE {roles['deploy'][environment]}"
            for environment in here
            for name in _environment(environment)["github_environments"]
        ),
        "and, under Settings → Secrets and variables → Actions → Variables, at last:",
        *(f"  AWS_PLAN_ROLE{suffix} {roles['plan']}" for suffix in planning),
        f"  AWS_REGION {region}",
    ]
    for line in lines:
        typer.echo(line)


def _environment(name: str) -> dict[str, Any]:
    if name == _FOR_DEVELOPERS:
        return {"github_environments": [name, "preview"], "copies": True, "may_destroy": True}
    return {"github_environments": [name], "copies": False, "may_destroy": False}


def _origin() -> str:
    try:
        address = run(["git", "remote", "get-url", "origin"]).strip()
    except Problem:
        address = ""
    found = _REMOTE.search(address)
    if found is None:
        raise Problem(
            "Which repository on GitHub is to deploy here? --repository organisation/name"
        )
    return found["name"]


def _makes_identity_provider(caller: SignedIn) -> bool:
    """Say no if the account has GitHub's provider by somebody else."""
    iam = caller.client("iam")
    providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    found = [each["Arn"] for each in providers if each["Arn"].endswith(f"/{_GITHUB}")]
    if not found:
        return True
    tags = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=found[0]).get("Tags", [])
    return {"Key": "Project", "Value": "itemstream"} in tags
