"""The meter on the clock: rates, intervals, demand and closings, against sums by the second made here."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watthour.errors import UnknownCalendarError
from watthour.history import ClosingCause, RowFlag
from watthour.meter import Meter, first_state, row_from_record, row_to_record, state_from_record, state_to_record
from watthour.parameters import Interface
from watthour.pulses import Edge
from watthour.registers import add_counts, add_to_interval
from watthour.samples import Phasors
from watthour.tariff import Calendar, DayProfile, EveryYear, Passive, Season, Switch, WeekProfile
from watthour.units import ENERGIES, MICRO, NANOSECONDS, RATES, iso
from watthour.view import ClosePeriod, EventKind, SelectRate, SetClock, SetSeal, Verdict, WriteSettings

QUARTER_S = 900
SOON = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def seconds(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


START_S = seconds("2026-03-10T10:00")


def calendar_of(switches, zone="UTC", **dates):
    """Return a calendar whose days all have these switches: pairs of minute and rate."""
    day = DayProfile(name="day", switches=tuple(Switch(minute * 60, rate) for minute, rate in switches))
    week = WeekProfile(name="week", days=("day",) * 7)
    return Calendar(
        name="own", zone=zone, rates=tuple(f"P{n}" for n in range(1, 9)), days=(day,), weeks=(week,),
        seasons=(Season(start=EveryYear(1, 1), week="week"),), **dates,
    )  # fmt: skip


def phasors(powers_w, first=0, volts=230.0):
    """Return seconds of these active powers, all in L1, a third of each as inductive reactive power."""
    powers = np.array(powers_w, np.float64)
    voltages = np.full((len(powers), 3, 1), volts, np.complex128)
    currents = np.zeros((len(powers), 3, 1), np.complex128)
    currents[:, 0, 0] = powers / 230.0 * (1 - 1j / 3)
    return Phasors(
        voltages=voltages, currents=currents, orders=(1,), frequency_hz=np.full(len(powers), 50.0), first_sample=first
    )


def micro(powers_w):
    """Return the import of each second in whole microwatt-hours, remainder carried, as rule 4 of the count says."""
    rows, amounts, rest = phasors(powers_w), [], 0.0
    real = rows.voltages[:, 0, 0].real * rows.currents[:, 0, 0].real
    for watts in real.tolist():
        exact = watts * (1e6 / 3600.0) + rest
        amounts.append(int(exact))
        rest = exact - int(exact)
    return amounts


def metered(powers_w, calendar=None, start_s=START_S, meter=None, **given_settings):
    meter = meter or Meter(first_state({"closing_day": 0, **given_settings}), calendar)
    meter.step(phasors(powers_w), start_s * NANOSECONDS)
    return meter


def rate_imports(meter):
    exact = meter.view().exact
    return [exact[f"{rate}_import_microwh"] for rate in RATES]


def require_sums(meter):
    """Require that rates, and rows with the open one, sum to the totals."""
    view = meter.view()
    totals = [view.exact[f"{e}_micro{'wh' if e in ENERGIES[:2] else 'varh'}"] for e in ENERGIES]
    registers = meter.state.registers
    assert [sum(column) for column in zip(*registers.rates, strict=True)] == totals
    rows = [*view.profile, *([view.open_row] if view.open_row else [])]
    assert [sum(column) for column in zip(*(row.energies for row in rows), [0] * 6, strict=True)] == totals
    for row in rows:
        assert (row.start_ns % (QUARTER_S * NANOSECONDS), row.end_ns - row.start_ns) == (0, QUARTER_S * NANOSECONDS)


# rates


def test_energy_goes_to_the_rate_of_its_second():
    powers = [3600.0 + k for k in range(1200)]
    meter = metered(powers, calendar_of([(0, 2), (10 * 60 + 5, 6), (10 * 60 + 15, 1)]))
    amounts = micro(powers)
    assert rate_imports(meter) == [sum(amounts[900:]), sum(amounts[:300]), 0, 0, 0, sum(amounts[300:900]), 0, 0]
    assert meter.view().values["active_rate"] == 1
    (row,) = meter.view().profile
    assert (row.rates, row.energies[0]) == ((2, 6), sum(amounts[:900]))
    require_sums(meter)


def test_a_window_across_a_change_is_shared_by_its_samples(waves):
    block = waves.wave(waves.three_phase(), 50.0, 8000, 2000.0)
    change = calendar_of([(0, 1), (10 * 60, 3)])
    start_ns = START_S * NANOSECONDS - 1_034_500_000  # sample 2069 is on the edge, within the sixth window
    whole, shared = Meter(first_state({})), Meter(first_state({}), change)
    for meter in (whole, shared):
        meter.step(block, start_ns)
        meter.end()
    assert shared.state.registers.total == whole.state.registers.total
    early, late = (shared.state.registers.rates[k][0] for k in (0, 2))
    assert early + late == whole.state.registers.total[0]
    # each window is a whole number of cycles of a steady power: its energy is even over its samples
    assert early == pytest.approx(whole.state.registers.total[0] * 2069 / 8000, rel=2e-5)
    require_sums(shared)


@pytest.mark.parametrize("day", ["2026-03-09", "2026-03-11"])
def test_outside_the_calendar_all_goes_to_t1_with_a_flag_and_a_standing_warning(day):
    only = datetime.fromisoformat("2026-03-10").date()
    calendar = calendar_of([(0, 4)], first_day=only, last_day=only)
    meter = metered([1000.0] * 1000, calendar, start_s=seconds(f"{day}T10:00"))
    assert rate_imports(meter)[1:] == [0] * 7
    assert meter.view().profile[0].flags == RowFlag.CALENDAR_MISSING
    assert meter.view().warnings == (
        "calendar own has no rate for this day, it holds 2026-03-10 to 2026-03-10: all energy goes to T1",
    )
    inside = metered([1000.0] * 1000, calendar)
    assert (rate_imports(inside)[0], inside.view().warnings, inside.view().profile[0].flags) == (0, (), RowFlag(0))


def test_the_bus_selects_a_rate_from_the_next_sample_on(waves):
    block = waves.wave(waves.three_phase(), 50.0, 4000, 2000.0)
    meter = Meter(first_state({"rate_source": "bus"}))
    meter.step(block.part(0, 1234), 0)
    assert meter.command(SelectRate(rate=7, interface=Interface.BUS), 0).verdict is Verdict.DONE
    assert (meter.view().selected_rate, meter.view().values["active_rate"]) == (7, 1)
    meter.step(block.part(1234, 4000), 617_000_000)
    meter.end()
    rates = meter.state.registers.rates
    assert rates[0][0] == pytest.approx(meter.state.registers.total[0] * 1234 / 4000, rel=1e-4)
    assert rates[0][0] + rates[6][0] == meter.state.registers.total[0]
    assert meter.view().values["active_rate"] == 7


@pytest.mark.parametrize(
    ("source", "rate", "verdict"),
    [("bus", 1, Verdict.DONE), ("bus", 8, Verdict.DONE), ("bus", 0, Verdict.OUT_OF_RANGE), ("bus", 9, Verdict.OUT_OF_RANGE),
     ("calendar", 2, Verdict.REFUSED), ("inputs", 2, Verdict.REFUSED)],
)  # fmt: skip
def test_a_rate_is_selected_within_its_range_and_only_where_the_bus_is_the_source(source, rate, verdict):
    meter = Meter(first_state({"rate_source": source}))
    outcome = meter.command(SelectRate(rate=rate, interface=Interface.BUS), 0)
    assert outcome.verdict is verdict
    assert meter.view().selected_rate == (rate if verdict is Verdict.DONE else 1)


# the profile


def test_rows_are_quarter_hours_labelled_by_their_start():
    powers = [100.0 * (k % 7) for k in range(3000)]
    meter = metered(powers, start_s=START_S - 400)
    amounts, (first, *rows) = micro(powers), meter.view().profile
    assert [row.start_ns // NANOSECONDS - START_S for row in (first, *rows)] == [-900, 0, 900]
    assert (first.flags, first.metered_ns) == (RowFlag.INCOMPLETE, 400 * NANOSECONDS)
    assert [row.flags for row in rows] == [0, 0]
    assert [row.energies[0] for row in (first, *rows)] == [sum(amounts[:400]), sum(amounts[400:1300]), sum(amounts[1300:2200])]
    still = meter.view().open_row
    assert (still.energies[0], still.flags, still.metered_ns) == (sum(amounts[2200:]), RowFlag.INCOMPLETE, 800 * NANOSECONDS)
    require_sums(meter)


def test_a_gap_makes_its_rows_incomplete_and_a_missing_interval_has_none():
    meter = metered([1000.0] * 300)
    meter.step(phasors([1000.0] * 1000, first=2800), (START_S + 2800) * NANOSECONDS)
    rows = list(meter.view().profile)
    assert [row.start_ns // NANOSECONDS - START_S for row in rows] == [0, 2700]
    assert [row.metered_ns // NANOSECONDS for row in rows] == [300, 800]
    assert {row.flags for row in rows} == {RowFlag.INCOMPLETE}
    require_sums(meter)


def test_a_meter_that_was_off_has_no_zeros_for_it():
    meter = metered([1000.0] * 300)
    meter.step(phasors([0.0] * 2500, first=300, volts=0.0), (START_S + 300) * NANOSECONDS)
    meter.step(phasors([1000.0] * 1000, first=2800), (START_S + 2800) * NANOSECONDS)
    rows = list(meter.view().profile)
    assert [row.start_ns // NANOSECONDS - START_S for row in rows] == [0, 2700]
    assert {row.flags for row in rows} == {RowFlag.INCOMPLETE | RowFlag.POWER_FAILED}
    require_sums(meter)
    powered = metered([1000.0] * 300, auxiliary_supply=True)
    powered.step(phasors([0.0] * 2500, first=300, volts=0.0), (START_S + 300) * NANOSECONDS)
    assert [(row.energies[0] > 0, row.flags) for row in powered.view().profile] == [(True, 0), (False, 0), (False, 0)]


@pytest.mark.parametrize("jump_s", [-3000, -100, 100, 3000])
def test_a_clock_that_is_set_flags_what_it_touches_and_counts_nothing_twice(jump_s):
    meter = metered([1000.0] * 1300)
    meter.step(phasors([2000.0] * 2000, first=1300), (START_S + 1300 + jump_s) * NANOSECONDS)
    amounts = micro([1000.0] * 1300 + [2000.0] * 2000)
    rows = list(meter.view().profile)
    assert [row.flags & RowFlag.CLOCK_SET for row in rows[:3]] == [0, 2, 2 if abs(jump_s) > 400 else 0]
    still = [row for row in [meter.view().open_row] if row]  # at the very end of an interval there is none
    assert sum(row.energies[0] for row in (*rows, *still)) == sum(amounts)
    (event,) = [event for event in meter.take_events() if event.kind is EventKind.CLOCK_SET]
    assert float(event.detail["step_s"]) == jump_s
    require_sums(meter)


def test_a_millisecond_is_the_same_clock_and_more_is_another():
    for late_ns, is_set in ((1_000_000, False), (-1_000_000, False), (1_000_001, True), (-1_000_001, True)):
        meter = metered([1000.0] * 100)
        meter.step(phasors([1000.0] * 10, first=100), (START_S + 100) * NANOSECONDS + late_ns)
        assert any(event.kind is EventKind.CLOCK_SET for event in meter.take_events()) == is_set


YEAR_S = 365 * 86400
SETTINGS_OF_CLOCKS = {
    "ten years on": lambda now_s: now_s + 10 * YEAR_S,
    "ten years back": lambda now_s: now_s - 10 * YEAR_S,
    "the end of 32 bits": lambda _: seconds("2038-01-19T03:14:00"),
    "the end of February 2100": lambda _: seconds("2100-02-28T23:59:00"),
    "summer begins": lambda _: seconds("2026-03-29T00:59:30"),
    "summer ends": lambda _: seconds("2026-10-25T00:59:30"),
    "the clock's battery is empty": lambda _: 86400,
    "a server of time, on": lambda now_s: now_s + 1.5,
    "a server of time, back": lambda now_s: now_s - 0.25,
    "a user, an hour on": lambda now_s: now_s + 3600,
    "a user, an hour back": lambda now_s: now_s - 3600,
}


def parts_by_second(stretches, amounts, length_s):
    """Return start, import, whether a clock was set in it and the first second of each part of the time, counted second by second.

    Touched are two: the part that is open when the clock is set, and the one that the first second after it falls into. A part ends
    when the clock comes to its end, or is set out of it.
    """
    parts, opened, at = [], None, 0
    for number, (begin_s, lasts_s) in enumerate(stretches):
        if number and opened:
            opened[2] = True
        for second in range(lasts_s):
            start_s = int((begin_s + second) // length_s * length_s)
            if opened is None or opened[0] != start_s:
                opened = [start_s, 0, False, at]
                parts.append(opened)
            opened[1] += amounts[at]
            opened[2] = opened[2] or (number > 0 and second == 0)
            at += 1
            opened = opened if begin_s + second + 1 < start_s + length_s else None
    return parts, opened is not None


def sliding_demands(stretches, amounts, rows):
    """Return the highest demand of fifteen minutes that ended in each row, in microwatts; None where there is none.

    A demand counts where no clock was set within its minutes, and none is missing that the meter has lived through.
    """
    minutes, is_last_open = parts_by_second(stretches, amounts, 60)
    demands = [[] for _ in rows]
    for place, (start_s, _, _, first) in enumerate(minutes[: len(minutes) - is_last_open]):
        held = [minute for minute in minutes[: place + 1] if start_s - 14 * 60 <= minute[0] <= start_s]
        held = [minute for minute in held if minute[0] == start_s - 60 * (place - minutes.index(minute))]
        row = max(number for number, (_, _, _, begun) in enumerate(rows) if begun <= first)
        if not any(is_touched for _, _, is_touched, _ in held):
            demands[row].append(4 * sum(energy for _, energy, _, _ in held))
    return [max(each, default=None) for each in demands]


def periods_touched(closings, stretches, amounts):
    """Return of each closing whether a clock was set in its period: the first that was not there yet when the clock was set.

    Every second here has energy, so what had been metered tells what came first. What a jump of the clock closes, it closes with what was
    metered before it; what the clock came to by itself just then was closed before.
    """
    next_ones, metered_s = set(), 0
    for begin_s, lasts_s in stretches[:-1]:
        metered_s += lasts_s
        energy, end_ns = sum(amounts[:metered_s]), round((begin_s + lasts_s) * NANOSECONDS)
        next_ones.add(sum(each.total[0] < energy or (each.total[0], each.time_ns) == (energy, end_ns) for each in closings))
    return [place in next_ones for place in range(len(closings))]


@given(
    steps=st.lists(st.tuples(st.sampled_from(sorted(SETTINGS_OF_CLOCKS)), st.integers(1, 1200)), min_size=1, max_size=6),
    closing_day=st.integers(0, 28),
    method=st.sampled_from(["block", "sliding"]),
)
@SOON
def test_whatever_the_clock_is_set_to_no_total_changes_each_step_is_told_and_nothing_counts_twice(steps, closing_day, method):
    given_settings = {"closing_day": closing_day, "demand_method": method}
    calendar = calendar_of([(0, 1), (60, 2), (120, 3)], "Europe/Madrid")
    meter = metered([1000.0] * 700, calendar, **given_settings)
    now_s, told_steps, powers, stretches = START_S + 700.0, [], [1000.0] * 700, [(float(START_S), 700)]
    for name, lasts_s in steps:
        set_s = SETTINGS_OF_CLOCKS[name](now_s)
        if abs(set_s - now_s) > 0.001:
            told_steps.append(set_s - now_s)
        more = [1000.0 + len(told_steps)] * lasts_s
        meter.step(phasors(more, first=len(powers)), round(set_s * NANOSECONDS))
        stretches += [(set_s, lasts_s)] if abs(set_s - now_s) > 0.001 else []
        stretches[-1] = stretches[-1] if stretches[-1] == (set_s, lasts_s) else (stretches[-1][0], stretches[-1][1] + lasts_s)
        powers, now_s = powers + more, set_s + lasts_s
    assert meter.state.registers.total[0] == sum(micro(powers))
    require_sums(meter)
    events = meter.take_events()
    told = [float(event.detail["step_s"]) for event in events if event.kind is EventKind.CLOCK_SET]
    assert told == pytest.approx(told_steps, abs=2e-6)
    rows = [*meter.view().profile, *[row for row in [meter.view().open_row] if row]]
    assert sum(row.energies[0] for row in rows) == sum(micro(powers))
    wanted, _ = parts_by_second(stretches, micro(powers), QUARTER_S)
    assert [(row.start_ns, row.energies[0], bool(row.flags & RowFlag.CLOCK_SET)) for row in rows] == [
        (start_s * NANOSECONDS, energy, is_touched) for start_s, energy, is_touched, _ in wanted
    ]
    if method == "block":
        demands = [None if is_touched else 4 * energy for _, energy, is_touched, _ in wanted]
    else:
        demands = sliding_demands(stretches, micro(powers), wanted)
    closed = list(meter.view().profile)
    assert [row.demand_microw for row in closed] == demands[: len(closed)]
    closings = list(meter.view().closings)
    assert [closing.total[0] for closing in closings] == sorted({closing.total[0] for closing in closings})
    assert len(closings) <= len(steps) + 1
    touched = periods_touched(closings, stretches, micro(powers))
    assert [bool(closing.flags & RowFlag.CLOCK_SET) for closing in closings] == touched
    told_closings = [event for event in events if event.kind is EventKind.PERIOD_CLOSED]
    assert [event.detail.get("flags") for event in told_closings] == [
        "clock set" if is_touched else None for is_touched in touched
    ]
    assert all(row.demand_microw is None or row.demand_microw <= (1000 + len(steps)) * MICRO for row in rows)


# demand


def set_clock(meter, time_s):
    return meter.command(SetClock(time_ns=time_s * NANOSECONDS, interface=Interface.BUS), 0)


@pytest.mark.parametrize("step_s", [3600, -3600, 10 * 365 * 86400])
def test_a_clock_set_by_command_goes_on_from_there_and_counts_nothing_twice(step_s):
    powers = [1000.0] * 3000
    meter, alone = metered(powers[:1000]), metered(powers)
    meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), 0)
    meter.take_events()
    assert set_clock(meter, START_S + 1000 + step_s).verdict is Verdict.DONE
    (event,) = meter.take_events()
    assert (event.kind, event.time_ns) == (EventKind.CLOCK_SET, (START_S + 1000 + step_s) * NANOSECONDS)
    assert event.detail["old"] == iso((START_S + 1000) * NANOSECONDS)
    assert (event.detail["step_s"], event.detail["interface"]) == (f"{step_s:.6f}", "bus")
    meter = Meter(restored(meter.state))
    meter.step(phasors(powers[1000:], first=1000), (START_S + 1000) * NANOSECONDS)
    assert [event.kind for event in meter.take_events()] == []
    assert meter.view().time_ns == (START_S + 3000 + step_s) * NANOSECONDS
    assert meter.state.registers.total == alone.state.registers.total
    assert any(row.flags & RowFlag.CLOCK_SET for row in meter.view().profile)
    require_sums(meter)


def test_a_clock_is_not_set_under_the_seal_beyond_its_range_or_where_none_runs():
    meter = metered([1000.0] * 10)
    assert set_clock(meter, START_S).verdict is Verdict.SEALED
    meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), 0)
    assert [set_clock(meter, s).verdict for s in (-1, 0)] == [Verdict.OUT_OF_RANGE, Verdict.DONE]
    assert [set_clock(meter, s).verdict for s in (9_000_000_000, 8_999_999_999)] == [Verdict.OUT_OF_RANGE, Verdict.DONE]
    meter.change_source()
    assert set_clock(meter, START_S).verdict is Verdict.REFUSED


def test_maxima_of_each_rate_have_the_end_of_their_period():
    powers = [1000.0] * 900 + [5000.0] * 900 + [3000.0] * 900 + [2000.0] * 900
    meter = metered(powers, calendar_of([(0, 1), (10 * 60 + 30, 2)]), ct="200/5")
    values, amounts = meter.view().values, micro(powers)
    assert values["demand_w"] == sum(amounts[2700:]) * 40 * 4 / 1e6
    assert values["max_demand_w"] == values["t1_max_demand_w"] == sum(amounts[900:1800]) * 40 * 4 / 1e6
    assert values["t2_max_demand_w"] == sum(amounts[1800:2700]) * 40 * 4 / 1e6
    assert [values[f"t{n}_max_demand_unix_s"] for n in (1, 2, 3)] == [START_S + 1800, START_S + 2700, None]
    assert [row.demand_microw for row in meter.view().profile] == [sum(amounts[k : k + 900]) * 160 for k in range(0, 3600, 900)]


def test_a_sliding_period_finds_the_peak_that_blocks_cut_in_two():
    powers = [1000.0] * 450 + [5000.0] * 900 + [1000.0] * 450
    block, sliding = (metered(powers, demand_method=method).view().values for method in ("block", "sliding"))
    amounts = micro(powers)
    assert block["max_demand_w"] == pytest.approx(3000.0, rel=1e-6)
    best = max((sum(amounts[k : k + 900]), -k) for k in range(0, 960, 60))
    assert sliding["max_demand_w"] == best[0] * 4 / 1e6
    assert sliding["max_demand_unix_s"] == START_S - best[1] + 900


@pytest.mark.parametrize("minutes", [60, 30, 15, 5])
def test_a_row_has_the_highest_demand_that_ended_in_it(minutes):
    meter = metered([k // 300 * 100.0 for k in range(3600)], demand_period_min=minutes)
    amounts = micro([k // 300 * 100.0 for k in range(3600)])
    steps = minutes * 60
    found = [sum(amounts[k : k + steps]) * 60 // minutes for k in range(0, 3600, steps)]
    ended = [[found[k] for k in range(len(found)) if 0 < (k + 1) * steps - row * 900 <= 900] for row in range(4)]
    assert [row.demand_microw for row in meter.view().profile] == [max(row, default=None) for row in ended]


# closings


def test_a_closing_by_the_calendar_freezes_registers_and_maxima():
    start_s = seconds("2026-03-31T21:30")
    powers = [1000.0] * 1800 + [3000.0] * 2000
    meter = metered(powers, calendar_of([(0, 2)], "Europe/Madrid"), start_s, closing_day=1)
    (closing,) = meter.view().closings
    amounts = micro(powers)
    assert (closing.time_ns, closing.cause) == ((start_s + 1800) * NANOSECONDS, ClosingCause.CALENDAR)
    assert (closing.total[0], closing.rates[1][0]) == (sum(amounts[:1800]),) * 2
    assert closing.maximum == closing.rate_maxima[1]
    assert closing.maximum.demand_microw == max(sum(amounts[:900]), sum(amounts[900:1800])) * 4
    assert meter.view().values["max_demand_w"] == max(sum(amounts[1800:2700]), sum(amounts[2700:3600])) * 4 / 1e6
    (event,) = [event for event in meter.take_events() if event.kind is EventKind.PERIOD_CLOSED]
    assert (event.time_ns, dict(event.detail)) == (closing.time_ns, {"number": "0", "cause": "calendar"})


def test_a_closing_on_command_shares_its_window(waves):
    block = waves.wave(waves.three_phase(), 50.0, 4000, 2000.0)
    meter = Meter(first_state({}))
    meter.step(block.part(0, 1234), 0)
    assert meter.command(ClosePeriod(interface=Interface.CONTROL), 0).verdict is Verdict.DONE
    meter.step(block.part(1234, 4000), 617_000_000)
    meter.end()
    (closing,) = meter.view().closings
    assert closing.time_ns == 617_000_000
    assert closing.total[0] == pytest.approx(meter.state.registers.total[0] * 1234 / 4000, rel=1e-4)
    meter.command(ClosePeriod(interface=Interface.CONTROL), 0)  # between streams: at once
    assert meter.view().closings[1].total == meter.state.registers.total


def test_a_gap_over_several_closing_days_closes_once_and_a_clock_set_back_not_again():
    start_s = seconds("2026-01-20T00:00")
    meter = metered([1000.0] * 100, start_s=start_s, closing_day=1)
    meter.step(phasors([1000.0] * 100, first=86400 * 60), (start_s + 86400 * 60) * NANOSECONDS)
    assert [c.time_ns // NANOSECONDS for c in meter.view().closings] == [seconds("2026-03-01")]
    meter.step(phasors([1000.0] * 100, first=86400 * 61), seconds("2026-02-28T23:59") * NANOSECONDS)
    assert len(meter.view().closings) == 1
    never = metered([1000.0] * 100, start_s=seconds("2026-01-31T23:59"), closing_day=0)
    assert len(never.view().closings) == 0


def test_only_the_closing_of_a_period_into_which_the_clock_was_set_is_flagged():
    meter = metered([1000.0] * 100, start_s=seconds("2026-01-31T23:00"), closing_day=1)

    def close():
        meter.command(ClosePeriod(interface=Interface.BUS), 0)

    meter.step(phasors([1000.0] * 60, first=100), seconds("2026-01-31T23:58") * NANOSECONDS)
    meter.step(phasors([1000.0] * 140, first=160), seconds("2026-01-31T23:59") * NANOSECONDS)  # closes at midnight
    close()
    meter.step(phasors([1000.0] * 100, first=300), seconds("2026-02-01T00:01:20") * NANOSECONDS)
    meter.step(phasors([1000.0] * 100, first=400), seconds("2026-03-02T00:00") * NANOSECONDS)  # jumps over one
    close()
    meter.end()
    told = [(str(closing.cause), int(closing.flags)) for closing in meter.view().closings]
    assert told == [("calendar", 2), ("command", 0), ("calendar", 2), ("command", 0)]


def test_twenty_four_closings_are_kept():
    meter = metered([1000.0] * 10)
    meter.end()
    for _ in range(30):
        meter.command(ClosePeriod(interface=Interface.BUS), 0)
    assert (len(meter.view().closings), meter.view().closings.oldest) == (30, 6)


def with_calendars(calendars, **given_settings):
    """Return a meter that can read these calendars by name, its seal open."""

    def read(name):
        if name not in calendars:
            msg = f"{name}: no such calendar"
            raise UnknownCalendarError(msg)
        return calendars[name]

    meter = Meter(first_state({"closing_day": 0, "calendar": "old", **given_settings}), calendars["old"], calendars=read)
    meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), 0)
    meter.take_events()
    return meter


def set_calendar(meter, name):
    return meter.command(WriteSettings(settings={"calendar": name}, interface=Interface.CONTROL), 7)


def test_a_calendar_set_while_the_meter_runs_holds_from_the_next_sample_on_and_is_an_event():
    powers = [3600.0 + k for k in range(1200)]
    meter = with_calendars({"old": calendar_of([(0, 2)]), "new": calendar_of([(0, 5), (10 * 60 + 15, 7)])})
    meter.step(phasors(powers[:400]), START_S * NANOSECONDS)
    assert set_calendar(meter, "new").verdict is Verdict.DONE
    assert meter.view().values["active_rate"] == 5
    meter.step(phasors(powers[400:], first=400), (START_S + 400) * NANOSECONDS)
    amounts = micro(powers)
    assert rate_imports(meter) == [0, sum(amounts[:400]), 0, 0, sum(amounts[400:900]), 0, sum(amounts[900:]), 0]
    (event,) = [event for event in meter.take_events() if event.detail.get("name") == "calendar"]
    assert (event.time_ns, dict(event.detail)) == (7, {"name": "calendar", "old": "old", "new": "new", "interface": "control"})
    require_sums(meter)


def test_a_calendar_with_a_passive_one_changes_at_its_activation():
    following = Passive(calendar=calendar_of([(0, 8)]), activation_ns=(START_S + 700) * NANOSECONDS)
    meter = with_calendars({"old": calendar_of([(0, 2)]), "new": replace(calendar_of([(0, 3)]), passive=following)})
    powers = [3600.0] * 1000
    meter.step(phasors(powers[:400]), START_S * NANOSECONDS)
    set_calendar(meter, "new")
    meter.step(phasors(powers[400:], first=400), (START_S + 400) * NANOSECONDS)
    amounts = micro(powers)
    assert rate_imports(meter) == [0, sum(amounts[:400]), sum(amounts[400:700]), 0, 0, 0, 0, sum(amounts[700:])]


def test_a_calendar_named_again_is_read_again():
    calendars = {"old": calendar_of([(0, 2)])}
    meter = with_calendars(calendars)
    set_calendar(meter, "old")
    assert meter.take_events() == ()
    calendars["old"] = replace(calendar_of([(0, 4)]), sha256="ab")
    assert set_calendar(meter, "old").verdict is Verdict.DONE
    (event,) = meter.take_events()
    assert (event.detail["new"], event.detail["sha256"]) == ("old, read anew", "ab")
    calendars["old"] = replace(calendar_of([(0, 4)]), sha256="cd")
    set_calendar(meter, "old")
    assert [event.detail["sha256"] for event in meter.take_events()] == ["cd"]
    metered([1000.0] * 100, meter=meter)
    assert [n for n, amount in enumerate(rate_imports(meter), 1) if amount] == [4]


def test_a_calendar_that_cannot_be_had_or_may_not_be_set_changes_nothing():
    meter = with_calendars({"old": calendar_of([(0, 2)]), "new": calendar_of([(0, 3)])})
    refused = set_calendar(meter, "none")
    assert (refused.verdict, refused.message) == (Verdict.OUT_OF_RANGE, "none: no such calendar")
    meter.command(SetSeal(is_open=False, interface=Interface.CONTROL), 0)
    assert set_calendar(meter, "new").verdict is Verdict.SEALED
    before = meter.state
    meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), 0)
    set_calendar(meter, "new")
    meter.go_back(before)  # as when it could not be kept
    assert meter.state.settings["calendar"] == "old"
    metered([1000.0] * 100, meter=meter)
    assert [n for n, amount in enumerate(rate_imports(meter), 1) if amount] == [2]


# anything


@st.composite
def stories(draw):
    """Return a calendar, powers, and what happens at which second: the clock is set, a rate selected, a period closed."""
    minutes = draw(st.lists(st.integers(1, 1439), max_size=6, unique=True))
    switches = [(minute, draw(st.integers(1, 8))) for minute in [0, *sorted(minutes)]]
    length = draw(st.integers(10, 4000))
    happenings = draw(st.lists(st.tuples(st.integers(1, length - 1), st.sampled_from(["clock", "rate", "close", "cut", "gap"]),
                                         st.integers(-5000, 5000)), max_size=8))  # fmt: skip
    source = draw(st.sampled_from(["calendar", "bus"]))
    given_settings = {"rate_source": source, "demand_period_min": draw(st.integers(1, 60)), "ct": "200/5",
                      "demand_method": draw(st.sampled_from(["block", "sliding"])), "closing_day": draw(st.integers(0, 28))}  # fmt: skip
    return calendar_of(switches, "Europe/Madrid"), given_settings, length, sorted(happenings), draw(st.integers(0, 10**9))


def told(story, *, stops=False):
    """Return a meter after a story, and the second's instant and rate source of each second metered."""
    calendar, given_settings, length, happenings, seed = story
    random = np.random.default_rng(seed)
    powers = random.uniform(100.0, 9000.0, length) * random.choice([1.0, 1.0, -1.0], length)  # none below the cut-off
    meter, clock_s, first, selected = Meter(first_state(given_settings), calendar), START_S, 0, 1
    by_rate = []
    for (at, kind, amount), (stop, *_) in pairwise([(0, "cut", 0), *happenings, (length, "cut", 0)]):
        if kind == "clock":
            clock_s += amount
        elif kind == "rate":
            selected = 1 + amount % 8
            meter.command(SelectRate(rate=selected, interface=Interface.BUS), 0)
        elif kind == "close":
            meter.command(ClosePeriod(interface=Interface.BUS), 0)
        elif kind == "gap":
            first += abs(amount)
            clock_s += abs(amount)
        if stop > at:
            rows = phasors(powers[at:stop], first=first + at)
            meter.step(rows, (clock_s + at) * NANOSECONDS)
            by_rate += [(clock_s + second, selected) for second in range(at, stop)]
        if stops:
            meter = Meter(restored(meter.state), calendar)
    return meter, powers, by_rate


