"""What the panel draws: the instrument, phasors, waves, the load of a day. Each takes what is shown and gives a text."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from rich.text import Text

from watthour.face import Cell, Cursor, Lcd, Symbol, Trace
from watthour.history import ProfileRow
from watthour.host.drawing.calendar_year import rate_colours
from watthour.host.terminal.figures import figure
from watthour.host.terminal.panel.canvas import Canvas
from watthour.host.terminal.panel.lamps import Lamps
from watthour.tariff import Calendar, day_start_ns, local_day, zone_of
from watthour.units import HARMONIC_ORDERS, MICRO, NANOSECONDS, PHASES, RATES, SECONDS_PER_HOUR
from watthour.view import Number, View

PHASE_STYLES = ("#d38b4a", "bright_white", "#8b98a3")
"""Brown, black (white on a dark screen), grey: the conductors' (IEC 60445)."""

GLASS, GLASS_DARK = "#16211a on #b7c8a6", "#16211a on #6f7a69"
_GHOST, _GHOST_DARK = "#a3b392 on #b7c8a6", "#646e5e on #6f7a69"
GLASS_WIDTH = 50

_SIGNS: Mapping[Symbol, str] = {
    Symbol.L1: "L1 ", Symbol.L2: "L2 ", Symbol.L3: "L3 ", Symbol.FORWARD: "↻", Symbol.REVERSED: "↺ ", Symbol.EXPORT: "←",
    Symbol.IMPORT: "→ ", Symbol.Q1: "I ", Symbol.Q2: "II ", Symbol.Q3: "III ", Symbol.Q4: "IV ", Symbol.T1: "T1",
    **{Symbol(f"T{n}"): str(n) for n in range(2, 8)}, Symbol.T8: "8 ", Symbol.WARNING: "! ", Symbol.SETTING: "SET ",
    Symbol.SEALED: "▣",
}  # fmt: skip


def glass(lcd: Lcd, *, flash: bool) -> Text:
    """Return the glass: signs, digits of three lines, a line of words.

    Parameters
    ----------
    flash : bool
        Whether what flashes is dark just now.
    """
    on, ghost = (GLASS, _GHOST) if lcd.lit else (GLASS_DARK, _GHOST_DARK)
    signs = Text(" ", on)
    for symbol, word in _SIGNS.items():
        signs.append(word, on if symbol in lcd.symbols else ghost)
    shown = [
        Cell() if flash and (lcd.cursor == Cursor.ALL or (lcd.cursor == Cursor.ONE and place == lcd.cursor_cell)) else cell
        for place, cell in enumerate(lcd.cells)
    ]
    rows = ["".join(_row(cell, row) for cell in shown) for row in range(3)]
    legends = (f" {lcd.legend:<8}", " " * 9, " " * 9)
    units = ("", "", f" {lcd.unit}")
    digits = [_filled(Text(legend + row + unit, on), on) for legend, row, unit in zip(legends, rows, units, strict=True)]
    place = f"{lcd.place + 1}/{lcd.places}" if lcd.places > 1 else ""
    room = GLASS_WIDTH - len(place) - 3
    words = lcd.words if len(lcd.words) <= room else f"{lcd.words[: room - 1]}…"
    below = Text(f" {words:<{room}} {place} ", on)
    return Text("\n").join([_filled(signs, on), *digits, _filled(below, on)])


def _row(cell: Cell, row: int) -> str:
    """Return one of the three lines of a cell, four characters wide with the point."""
    a, b, c, d, e, f, g = (bool(cell.segments >> bit & 1) for bit in range(7))
    left, middle, right = ((False, a, False), (f, g, b), (e, d, c))[row]
    point = "." if row == 2 and cell.point else " "  # noqa: PLR2004 - the last line
    return f"{'|' if left else ' '}{'_' if middle else ' '}{'|' if right else ' '}{point}"


def _filled(line: Text, style: str) -> Text:
    line.append(" " * max(0, GLASS_WIDTH - line.cell_len), style)
    return line


def lamps(now: Lamps, untold: str = "") -> Text:
    """Return the LEDs: lit where a pulse flashes, and steadily below the cut-off.

    Parameters
    ----------
    untold : str
        What to say where the meter does not tell its pulses.
    """
    if not (now.are_told or now.steady) and untold:
        return Text(f" {untold}", "dim")
    text = Text(" ")
    for lamp, label in ((now.kwh, "4000 imp/kWh"), (now.kvarh, "4000 imp/kvarh")):
        text.append("●", "bright_red bold" if now.steady or lamp.lit else "#5a2320").append(f" {label}    ")
    return text


