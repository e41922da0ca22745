"""Pictures as files."""

from collections.abc import Callable
from pathlib import Path

from watthour.errors import UsageError
from watthour.host.drawing.calendar_page import year_page
from watthour.host.drawing.calendar_year import year_picture
from watthour.host.drawing.page import day_page
from watthour.host.drawing.picture import day_picture
from watthour.tariff import Calendar, Year
from watthour.waveform.network import Day


def write_day(day: Day, name: str, *, html: Path | None, svg: Path | None) -> None:
    """Write a day as a page, as a picture, or both.

    Raises
    ------
    UsageError
        If a file cannot be written.
    """
    _write(html, lambda: day_page(day, name))
    _write(svg, lambda: day_picture(day, name))


def write_year(year: Year, calendar: Calendar, *, html: Path | None, svg: Path | None) -> None:
    """Write the year of a calendar as a page, as a picture, or both.

    Raises
    ------
    UsageError
        If a file cannot be written.
    """
    _write(html, lambda: year_page(year, calendar))
    _write(svg, lambda: year_picture(year, calendar))


def _write(path: Path | None, draw: Callable[[], str]) -> None:
    if path is not None:
        try:
            path.write_text(draw(), "utf-8")
        except OSError as problem:
            msg = f"{path}: cannot be written: {problem.strerror}; name another place"
            raise UsageError(msg) from None
