"""COMTRADE files on disk against the numbers they were written from, and against the library `comtrade`."""

from datetime import UTC, datetime

import comtrade
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from watthour.errors import RecordingError, SampleError
from watthour.units import Ratio

FORMS = [("1991", "ASCII"), ("1991", "BINARY"), ("1999", "ASCII"), ("1999", "BINARY")] + [
    ("2013", form) for form in ("ASCII", "BINARY", "BINARY32", "FLOAT32")
]
KEPT_TYPES = {"ASCII": "float64", "BINARY": "int16", "BINARY32": "int32", "FLOAT32": "float32"}
GAINS = np.array([0.01] * 3 + [0.001] * 3)[:, None]


def started(instant: str) -> int:
    return int(datetime.fromisoformat(instant).astimezone(UTC).timestamp()) * 10**9


def read_by_library(path) -> np.ndarray:
    reader = comtrade.Comtrade(ignore_warnings=True, use_numpy_arrays=True, use_double_precision=True)
    reader.load(str(path))
    return np.array(reader.analog)


@pytest.mark.parametrize(("revision", "form"), FORMS)
@pytest.mark.parametrize("digital", [0, 1, 16, 17])
def test_every_revision_and_format_reads_as_the_library_reads_it(
    *, tmp_path, open_, three_phase, values_of, revision, form, digital
):
    written = three_phase(revision=revision, format=form, digital=digital, offsets=["0.5", "0", "-1", "0", "0.25", "0"])
    path = written.to_pair(tmp_path)
    recording = open_(path)
    offsets = np.array([float(x) for x in written.offsets])[:, None]
    truth = written.rows.T * GAINS + offsets
    np.testing.assert_allclose(values_of(recording), truth, rtol=1e-12, atol=1e-9)
    library = read_by_library(path)
    is_marker = np.isnan(library)  # it takes the -1 of a 1991 BINARY for a missing value
    assert is_marker.sum() == ((written.rows.T == -1).sum() if (revision, form) == ("1991", "BINARY") else 0)
    np.testing.assert_allclose(values_of(recording)[~is_marker], library[~is_marker], rtol=1e-12, atol=1e-9)
    assert recording.rate_hz == 8000
    assert recording.samples == 800
    assert recording.remarks == ()


@pytest.mark.parametrize("form", list(KEPT_TYPES))
def test_a_single_file_reads_as_its_pair(tmp_path, open_, three_phase, values_of, form):
    written = three_phase(revision="2013", format=form, digital=3)
    single = open_(written.to_single(tmp_path))
    np.testing.assert_array_equal(values_of(single), values_of(open_(written.to_pair(tmp_path))))
    np.testing.assert_allclose(values_of(single), read_by_library(tmp_path / "day.cff"), rtol=1e-12, atol=1e-9)
    assert single.remarks == ()


@pytest.mark.parametrize(("form", "kept"), list(KEPT_TYPES.items()))
def test_samples_keep_their_type_and_lie_side_by_side(tmp_path, open_, three_phase, form, kept):
    (block,) = open_(three_phase(revision="2013", format=form).to_pair(tmp_path)).blocks()
    assert block.voltages.dtype.name == kept
    assert block.voltages.dtype.isnative
    assert block.currents[2].flags.c_contiguous


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=hnp.arrays(np.int16, st.tuples(st.integers(1, 50), st.just(6)), elements=st.integers(-32767, 32767)))
def test_any_16_bit_samples_come_back(tmp_path, open_, three_phase, rows):
    (block,) = open_(three_phase().but(rows=rows).to_pair(tmp_path)).blocks()
    np.testing.assert_array_equal(np.concatenate([block.voltages, block.currents]), rows.T)


@pytest.mark.parametrize("form", ["ASCII", "BINARY", "FLOAT32"])
@pytest.mark.parametrize("first", [0, 1, 52427, 52428, 52429, 119999, 120000, 999999])
def test_blocks_begin_at_any_sample(tmp_path_factory, open_, three_phase, form, first):
    folder = tmp_path_factory.getbasetemp() / f"long-{form}"
    path = folder / "day.cfg"
    if not folder.exists():
        folder.mkdir()
        three_phase(120000, revision="2013", format=form).to_pair(folder)
    blocks = list(open_(path).blocks(first))
    expected = three_phase(120000).rows.T[:, first:]
    parts = [np.concatenate([block.voltages, block.currents]) for block in blocks]
    np.testing.assert_array_equal(np.concatenate([np.zeros((6, 0)), *parts], axis=1), expected)
    ends = [first, *(block.end_sample for block in blocks)]
    assert [block.first_sample for block in blocks] == ends[:-1]


