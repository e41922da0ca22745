"""What lasts at the terminals becomes one event when it begins and one when it ends, however it flaps and is cut."""

import json
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.meter import Meter, first_state, state_from_record, state_to_record
from watthour.meter.watching import CONDITIONS, NOTHING, watch
from watthour.metrology import WINDOW
from watthour.parameters import DEFAULTS
from watthour.samples import Phasors
from watthour.units import NANOSECONDS
from watthour.view import EventKind

SECOND = NANOSECONDS
A = np.exp(-2j * np.pi / 3)
RIGHT, WRONG = np.array([1, A, A**2]), np.array([1, A**2, A])
SETTINGS = MappingProxyType({**DEFAULTS})


def second(volts=(230.0, 230.0, 230.0), amps=(2.0, 2.0, 2.0), turns=RIGHT, cycles=50):
    """Return a window of one second; a negative current flows backwards."""
    row = np.zeros(1, WINDOW)
    row["cycles"], row["samples"] = cycles, 1
    row["voltage_v"], row["current_a"] = volts, np.abs(amps)
    row["power_w"] = np.array(volts) * amps
    row["voltage_phasor_v"] = np.array(volts) * turns
    return row


def watched(rows, on=None, standings=NOTHING, start=0, cuts=()):
    """Return what is told of windows, given in parts, and how it stands after them."""
    windows = np.concatenate(rows)
    on = np.ones(len(rows), bool) if on is None else np.array(on)
    told = []
    for begin, end in zip((0, *cuts), (*cuts, len(rows)), strict=True):
        part = slice(begin, end)
        if end > begin:
            standings, events = watch(
                standings, windows[part], on[part], SETTINGS, lambda k, begin=begin: (start + begin + k) * SECOND
            )
            told += events
    return told, standings


