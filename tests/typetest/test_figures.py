"""The figures that the ideal front end must reach, on a sample of the grid, and faults that must be seen.

Tolerances: the product's own bar, 1 ppm active and 2 ppm reactive at 8000 samples a second, 5 and 5 at 1200, and one
quantum of a microwatt-hour of each phase in what a record counts.
"""

from dataclasses import replace
from fractions import Fraction

import pytest

from watthour.pulses import MICRO_PER_PULSE
from watthour.typetest import ACTIVE, REACTIVE, By, loads
from watthour.typetest.judging import NOTHING, agrees, measure_errors, pulse_error, true_energy
from watthour.typetest.metering import Flashed, Watched
from watthour.typetest.plan import run_trials
from watthour.typetest.points import distorted_grid, grid, influences, point_at
from watthour.typetest.series import active_ws
from watthour.waveform.front_end import front_end

BARS_PPM = {(8000.0, ACTIVE): 1.0, (8000.0, REACTIVE): 2.0, (1200.0, ACTIVE): 5.0, (1200.0, REACTIVE): 5.0}


def quantum_ppm(bench, point):
    """Return what a microwatt-hour of each phase that counts is of a record: phases are counted one by one."""
    phases = 3 if point.is_balanced else 1
    return phases * 1e6 / abs(true_energy(bench, point, 0.0, bench.seconds) / 3600 * 1e6)


@pytest.mark.parametrize(("rate_hz", "quantity"), BARS_PPM)
def test_the_ideal_front_end_reaches_its_figures(make_bench, rate_hz, quantity):
    bench = make_bench(rate_hz=rate_hz)
    trials = [*list(grid(bench, quantity))[::97], *list(distorted_grid(bench, quantity))[::29]]
    assert len(trials) > 15
    for trial in trials:
        errors = measure_errors(bench, trial.point, waits=False)
        assert errors.agree
        bar = BARS_PPM[rate_hz, quantity] + quantum_ppm(bench, trial.point)
        assert abs(errors.by[By.REGISTER] * 1e4) <= bar, trial.point.condition(bench)


def test_where_power_is_small_the_bench_waits_for_two_pulses(make_bench):
    bench = make_bench(rate_hz=1200.0)
    point = point_at(bench, ACTIVE, voltage_v=127.0, permille=10, arrangement="L3", factor="0.5 ind")
    errors = measure_errors(bench, point)
    assert errors.agree
    swing = 127 * 0.05 / (2 * 314.159) / (MICRO_PER_PULSE / 1e6 * 3600)  # of one phase's power, in a pulse's energy
    assert abs(errors.by[By.PULSES]) / 100 < 2 * swing + 1e-6


def test_a_meter_that_gives_no_pulse_has_counted_nothing(make_bench):
    bench = make_bench()
    assert pulse_error(bench, point_at(bench, ACTIVE), Flashed()) == NOTHING


@pytest.mark.parametrize("exporting", [False, True])
def test_a_gain_that_is_off_is_found_to_its_size_by_register_and_by_pulses(make_bench, exporting):
    sound = front_end("24 bit")
    off = replace(sound, gain=(1.03, 1.03, 1.03, 1.0, 1.0, 1.0))
    bench = make_bench(ends=off, rate_hz=1200.0)
    errors = measure_errors(bench, point_at(bench, ACTIVE, exporting=exporting))
    assert errors.by[By.REGISTER] == pytest.approx(3.0, abs=0.005)
    assert errors.by[By.PULSES] == pytest.approx(3.0, abs=0.01)
    found = run_trials(bench, list(grid(bench, ACTIVE, quick=True))[4:7])
    assert not any(each.passed for each in found[:-1])
    assert found[-1].passed  # pulses and register still agree


def test_a_delay_between_voltage_and_current_fails_where_the_factor_is_low(make_bench):
    late = replace(front_end("ideal"), delay_s=(0.0, 0.0, 0.0, 1e-4, 1e-4, 1e-4))  # 1.8 degrees
    bench = make_bench(ends=late, rate_hz=1200.0)
    sound = measure_errors(bench, point_at(bench, ACTIVE))
    low = measure_errors(bench, point_at(bench, ACTIVE, factor="0.5 ind"))
    assert abs(sound.by[By.REGISTER]) < 0.1
    assert low.by[By.REGISTER] == pytest.approx(-5.49, abs=0.02)  # cos(61.8 deg) / cos(60 deg) - 1


def test_a_pulse_lost_or_doubled_is_seen(make_bench):
    bench = make_bench(rate_hz=1200.0)
    watched = Watched(bench, point_at(bench, ACTIVE).load)
    watched.feed(5.0)
    read = watched.read()
    assert agrees(read)
    for led, flashed in read.flashed.items():
        for times in (flashed.time_s[1:], [*flashed.time_s, 1.0]):
            broken = replace(read, flashed={**read.flashed, led: Flashed(count=flashed.count, time_s=times)})
            assert len(times) == len(flashed.time_s) or not agrees(broken)


def test_every_influence_is_a_change_of_a_few_ppm_behind_an_ideal_front_end(make_bench):
    bench = make_bench(seconds=20)
    trials = list(influences(bench))[:47:3]
    found = run_trials(bench, trials)
    assert {each.test for each in found} > {"influence of voltage", "influence of frequency"}
    for each in found[:-1]:
        if each.by is By.REGISTER:
            assert abs(each.error_percent) * 1e4 < 2 * (BARS_PPM[8000.0, each.quantity] + 0.1)
    assert found[-1].passed


def test_the_fifth_harmonic_carries_four_percent_of_the_power(make_bench):
    bench = make_bench()
    (fifth,) = [trial for trial in influences(bench) if "5th" in trial.test and trial.point.voltage_v == 230.0]
    assert fifth.reference is not None
    ratio = active_ws(fifth.point.load, 0.0, 1.0) / active_ws(fifth.reference.load, 0.0, 1.0)
    assert ratio == pytest.approx(1.04)


def test_crests_beyond_the_converter_fail(make_bench):
    bench = make_bench(name="24 bit", rate_hz=1200.0, seconds=10)
    load = loads.three_phase(Fraction(50), loads.wave(230.0), loads.wave(9.0))
    errors = measure_errors(bench, replace(point_at(bench, ACTIVE), load=load))
    assert errors.by[By.REGISTER] < -1.0
