import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from watthour.errors import SampleError
from watthour.waveform.front_end import FRONT_ENDS, channel_factors, ct_class, digitise, front_end, full_scale
from watthour.waveform.noise import noise_of

RATE_HZ = 8000.0
SIX = (1.01, 0.99, 1.02, 1.03, 0.97, 1.0)


def sine(samples=8000, *, voltage_v=230.0, current_a=5.0, first=0):
    t = (first + np.arange(samples)) / RATE_HZ
    wave = math.sqrt(2) * np.cos(2 * np.pi * 50.0 * t)
    return np.tile(voltage_v * wave, (3, 1)), np.tile(current_a * wave, (3, 1))


def physical(block):
    volts = block.voltages * np.array(block.voltage_scale)[:, None]
    return volts, block.currents * np.array(block.current_scale)[:, None]


def test_an_ideal_front_end_changes_no_bit():
    volts, amps = sine()
    block = digitise(front_end("ideal"), volts, amps, rate_hz=RATE_HZ)
    assert block.voltages.tobytes() == volts.tobytes()
    assert block.currents.tobytes() == amps.tobytes()


@pytest.mark.parametrize(("name", "kind"), [("16 bit", "int16"), ("24 bit", "int32")])
def test_a_converter_delivers_whole_steps_of_its_full_scale(name, kind):
    row = FRONT_ENDS[name]
    block = digitise(row, *sine(), rate_hz=RATE_HZ)
    assert block.voltages.dtype == block.currents.dtype == kind == row.sample_type
    ends = (1.2 * math.sqrt(2) * 276.0, 1.2 * math.sqrt(2) * 6.0)
    assert full_scale(row, 6.0) == pytest.approx(ends, rel=1e-15)
    assert block.voltage_scale[0] * 2 ** (row.bits - 1) == pytest.approx(ends[0], rel=1e-15)
    assert block.current_scale[2] * 2 ** (row.bits - 1) == pytest.approx(ends[1], rel=1e-15)


def test_without_noise_a_sample_is_wrong_by_half_a_step_at_most():
    volts, amps = sine()
    block = digitise(replace(FRONT_ENDS["16 bit"], noise_lsb=0.0), volts, amps, rate_hz=RATE_HZ)
    found_v, found_a = physical(block)
    assert np.abs(found_v - volts).max() <= 0.5000001 * block.voltage_scale[0]
    assert np.abs(found_a - amps).max() <= 0.5000001 * block.current_scale[0]


@pytest.mark.parametrize("name", ["16 bit", "24 bit"])
def test_noise_and_rounding_have_the_size_the_row_says(name):
    row = FRONT_ENDS[name]
    volts, amps = sine(80_000)
    block = digitise(row, volts, amps, rate_hz=RATE_HZ, seed=3)
    errors = (physical(block)[1] - amps) / block.current_scale[0]
    expected = math.sqrt(row.noise_lsb**2 + 1 / 12)
    assert np.std(errors) == pytest.approx(expected, rel=4 / math.sqrt(2 * errors.size))  # four sigma of a standard deviation
    assert abs(np.corrcoef(errors)[0, 1]) < 4 / math.sqrt(80_000)


def test_the_24_bit_row_has_100_db():
    row = FRONT_ENDS["24 bit"]
    assert 20 * math.log10(2**23 / math.sqrt(2) / row.noise_lsb) == pytest.approx(100.0)


def test_beyond_full_scale_the_code_stays_at_the_end():
    row = FRONT_ENDS["16 bit"]
    block = digitise(row, *sine(current_a=6.0 * 1.3), rate_hz=RATE_HZ)
    assert (block.currents.max(), block.currents.min()) == (32767, -32768)
    within = digitise(row, *sine(current_a=6.0 * 1.19), rate_hz=RATE_HZ)
    assert within.currents.max() < 32767


def test_a_sample_that_is_no_number_has_no_code():
    volts, amps = sine(10)
    amps[1, 3] = np.nan
    with pytest.raises(SampleError, match="no number"):
        digitise(front_end("16 bit"), volts, amps, rate_hz=RATE_HZ)


