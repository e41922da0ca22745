"""The truth that the meter is judged by, against plain integration of the waves in time."""

import math
from fractions import Fraction

import numpy as np
import pytest

from watthour.typetest import loads
from watthour.typetest.loads import burst_fired, phase_fired, reversed_sequence, shifted, three_phase, wave, with_voltages
from watthour.typetest.series import active_ws, orders_of, period_samples, phasors_of, reactive_var, sample_period, truncated

FIFTY = Fraction(50)


def in_time(series, frequency_hz, time_s):
    """Return the wave at some instants."""
    return sum(
        math.sqrt(2) * (phasor * np.exp(2j * math.pi * float(order * frequency_hz) * time_s)).real
        for order, phasor in series.items()
    )


def integrated(load, begin_s, end_s, steps=400_000):
    """Return the energy by the midpoint rule, far finer than any sample."""
    time_s = begin_s + (np.arange(steps) + 0.5) * (end_s - begin_s) / steps
    powers = [
        in_time(u, load.frequency_hz, time_s) * in_time(i, load.frequency_hz, time_s)
        for u, i in zip(load.voltages, load.currents, strict=True)
        if u and i
    ]
    return sum(power.mean() for power in powers) * (end_s - begin_s)


LOADS = {
    "balanced": three_phase(FIFTY, wave(230.0), wave(5.0, -1.0)),
    "one phase alone": three_phase(FIFTY, wave(230.0), wave(5.0, -1.0), arrangement="L2"),
    "export": three_phase(FIFTY, wave(230.0), wave(5.0, 0.6), exporting=True),
    "harmonics": three_phase(Fraction("50.13"), wave(230.0, 0.0, loads.EVERYDAY_U), wave(2.0, -1.0, loads.EVERYDAY_I)),
    "burst": three_phase(FIFTY, wave(230.0), burst_fired(5.0, 30.0), arrangement="L1"),
    "a phase missing": with_voltages(three_phase(FIFTY, wave(230.0), wave(5.0)), (1, 0, 1)),
}


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_energy_is_the_integral_over_any_stretch(load):
    for begin_s, end_s in ((-0.5 / 8000, 0.1234), (0.777, 1.0101)):
        found = active_ws(load, begin_s, end_s)
        assert found == pytest.approx(integrated(load, begin_s, end_s), rel=1e-6, abs=1e-6)


def test_reactive_power_is_that_of_the_fundamental_with_its_sign():
    assert reactive_var(LOADS["one phase alone"]) == pytest.approx(230 * 5 * math.sin(1.0))
    assert reactive_var(LOADS["export"]) == pytest.approx(3 * 230 * 5 * math.sin(0.6))
    assert reactive_var(LOADS["harmonics"]) == pytest.approx(3 * 230 * 2 * math.sin(1.0))


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_samples_are_the_waves_at_their_instants_and_come_again(load):
    rate_hz = 4000.0
    length = period_samples(load, rate_hz)
    values = sample_period(load, rate_hz, np.ones_like(phasors_of(load)))
    assert values.shape == (6, length)
    time_s = (np.arange(200) + 3 * length) / rate_hz
    for row, series in zip(values, (*load.voltages, *load.currents), strict=True):
        wanted = in_time(series, load.frequency_hz, time_s) if series else np.zeros(200)
        assert row[np.arange(200) % length] == pytest.approx(wanted, abs=1e-7)


def hard(theta, *, conducts):
    return np.where(conducts(theta), math.sqrt(2) * 5.0 * np.sin(theta), 0.0)


@pytest.mark.parametrize(
    ("series", "conducts", "turns"),
    [
        (phase_fired(5.0, 4001.0), lambda theta: theta % math.pi > math.pi / 2, 1),
        (burst_fired(5.0, 1001.0), lambda theta: theta % (8 * math.pi) < 4 * math.pi, 4),
    ],
    ids=["phase-fired", "burst-fired"],
)
def test_fired_currents_are_what_their_names_say(series, conducts, turns):
    theta = (np.arange(4000) + 0.5) * 2 * math.pi * turns / 4000
    found = in_time(series, Fraction(1), theta / (2 * math.pi))
    wanted = hard(theta, conducts=conducts)
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.02 * 5  # what is left is Gibbs' overshoot at the edges
    assert sum(abs(phasor) ** 2 for phasor in series.values()) == pytest.approx(12.5, rel=1e-3)  # half of 5 A squared
    assert series[Fraction(1)].imag == pytest.approx(-2.5)  # with a sine of voltage: half of the power


def test_orders_that_a_rate_cannot_carry_are_left_out():
    load = three_phase(FIFTY, wave(230.0), phase_fired(5.0, 100.0))
    assert max(orders_of(truncated(load, 1200.0))) == 9  # 450 Hz; 550 Hz is above 540
    assert max(orders_of(truncated(load, 8000.0))) == 71


def test_a_load_some_cycles_on_is_the_same_load_later():
    load, later = LOADS["harmonics"], shifted(LOADS["harmonics"], 0.3)
    lag_s = 0.3 / 50.13
    assert active_ws(later, 0.0, 0.0173) == pytest.approx(active_ws(load, lag_s, lag_s + 0.0173), rel=1e-9)


def test_the_reversed_sequence_turns_the_other_way_and_carries_the_same_energy():
    load = LOADS["balanced"]
    turned = reversed_sequence(load)
    assert turned.voltages[1] == load.voltages[2]
    assert active_ws(turned, 0.0, 1.0) == pytest.approx(active_ws(load, 0.0, 1.0))
