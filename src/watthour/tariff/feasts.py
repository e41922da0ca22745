"""Special days: on a date, every year on the same day, or so many days from Easter; and which of a year they are.

In: rules. Out: dates. Where two rules meet on one day, the narrower wins: a date before Easter's, Easter's before
that of every year.
"""

from dataclasses import dataclass
from datetime import date, timedelta

_LEAP_YEAR = 2024
FURTHEST_FROM_EASTER = 80
"""Days: every feast that moves with Easter lies within (Septuagesima -63, Corpus Christi +60); none leaves its year."""


@dataclass(frozen=True, slots=True)
class EveryYear:
    """The same day of every year; 29 February of those that have it. A day of no year is a ValueError."""

    month: int
    day: int

    def __post_init__(self) -> None:
        date(_LEAP_YEAR, self.month, self.day)

    def in_year(self, year: int) -> date | None:
        """Return the day, None where the year has none."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.month:02d}-{self.day:02d}"


@dataclass(frozen=True, slots=True)
class FromEaster:
    """So many days after Easter Sunday, or before it; 1 is Easter Monday. ValueError beyond `FURTHEST_FROM_EASTER`."""

    days: int

    def __post_init__(self) -> None:
        if abs(self.days) > FURTHEST_FROM_EASTER:
            msg = f"easter{self.days:+d}: at most {FURTHEST_FROM_EASTER} days from Easter"
            raise ValueError(msg)

    def in_year(self, year: int) -> date:
        """Return the day."""
        return easter(year) + timedelta(days=self.days)

    def __str__(self) -> str:
        return f"easter{self.days:+d}"


@dataclass(frozen=True, slots=True)
class OnDate:
    """One day of one year."""

    day: date

    def in_year(self, year: int) -> date | None:
        """Return the day, None in another year."""
        return self.day if year == self.day.year else None

    def __str__(self) -> str:
        return self.day.isoformat()


DayRule = EveryYear | FromEaster | OnDate

_NARROWNESS = (EveryYear, FromEaster, OnDate)


def narrowness(rule: DayRule) -> int:
    """Return a rank: of two rules for one day that of the higher rank holds."""
    return _NARROWNESS.index(type(rule))


def rule_of(text: str) -> DayRule:
    """Return the rule written as ``12-25``, ``2026-12-24`` or ``easter+1``.

    Raises
    ------
    ValueError
        If it is written otherwise, or there is no such day.

    Examples
    --------
    >>> rule_of("easter-2").in_year(2026)
    datetime.date(2026, 4, 3)
    """
    try:
        if text.startswith("easter"):
            return FromEaster(int(text.removeprefix("easter") or 0))
        if len(text) == len("12-25"):
            return EveryYear(int(text[:2]), int(text[3:])) if text[2] == "-" else OnDate(date.fromisoformat(text))
        return OnDate(date.fromisoformat(text))
    except ValueError:
        msg = 'no such day; write it such as "12-25", "2026-12-24" or "easter+1"'
        raise ValueError(msg) from None


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar.

    By the anonymous algorithm of 1876, as in Meeus, Astronomical Algorithms (1991), chapter 8.

    >>> easter(2026), easter(2038)
    (datetime.date(2026, 4, 5), datetime.date(2038, 4, 25))
    """
    golden = year % 19
    century, within = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - correction + 15) % 30
    leap_years, year_rest = divmod(within, 4)
    weekday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
