"""The page of a report: whole in itself, safe whatever values hold, and open to everybody."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from itemstream.reports.figures import CategoryFigures
from itemstream.reports.money import money
from itemstream.reports.pages import Pages
from tests.fakes.reports import HOSTILE, nothing, request, summary
from tools.project import ROOT

pages = Pages(ROOT / "scheduled" / "report_templates")


class Page(HTMLParser):
    """Collects what a page holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside: list[str] = []
        self.tables: list[list[str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside.append(tag)
        if tag == "tr":
            self.tables.append([])

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self.inside:
            return
        self.text += data
        if self.tables and data.strip() and {"td", "th"} & set(self.inside):
            self.tables[-1].append(data.strip())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_page_tells_what_the_summary_says() -> None:
    page = Page(pages.render(summary()))
    assert "Monday 16 November 2026 to Sunday 22 November 2026" in page.text
    rows = page.tables
    assert ["Items created", "8", "4", "+4 (+100.0 %)"] in rows
    assert ["All", "30", "15", "+15 (+100.0 %)"] in rows
    assert ["furniture", "8", "4", "+4 (+100.0 %)"] in rows
    assert ["no category", "2", "0", "+2 (new)"] in rows
    assert [
        *("EUR", "20", "+10 (+100.0 %)", "200", "+100 (+100.0 %)"),
        *("2,469.12", "+1,234.56 (+100.0 %)"),
    ] in rows
    assert ["JPY", "1", "no change", "2", "no change", "3,000", "no change"] in rows
    assert ["Ready", "10", "5", "+5 (+100.0 %)"] in rows
    (failed,) = [row for row in rows if row[:2] == ["Server error", "20"]]
    # Calls, then three percentiles, each with how it differs.
    assert failed[2:4] == ["+10 (+100.0 %)", "2,019 ms"]
    assert len(failed) == 9


def test_of_the_same_figures_the_page_is_the_same() -> None:
    again = request(id="another", requested_at="2026-12-24T18:00:00.000Z")
    assert pages.render(summary()) == pages.render(summary(request=again))


def test_a_week_that_is_not_over_says_so() -> None:
    early = request(requested_at="2026-11-19T12:30:00.000Z")
    assert "ends on Thursday 19 November 2026, 12:30 UTC" in pages.render(summary(request=early))
    assert "was not over" not in pages.render(summary())


def test_it_says_that_more_may_come_to_be_known() -> None:
    assert "what was known when it was made" in Page(pages.render(summary())).text


@pytest.mark.parametrize("value", [HOSTILE, '"><img src=x onerror=alert(1)>', "</title></svg>"])
def test_values_stay_text(value: str) -> None:
    # Given a category and a tenant that would be markup
    report = summary(request=request(tenant=value), categories=[CategoryFigures(value, 1, 1)])

    # When
    page = Page(pages.render(report))

    # Then
    assert not page.of("script")
    assert not page.of("img")
    assert [value, "1", "1", "no change"] in page.tables
    assert f"{value}: week 2026-W47" in page.text


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    html = pages.render(summary())
    page = Page(html)
    for forbidden in ("script", "link", "img", "iframe", "object", "base", "form"):
        assert not page.of(forbidden), forbidden
    for tag, attributes in page.elements:
        for name in attributes:
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "href", "style", "action"}, (tag, name)
    assert not re.search(r"url\(|@import|https?:", html)


def test_the_policy_lets_nothing_in_but_the_pages_own_style() -> None:
    html = pages.render(summary())
    (policy,) = [
        attributes["content"]
        for attributes in Page(html).of("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_every_chart_can_be_heard_and_read_as_a_table() -> None:
    html = pages.render(summary())
    charts = re.findall(r'<svg viewBox="[^"]*" role="img".*?</svg>', html, re.DOTALL)
    assert len(charts) == 4
    for chart in charts:
        drawn = ET.fromstring(chart)  # noqa: S314 - our own
        named = str(drawn.get("aria-labelledby")).split()
        ids = {element.get("id"): element for element in drawn.iter() if element.get("id")}
        assert [ids[name].tag for name in named] == ["title", "desc"]
        assert all((ids[name].text or "").strip() for name in named)
        shapes = list(drawn.iter("rect"))
        assert shapes
        assert all(shape.find("title") is not None for shape in shapes)
    assert len(Page(html).of("caption")) == len(Page(html).of("table")) == 8
    # The chart's numbers stand in a table.
    assert "<title>Monday 16 November: 8 items created</title>" in html
    assert any(row[:2] == ["Monday 16 November", "8"] for row in Page(html).tables)


def test_an_empty_week_has_a_page_too() -> None:
    html = pages.render(summary(figures=nothing(), before=nothing(), categories=[]))
    assert "There are no items." in html
    assert "There were no calls." in html
    assert "No item was created or updated." in html


@pytest.mark.parametrize(
    ("scheme", "pattern"),
    [
        ("light", r":root \{(.*?)\}"),
        ("dark", r"prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}"),
        ("print", r"@media print \{\s*:root \{(.*?)\}"),
    ],
)
def test_colours_can_be_told_from_the_page(scheme: str, pattern: str) -> None:
    # Given
    style = (ROOT / "scheduled" / "report_templates" / "report.css").read_text()
    found = re.search(pattern, style, re.DOTALL)
    assert found is not None
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", found[1]))

    # Then texts and shapes have the contrasts of WCAG 2.2, AA
    for ground in ("page", "panel"):
        assert contrast(colours["text"], colours[ground]) >= 4.5
        assert contrast(colours["quiet"], colours[ground]) >= 4.5
    for shape in ("only", "one", "two", "three", "four", "five", "marker"):
        assert contrast(colours[shape], colours["page"]) >= 3, (scheme, shape)


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (123456, "EUR", "1,234.56"),
        (5, "EUR", "0.05"),
        (-5, "EUR", "-0.05"),
        (1234, "JPY", "1,234"),
        (1234567, "KWD", "1,234.567"),
        (100, "XYZ", "1.00"),
    ],
)
def test_money_is_written_in_major_units(amount: int, currency: str, written: str) -> None:
    assert money(amount, currency) == written
