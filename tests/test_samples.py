"""What a block is, and what is none."""

import dataclasses

import numpy as np
import pytest

from watthour.errors import SampleError
from watthour.samples import MINIMUM_RATE_HZ, SAMPLE_TYPES, Block, block_from_rows


def block(*, n=10, dtype="float32", rate_hz=8000.0, first_sample=0, **changes):
    rows = np.arange(6 * n).reshape(6, n).astype(dtype)
    given = {"voltages": rows[:3], "currents": rows[3:], "rate_hz": rate_hz, "first_sample": first_sample}
    return Block(**(given | changes))


@pytest.mark.parametrize("dtype", SAMPLE_TYPES)
def test_the_types_of_recorders_are_taken_as_they_are(dtype):
    assert block(dtype=dtype).voltages.dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float16", "complex64", ">f4", ">i2"])
def test_other_types_and_foreign_byte_orders_are_refused(dtype):
    with pytest.raises(SampleError, match="int16, int32, float32, float64"):
        block(dtype=dtype)


def test_voltages_and_currents_are_of_one_type():
    with pytest.raises(SampleError, match="float32 and float64"):
        block(currents=np.zeros((3, 10), "float64"))


@pytest.mark.parametrize(
    ("voltages", "currents"), [((2, 10), (2, 10)), ((4, 10), (4, 10)), ((3, 10), (3, 9)), ((10, 3), (10, 3)), ((30,), (30,))]
)
def test_a_block_is_three_phases_of_as_many_samples(voltages, currents):
    with pytest.raises(SampleError, match=r"shape \(3, n\)"):
        block(voltages=np.zeros(voltages), currents=np.zeros(currents))


def test_interleaved_rows_are_refused():
    interleaved = np.zeros((10, 6), "float32").T
    with pytest.raises(SampleError, match="interleaved"):
        block(voltages=interleaved[:3], currents=interleaved[3:])
    with pytest.raises(SampleError, match="interleaved"):
        block(currents=interleaved[3:])


def test_the_lowest_rate_is_taken_and_less_is_not():
    assert block(rate_hz=MINIMUM_RATE_HZ).rate_hz == 800.0
    with pytest.raises(SampleError, match=r"799\.9 samples/s is too slow.*800"):
        block(rate_hz=799.9)


@pytest.mark.parametrize("rate_hz", [0.0, -8000.0, float("nan")])
def test_what_is_no_rate_is_refused(rate_hz):
    with pytest.raises(SampleError):
        block(rate_hz=rate_hz)


def test_a_block_knows_its_place():
    assert (len(block(n=7)), block(n=7, first_sample=100).end_sample) == (7, 107)
    assert (len(block(n=0)), block(n=0, first_sample=100).end_sample) == (0, 100)


def test_a_part_is_a_view_with_its_own_place_and_the_same_scales():
    whole = block(first_sample=100, voltage_scale=(1.0, 2.0, 3.0), current_offset=(4.0, 5.0, 6.0))
    part = whole.part(3, 8)
    assert (part.first_sample, part.end_sample) == (103, 108)
    assert np.shares_memory(part.voltages, whole.voltages)
    assert np.shares_memory(part.currents, whole.currents)
    assert np.array_equal(part.currents, whole.currents[:, 3:8])
    kept = [f.name for f in dataclasses.fields(Block) if f.name not in {"voltages", "currents", "first_sample"}]
    assert [getattr(part, name) for name in kept] == [getattr(whole, name) for name in kept]


def test_two_parts_are_the_whole():
    whole = block(first_sample=5)
    left, right = whole.part(0, 4), whole.part(4, len(whole))
    assert left.end_sample == right.first_sample
    assert np.array_equal(np.hstack([left.voltages, right.voltages]), whole.voltages)


def test_rows_become_planes_in_the_order_voltages_then_currents():
    rows = [np.full(4, n, "float32") for n in range(6)]
    made = block_from_rows(rows, rate_hz=1200.0, first_sample=9)
    assert made.voltages[:, 0].tolist() == [0, 1, 2]
    assert made.currents[:, 0].tolist() == [3, 4, 5]
    assert made.voltages.flags.c_contiguous
    assert (made.rate_hz, made.first_sample) == (1200.0, 9)


def test_five_rows_are_no_block():
    with pytest.raises(SampleError):
        block_from_rows([np.zeros(4)] * 5, rate_hz=1200.0, first_sample=0)


def test_a_block_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        block().rate_hz = 1.0
