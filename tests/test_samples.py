"""What a block is, and what is none."""

import dataclasses

import numpy as np
import pytest

from watthour.errors import SampleError
from watthour.samples import MINIMUM_RATE_HZ, SAMPLE_TYPES, Block, Phasors


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


def phasors(rows=4, **changes):
    shape = (rows, 3, 2)
    given = {
        "voltages": np.ones(shape, complex),
        "currents": np.ones(shape, complex),
        "orders": (1, 5),
        "frequency_hz": np.full(rows, 50.0),
        "first_sample": 7,
    }
    return Phasors(**{**given, **changes})


@pytest.mark.parametrize(
    "wrong",
    [
        {"voltages": np.ones((4, 2, 2), complex)},
        {"currents": np.ones((3, 3, 2), complex)},
        {"currents": np.ones((4, 3, 2))},
        {"orders": (5, 1)},
        {"orders": (1,)},
    ],
)
def test_phasors_of_other_shapes_types_or_orders_are_refused(wrong):
    with pytest.raises(SampleError):
        phasors(**wrong)


def test_phasors_are_one_row_a_second_and_parts_know_their_place():
    part = phasors().part(1, 3)
    assert (len(part), part.first_sample, part.end_sample, part.rate_hz) == (2, 8, 10, 1.0)
    assert part.voltages.shape == (2, 3, 2)


def test_a_block_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        block().rate_hz = 1.0
