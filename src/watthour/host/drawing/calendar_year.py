"""The year of a calendar as one SVG picture: days across, hours down, a colour for each rate.

In: a `Year` and its calendar. Out: SVG text that needs nothing else. Switches are drawn to the second.
"""

from collections.abc import Iterator
from datetime import date
from html import escape

from watthour.host.drawing.panel import DAY_S, LEFT, RIGHT
from watthour.host.drawing.picture import WIDTH
from watthour.tariff import Calendar, Year
from watthour.units import SECONDS_PER_HOUR

PALETTE = ("#a50f2b", "#e2592b", "#f29a3c", "#f6d55c", "#b5cf74", "#5cb08c", "#3b86b9", "#2b4a86")
"""From the dearest to the cheapest, as calendars number their rates; the hues differ in lightness too."""

NO_RATE_COLOUR = "#d9dde1"
TOP, HEIGHT = 92, 384

STYLE = """
svg { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; background: #ffffff }
text { fill: #22303c }
.head { font-size: 19px; font-weight: 600 } .sub { fill: #51606d; font-size: 13px }
.mark { fill: #51606d; font-size: 11px } .key { font-size: 12.5px }
.grid { stroke: #22303c; stroke-width: 0.6; stroke-opacity: 0.28 } .month { stroke: #ffffff; stroke-width: 1.2 }
.frame { fill: none; stroke: #8d99a3 } path, .swatch { shape-rendering: crispEdges }
"""

_KEY_WIDTH, _KEYS_A_ROW = 219, 4


def rate_colours(count: int) -> list[str]:
    """Return the colours of a calendar's rates, spread over the palette.

    >>> rate_colours(2)
    ['#a50f2b', '#2b4a86']
    """
    if count == 1:
        return [PALETTE[-2]]
    return [PALETTE[round(place * (len(PALETTE) - 1) / (count - 1))] for place in range(count)]


def rate_words(calendar: Calendar, rate: int) -> str:
    """Return what a rate is called; both names where a calendar follows that calls it otherwise; 0 is no rate."""
    if rate == 0:
        return "no rate"
    both = (calendar, *(() if calendar.passive is None else (calendar.passive.calendar,)))
    names = dict.fromkeys(each.rates[rate - 1] for each in both if rate <= len(each.rates))
    return " / ".join(names)


def hours_text(time_s: float) -> str:
    """Return a duration in hours.

    >>> hours_text(3_600 * 1234.5), hours_text(3_600 * 8760)
    ('1234.5 h', '8760 h')
    """
    return f"{round(time_s / SECONDS_PER_HOUR, 2):.10g} h"


def shown_rates(year: Year) -> list[int]:
    """Return the rates of a legend: all of the calendar, and 0 where some of the year is outside its dates."""
    return [rate for rate in range(len(year.time_s)) if rate or year.time_s[0].any()]


def colour_of(year: Year, rate: int) -> str:
    """Return the colour of a rate from 1, or of none."""
    return rate_colours(len(year.time_s) - 1)[rate - 1] if rate else NO_RATE_COLOUR


def year_picture(year: Year, calendar: Calendar) -> str:
    """Return a year of a calendar as SVG."""
    rates = shown_rates(year)
    rows = -(-len(rates) // _KEYS_A_ROW)
    height = TOP + HEIGHT + 48 + rows * 26
    title = f"{escape(calendar.name)}, {year.year}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text class="head" x="{LEFT}" y="30">{title}</text>',
            f'<text class="sub" x="{LEFT}" y="52">{escape(calendar.title)}</text>',
            f'<text class="sub" x="{LEFT}" y="71">{escape(clock_words(calendar))}</text>',
            *(f'<path fill="{colour_of(year, rate)}" d="{_area(year, rate)}"/>' for rate in rates),
            *_hours(),
            *_months(year),
            f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{RIGHT - LEFT}" height="{HEIGHT}"/>',
            *_keys(year, calendar, rates),
            "</svg>\n",
        ]
    )


def clock_words(calendar: Calendar) -> str:
    """Return in words whose clock the map shows, and what the calendar switches by."""
    shown = f"hours: civil time of {calendar.zone}"
    return shown if calendar.clock == "civil" else f"{shown}; switches at UTC{calendar.clock} all year"


def _x(year: Year, day: float) -> float:
    return LEFT + (RIGHT - LEFT) * day / year.days


def _y(second: float) -> float:
    return TOP + HEIGHT * second / DAY_S


def _area(year: Year, rate: int) -> str:
    """Return where a rate holds, as rectangles; neighbouring days that are alike are one."""
    parts = []
    for first, last, begin, end in _runs(year, rate):
        left, top = _x(year, first), _y(begin)
        parts.append(f"M{left:.2f} {top:.2f}H{_x(year, last + 1):.2f}V{_y(end):.2f}H{left:.2f}Z")
    return "".join(parts)


def _runs(year: Year, rate: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield first and last day, begin and end, of the stretches of days on which a rate holds alike."""
    here = year.rate == rate
    pieces = sorted(zip(year.begin_s[here].tolist(), year.end_s[here].tolist(), year.day[here].tolist(), strict=True))
    run: list[int] = []
    for begin, end, day in pieces:
        if run and run[2:] == [begin, end] and day == run[1] + 1:
            run[1] = day
            continue
        if run:
            yield run[0], run[1], run[2], run[3]
        run = [day, day, begin, end]
    if run:
        yield run[0], run[1], run[2], run[3]


def _hours() -> Iterator[str]:
    for hour in range(0, 25, 3):
        y = _y(hour * SECONDS_PER_HOUR)
        yield f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="mark" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{hour:02d}:00</text>'


def _months(year: Year) -> Iterator[str]:
    first = date(year.year, 1, 1)
    for month in range(1, 13):
        begin = date(year.year, month, 1)
        end = date(year.year + month // 12, month % 12 + 1, 1)
        left, right = _x(year, (begin - first).days), _x(year, (end - first).days)
        if month > 1:
            yield f'<line class="month" x1="{left:.2f}" x2="{left:.2f}" y1="{TOP}" y2="{TOP + HEIGHT}"/>'
        yield f'<text class="mark" x="{(left + right) / 2:.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{begin:%b}</text>'


def _keys(year: Year, calendar: Calendar, rates: list[int]) -> Iterator[str]:
    """Yield the legend: colour, name, hours of the year."""
    whole = int(year.time_s.sum())
    for place, rate in enumerate(rates):
        x = LEFT + place % _KEYS_A_ROW * _KEY_WIDTH
        y = TOP + HEIGHT + 34 + place // _KEYS_A_ROW * 26
        time_s = int(year.time_s[rate].sum())
        words = f"{rate_words(calendar, rate)}: {hours_text(time_s)} ({100 * time_s / whole:.1f} %)"
        yield f'<rect class="swatch" x="{x}" y="{y}" width="16" height="16" fill="{colour_of(year, rate)}"/>'
        yield f'<text class="key" x="{x + 23}" y="{y + 12}">{escape(words)}</text>'