def harmonics(values: Mapping[str, Number], columns: int, rows: int) -> Text:
    """Return bars of the harmonics of each channel, as far as there is room; nothing where they are not told."""
    channels = [(f"{symbol}{place}", f"{stem}_{phase}", PHASE_STYLES[place - 1]) for stem, symbol in (("voltage", "U"), ("current", "I"))
                for place, phase in enumerate(PHASES, 1)]  # fmt: skip
    told = [(symbol, name, style) for symbol, name, style in channels if values.get(f"thd_{name}_percent") is not None]
    text = Text()
    if not told:
        return text
    orders = [order for order in HARMONIC_ORDERS if order % 2][: max(1, (columns - 16) // 3)]
    text.append(f"{'order':<14} " + "".join(f"{order:>3}" for order in orders), "dim")
    for symbol, name, style in told[: rows - 1]:
        shares = [float(values.get(f"{name}_h{order}_percent") or 0.0) for order in orders]
        most = max(*shares, 1.0)
        text.append(f"\n{symbol}  THD {float(values[f'thd_{name}_percent'] or 0):5.1f} % ", style)
        for share in shares:
            text.append(f"  {_EIGHTHS[min(8, math.ceil(8 * share / most))]}", style)
    return text


def phasors(values: Mapping[str, Number], columns: int, rows: int) -> Text:
    """Return voltages and currents of the fundamental as arrows, the longest of each kind reaching the rim."""
    canvas = Canvas(columns, rows)
    middle_x, middle_y = canvas.width / 2, canvas.height / 2
    reach = min(middle_x, middle_y) - 3
    for degree in range(0, 360, 6):
        canvas.dot(
            middle_x + reach * math.cos(math.radians(degree)), middle_y - reach * math.sin(math.radians(degree)), "#4d565d"
        )
    for stem, end, symbol, part in (("current", "_a", "I", 0.62), ("voltage", "_v", "U", 0.96)):
        sizes = [float(values.get(f"{stem}_{phase}{end}") or 0.0) for phase in PHASES]
        longest = max(sizes)
        for place, phase in enumerate(PHASES):
            angle = values.get(f"{stem}_angle_{phase}_deg")
            if angle is None or not sizes[place]:
                continue
            turn, length = math.radians(float(angle)), reach * part * sizes[place] / longest
            x, y = middle_x + length * math.cos(turn), middle_y - length * math.sin(turn)
            canvas.line(middle_x, middle_y, x, y, PHASE_STYLES[place])
            canvas.write(x + 4 * math.cos(turn) - 1, y - 4 * math.sin(turn), f"{symbol}{place + 1}", PHASE_STYLES[place])
    return canvas.text()


def waves(trace: Trace, columns: int, rows: int) -> Text:
    """Return two cycles: voltages in the upper half, currents in the lower."""
    canvas = Canvas(columns, rows)
    half = canvas.height / 2
    for top, channels in ((0.0, trace.voltages_v), (half, trace.currents_a)):
        peak = max(max(map(abs, row)) for row in channels) or 1.0
        for place, row in enumerate(channels):
            points = [
                (k * (canvas.width - 1) / (len(row) - 1), top + half / 2 - (half / 2 - 1) * value / peak)
                for k, value in enumerate(row)
            ]
            for (x0, y0), (x1, y1) in pairwise(points):
                canvas.line(x0, y0, x1, y1, PHASE_STYLES[place])
    canvas.write(0, 0, f"{max(map(max, trace.voltages_v)):.0f} V", "dim")
    canvas.write(0, half, f"{max(map(max, trace.currents_a)):.3g} A", "dim")
    return canvas.text()


_EIGHTHS = " ▁▂▃▄▅▆▇█"


def load_curve(view: View, calendar: Calendar | None, columns: int, rows: int) -> Text:
    """Return the load of the newest day, a column or more each interval in the colour of its rate; nothing where none is known."""
    clock = zone_of("UTC" if calendar is None else calendar.zone)
    kept = [*view.profile.since(max(0, len(view.profile) - 200)), *([] if view.open_row is None else [view.open_row])]
    metered = [row for row in kept if row.metered_ns]
    if not metered:
        return Text()
    day = local_day(clock, metered[-1].start_ns)
    begin_ns, end_ns = day_start_ns(clock, day), day_start_ns(clock, day + timedelta(days=1))
    mine = [row for row in metered if begin_ns <= row.start_ns < end_ns]
    powers = [_power_w(row) for row in mine]
    most = max(*powers, 1.0)
    colours = rate_colours(len(RATES) if calendar is None else len(calendar.rates))
    bars: dict[int, tuple[float, str]] = {}
    for row, power in zip(mine, powers, strict=True):
        first = (row.start_ns - begin_ns) * columns // (end_ns - begin_ns)
        last = max(first + 1, (row.end_ns - begin_ns) * columns // (end_ns - begin_ns))
        colour = colours[min(row.rates[0], len(colours)) - 1] if row.rates else "white"
        bars |= dict.fromkeys(range(first, last), (power / most, colour))
    lines = [_level(bars, columns, rows, level) for level in range(rows - 1, -1, -1)]
    marks = Text("".join(f"{hour:02d}".ljust(columns // 8) for hour in range(0, 24, 3))[:columns], "dim")
    title = Text(f"{day.isoformat()}  most {figure(max(powers), 'W')}", "dim")
    return Text("\n").join([title, *lines, marks])


def _level(bars: Mapping[int, tuple[float, str]], columns: int, rows: int, level: int) -> Text:
    line = Text()
    for column in range(columns):
        part, colour = bars.get(column, (0.0, ""))
        eighths = min(8, max(0, round((part * rows - level) * 8)))
        line.append(_EIGHTHS[eighths], colour)
    return line


def _power_w(row: ProfileRow) -> float:
    return row.energies[0] / MICRO * SECONDS_PER_HOUR * NANOSECONDS / row.metered_ns


def headline(view: View, name: str, lines: Sequence[str]) -> Text:
    """Return what meter it is, and what stands against it."""
    text = Text.assemble((name, "bold"), f"  serial {view.serial}")
    for line in lines:
        text.append(f"\n{line}", "yellow")
    return text
