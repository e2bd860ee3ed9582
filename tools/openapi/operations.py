"""What each REST operation takes and answers; methods, paths and scopes are the catalogue's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from itemstream.images.content import ImageContent
from itemstream.items.content import ItemContent
from itemstream.reports.content import ReportContent
from itemstream.reports.weeks import WEEK_PATTERN
from tools.openapi.schemas import (
    Health,
    ImageStatus,
    ImageUpload,
    Item,
    ItemPage,
    Report,
    ReportPage,
    ReportStatus,
    Ticket,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["OPERATIONS", "Answer", "Operation", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A query parameter or header, with its JSON Schema."""

    name: str
    place: str
    description: str
    schema: dict[str, Any]
    required: bool = False


@dataclass(frozen=True)
class Answer:
    """An answer that is no problem."""

    status: int
    description: str
    model: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"
    schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class Operation:
    """
    One operation.

    Parameters
    ----------
    summary, description, tag
        For people.
    answers
        What it answers when all is well.
    problems
        Status codes of the problem documents that a client should be ready for, beside 401, 403
        and 429, which every protected operation may answer.
    parameters, body
        What it takes.
    links
        Operations that go on from the answer: operation id → parameters from the answer.
    """

    summary: str
    tag: str
    answers: tuple[Answer, ...]
    problems: tuple[int, ...] = ()
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    links: dict[str, dict[str, str]] = field(default_factory=dict)