def test_gain_offset_and_drift_are_those_of_each_channel():
    row = replace(FRONT_ENDS["ideal"], gain=SIX, offset=(0.0, 0.005, 0, 0, 0, -0.005), drift_ppm_per_h=(0, 0, 100.0, 0, 0, 0))
    volts, amps = sine()
    block = digitise(row, volts, amps, rate_hz=RATE_HZ, first_sample=int(3600 * RATE_HZ))
    end_v, end_a = full_scale(row, 6.0)
    np.testing.assert_allclose(block.voltages[0], SIX[0] * volts[0], rtol=1e-15)
    np.testing.assert_allclose(block.voltages[1], SIX[1] * volts[1] + 0.005 * end_v, atol=1e-12)
    np.testing.assert_allclose(block.currents[2], SIX[5] * amps[2] - 0.005 * end_a, atol=1e-14)
    assert block.voltages[2][0] / (SIX[2] * volts[2][0]) == pytest.approx(1 + 100e-6, abs=1e-12)
    last = block.voltages[2][4800] / (SIX[2] * volts[2][4800])
    assert last == pytest.approx(1 + 100e-6 * (1 + 0.6 / 3600), abs=1e-13)


@pytest.mark.parametrize("rate_hz", [8000.0, 1200.5])
@pytest.mark.parametrize("cuts", [[1], [7999, 8001], [1201, 12_000, 12_001]])
def test_any_cut_gives_the_same_numbers(rate_hz, cuts):
    row = replace(FRONT_ENDS["16 bit"], gain=SIX, drift_ppm_per_h=(1e3,) * 6)
    volts, amps = sine(20_000)
    whole = digitise(row, volts, amps, rate_hz=rate_hz, first_sample=100, seed=2**64 - 1)
    edges = [0, *cuts, 20_000]
    for begin, end in pairwise(edges):
        part = digitise(row, volts[:, begin:end], amps[:, begin:end], rate_hz=rate_hz, first_sample=100 + begin, seed=2**64 - 1)
        assert part.first_sample == 100 + begin
        assert part.voltages.tobytes() == np.ascontiguousarray(whole.voltages[:, begin:end]).tobytes()
        assert part.currents.tobytes() == np.ascontiguousarray(whole.currents[:, begin:end]).tobytes()


def test_seeds_and_streams_have_noise_of_their_own():
    volts, amps = sine()
    one, two = (digitise(FRONT_ENDS["16 bit"], volts, amps, rate_hz=RATE_HZ, seed=seed) for seed in (1, 2))
    assert (one.voltages != two.voltages).any()
    installation, converter = noise_of(1, 0, 8000), noise_of(1, 0, 8000, stream=1)
    assert abs((installation * converter).mean()) < 4 / math.sqrt(6 * 8000)


def test_a_delay_turns_each_order_by_its_own_frequency():
    row = replace(FRONT_ENDS["ideal"], delay_s=(0.0, 0.0, 0.0, 12e-6, 0.0, 0.0))
    factors = channel_factors(row, orders=(1, 5), frequency_hz=50.0, currents_a=(1.0, 1.0, 1.0), rated_a=5.0)
    assert factors.shape == (6, 2)
    assert (factors[[0, 1, 2, 4, 5]] == 1).all()
    # an instant earlier: cos(ω(t - d))
    np.testing.assert_allclose(factors[3], np.exp(-2j * np.pi * 50.0 * 12e-6 * np.array([1, 5])), rtol=1e-15)


def test_a_transformer_errs_as_its_class_admits_and_leads():
    row = replace(FRONT_ENDS["ideal"], ct=ct_class("0.5S"))
    factors = channel_factors(row, orders=(1, 3), frequency_hz=[50.0], currents_a=[(0.05, 0.25, 5.0)], rated_a=5.0)[0]
    assert (factors[:3] == 1).all()
    np.testing.assert_allclose(np.abs(factors[3:, 0]), [1 - 0.015, 1 - 0.0075, 1 - 0.005], rtol=1e-14)
    minutes = np.degrees(np.angle(factors[3:])) * 60
    np.testing.assert_allclose(minutes[:, 0], [90.0, 45.0, 30.0], rtol=1e-12)
    np.testing.assert_allclose(minutes[:, 1], [30.0, 15.0, 10.0], rtol=1e-12)