def test_blocks_do_not_change_when_the_next_is_read(tmp_path, open_, three_phase):
    blocks = open_(three_phase(120000).to_pair(tmp_path)).blocks()
    first = next(blocks)
    kept = first.voltages.copy()
    next(blocks)
    np.testing.assert_array_equal(first.voltages, kept)


@pytest.mark.parametrize(("revision", "start", "instant"), [
    ("1991", "07/23/93,10:00:05.000000", "1993-07-23T10:00:05+00:00"),
    ("1991", "01/02/2024,10:00:05.000000", "2024-01-02T10:00:05+00:00"),
    ("1991", "01/02/05,10:00:05.000000", "2005-01-02T10:00:05+00:00"),
    ("1999", "01/02/2024,10:00:05.000000", "2024-02-01T10:00:05+00:00"),
    ("2013", "01/02/2024,10:00:05.000000000", "2024-02-01T10:00:05+00:00"),
])  # fmt: skip
def test_a_start_is_month_first_in_1991_and_day_first_after(*, tmp_path, open_, three_phase, revision, start, instant):
    assert open_(three_phase(revision=revision, start=start).to_pair(tmp_path)).start_ns == started(instant)


@pytest.mark.parametrize(("code", "instant"), [
    ("+9", "2026-01-15T10:00:00+09:00"),
    ("9", "2026-01-15T10:00:00+09:00"),
    ("-5h30", "2026-01-15T10:00:00-05:30"),
    ("+5h45", "2026-01-15T10:00:00+05:45"),
    ("0", "2026-01-15T10:00:00+00:00"),
    ("x", "2026-01-15T10:00:00+00:00"),
])  # fmt: skip
def test_a_time_code_gives_the_zone_of_the_start(tmp_path, open_, three_phase, code, instant):
    recording = open_(three_phase(revision="2013", time_code=code).to_pair(tmp_path))
    assert recording.start_ns == started(instant)
    assert recording.remarks == ()


def test_a_start_keeps_its_nanoseconds(tmp_path, open_, three_phase):
    recording = open_(three_phase(revision="2013", start="27/07/2023,09:19:53.156666511", time_code="+9").to_pair(tmp_path))
    assert recording.start_ns == started("2023-07-27T00:19:53+00:00") + 156_666_511


@pytest.mark.parametrize("start", ["00/00/0000,00:00:00.000000", ",", "soon"])
def test_a_start_that_is_no_instant_is_remarked_and_nothing_else(tmp_path, open_, three_phase, start):
    recording = open_(three_phase(start=start).to_pair(tmp_path))
    assert recording.start_ns is None
    assert "say start in [source]" in recording.remarks[0]


def test_a_time_code_that_is_none_is_remarked(tmp_path, open_, three_phase):
    recording = open_(three_phase(revision="2013", time_code="CET").to_pair(tmp_path))
    assert recording.start_ns == started("2026-01-15T10:00:00+00:00")
    assert "'CET'" in recording.remarks[0]


def test_primary_values_are_divided_by_the_transformers(tmp_path, open_, three_phase, values_of):
    written = three_phase(side="P", units=["kV"] * 3 + ["kA"] * 3)
    recording = open_(written.to_pair(tmp_path), ct=Ratio.parse("200/5"), vt=Ratio.parse("132000/110"))
    truth = written.rows.T * GAINS * 1000 / np.array([1200] * 3 + [40] * 3)[:, None]
    np.testing.assert_allclose(values_of(recording), truth, rtol=1e-12)


def test_secondary_values_are_not_divided(tmp_path, open_, three_phase, values_of):
    recording = open_(three_phase(side="S").to_pair(tmp_path), ct=Ratio.parse("200/5"), vt=Ratio.parse("132000/110"))
    np.testing.assert_allclose(values_of(recording), three_phase().rows.T * GAINS, rtol=1e-12)


@pytest.mark.parametrize(
    ("side", "values", "divisor"), [("P", "secondary", 1), ("S", "primary", 40), ("", "primary", 40), ("", None, 1)]
)
def test_the_users_word_wins_over_the_headers_flag(*, tmp_path, open_, three_phase, values_of, side, values, divisor):
    recording = open_(three_phase(side=side).to_pair(tmp_path), values=values, ct=Ratio.parse("200/5"))
    np.testing.assert_allclose(values_of(recording)[3:], three_phase().rows.T[3:] * 0.001 / divisor, rtol=1e-12)
    assert bool(recording.remarks) == bool(side)


