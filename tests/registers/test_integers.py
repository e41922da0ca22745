"""Windows to whole secondary micro-units: remainders, signs, quadrants and the two ways to make a total."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.metrology import WINDOW
from watthour.registers import CARRY, Summation, first_carry, integers

IMPORT, EXPORT, Q1, Q2, Q3, Q4 = range(6)
TOTAL = 3
WS_PER_MICRO = 3600e-6
"""Watt-seconds in a microwatt-hour."""


def windows_of(*powers, reactive=None, seconds=3600.0, apparent=None):
    """Return windows of an hour each, so that a watt is a watt-hour; each of three powers in W and in var."""
    rows = np.zeros(len(powers), WINDOW)
    rows["power_w"] = powers
    rows["reactive_var"] = 0.0 if reactive is None else reactive
    rows["voltage_v"] = 250.0
    rows["current_a"] = (np.hypot(rows["power_w"], rows["reactive_var"]) if apparent is None else np.array(apparent)) / 250.0
    rows["active_ws"], rows["reactive_vars"] = rows["power_w"] * seconds, rows["reactive_var"] * seconds
    return rows


def count(rows, summation=Summation.VECTORIAL, carry=None):
    carry = first_carry() if carry is None else carry
    counts = np.zeros((4, 6), np.int64)
    integers.count_integers(rows, int(summation), carry[0], counts)
    return counts, carry


def watts(counts):
    """Return counts in whole units."""
    assert (counts % 10**6 == 0).all()
    return (counts // 10**6).tolist()


@pytest.fixture(params=["compiled", "interpreted"])
def both(request):
    """Run a test with machine code, then with plain Python."""
    if request.param == "interpreted":
        request.getfixturevalue("interpreted")


@pytest.mark.usefixtures("both")
def test_vectorial_and_arithmetic_summation_of_plus_40_minus_25_plus_50_watts():
    rows = windows_of((40, -25, 50))
    vectorial, _ = count(rows, Summation.VECTORIAL)
    arithmetic, _ = count(rows, Summation.ARITHMETIC)
    assert watts(vectorial)[TOTAL][:2] == [65, 0]
    assert watts(arithmetic)[TOTAL][:2] == [90, 25]
    for counts in (vectorial, arithmetic):
        assert [row[:2] for row in watts(counts)[:TOTAL]] == [[40, 0], [0, 25], [50, 0]]


@pytest.mark.usefixtures("both")
def test_vectorial_export_when_the_sum_is_negative():
    counts, _ = count(windows_of((40, -125, 50)))
    assert watts(counts)[TOTAL][:2] == [0, 35]


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("summation", list(Summation))
@pytest.mark.parametrize(("power", "reactive", "register"), [(10, 3, Q1), (-10, 3, Q2), (-10, -3, Q3), (10, -3, Q4)])
def test_reactive_energy_goes_to_the_quadrant_of_its_signs(summation, power, reactive, register):
    counts, _ = count(windows_of((power, 0, 0), reactive=(reactive, 0, 0)), summation)
    expected = [0] * 6
    expected[IMPORT if power > 0 else EXPORT] = 10
    expected[register] = 3
    assert watts(counts) == [expected, [0] * 6, [0] * 6, expected]


@pytest.mark.usefixtures("both")
def test_each_phase_has_its_own_quadrant_and_the_vectorial_total_that_of_the_sums():
    rows = windows_of((100, -60, 20), reactive=(10, -40, -20))
    counts, _ = count(rows)
    assert watts(counts) == [[100, 0, 10, 0, 0, 0], [0, 60, 0, 0, 40, 0], [20, 0, 0, 0, 0, 20], [60, 0, 0, 0, 0, 50]]
    counts, _ = count(rows, Summation.ARITHMETIC)
    assert watts(counts)[TOTAL] == [120, 60, 10, 0, 40, 20]


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(("share", "register"), [(-0.0021, Q2), (-0.002, Q2), (-0.0019, Q1), (0.0, Q1), (0.0019, Q1)])
def test_a_small_power_does_not_choose_the_quadrant(share, register):
    counts, _ = count(windows_of((1000 * share, 0, 0), reactive=(1000, 0, 0), apparent=(1000, 0, 0)))
    assert counts[0][register] == counts[TOTAL][register] == 1000 * 10**6


@pytest.mark.usefixtures("both")
def test_a_pure_inductance_does_not_scatter_over_q1_and_q2():
    noise = [(p, 0, 0) for p in (0.9, -1.1, -1.9, 0.2, -0.1)]
    rows = windows_of(*noise, reactive=(1000, 0, 0), apparent=(1000, 0, 0))
    counts, _ = count(rows)
    assert counts[0][[Q1, Q2]].tolist() == [5000 * 10**6, 0]
    exporting = windows_of((-100, 0, 0), reactive=(1000, 0, 0))
    counts, _ = count(np.concatenate([exporting, rows]))
    assert counts[0][[Q1, Q2]].tolist() == [0, 6000 * 10**6]
    assert counts[TOTAL][[Q1, Q2]].tolist() == [0, 6000 * 10**6]


@pytest.mark.usefixtures("both")
def test_a_small_power_is_still_counted_by_its_own_sign():
    counts, _ = count(windows_of((1, 0, 0), (-1, 0, 0), reactive=(1000, 0, 0)))
    assert watts(counts)[0] == [1, 1, 2000, 0, 0, 0]


@pytest.mark.usefixtures("both")
def test_the_kept_sign_outlives_windows_without_load():
    export = windows_of((-100, 0, 0), reactive=(-50, 0, 0))
    idle = windows_of((0, 0, 0))
    capacitor = windows_of((0, 0, 0), reactive=(-50, 0, 0))
    counts, carry = count(np.concatenate([export, idle, capacitor]))
    assert watts(counts)[0] == [0, 100, 0, 0, 100, 0]
    assert carry["importing"].tolist() == [[-1, 1, 1, -1]]


def test_a_new_meter_imports_and_owes_nothing():
    carry = first_carry()
    assert carry.dtype == CARRY
    assert carry["importing"].tolist() == [[1, 1, 1, 1]]
    assert not carry["active_remainder"].any()


@pytest.mark.usefixtures("both")
def test_remainders_are_carried_until_they_make_a_unit():
    rows = np.concatenate([windows_of((1, 0, 0), reactive=(1, 0, 0))] * 10)
    rows["active_ws"][:, 0] = 0.3 * WS_PER_MICRO
    rows["reactive_vars"][:, 0] = -0.7 * WS_PER_MICRO
    counts, carry = count(rows[:3])
    assert counts[0].tolist() == [0, 0, 0, 0, 0, 2]
    assert carry["active_remainder"][0, 0] == pytest.approx(0.9)
    assert carry["reactive_remainder"][0, 0] == pytest.approx(-0.1)
    counts, carry = count(rows[3:], carry=carry)
    assert counts[0][[IMPORT, Q4]].tolist() in ([3, 5], [2, 5], [3, 4], [2, 4])  # 3.0 and 7.0 within a rounding
    assert counts[0][IMPORT] + carry["active_remainder"][0, 0] == pytest.approx(3.0)


@given(
    energies=st.lists(st.tuples(*[st.floats(-500, 500)] * 6), min_size=1, max_size=30),
    summation=st.sampled_from(list(Summation)),
    cut=st.integers(0, 30),
)
@settings(max_examples=60, deadline=None)
def test_no_register_falls_and_import_less_export_is_the_net_energy(energies, summation, cut):
    rows = np.zeros(len(energies), WINDOW)
    rows["active_ws"] = [e[:3] for e in energies]
    rows["reactive_vars"] = [e[3:] for e in energies]
    rows["power_w"], rows["reactive_var"] = rows["active_ws"] * 5, rows["reactive_vars"] * 5
    rows["voltage_v"], rows["current_a"] = 230.0, np.hypot(rows["power_w"], rows["reactive_var"]) / 230.0
    counts, carry = count(rows, summation)
    assert (counts >= 0).all()
    net, quadrants = counts[:, IMPORT] - counts[:, EXPORT], counts[:, Q1] + counts[:, Q2] - counts[:, Q3] - counts[:, Q4]
    exact, exact_reactive = rows["active_ws"].sum(0) / WS_PER_MICRO, rows["reactive_vars"].sum(0) / WS_PER_MICRO
    assert net[:TOTAL] + carry["active_remainder"][0] == pytest.approx(exact, abs=1e-4)
    assert quadrants[:TOTAL] + carry["reactive_remainder"][0] == pytest.approx(exact_reactive, abs=1e-4)
    assert net[TOTAL] == net[:TOTAL].sum()
    assert quadrants[TOTAL] == quadrants[:TOTAL].sum()
    if summation == Summation.ARITHMETIC:
        assert (counts[TOTAL] == counts[:TOTAL].sum(0)).all()
    first, between = count(rows[:cut], summation)
    second, after = count(rows[cut:], summation, between.copy())
    assert (first + second == counts).all()
    assert after.tobytes() == carry.tobytes()
