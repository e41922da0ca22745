"""A day of a simulated installation on a terminal of 80 columns: curves in Braille, loads as bars.

In: a `Day`. Out: something rich can print.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from watthour.host.drawing.page import power_text
from watthour.host.drawing.picture import clock, energy_text, summary, unit_for
from watthour.host.terminal.tables import empty_table
from watthour.units import PHASES
from watthour.waveform.network import Day

Floats = NDArray[np.float64]

_COLUMNS = 72
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Bits of a Braille character: four rows of two dots."""

_BAR = 12


def network_day(day: Day, name: str) -> RenderableType:
    """Return a day: power, reactive power, voltages, loads and what happened."""
    total_w, total_var = day.power_w.sum(axis=0), day.reactive_var.sum(axis=0)
    low_w, high_w = day.power_range_w
    parts: list[RenderableType] = [
        Text.assemble((name, "bold"), f"  {day.date:%A} {day.date.isoformat()}"),
        Text(summary(day)),
        Text(),
        *_chart("Active power", "W", low_w, high_w, rows=9, style="cyan"),
        *_chart("Reactive power", "var", total_var, total_var, rows=4, style="magenta"),
        _phase_rows(day, total_w),
    ]
    if day.shares:
        parts.append(_load_rows(day))
    if day.happenings:
        parts.append(_happening_rows(day))
    return Group(*parts)


def _chart(title: str, unit: str, low: Floats, high: Floats, *, rows: int, style: str) -> Iterator[Text]:
    """Yield the lines of a chart: each column of dots from the least to the most of its minutes, and to zero."""
    size, prefix = unit_for(float(max(np.abs(low).max(), np.abs(high).max())))
    dots = _COLUMNS * 2
    lows = np.minimum(low.reshape(dots, -1).min(axis=1), 0.0) / size
    highs = np.maximum(high.reshape(dots, -1).max(axis=1), 0.0) / size
    bottom, top = float(lows.min()), float(max(highs.max(), lows.min() + 1e-9))
    levels = np.linspace(top, bottom, rows * 4 + 1)
    filled = (highs[np.newaxis] > levels[1:, np.newaxis]) & (lows[np.newaxis] < levels[:-1, np.newaxis])
    yield Text.assemble((f"{title}, {prefix}{unit}", "bold"))
    for row, line in enumerate(_braille(filled)):
        mark = {0: top, rows - 1: bottom}.get(row)
        label = "" if mark is None else f"{mark:.3g}".replace("-", "\N{MINUS SIGN}")
        yield Text.assemble(f"{label:>6} ", (line, style))
    hours = "".join(f"{hour:02d}".ljust(_COLUMNS // 8) for hour in range(0, 24, 3)).rstrip()
    yield Text(f"       {hours}", style="dim")


def _braille(filled: NDArray[np.bool_]) -> list[str]:
    """Return dots as lines of Braille characters."""
    rows, columns = filled.shape[0] // 4, filled.shape[1] // 2
    cells = filled.reshape(rows, 4, columns, 2)
    bits = (cells * _DOTS[np.newaxis, :, np.newaxis, :]).sum(axis=(1, 3))
    return ["".join(chr(0x2800 + int(bit)) for bit in line) for line in bits]


def _phase_rows(day: Day, total_w: Floats) -> RenderableType:
    table = empty_table("By the minute", "", "least", "mean", "most", "voltage", "from", "to")
    for phase, power, voltage in zip(PHASES, day.power_w, day.voltage_v, strict=True):
        powers = (power_text(float(value)) for value in (power.min(), power.mean(), power.max()))
        volts = (f"{value:.4g} V" if value < 1e4 else f"{value / 1e3:.4g} kV" for value in _spread(voltage))  # noqa: PLR2004
        table.add_row(phase.upper(), *powers, *volts)
    table.add_row("total", *(power_text(float(v)) for v in (total_w.min(), total_w.mean(), total_w.max())), style="bold")
    return table


def _spread(values: Floats) -> tuple[float, float, float]:
    return float(values.mean()), float(values.min()), float(values.max())


def _load_rows(day: Day) -> RenderableType:
    table = empty_table("Loads", "", "energy", "", "reactive", "highest")
    table.columns[0].overflow, table.columns[0].max_width = "ellipsis", 24
    table.columns[2].justify = "left"
    largest = max(max(share.import_wh, share.export_wh) for share in day.shares) or 1.0
    for share in day.shares:
        energy = share.import_wh - share.export_wh
        bar = "█" * round(_BAR * abs(energy) / largest) or "▏"
        style = "green" if energy < 0 else "cyan"
        reactive = energy_text(share.reactive_varh, "varh") if abs(share.reactive_varh) > 1 else ""
        table.add_row(share.name, energy_text(energy), Text(bar, style), reactive, power_text(share.highest_w))
    return table


def _happening_rows(day: Day) -> RenderableType:
    table = empty_table("What happens", "from", "to", "", left=3)
    for each in day.happenings:
        end = f"{each.end_s - each.begin_s:.3g} s" if each.end_s - each.begin_s < 60 else clock(each.end_s)  # noqa: PLR2004
        table.add_row(clock(each.begin_s), end, Text(each.what, "red" if each.is_wiring else "yellow"))
    return table