def test_1991_has_no_flag_and_is_secondary(tmp_path, open_, three_phase, values_of):
    recording = open_(three_phase(revision="1991", start="01/15/2026,10:00:00.0").to_pair(tmp_path), ct=Ratio.parse("200/5"))
    np.testing.assert_allclose(values_of(recording)[3:], three_phase().rows.T[3:] * 0.001, rtol=1e-12)


def test_a_scale_replaces_gain_offset_and_unit(tmp_path, open_, three_phase, values_of):
    written = three_phase(offsets=["7"] * 6, units=["mV"] * 3 + ["pu"] * 3)
    recording = open_(written.to_pair(tmp_path), channels=[1, 2, 3, 4, 5, 6], scale=[0.02] * 3 + [-0.5] * 3)
    np.testing.assert_allclose(values_of(recording), written.rows.T * np.array([0.02] * 3 + [-0.5] * 3)[:, None], rtol=1e-12)


@pytest.mark.parametrize("scale", [[1.0] * 5, [0.0] + [1.0] * 5, [float("nan")] * 6, [float("inf")] * 6])
def test_a_scale_that_is_none_is_refused(tmp_path, open_, three_phase, scale):
    with pytest.raises(RecordingError, match="scale"):
        open_(three_phase().to_pair(tmp_path), scale=scale)


def test_several_rates_make_blocks_of_each(tmp_path, open_, three_phase):
    written = three_phase(rates=[("8000", 300), ("1200.5", 700), ("800", 800)])
    blocks = list(open_(written.to_pair(tmp_path)).blocks())
    assert [(b.rate_hz, b.first_sample, len(b)) for b in blocks] == [(8000, 0, 300), (1200.5, 300, 400), (800, 700, 100)]
    blocks = list(open_(tmp_path / "day.cfg").blocks(600))
    assert [(b.rate_hz, b.first_sample, len(b)) for b in blocks] == [(1200.5, 600, 100), (800, 700, 100)]


@pytest.mark.parametrize("form", ["ASCII", "BINARY"])
def test_a_rate_of_800_is_metered_and_799_is_refused(tmp_path, open_, three_phase, form):
    assert open_(three_phase(rates=[("800", 800)], format=form).to_pair(tmp_path)).rate_hz == 800
    with pytest.raises(SampleError, match=r"day\.dat: 799 samples/s is too slow: .*800"):
        open_(three_phase(rates=[("799", 800)], format=form).to_pair(tmp_path))
    with pytest.raises(SampleError, match="too slow"):
        open_(three_phase(rates=[("8000", 400), ("799", 800)], format=form).to_pair(tmp_path))


@pytest.mark.parametrize("cut", [1, 19, 20, 21])
def test_a_truncated_binary_is_metered_to_its_last_whole_sample(tmp_path, open_, three_phase, values_of, cut):
    path = three_phase().to_pair(tmp_path)
    samples = path.with_suffix(".dat")
    samples.write_bytes(samples.read_bytes()[:-cut])
    recording = open_(path)
    whole = 799 if cut <= 20 else 798
    assert recording.samples == values_of(recording).shape[1] == whole
    assert f"truncated: {whole} of the 800 samples" in recording.remarks[0]


@pytest.mark.parametrize(("kept", "whole"), [("\r\n", 2), ("", 1), ("9", 2), ("cut-column", 2), ("cut-row", 2)])
def test_a_truncated_text_is_metered_to_its_last_whole_sample(*, tmp_path, open_, three_phase, values_of, kept, whole):
    path = three_phase(3, format="ASCII").to_pair(tmp_path)
    lines = path.with_suffix(".dat").read_bytes().split(b"\r\n")[:3]
    ends = {"\r\n": b"\r\n".join(lines[:2]) + b"\r\n", "": b"\r\n".join(lines[:2]), "9": b"\r\n".join([*lines[:2], b"3"]),
            "cut-column": b"\r\n".join(lines)[:-9], "cut-row": b"\r\n".join([*lines[:2], b"3,250,1,2,3,4,5"])}  # fmt: skip
    path.with_suffix(".dat").write_bytes(ends[kept])
    recording = open_(path)
    assert recording.samples == values_of(recording).shape[1] == whole
    assert f"truncated: {whole} of the 3" in recording.remarks[0]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\x1a", b"\r\n\r\n"])
def test_the_last_promised_line_needs_no_end(tmp_path, open_, three_phase, values_of, end):
    path = three_phase(3, format="ASCII").to_pair(tmp_path)
    samples = path.with_suffix(".dat")
    samples.write_bytes(samples.read_bytes().rstrip() + end)
    recording = open_(path)
    assert values_of(recording).shape[1] == 3
    assert recording.remarks == ()


