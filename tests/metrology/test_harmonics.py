"""Harmonic subgroups against the waves they were made of, off nominal frequency."""

import cmath
import math

import numpy as np
import pytest

from watthour.metrology import harmonics, measure, open_window
from watthour.metrology.harmonics import (
    deconvolution,
    highest_order,
    kernel_table,
    rise,
    samples_of_window,
    spectral_lines,
    subgroups_of_windows,
    transform_size,
)

PARTS = {2: 0.01, 3: 0.05, 5: 0.06, 7: 0.05, 11: 0.035, 13: 0.03, 25: 0.015, 37: 0.01, 49: 0.004, 50: 0.003}


def window_weights(count, begin, length):
    """The weights of samples 0 ... count - 1, as the transform has them."""
    return np.array([rise.py_func(k - begin) * rise(begin + length - k) for k in range(count)])


def subgroups_of_block(row, block):
    return subgroups_of_windows(np.array([row]), block)[0]


def last_window(waves, thresholds, six, frequency_hz, rate_hz, **how):
    block = waves.wave(six, frequency_hz, int(1.1 * rate_hz), rate_hz, **how)
    opened, rows = measure(open_window(block), block, thresholds)
    return rows[-1], opened.window


def distorted(waves, highest):
    orders = tuple((h, part, 37.0 * h) for h, part in PARTS.items() if h <= highest)
    currents = tuple((h, 4 * part, 11.0 * h) for h, part in PARTS.items() if h <= highest)
    return waves.single_phase(voltage_orders=orders, current_orders=currents)


@pytest.mark.parametrize(("rate_hz", "ppm_of_fundamental"), [(1200.0, 50.0), (8000.0, 5.0), (10000.0, 5.0)])
@pytest.mark.parametrize("frequency_hz", [45.0, 47.31, 49.97, 50.0, 54.99, 55.01, 60.0, 62.1, 65.0])
def test_subgroups_are_the_harmonics_that_the_wave_is_made_of(waves, thresholds, frequency_hz, rate_hz, ppm_of_fundamental):
    # class I of IEC 61000-4-7 asks for 5 % of a harmonic, or 500 ppm of the nominal voltage where it is small
    highest = highest_order(frequency_hz, rate_hz)
    six = distorted(waves, highest)
    row, block = last_window(waves, thresholds, six, frequency_hz, rate_hz)
    found = subgroups_of_block(row, block)
    for channel in (0, 3):
        truth = np.array([abs(six[channel].get(h, 0.0)) for h in range(1, highest + 1)])
        assert np.abs(found[channel, :highest] - truth).max() < ppm_of_fundamental * 1e-6 * truth[0]
    assert np.isnan(found[:, highest:]).all()
    assert found[1, :highest].max() < 1e-9


def test_an_order_is_known_up_to_45_hundredths_of_the_rate():
    assert highest_order(50.0, 1111.0) == 9
    assert highest_order(50.0, 1112.0) == 10
    assert highest_order(50.0, 1e6) == 50


@pytest.mark.parametrize("kind", ["int16", "int32", "float32", "float64"])
def test_lines_carry_the_phase_of_each_harmonic_in_every_type_of_sample(waves, thresholds, kind):
    six = distorted(waves, 50)
    volts, amps = waves.sample(six, waves.phase_angle(50.13, 9000, 8000.0))
    full = {"int16": 32000.0, "int32": 2e9, "float32": 400.0, "float64": 400.0}[kind]
    scales = {"voltage_scale": (400.0 / full,) * 3, "voltage_offset": (1.5,) * 3, "current_scale": (20.0 / full,) * 3}
    steps = (volts - 1.5) * full / 400.0, amps * full / 20.0
    steps = tuple(np.rint(part) for part in steps) if kind.startswith("int") else steps
    block = waves.block_of(*steps, 8000.0, kind=kind, **scales)
    opened, rows = measure(open_window(block), block, thresholds)
    row = rows[-1]
    (lines,) = spectral_lines(rows[-1:], opened.window)
    angle = 2 * math.pi * 50.13 / 8000 * (int(row["first_sample"]) + math.floor(float(row["begin"]) + 0.5))
    for h in PARTS:
        truth = six[0][h] * cmath.exp(1j * h * angle)
        assert abs(lines[0, h - 1, 1] - truth) < 230.0 * (5e-5 if kind == "int16" else 5e-6)


