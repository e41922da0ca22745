"""How often a price counts in a span of days: by the day, the month or the year of its unit.

In: a unit such as ``EUR/kW.year`` and days. Out: an exact factor and its arithmetic in figures. A year is the calendar year's 365 or
366 days, so a span over New Year is cut there; a month is each calendar month's own days.
"""

from calendar import isleap, monthrange
from datetime import date
from fractions import Fraction

from watthour.billing.dated import DAY
from watthour.billing.metered import Span
from watthour.errors import ContractError


def times(unit: str, span: Span) -> tuple[Fraction, str]:
    """Return how often a price of a unit counts, and how that is reckoned.

    >>> times("EUR/kW.year", (date(2024, 1, 1), date(2024, 1, 31)))
    (Fraction(31, 366), '31 days / 366')
    >>> times("EUR/month", (date(2024, 1, 1), date(2024, 2, 29)))
    (Fraction(2, 1), '2 months')
    """
    first, last = span
    days = (last - first).days + 1
    match _time_of(unit):
        case "day":
            return Fraction(days), f"{days} days"
        case "month":
            months = _months(first, last)
            return months, f"{months} months" if months != 1 else "1 month"
        case "year":
            year = year_days(first.year)
            return Fraction(days, year), f"{days} days / {year}"
        case _:
            return Fraction(1), "once"


def _time_of(unit: str) -> str:
    """Return day, month or year of a unit, or nothing."""
    _, _, below = unit.partition("/")
    last = below.split(".")[-1]
    return last if last in {"day", "month", "year"} else ""


def cuts(unit: str, span: Span) -> list[date]:
    """Return the days on which a price of a unit begins to count otherwise: a New Year after which years are longer or shorter."""
    first, last = span
    if _time_of(unit) != "year":
        return []
    years = range(first.year + 1, last.year + 1)
    return [date(year, 1, 1) for year in years if year_days(year) != year_days(year - 1)]


def year_days(year: int) -> int:
    """Return 365 or 366."""
    return 366 if isleap(year) else 365


def _months(first: date, last: date) -> Fraction:
    total = Fraction(0)
    day = first
    while day <= last:
        length = monthrange(day.year, day.month)[1]
        end = min(last, date(day.year, day.month, length))
        total += Fraction((end - day).days + 1, length)
        day = end + DAY
    return total


def checked(unit: str, allowed: tuple[str, ...], name: str) -> str:
    """Return a unit without its currency.

    Raises
    ------
    ContractError
        If it is none of those allowed.
    """
    below = unit.partition("/")[2]
    if below not in allowed:
        wanted = ", ".join(f"{unit.partition('/')[0]}/{each}" if each else "the currency alone" for each in allowed)
        msg = f"the price {name} is in {unit}; write it in {wanted}"
        raise ContractError(msg)
    return below
