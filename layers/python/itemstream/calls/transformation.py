"""From bronze to silver: each raw record becomes a call, a reject or a repeat, and stays it.

Of all records that name one call, the first to reach silver is the call. A record of another origin
that says the same is a repeat of it; one that says something else is rejected. What a record is,
silver alone decides, in the transaction that stores the call: so any batch may be processed any
number of times, in any order and by several at once, and comes to one result.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from itemstream.calls.cleaning import clean
from itemstream.calls.model import Call, NotClean, RawCall, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["TRANSACTION_CALLS", "Known", "Outcome", "SetAsides", "Silver", "transform"]

# TransactWriteItems takes 100 operations (DynamoDB API reference).
TRANSACTION_CALLS = 100


@dataclass(frozen=True, slots=True)
class Known:
    """What silver has of a call: where it came from, and what it says."""

    origin: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many records of a batch are calls, rejects and repeats."""

    calls: int
    rejected: int
    repeats: int


class Silver(Protocol):
    """Where calls are kept, each once."""

    def add(self, calls: list[Call]) -> Mapping[str, Known]:
        """
        Store up to 100 calls, of different ids, all that are new in one transaction.

        A call that is there already from its very origin counts as stored. Returns, by the origins
        of the calls that were given, what silver has of those that it knows from another origin.
        """
        ...


class SetAsides(Protocol):
    """Where rejects and repeats are kept, each under its origin."""

    def put(self, records: Iterable[SetAside]) -> None:
        """Keep records, new or not."""
        ...


def transform(records: Iterable[RawCall], silver: Silver, set_asides: SetAsides) -> Outcome:
    """
    Make of each record what it is.

    Raises
    ------
    DependencyUnavailable
        If not all is done; the whole batch may be given again.
    """
    aside: list[SetAside] = []
    same: dict[tuple[str, str], list[tuple[RawCall, Call]]] = {}
    for record in records:
        try:
            call = clean(record)
        except NotClean as error:
            aside.append(SetAside(record, str(error)))
        else:
            same.setdefault((call.tenant, call.id), []).append((record, call))

    known: dict[str, Known] = {}
    firsts = (given[0][1] for given in same.values())
    for some in _some(firsts):
        known.update(silver.add(some))

    calls = 0
    for given in same.values():
        first = given[0][1]
        kept = known.get(first.origin) or Known(first.origin, first.content_hash)
        for record, call in given:
            # Not always the first: an earlier attempt may have stored a later one.
            if call.origin == kept.origin:
                calls += 1
            elif call.content_hash == kept.content_hash:
                aside.append(SetAside(record, "repeats a call that is known", kept.origin))
            else:
                aside.append(SetAside(record, "call_id belongs to another call that is known"))
    set_asides.put(aside)
    repeats = sum(one.repeat_of is not None for one in aside)
    return Outcome(calls, len(aside) - repeats, repeats)


def _some(calls: Iterator[Call]) -> Iterator[list[Call]]:
    while some := list(islice(calls, TRANSACTION_CALLS)):
        yield some
