"""The workshop by the second on the Spanish 3.0TD: rates, demand, profile and closings against sums of our own, exactly.

Nothing of the meter's counting or of the calendars is used here: the phasors are multiplied by numpy, made whole by a loop, and
parted by the tariff as the regulator prints it (CNMC Circular 3/2020, peninsula).
"""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from watthour.host.calendars import read_calendar
from watthour.host.networks import open_phasors
from watthour.meter import Meter, first_state
from watthour.units import Ratio

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
MADRID = ZoneInfo("Europe/Madrid")
RATIO = 40
HOLIDAYS = {(1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)}
SEASONS = {**dict.fromkeys((1, 2, 7, 12), (1, 2)), **dict.fromkeys((3, 11), (2, 3)), **dict.fromkeys((6, 8, 9), (3, 4)),
           **dict.fromkeys((4, 5, 10), (4, 5))}  # fmt: skip

STRETCHES = [
    ("2026-03-28T20:10:00", 34),  # Saturday to Monday, through the night of 23 hours
    ("2026-03-31T10:00:00", 30),  # to the next season, and through a closing at local midnight
    ("2025-12-31T12:05:30", 40),  # New Year: a holiday, and a year's first quarter-hour
    ("2026-10-24T20:00:00", 34),  # through the night of 25 hours
]
if os.environ.get("WATTHOUR_LONG"):
    STRETCHES = [("2026-01-01T00:00:00", 365 * 24)]


def period(instant):
    """Return the period of an instant, as the tariff is printed."""
    local = instant.astimezone(MADRID)
    if local.weekday() >= 5 or (local.month, local.day) in HOLIDAYS or local.hour < 8:
        return 6
    high, other = SEASONS[local.month]
    return high if 9 <= local.hour < 14 or 18 <= local.hour < 22 else other


class Whole:
    """Watts of each second of a phase to whole microwatt-hours, the remainder carried; nothing below the cut-off of 1 mA."""

    def __init__(self):
        self.rest = 0.0
        self.counting = True

    def is_above(self, current_a):
        """Return in which seconds the phase counts: from 1 mA on, and then down to 0.8 of it."""
        if current_a.min() >= 0.001:
            self.counting = True
            return np.ones(len(current_a), bool)
        above = []
        for each in current_a.tolist():
            self.counting = each >= (0.0008 if self.counting else 0.001)
            above.append(self.counting)
        return np.array(above)

    def of(self, watts, current_a):
        watts = np.where(self.is_above(current_a), watts, 0.0)
        amounts = []
        for each in watts.tolist():
            exact = each * (1e6 / 3600.0) + self.rest
            amounts.append(int(exact))
            self.rest = exact - amounts[-1]
        return np.array(amounts, np.int64)


def powers(rows):
    """Return P and Q1 of each phase and second, summed order by order."""
    active = np.zeros((3, len(rows)))
    for order in range(len(rows.orders)):
        u, i = rows.voltages[:, :, order].T, rows.currents[:, :, order].T
        active += u.real * i.real + u.imag * i.imag
    u, i = rows.voltages[:, :, 0].T, rows.currents[:, :, 0].T
    return active, u.imag * i.real - u.real * i.imag


@pytest.fixture(scope="module", params=STRETCHES, ids=[start for start, _ in STRETCHES])
def both(request):
    """A meter that has metered a stretch, and its seconds: start, and import, export and reactive energy, primary."""
    start, hours = request.param
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    begin_ns = int(begin.timestamp()) * 10**9
    source = open_phasors(
        EXAMPLES / "workshop.network.toml", ct=Ratio.parse("200/5"), vt=Ratio.parse("1/1"), start_ns=begin_ns, faults=None
    )
    meter = Meter(first_state({"ct": "200/5"}), read_calendar("es/3.0TD/peninsula"))
    active, reactive = [Whole() for _ in range(3)], [Whole() for _ in range(3)]
    net, var = [], []
    for rows, _ in zip(source.blocks(), range(hours), strict=False):
        meter.step(rows, begin_ns + rows.first_sample * 10**9)
        watts, vars_ = powers(rows)
        current_a = np.sqrt((np.abs(rows.currents) ** 2).sum(axis=2)).T
        net.append(sum(one.of(w, i) for one, w, i in zip(active, watts, current_a, strict=True)) * RATIO)
        var.append(sum(one.of(w, i) for one, w, i in zip(reactive, vars_, current_a, strict=True)) * RATIO)
    return meter, begin, np.concatenate(net), np.concatenate(var)


