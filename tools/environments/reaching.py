"""Where the APIs of an environment answer, and a token for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tools.dead_letters.accounts import open_account
from tools.environments.naming import LOCAL_ENVIRONMENT
from tools.environments.smoke import Addresses
from tools.infrastructure.remote_root import RemoteRoot
from tools.infrastructure.signing_in import sign_in
from tools.project import Problem
from tools.stack.record import outputs
from tools.stack.settings import current_stack
from tools.stack.urls import http_api_url, rest_api_url, websocket_url
from tools.tokens.client_credentials import token_of_the_canary
from tools.tokens.issuer import issue, issue_on_aws, signs_its_own

if TYPE_CHECKING:
    from tools.environments.naming import Environment

__all__ = ["own_token", "reach"]

_GIVEN = "ITEMSTREAM_TOKEN"
# As long as the smoke test may take.
_SECONDS = 600


def reach(environment: Environment, tenant: str, scope: str, subject: str) -> tuple[Addresses, str]:
    """
    Return the addresses and a token.

    The token is that in ITEMSTREAM_TOKEN; else a short-lived one of our own keys or, where somebody
    else issues them, of the canary's client.

    Raises
    ------
    Problem
        If nothing is applied, or there is no token.
    """
    given = os.environ.get(_GIVEN)
    if environment.name == LOCAL_ENVIRONMENT:
        stack = current_stack()
        applied = outputs(stack)
        urls = (each(stack, applied) for each in (rest_api_url, http_api_url, websocket_url))
        return Addresses(*urls), given or issue(stack, tenant, scope, subject, _SECONDS)
    applied = _applied(environment)
    names = ("rest_api_url", "http_api_url", "websocket_api_url")
    addresses = Addresses(*(applied[name].rstrip("/") for name in names))
    if given:
        return addresses, given
    account = open_account(environment.name)
    if signs_its_own(account, applied):
        return addresses, issue_on_aws(account, applied, tenant, scope, subject, _SECONDS)
    return addresses, token_of_the_canary(account)


def own_token(environment: Environment, tenant: str, scope: str, subject: str, seconds: int) -> str:
    """
    Return a token for an environment, signed with its own keys.

    Raises
    ------
    Problem
        If nothing is applied, tokens are somebody else's to give, or this one would be refused.
    """
    if environment.name == LOCAL_ENVIRONMENT:
        return issue(current_stack(), tenant, scope, subject, seconds)
    applied = _applied(environment)
    return issue_on_aws(open_account(environment.name), applied, tenant, scope, subject, seconds)


def _applied(environment: Environment) -> dict[str, Any]:
    root = RemoteRoot(environment, sign_in())
    root.initialise()
    applied = root.outputs()
    if "rest_api_url" not in applied:
        raise Problem(f"{environment.name} was not deployed to the account {root.caller.account}.")
    return applied
