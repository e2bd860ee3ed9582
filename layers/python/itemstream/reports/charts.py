"""Charts as geometry: where bars and texts are. A template draws them as SVG.

They are narrow, 360 units, so that a phone shows them at the size at which they are written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itemstream.reports.comparison import Compared

__all__ = ["Bar", "Chart", "Column", "Marker", "Text", "columns", "rows"]

WIDTH = 360.0
LEFT, RIGHT, TOP = 40.0, 6.0, 8.0
PLOT_HEIGHT, AXIS_HEIGHT = 160.0, 34.0
ROW_HEIGHT, ROW_BAR = 38.0, 14.0
# Room for the number behind a row's bar.
NUMBER_WIDTH = 62.0
LABEL_CHARACTERS = 44
TICKS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of a series; `title` is what it says when it is asked."""

    x: float
    y: float
    width: float
    height: float
    series: str
    title: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A line where the week before was."""

    x1: float
    y1: float
    x2: float
    y2: float
    title: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `anchor` is SVG's."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """
    A chart.

    Parameters
    ----------
    title, description
        For whoever hears it instead of seeing it.
    width, height
        Of its view box.
    lines
        Heights of the lines across.
    bars, markers, texts
        What to draw.
    series
        Series in it → their names, in the order of a legend; a chart of one series needs none.
    """

    title: str
    description: str
    width: float
    height: float
    lines: list[float]
    bars: list[Bar]
    markers: list[Marker]
    texts: list[Text]
    series: dict[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its label in two lines, its total, and series → value."""

    label: tuple[str, str]
    name: str
    total: Compared
    values: dict[str, int]


def columns(title: str, description: str, series: dict[str, str], data: Sequence[Column]) -> Chart:
    """Stack values on each other, a column for each day, with the same day a week before."""
    highest = max([1, *(max(one.total.now, one.total.before or 0) for one in data)])
    step = _step(highest)
    top = step * math.ceil(highest / step)
    base = TOP + PLOT_HEIGHT
    bars: list[Bar] = []
    markers: list[Marker] = []
    texts: list[Text] = []
    lines: list[float] = []
    for number in range(top // step + 1):
        y = _round(base - PLOT_HEIGHT * number * step / top)
        lines.append(y)
        texts.append(Text(LEFT - 6, y + 4, short(number * step), "end"))
    slot = (WIDTH - LEFT - RIGHT) / max(len(data), 1)
    for number, column in enumerate(data):
        x, y = LEFT + slot * number + slot * 0.18, base
        for key, name in series.items():
            if value := column.values.get(key, 0):
                height = PLOT_HEIGHT * value / top
                y -= height
                bars.append(
                    Bar(
                        _round(x),
                        _round(y),
                        _round(slot * 0.64),
                        _round(height),
                        key,
                        f"{column.name}: {value:,} {name}",
                    )
                )
        before = column.total.before or 0
        height = _round(base - PLOT_HEIGHT * before / top)
        markers.append(
            Marker(
                _round(x - slot * 0.09),
                height,
                _round(x + slot * 0.73),
                height,
                f"{column.name}: {before:,} a week before",
            )
        )
        middle = _round(x + slot * 0.32)
        texts.append(Text(middle, base + 15, column.label[0], "middle"))
        texts.append(Text(middle, base + 29, column.label[1], "middle"))
    return Chart(title, description, WIDTH, base + AXIS_HEIGHT, lines, bars, markers, texts, series)


def rows(title: str, description: str, data: Sequence[tuple[str, Compared]]) -> Chart:
    """Lay a bar for each name, with the week before."""
    highest = max([1, *(max(value.now, value.before or 0) for _, value in data)])
    room = WIDTH - NUMBER_WIDTH
    bars: list[Bar] = []
    markers: list[Marker] = []
    texts: list[Text] = []
    for number, (name, value) in enumerate(data):
        y = TOP + ROW_HEIGHT * number
        width = _round(room * value.now / highest)
        label = name if len(name) <= LABEL_CHARACTERS else f"{name[: LABEL_CHARACTERS - 1]}…"
        texts.append(Text(0, y + 10, label))
        bars.append(Bar(0, y + 16, width, ROW_BAR, "only", f"{name}: {value.now:,}"))
        before = value.before or 0
        x = _round(room * before / highest)
        title_before = f"{name}: {before:,} the week before"
        markers.append(Marker(x, y + 13, x, y + 16 + ROW_BAR + 3, title_before))
        texts.append(Text(max(width, x) + 6, y + 28, f"{value.now:,}", strong=True))
    return Chart(
        title,
        description,
        WIDTH,
        TOP + ROW_HEIGHT * len(data),
        [],
        bars,
        markers,
        texts,
        {},
    )


def short(value: int) -> str:
    """Write a number in few characters, such as ``1.5 k``."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + f" {unit}"
    return str(value)


def _step(highest: int) -> int:
    """Return a round distance of lines of which four or so reach the highest value."""
    rough = highest / TICKS
    size = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    step: float = next(step for step in (1, 2, 5, 10) if step * size >= rough)
    return max(1, int(step * size))


def _round(value: float) -> float:
    # Two digits are finer than any screen, and the same on every machine.
    return round(value, 2)