def test_what_lies_beside_a_harmonic_is_in_its_subgroup_and_what_lies_between_is_not(waves, thresholds):
    six = [dict(channel) for channel in waves.single_phase()]
    theta = waves.phase_angle(50.0, 9000, 8000.0)
    volts, amps = waves.sample(six, theta)
    volts[0] += math.sqrt(2) * (3.0 * np.cos(5.1 * theta) + 4.0 * np.cos(5.0 * theta) + 5.0 * np.cos(7.3 * theta))
    block = waves.block_of(volts, amps, 8000.0)
    opened, rows = measure(open_window(block), block, thresholds)
    found = subgroups_of_block(rows[-1], opened.window)
    assert found[0, 4] == pytest.approx(5.0, rel=1e-4)
    assert found[0, 6] < 5.0 * 5e-4  # the frequency is found in spite of it, to some ppm
    assert found[0, 0] == pytest.approx(230.0, rel=1e-5)


def test_a_frequency_that_moves_leaves_little_of_the_fundamental_on_other_lines(waves, thresholds):
    rate_hz, slope_hz_per_s = 8000.0, 0.1
    time_s = np.arange(3 * 8000) / rate_hz
    theta = 2 * np.pi * (49.9 * time_s + slope_hz_per_s / 2 * time_s**2)
    block = waves.block_of(*waves.sample(waves.single_phase(), theta), rate_hz)
    opened, rows = measure(open_window(block), block, thresholds)
    found = subgroups_of_block(rows[-1], opened.window)
    assert found[0, 1:].max() < 500e-6 * 230.0


def test_weights_are_1_inside_and_those_of_neighbours_add_to_1():
    first, second = window_weights(200, 7.3, 60.4), window_weights(200, 67.7, 61.2)
    assert first[20:55] == pytest.approx(1.0)
    assert (first + second)[20:110] == pytest.approx(1.0, abs=1e-14)
    assert not first[80:].any()
    assert first.sum() == pytest.approx(60.4, rel=1e-12)


def test_samples_of_a_window_are_all_that_its_tapers_touch(waves, thresholds):
    row, block = last_window(waves, thresholds, waves.single_phase(), 50.13, 8000.0)
    assert (block.first_sample, block.end_sample) == samples_of_window(row)
    weights = window_weights(
        len(block) + 20, float(row["begin"]) + int(row["first_sample"]) - block.first_sample + 10, float(row["length"])
    )
    assert not weights[:10].any()
    assert not weights[-10:].any()
    assert weights[10] > 0
    assert weights[-11] > 0


@pytest.mark.parametrize("samples", [120, 128, 129, 1608, 1638, 1639, 2008, 2048, 2049, 20008])
def test_a_transform_is_at_least_a_quarter_longer_than_the_window(samples):
    size = transform_size(samples)
    assert 1.25 * samples <= size <= 2.0 * samples + 16
    assert deconvolution(size).shape == (size,)


def test_the_kernel_and_its_spectrum_belong_together():
    # a tone between lines, made of the kernel at twelve of them, is a tone again over four fifths of the transform
    size, middle = 320, 128
    table = kernel_table()
    for place in (20.0, 33.37, 50.999):
        whole = math.floor(place)
        weights = np.array([np.interp(place - whole, np.linspace(0, 1, 4097), column) for column in table[:, ::2].T])
        k = np.arange(-middle, middle)
        tone = (weights[:, None] * np.exp(2j * np.pi / size * np.outer(np.arange(whole - 5, whole + 7), k))).sum(axis=0)
        tone *= deconvolution(size)[size // 2 - middle : size // 2 + middle]
        error = np.abs(tone - np.exp(2j * np.pi / size * place * k))
        assert error.max() < 2e-6  # at the ends, which are tapered
        assert error.mean() < 2e-7


def test_windows_together_have_the_bits_of_each_alone(waves, thresholds):
    block = waves.wave(distorted(waves, 50), 50.13, 4 * 8000, 8000.0, kind="float32")
    _, rows = measure(open_window(block), block, thresholds)
    together = subgroups_of_windows(rows[1:], block)
    assert len(together) > harmonics._BATCH
    for row, found in zip(rows[1:], together, strict=True):
        first, end = samples_of_window(row)
        assert (subgroups_of_block(row, block.part(first, end)) == found).all()


def test_interpreted_kernels_find_the_same_lines(waves, thresholds, monkeypatch):
    row, block = last_window(waves, thresholds, distorted(waves, 8), 50.13, 1200.0)
    rows = np.array([row])
    compiled = spectral_lines(rows, block), subgroups_of_windows(rows, block)
    for name in (
        "rise",
        "fill_oscillator",
        "shape_window",
        "shape_windows",
        "read_lines",
        "read_windows",
        "remove_images",
        "sum_subgroups",
        "window_spectrum",
    ):
        monkeypatch.setattr(harmonics, name, getattr(harmonics, name).py_func)
    assert spectral_lines(rows, block) == pytest.approx(compiled[0], abs=1e-9)
    assert subgroups_of_windows(rows, block) == pytest.approx(compiled[1], abs=1e-9, nan_ok=True)
