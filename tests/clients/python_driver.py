"""Carries out a scenario's steps with the Python client."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from itemstream_client import (
    AbuseError,
    CredentialsError,
    Event,
    ProblemError,
    RealtimeClient,
    RealtimeError,
    Reset,
    Subscription,
    Timing,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def provider(values: list[str | None]) -> Callable[[], Awaitable[str]]:
    left = list(values)

    async def give() -> str:
        value = left.pop(0) if len(left) > 1 else left[0]
        if value == "fails":
            raise OSError("no network")
        if value is None:
            raise CredentialsError("there are no others")
        return value

    return give


def told(item: Event | Reset) -> str:
    if isinstance(item, Reset):
        return f"reset {int(item.cursor)}"
    if item.data is None:
        return f"{item.id} without data, see {item.dataref}"
    return item.id


def ending(error: RealtimeError) -> str:
    match error:
        case ProblemError():
            return f"problem {error.status} {error.title}"
        case AbuseError():
            return "abuse"
        case CredentialsError():
            return "credentials"
    return repr(error)


async def drive(program: dict[str, Any]) -> dict[str, list[str]]:
    """Return what each topic's reader saw."""
    seen: dict[str, list[str]] = defaultdict(list)
    subscriptions: dict[str, Subscription[Event | Reset]] = {}
    opening = provider(program["credentials"])
    credentials: dict[str, Any] = {"token_provider": opening}
    if program["renewals"]:
        renewing = provider(program["renewals"])
        credentials = {"ticket_provider": opening, "token_provider": renewing}
    async with RealtimeClient(
        program["url"],
        **credentials,
        buffer=program["buffer"],
        timing=Timing(**program["timing"]),
    ) as client:
        for step in program["steps"]:
            topic = step.get("topic", "")
            match step["do"]:
                case "subscribe" if step.get("tell_resets"):

                    async def tell(reset: Reset, topic: str = topic) -> None:
                        seen[topic].append(f"told of {told(reset)}")

                    subscriptions[topic] = client.subscribe(  # type: ignore[assignment]
                        topic, after=step["after"], on_reset=tell
                    )
                case "subscribe":
                    subscriptions[topic] = client.subscribe(topic, after=step["after"])
                case "started":
                    try:
                        cursor = await subscriptions[topic].started()
                    except RealtimeError as error:
                        seen[topic].append(ending(error))
                    else:
                        seen[topic].append(f"started {int(cursor)}")
                case "read":
                    await _read(subscriptions[topic], step["count"], seen[topic])
                case "close":
                    await subscriptions[topic].aclose()
                case "end":
                    await client.aclose()
    return dict(seen)


async def _read(subscription: Subscription[Event | Reset], count: int, seen: list[str]) -> None:
    try:
        for _ in range(count):
            item = await anext(subscription)
            seen.append(told(item))
    except StopAsyncIteration:
        seen.append("closed")
    except RealtimeError as error:
        seen.append(ending(error))
