"""Access tokens as well-known issuers write them are taken; their ID tokens are not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from itemstream.auth import Principal, TokenRefused
from itemstream.auth.keys import KeySet
from itemstream.auth.profiles import PROFILES
from itemstream.auth.tokens import TokenVerifier
from tests.fakes.issuer import AUDIENCE, ISSUER, NOW, claims, header, issuer_jwks, token
from tools.project import ROOT

SCOPES = {"items:read", "items:write"}
# Header and claims of an access token, as the issuer's documentation has them (see profiles.py).
ACCESS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "rfc9068": ("at+jwt", {}),
    "auth0": ("at+jwt", {"aud": [AUDIENCE, f"{ISSUER}/userinfo"], "azp": "client"}),
    "cognito": (None, {"token_use": "access", "client_id": AUDIENCE}),
    "entra": ("JWT", {"ver": "2.0", "azp": "client", "scope": None, "scp": " ".join(SCOPES)}),
    "keycloak": ("JWT", {"typ": "Bearer", "aud": [AUDIENCE, "account"]}),
}
# What differs in the ID token that the same client gets.
ID: dict[str, tuple[str | None, dict[str, Any]]] = {
    "rfc9068": ("JWT", {}),
    "auth0": ("JWT", {}),
    "cognito": (None, {"token_use": "id"}),
    "entra": ("JWT", {"ver": "2.0", "roles": list(SCOPES)}),
    "keycloak": ("JWT", {"typ": "ID"}),
}


def verify(profile: str, kind: str | None, changes: dict[str, Any], **more: Any) -> Principal:
    verifier = TokenVerifier(
        KeySet(issuer_jwks), issuer=ISSUER, audience=AUDIENCE, profile=PROFILES[profile], **more
    )
    return verifier.verify(token(header(typ=kind), claims(**changes)))


@pytest.fixture(autouse=True)
def frozen_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.unit.auth.test_tokens import FrozenDatetime

    monkeypatch.setattr("jwt.api_jwt.datetime", FrozenDatetime)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_access_token_is_accepted(profile: str) -> None:
    kind, changes = ACCESS[profile]
    assert verify(profile, kind, changes) == Principal(
        "acme", "alice", frozenset(SCOPES), NOW + 600
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_an_id_token_is_refused(profile: str) -> None:
    kind, changes = ID[profile]
    with pytest.raises(TokenRefused, match=r"^(type|not an access token)$"):
        verify(profile, kind, changes)


@pytest.mark.parametrize("profile", ["cognito", "entra", "rfc9068"])
def test_a_second_audience_is_refused_where_none_is_usual(profile: str) -> None:
    kind, changes = ACCESS[profile]
    with pytest.raises(TokenRefused, match="Audience"):
        verify(profile, kind, {**changes, "aud": [AUDIENCE, "another"]})


@pytest.mark.parametrize("profile", PROFILES)
def test_another_audience_is_refused(profile: str) -> None:
    kind, changes = ACCESS[profile]
    with pytest.raises(TokenRefused, match="Audience"):
        verify(profile, kind, {**changes, "aud": "another"})


def test_an_application_of_entra_has_roles() -> None:
    kind, changes = ACCESS["entra"]
    found = verify("entra", kind, {**changes, "scp": None, "roles": ["items:read"]})
    assert found.scopes == {"items:read"}


@pytest.mark.parametrize("roles", [[1], ["a b\x00"], {"a": 1}, 7])
def test_roles_that_are_no_words_are_refused(roles: Any) -> None:
    kind, changes = ACCESS["entra"]
    with pytest.raises(TokenRefused, match="scope"):
        verify("entra", kind, {**changes, "roles": roles})


def test_the_tenant_may_be_in_another_claim() -> None:
    kind, changes = ACCESS["entra"]
    directory = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    changes = {**changes, "tid": directory}
    assert verify("entra", kind, changes, tenant_claim="tid").tenant == directory
    with pytest.raises(TokenRefused, match="tenant"):
        verify("entra", kind, {**changes, "tid": None}, tenant_claim="tid")


def test_terraform_knows_the_profiles() -> None:
    text = (ROOT / "terraform" / "variables.tf").read_text()
    listed = re.search(r"contains\(\[([^\]]+)\], var\.tokens\.profile\)", text)
    assert listed
    assert set(re.findall(r'"(\w+)"', listed[1])) == set(PROFILES)
