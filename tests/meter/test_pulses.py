"""The LEDs of a meter: in step with its registers to the pulse, over any cut, stop and summation."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watthour.errors import SampleError
from watthour.meter import Meter, first_state, state_from_record, state_to_record
from watthour.pulses import LEDS, MICRO_PER_PULSE, Led, led_count

RATE_HZ = 1200.0
"""A sample is no whole number of nanoseconds long."""
SAMPLES = 6000
START_NS = 1_767_225_600 * 10**9
SOON = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def busy(waves):
    """Return 5 s of a load of 24 kW that turns round on one phase, and is lost for a while."""
    block = waves.wave(
        waves.three_phase(currents_a=(60.0, 40.0, 20.0), angles_deg=(30.0, 250.0, -45.0)), 50.13, SAMPLES, RATE_HZ
    )
    block.voltages[:, 3000:3600] = 0.0
    return block


def told(meter):
    """Return instants and numbers of each LED's pulses since last asked."""
    found = {led: [] for led in LEDS}
    for pulses in meter.take_pulses():
        found[pulses.led] += list(enumerate(pulses.time_ns.tolist(), pulses.first))
    return found


def meter_of(state=None, **given_settings):
    return Meter(state or first_state(given_settings), watches_leds=True)


def step(meter, block):
    meter.step(block, START_NS + round(block.first_sample * 10**9 / RATE_HZ))


def whole(waves, **given_settings):
    meter = meter_of(**given_settings)
    step(meter, busy(waves))
    meter.end()
    return meter, told(meter)


@pytest.mark.parametrize("summation", ["vectorial", "arithmetic"])
def test_pulses_and_registers_agree_to_the_pulse(waves, summation):
    meter, pulses = whole(waves, summation=summation, ct="200/5")
    for led in LEDS:
        numbers = [number for number, _ in pulses[led]]
        assert numbers == list(range(1, led_count(meter.state.registers.secondary, led) + 1))
        assert len(numbers) > 5
    exact = meter.view().exact
    assert len(pulses[Led.KWH]) == (exact["secondary_import_microwh"] + exact["secondary_export_microwh"]) // MICRO_PER_PULSE


def test_a_pulse_lies_where_the_closed_integral_reaches_its_energy(waves):
    six, samples = waves.single_phase(current_a=60.0), 5 * 1200
    meter = meter_of()
    step(meter, waves.wave(six, 50.13, samples, RATE_HZ))
    meter.end()
    ripple_s = 2.0 / (0.5 * 2.0 * 2.0 * np.pi * 50.13)  # swing of a phase's power over its mean, PF 0.5, integrated
    pulses = told(meter)[Led.KWH]
    assert len(pulses) > 30
    for number, time_ns in pulses:
        steady_s = number * 900.0 / (230.0 * 60.0 * 0.5)  # 900 Ws a pulse
        assert abs((time_ns - START_NS) / 1e9 - steady_s) < ripple_s


@given(cuts=st.lists(st.integers(0, SAMPLES), max_size=8))
@SOON
def test_any_cut_gives_the_same_pulses_to_the_nanosecond(waves, cuts):
    meter = meter_of()
    found = {led: [] for led in LEDS}
    for block in waves.pieces(busy(waves), cuts):
        step(meter, block)
        found = {led: found[led] + pulses for led, pulses in told(meter).items()}
    meter.end()
    found = {led: found[led] + pulses for led, pulses in told(meter).items()}
    assert found == whole(waves)[1]
    for pulses in found.values():
        assert (np.diff([time_ns for _, time_ns in pulses]) > 0).all()


@pytest.mark.parametrize("at", [1, 777, 1201, 3300, 5999])
def test_a_stop_and_a_start_lose_and_double_no_pulse(waves, at):
    block = busy(waves)
    first = meter_of()
    step(first, block.part(0, at))
    before = told(first)
    again = meter_of(state_from_record(json.loads(json.dumps(state_to_record(first.state)))))
    step(again, block.part(at, SAMPLES))
    again.end()
    after = told(again)
    assert {led: before[led] + after[led] for led in LEDS} == whole(waves)[1]


def test_a_gap_leaves_pulses_in_order(waves):
    block = busy(waves)
    meter = meter_of()
    step(meter, block.part(0, 2500))
    step(meter, block.part(4000, SAMPLES))
    meter.end()
    pulses = told(meter)[Led.KWH]
    times = [time_ns for _, time_ns in pulses]
    assert (np.diff(times) > 0).all()
    gap = START_NS + np.array([2500, 4000]) * 10**9 / RATE_HZ
    assert not [time_ns for time_ns in times if gap[0] < time_ns < gap[1]]
    assert pulses[-1][0] == led_count(meter.state.registers.secondary, Led.KWH)


def test_the_question_what_if_it_ended_here_has_pulses_of_its_own(waves):
    meter = meter_of()
    step(meter, busy(waves).part(0, 1100))
    counted = told(meter)
    settled = meter.settled()
    rest = told(settled)[Led.KWH]
    assert rest
    assert rest[0][0] == counted[Led.KWH][-1][0] + 1
    assert rest[-1][0] == led_count(settled.state.registers.secondary, Led.KWH)
    assert told(meter) == {led: [] for led in LEDS}


def test_a_refused_block_gives_no_pulse(waves):
    block = busy(waves)
    meter = meter_of()
    bad = waves.block_of(block.voltages.copy(), block.currents.copy(), RATE_HZ)
    bad.voltages[0, 5000] = np.nan
    with pytest.raises(SampleError):
        step(meter, bad)
    assert told(meter) == {led: [] for led in LEDS}


def test_nobody_watching_makes_no_pulses(waves):
    meter = Meter(first_state({}))
    step(meter, busy(waves))
    assert meter.take_pulses() == ()