def restored(state):
    rows = [row_from_record(json.loads(json.dumps(row_to_record(row)))) for row in state.profile]
    return state_from_record(json.loads(json.dumps(state_to_record(state))), rows)


def as_kept(state):
    return json.dumps(state_to_record(replace(state, opened=None))), [row_to_record(row) for row in state.profile]


@given(story=stories())
@SOON
def test_rates_sum_to_the_total_rows_to_the_registers_and_nothing_is_counted_twice(story):
    meter, powers, by_second = told(story)
    require_sums(meter)
    calendar, given_settings, *_ = story
    signed, rest = [], 0.0
    for watts in (phasors(powers).voltages[:, 0, 0].real * phasors(powers).currents[:, 0, 0].real).tolist():
        exact = watts * (1e6 / 3600.0) + rest
        signed.append(int(exact))
        rest = exact - int(exact)
    expected = [[0, 0] for _ in RATES]
    switches = [(switch.second, switch.rate) for switch in calendar.days[0].switches]
    for amount, (instant, selected) in zip(signed, by_second, strict=True):
        rate = selected
        if given_settings["rate_source"] == "calendar":
            offset = 3600 if instant < seconds("2026-03-29T01:00") else 7200
            rate = [r for second, r in switches if second <= (instant + offset) % 86400][-1]
        expected[rate - 1][amount < 0] += abs(amount) * 40
    assert [list(row[:2]) for row in meter.state.registers.rates] == expected
    maxima = [maximum for maximum in meter.state.demand.rate_maxima if maximum]
    highest = None if meter.state.demand.maximum is None else meter.state.demand.maximum.demand_microw
    assert highest == max((maximum.demand_microw for maximum in maxima), default=None)
    assert all(maximum.demand_microw <= 9000 * 40 * 10**6 + 60 * 40 for maximum in maxima)


