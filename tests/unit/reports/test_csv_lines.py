"""Changes as CSV."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

import pytest

from itemstream.reports.csv_lines import CHUNK_LINES, Change, csv_chunks


def change(**changes: Any) -> Change:
    usual = {
        "occurred_at": datetime(2026, 11, 16, 6, 0, 0, 7000),  # noqa: DTZ001 - as MySQL has it
        "kind": "item.updated",
        "item_id": "i-1",
        "version": 2,
        "category": "furniture",
        "status": "active",
        "currency": "EUR",
        "price_amount": 12900,
        "quantity": 4,
        "event_id": "i-1:2:item.updated",
    }
    return Change(**{**usual, **changes})


def read(*changes: Change) -> list[dict[str, str]]:
    text = b"".join(csv_chunks(changes)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_change_is_a_line() -> None:
    lines = b"".join(csv_chunks([change()])).decode().split("\r\n")
    assert lines == [
        "occurred_at,kind,item_id,version,category,status,currency,price_amount,quantity,event_id",
        "2026-11-16T06:00:00.007Z,item.updated,i-1,2,furniture,active,EUR,12900,4,i-1:2:item.updated",
        "",
    ]


def test_a_week_without_changes_has_its_head() -> None:
    assert b"".join(csv_chunks([])).startswith(b"occurred_at,kind,")


def test_what_a_change_does_not_tell_is_empty() -> None:
    (line,) = read(change(category=None, price_amount=None, currency=None))
    assert (line["category"], line["price_amount"], line["currency"]) == ("", "", "")


@pytest.mark.parametrize("category", ['a, "b"', "Größe 家具", "a\nb", "it's", "0", "a-b"])
def test_text_comes_back_as_it_was(category: str) -> None:
    assert read(change(category=category))[0]["category"] == category


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_is_never_a_formula(begin: str) -> None:
    # Given what a spreadsheet would run
    formula = f"{begin}cmd|' /C calc'!A0"

    # When / Then it is text
    assert read(change(category=formula))[0]["category"] == f"'{formula}"


def test_lines_come_some_hundred_at_a_time() -> None:
    # Given
    changes = (change(version=number) for number in range(CHUNK_LINES * 2 + 1))

    # When
    chunks = list(csv_chunks(changes))

    # Then
    assert [chunk.count(b"\r\n") for chunk in chunks] == [CHUNK_LINES + 1, CHUNK_LINES, 1]
