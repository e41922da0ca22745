"""The simulated installation as a source: the same bits from any position, however it is cut."""

import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.units import Ratio
from watthour.waveform.network import Network, NetworkSource
from watthour.waveform.noise import noise_of

RATE_HZ = 1000
DESCRIPTION = {
    "supply": {"voltages_v": [231, 229, 230], "frequency_hz": 50.13, "harmonics": [{"order": 5, "percent": 3}]},
    "load": [{"name": "Motor", "kind": "constant", "phases": ["L1", "L2", "L3"], "power_w": 9000, "cos_phi": "0.8 ind"}],
    "noise": {"seed": 7, "voltage_v": 0.5, "current_a": 0.04},
    "sampling": {"rate_hz": RATE_HZ},
}


def source(description=DESCRIPTION, *, ct="200/5", vt="1/1", **tables):
    network = Network.model_validate({**description, **tables})
    return NetworkSource(network, name="a.toml", identity="00", ct=Ratio.parse(ct), vt=Ratio.parse(vt))


def samples_of(blocks, count):
    """Return the first `count` samples of a stream of blocks, checking that nothing is missing."""
    parts, have, expected = [], 0, None
    while have < count:
        block = next(blocks)
        assert expected in (None, block.first_sample)
        expected = block.end_sample
        parts.append(np.concatenate([block.voltages, block.currents]))
        have += len(block)
    return np.concatenate(parts, axis=1)[:, :count]


def noise_alone(description=DESCRIPTION, seconds=20, **transformers):
    noisy = samples_of(source(description, **transformers).blocks(), seconds * RATE_HZ)
    clean = samples_of(source({**description, "noise": {}}, **transformers).blocks(), seconds * RATE_HZ)
    return noisy - clean


WHOLE = samples_of(source().blocks(), 5 * RATE_HZ)


@settings(deadline=None)
@given(first=st.integers(0, 3 * RATE_HZ), most=st.integers(1, 2500))
def test_any_position_and_any_cut_give_the_same_bits(first, most):
    part = samples_of(source().blocks(first, block_samples=most), RATE_HZ + 200)
    assert part.tobytes() == WHOLE[:, first : first + RATE_HZ + 200].tobytes()


def test_a_block_is_a_second_unless_asked_to_be_shorter():
    assert [len(block) for block in islice(source().blocks(), 3)] == [1000, 1000, 1000]
    assert [len(block) for block in islice(source().blocks(block_samples=400), 4)] == [400, 400, 200, 400]
    assert [block.first_sample for block in islice(source().blocks(700), 2)] == [700, 1000]


def test_it_is_endless_and_says_who_it_is():
    one = source()
    assert (one.name, one.identity, one.start_ns, one.rate_hz, one.samples, one.remarks) == (
        "a.toml",
        "00",
        None,
        1000.0,
        None,
        (),
    )
    late = 10 * 365 * 86_400 * RATE_HZ + 5
    assert next(one.blocks(late)).first_sample == late


def test_samples_are_float64_with_contiguous_rows():
    block = next(source().blocks(300))
    assert block.voltages.dtype == block.currents.dtype == np.float64
    assert block.voltages[1].flags.c_contiguous


def test_noise_has_the_stated_rms_white_on_every_channel():
    noise = noise_alone()
    count = noise.shape[1]
    expected = np.repeat([0.5, 0.04 / 40], 3)
    five_sigma = 5 / math.sqrt(2 * count)
    assert noise.std(axis=1) == pytest.approx(expected, rel=five_sigma)
    assert np.abs(noise.mean(axis=1)).max() < 5 * 0.5 / math.sqrt(count)
    shifted = (noise[:, 1:] * noise[:, :-1]).mean(axis=1) / expected**2
    assert np.abs(shifted).max() < 5 / math.sqrt(count)
    between = np.corrcoef(noise) - np.eye(6)
    assert np.abs(between).max() < 5 / math.sqrt(count)


def test_transformers_divide_the_noise_too():
    assert noise_alone(ct="100/1", vt="1100/110").std(axis=1) == pytest.approx(np.repeat([0.05, 0.0004], 3), rel=0.05)


def test_another_seed_gives_other_noise_on_the_same_waves():
    other = {**DESCRIPTION, "noise": {**DESCRIPTION["noise"], "seed": 8}}
    assert abs(np.corrcoef(noise_alone()[0], noise_alone(other)[0])[0, 1]) < 5 / math.sqrt(20 * RATE_HZ)


def test_noise_on_one_kind_of_channel_leaves_the_other_clean():
    noise = noise_alone({**DESCRIPTION, "noise": {"current_a": 0.04}})
    assert not noise[:3].any()
    assert noise[3:].any(axis=1).all()


def test_every_second_has_noise_of_its_own():
    assert noise_of(1, 5, 100).tobytes() == noise_of(1, 5, 100).tobytes()
    assert len({noise_of(seed, second, 100).tobytes() for seed in (0, 1, 2**64 - 1) for second in range(20)}) == 60


def test_without_noise_a_file_draws_none():
    clean = source(noise={})
    assert not samples_of(clean.blocks(), 10)[0, 0]
