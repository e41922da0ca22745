"""The quality of supply against waves and phasors of known content, and what is not known."""

import cmath
import math

import numpy as np
import pytest

from watthour.metrology import late_quality, measure, open_window
from watthour.metrology.quality import LateQuality
from watthour.samples import Phasors

ORDERS = ((3, 0.05, 10.0), (5, 0.06, 40.0), (7, 0.03, 50.0))
THD = 100 * math.sqrt(0.05**2 + 0.06**2 + 0.03**2)


def quality(delivery, thresholds):
    opened, rows = measure(open_window(delivery), delivery, thresholds)
    return late_quality(rows, opened.window, thresholds.present_v)()


def as_phasors(six):
    orders = tuple(sorted({order for channel in six for order in channel}))
    rows = np.array([[channel.get(order, 0.0) for order in orders] for channel in six], np.complex128)
    return Phasors(
        voltages=rows[None, :3], currents=rows[None, 3:], orders=orders, frequency_hz=np.array([50.0]), first_sample=0
    )


def delivered(waves, six, kind):
    return as_phasors(six) if kind == "phasors" else waves.wave(six, 50.13, 9000, 8000.0)


@pytest.mark.parametrize("kind", ["samples", "phasors"])
def test_harmonics_and_thd_are_those_of_the_wave(waves, thresholds, kind):
    six = waves.single_phase(voltage_orders=ORDERS, current_orders=((5, 0.4, 0.0),))
    found = quality(delivered(waves, six, kind), thresholds)
    assert found.thd_voltage_percent == (pytest.approx(THD, rel=1e-4), None, None)
    assert found.thd_current_percent == (pytest.approx(40.0, rel=1e-4), None, None)
    orders = dict(enumerate(found.voltage_harmonics_percent[0], 2))
    assert [orders[h] for h in (3, 5, 7)] == pytest.approx([5.0, 6.0, 3.0], rel=1e-3)
    assert max(orders[h] for h in range(2, 51) if h not in {3, 5, 7}) < 0.002
    assert found.voltage_harmonics_percent[1] == (None,) * 49


@pytest.mark.parametrize("kind", ["samples", "phasors"])
def test_a_crest_factor_is_the_largest_sample_over_the_rms(waves, thresholds, kind):
    plain = quality(delivered(waves, waves.single_phase(), kind), thresholds)
    assert plain.crest_factor_voltage[0] == pytest.approx(math.sqrt(2), rel=1e-4)
    assert plain.crest_factor_voltage[1] is None
    peaked = waves.single_phase(current_orders=((3, 0.3, 180.0),), angle_deg=0.0)  # the crests of both oppose: a flat top
    angle = np.linspace(0, 2 * np.pi, 100_001)
    crest = np.abs(np.cos(angle) - 0.3 * np.cos(3 * angle)).max() * math.sqrt(2) / math.sqrt(1.09)
    assert quality(delivered(waves, peaked, kind), thresholds).crest_factor_current[0] == pytest.approx(crest, rel=1e-4)


@pytest.mark.parametrize("kind", ["samples", "phasors"])
def test_symmetrical_components_are_those_the_system_is_made_of(waves, thresholds, kind):
    positive, negative, zero = 230.0, cmath.rect(4.6, 0.7), cmath.rect(2.3, -1.1)
    a = cmath.exp(2j * math.pi / 3)
    volts = [positive * a ** (-p) + negative * a**p + zero for p in range(3)]
    six = [*({1: u} for u in volts), *({1: u / 100} for u in volts)]
    found = quality(delivered(waves, six, kind), thresholds)
    assert found.voltage_sequence_v == pytest.approx((230.0, 4.6, 2.3), rel=1e-5)
    assert found.current_sequence_a == pytest.approx((2.3, 0.046, 0.023), rel=1e-5)
    assert found.voltage_unbalance_percent == pytest.approx((2.0, 1.0), rel=1e-5)
    assert found.current_unbalance_percent == pytest.approx((2.0, 1.0), rel=1e-5)


def test_a_reversed_system_has_a_negative_sequence(waves, thresholds):
    six = waves.three_phase()
    six[1], six[2] = six[2], six[1]
    found = quality(waves.wave(six, 50.0, 9000, 8000.0), thresholds)
    assert found.voltage_sequence_v[1] == pytest.approx(230.0, rel=1e-6)
    assert found.voltage_sequence_v[0] < 1e-3


def test_without_voltage_nothing_is_known(waves, thresholds):
    dead = waves.block_of(np.zeros((3, 9000)), np.zeros((3, 9000)), 8000.0)
    found = quality(dead, thresholds)
    assert found.thd_voltage_percent == found.thd_current_percent == (None,) * 3
    assert found.voltage_sequence_v == (None,) * 3
    assert found.voltage_unbalance_percent == (None, None)
    assert found.voltage_harmonics_percent == ((None,) * 49,) * 3


def test_slow_samples_leave_the_high_orders_unknown(waves, thresholds):
    found = quality(waves.wave(waves.single_phase(), 50.0, 3000, 1200.0), thresholds)
    known = [order is not None for order in found.voltage_harmonics_percent[0]]
    assert known == [h <= 10 for h in range(2, 51)]
    assert found.thd_voltage_percent[0] is not None


@pytest.mark.parametrize("cuts", [(), (100, 700), (5000,), (3207, 3208), range(50, 9000, 50)])
def test_however_blocks_are_cut_the_quality_has_the_same_bits(waves, thresholds, cuts):
    block = waves.wave(waves.single_phase(voltage_orders=ORDERS), 50.13, 9000, 8000.0, kind="float32")
    opened, last = open_window(block), None
    for piece in waves.pieces(block, cuts):
        opened, rows = measure(opened, piece, thresholds)
        last = rows if len(rows) else last
    assert late_quality(last, opened.window, thresholds.present_v)() == quality(block, thresholds)


def test_it_is_found_once_and_only_when_asked():
    made = []
    late = LateQuality(lambda: made.append(1) or "found")
    assert not made
    assert late() == late() == "found"
    assert made == [1]