def quarters(begin, count):
    """Return for each quarter-hour its start and the seconds of it that were metered."""
    first = int(begin.timestamp())
    for start in range(first // 900 * 900, first + count, 900):
        yield datetime.fromtimestamp(start, UTC), slice(max(start - first, 0), min(start + 900 - first, count))


def of_sign(amounts, sign):
    return int((amounts[amounts * sign > 0] * sign).sum())


def test_the_registers_of_each_rate_are_the_sums_of_its_quarter_hours(both):
    meter, begin, net, var = both
    expected = {rate: [0, 0, 0] for rate in range(1, 9)}
    for start, seconds in quarters(begin, len(net)):
        sums = expected[period(start)]
        sums[0] += of_sign(net[seconds], 1)
        sums[1] += of_sign(net[seconds], -1)
        sums[2] += int(np.abs(var[seconds]).sum())
    for rate, (imported, exported, reactive) in expected.items():
        six = meter.state.registers.rates[rate - 1]
        assert (six[0], six[1], sum(six[2:])) == (imported, exported, reactive), rate
    assert [sum(column) for column in zip(*meter.state.registers.rates, strict=True)] == list(meter.state.registers.total)


def test_the_profile_is_every_quarter_hour(both):
    meter, begin, net, _ = both
    view = meter.view()
    rows = [*view.profile, *([view.open_row] if view.open_row else [])]
    found = {row.start_ns // 10**9: row for row in rows}
    assert len(found) == len(rows)
    whole = 0
    for start, seconds in quarters(begin, len(net)):
        row = found.pop(int(start.timestamp()))
        assert row.energies[:2] == (of_sign(net[seconds], 1), of_sign(net[seconds], -1))
        assert row.rates == (period(start),)
        assert row.metered_ns == (seconds.stop - seconds.start) * 10**9
        is_whole = seconds.stop - seconds.start == 900
        assert row.flags == (0 if is_whole else 4)
        whole += is_whole
    assert found == {}
    assert whole >= len(rows) - 2


def closings_of(begin, count):
    """Return the seconds, counted from the begin, at which a billing period ends."""
    end = begin + timedelta(seconds=count)
    midnights = (datetime(year, month, 1, tzinfo=MADRID) for year in range(begin.year, end.year + 1) for month in range(1, 13))
    return [int((each - begin).total_seconds()) for each in midnights if begin < each.astimezone(UTC) <= end]


def maxima_of(begin, net, first, last):
    """Return the highest demand of each rate whose quarter-hour ended in (first, last] seconds from the begin."""
    highest = {}
    for start, seconds in quarters(begin, len(net)):
        end = int((start - begin).total_seconds()) + 900
        if first < end <= last:
            demand = of_sign(net[seconds], 1) * 4
            rate = period(start)
            if demand > highest.get(rate, (-1, 0))[0]:
                highest[rate] = (demand, (begin + timedelta(seconds=end)))
    return highest


def told(maxima):
    return {
        rate: (each.demand_microw, datetime.fromtimestamp(each.time_ns // 10**9, UTC))
        for rate, each in enumerate(maxima, 1)
        if each is not None
    }


def test_maxima_and_closings_are_those_of_the_billing_periods(both):
    meter, begin, net, _ = both
    ends = closings_of(begin, len(net))
    closings = list(meter.view().closings)
    assert [(each.time_ns // 10**9) for each in closings] == [int(begin.timestamp()) + end for end in ends]
    for first, last, closing in zip([0, *ends], ends, closings, strict=False):
        assert told(closing.rate_maxima) == maxima_of(begin, net, first, last)
        assert closing.total[:2] == (of_sign(net[:last], 1), of_sign(net[:last], -1))
        assert closing.maximum.demand_microw == max(demand for demand, _ in told(closing.rate_maxima).values())
    assert told(meter.state.demand.rate_maxima) == maxima_of(begin, net, [0, *ends][-1], len(net))


def test_days_have_92_96_and_100_quarters(both):
    meter, begin, net, _ = both
    days = {}
    for start, _ in quarters(begin, len(net)):
        days.setdefault(start.astimezone(MADRID).date(), []).append(start)
    kept = {row.start_ns // 10**9 for row in meter.view().profile}
    for day, starts in list(days.items())[1:-1]:
        expected = {date(2026, 3, 29): 92, date(2026, 10, 25): 100}.get(day, 96)
        assert len(starts) == expected
        assert all(int(start.timestamp()) in kept for start in starts)
