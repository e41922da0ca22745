"""The year of a calendar as one page of HTML: the picture, the hours of each rate by month, and the sources.

In: a `Year` and its calendar. Out: HTML that opens anywhere, with nothing beside it.
"""

from collections.abc import Iterable
from datetime import date
from html import escape

from watthour.host.drawing.calendar_year import hours_text, rate_words, shown_rates, year_picture
from watthour.host.drawing.page import standing_alone
from watthour.tariff import Calendar, Year

_STYLE = """
body { margin: 0; background: #f4f6f8; color: #22303c; font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
main { max-width: 1012px; margin: 24px auto; padding: 16px; background: #fff; border: 1px solid #e3e8ec; border-radius: 6px }
svg { max-width: 100%; height: auto; display: block }
table { border-collapse: collapse; margin: 12px 0 8px 64px; min-width: 876px; font-size: 13px }
th, td { padding: 5px 6px; border-bottom: 1px solid #e3e8ec; text-align: right; white-space: nowrap }
th { color: #51606d; font-weight: 600; font-size: 12.5px } th:first-child, td:first-child { text-align: left }
td:last-child { font-weight: 600 } p { margin: 8px 40px 8px 64px; color: #51606d; font-size: 13px }
"""


def year_page(year: Year, calendar: Calendar) -> str:
    """Return a year of a calendar as HTML."""
    months = [f"{date(year.year, month, 1):%b}" for month in range(1, 13)]
    head = _cells("th", ["Hours", *months, str(year.year)])
    rows = "\n".join(
        f"<tr>{_cells('td', [rate_words(calendar, rate), *_hours(year, rate)])}</tr>" for rate in shown_rates(year)
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
    words = f"Holds {calendar.valid}. " + ("Source: " + "; ".join(calendar.sources) + "." if calendar.sources else "")
    body = f"{year_picture(year, calendar)}\n{table}\n<p>{escape(words)}</p>"
    return standing_alone(f"{calendar.name}, {year.year}", body, _STYLE)


def _hours(year: Year, rate: int) -> list[str]:
    """Return the hours of a rate by month, and of the year."""
    times = [*year.time_s[rate].tolist(), int(year.time_s[rate].sum())]
    return [hours_text(time_s).removesuffix(" h") if time_s else "" for time_s in times]


def _cells(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)