@pytest.mark.parametrize("form", ["ASCII", "BINARY"])
def test_more_samples_than_promised_are_told_and_not_metered(tmp_path, open_, three_phase, values_of, form):
    recording = open_(three_phase(format=form, rates=[("8000", 700)]).to_pair(tmp_path))
    assert values_of(recording).shape[1] == 700
    assert "holds 800 samples, its header promises 700" in recording.remarks[0]
    assert list(recording.blocks(700)) == list(recording.blocks(800)) == []


def test_a_header_that_promises_no_number_meters_all(tmp_path, open_, three_phase, values_of):
    assert values_of(open_(three_phase(rates=[("8000", 0)]).to_pair(tmp_path))).shape[1] == 800


def test_a_truncated_single_file_says_so(tmp_path, open_, three_phase):
    path = three_phase(revision="2013").to_single(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    assert "truncated: 799 of the 800" in open_(path).remarks[0]


@pytest.mark.parametrize(("form", "value"), [
    ("BINARY", -32768), ("BINARY32", -(2**31)), ("FLOAT32", float("nan")), ("FLOAT32", float("inf")), ("FLOAT32", float("-inf")),
    ("FLOAT32", float(np.finfo(np.float32).min)), ("ASCII", 99999),
])  # fmt: skip
def test_a_missing_value_is_refused_with_its_place(*, tmp_path, open_, three_phase, values_of, form, value):
    written = three_phase(revision="2013", format=form)
    rows = written.rows.astype(np.float64)
    rows[700, 4] = value
    with pytest.raises(SampleError, match=r"day\.dat: sample 701, channel 5 'IB': .*cut the recording there"):
        values_of(open_(written.but(rows=rows).to_pair(tmp_path)))


@pytest.mark.parametrize(("form", "value"), [
    ("BINARY", -32767), ("BINARY", -1), ("BINARY32", -(2**31) + 1), ("FLOAT32", -3.4e38), ("ASCII", 99998), ("ASCII", -99999),
])  # fmt: skip
def test_the_value_beside_a_marker_is_a_sample(*, tmp_path, open_, three_phase, values_of, form, value):
    written = three_phase(revision="2013", format=form)
    rows = written.rows.astype(np.float64)
    rows[700, 4] = value
    assert values_of(open_(written.but(rows=rows).to_pair(tmp_path)))[4, 700] == pytest.approx(value * 0.001)


def test_99999_is_a_sample_where_the_header_admits_it(tmp_path, open_, three_phase, values_of):
    written = three_phase(revision="2013", format="ASCII", maximum="200000")
    rows = written.rows.copy()
    rows[5, 0] = 99999
    assert values_of(open_(written.but(rows=rows).to_pair(tmp_path)))[0, 5] == pytest.approx(999.99)


@pytest.mark.parametrize(
    ("cell", "problem"), [(b"", "no value"), (b"x", "'x' is not a number"), (b"1_0", "'1_0' is not"), (b"nan", "not a number")]
)
def test_a_cell_that_is_no_number_is_refused_with_its_place(*, tmp_path, open_, three_phase, values_of, cell, problem):
    path = three_phase(10, format="ASCII").to_pair(tmp_path)
    lines = path.with_suffix(".dat").read_bytes().split(b"\r\n")
    cells = lines[6].split(b",")
    lines[6] = b",".join([*cells[:4], cell, *cells[5:]])
    path.with_suffix(".dat").write_bytes(b"\r\n".join(lines))
    with pytest.raises(SampleError, match=rf"day\.dat: sample 7, channel 3 'VC': {problem}"):
        values_of(open_(path))


def test_a_blank_in_another_channel_or_an_unread_stamp_does_not_matter(tmp_path, open_, three_phase, values_of):
    path = three_phase(10, format="ASCII", digital=1).to_pair(tmp_path)
    lines = path.with_suffix(".dat").read_bytes().split(b"\r\n")
    lines[4] = b",".join([b"5", b"", *lines[4].split(b",")[2:-1], b""])
    path.with_suffix(".dat").write_bytes(b"\r\n".join(lines))
    np.testing.assert_allclose(values_of(open_(path)), three_phase(10).rows.T * GAINS, rtol=1e-12)


@pytest.mark.parametrize("extra", [b",", b",0"])
def test_a_trailing_comma_does_not_matter(tmp_path, open_, three_phase, values_of, extra):
    path = three_phase(10, format="ASCII").to_pair(tmp_path)
    samples = path.with_suffix(".dat")
    samples.write_bytes(samples.read_bytes().replace(b"\r\n", extra + b"\r\n").replace(extra + b"\r\n", b"\r\n", 1))
    np.testing.assert_allclose(values_of(open_(path)), three_phase(10).rows.T * GAINS, rtol=1e-12)


def test_a_short_row_in_the_middle_is_refused(tmp_path, open_, three_phase, values_of):
    path = three_phase(10, format="ASCII").to_pair(tmp_path)
    lines = path.with_suffix(".dat").read_bytes().split(b"\r\n")
    lines[3] = lines[3].rpartition(b",")[0]
    path.with_suffix(".dat").write_bytes(b"\r\n".join(lines))
    with pytest.raises(RecordingError, match=r"day\.dat: sample 4: 7 columns where 8 are due"):
        values_of(open_(path))


def test_extensions_may_be_upper_case_and_mixed(tmp_path, open_, three_phase):
    assert open_(three_phase().to_pair(tmp_path, "DAY.CFG")).samples == 800
    (tmp_path / "DAY.DAT").rename(tmp_path / "DAY.dat")
    assert open_(tmp_path / "DAY.CFG").samples == 800


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_headers_of_other_encodings_and_line_ends_are_read(tmp_path, open_, three_phase, mark, newline):
    names = ["Tensión", "VB", "VC", "IA", "IB", "IC"]
    written = three_phase(names=names, newline=newline)
    path = written.to_pair(tmp_path)
    path.write_bytes(mark + written.header().encode("utf-8" if mark else "latin-1") + b"\x1a")
    assert open_(path, channels=names).track.channels[0].name == "Tensión"


def test_optional_fields_may_be_absent(tmp_path, open_, three_phase, values_of):
    written = three_phase()
    path = written.to_pair(tmp_path)
    lines = written.header().split("\r\n")
    lines[1] = "6,6A"
    lines[2:8] = [",".join(line.split(",")[:6]) for line in lines[2:8]]
    path.write_text("\r\n".join(lines[:-2]))  # without the multiplier
    np.testing.assert_allclose(values_of(open_(path)), written.rows.T * GAINS, rtol=1e-12)


def test_a_blank_unit_is_taken_on_trust_and_remarked(tmp_path, open_, three_phase):
    recording = open_(three_phase(units=[""] * 6).to_pair(tmp_path), channels=range(1, 7))
    assert len(recording.remarks) == 6
    assert "names no unit: taken as V" in recording.remarks[0]


def test_channels_sampled_at_other_instants_are_remarked(tmp_path, open_, three_phase):
    assert open_(three_phase(skews=["3"] * 6).to_pair(tmp_path)).remarks == ()
    assert "not corrected" in open_(three_phase(skews=["0", "0", "0", "9", "9", "9"]).to_pair(tmp_path)).remarks[0]


def test_identity_follows_header_samples_and_size_but_not_the_name(tmp_path, open_, three_phase):
    written = three_phase()
    first = open_(written.to_pair(tmp_path)).identity
    assert first == open_(written.to_pair(tmp_path, "other.cfg"), scale=[1.0] * 6).identity
    others = [written.but(side="P"), three_phase(799), written.but(rows=written.rows + 1)]
    assert len({first, *(open_(other.to_pair(tmp_path)).identity for other in others)}) == 4
    assert len(first) == 64


@pytest.mark.parametrize("form", ["ASCII", "BINARY"])
def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path, open_, three_phase, form):
    path = three_phase(120000, format=form).to_pair(tmp_path)
    blocks = open_(path).blocks()
    next(blocks)
    with path.with_suffix(".dat").open("r+b") as data:
        data.truncate(60000 * 20)
    with pytest.raises(RecordingError, match=r"the file became shorter while it was read"):
        list(blocks)


def test_a_recording_truncated_before_its_second_rate_is_metered(tmp_path, open_, three_phase):
    path = three_phase(rates=[("8000", 300), ("1200", 800)]).to_pair(tmp_path)
    samples = path.with_suffix(".dat")
    samples.write_bytes(samples.read_bytes()[: 250 * 20])
    assert [(b.rate_hz, len(b)) for b in open_(path).blocks()] == [(8000, 250)]


def test_a_channel_in_another_unit_or_without_a_multiplier_needs_a_scale(tmp_path, open_, three_phase):
    path = three_phase(units=["V", "V", "V", "A", "A", "pu"]).to_pair(tmp_path)
    with pytest.raises(RecordingError, match=r"channel 6 'IC' is in 'pu': say scale in \[source\]"):
        open_(path, channels=range(1, 7))
    path = three_phase(gains=["0", "1", "1", "1", "1", "1"]).to_pair(tmp_path)
    with pytest.raises(RecordingError, match=r"channel 1 'VA' has multiplier 0: .*say scale"):
        open_(path)
    assert open_(path, scale=[1.0] * 6).samples == 800