def words(events):
    return [(str(e.kind), e.detail.get("phase", ""), e.detail["state"], e.time_ns // SECOND) for e in events]


GOOD = second()
CASES = {
    EventKind.PHASE_LOSS: (second(volts=(230, 30, 230)), "L2", 3),
    EventKind.UNDER_VOLTAGE: (second(volts=(230, 230, 183)), "L3", 3),
    EventKind.OVER_VOLTAGE: (second(volts=(277, 230, 230)), "L1", 3),
    EventKind.REVERSED_CURRENT: (second(amps=(2.0, -1.0, 2.0)), "L2", 60),
    EventKind.WRONG_SEQUENCE: (second(turns=WRONG), "", 3),
}


@pytest.mark.parametrize("kind", CASES)
def test_a_condition_is_told_once_it_has_lasted_and_once_it_has_been_gone_for_a_minute(kind):
    bad, phase, hold_s = CASES[kind]
    told, standings = watched([GOOD] * 5 + [bad] * hold_s + [GOOD] * 59)
    assert words(told) == [(str(kind), phase, "begun", 5)]
    told, standings = watched([GOOD] * 5, standings=standings, start=5 + hold_s + 59)
    assert words(told) == [(str(kind), phase, "ended", 5 + hold_s)]
    assert told[0].detail["duration_s"] == f"{hold_s}.0"


@pytest.mark.parametrize("kind", CASES)
def test_what_does_not_last_is_not_told(kind):
    bad, _, hold_s = CASES[kind]
    assert watched([GOOD] * 5 + [bad] * (hold_s - 1) + [GOOD] * 100)[0] == []


@pytest.mark.parametrize(("begins", "stays", "back"), [(183.9, 188.5, 188.7), (276.1, 271.5, 271.3)])
def test_a_voltage_at_its_limit_does_not_flap(begins, stays, back):
    def at(volts):
        return second(volts=(volts, 230, 230))

    told, _ = watched([at(begins)] * 3 + [at(stays)] * 200)
    assert [event.detail["state"] for event in told] == ["begun"]
    told, _ = watched([at(begins)] * 3 + [at(back)] * 60)
    assert [event.detail["state"] for event in told] == ["begun", "ended"]
    assert watched([at(stays)] * 100)[0] == []


def test_a_phase_that_is_out_is_no_undervoltage_and_a_meter_that_is_off_has_lost_no_phase():
    told, _ = watched([second(volts=(230, 230, 0))] * 10)
    assert [event.kind for event in told] == [EventKind.PHASE_LOSS]
    assert watched([second(volts=(0, 0, 0))] * 100, on=[False] * 100)[0] == []


def test_export_on_all_phases_and_a_current_too_small_to_tell_are_no_reversed_current():
    assert watched([second(amps=(-2, -2, -2))] * 100)[0] == []
    assert watched([second(amps=(2, -0.24, 2))] * 100)[0] == []
    assert len(watched([second(amps=(2, -0.26, 2))] * 100)[0]) == 1


def test_two_voltages_at_one_angle_are_no_wrong_sequence():
    assert watched([second(turns=np.array([1, 1, 1]))] * 10)[0] == []
    assert watched([second(turns=np.array([1, A, A]))] * 10)[0] == []


def test_windows_without_a_whole_cycle_tell_nothing():
    told, _ = watched([second(volts=(230, 230, 183), cycles=0)] * 10)
    assert told == []


def test_what_flaps_for_six_hours_writes_few_events():
    bad, _, _ = CASES[EventKind.UNDER_VOLTAGE]
    told, _ = watched(([bad] * 4 + [GOOD] * 61) * (6 * 3600 // 65))
    assert 2 <= len(told) <= 2 * (6 + 6)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([GOOD, *(bad for bad, _, _ in CASES.values())]), st.integers(1, 90)), max_size=12),
    st.data(),
)
def test_how_windows_are_given_out_changes_nothing(runs, data):
    rows = [row for row, count in runs for _ in range(count)]
    if rows:
        cuts = sorted(data.draw(st.sets(st.integers(1, len(rows)), max_size=6)))
        whole, parted = watched(rows), watched(rows, cuts=tuple(cut for cut in cuts if cut < len(rows)))
        assert words(parted[0]) == words(whole[0])
        assert parted[1] == whole[1]


def phasors(count, volts=(230.0, 230.0, 230.0), first=0):
    voltages = np.tile((np.array(volts) * RIGHT)[None, :, None], (count, 1, 1)).astype(np.complex128)
    return Phasors(
        voltages=voltages, currents=voltages / 100, orders=(1,), frequency_hz=np.full(count, 50.0), first_sample=first
    )


def test_a_meter_tells_of_a_lost_phase_and_knows_of_it_after_a_restart():
    meter = Meter(first_state({}))
    meter.step(phasors(10), 0)
    meter.step(phasors(10, volts=(230, 0, 230), first=10), 10 * SECOND)
    assert words(meter.take_events()) == [("phase loss", "L2", "begun", 10)]
    again = Meter(state_from_record(json.loads(json.dumps(state_to_record(meter.state)))))
    assert again.state.standings == meter.state.standings
    again.step(phasors(70, first=20), 20 * SECOND)
    assert words(again.take_events()) == [("phase loss", "L2", "ended", 20)]


def test_a_clock_that_is_set_moves_what_stands_with_it():
    meter = Meter(first_state({}))
    meter.step(phasors(2), 0)
    meter.step(phasors(10, volts=(230, 0, 230), first=2), 2 * SECOND)
    meter.take_events()
    meter.step(phasors(70, first=12), 10**6 * SECOND)
    clock, ended = meter.take_events()
    assert clock.kind is EventKind.CLOCK_SET
    assert (clock.detail["old"], clock.detail["new"]) == ("1970-01-01T00:00:12Z", "1970-01-12T13:46:40Z")
    assert ended.detail["duration_s"] == "10.0"


def test_there_is_a_standing_for_each_condition():
    assert len(NOTHING) == len(CONDITIONS) == 13


def test_power_that_comes_back_says_how_long_it_was_out():
    meter = Meter(first_state({}))
    meter.step(phasors(5), 0)
    meter.step(phasors(20, volts=(0, 0, 0), first=5), 5 * SECOND)
    meter = Meter(state_from_record(json.loads(json.dumps(state_to_record(meter.state)))))
    meter.step(phasors(5, first=25), 25 * SECOND)
    (up,) = meter.take_events()
    assert (up.kind, up.time_ns, up.detail["gap_s"]) == (EventKind.POWER_UP, 25 * SECOND, "20.000")
