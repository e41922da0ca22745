"""What one window shows: factors, signs, angles, and null for what is not known."""

import math

import numpy as np
import pytest

from watthour.metrology import WINDOW, quantities_of

PRESENT_V = 12.7


def shown(waves, measure_all, six, frequency_hz=50.13):
    return quantities_of(measure_all([waves.wave(six, frequency_hz, 8000, 8000.0)])[2], PRESENT_V)


def test_a_symmetric_load_shows_its_powers_factors_and_angles(waves, measure_all):
    q = shown(waves, measure_all, waves.three_phase())
    assert q.voltage_v == pytest.approx((230.0,) * 3, rel=1e-6)
    assert q.line_voltage_v == pytest.approx((230 * math.sqrt(3),) * 3, rel=1e-6)
    assert q.current_a == pytest.approx((5.0,) * 3, rel=1e-6)
    assert q.neutral_current_a == pytest.approx(0.0, abs=1e-4)
    assert q.power_w == pytest.approx((575.0,) * 3, rel=1e-6)
    assert q.apparent_va == pytest.approx((1150.0,) * 3, rel=1e-6)
    assert q.power_factor == pytest.approx((0.5,) * 3, rel=1e-6)
    assert q.cos_phi == pytest.approx((0.5,) * 3, rel=1e-6)
    assert q.total_power_w == pytest.approx(1725.0, rel=1e-6)
    assert q.total_reactive_var == pytest.approx(3450 * math.sin(math.pi / 3), rel=1e-6)
    assert q.total_apparent_va == pytest.approx(3450.0, rel=1e-6)
    assert q.total_power_factor == pytest.approx(0.5, rel=1e-6)
    assert q.total_cos_phi == pytest.approx(0.5, rel=1e-6)
    assert q.frequency_hz == pytest.approx(50.13, abs=1e-5)
    assert q.voltage_angle_deg == pytest.approx((0.0, -120.0, 120.0), abs=1e-4)
    assert q.current_angle_deg == pytest.approx((-60.0, 180.0, 60.0), abs=1e-4) or q.current_angle_deg == pytest.approx(
        (-60.0, -180.0, 60.0), abs=1e-4
    )
    assert q.powered


@pytest.mark.parametrize(("angle_deg", "factor"), [(0, 1.0), (60, 0.5), (120, -0.5), (180, -1.0), (240, -0.5), (300, 0.5)])
def test_factors_carry_the_sign_of_the_power(waves, measure_all, angle_deg, factor):
    q = shown(waves, measure_all, waves.single_phase(angle_deg=angle_deg))
    assert q.power_factor[0] == pytest.approx(factor, rel=1e-5)
    assert q.cos_phi[0] == pytest.approx(factor, rel=1e-5)
    assert q.total_power_factor == pytest.approx(factor, rel=1e-5)


def test_cos_phi_is_that_of_the_fundamental_and_the_power_factor_is_not(waves, measure_all):
    six = waves.single_phase(angle_deg=0.0, current_orders=((3, 0.75, 20.0),))
    q = shown(waves, measure_all, six)
    assert q.cos_phi[0] == pytest.approx(1.0, rel=1e-6)
    assert q.power_factor[0] == pytest.approx(1 / 1.25, rel=1e-5)


def test_a_phase_below_the_cut_off_shows_zeros_and_no_factor(waves, measure_all):
    q = shown(waves, measure_all, waves.three_phase(currents_a=(5.0, 0.0009, 0.0)))
    for quantity in (q.current_a, q.power_w, q.reactive_var, q.apparent_va):
        assert quantity[0] != 0.0
        assert quantity[1:] == (0.0, 0.0)
    assert q.power_factor[1:] == (None, None)
    assert q.cos_phi[1:] == (None, None)
    assert q.current_angle_deg[1:] == (None, None)
    assert q.total_power_factor == pytest.approx(0.5, rel=1e-5)


def test_a_meter_without_load_shows_no_neutral_current_and_no_factor(waves, measure_all):
    q = shown(waves, measure_all, waves.three_phase(currents_a=(0.0009, 0.0009, 0.0009)))
    assert q.neutral_current_a == 0.0
    assert q.total_power_factor is None
    assert q.total_cos_phi is None


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_angles_are_against_the_first_voltage_there_is(waves, measure_all, missing):
    six = waves.three_phase()
    six[missing] = {}
    q = shown(waves, measure_all, six)
    reference = 1 if missing == 0 else 0
    assert q.voltage_angle_deg[missing] is None
    assert q.voltage_angle_deg[reference] == pytest.approx(0.0, abs=1e-9)
    assert math.cos(math.radians(q.current_angle_deg[reference] + 60)) == pytest.approx(1.0, abs=1e-9)


def test_without_voltage_there_is_no_frequency_and_no_angle(waves, measure_all):
    q = shown(waves, measure_all, waves.single_phase(voltage_v=0.0))
    assert q.frequency_hz is None
    assert q.voltage_angle_deg == (None,) * 3
    assert q.current_angle_deg == (None,) * 3
    assert not q.powered
    assert q.current_a[0] == pytest.approx(5.0, rel=1e-2)


def test_a_steady_voltage_without_any_fundamental_is_shown_without_fail(waves, measure_all):
    still = np.zeros((3, 4000), np.int16)
    block = waves.block_of(still, still, 8000.0, kind="int16", voltage_offset=(20.0, 0.0, 0.0), current_offset=(1.0, 0.0, 0.0))
    q = quantities_of(measure_all([block])[1], PRESENT_V)
    assert q.voltage_v == pytest.approx((20.0, 0.0, 0.0))
    assert q.power_w == pytest.approx((20.0, 0.0, 0.0))
    assert q.frequency_hz is None
    assert q.power_factor[0] == pytest.approx(1.0)
    assert q.cos_phi == (None, None, None)


def test_the_total_apparent_power_is_the_sum_of_the_phases():
    row = np.zeros(1, WINDOW)
    row["voltage_v"], row["current_a"], row["counting"] = (230, 220, 210), (1, 2, 3), 1
    row["power_w"] = (230, -440, 0)
    q = quantities_of(row[0], PRESENT_V)
    assert q.total_apparent_va == 230 + 440 + 630
    assert q.total_power_factor == pytest.approx(-210 / 1300)
    assert q.power_factor == (1.0, -1.0, 0.0)
    assert q.total_cos_phi is None  # no phasor was given
