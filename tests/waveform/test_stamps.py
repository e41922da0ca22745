"""What time stamps tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.waveform.stamps import Clock, StampError, missing_after, rate_of, steps_between

MICROSECONDS = Clock(tick_s=1e-6, wrap=2.0**32, is_integer=True)
SECONDS = Clock(tick_s=1.0, wrap=None, is_integer=False)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1))
def test_a_step_is_the_same_across_a_wrap(stamp, step):
    stamps = np.array([stamp, (stamp + step) % 2**32], dtype=np.float64)
    assert steps_between(MICROSECONDS, stamps)[0] == step


@given(st.integers(800, 20000), st.integers(300, 5000), st.integers(0, 1000))
def test_whole_rates_survive_whole_microseconds(rate_hz, rows, start):
    stamps = np.rint(start + np.arange(rows) * 1e6 / rate_hz)
    room = rate_hz**2 / 1e6 / (rows - 1)  # what the rounding leaves open
    assert rate_of(MICROSECONDS, stamps) == (rate_hz if room < 0.25 else pytest.approx(rate_hz, abs=2 * room))


def test_a_gap_does_not_shift_the_rate():
    stamps = np.arange(1000) * 125.0
    stamps[500:] += 10_000
    assert rate_of(MICROSECONDS, stamps) == 8000


@pytest.mark.parametrize("stamps", [[], [1], [5, 5, 5], [0, 3, 6, 9]])
def test_stamps_that_do_not_step_tell_no_rate(stamps):
    with pytest.raises(StampError):
        rate_of(MICROSECONDS, np.array(stamps, dtype=np.float64))


def test_four_ticks_to_a_sample_tell_the_rate():
    assert rate_of(MICROSECONDS, np.arange(100) * 4.0) == 250_000


@pytest.mark.parametrize("stamps", [[10, 9], [0, float("nan")], [3e9, 2e9]])
def test_time_does_not_run_backwards(stamps):
    with pytest.raises(StampError) as refusal:
        steps_between(SECONDS, np.array([0.0, *stamps]))
    assert refusal.value.row == 2


def test_the_value_of_an_unknown_stamp_may_be_met_by_counting():
    stamps = 2.0**32 - 1 + 125 * np.arange(-2, 3)
    assert not missing_after(MICROSECONDS, stamps % 2**32, 125.0).any()
