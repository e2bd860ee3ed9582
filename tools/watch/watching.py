"""`itemstream watch`: events as they happen, until someone has seen enough."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from itemstream.realtime.topics import Topic, TopicRefused
from itemstream_client import RealtimeClient, RealtimeError, Reset
from tools.progress import console
from tools.project import Problem
from tools.stack.record import outputs
from tools.stack.urls import websocket_url
from tools.tokens.issuer import issue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from itemstream_client import Event, State
    from tools.stack.settings import Stack

__all__ = ["Source", "given_source", "local_source", "read_cursor", "watch"]

_CURSOR_DIGITS = 20
_LIFETIME_SECONDS = 3600
_COLOURS = {"created": "green", "updated": "yellow", "deleted": "red", "failed": "red"}


@dataclass(frozen=True)
class Source:
    """
    Where events come from.

    Parameters
    ----------
    url
        The WebSocket API's address.
    token_provider
        Gives tokens for it.
    """

    url: str
    token_provider: Callable[[], Awaitable[str]]


def local_source(stack: Stack, tenant: str, topic: str) -> Source:
    """
    Return a local stack as a source; each token permits just the topic.

    Raises
    ------
    Problem
        If there is no such topic, or the stack has no WebSocket API or does not run.
    """
    try:
        scope = f"realtime:connect {Topic.parse(topic).scope}"
    except TopicRefused as refused:
        raise Problem(f"There is no topic {topic}: {refused}") from None
    applied = outputs(stack)
    if "websocket_api_id" not in applied:
        raise Problem("This stack has no WebSocket API yet. `make up` makes it.")

    def sign() -> str:
        return issue(stack, tenant, scope, "developer", _LIFETIME_SECONDS)

    # Whoever watches a stack that does not run is told so now.
    sign()
    return Source(websocket_url(stack, applied), lambda: asyncio.to_thread(sign))


def given_source(url: str, token: str | None) -> Source:
    """
    Return any WebSocket API as a source.

    Raises
    ------
    Problem
        If there is no token for it.
    """
    if not token:
        raise Problem("A --url needs a token: set ITEMSTREAM_TOKEN.")

    async def provide() -> str:
        return token

    return Source(url, provide)


def read_cursor(text: str | None) -> str | None:
    """
    Return a cursor that a person wrote, with or without its zeros.

    Raises
    ------
    Problem
        If it is none.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > _CURSOR_DIGITS:
        raise Problem(
            f"--after {text} is no cursor: it has up to {_CURSOR_DIGITS} digits, as the "
            "`sequence` of an event."
        )
    return text.zfill(_CURSOR_DIGITS)


async def watch(source: Source, topic: str, after: str | None, *, as_json: bool) -> None:
    """
    Print the events of a topic, until the task is cancelled.

    Raises
    ------
    Problem
        If the server refuses the topic or the credentials.
    """
    show = _show_json if as_json else _show
    try:
        async with RealtimeClient(
            source.url, token_provider=source.token_provider, on_state=_show_state
        ) as client:
            subscription = client.subscribe(topic, after=after)
            try:
                async for item in subscription:
                    show(item)
            finally:
                if subscription.cursor:
                    console.print(f"[dim]To go on from here: --after {subscription.cursor}[/]")
    except RealtimeError as error:
        raise Problem(f"{error}.") from error


def _show(item: Event | Reset) -> None:
    out = Console(highlight=False, soft_wrap=True)
    if isinstance(item, Reset):
        out.print(Text("… some events are missing: the log no longer holds them", "red"))
        return
    moment = dt.datetime.fromisoformat(item.time).astimezone()
    kind = item.type.partition(".")[2]
    out.print(
        Text(f"{moment:%H:%M:%S}", "dim"),
        Text(f"{item.type:13}", _COLOURS.get(kind, "cyan")),
        Text(_printable(item.subject)),
        Text(_printable(_details(item))),
    )


def _details(event: Event) -> str:
    """Say in a few words what an event's data says."""
    if event.data is None:
        return f"(too large: see {event.dataref})"
    data = event.data
    if event.type.startswith("call."):
        return " ".join(str(data.get(name, "")) for name in ("method", "path", "status_code"))
    told = [str(data[name]) for name in ("name", "reason") if data.get(name)]
    if data.get("changed"):
        told.append(f"({', '.join(data['changed'])})")
    return " ".join(told)


def _printable(text: str) -> str:
    # What tenants call their items may hold what a terminal obeys.
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _show_json(item: Event | Reset) -> None:
    if isinstance(item, Reset):
        document = {"type": "reset", "topic": item.topic, "cursor": item.cursor}
    else:
        document = item.document
    print(json.dumps(document, separators=(",", ":")), flush=True)


def _show_state(state: State) -> None:
    match state.name:
        case "connected":
            console.print("[green]connected[/]")
        case "waiting":
            reason = Text(_printable(state.reason))
            console.print("[yellow]not connected:[/]", reason, f"[dim]({state.seconds:.1f} s)[/]")
