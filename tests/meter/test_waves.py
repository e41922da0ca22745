"""The last window's samples, as a view gives them on demand."""

import numpy as np
import pytest

from watthour.meter import Meter, first_state
from watthour.samples import Block, Phasors

RATE_HZ = 4000.0


def block(seconds=1.0):
    angle = 2 * np.pi * 50.0 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ - 2 * np.pi / 3 * np.arange(3)[:, None]
    wave = np.sqrt(2) * 1000 * np.cos(angle)
    return Block(
        voltages=wave, currents=wave, rate_hz=RATE_HZ, first_sample=0, voltage_scale=(0.23,) * 3, current_scale=(0.002,) * 3
    )


def test_a_window_is_shown_in_primary_volts_and_amperes():
    meter = Meter(first_state({"ct": "200/5", "vt": "1000/100"}))
    assert meter.view().waves is None
    meter.step(block(), 0)
    waves = meter.view().waves()
    assert waves.rate_hz == RATE_HZ
    at_least = [1.0, np.cos(np.pi / 80), np.cos(np.pi / 80)]  # 80 samples a cycle: L1 has one on its crest
    assert waves.voltages_v.max(axis=1) == pytest.approx(np.sqrt(2) * 2300.0 * np.array(at_least), rel=1e-3)
    assert waves.currents_a.max(axis=1) == pytest.approx(np.sqrt(2) * 80.0 * np.array(at_least), rel=1e-3)


def test_phasors_are_made_into_the_wave_that_they_stand_for():
    meter = Meter(first_state({}))
    turns = np.exp(-2j * np.pi / 3 * np.arange(3))
    voltages = np.stack([230 * turns, 23 * turns**3], axis=-1)[None]
    meter.step(
        Phasors(voltages=voltages, currents=voltages / 100, orders=(1, 3), frequency_hz=np.array([50.0]), first_sample=0), 0
    )
    waves = meter.view().waves()
    at = np.arange(len(waves.voltages_v[0])) / waves.rate_hz
    truth = np.sqrt(2) * (230 * np.cos(2 * np.pi * 50 * at) + 23 * np.cos(2 * np.pi * 150 * at))
    assert np.abs(waves.voltages_v[0] - truth).max() < 1e-6
