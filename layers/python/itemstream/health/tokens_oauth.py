"""The canary's tokens where somebody else issues them: OAuth 2.0 client credentials.

Source: RFC 6749, sections 2.3.1 and 4.4. The secret is a JSON object with ``token_url``,
``client_id``, ``client_secret`` and ``scope``; whoever runs the issuer makes the client, with the
canary's tenant, and the operator writes the secret.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import aiohttp

from itemstream.config.secrets import json_secret
from itemstream.health.canary import CANARY_SCOPE, TokenUnavailable
from itemstream.health.probes import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ClientCredentials"]

# A token is used no longer than until this long before its end.
_RESERVE_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ClientCredentials:
    """
    Asks the issuer for tokens; see :class:`itemstream.health.canary.TokenSource`.

    Parameters
    ----------
    secret_id
        Name or ARN of the secret.
    clock
        Monotonic seconds.
    """

    def __init__(self, secret_id: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._secret_id = secret_id
        self._clock = clock
        self._token = ""
        self._good_until = 0.0

    async def token(self) -> str:
        """Return the last token while it is good, else a new one."""
        if self._clock() >= self._good_until:
            try:
                secret = await asyncio.to_thread(json_secret, self._secret_id)
                asked_at = self._clock()
                answer = await _ask(secret)
                self._token = str(answer["access_token"])
                self._good_until = asked_at + float(answer.get("expires_in", 0)) - _RESERVE_SECONDS
            except TokenUnavailable:
                raise
            except Exception as error:
                raise TokenUnavailable(f"the issuer gives none ({kind_of(error)})") from error
        return self._token


async def _ask(secret: dict[str, Any]) -> dict[str, Any]:
    url = urlsplit(secret["token_url"])
    if url.scheme != "https" and url.hostname not in _LOOPBACK:
        # The client's secret would travel in the clear.
        raise TokenUnavailable("token_url is not https")
    # Encoded before it is put together (RFC 6749, section 2.3.1).
    client = f"{quote(secret['client_id'], safe='')}:{quote(secret['client_secret'], safe='')}"
    authorization = f"Basic {b64encode(client.encode()).decode()}"
    form = {"grant_type": "client_credentials", "scope": secret.get("scope", CANARY_SCOPE)}
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(
            secret["token_url"],
            data=form,
            headers={"Authorization": authorization, "Accept": "application/json"},
            allow_redirects=False,
        ) as response,
    ):
        if response.status != 200:
            raise TokenUnavailable(f"the issuer answers {response.status}")
        return dict(await response.json(content_type=None))
