"""A redrive: the letters of one queue sent back one by one, at a rate, until told to stop.

StartMessageMoveTask would do a part of it on AWS: all messages of a queue, to a queue. Ours knows
filters, functions and streams, says what failed, and is the same locally.

Safe to interrupt and to repeat: a letter is deleted only after its effect is acknowledged, so that
a run that dies leaves at worst a letter that was sent back and is still there. Safe to run twice at
once: what one run has received is hidden from the other.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.dead_letters.reading import Reading
from tools.dead_letters.sending_back import NotSentBack, SendingBack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.dead_letters.accounts import Account
    from tools.dead_letters.conditions import Condition
    from tools.dead_letters.letters import Letter
    from tools.dead_letters.queues import DeadLetterQueue

__all__ = ["Order", "Outcome", "interruptible", "redrive"]

# So many letters are received at once at a slow rate that the last of them is still ours.
_SECONDS_OF_LETTERS = 30


@dataclass(frozen=True)
class Order:
    """
    What to redrive.

    Attributes
    ----------
    condition
        Which letters.
    rate
        Letters a second at the most; ``None`` for as fast as they are acknowledged.
    maximum
        How many letters at the most; ``None`` for all.
    dry_run
        Whether to look only.
    discard
        Whether to delete the letters instead of sending them back.
    accept_loss
        Whether a letter is done, too, whose records could not all be made anew.
    """

    condition: Condition
    rate: float | None = None
    maximum: int | None = None
    dry_run: bool = False
    discard: bool = False
    accept_loss: bool = False


@dataclass
class Outcome:
    """
    What a redrive did.

    Attributes
    ----------
    redriven
        Letters sent back and deleted, or deleted only; in a dry run, those that would be.
    failed
        Letters that stay because sending them back failed.
    skipped
        Letters that the condition does not hold for.
    came_back
        Letters that were sent back, failed again and are here anew.
    arrived
        Letters that came while the run went on; they are left for the next one.
    reasons
        Why letters failed or came back, with their numbers.
    destinations
        Where letters went, with their numbers.
    notes
        What must be known about single letters.
    interrupted
        Whether somebody stopped the run.
    """

    redriven: int = 0
    failed: int = 0
    skipped: int = 0
    came_back: int = 0
    arrived: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    destinations: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def attempted(self) -> int:
        """How many letters were sent back or should have been."""
        return self.redriven + self.failed

    @property
    def well(self) -> bool:
        """Whether all that was meant went back, as far as can be known."""
        return not (self.failed or self.came_back or self.interrupted)

    def document(self) -> dict[str, Any]:
        """Return it as `--json` and the audit have it."""
        return {
            "redriven": self.redriven,
            "failed": self.failed,
            "skipped": self.skipped,
            "came_back": self.came_back,
            "arrived": self.arrived,
            "interrupted": self.interrupted,
            "reasons": dict(self.reasons),
            "destinations": dict(self.destinations),
            "notes": self.notes,
        }


def redrive(
    account: Account,
    queue: DeadLetterQueue,
    order: Order,
    stop: threading.Event,
    report: Callable[[Outcome], None],
    outcome: Outcome,
) -> None:
    """
    Send letters back until none is left that is meant.

    Parameters
    ----------
    account, queue
        Whose letters.
    order
        Which of them, and how fast.
    stop
        Ends the run after the letter at hand.
    report
        Called after each letter.
    outcome
        Kept up to date, so that it is known even of a run that dies.
    """
    way = SendingBack(account, queue, outcome.notes.append, accept_loss=order.accept_loss)
    pace = _Pace(order.rate, stop)
    sent: set[str] = set()
    with Reading(account.client("sqs"), queue, pace.at_once) as reading:
        for letter in reading:
            if stop.is_set() or outcome.attempted == order.maximum:
                break
            if letter.sent_at >= reading.begun_at:
                # Not now: what fails again at once would be sent back for ever.
                _left_alone(letter, outcome, sent)
            elif not order.condition.holds(letter):
                outcome.skipped += 1
            elif pace.wait():
                _redrive_one(letter, reading, way, outcome, order)
                sent.add(letter.digest)
            report(outcome)
    outcome.interrupted = stop.is_set()


def _redrive_one(
    letter: Letter, reading: Reading, way: SendingBack, outcome: Outcome, order: Order
) -> None:
    try:
        if not order.discard:
            destination = way.destination(letter)
            if not order.dry_run:
                way.send(letter, lambda seconds: reading.renew(letter, seconds))
            outcome.destinations[destination] += 1
        if not order.dry_run:
            reading.delete(letter)
    except NotSentBack as error:
        outcome.failed += 1
        outcome.reasons[str(error)] += 1
    else:
        outcome.redriven += 1


def _left_alone(letter: Letter, outcome: Outcome, sent: set[str]) -> None:
    if letter.digest in sent:
        outcome.came_back += 1
        outcome.reasons[letter.reason] += 1
    else:
        outcome.arrived += 1


class _Pace:
    """Lets so many letters a second pass."""

    def __init__(self, rate: float | None, stop: threading.Event) -> None:
        self._pause = 1 / rate if rate else 0.0
        self._stop = stop
        self._next = time.monotonic()

    @property
    def at_once(self) -> int:
        """How many letters are handled in the time that they are surely hidden."""
        return max(1, int(_SECONDS_OF_LETTERS / self._pause)) if self._pause else 10

    def wait(self) -> bool:
        """Wait for the next letter's turn; False if the run was stopped meanwhile."""
        left = self._next - time.monotonic()
        if left > 0 and self._stop.wait(left):
            return False
        self._next = time.monotonic() + self._pause
        return True


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C or SIGTERM sets; the second one ends the process as usual."""
    stop = threading.Event()
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def interrupt(_number: int, _frame: Any) -> None:
        stop.set()
        for one, handler in former.items():
            signal.signal(one, handler)

    for number in former:
        signal.signal(number, interrupt)
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
