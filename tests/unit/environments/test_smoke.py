"""The smoke test says what is wrong, with the answer that it got."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tools.environments.smoke import Addresses, smoke
from tools.progress import Progress
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

UP = (200, {"status": "up"})
MADE = (201, {"id": "1", "name": "Smoke test"})


class Api(ThreadingHTTPServer):
    """Gives prepared answers, and remembers what it was asked."""

    answers: dict[str, tuple[int, Any]]
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    """Answers by method and path."""

    server: Api

    def _answer(self) -> None:
        asked = f"{self.command} {self.path}"
        self.server.asked.append(asked)
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        status, document = self.server.answers.get(asked, (404, {}))
        body = b"" if status == 204 else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (the library's names)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[Api]:
    with Api(("127.0.0.1", 0), Handler) as server:
        server.answers, server.asked = {"GET /health": UP}, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def use(api: Api) -> None:
    url = f"http://127.0.0.1:{api.server_port}"
    smoke(Addresses(url, url, url), "token", Progress(), patience=0)


def test_a_part_that_is_down_is_named(api: Api) -> None:
    parts = {"redis": {"status": "down"}, "mysql": {"status": "up"}}
    api.answers["GET /health"] = (503, {"status": "down", "parts": parts})
    with pytest.raises(Problem, match="says: down: redis down"):
        use(api)


def test_nobody_at_the_address_is_told() -> None:
    url = "http://127.0.0.1:9"
    with pytest.raises(Problem, match="no answer"):
        smoke(Addresses(url, url, url), "token", Progress(), patience=0)


def test_another_answer_than_expected_is_shown_with_what_to_do(api: Api) -> None:
    api.answers["POST /items"] = (500, {"title": "Internal Server Error"})
    with pytest.raises(Problem, match=r"answers 500, not 201.*Internal.*itemstream rollback"):
        use(api)


def test_the_item_is_deleted_even_if_it_can_not_be_read(api: Api) -> None:
    # Given
    api.answers |= {
        "POST /items": MADE,
        "GET /items/1": (502, {}),
        "DELETE /items/1": (204, None),
    }

    # Then
    with pytest.raises(Problem, match=r"GET .* answers 502, not 200"):
        use(api)
    assert api.asked[-1] == "DELETE /items/1"
