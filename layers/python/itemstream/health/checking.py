"""A check: everything that is asked, as the function's environment says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from itemstream.config import from_environment
from itemstream.health.canary import CANARY_PARTS, Canary
from itemstream.health.canary_aiohttp import ApiSettings, OutsideApis
from itemstream.health.consumers_cloudwatch import ConsumerSettings, consumers_probe
from itemstream.health.dead_letters_sqs import DeadLetterSettings, dead_letters_probe
from itemstream.health.probes import Probe
from itemstream.health.probes_aws import AwsSettings, aws_probes
from itemstream.health.probes_network import NetworkSettings, network_probe

if TYPE_CHECKING:
    from itemstream.health.canary import TokenSource

__all__ = ["CheckSettings", "probes_from_environment"]

_CANARY_SECONDS = 9.8


@dataclass(frozen=True)
class CheckSettings:
    """
    Environment of the checker.

    Parameters
    ----------
    health_lasting_checks
        How many checks in a row a change takes.
    canary_client_secret
        Name or ARN of the secret with the canary's OAuth 2.0 client; empty: our own keys sign its
        tokens.
    """

    health_lasting_checks: int
    canary_client_secret: str = ""


def probes_from_environment() -> list[Probe]:
    """Make the probes of all parts."""
    apis = partial(OutsideApis.connected, from_environment(ApiSettings))
    canary = Canary(_tokens(), apis)
    return [
        *aws_probes(from_environment(AwsSettings)),
        network_probe(from_environment(NetworkSettings)),
        Probe(CANARY_PARTS, canary.ask, _CANARY_SECONDS),
        dead_letters_probe(from_environment(DeadLetterSettings)),
        consumers_probe(from_environment(ConsumerSettings)),
    ]


def _tokens() -> TokenSource:
    if secret := from_environment(CheckSettings).canary_client_secret:
        from itemstream.health.tokens_oauth import ClientCredentials

        return ClientCredentials(secret)
    from itemstream.health.tokens_own_keys import OwnKeys, OwnKeysSettings

    return OwnKeys(from_environment(OwnKeysSettings))
