"""`itemstream dlq`: list, show, redrive, discard, audit. The rest is in the modules beside.

Exit codes: 0 all is done, 1 something is left or went wrong, 2 the command was given wrongly.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tools.progress import console

if TYPE_CHECKING:
    from tools.dead_letters.accounts import Account
    from tools.dead_letters.conditions import Condition
    from tools.dead_letters.letters import Letter
    from tools.dead_letters.queues import DeadLetterQueue
    from tools.dead_letters.redriving import Order, Outcome

app = typer.Typer(
    help="Dead letters: what could not be processed, why, and how it goes back.",
    no_args_is_help=True,
)

_Environment = Annotated[
    str,
    typer.Option("--environment", "-e", help="local (the current stack), dev, staging or prod."),
]
_Queue = Annotated[str, typer.Argument(help="A name that `itemstream dlq list` shows.")]
_Filter = Annotated[
    str,
    typer.Option(
        "--filter",
        help="Only letters that this JMESPath expression is true for, over the fields of "
        "`dlq show --json`: contains(reason, 'throttled'), payload.detail.tenant == 'demo'.",
    ),
]
_Most = Annotated[int | None, typer.Option("--max", min=1, help="Letters at the most.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@app.command("list")
def list_queues(*, environment: _Environment = "local", as_json: _Json = False) -> None:
    """List the dead-letter queues: how full, how old, whose, and how they are redriven."""
    from concurrent.futures import ThreadPoolExecutor

    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.dead_letters.queues import dead_letter_queues, oldest_age
    from tools.dead_letters.views import print_queues

    account = open_account(environment)
    with aws_problems(account), ThreadPoolExecutor(4) as readers:
        queues = dead_letter_queues(account)
        ages = list(readers.map(lambda queue: oldest_age(account, queue), queues))
    if not as_json:
        print_queues(list(zip(queues, ages, strict=True)))
        return
    documents = [
        {
            "name": queue.name,
            "queue": queue.queue_name,
            "url": queue.url,
            "kind": queue.kind,
            "belongs_to": queue.belongs_to,
            "depth": queue.depth,
            "in_flight": queue.in_flight,
            "oldest_seconds": None if age is None else round(age.total_seconds()),
            "redrive": queue.redrive,
        }
        for queue, age in zip(queues, ages, strict=True)
    ]
    typer.echo(json.dumps(documents, indent=2))


@app.command()
def show(
    queue: _Queue,
    *,
    environment: _Environment = "local",
    condition: _Filter = "",
    maximum: Annotated[int, typer.Option("--max", min=1, help="So many at the most.")] = 10,
    full: Annotated[bool, typer.Option("--full", help="Payloads whole.")] = False,
    as_json: _Json = False,
) -> None:
    """Look at dead letters and leave them there; a stream's are shown with their records."""
    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.dead_letters.views import print_letter

    meant = _condition(condition)
    account = open_account(environment)
    with aws_problems(account):
        found = _peek(account, _find(account, queue), meant, maximum)
        pointed_to = [_records(account, letter) for letter in found]
    documents = []
    for letter, records in zip(found, pointed_to, strict=True):
        if as_json:
            pointed = {} if records is None else {"records": records}
            documents.append({**letter.document(), **pointed})
        else:
            print_letter(letter, full=full, records=records)
    if as_json:
        typer.echo(json.dumps(documents, indent=2))
    elif not found:
        console.print("There is none.")


@app.command()
def redrive(
    queue: _Queue,
    *,
    environment: _Environment = "local",
    condition: _Filter = "",
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="Letters a second at the most.")
    ] = None,
    maximum: _Most = None,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Delete letters, too, whose records are lost and could be made anew in part only.",
        ),
    ] = False,
    dry_run: _DryRun = False,
    yes: _Yes = False,
    as_json: _Json = False,
) -> None:
    """Send dead letters back; each is deleted when its effect is acknowledged. Repeat at will."""
    from tools.dead_letters.accounts import open_account
    from tools.dead_letters.redriving import Order

    order = Order(_condition(condition), rate, maximum, dry_run, accept_loss=accept_loss)
    _carry_out(open_account(environment), queue, order, yes=yes, as_json=as_json)