STORY = (
    calendar_of([(0, 2), (10 * 60 + 65, 6)], "Europe/Madrid"),
    {"rate_source": "calendar", "demand_period_min": 15, "ct": "200/5", "demand_method": "block", "closing_day": 0},
    2000,
    [(500, "clock", -300), (900, "gap", 40), (1500, "close", 0)],
    7,
)


def _to_the_first_rate(registers, counts, *, ratio, rate):
    return add_counts(registers, counts, ratio=ratio, rate=min(rate, 2))


def _a_microwatt_hour_short(registers, counts, *, ratio, rate):
    counted = add_counts(registers, counts, ratio=ratio, rate=rate)
    rates = [list(row) for row in counted.rates]
    rates[rate - 1][0] -= 1
    return replace(counted, rates=tuple(map(tuple, rates)))


def _twice_into_the_row(interval, amounts, *more, **named):
    return add_to_interval(interval, [2 * amount for amount in amounts], *more, **named)


FAULTS = {
    "energy in the rate before": ("add_counts", _to_the_first_rate),
    "a rate that loses a microwatt-hour": ("add_counts", _a_microwatt_hour_short),
    "an interval that counts twice": ("add_to_interval", _twice_into_the_row),
}


@pytest.mark.parametrize(("name", "broken"), FAULTS.values(), ids=FAULTS)
def test_a_meter_that_counts_wrongly_is_found_by_the_same_sums(name, broken, monkeypatch):
    judge = test_rates_sum_to_the_total_rows_to_the_registers_and_nothing_is_counted_twice.hypothesis.inner_test
    judge(STORY)
    monkeypatch.setattr(f"watthour.meter.counting.{name}", broken)
    with pytest.raises(AssertionError):
        judge(STORY)


