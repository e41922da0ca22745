"""One panel of a picture: a frame with a scale, and curves over a day.

In: values by the minute. Out: lines of SVG. A panel knows its place on the sheet and its scale, not what it shows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEFT, RIGHT = 64, 940
"""Where the day begins and ends on the sheet, in pixels."""

DAY_S = 86_400
STEP_MINUTES = 3
"""Minutes to a point of a curve."""

_NICE = (1, 2, 2.5, 5, 10)


def place_x(second: float) -> float:
    """Return where an instant of the day lies on the sheet."""
    return LEFT + (RIGHT - LEFT) * second / DAY_S


def nice_step(span: float, wanted: int) -> float:
    """Return a round distance between marks that gives about as many as are wanted.

    >>> nice_step(84, 4)
    25.0
    """
    rough = span / max(wanted, 1)
    size = 10.0 ** math.floor(math.log10(rough))
    return size * next(step for step in _NICE if step * size >= rough * 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A frame with a scale.

    Parameters
    ----------
    top, height : float
        Pixels.
    low, high : float
        Values at the lower and upper edge.
    step : float
        Between marks.
    """

    top: float
    height: float
    low: float
    high: float
    step: float

    def y(self, value: float) -> float:
        """Return where a value lies on the sheet."""
        return self.top + self.height * (self.high - value) / (self.high - self.low)

    def frame(self, title: str) -> list[str]:
        """Return title, marks and hours."""
        lines = [f'<text class="title" x="{LEFT}" y="{self.top - 9:.1f}">{escape(title)}</text>']
        for hour in range(0, 25, 3):
            x = place_x(hour * 3600)
            lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self.top}" y2="{self.top + self.height}"/>')
        count = round((self.high - self.low) / self.step)
        for mark in range(count + 1):
            value = self.low + mark * self.step
            name = "zero" if abs(value) < self.step / 1000 else "grid"
            y = self.y(value)
            lines += [
                f'<line class="{name}" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>',
                f'<text class="mark" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_figure(value, self.step)}</text>',
            ]
        return lines

    def hours(self) -> list[str]:
        """Return the names of the hours below the frame."""
        y = self.top + self.height + 16
        return [
            f'<text class="mark" x="{place_x(hour * 3600):.1f}" y="{y}" text-anchor="middle">{hour:02d}:00</text>'
            for hour in range(0, 25, 3)
        ]

    def curve(self, values: Floats, name: str) -> str:
        """Return a line through means of a few minutes."""
        means = values.reshape(-1, STEP_MINUTES).mean(axis=1)
        return f'<path class="{name}" d="M{_points(self._xs(len(means)), [self.y(value) for value in means])}"/>'

    def ribbon(self, low: Floats, high: Floats, name: str) -> str:
        """Return the area between two lines."""
        lows, highs = low.reshape(-1, STEP_MINUTES).min(axis=1), high.reshape(-1, STEP_MINUTES).max(axis=1)
        xs = self._xs(len(lows))
        there = _points(xs, [self.y(value) for value in highs])
        back = _points(xs[::-1], [self.y(value) for value in lows[::-1]])
        return f'<path class="{name}" d="M{there}L{back}Z"/>'

    def band(self, begin_s: float, end_s: float, name: str) -> str:
        """Return a coloured stretch of time."""
        left = place_x(begin_s)
        width = max(place_x(end_s) - left, 1.5)
        return f'<rect class="{name}" x="{left:.1f}" y="{self.top}" width="{width:.1f}" height="{self.height}"/>'

    @staticmethod
    def _xs(count: int) -> list[float]:
        return [place_x(DAY_S * (place + 0.5) / count) for place in range(count)]


def panel_for(top: float, height: float, curves: Sequence[Floats], *, with_zero: bool) -> Panel:
    """Return a panel whose scale holds all curves."""
    low, high = (float(pick(edge(curve) for curve in curves)) for pick, edge in ((min, np.min), (max, np.max)))
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9 * max(abs(high), 1.0):
        low, high = low - 1, high + 1
    step = nice_step(high - low, max(round(height / 42), 2))
    return Panel(top=top, height=height, low=math.floor(low / step) * step, high=math.ceil(high / step) * step, step=step)


def _points(xs: Sequence[float], ys: Sequence[float]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))


def _figure(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else int(step % 1 != 0)
    return f"{value + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}")
