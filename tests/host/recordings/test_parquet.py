"""Parquet files against the numbers they were written from."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from watthour.errors import RecordingError, SampleError, SourceError
from watthour.units import Ratio

NAMES = ("v1", "v2", "v3", "i1", "i2", "i3")
SCALE = [0.01] * 3 + [0.001] * 3


def numbers_of(kind, rows=2000):
    numbers = np.arange(rows * 6).reshape(rows, 6) - 100
    return (numbers * (0.25 if kind.startswith("float") else 1)).astype(kind)


def write(folder, numbers, *, names=NAMES, time_s=None, **options):
    columns = {} if time_s is None else {"time_s": time_s}
    columns |= {name: numbers[:, k] for k, name in enumerate(names)}
    path = folder / "day.parquet"
    parquet.write_table(pa.table(columns), path, **options)
    return path


def spans(recording, first_sample=0):
    return [(block.first_sample, block.end_sample) for block in recording.blocks(first_sample)]


@pytest.mark.parametrize(("kind", "kept"), [
    ("int16", "int16"), ("int32", "int32"), ("float32", "float32"), ("float64", "float64"),
    ("int8", "int16"), ("uint16", "int32"), ("int64", "float64"), ("uint64", "float64"), ("float16", "float32"),
])  # fmt: skip
def test_types_are_kept_or_widened_without_loss(tmp_path, open_, values_of, kind, kept):
    numbers = np.abs(numbers_of(kind, 20)) if kind == "int8" else numbers_of(kind)
    recording = open_(write(tmp_path, numbers), scale=[1.0] * 6, rate_hz=8000.0)
    np.testing.assert_array_equal(values_of(recording), numbers.T.astype(np.float64))
    block = next(recording.blocks())
    assert block.voltages.dtype.name == kept
    assert block.currents[2].flags.c_contiguous
    assert (recording.rate_hz, recording.start_ns, recording.remarks) == (8000, None, ())


def test_columns_of_different_types_take_one_that_holds_both(tmp_path, open_):
    columns = {name: np.zeros(900, np.int16 if name[0] == "v" else np.int32) for name in NAMES}
    parquet.write_table(pa.table(columns), tmp_path / "day.parquet")
    recording = open_(tmp_path / "day.parquet", scale=SCALE, rate_hz=8000.0)
    assert next(recording.blocks()).voltages.dtype.name == "int32"


def test_integers_need_a_scale_and_floats_do_not(tmp_path, open_):
    with pytest.raises(RecordingError, match=r"day\.parquet: its integers have no unit: say scale = "):
        open_(write(tmp_path, numbers_of("int16")), rate_hz=8000.0)
    assert open_(write(tmp_path, numbers_of("float32")), rate_hz=8000.0).samples == 2000


@pytest.mark.parametrize("channels", [["c", "b", "a", "f", "e", "d"], [3, 2, 1, 6, 5, 4]])
def test_channels_are_named_or_numbered_without_the_time(tmp_path, open_, values_of, channels):
    numbers = numbers_of("float64")
    path = write(tmp_path, numbers, names="abcdef", time_s=np.arange(2000) / 8000)
    np.testing.assert_array_equal(values_of(open_(path, channels=channels)), numbers.T[[2, 1, 0, 5, 4, 3]])


@pytest.mark.parametrize("first", [0, 1, 40_000, 40_001, 99_999, 100_000])
@pytest.mark.parametrize("with_time", [True, False])
def test_blocks_begin_at_any_sample_of_any_row_group(*, tmp_path, open_, values_of, with_time, first):
    numbers = numbers_of("int32", 100_000)
    path = write(tmp_path, numbers, time_s=np.arange(100_000) / 8000 if with_time else None, row_group_size=40_000)
    recording = open_(path, scale=[1.0] * 6, rate_hz=8000.0)
    np.testing.assert_array_equal(values_of(recording, first), numbers[first:].T)
    ends = [first, *(end for _, end in spans(recording, first))]
    assert [start for start, _ in spans(recording, first)] == ends[:-1]


def test_primary_values_and_scale_work_as_in_csv(tmp_path, open_, values_of):
    numbers = numbers_of("int16")
    recording = open_(
        write(tmp_path, numbers), values="primary", ct=Ratio.parse("200/5"), scale=[2.0] * 3 + [4.0] * 3, rate_hz=8000.0
    )
    np.testing.assert_allclose(values_of(recording), numbers.T * np.array([2.0] * 3 + [0.1] * 3)[:, None], rtol=1e-12)


@pytest.mark.parametrize(("step", "missing"), [(1.5, 0), (1.6, 1), (401.0, 400)])
def test_a_step_of_time_is_a_gap_as_in_csv(tmp_path, open_, step, missing):
    time_s = np.arange(2000) / 8000
    time_s[1200:] += (step - 1) / 8000
    recording = open_(write(tmp_path, numbers_of("float32"), time_s=time_s))
    assert recording.rate_hz == pytest.approx(8000, rel=3e-4)
    assert spans(recording) == ([(0, 1200), (1200 + missing, 2000 + missing)] if missing else [(0, 2000)])


def test_irregular_times_are_refused_with_their_row(tmp_path, open_):
    time_s = np.cumsum(np.random.default_rng(1).uniform(0.6, 2.4, 2000)) / 8000
    with pytest.raises(RecordingError, match=r"day\.parquet: row \d+: no constant rate"):
        open_(write(tmp_path, numbers_of("float32"), time_s=time_s))


@pytest.mark.parametrize("with_time", [True, False])
def test_a_null_is_a_missing_sample_and_no_zero(*, tmp_path, open_, values_of, with_time):
    numbers = numbers_of("int16")
    columns = {"time_s": np.arange(2000) / 8000} if with_time else {}
    columns |= {name: pa.array(numbers[:, k]) for k, name in enumerate(NAMES)}
    columns["v3"] = pa.array([None if k in {0, 700, 701} else int(x) for k, x in enumerate(numbers[:, 2])], pa.int16())
    parquet.write_table(pa.table(columns), tmp_path / "day.parquet")
    recording = open_(tmp_path / "day.parquet", scale=[1.0] * 6, rate_hz=8000.0)
    assert spans(recording) == [(1, 700), (702, 2000)]
    np.testing.assert_array_equal(values_of(recording), np.delete(numbers, [0, 700, 701], axis=0).T)
    assert next(recording.blocks()).voltages.dtype.name == "int16"


def test_a_null_among_the_times_is_refused(tmp_path, open_):
    time_s = pa.array([None if k == 70 else k / 8000 for k in range(2000)])
    with pytest.raises(SampleError, match=r"day\.parquet: row 71, time stamp: no value"):
        open_(write(tmp_path, numbers_of("float32"), time_s=time_s))


def test_a_float_that_is_no_number_is_refused_with_its_place(tmp_path, open_, values_of):
    numbers = numbers_of("float32", 60_000)
    numbers[50_000, 4] = np.inf
    with pytest.raises(SampleError, match=r"day\.parquet: row 50001, channel 5 'i2': not a number"):
        values_of(open_(write(tmp_path, numbers), rate_hz=8000.0))


def test_a_column_without_numbers_is_refused(tmp_path, open_):
    path = tmp_path / "day.parquet"
    columns = {name: np.zeros(900) for name in NAMES} | {"note": ["x"] * 900}
    parquet.write_table(pa.table(columns), path)
    assert open_(path, rate_hz=8000.0).samples == 900
    with pytest.raises(RecordingError, match="channel 7 'note' holds no numbers: choose another channel"):
        open_(path, rate_hz=8000.0, channels=["v1", "v2", "v3", "i1", "i2", "note"])
    parquet.write_table(pa.table(columns | {"time_s": pa.array(range(900), pa.timestamp("us"))}), path)
    with pytest.raises(RecordingError, match="column 'time_s' holds no numbers: write it in seconds"):
        open_(path)


def test_a_name_of_two_columns_is_refused_by_number_too(tmp_path, open_):
    table = pa.Table.from_arrays([pa.array(np.zeros(900))] * 7, names=[*NAMES, "i3"])
    parquet.write_table(table, tmp_path / "day.parquet")
    for channels in (["v1", "v2", "v3", "i1", "i2", "i3"], [1, 2, 3, 4, 5, 7]):
        with pytest.raises(RecordingError, match=r"both called 'i3'|shares its name with another column"):
            open_(tmp_path / "day.parquet", rate_hz=8000.0, channels=channels)


def test_a_rate_is_needed_and_800_is_metered_and_799_refused(tmp_path, open_):
    path = write(tmp_path, numbers_of("float32"))
    with pytest.raises(RecordingError, match=r"its sampling rate is unknown: say rate_hz = 8000"):
        open_(path)
    assert open_(path, rate_hz=800.0).rate_hz == 800
    with pytest.raises(SampleError, match="799 samples/s is too slow"):
        open_(path, rate_hz=799.0)


def test_a_file_without_rows_is_refused(tmp_path, open_):
    with pytest.raises(RecordingError, match="not one row"):
        open_(write(tmp_path, numbers_of("float32")[:0]), rate_hz=8000.0)


def test_a_file_cut_off_is_refused(tmp_path, open_):
    path = write(tmp_path, numbers_of("float32"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordingError, match="it is no whole Parquet file"):
        open_(path, rate_hz=8000.0)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(damages=st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 255)), min_size=1, max_size=4))
def test_any_damage_is_metered_or_refused_in_one_line(tmp_path, open_, damages):
    path = write(tmp_path, np.random.default_rng(1).normal(size=(200, 6)), time_s=np.arange(200) / 8000, compression="zstd")
    content = bytearray(path.read_bytes())
    for place, flip in damages:
        content[place % len(content)] ^= flip
    path.write_bytes(bytes(content))
    try:
        recording = open_(path)
        assert sum(len(block) for block in recording.blocks()) <= recording.samples
    except SourceError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017 - either outcome is right


def test_memory_is_flat_in_one_row_group(tmp_path, open_):
    peaks = []
    for rows in (200_000, 2_000_000):
        numbers = np.random.default_rng(1).integers(-30000, 30000, size=(rows, 6), dtype=np.int16)
        path = write(tmp_path, numbers, row_group_size=rows)
        del numbers
        recording = open_(path, scale=SCALE, rate_hz=8000.0)
        before = pa.total_allocated_bytes()
        tracemalloc.start()
        peaks.append(0)
        for _ in recording.blocks():
            peaks[-1] = max(peaks[-1], pa.total_allocated_bytes() - before + tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + (1 << 20)
