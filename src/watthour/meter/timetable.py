"""The calendar as the meter asks it: which rate now, until when, and when a billing period ends.

In: instants, nanoseconds UTC. Out: a rate with the end of its stretch, and closing instants. What was worked out is kept, as
the next question is mostly about the same stretch; it changes no answer.
"""

from datetime import tzinfo
from typing import NamedTuple

import numpy as np

from watthour.tariff import NO_RATE, Calendar, SwitchTable, next_closing_ns, switch_table, zone_of
from watthour.units import NANOSECONDS

_AHEAD_NS = 40 * 86_400 * NANOSECONDS
_BEGIN_NS, _END_NS = 0, 9_000_000_000 * NANOSECONDS
CLOCK_NS = range(_BEGIN_NS, _END_NS)
"""1970 to 2255: instants beyond are those of a clock that was never set; no rate is theirs."""

UTC_ZONE = "UTC"


class Stretch(NamedTuple):
    """A rate and the instants [begin, end) in which it is known to hold; rate None outside the calendar's dates."""

    begin_ns: int
    end_ns: int
    rate: int | None


class Timetable:
    """Rates and closing days of one calendar.

    Parameters
    ----------
    calendar : Calendar or None
        None: all energy belongs to T1, and the clock is UTC.
    """

    def __init__(self, calendar: Calendar | None = None) -> None:
        self.calendar = calendar
        self._clock: tzinfo = zone_of(UTC_ZONE if calendar is None else calendar.zone)
        self._table: SwitchTable | None = None
        self._stretch = Stretch(0, 0, None)
        self._closing = (0, 0, 0)

    def at(self, time_ns: int) -> Stretch:
        """Return the stretch that holds an instant."""
        known = self._stretch
        if not known.begin_ns <= time_ns < known.end_ns:
            self._stretch = self._found(time_ns)
        return self._stretch

    def closing_after(self, time_ns: int, day: int) -> int | None:
        """Return the first instant after this one at which a period ends by the calendar; `day` 0: never."""
        if day == 0 or not _BEGIN_NS <= time_ns < _END_NS:
            return None
        known_day, begin_ns, found_ns = self._closing
        if known_day != day or not begin_ns <= time_ns < found_ns:
            self._closing = (day, time_ns, next_closing_ns(self._clock, day, time_ns))
        return self._closing[2]

    def _found(self, time_ns: int) -> Stretch:
        if self.calendar is None:
            return Stretch(_BEGIN_NS - _END_NS, _END_NS * 2, 1)
        if not _BEGIN_NS <= time_ns < _END_NS:
            return Stretch(time_ns, time_ns + _AHEAD_NS, None)
        table = self._table
        if table is None or not table.starts_ns[0] <= time_ns < table.end_ns:
            table = self._table = switch_table(self.calendar, time_ns, time_ns + _AHEAD_NS)
        place = int(np.searchsorted(table.starts_ns, time_ns, side="right")) - 1
        ends = (*table.starts_ns[place + 1 : place + 2].tolist(), table.end_ns)
        rate = int(table.rates[place])
        return Stretch(int(table.starts_ns[place]), ends[0], None if rate == NO_RATE else rate)
