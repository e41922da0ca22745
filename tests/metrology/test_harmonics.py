"""Harmonic subgroups against the waves they were made of, off nominal frequency."""

import cmath
import math

import numpy as np
import pytest

from watthour.metrology import measure, open_window
from watthour.metrology.harmonics import (
    deconvolution,
    highest_order,
    samples_of_window,
    spectral_lines,
    subgroups_of_block,
    transform_size,
    window_weights,
)

PARTS = {2: 0.01, 3: 0.05, 5: 0.06, 7: 0.05, 11: 0.035, 13: 0.03, 25: 0.015, 37: 0.01, 49: 0.004, 50: 0.003}


def last_window(waves, thresholds, six, frequency_hz, rate_hz, **how):
    block = waves.wave(six, frequency_hz, int(1.1 * rate_hz), rate_hz, **how)
    opened, rows = measure(open_window(block), block, thresholds)
    return rows[-1], opened.window


def distorted(waves, highest):
    orders = tuple((h, part, 37.0 * h) for h, part in PARTS.items() if h <= highest)
    currents = tuple((h, 4 * part, 11.0 * h) for h, part in PARTS.items() if h <= highest)
    return waves.single_phase(voltage_orders=orders, current_orders=currents)


@pytest.mark.parametrize("rate_hz", [1200.0, 8000.0, 10000.0])
@pytest.mark.parametrize("frequency_hz", [45.0, 47.31, 49.97, 50.0, 54.99, 55.01, 60.0, 62.1, 65.0])
def test_subgroups_are_the_harmonics_that_the_wave_is_made_of(waves, thresholds, frequency_hz, rate_hz):
    highest = highest_order(frequency_hz, rate_hz)
    six = distorted(waves, highest)
    row, block = last_window(waves, thresholds, six, frequency_hz, rate_hz)
    found = subgroups_of_block(row, block)
    for channel in (0, 3):
        size = abs(six[channel][1])
        for h in range(1, highest + 1):
            truth = abs(six[channel].get(h, 0.0))
            assert abs(found[channel, h - 1] - truth) < 2e-4 * truth + 1e-5 * size, h
    assert np.isnan(found[:, highest:]).all()
    assert found[1, :highest].max() < 1e-9
