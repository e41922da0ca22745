"""What no meter can count is named by its sample and channel; what it can count passes."""

import numpy as np
import pytest

from watthour.errors import SampleError
from watthour.meter.refusing import LARGEST, require_countable
from watthour.metrology import WINDOW


@pytest.mark.parametrize("value", [2 * LARGEST, -2 * LARGEST, 0.0])
def test_a_sample_at_the_limit_passes(waves, value):
    block = waves.block_of(np.zeros((3, 5)), np.full((3, 5), value), 8000.0)
    require_countable(block, np.zeros(0, WINDOW), (block,))


@pytest.mark.parametrize("value", [2.0001 * LARGEST, -2.0001 * LARGEST, np.inf, -np.inf, np.nan, 1e308])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_sample_beyond_the_limit_is_named(waves, value, kind):
    if kind == "float32" and value == 1e308:
        value = 3e38
    voltages = np.zeros((3, 5))
    voltages[1, 3] = value
    block = waves.block_of(voltages, np.zeros((3, 5)), 8000.0, kind=kind, first_sample=100)
    with pytest.raises(SampleError, match=r"^sample 103 of V2 is not a number, or beyond"):
        require_countable(block, np.zeros(0, WINDOW), (block,))


@pytest.mark.parametrize(("scale", "passes"), [(2 * LARGEST / 32767, True), (2 * LARGEST / 32766, False)])
def test_the_scale_counts_too(waves, scale, passes):
    block = waves.block_of(
        np.full((3, 5), 32767), np.zeros((3, 5)), 8000.0, kind="int16", voltage_scale=(1.0, 1.0, scale * 0.9999999)
    )
    if passes:
        require_countable(block, np.zeros(0, WINDOW), (block,))
    else:
        with pytest.raises(SampleError, match=r"^sample 0 of V3"):
            require_countable(block, np.zeros(0, WINDOW), (block,))


@pytest.mark.parametrize("kind", ["int16", "int32"])
def test_steps_that_a_type_could_hold_and_no_sample_has_are_no_reason_to_refuse(waves, kind):
    scale = 100 * LARGEST / np.iinfo(kind).max
    samples = np.full((3, 5), np.iinfo(kind).max // 100)
    block = waves.block_of(samples, samples, 8000.0, kind=kind, voltage_scale=(scale,) * 3)
    require_countable(block, np.zeros(0, WINDOW), (block,))


@pytest.mark.parametrize(("energy_ws", "passes"), [(2**62 * 3600e-6 * 0.99, True), (2**62 * 3600e-6 * 1.01, False)])
def test_windows_pass_as_long_as_their_integers_hold_them(waves, energy_ws, passes):
    block = waves.block_of(np.zeros((3, 5)), np.zeros((3, 5)), 8000.0)
    windows = np.zeros(2, WINDOW)
    windows["active_ws"][:, 0] = energy_ws / 4, -energy_ws / 4
    windows["reactive_vars"][:, 2] = energy_ws / 4
    if passes:
        require_countable(block, windows, (block,))
    else:
        with pytest.raises(SampleError, match=r"^the energy of these samples"):
            require_countable(block, windows, (block,))
