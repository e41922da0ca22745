"""Pictures of a type test as SVG: error curves over current, and bars of the influences.

In: points. Out: SVG text that takes its colours from the page. Errors are drawn by their size on a logarithmic scale, so
that an error of a few parts per million and a limit of a percent stand in one picture, and the distance between them is
the margin.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from watthour.host.typetest.summary import parts_of
from watthour.typetest import Judged

LEFT, RIGHT, TOP, BOTTOM = 58, 12, 26, 34
PANEL_WIDTH, PANEL_HEIGHT = 352, 214
LOWEST, HIGHEST = -6, 1
"""Decades of percent on the scale: 0.01 ppm to 10 %."""

_DECADES = {-6: "0.01 ppm", -5: "0.1 ppm", -4: "1 ppm", -3: "10 ppm", -2: "0.01 %", -1: "0.1 %", 0: "1 %", 1: "10 %"}


_Place = Callable[[float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Worst errors over current.

    Parameters
    ----------
    name : str
        What the page styles it by.
    points : sequence of (float, float)
        Amperes, and percent.
    """

    name: str
    points: Sequence[tuple[float, float]]


def worst_by_current(points: Iterable[Judged], current_of: dict[int, float]) -> list[tuple[float, float]]:
    """Return the largest size of the error at each current."""
    largest: dict[int, float] = {}
    for point in points:
        place = point.point.permille
        largest[place] = max(largest.get(place, 0.0), abs(point.error_percent))
    return [(current_of[place], error) for place, error in sorted(largest.items())]


def decade(percent: float) -> float:
    """Return where a size lies between the ends of the scale, 0 to 1.

    >>> decade(10.0), decade(1e-9)
    (1.0, 0.0)
    """
    place = math.log10(max(abs(percent), 1e-12))
    return min(max((place - LOWEST) / (HIGHEST - LOWEST), 0.0), 1.0)


def curve_panel(title: str, curves: Sequence[Curve], limits: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> str:
    """Return one panel: worst errors over current, and the limits as steps.

    Parameters
    ----------
    limits : sequence of (name, points)
        Amperes and percent of each standard's limit.
    """
    currents = sorted({current for curve in curves for current, _ in curve.points})
    low, high = math.log10(currents[0]) - 0.08, math.log10(currents[-1]) + 0.08

    def x(current: float) -> float:
        return LEFT + (PANEL_WIDTH - LEFT - RIGHT) * (math.log10(current) - low) / (high - low)

    def y(percent: float) -> float:
        return PANEL_HEIGHT - BOTTOM - (PANEL_HEIGHT - TOP - BOTTOM) * decade(percent)

    lines = [f'<text class="title" x="{LEFT}" y="15">{escape(title)}</text>', *_scale(y), *_currents(currents, x)]
    lines += [_steps(name, points, x, y) for name, points in limits]
    for curve in curves:
        path = "L".join(f"{x(current):.1f} {y(error):.1f}" for current, error in curve.points)
        lines.append(f'<path class="{curve.name}" d="M{path}"/>')
        lines += [
            _dot(curve.name, x(current), y(error), f"{current:g} A: {parts_of(error)}") for current, error in curve.points
        ]
    return _svg(PANEL_WIDTH, PANEL_HEIGHT, title, lines)


def _dot(name: str, x: float, y: float, words: str) -> str:
    return f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="2.6"><title>{escape(words)}</title></circle>'


def _scale(y: _Place) -> Iterator[str]:
    for power in range(LOWEST, HIGHEST + 1):
        at = y(10.0**power)
        yield f'<line class="grid" x1="{LEFT}" x2="{PANEL_WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield f'<text class="mark" x="{LEFT - 6}" y="{at + 3.6:.1f}" text-anchor="end">{_DECADES[power]}</text>'


def _currents(currents: Sequence[float], x: _Place) -> Iterator[str]:
    bottom = PANEL_HEIGHT - BOTTOM
    right = -1e9
    for current in currents:
        at = x(current)
        yield f'<line class="tick" x1="{at:.1f}" x2="{at:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
        text = f"{current:g}"
        if at - right > 7.0 * len(text):
            yield f'<text class="mark" x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>'
            right = at + 3.5 * len(text)
    yield f'<text class="mark" x="{PANEL_WIDTH - RIGHT}" y="{PANEL_HEIGHT - 4}" text-anchor="end">A</text>'


def _steps(name: str, points: Sequence[tuple[float, float]], x: _Place, y: _Place) -> str:
    """Return a limit as steps: each holds halfway to its neighbours."""
    xs = [x(current) for current, _ in points]
    edges = [xs[0] - 6, *((one + other) / 2 for one, other in pairwise(xs)), xs[-1] + 6]
    path = "".join(
        f"{'L' if place else 'M'}{edges[place]:.1f} {y(limit):.1f}H{edges[place + 1]:.1f}"
        for place, (_, limit) in enumerate(points)
    )
    return f'<path class="{name}" d="{path}"/>'


BAR_WIDTH, BAR_LEFT, BAR_STEP = 1080, 470, 22


def influence_bars(rows: Sequence[tuple[str, float, float, bool]]) -> str:
    """Return a bar for each influence: by how much the error changes, and the limit.

    Parameters
    ----------
    rows : sequence of (words, percent, limit percent, checked)
        `checked` is False where the limit is not yet checked against the standard's text, or ours.
    """
    height = TOP + len(rows) * BAR_STEP + 12

    def x(percent: float) -> float:
        return BAR_LEFT + (BAR_WIDTH - BAR_LEFT - 100) * decade(percent)

    lines = []
    for power in range(LOWEST, HIGHEST + 1):
        at = x(10.0**power)
        lines += [
            f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP - 4}" y2="{height - 8}"/>',
            f'<text class="mark" x="{at:.1f}" y="14" text-anchor="middle">{_DECADES[power]}</text>',
        ]
    for place, (words, percent, limit, checked) in enumerate(rows):
        top = TOP + place * BAR_STEP
        passed = abs(percent) <= limit
        lines += [
            f'<text class="key" x="{BAR_LEFT - 10}" y="{top + 13}" text-anchor="end">{escape(words)}</text>',
            _bar("bar" if passed else "bad", top + 3, x(percent) - BAR_LEFT, parts_of(percent)),
            _mark("limit" if checked else "limit unchecked", top, x(limit)),
            f'<text class="figure" x="{BAR_WIDTH - 4}" y="{top + 13}" text-anchor="end">{escape(parts_of(percent))}</text>',
        ]
    return _svg(BAR_WIDTH, height, "influences", lines)


def _bar(name: str, top: float, width: float, words: str) -> str:
    size = f'x="{BAR_LEFT}" y="{top}" width="{max(width, 1.5):.1f}" height="13" rx="2"'
    return f'<rect class="{name}" {size}><title>{escape(words)}</title></rect>'


def _mark(name: str, top: float, x: float) -> str:
    return f'<line class="{name}" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + 19}"/>'


def _svg(width: int, height: int, title: str, lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{escape(title)}">\n{body}\n</svg>'
