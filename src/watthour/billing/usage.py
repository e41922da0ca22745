"""Billing quantities: what quarter-hours come to, by local day and by the period of a calendar.

In: intervals and calendars. Out: energies, highest demand, sums over excesses, reactive energy with its cos phi, and how many
intervals are missing or estimated, for any span of days: sums of integers, exact. An interval belongs to the period that holds at
its start, and days have 23, 24 or 25 hours as the clock has them. Prices are not known here.
"""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from watthour.billing.dated import DAY
from watthour.billing.intervals import Integers, Intervals, Quality
from watthour.errors import ReadingsError
from watthour.tariff import Calendar, instant_ns, rates_at, zone_of
from watthour.tariff.clock import DAY_S, EPOCH_DAY, offsets_between
from watthour.units import NANOSECONDS, SECONDS_PER_HOUR

Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """How much of a quantity rests on readings.

    Parameters
    ----------
    intervals : int
        All that belong to it.
    missing, incomplete, estimated : int
        Of these.
    estimated_microwh : int
        Import energy of the estimated and the incomplete.
    """

    intervals: int
    missing: int
    incomplete: int
    estimated: int
    estimated_microwh: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, cut short or estimated."""
        return not (self.missing or self.incomplete or self.estimated)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Usage:
    """Intervals of whole local days, each with its day and its period.

    Parameters
    ----------
    first_day, last_day : date
        Both included.
    intervals : Intervals
    days : (n,) int32 array
        Day of each interval, from 0.
    calendar, power_calendar : Calendar
        Whose periods energy and power are counted by; most tariffs have one for both.
    rates, power_rates : (n,) uint8 array
        Rate of each interval by either, from 1.
    """

    first_day: date
    last_day: date
    intervals: Intervals
    days: NDArray[np.int32]
    calendar: Calendar
    power_calendar: Calendar
    rates: NDArray[np.uint8]
    power_rates: NDArray[np.uint8]

    def chosen(self, period: str, first_day: date, last_day: date, *, by_power: bool = False) -> Bits:
        """Return which intervals belong to a period, all for an empty name, and lie in a span of days."""
        calendar, rates = (self.power_calendar, self.power_rates) if by_power else (self.calendar, self.rates)
        first, last = ((day - self.first_day).days for day in (first_day, last_day))
        inside: Bits = (self.days >= first) & (self.days <= last)
        return inside & (rates == calendar.rates.index(period) + 1) if period else inside

    def energy(self, name: str, which: Bits) -> int:
        """Return an energy in micro-units; 0 where it was not read."""
        values = self.intervals.energies.get(name)
        return 0 if values is None else int(values[which].sum())

    def highest_demand(self, which: Bits) -> int:
        """Return the highest mean import power of one interval, in microwatts; 0 without any."""
        chosen = self.intervals.energies["import"][which]
        return int(chosen.max()) * self._per_hour if chosen.size else 0

    def excess_squares(self, which: Bits, contracted_microw: int) -> int:
        """Return the sum of (demand - contracted power)^2 over the intervals above it, in square microwatts."""
        over = self.intervals.energies["import"][which] * self._per_hour - contracted_microw
        return sum(each * each for each in over[over > 0].tolist())

    def net_reactive(self, which: Bits) -> int:
        """Return Q1 - Q4 in microvar-hours: above 0 inductive, below 0 capacitive."""
        return self.energy("q1", which) - self.energy("q4", which)

    def sound(self, which: Bits) -> Sound:
        """Return how much of some intervals rests on readings."""
        quality = self.intervals.quality[which]
        guessed = which & ((self.intervals.quality & (Quality.ESTIMATED | Quality.INCOMPLETE)) != 0)
        return Sound(
            intervals=int(which.sum()),
            missing=int(((quality & Quality.MISSING) != 0).sum()),
            incomplete=int(((quality & Quality.INCOMPLETE) != 0).sum()),
            estimated=int(((quality & Quality.ESTIMATED) != 0).sum()),
            estimated_microwh=self.energy("import", guessed),
        )

    @property
    def has_reactive(self) -> bool:
        """Whether reactive energy was read."""
        return "q1" in self.intervals.energies

    @property
    def _per_hour(self) -> int:
        return SECONDS_PER_HOUR * NANOSECONDS // self.intervals.step_ns


def usage_of(
    intervals: Intervals, calendar: Calendar, first_day: date, last_day: date, power_calendar: Calendar | None = None
) -> Usage:
    """Return the billing quantities of local days, both included.

    Raises
    ------
    ReadingsError
        If the days begin or end inside an interval.
    OutsideCalendarError
        If a calendar does not cover a day.
    """
    zone = zone_of(calendar.zone)
    begin_ns, end_ns = (instant_ns(datetime.combine(day, datetime.min.time()), zone) for day in (first_day, last_day + DAY))
    if (begin_ns - intervals.begin_ns) % intervals.step_ns or (end_ns - begin_ns) % intervals.step_ns:
        msg = f"local midnight in {calendar.zone} lies inside an interval; intervals must divide the day"
        raise ReadingsError(msg)
    cut = intervals.between(begin_ns, end_ns)
    starts_ns = cut.starts_ns
    power = calendar if power_calendar is None else power_calendar
    rates = rates_at(calendar, starts_ns)
    return Usage(
        first_day=first_day,
        last_day=last_day,
        intervals=cut,
        days=_local_days(starts_ns, calendar, first_day),
        calendar=calendar,
        power_calendar=power,
        rates=rates,
        power_rates=rates if power is calendar else rates_at(power, starts_ns),
    )


def _local_days(starts_ns: Integers, calendar: Calendar, first_day: date) -> NDArray[np.int32]:
    seconds = starts_ns // NANOSECONDS
    changes, ahead = np.array(offsets_between(zone_of(calendar.zone), int(seconds[0]), int(seconds[-1]) + 1), np.int64).T
    local = seconds + ahead[np.searchsorted(changes, seconds, side="right") - 1]
    days: NDArray[np.int32] = (local // DAY_S + EPOCH_DAY - first_day.toordinal()).astype(np.int32)
    return days


def cos_phi_hundredths(active: int, reactive: int) -> int:
    """Return cos phi of two energies in hundredths, rounded half up, by integers alone; 100 where both are 0.

    >>> cos_phi_hundredths(21124, 8122), cos_phi_hundredths(15235, 4437)
    (93, 96)
    """
    square = active * active + reactive * reactive
    if not square:
        return 100
    return max(n for n in range(101) if n == 0 or (2 * n - 1) ** 2 * square <= 200**2 * active * active)


def kwh(micro: int) -> Fraction:
    """Return micro-units of energy in thousands of units: kWh or kvarh."""
    return Fraction(micro, 10**9)


def kw(microw: int) -> Fraction:
    """Return microwatts in kilowatts."""
    return Fraction(microw, 10**9)
