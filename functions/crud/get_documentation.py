"""GET /openapi.json and GET /docs: the API's description, and a page that renders it.

The page's script and style are Swagger UI as Powertools carries it, so it needs no other host.
"""

from functools import cache
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from itemstream.api.problems import Problem
from itemstream.api.requests import Request
from itemstream.api.rest import Response, public_rest_handler

OPENAPI = Path(__file__).parents[2] / "openapi" / "openapi.json"
ASSETS = {
    "swagger-ui.js": ("swagger-ui-bundle.min.js", "text/javascript; charset=utf-8"),
    "swagger-ui.css": ("swagger-ui.min.css", "text/css; charset=utf-8"),
    "page.js": (None, "text/javascript; charset=utf-8"),
}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Itemstream API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<main id="api"></main>
<script src="docs/swagger-ui.js"></script>
<script src="docs/page.js"></script>
</html>
"""
PAGE_SCRIPT = """SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
});
"""
# Scripts of our own only; Swagger UI sets styles and images inline.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@public_rest_handler()
def handler(request: Request) -> Response:
    """Answer the document, the page or one of its assets."""
    match request.route.rpartition("/")[2]:
        case "openapi.json":
            return content(OPENAPI.read_text(), "application/json")
        case "docs":
            policy = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
            return content(PAGE, "text/html; charset=utf-8", policy)
        case _:
            return asset(request.path_text("asset"))


def asset(name: str) -> Response:
    """Answer one of the page's assets."""
    if name not in ASSETS:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such asset.")
    file, media_type = ASSETS[name]
    return content(bundled(file) if file else PAGE_SCRIPT, media_type)


@cache
def bundled(file: str) -> str:
    """Read a file of Powertools' Swagger UI."""
    folder = files("aws_lambda_powertools") / "event_handler" / "openapi" / "swagger_ui"
    return (folder / file).read_text()


def content(text: str, media_type: str, headers: dict[str, str] | None = None) -> Response:
    """Answer text that is the same for everybody."""
    shared = {"Content-Type": media_type, "Cache-Control": "public, max-age=300"}
    return Response(200, text=text, headers={**shared, **(headers or {})})
