"""The samples of a bench: made once, given again, and the same however they are asked for."""

from dataclasses import replace

import numpy as np
import pytest

from watthour.typetest import ACTIVE
from watthour.typetest.metering import blocks_of
from watthour.typetest.points import point_at
from watthour.waveform.front_end import front_end

RATE_HZ = 1200.0
MINUTE = 60 * 1200


def currents_of(block):
    return block.currents[0]


@pytest.fixture
def load(make_bench):
    return point_at(make_bench(rate_hz=RATE_HZ), ACTIVE).load


def test_the_noise_of_a_converter_is_fresh_for_a_minute_and_then_comes_again(make_bench, load):
    block = blocks_of(make_bench(name="24 bit", rate_hz=RATE_HZ), load)
    first, half, again = (currents_of(block(position, 1200)) for position in (0, MINUTE // 2, MINUTE))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, half)  # the sine is the same there, the noise is not


def test_a_record_longer_than_a_minute_has_fresh_noise_to_its_end(make_bench, load):
    block = blocks_of(make_bench(name="24 bit", rate_hz=RATE_HZ, seconds=120), load)
    assert not np.array_equal(currents_of(block(0, 1200)), currents_of(block(MINUTE, 1200)))


def test_what_drifts_does_not_come_again(make_bench, load):
    drifting = replace(front_end("ideal"), drift_ppm_per_h=(0.0, 0.0, 0.0, 600.0, 0.0, 0.0))
    block = blocks_of(make_bench(ends=drifting, rate_hz=RATE_HZ), load)
    first, again = (currents_of(block(position, 1200)) for position in (0, MINUTE))
    assert again[7] / first[7] == pytest.approx(1.0 + 10e-6, abs=1e-9)  # after a minute of 600 ppm an hour


def test_another_seed_is_other_noise(make_bench, load):
    bench = make_bench(name="24 bit", rate_hz=RATE_HZ)
    assert not np.array_equal(currents_of(blocks_of(bench, load)(0, 1200)), currents_of(blocks_of(bench, load, 1)(0, 1200)))


@pytest.mark.parametrize("name", ["ideal", "24 bit"])
def test_samples_are_the_same_however_they_are_asked_for(make_bench, load, name):
    block = blocks_of(make_bench(name=name, rate_hz=RATE_HZ), load)
    position, pieces = 100, []
    while position < MINUTE + 100:
        pieces.append(block(position, MINUTE + 100 - position))
        assert pieces[-1].first_sample == position
        position = pieces[-1].end_sample
    joined = np.concatenate([currents_of(piece) for piece in pieces])
    afresh = blocks_of(make_bench(name=name, rate_hz=RATE_HZ), load)
    asked = np.concatenate([currents_of(afresh(at, 50)) for at in range(100, MINUTE + 100, 50)])
    assert np.array_equal(joined, asked)
