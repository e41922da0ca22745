"""Instants come from counting samples, exactly, also where the rate changes and after a restart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.host.metering.clock import SampleClock
from watthour.samples import Block
from watthour.units import NANOSECONDS


def block(first_sample, rate_hz, count=1):
    empty = np.zeros((3, count))
    return Block(voltages=empty, currents=empty, rate_hz=rate_hz, first_sample=first_sample)


def test_a_sample_comes_its_count_over_the_rate_after_the_first():
    clock = SampleClock(0, 1000, 8000.0)
    assert clock.time_of(block(0, 8000.0)) == 1000
    assert clock.time_of(block(8000, 8000.0)) == 1000 + NANOSECONDS
    assert clock.time_of(block(1, 8000.0)) == 1000 + 125_000


def test_a_year_of_samples_is_timed_to_the_nanosecond():
    seconds = 365 * 86400
    assert SampleClock(0, 7, 12800.0).time_of(block(seconds * 12800, 12800.0)) == 7 + seconds * NANOSECONDS


def test_samples_after_a_change_of_rate_are_counted_at_the_new_one():
    clock = SampleClock(0, 0, 1000.0)
    assert clock.time_of(block(2000, 4000.0)) == 2 * NANOSECONDS
    assert clock.time_of(block(6000, 4000.0)) == 3 * NANOSECONDS


def test_a_clock_made_of_the_anchor_of_another_goes_on_as_that_one():
    clock = SampleClock(0, 0, 1000.0)
    clock.time_of(block(1500, 3000.0))
    again = SampleClock(*clock.anchor)
    for sample in (1501, 2000, 10_000):
        assert again.time_of(block(sample, 3000.0)) == clock.time_of(block(sample, 3000.0))


@pytest.mark.parametrize(("time_ns", "sample"), [(0, 0), (NANOSECONDS, 1200), (416_666, 0), (416_667, 1), (833_333, 1)])
def test_the_sample_at_an_instant_is_the_nearest(time_ns, sample):
    assert SampleClock(0, 0, 1200.0).sample_at(time_ns) == sample


def test_the_sample_at_an_instant_is_found_at_the_rate_now_in_force():
    clock = SampleClock(0, 0, 1000.0)
    assert clock.sample_at(3 * NANOSECONDS) == 3000
    clock.time_of(block(2000, 4000.0))
    assert clock.sample_at(3 * NANOSECONDS) == 6000


@given(st.integers(0, 10**12), st.sampled_from([800.0, 1199.97, 4000.0, 7999.5, 12800.0, 1e6 / 3]))
def test_the_sample_at_its_own_instant_is_itself(sample, rate_hz):
    clock = SampleClock(0, 1_767_225_600_000_000_000, rate_hz)
    assert clock.sample_at(clock.time_of(block(sample, rate_hz))) == sample
