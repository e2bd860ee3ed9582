"""With whose token an environment is used from outside."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.health import tokens_oauth
from tools.environments import reaching
from tools.environments.naming import find_environment
from tools.environments.reaching import reach
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

DEV = find_environment("dev")
OUTPUTS = {
    "rest_api_url": "https://rest.example/",
    "http_api_url": "https://http.example/",
    "websocket_api_url": "wss://websocket.example/",
    "token_issuer": "https://issuer.example/",
    "token_audience": "itemstream",
}


class Issuer(BaseHTTPRequestHandler):
    """Gives a token to a client by name, and refuses others."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        known = self.headers["Authorization"] == "Basic Y2FuYXJ5OnNlY3JldA=="
        body = json.dumps({"access_token": "theirs", "expires_in": 300}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def client(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The canary's client at a foreign issuer, as the secret of `dev` holds it."""
    with mock_aws(), HTTPServer(("127.0.0.1", 0), Issuer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        secret = {
            "token_url": f"http://127.0.0.1:{server.server_port}/token",
            "client_id": "canary",
            "client_secret": "secret",
        }
        secrets = {"itemstream-dev-canary-client": secret}
        monkeypatch.setattr(tokens_oauth, "json_secret", secrets.__getitem__)
        monkeypatch.setattr(reaching, "_applied", lambda _: OUTPUTS)
        monkeypatch.delenv("ITEMSTREAM_TOKEN", raising=False)
        yield secret
        server.shutdown()
        thread.join()


def test_a_foreign_issuer_gives_a_token_to_the_canarys_client(client: dict[str, str]) -> None:
    # When
    addresses, token = reach(DEV, "canary", "items:read", "smoke")

    # Then
    assert token == "theirs"
    assert addresses.rest == "https://rest.example"


def test_a_client_that_the_issuer_does_not_know_is_a_problem(client: dict[str, str]) -> None:
    client["client_secret"] = "another"
    with pytest.raises(Problem, match=r"itemstream-dev-canary-client: the issuer answers 401\. Wr"):
        reach(DEV, "canary", "items:read", "smoke")


def test_a_token_that_is_given_comes_first(
    client: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITEMSTREAM_TOKEN", "given")
    assert reach(DEV, "canary", "items:read", "smoke")[1] == "given"
