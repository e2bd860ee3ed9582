"""Tokens where somebody else issues them: as the client that the canary is there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from itemstream.health.canary import TokenUnavailable
from itemstream.health.tokens_oauth import ClientCredentials
from tools.project import Problem

if TYPE_CHECKING:
    from tools.dead_letters.accounts import Account

__all__ = ["token_of_the_canary"]


def token_of_the_canary(account: Account) -> str:
    """
    Ask an environment's issuer for a token, as who may read the canary's client.

    Raises
    ------
    Problem
        If there is no client, or the issuer gives it none.
    """
    secret = f"{account.prefix}canary-client"
    try:
        return asyncio.run(ClientCredentials(secret).token())
    except TokenUnavailable as unavailable:
        raise Problem(
            f"No token for {account.environment} by the client in the secret {secret}: "
            f"{unavailable}. Write the client there (docs/operations.md, The canary), or set "
            "ITEMSTREAM_TOKEN."
        ) from None