@given(story=stories())
@SOON
def test_a_stop_and_a_start_anywhere_lose_no_bit_of_it(story):
    if story[1]["rate_source"] == "calendar":
        story = (*story[:3], [row for row in story[3] if row[1] != "rate"], story[4])
    whole, stopped = told(story)[0], told(story, stops=True)[0]
    assert as_kept(stopped.state) == as_kept(whole.state)
    assert stopped.view() == whole.view()


@st.composite
def contact_stories(draw):
    """Return a calendar, its rate source, a length, and at which second what is told: contacts, rates, clocks, gaps."""
    length = draw(st.integers(10, 2500))
    kinds = ["train", "again", "select", "rate", "clock", "gap", "calendar"]
    happenings = draw(
        st.lists(st.tuples(st.integers(1, length - 1), st.sampled_from(kinds), st.integers(-3000, 3000)), max_size=9)
    )
    switches = [(0, 1), (10 * 60 + draw(st.integers(0, 40)), draw(st.integers(1, 8)))]
    return calendar_of(switches), draw(st.sampled_from(["calendar", "inputs", "bus"])), length, sorted(happenings)


def pulse_train(first_number, time_s, count):
    """Return pulses of 40 ms every 100 ms at input 1, numbered."""
    return [
        Edge(time_ns=time_s * NANOSECONDS + (100 * n + 40 * k) * 10**6, contact=1, closed=k == 0, number=2 * (first_number + n) + k)
        for n in range(count)
        for k in (0, 1)
    ]  # fmt: skip