@app.command()
def discard(
    queue: _Queue,
    *,
    condition: _Filter,
    environment: _Environment = "local",
    maximum: _Most = None,
    dry_run: _DryRun = False,
    yes: _Yes = False,
    as_json: _Json = False,
) -> None:
    """Delete dead letters that will never succeed; which, --filter must say. Audited."""
    from tools.dead_letters.accounts import open_account
    from tools.dead_letters.redriving import Order

    order = Order(_condition(condition), None, maximum, dry_run, discard=True)
    _carry_out(open_account(environment), queue, order, yes=yes, as_json=as_json)


@app.command()
def audit(
    *,
    environment: _Environment = "local",
    days: Annotated[int, typer.Option(min=1, help="How far back.")] = 30,
    as_json: _Json = False,
) -> None:
    """Show who redrove what, when and with what success."""
    import datetime as dt

    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.dead_letters.audit import entries_since
    from tools.dead_letters.views import print_audit

    begin = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    account = open_account(environment)
    with aws_problems(account):
        entries = list(entries_since(account, begin))
    if as_json:
        for entry in entries:
            typer.echo(json.dumps(entry))
    else:
        print_audit(entries)


def _condition(text: str) -> Condition:
    from tools.dead_letters.conditions import read_condition

    try:
        return read_condition(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"`{text}` is not JMESPath ({error}). Write for example "
            "\"contains(reason, 'throttled')\" or \"kind == 'event'\"."
        ) from None


def _find(account: Account, name: str) -> DeadLetterQueue:
    from tools.dead_letters.queues import find_queue

    try:
        return find_queue(account, name)
    except LookupError as error:
        raise typer.BadParameter(str(error)) from None


def _peek(account: Account, queue: DeadLetterQueue, meant: Condition, maximum: int) -> list[Letter]:
    from tools.dead_letters.reading import Reading

    found: list[Letter] = []
    with Reading(account.client("sqs"), queue, maximum) as reading:
        for letter in reading:
            if meant.holds(letter):
                found.append(letter)
            if len(found) == maximum:
                break
    return found


def _records(account: Account, letter: Letter) -> list[dict[str, Any]] | str | None:
    """Fetch what a stream's letter points to; or say why that is not possible."""
    from tools.dead_letters.streams import RecordsTrimmed, fetch_records, read_pointer

    if letter.trimmed:
        return (
            "the rows before and after were too large for a letter; a redrive makes the record "
            "anew from the row that its key names, as it is now"
        )
    if letter.kind != "stream-pointer":
        return None
    try:
        return fetch_records(account, read_pointer(letter.payload))
    except RecordsTrimmed:
        return (
            "the stream no longer has them (24 hours); a redrive makes anew what the tables have, "
            "and keeps the letter if that may not be all"
        )


def _carry_out(account: Account, name: str, order: Order, *, yes: bool, as_json: bool) -> None:
    from tools.dead_letters.accounts import aws_problems
    from tools.dead_letters.views import print_outcome

    with aws_problems(account):
        queue = _find(account, name)
        if not (order.dry_run or yes):
            _ask(account, queue, order)
        outcome = _run(account, queue, order)
    if as_json:
        typer.echo(json.dumps(outcome.document(), indent=2))
    else:
        print_outcome(outcome, order, queue)
    raise typer.Exit(0 if outcome.well else 1)


def _ask(account: Account, queue: DeadLetterQueue, order: Order) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("Nobody is here to be asked: say --yes, or --dry-run to look.")
    verb = "Discard" if order.discard else "Redrive"
    which = f"those that `{order.condition.text}` holds for" if order.condition.text else "all"
    question = f"{verb} dead letters of {queue.name} ({queue.depth}; {which}) in {account.place}?"
    typer.confirm(question, abort=True, err=True)


def _run(account: Account, queue: DeadLetterQueue, order: Order) -> Outcome:
    from tools.dead_letters.audit import audited
    from tools.dead_letters.redriving import Outcome, interruptible, redrive
    from tools.dead_letters.views import RedriveProgress

    entry = None
    if not order.dry_run:
        entry = audited(
            account,
            console.print,
            "discard" if order.discard else "redrive",
            environment=account.environment,
            queue=queue.name,
            filter=order.condition.text,
            rate=order.rate,
            maximum=order.maximum,
            accept_loss=order.accept_loss,
            depth=queue.depth,
        )
    outcome = Outcome()
    total = min(queue.depth, order.maximum or queue.depth)
    try:
        with interruptible() as stop, RedriveProgress(total) as progress:
            redrive(account, queue, order, stop, progress.show, outcome)
    finally:
        if entry is not None:
            entry.write("ends", **outcome.document())
    return outcome
