"""Values to phasors: what is there, what is put back, which way the voltages turn."""

import numpy as np
import pytest

from watthour.diagnosis.terminals import terminals_of


def test_the_phasors_are_those_of_the_values(bench):
    voltages = bench.star()
    currents = bench.drawn(voltages, [10, 20, 30], [30, -20, 5])
    found = terminals_of(bench.values_of(voltages, currents))
    assert found.voltages_v == pytest.approx(voltages)
    assert found.currents_a == pytest.approx(currents)
    assert (found.present, found.is_backwards) == ((True, True, True), False)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_missing_voltage_is_put_back_from_the_other_two(bench, place, backwards):
    voltages = bench.star(backwards=backwards)
    left = np.where(np.arange(3) == place, 0, voltages)
    found = terminals_of(bench.values_of(left, np.zeros(3)))
    assert found.voltages_v == pytest.approx(voltages / voltages[0] * 230)
    assert found.present == tuple(other != place for other in range(3))
    assert found.is_backwards == backwards


@pytest.mark.parametrize("place", [0, 1, 2])
def test_two_missing_voltages_are_put_back_forward(bench, place):
    voltages = np.where(np.arange(3) == place, bench.star(), 0)
    assert terminals_of(bench.values_of(voltages, np.zeros(3))).voltages_v == pytest.approx(bench.star())


def test_currents_keep_their_angle_to_the_voltages_where_l1_is_out(bench):
    voltages = bench.star()
    currents = bench.drawn(voltages, [10, 10, 10], [25, 25, 25])
    found = terminals_of(bench.values_of([0, *voltages[1:]], currents))
    assert np.degrees(np.angle(found.voltages_v * found.currents_a.conj())) == pytest.approx([25, 25, 25])


def test_nothing_is_known_before_the_first_window():
    assert terminals_of({}) is None
    assert terminals_of({"voltage_l1_v": 230.0, "voltage_angle_l1_deg": None}) is None


@pytest.mark.parametrize(("share", "present"), [(0.19, False), (0.21, True)])
def test_a_voltage_is_missing_below_a_fifth_of_the_highest(bench, share, present):
    assert terminals_of(bench.values_of(bench.star() * [1, share, 1], np.zeros(3))).present[1] is present
