"""Starting, no load, the constant, restarts: for their whole time, and seen to fail."""

from dataclasses import replace

import pytest

from watthour.models import CURRENT_RANGES
from watthour.typetest import ACTIVE, REACTIVE, By
from watthour.typetest.checks import (
    check_constant,
    check_no_load,
    check_repeatability,
    check_restart,
    check_starting,
    no_load_time_s,
)
from watthour.typetest.points import point_at
from watthour.waveform.front_end import front_end


@pytest.mark.parametrize("quantity", [ACTIVE, REACTIVE])
@pytest.mark.parametrize("exporting", [False, True])
def test_it_starts_in_time_in_both_directions(make_bench, quantity, exporting):
    (found,) = check_starting(make_bench(rate_hz=1200.0), quantity, 127.0, exporting=exporting)
    assert found.passed
    assert found.observed == pytest.approx(found.limit / 1.2, rel=1e-3)  # the formula allows a fifth more


def test_a_current_below_the_cut_off_never_starts(make_bench):
    row = replace(CURRENT_RANGES[0], reference_a=0.4)  # 0.8 mA
    bench = replace(make_bench(rate_hz=1200.0), current_range=row)
    (found,) = check_starting(bench, ACTIVE, 230.0, exporting=False)
    assert not found.passed


@pytest.mark.parametrize(
    ("secondary_a", "voltage_v", "minutes"), [(5, 230.0, 36.2), (5, 127.0, 65.6), (1, 230.0, 181.2), (1, 127.0, 328.1)]
)
def test_no_load_lasts_as_long_as_the_standard_asks(make_bench, secondary_a, voltage_v, minutes):
    times = no_load_time_s(make_bench(secondary_a=secondary_a), ACTIVE, voltage_v)
    assert max(times.values()) / 60 == pytest.approx(minutes, abs=0.05)


def test_without_load_nothing_is_counted(make_bench):
    found = list(check_no_load(make_bench(rate_hz=1200.0, name="16 bit"), 230.0))
    assert [each.observed for each in found] == [0.0, 0.0, 0.0]
    assert all(each.passed for each in found)


def test_offsets_that_creep_fail_the_test_without_load(make_bench):
    creeping = replace(front_end("ideal"), offset=(0.01,) * 6)
    short, long, _ = check_no_load(make_bench(rate_hz=1200.0, ends=creeping), 230.0)
    assert short.passed  # 1.4 W
    assert not long.passed


def test_the_constant_holds_to_the_pulse(make_bench):
    exact, against_truth = check_constant(make_bench(rate_hz=1200.0), 2000)
    assert exact.observed == 0.0
    assert exact.passed
    assert against_truth.passed
    assert abs(against_truth.observed) < 100 / 2000  # less than a pulse


def test_a_wrong_gain_fails_the_constant_against_the_integral(make_bench):
    off = replace(front_end("ideal"), gain=(1.002, 1.002, 1.002, 1.0, 1.0, 1.0))
    exact, against_truth = check_constant(make_bench(rate_hz=1200.0, ends=off), 2000)
    assert exact.passed
    assert not against_truth.passed


def test_restarts_change_nothing(make_bench):
    assert [found.observed for found in check_restart(make_bench(rate_hz=1200.0))] == [0.0, 0.0]


def test_records_of_the_same_load_repeat(make_bench):
    bench = make_bench(rate_hz=1200.0, seconds=10)
    found = list(check_repeatability(bench, point_at(bench, ACTIVE)))
    assert [each.by for each in found] == [By.REGISTER] * 2
    assert all(each.passed for each in found)
    assert all(0 <= each.error_percent < 1e-3 for each in found)
