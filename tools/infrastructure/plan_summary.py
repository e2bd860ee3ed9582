"""What a plan would create, change and destroy, and what that costs, for people to review."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.infrastructure.prices import PRICED_ON, PRICES_OF, monthly_price

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PlanSummary", "as_markdown", "summarise"]

# GitHub refuses comments of more than 65,536 characters.
_LISTED = 400


@dataclass
class PlanSummary:
    """
    Addresses of resources, by what would happen to them.

    Parameters
    ----------
    created, changed, replaced, destroyed
        The addresses, sorted.
    dollars
        What it would add to a month's fixed costs at list prices; negative if it takes away.
    """

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    destroyed: list[str] = field(default_factory=list)
    dollars: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing would happen."""
        return not (self.created or self.changed or self.replaced or self.destroyed)

    def counts(self) -> str:
        """Say in a line how many of each."""
        return (
            f"{len(self.created)} created, {len(self.changed)} changed, "
            f"{len(self.replaced)} replaced, {len(self.destroyed)} destroyed"
        )


def summarise(changes: Iterable[dict[str, Any]]) -> PlanSummary:
    """
    Sum up `resource_changes`.

    Source: https://developer.hashicorp.com/terraform/internals/json-format#change-representation
    """
    summary = PlanSummary()
    lists = {
        ("create",): summary.created,
        ("update",): summary.changed,
        ("delete",): summary.destroyed,
        ("create", "delete"): summary.replaced,
        ("delete", "create"): summary.replaced,
    }
    for change in changes:
        actions = lists.get(tuple(change["change"]["actions"]))
        if change["mode"] != "managed" or actions is None:
            continue
        actions.append(change["address"])
        before, after = change["change"].get("before"), change["change"].get("after")
        summary.dollars += monthly_price(change["type"], after) - monthly_price(
            change["type"], before
        )
    for addresses in lists.values():
        addresses.sort()
    return summary


def as_markdown(environment: str, summary: PlanSummary, note: str = "") -> str:
    """Write a summary as GitHub shows it in a comment."""
    lines = [f"### Plan for `{environment}`: {summary.counts()}", ""]
    if note:
        lines += [note, ""]
    if summary.empty:
        return "\n".join([*lines, "Nothing would change.", ""])
    costs = (
        f"Fixed costs: **{summary.dollars:+.2f} USD a month**, of what is paid by the hour "
        f"({PRICES_OF}, list prices of {PRICED_ON}); requests, traffic and storage come on top."
    )
    lines += [costs, ""]
    for title, addresses in (
        ("destroyed", summary.destroyed),
        ("replaced", summary.replaced),
        ("changed", summary.changed),
        ("created", summary.created),
    ):
        if addresses:
            shown = [f"    {address}" for address in addresses[:_LISTED]]
            left = len(addresses) - len(shown)
            lines += [
                f"<details><summary>{len(addresses)} {title}</summary>",
                "",
                *shown,
                *([f"    … and {left} more"] if left else []),
                "",
                "</details>",
                "",
            ]
    return "\n".join(lines)