IF_MATCH = Parameter(
    "If-Match",
    "header",
    "The ETag of the version you have seen, or `*` for whichever there is.",
    {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*")$', "examples": ['"1"']},
    required=True,
)
IF_NONE_MATCH = Parameter(
    "If-None-Match",
    "header",
    "The ETag of the copy you hold.",
    {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*")$', "examples": ['"1"']},
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "A value of your choice for this one request, such as a UUID. A repeat with the same key and "
    "body gets the first answer; kept for 24 hours.",
    {"type": "string", "pattern": r"^[!-~]{1,255}$"},
)
LIST_PARAMETERS = (
    Parameter(
        "limit",
        "query",
        "Items on a page, at most.",
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 25},
    ),
    Parameter(
        "cursor",
        "query",
        "`next_cursor` of the page before: good for an hour, for the same query only.",
        {"type": "string", "minLength": 1, "maxLength": 1024},
    ),
    Parameter(
        "category",
        "query",
        "Only items of this category.",
        {"type": "string", "minLength": 1, "maxLength": 100},
    ),
    Parameter(
        "status",
        "query",
        "Only items of this status.",
        {"type": "string", "enum": ["draft", "active", "archived"]},
    ),
)
FROM_ITEM = {"id": "$response.body#/id", "If-Match": "$response.header.ETag"}

OPERATIONS: dict[str, Operation] = {
    "POST /items": Operation(
        "Create an item",
        "Items",
        (
            Answer(
                201,
                "The item was created, now or by an earlier request with the same key.",
                Item,
                ("ETag", "Location", "Idempotency-Replayed"),
            ),
        ),
        (400, 409, 413, 415, 422),
        parameters=(IDEMPOTENCY_KEY,),
        body=ItemContent,
        links={
            "get_item": {"id": FROM_ITEM["id"]},
            "update_item": FROM_ITEM,
            "delete_item": FROM_ITEM,
        },
    ),
    "GET /items": Operation(
        "List items",
        "Items",
        (Answer(200, "A page of items, newest first.", ItemPage),),
        (400,),
        parameters=LIST_PARAMETERS,
    ),
    "GET /items/{id}": Operation(
        "Read an item",
        "Items",
        (
            Answer(200, "The item.", Item, ("ETag",)),
            Answer(304, "Your copy is current.", headers=("ETag",)),
        ),
        (400, 404),
        parameters=(IF_NONE_MATCH,),
    ),
    "PUT /items/{id}": Operation(
        "Replace an item's content",
        "Items",
        (Answer(200, "The item at its next version.", Item, ("ETag",)),),
        (400, 404, 412, 413, 415, 428),
        parameters=(IF_MATCH,),
        body=ItemContent,
        links={"delete_item": FROM_ITEM},
    ),
    "DELETE /items/{id}": Operation(
        "Delete an item",
        "Items",
        (Answer(204, "The item is gone. A repeat answers the same."),),
        (400, 412, 428),
        parameters=(IF_MATCH,),
    ),
    "POST /items/{id}/images": Operation(
        "Ask to upload a picture of an item",
        "Images",
        (
            Answer(
                201,
                "Post the file to this address, with these fields, within ten minutes. S3 takes "
                "this one file, of the type that was announced and of at most 20 MiB.",
                ImageUpload,
                ("Location",),
            ),
        ),
        (400, 404, 409, 413, 415),
        "The picture becomes an image of the item within seconds of its upload, or fails with a "
        "reason: ask for it by its id. An item has at most 20 images.",
        body=ImageContent,
        links={"get_image": {"id": "$request.path.id", "image_id": "$response.body#/image_id"}},
    ),
    "GET /items/{id}/images/{image_id}": Operation(
        "Read an image, or what became of its upload",
        "Images",
        (Answer(200, "How it is.", ImageStatus),),
        (400, 404),
    ),
    "POST /reports": Operation(
        "Have the report of a week made",
        "Reports",
        (Answer(202, "It is being made: ask for it by its id.", Report, ("Location",)),),
        (400, 413, 415, 422),
        "One that is being made is not begun again; one that is ready is made anew. The event "
        "`report.ready` tells when it is.",
        body=ReportContent,
        links={"get_report": {"id": "$response.body#/id"}},
    ),
    "GET /reports": Operation(
        "List reports",
        "Reports",
        (Answer(200, "A page of reports, newest week first.", ReportPage),),
        (400,),
        parameters=(
            Parameter("limit", "query", "Reports on a page, at most.", LIST_PARAMETERS[0].schema),
            LIST_PARAMETERS[1],
        ),
    ),
    "GET /reports/{id}": Operation(
        "Read a report",
        "Reports",
        (Answer(200, "How it is, and where its files are.", ReportStatus),),
        (400, 404),
        parameters=(
            Parameter(
                "id",
                "path",
                "Its week.",
                {"type": "string", "pattern": WEEK_PATTERN, "examples": ["2026-W47"]},
                required=True,
            ),
        ),
    ),
    "POST /realtime/tickets": Operation(
        "Make a ticket that opens a WebSocket connection",
        "Real time",
        (Answer(201, "Connect with it at once: nobody can be shown it again.", Ticket),),
        description="For browsers, which cannot set headers on a WebSocket: connect with "
        "`?ticket=<ticket>` within 30 seconds. It opens one connection, of the token's tenant, "
        "subject and scopes, that ends when the token does. Others connect with the header "
        "`Authorization: Bearer <token>`.",
    ),
    "GET /health": Operation(
        "Ask whether the API can do its work",
        "Platform",
        (
            Answer(200, "It can, if not all of it.", Health),
            Answer(503, "It cannot, or nobody knows.", Health),
        ),
        description="Answered from the last check of all parts, which is a minute old at the most "
        "while the checker lives.",
    ),
    "GET /openapi.json": Operation(
        "Read this description",
        "Platform",
        (Answer(200, "An OpenAPI 3.1 document.", schema={"type": "object"}),),
    ),
    "GET /docs": Operation(
        "Browse this description",
        "Platform",
        (Answer(200, "A page.", media_type="text/html", schema={"type": "string"}),),
    ),
    "GET /docs/{asset}": Operation(
        "Read a part of that page",
        "Platform",
        (
            Answer(200, "A script.", media_type="text/javascript", schema={"type": "string"}),
            Answer(200, "A style sheet.", media_type="text/css", schema={"type": "string"}),
        ),
        (404,),
        parameters=(
            Parameter(
                "asset",
                "path",
                "Its name.",
                {"type": "string", "enum": ["swagger-ui.js", "swagger-ui.css", "page.js"]},
                required=True,
            ),
        ),
    ),
}