def asked(meter, kind, amount):
    if kind == "rate":
        meter.command(SelectRate(rate=1 + amount % 8, interface=Interface.BUS), 0)
    else:
        set_calendar(meter, "new" if amount > 0 else "old")


def lived(story, *, stops=False):
    """Return a meter after a story with contacts, the powers, and the pulses that were told."""
    calendar, source, length, happenings = story
    calendars = {"old": calendar, "new": calendar_of([(0, 6)])}
    meter = with_calendars(calendars, rate_source=source, input1_use="pulses", input2_use="rate")
    powers = np.random.default_rng(length).uniform(100.0, 9000.0, length)
    clock_s, first, told_edges = START_S, 0, []
    for (at, kind, amount), (stop, *_) in pairwise([(0, "", 0), *happenings, (length, "", 0)]):
        if kind == "train":  # up to ten seconds late, as a line may be
            told_edges += pulse_train(len(told_edges) // 2, clock_s + at - abs(amount) % 10, abs(amount) % 5)
            meter.switch_contacts(told_edges)
        elif kind == "again":
            meter.switch_contacts(told_edges)
        elif kind == "select":
            meter.switch_contacts([Edge(time_ns=(clock_s + at) * NANOSECONDS, contact=2, closed=amount > 0)])
        elif kind in {"rate", "calendar"}:
            asked(meter, kind, amount)
        missing = abs(amount) if kind == "gap" else 0
        first, clock_s = first + missing, clock_s + (amount if kind == "clock" else missing)
        if stop > at:
            meter.step(phasors(powers[at:stop], first=first + at), (clock_s + at) * NANOSECONDS)
        if stops:
            name = str(meter.state.settings["calendar"])
            meter = Meter(restored(meter.state), calendars[name], calendars=calendars.__getitem__)
    return meter, powers, len(told_edges) // 2


@given(story=contact_stories())
@SOON
def test_whatever_contacts_buses_calendars_and_clocks_do_sums_hold_and_no_pulse_counts_twice(story):
    meter, powers, pulses = lived(story)
    require_sums(meter)
    assert meter.state.registers.total[0] == sum(micro(powers))
    contacts = meter.state.contacts
    waiting = sum(edge.closed for edge in contacts.waiting if edge.contact == 1)
    assert contacts.inputs[0].count + waiting <= pulses
    if not any(kind == "clock" for _, kind, _ in story[3]) and not _overlapping(story):
        assert contacts.inputs[0].count == pulses


def _overlapping(story):
    """Tell whether two trains lie so near that they may be told out of order, or one before the first sample."""
    at = [second - abs(amount) % 10 for second, kind, amount in story[3] if kind == "train"]
    return any(second <= 0 for second in at) or any(later - earlier < 1 for earlier, later in pairwise(at))


@given(story=contact_stories())
@settings(SOON, max_examples=12)
def test_a_stop_anywhere_changes_nothing_of_contacts_and_rates(story):
    whole, stopped = lived(story)[0], lived(story, stops=True)[0]
    assert as_kept(stopped.state) == as_kept(whole.state)
