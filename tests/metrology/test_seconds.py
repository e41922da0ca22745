"""Seconds given as phasors, against closed forms and against the same installation by samples."""

import json
import math

import numpy as np
import pytest

from watthour.errors import SampleError
from watthour.meter import Meter, first_state, state_from_record, state_to_record
from watthour.samples import Block, Phasors
from watthour.units import LATE_NAMES
from watthour.view import EventKind

RATE_HZ = 8000
FREQUENCY_HZ = 50.0
ORDERS = (1, 5)


def seconds(count, *, voltages, currents, first_sample=0, frequency_hz=FREQUENCY_HZ):
    """Return seconds of one steady state; phasors of shape (3, 2), rms."""
    shape = (count, 3, len(ORDERS))
    return Phasors(
        voltages=np.broadcast_to(np.asarray(voltages, complex), shape).copy(),
        currents=np.broadcast_to(np.asarray(currents, complex), shape).copy(),
        orders=ORDERS,
        frequency_hz=np.full(count, frequency_hz),
        first_sample=first_sample,
    )


def samples(count_s, *, voltages, currents):
    """Return the same steady state by samples."""
    k = np.arange(count_s * RATE_HZ)
    turns = [np.exp(2j * np.pi * order * FREQUENCY_HZ * k / RATE_HZ) for order in ORDERS]

    def rows(phasors):
        return np.stack([sum(math.sqrt(2) * (a * t).real for a, t in zip(row, turns, strict=True)) for row in phasors])

    return Block(voltages=rows(voltages), currents=rows(currents), rate_hz=float(RATE_HZ), first_sample=0)


TURN = np.exp(-2j * np.pi * np.arange(3) / 3)
VOLTAGES = np.stack([230 * TURN, [4.6, 4.6j, -4.6]], axis=1)
CURRENTS = np.stack([[3 * np.exp(-1j), 2 * TURN[1], -1 * TURN[2] * np.exp(0.3j)], [0.3, 0.2j, 0.1]], axis=1)


def stepped(*stretches):
    meter = Meter(first_state({}))
    for stretch in stretches:
        meter.step(stretch, stretch.first_sample * 10**9)
    return meter


def test_energy_of_an_hour_is_power_times_time():
    meter = stepped(seconds(3600, voltages=VOLTAGES, currents=CURRENTS))
    power_w = (VOLTAGES * CURRENTS.conj()).real.sum(axis=1)
    reactive_var = (VOLTAGES[:, 0] * CURRENTS[:, 0].conj()).imag
    exact = meter.view().exact
    assert exact["import_microwh"] - exact["export_microwh"] == pytest.approx(power_w.sum() * 1e6, abs=3)
    assert exact["l3_export_microwh"] == pytest.approx(-power_w[2] * 1e6, abs=1)
    assert exact["q1_microvarh"] == pytest.approx(reactive_var.sum() * 1e6, abs=3)


def test_an_hour_by_phasors_and_by_samples_agree():
    by_seconds = stepped(seconds(60, voltages=VOLTAGES, currents=CURRENTS)).view()
    sampled = stepped(samples(60, voltages=VOLTAGES, currents=CURRENTS))
    sampled.end()
    by_samples = sampled.view()
    for name, value in by_samples.exact.items():
        assert by_seconds.exact[name] == pytest.approx(value, rel=1e-6, abs=2), name
    for name, value in by_samples.values.items():
        if value is not None:
            # a crest lies between samples: cos(π/160) at 160 a cycle; other late values see a few ppm of the fundamental
            rel, least = (2e-4, 1e-3) if name in LATE_NAMES else (1e-6, 1e-6)
            assert by_seconds.values[name] == pytest.approx(value, rel=rel, abs=least), name
    assert by_seconds.values["frequency_hz"] == FREQUENCY_HZ


def test_how_seconds_are_cut_changes_nothing():
    whole = seconds(100, voltages=VOLTAGES, currents=CURRENTS)
    once = stepped(whole)
    parts = stepped(*(whole.part(a, b) for a, b in [(0, 1), (1, 37), (37, 99), (99, 100)]))
    assert state_to_record(parts.state) | {"anchor": None} == state_to_record(once.state) | {"anchor": None}


def test_a_stop_between_seconds_changes_nothing():
    whole = seconds(10, voltages=VOLTAGES, currents=CURRENTS)
    kept = state_from_record(json.loads(json.dumps(state_to_record(stepped(whole.part(0, 4)).state))))
    resumed = Meter(kept)
    resumed.step(whole.part(4, 10), 4 * 10**9)
    assert resumed.view().exact == stepped(whole).view().exact


def test_a_phase_below_cut_off_adds_nothing_and_shows_nothing():
    currents = CURRENTS.copy()
    currents[1] = [0.0009 * TURN[1], 0.0]
    view = stepped(seconds(5, voltages=VOLTAGES, currents=currents)).view()
    assert view.exact["l2_import_microwh"] == 0
    assert (view.values["current_l2_a"], view.values["power_factor_l2"]) == (0.0, None)
    currents[1] = [0.00101 * TURN[1], 0.0]
    assert stepped(seconds(5, voltages=VOLTAGES, currents=currents)).view().exact["l2_import_microwh"] > 0


def test_a_missing_minute_is_a_gap_and_is_not_counted():
    meter = stepped(
        seconds(10, voltages=VOLTAGES, currents=CURRENTS), seconds(10, voltages=VOLTAGES, currents=CURRENTS, first_sample=70)
    )
    assert (meter.view().samples, meter.view().duration_s) == (20, 20.0)
    (gap,) = [event for event in meter.take_events() if event.kind is EventKind.SOURCE_GAP]
    assert gap.detail["duration_s"] == "60.000000"


def test_seconds_without_voltage_count_nothing_and_switch_the_meter_off():
    meter = stepped(
        seconds(5, voltages=VOLTAGES, currents=CURRENTS),
        seconds(5, voltages=VOLTAGES * 0, currents=CURRENTS, first_sample=5),
    )
    counted = stepped(seconds(5, voltages=VOLTAGES, currents=CURRENTS)).view().exact
    assert meter.view().exact == counted
    assert not meter.view().powered
    assert meter.view().values["frequency_hz"] is None


def test_a_phasor_that_is_no_number_is_refused_with_its_second():
    bad = seconds(5, voltages=VOLTAGES, currents=CURRENTS, first_sample=7)
    bad.currents[3, 1, 0] = complex(math.nan, 0)
    meter = stepped(seconds(7, voltages=VOLTAGES, currents=CURRENTS))
    before = meter.view()
    with pytest.raises(SampleError, match="second 10 of I2"):
        meter.step(bad, 0)
    assert meter.view() == before


@pytest.mark.usefixtures("interpreted")
def test_interpreted_seconds_count_what_compiled_ones_count():
    power_w = (VOLTAGES * CURRENTS.conj()).real.sum()
    exact = stepped(seconds(36, voltages=VOLTAGES, currents=CURRENTS)).view().exact
    assert exact["import_microwh"] - exact["export_microwh"] == pytest.approx(power_w * 1e4, abs=3)
