"""Temporary credentials of each function's own role, so that its policies hold locally too."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

    from tools.lambda_host.limits import HostLimits


@dataclass(frozen=True)
class Credentials:
    """Credentials of a role; `expires_at` in seconds since the epoch."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: float


class RoleCredentials:
    """Assumes the roles of functions; sessions are shared while they have half their life left."""

    def __init__(self, client: STSClient, limits: HostLimits) -> None:
        self._client = client
        self._limits = limits
        self._sessions: dict[tuple[str, str], asyncio.Task[Credentials]] = {}

    async def get(self, role: str, function: str) -> Credentials:
        """Return credentials of `role` for an environment of `function` that starts now."""
        session = self._sessions.get((role, function))
        if session is None or (session.done() and not self._fresh(session)):
            session = asyncio.create_task(asyncio.to_thread(self._assume, role, function))
            self._sessions[role, function] = session
        return await asyncio.shield(session)

    def near_their_end(self, credentials: Credentials) -> bool:
        """Tell whether an environment that holds these must be retired."""
        return credentials.expires_at - time.time() < self._limits.credential_margin_seconds

    def _fresh(self, session: asyncio.Task[Credentials]) -> bool:
        if session.cancelled() or session.exception() is not None:
            return False
        credentials = session.result()
        half = self._limits.credential_seconds / 2
        return credentials.expires_at - time.time() > half and not self.near_their_end(credentials)

    def _assume(self, role: str, function: str) -> Credentials:
        # Lambda names the session after the function, as CloudTrail shows.
        session = self._client.assume_role(
            RoleArn=role,
            RoleSessionName=function[:64],
            DurationSeconds=self._limits.credential_seconds,
        )["Credentials"]
        return Credentials(
            session["AccessKeyId"],
            session["SecretAccessKey"],
            session["SessionToken"],
            session["Expiration"].timestamp(),
        )
