"""Gain, offset and delay of each channel undone: against the same waveform made without them, in closed form."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.metrology import Correction, condition, follows, reach_of, rest_of
from watthour.metrology.conditioning import interpolation_taps
from watthour.samples import Block, Phasors

RATE_HZ = 8000.0
SAMPLES = 700
DELAYS_S = (0.0, 12e-6, -7e-6, 12e-6, 160e-6, -200e-6)
LATE = Correction(delay_s=DELAYS_S)
TERMS = ((50.13, 1.0, 0.3), (250.65, 0.4, 1.0), (1002.6, 0.2, 2.0), (3400.0, 0.1, 0.5))
"""Hertz, peak, radians: up to 0.425 of the rate."""


def seen(delay_s, samples=SAMPLES, rate_hz=RATE_HZ, terms=TERMS):
    """Return what a channel shows that is late by `delay_s`."""
    t = np.arange(samples) / rate_hz - delay_s
    return sum(peak * np.cos(2 * math.pi * hertz * t + angle) for hertz, peak, angle in terms)


def late_block(delays=DELAYS_S, samples=SAMPLES, rate_hz=RATE_HZ):
    rows = np.array([seen(delay, samples, rate_hz) for delay in delays])
    return Block(voltages=rows[:3], currents=rows[3:], rate_hz=rate_hz, first_sample=5)


def corrected(blocks, correction=LATE):
    history, outputs = None, []
    for block in blocks:
        history, output = condition(history, block, correction)
        outputs.append(output)
    if history is not None:
        outputs.append(rest_of(history))
    ends = [output.end_sample for output in outputs]
    assert [output.first_sample for output in outputs] == [blocks[0].first_sample, *ends[:-1]]
    return np.concatenate([np.concatenate([o.voltages, o.currents]) for o in outputs], axis=1)


def test_late_channels_come_out_as_if_they_were_not():
    found, truth = corrected([late_block()]), seen(0.0)
    inside = slice(66, -66)  # where no mirror image is read
    assert np.abs(found[:, inside] - truth[inside]).max() < 1e-6


def test_where_a_stream_begins_and_ends_nothing_is_missing_and_little_is_wrong():
    found = corrected([late_block()])
    truth = seen(0.0)
    assert found.shape == (6, SAMPLES)
    # a mirror image in the first point has its value and its slope: what is wrong is of the second order of the delay
    bend = sum(peak * (2 * math.pi * hertz) ** 2 for hertz, peak, _ in TERMS)
    assert np.abs(found - truth)[1:4].max() < bend * 12e-6 * (12e-6 + 1 / RATE_HZ)


@pytest.mark.parametrize("fraction", [-0.5, -0.31, 0.0, 0.096, 0.5])
@pytest.mark.parametrize("of_rate", [0.0, 0.00625, 0.05, 0.25, 0.43])
def test_the_filter_reads_a_tone_between_its_samples(fraction, of_rate):
    j = np.arange(-32, 33)
    response = (interpolation_taps(fraction) * np.exp(2j * math.pi * of_rate * (j - fraction))).sum()
    assert abs(response - 1.0) < 5e-7  # the Kaiser window's ripple for β = 14


@given(cuts=st.lists(st.integers(0, SAMPLES), max_size=10))
@settings(max_examples=60, deadline=None)
def test_any_cut_gives_the_same_bits(cuts):
    block = late_block()
    places = [0, *sorted(cuts), SAMPLES]
    parts = [block.part(begin, end) for begin, end in pairwise(places)]
    assert corrected(parts).tobytes() == corrected([block]).tobytes()


def test_blocks_of_one_sample_give_the_same_bits():
    block = late_block()
    assert corrected([block.part(k, k + 1) for k in range(SAMPLES)]).tobytes() == corrected([block]).tobytes()


@pytest.mark.parametrize("samples", [0, 1, 2, 30, 64, 66, 67, 130])
def test_a_short_stream_has_all_its_samples(samples):
    block = late_block().part(0, samples)
    assert corrected([block]).shape == (6, samples)


def test_a_short_steady_stream_stays_as_it_is():
    rows = np.full((3, 40), 7.0)
    found = corrected([Block(voltages=rows, currents=rows, rate_hz=RATE_HZ, first_sample=0)])
    np.testing.assert_allclose(found, 7.0, rtol=1e-14)


def test_long_blocks_are_filtered_in_strips_that_join():
    block = late_block(samples=9000)
    found = corrected([block])[:, 66:-66]
    assert np.abs(found - seen(0.0, 9000)[66:-66]).max() < 1e-6


def test_a_delay_of_many_samples_is_undone_at_a_high_rate():
    delays = (0.0, 0.0, 0.0, 200e-6, -200e-6, 0.0)
    block = late_block(delays, 3000, 100_000.0)
    found = corrected([block], Correction(delay_s=delays))[:, 60:-60]
    assert reach_of(Correction(delay_s=delays), 100_000.0) == 32 + 20
    assert np.abs(found - seen(0.0, 3000, 100_000.0)[60:-60]).max() < 1e-6


def test_gain_and_offset_go_into_the_scale_and_touch_no_sample():
    codes = np.arange(-30, 30, dtype=np.int16).reshape(3, 20)
    block = Block(
        voltages=codes,
        currents=codes,
        rate_hz=RATE_HZ,
        first_sample=0,
        voltage_scale=(0.5, 0.5, 0.5),
        voltage_offset=(0.0, 0.1, 0.0),
        current_scale=(2.0, 2.0, 2.0),
    )
    correction = Correction(gain=(1.1, 0.9, 1.0, 1.0, 1.05, 1.0), offset=(3.0, 0.0, 0.0, 0.0, 0.0, -4.0))
    history, found = condition(None, block, correction)
    assert history is None
    assert found.voltages is codes
    for channel in range(3):
        gain, offset = correction.gain[channel], correction.offset[channel]
        shown = 0.5 * codes[channel] + block.voltage_offset[channel]
        now = found.voltage_scale[channel] * codes[channel] + found.voltage_offset[channel]
        np.testing.assert_allclose(now, gain * (shown - offset), rtol=1e-14, atol=1e-14)
        gain, offset = correction.gain[3 + channel], correction.offset[3 + channel]
        now = found.current_scale[channel] * codes[channel] + found.current_offset[channel]
        np.testing.assert_allclose(now, gain * (2.0 * codes[channel] - offset), rtol=1e-14, atol=1e-14)


def test_gain_offset_and_delay_together():
    gains = np.array([1.03, 0.97, 1.0, 1.01, 1.0, 0.99])
    offsets = np.array([0.5, 0.0, -0.5, 0.01, 0.02, 0.0])
    rows = np.array([seen(d) for d in DELAYS_S]) / gains[:, None] + offsets[:, None]
    block = Block(voltages=rows[:3], currents=rows[3:], rate_hz=RATE_HZ, first_sample=0)
    correction = Correction(gain=tuple(gains.tolist()), offset=tuple(offsets.tolist()), delay_s=DELAYS_S)
    found = corrected([block], correction)[:, 66:-66]
    assert np.abs(found - seen(0.0)[66:-66]).max() < 1e-6


def test_nothing_to_correct_gives_the_very_block():
    block = late_block()
    assert condition(None, block, Correction()) == (None, block)
    assert condition(None, block, Correction())[1] is block


def test_phasors_are_turned_and_scaled():
    ones = np.ones((4, 3, 2), np.complex128)
    phasors = Phasors(voltages=ones, currents=ones, orders=(1, 5), frequency_hz=np.full(4, 50.0), first_sample=9)
    history, found = condition(None, phasors, Correction(gain=(1.0, 1.0, 1.0, 2.0, 1.0, 1.0), delay_s=DELAYS_S))
    assert (history, found.first_sample) == (None, 9)
    turn = np.exp(2j * math.pi * 50.0 * 12e-6 * np.array([1, 5]))
    np.testing.assert_allclose(found.currents[2, 0], 2.0 * turn, rtol=1e-14)
    np.testing.assert_allclose(found.voltages[0, 0], [1.0, 1.0], rtol=1e-14)


def test_a_history_is_followed_only_by_its_own_stream():
    block = late_block()
    history, _ = condition(None, block.part(0, 300), LATE)
    assert follows(history, block.part(300, SAMPLES), LATE)
    assert not follows(history, block.part(301, SAMPLES), LATE)
    assert not follows(history, replace(block.part(300, SAMPLES), rate_hz=8001.0), LATE)
    assert not follows(history, block.part(300, SAMPLES), replace(LATE, gain=(1.0, 1.0, 1.0, 1.0, 1.0, 1.1)))
