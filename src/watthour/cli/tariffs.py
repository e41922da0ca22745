"""``watthour tariff``: which rate holds when, and calendars as maps and files."""

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from cyclopts import App
from rich.console import Console

from watthour.errors import OutsideCalendarError, UsageError

tariff = App(name="tariff", help="Time-of-use calendars.")

_YEARS = range(1900, 2200)
_RANGE = re.compile(r"(\d{4})(?:-(\d{4}))?", re.ASCII)


@tariff.command
def at(calendar: str, /, *time: str, file: Path | None = None) -> None:
    """Print the rate at each time, one line "TIME RATE" in order.

    Parameters
    ----------
    calendar
        A name such as es/3.0TD/peninsula ("watthour tariff list" has them), or a .toml or .json file.
    time
        ISO 8601, such as 2026-01-15T10:00+01:00; without an offset it is local civil time.
    file
        More times, one a line.
    """
    from watthour.host.calendars import read_calendar  # noqa: PLC0415
    from watthour.host.tariff_times import rate_lines  # noqa: PLC0415

    sys.stdout.write("".join(f"{line}\n" for line in rate_lines(read_calendar(calendar), time, file)))


@tariff.command
def show(calendar: str, /, *, year: int | None = None, html: Path | None = None, svg: Path | None = None) -> None:
    """Draw a year of a calendar as a coloured map, hours by days.

    Parameters
    ----------
    calendar
        A name or a file.
    year
        Which; this year without it.
    html
        Write a page that stands alone, instead of drawing here.
    svg
        Write the picture alone.
    """
    from watthour.host.calendars import read_calendar  # noqa: PLC0415
    from watthour.host.drawing import write_year  # noqa: PLC0415
    from watthour.host.terminal import calendar_year  # noqa: PLC0415
    from watthour.tariff import year_of  # noqa: PLC0415

    year = datetime.now(UTC).year if year is None else year
    if year not in _YEARS:
        msg = f"--year {year}: write one from {_YEARS[0]} to {_YEARS[-1]}"
        raise UsageError(msg)
    read = read_calendar(calendar)
    drawn = year_of(read, year)
    if not drawn.rate.any():
        raise OutsideCalendarError(read.name, date(year, 1, 1), read.valid)
    if html is None and svg is None:
        console = Console()
        console.print(calendar_year(drawn, read, width=console.width, colours=console.color_system is not None))
    else:
        write_year(drawn, read, html=html, svg=svg)


@tariff.command(name="list")
def list_() -> None:
    """List the calendars of the package."""
    from watthour.host.calendars import bundled_names, read_calendar  # noqa: PLC0415
    from watthour.host.calendars.windows import EXAMPLE_WINDOWS, WINDOWS  # noqa: PLC0415
    from watthour.host.terminal import calendar_list  # noqa: PLC0415

    named = ((name, read_calendar(name.replace(WINDOWS, EXAMPLE_WINDOWS))) for name in bundled_names())
    Console().print(calendar_list(named))


@tariff.command
def convert(calendar: str, file: Path, /, *, years: str | None = None, zone: str | None = None) -> None:
    """Write a calendar as another file: TOML, or JSON in the shape of the DLMS activity calendar.

    Parameters
    ----------
    calendar
        A name or a file.
    file
        Ends in .toml, or in .json for DLMS.
    years
        Whose movable feasts a DLMS file dates, such as 2026-2035.
    zone
        Time zone for a DLMS file that names none.
    """
    from watthour.host.calendars import read_calendar, write_calendar  # noqa: PLC0415

    write_calendar(read_calendar(calendar, zone=zone), file, years=_years(years))


def _years(text: str | None) -> range:
    """Return the years of ``2026-2035`` or ``2026``; none without them."""
    if text is None:
        return range(0)
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if first not in _YEARS or last not in _YEARS or last < first:
        msg = f"--years {text}: write them such as 2026-2035"
        raise UsageError(msg)
    return range(first, last + 1)
