"""`itemstream calls generate`: files as clients would send them."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from itemstream.calls.files import lines_of
from tools.calls.commands import app
from tools.calls.generator import Mix, records
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

UNTIL = dt.datetime(2026, 11, 21, 6, tzinfo=dt.UTC)


def generate(*arguments: str) -> bytes:
    result = CliRunner().invoke(app, ["generate", *arguments], catch_exceptions=True)
    if isinstance(result.exception, Problem):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


def test_one_seed_makes_the_same_file(tmp_path: Path) -> None:
    same = ["--count", "50", "--seed", "7", "--until", "2026-11-21T06:00:00Z", "--gzip"]
    for name in ("a", "b"):
        generate(*same, "--output", str(tmp_path / name))
    other = generate(*same[:3], "8", *same[4:])
    first, second = ((tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second != other
    assert len(gzip.decompress(first).splitlines()) == 50


@pytest.mark.parametrize("form", ["jsonl", "list", "json"])
@pytest.mark.parametrize("pack", [[], ["--gzip"]])
def test_every_format_can_be_read(form: str, pack: list[str]) -> None:
    count = 1 if form == "json" else 300
    written = generate("--count", str(count), "--format", form, "--broken", "0.3", *pack)
    lines = list(lines_of([written]))
    assert len(lines) == count
    assert [line.fault for line in lines] == [None] * count


def test_there_are_as_many_of_each_kind_as_asked_for() -> None:
    made = records(5000, Mix(broken=0.1, repeats=0.02), seed=1, until=UNTIL)
    kinds = Counter(record.kind for record in made)
    assert abs(kinds["broken"] - 500) < 100
    assert abs(kinds["repeat"] - 100) < 50
    assert kinds.total() == 5000


def test_the_records_are_like_those_of_real_clients() -> None:
    # Given
    calls = [json.loads(one.text) for one in records(3000, Mix(), seed=1, until=UNTIL)]
    tidy = [call for call in calls if isinstance(call["occurred_at"], str)]
    hours = Counter(dt.datetime.fromisoformat(call["occurred_at"]).hour for call in tidy)
    clients = Counter(call["client_id"].strip() for call in calls)

    # Then few clients make most calls, at day more than at night, and most calls are quick
    assert sum(count for _, count in clients.most_common(20)) > len(calls) / 2
    assert hours[16] > 2 * hours[4]
    durations = sorted(float(call["duration_ms"]) for call in calls)
    assert durations[len(durations) // 2] < 100 < durations[-30]
    moments = [dt.datetime.fromisoformat(call["occurred_at"]) for call in tidy]
    assert all(UNTIL - dt.timedelta(days=1) <= moment <= UNTIL for moment in moments)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--format", "csv"], "--format csv is none"),
        (["--format", "json"], "--count 1"),
        (["--broken", "0.6", "--repeats", "0.6"], "together at most 1"),
        (["--upload", "--output", "x"], "not both"),
        (["--until", "soon"], "--until soon"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: list[str], reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        generate("--count", "2", *arguments)
