"""When a billing period ends by the calendar: local 00:00 of a day of the month."""

from datetime import date, tzinfo

from watthour.tariff.clock import DAY_S, EPOCH_DAY, local_day
from watthour.units import NANOSECONDS

_MONTHS = 12


def next_closing_ns(clock: tzinfo, day: int, time_ns: int) -> int:
    """Return the first instant after this one at which a clock begins the `day` of a month.

    Parameters
    ----------
    day : int
        1 to 28, which every month has.

    Examples
    --------
    >>> from datetime import timezone
    >>> next_closing_ns(timezone.utc, 1, 0) == 31 * 86400 * 10**9
    True
    """
    today = local_day(clock, time_ns)
    month = date(today.year, today.month, day)
    while day_start_ns(clock, month) <= time_ns:
        years, last = divmod(month.month, _MONTHS)
        month = date(month.year + years, last + 1, day)
    return day_start_ns(clock, month)


def day_start_ns(clock: tzinfo, day: date) -> int:
    """Return the first instant that a clock shows as this day, in nanoseconds UTC since 1970.

    Where the hour from midnight is left out the day begins with its first hour; where the hour before it comes twice, the
    day begins when it has come the second time.
    """
    middle = (day.toordinal() - EPOCH_DAY) * DAY_S
    low, high = middle - DAY_S, middle + DAY_S
    while high - low > 1:
        half = (low + high) // 2
        low, high = (half, high) if local_day(clock, half * NANOSECONDS) < day else (low, half)
    return high * NANOSECONDS
