"""A day of an installation as one SVG picture: power, reactive power, voltages, and what happened.

In: a `Day`. Out: SVG text that needs nothing else. The phases have the colours of their conductors (IEC 60446:
brown, black, grey).
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from watthour.host.drawing.panel import LEFT, RIGHT, Panel, panel_for, place_x
from watthour.units import PHASES
from watthour.waveform.network import Day

WIDTH = 980
_TOP = 92
_POWER, _REACTIVE, _VOLTAGE = 240, 130, 120
_BETWEEN = 46
_LANE = 24
_LETTER = 6.2
"""Pixels of a letter of the lanes, about."""

STYLE = """
svg { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; background: #ffffff }
text { fill: #22303c }
.head { font-size: 19px; font-weight: 600 } .sub { fill: #51606d; font-size: 13px }
.title { font-weight: 600; font-size: 13px } .mark { fill: #51606d; font-size: 11px } .key { font-size: 12px }
.grid { stroke: #e3e8ec; stroke-width: 1 } .zero { stroke: #8d99a3; stroke-width: 1.2 }
path { fill: none; stroke-width: 1.5; stroke-linejoin: round }
.total { stroke: #00695c; stroke-width: 2.2 } .ribbon { fill: #00695c; fill-opacity: 0.16; stroke: none }
.l1 { stroke: #9a5b1f } .l2 { stroke: #1b1b1b } .l3 { stroke: #98a2ab }
.fault { fill: #d32f2f; fill-opacity: 0.13 } .event { fill: #f9a825; fill-opacity: 0.85 }
.faultbar { fill: #d32f2f } .eventbar { fill: #c17900 } .lane { font-size: 11.5px }
"""

_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def unit_for(largest: float) -> tuple[float, str]:
    """Return the divisor and prefix in which a quantity is told.

    >>> unit_for(84_000.0)
    (1000.0, 'k')
    """
    return next((size, prefix) for size, prefix in _UNITS if abs(largest) >= size or size == 1.0)


def energy_text(energy_wh: float, unit: str = "Wh") -> str:
    """Return an energy in four figures.

    >>> energy_text(765_586.0)
    '765.6 kWh'
    """
    size, prefix = unit_for(energy_wh)
    value = energy_wh / size
    decimals = max(0, 4 - len(str(int(abs(value))))) if size > 1 else 0
    return f"{value:.{decimals}f} {prefix}{unit}".replace("-", "\N{MINUS SIGN}")


def summary(day: Day) -> str:
    """Return the energy of a day in words; what the meter sees too, where the wiring makes a difference."""
    text = f"import {energy_text(day.import_wh)}, export {energy_text(day.export_wh)}"
    if abs(day.seen_import_wh - day.import_wh) + abs(day.seen_export_wh - day.export_wh) < 1:
        return text
    return f"{text}; as it is wired the meter sees {energy_text(day.seen_import_wh)} and {energy_text(day.seen_export_wh)}"


def day_picture(day: Day, name: str) -> str:
    """Return a day as SVG.

    Parameters
    ----------
    name : str
        Of the installation, for the head.
    """
    panels = _panels(day)
    bottom = panels[-1][0].top + panels[-1][0].height + 34
    lanes = _lanes(day, bottom)
    height = bottom + len(lanes[1]) * _LANE + 10
    body = [*_head(day, name), *lanes[0]]
    for panel, lines in panels:
        body += [*_bands(day, panel), *lines]
    body += panels[-1][0].hours()
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}">',
            f"<title>{escape(name)}, {day.date.isoformat()}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
            *body,
            "</svg>\n",
        ]
    )


def _head(day: Day, name: str) -> list[str]:
    lines = [
        f'<text class="head" x="{LEFT}" y="30">{escape(name)}</text>',
        f'<text class="sub" x="{LEFT}" y="52">{day.date:%A} {day.date.isoformat()}: {escape(summary(day))}</text>',
    ]
    x = RIGHT - 250.0
    for key in ("total", *PHASES):
        lines += [
            f'<path class="{key}" d="M{x:.0f} 79h22"/>',
            f'<text class="key" x="{x + 28:.0f}" y="83">{key if key == "total" else key.upper()}</text>',
        ]
        x += 78 if key == "total" else 58
    return lines


def _panels(day: Day) -> list[tuple[Panel, list[str]]]:
    """Return the three panels and what stands in them."""
    total_w, total_var = day.power_w.sum(axis=0), day.reactive_var.sum(axis=0)
    low, high = day.power_range_w
    size, prefix = unit_for(float(np.abs(day.power_range_w).max()))
    power = panel_for(_TOP + 14, _POWER, [low / size, high / size, day.power_w / size], with_zero=True)
    power_lines = [
        *power.frame(f"Active power, {prefix}W (the band: least and most of a second)"),
        power.ribbon(low / size, high / size, "ribbon"),
        *_phases(power, day.power_w / size),
        power.curve(total_w / size, "total"),
    ]
    size, prefix = unit_for(max(float(np.abs(total_var).max()), float(np.abs(day.reactive_var).max())))
    reactive = panel_for(power.top + _POWER + _BETWEEN, _REACTIVE, [total_var / size, day.reactive_var / size], with_zero=True)
    reactive_lines = [
        *reactive.frame(f"Reactive power, {prefix}var (positive: inductive)"),
        *_phases(reactive, day.reactive_var / size),
        reactive.curve(total_var / size, "total"),
    ]
    size, prefix = unit_for(float(day.voltage_v.max()) / 10)
    voltage = panel_for(reactive.top + _REACTIVE + _BETWEEN, _VOLTAGE, [day.voltage_v / size], with_zero=False)
    voltage_lines = [*voltage.frame(f"Voltage to neutral, {prefix}V"), *_phases(voltage, day.voltage_v / size)]
    return [(power, power_lines), (reactive, reactive_lines), (voltage, voltage_lines)]


def _phases(panel: Panel, values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> list[str]:
    return [panel.curve(row, phase) for row, phase in zip(values, PHASES, strict=True)]


def _bands(day: Day, panel: Panel) -> list[str]:
    """Return what happened, as coloured stretches behind the curves."""
    return [panel.band(each.begin_s, each.end_s, "fault" if each.is_wiring else "event") for each in day.happenings]


def _lanes(day: Day, top: float) -> tuple[list[str], Sequence[float]]:
    """Return what happened in words, each on the first line where there is room, and how far each line is filled."""
    lines: list[str] = []
    filled: list[float] = []
    for each in day.happenings:
        text = f"{clock(each.begin_s)} {each.what}"
        left, right = place_x(each.begin_s), place_x(each.end_s)
        begin = min(left, RIGHT - _LETTER * len(text))
        end = max(right, begin + _LETTER * len(text)) + 14
        row = next((row for row, until in enumerate(filled) if until <= min(begin, left)), len(filled))
        filled[row : row + 1] = [end]
        y = top + row * _LANE
        lines += [
            _bar("faultbar" if each.is_wiring else "eventbar", left, max(right - left, 2.5), y),
            f'<text class="lane" x="{begin:.1f}" y="{y + 16:.1f}">{escape(text)}</text>',
        ]
    return lines, filled


def _bar(name: str, left: float, width: float, top: float) -> str:
    return f'<rect class="{name}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="4"/>'


def clock(second: float) -> str:
    """Return an instant of the day as hours and minutes, and seconds where it has any.

    >>> clock(36_900.0), clock(50_600.4)
    ('10:15', '14:03:20')
    """
    minutes, seconds = divmod(int(second), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")
