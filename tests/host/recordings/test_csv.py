"""CSV recordings: names in the first line, numbers below."""

import itertools

import numpy as np
import pytest

from watthour.errors import RecordingError, SampleError
from watthour.units import Ratio

HEADER = "time_s,v1,v2,v3,i1,i2,i3"


def table(rows: int = 200, *, rate_hz: float = 8000.0, at: int = 0, extra_s: float = 0.0) -> np.ndarray:
    """Return (rows, 7): time, then distinct numbers."""
    time_s = np.arange(rows) / rate_hz
    if at:
        time_s[at:] += extra_s
    return np.column_stack([time_s, np.arange(rows * 6).reshape(rows, 6) * 0.25 - 100])


def write(folder, rows, header=HEADER, *, delimiter=",", end="\n"):
    path = folder / "day.csv"
    lines = [header, *(delimiter.join(f"{x:.9g}" for x in row) for row in rows)]
    path.write_text("\n".join(lines) + end)
    return path


def test_names_in_the_header_need_no_choice(tmp_path, open_, values_of):
    rows = table()
    recording = open_(write(tmp_path, rows))
    np.testing.assert_array_equal(values_of(recording), rows[:, 1:].T)
    assert (recording.rate_hz, recording.samples, recording.start_ns, recording.remarks) == (8000, 200, None, ())


@pytest.mark.parametrize(
    "names", ["V1,V2,V3,I1,I2,I3", "u1,u2,u3,i1,i2,i3", "v1_v,v2_v,v3_v,i1_a,i2_a,i3_a", "ul1,ul2,ul3,il1,il2,il3"]
)
def test_usual_names_are_known(tmp_path, open_, names):
    assert open_(write(tmp_path, table(), f"time_s,{names}")).samples == 200


@pytest.mark.parametrize("channels", [["c", "b", "a", "f", "e", "d"], [3, 2, 1, 6, 5, 4], ["3", "b", "1", "6", "5", "d"]])
def test_channels_are_named_or_numbered_without_the_time(tmp_path, open_, values_of, channels):
    rows = table()
    recording = open_(write(tmp_path, rows, "time_s,a,b,c,d,e,f"), channels=channels)
    np.testing.assert_array_equal(values_of(recording), rows[:, [3, 2, 1, 6, 5, 4]].T)


def test_without_a_time_column_the_rate_must_be_said(tmp_path, open_, values_of):
    path = write(tmp_path, table()[:, 1:], HEADER.removeprefix("time_s,"))
    with pytest.raises(RecordingError, match=r"day\.csv: .*rate_hz = 8000 in \[source\], or add a time_s column"):
        open_(path)
    recording = open_(path, rate_hz=4000.0)
    assert recording.rate_hz == 4000
    assert values_of(recording).shape == (6, 200)


def test_semicolons_and_decimal_commas_are_read(tmp_path, open_, values_of):
    rows = table()
    path = write(tmp_path, rows, HEADER.replace(",", ";"), delimiter=";")
    np.testing.assert_array_equal(values_of(open_(path)), rows[:, 1:].T)
    path.write_text(path.read_text().replace(".", ","))
    np.testing.assert_array_equal(values_of(open_(path)), rows[:, 1:].T)


def test_a_mark_quotes_blanks_and_dos_line_ends_are_read(tmp_path, open_, values_of):
    rows = table()
    path = write(tmp_path, rows, '"time_s", "v1", "v2" ,v3,i1,i2,i3'.replace(", ", ","))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    np.testing.assert_array_equal(values_of(open_(path)), rows[:, 1:].T)


@pytest.mark.parametrize("first", [0, 1, 199, 200, 12345, 39999])
def test_blocks_begin_at_any_sample(tmp_path, open_, values_of, first):
    rows = table(40000)  # several chunks of 1 MiB
    recording = open_(write(tmp_path, rows))
    assert len(list(recording.blocks())) > 1
    np.testing.assert_array_equal(values_of(recording, first), rows[first:, 1:].T)


def test_primary_values_and_scale_work_as_in_comtrade(tmp_path, open_, values_of):
    rows = table()
    recording = open_(write(tmp_path, rows), values="primary", ct=Ratio.parse("200/5"), scale=[2.0] * 3 + [4.0] * 3)
    np.testing.assert_allclose(values_of(recording), rows[:, 1:].T * np.array([2.0] * 3 + [0.1] * 3)[:, None], rtol=1e-12)


@pytest.mark.parametrize(("step", "missing"), [(1.5, 0), (1.6, 1), (2.0, 1), (401.0, 400)])
def test_a_step_of_more_than_one_and_a_half_samples_is_a_gap(tmp_path, open_, step, missing):
    rows = table(200, at=120, extra_s=(step - 1) / 8000)
    blocks = list(open_(write(tmp_path, rows)).blocks())
    expected = [(0, 120), (120 + missing, 200 + missing)] if missing else [(0, 200)]
    assert [(b.first_sample, b.end_sample) for b in blocks] == expected


@pytest.mark.parametrize("rate_hz", [800.0, 1200.0, 12800.0, 7812.5])
def test_a_printed_time_tells_the_rate(tmp_path, open_, rate_hz):
    assert open_(write(tmp_path, table(2000, rate_hz=rate_hz))).rate_hz == pytest.approx(rate_hz, rel=1e-6)


def test_a_time_printed_in_microseconds_tells_a_whole_rate(tmp_path, open_):
    path = tmp_path / "day.csv"
    path.write_text("\n".join([HEADER, *(f"{k / 1200:.6f},1,2,3,4,5,6" for k in range(500))]))
    assert open_(path).rate_hz == 1200


@pytest.mark.parametrize("settings", [{}, {"rate_hz": 799.0}])
def test_800_is_metered_and_799_is_refused(tmp_path, open_, settings):
    header = HEADER if not settings else "v1,v2,v3,i1,i2,i3"
    columns = slice(0 if not settings else 1, None)
    assert (
        open_(write(tmp_path, table(rate_hz=800.0)[:, columns], header), **({"rate_hz": 800.0} if settings else {})).rate_hz
        == 800
    )
    with pytest.raises(SampleError, match=r"day\.csv: 799 samples/s is too slow"):
        open_(write(tmp_path, table(rate_hz=799.0)[:, columns], header), **settings)


@pytest.mark.parametrize(
    ("cell", "problem"), [("n/a", "'n/a' is not a number"), ("nan", "not a number"), ("inf", "not a number")]
)
def test_a_cell_that_is_no_number_is_refused_with_its_line(tmp_path, open_, values_of, cell, problem):
    path = write(tmp_path, table())
    lines = path.read_text().split("\n")
    cells = lines[150].split(",")
    lines[150] = ",".join([*cells[:5], cell, *cells[6:]])
    path.write_text("\n".join(lines))
    with pytest.raises(SampleError, match=rf"day\.csv: line 151, channel 5 'i2': {problem}"):
        values_of(open_(path))


def blanked(path, rows, text):
    """Put `text` in place of rows of a table, counted from 0."""
    lines = path.read_text().split("\n")
    for row in rows:
        lines[row + 1] = text(lines[row + 1].split(","))
    path.write_text("\n".join(lines))
    return path


def spans(recording, first_sample=0):
    return [(block.first_sample, block.end_sample) for block in recording.blocks(first_sample)]


@pytest.mark.parametrize("with_time", [True, False])
def test_an_empty_field_is_a_missing_sample_and_no_zero(*, tmp_path, open_, values_of, with_time):
    rows = table()
    columns = slice(0 if with_time else 1, None)
    path = write(tmp_path, rows[:, columns], HEADER if with_time else HEADER.removeprefix("time_s,"))
    recording = open_(blanked(path, [0, 50, 51, 120], lambda cells: ",".join([*cells[:-2], " ", cells[-1]])), rate_hz=8000.0)
    assert spans(recording) == [(1, 50), (52, 120), (121, 200)]
    assert spans(recording, 60) == [(60, 120), (121, 200)]
    np.testing.assert_array_equal(values_of(recording), np.delete(rows[:, 1:], [0, 50, 51, 120], axis=0).T)


def test_an_empty_field_of_a_channel_that_nobody_asked_for_is_no_gap(tmp_path, open_):
    path = write(tmp_path, np.column_stack([table(), table()[:, 1]]), HEADER + ",spare")
    assert spans(open_(blanked(path, [50], lambda cells: ",".join([*cells[:-1], ""])))) == [(0, 200)]


def test_a_row_missing_beside_a_step_of_time_is_counted_once(tmp_path, open_):
    rows = np.delete(table(), [100, 101], axis=0)
    path = blanked(write(tmp_path, rows), [99, 100], lambda cells: cells[0] + "," * 6)
    assert spans(open_(path)) == [(0, 99), (103, 200)]


@pytest.mark.parametrize("rows", [[0], [60], [60, 61, 62], [198]])
def test_a_blank_line_among_stamped_rows_is_none(tmp_path, open_, values_of, rows):
    numbers = table()
    lines = write(tmp_path, numbers).read_text().split("\n")
    for row in rows:
        lines.insert(row + 1, "  ")
    path = tmp_path / "day.csv"
    path.write_text("\n".join(lines))
    recording = open_(path)
    np.testing.assert_array_equal(values_of(recording), numbers[:, 1:].T)
    found = spans(recording)
    assert (found[0][0], found[-1][1]) == (0, 200)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(found))


def test_a_blank_line_among_rows_without_time_is_refused(tmp_path, open_, values_of):
    path = blanked(write(tmp_path, table()[:, 1:], HEADER.removeprefix("time_s,")), [60], lambda _: "")
    with pytest.raises(RecordingError, match=r"day\.csv: line 62: the line is blank"):
        values_of(open_(path, rate_hz=8000.0))


def test_a_recording_without_one_whole_row_is_refused(tmp_path, open_, values_of):
    path = blanked(write(tmp_path, table()), range(200), lambda cells: ",".join([*cells[:-1], ""]))
    with pytest.raises(RecordingError, match="not one of its rows has all six values"):
        values_of(open_(path))


def test_jitter_of_a_quarter_of_a_sample_is_metered_without_a_gap(tmp_path, open_):
    rows = table(20000)
    rows[:, 0] += np.random.default_rng(1).uniform(-0.12, 0.12, 20000) / 8000
    recording = open_(write(tmp_path, np.round(rows, 9)))
    assert recording.rate_hz == pytest.approx(8000, rel=1e-5)
    found = spans(recording)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(found))


def test_rows_missing_here_and_there_are_gaps(tmp_path, open_, values_of):
    kept = np.sort(np.random.default_rng(1).permutation(4000)[:3900])
    rows = table(4000)[kept]
    recording = open_(write(tmp_path, rows))
    np.testing.assert_array_equal(values_of(recording), rows[:, 1:].T)
    assert [k for first, end in spans(recording) for k in range(first, end)] == (kept - kept[0]).tolist()


@pytest.mark.parametrize(("at", "step"), [(120, 0.0), (120, 0.49), (18000, 0.49)])
def test_a_row_that_follows_too_soon_is_refused(tmp_path, open_, values_of, at, step):
    path = write(tmp_path, table(20000, at=at, extra_s=(step - 1) / 8000))
    with pytest.raises(RecordingError, match=rf"day\.csv: line {at + 2}: no constant rate: .* {step:.2f} samples: resample"):
        values_of(open_(path))


def test_half_a_sample_is_as_soon_as_a_row_may_follow(tmp_path, open_):
    assert spans(open_(write(tmp_path, table(200, at=120, extra_s=-0.5 / 8000)))) == [(0, 200)]


def test_irregular_sampling_is_refused_with_its_first_line(tmp_path, open_):
    rows = table(1000)
    rows[:, 0] = np.cumsum(np.random.default_rng(1).uniform(0.6, 2.4, 1000)) / 8000
    with pytest.raises(RecordingError, match=r"day\.csv: line \d+: no constant rate: .*say rate_hz in \[source\]"):
        open_(write(tmp_path, rows))


def test_a_time_printed_too_coarsely_is_refused_and_the_rate_said_instead(tmp_path, open_):
    path = tmp_path / "day.csv"
    path.write_text("\n".join([HEADER, *(f"{k / 8000:.4f},1,2,3,4,5,6" for k in range(500))]))
    with pytest.raises(RecordingError, match="no constant rate"):
        open_(path)


@pytest.mark.parametrize("rate_hz", [4000, 7800, 10000])
def test_a_rate_that_changes_is_refused_about_where_it_does(tmp_path, open_, values_of, rate_hz):
    rows = table(60000)
    rows[30000:, 0] = rows[29999, 0] + np.arange(1, 30001) / rate_hz
    with pytest.raises(RecordingError, match=r"day\.csv: line (2999|3000|30\d)\d+: .*resample to a constant rate"):
        values_of(open_(write(tmp_path, rows)))


def test_a_rate_that_drifts_by_less_than_a_hundredth_is_metered(tmp_path, open_):
    rows = table(60000)
    rows[30000:, 0] = rows[29999, 0] + np.arange(1, 30001) / 8060
    assert spans(open_(write(tmp_path, rows)))[-1][1] == 60000


def test_a_time_that_is_no_number_is_refused_with_its_line(tmp_path, open_):
    path = write(tmp_path, table())
    path.write_text(path.read_text().replace("\n0.000125,", "\n,", 1))
    with pytest.raises(SampleError, match=r"day\.csv: line 3, time stamp: no value"):
        open_(path)


def test_a_time_that_runs_backwards_is_refused(tmp_path, open_, values_of):
    rows = table(20000, at=18000, extra_s=-1.0)
    with pytest.raises(RecordingError, match=r"day\.csv: line 18002: the time stamp runs backwards"):
        values_of(open_(write(tmp_path, rows)))


def test_too_few_columns_in_the_middle_are_refused(tmp_path, open_, values_of):
    path = write(tmp_path, table())
    lines = path.read_text().split("\n")
    lines[100] = "1,2,3"
    path.write_text("\n".join(lines))
    with pytest.raises(RecordingError, match=r"day\.csv: line 101: 3 columns where 7 are due"):
        values_of(open_(path, rate_hz=8000.0))


def test_a_cut_last_line_is_told_and_not_metered(tmp_path, open_, values_of):
    path = write(tmp_path, table(), end="\n0.025,1,2,3")
    recording = open_(path)
    assert values_of(recording).shape == (6, 200)
    assert "truncated" in recording.remarks[0]
    assert open_(write(tmp_path, table(), end="")).remarks == ()


@pytest.mark.parametrize("content", ["0.0,1,2,3,4,5,6\n0.1,1,2,3,4,5,6\n", "", "\n\n", "v1,v2,v3", "v1\rv2,v3\n"])
def test_a_file_without_a_header_is_refused(tmp_path, open_, content):
    path = tmp_path / "day.csv"
    path.write_bytes(content.encode())
    with pytest.raises(RecordingError, match=r"day\.csv: line 1: .* is no header of column names"):
        open_(path, rate_hz=8000.0)


def test_a_header_alone_is_refused(tmp_path, open_):
    with pytest.raises(RecordingError, match="not one whole row"):
        open_(write(tmp_path, []))


def test_names_that_are_not_plain_list_what_there_is(tmp_path, open_):
    with pytest.raises(RecordingError, match=r"1 a, 2 b, .*6 f: name six with --channels V1,V2,V3,I1,I2,I3"):
        open_(write(tmp_path, table(), "time_s,a,b,c,d,e,f"))


def test_one_instant_tells_no_rate(tmp_path, open_):
    with pytest.raises(RecordingError, match="the time stamps do not tell the rate"):
        open_(write(tmp_path, table(1)))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_header_may_be_of_either_encoding(tmp_path, open_, encoding):
    path = write(tmp_path, table(), "time_s,tensión,b,c,d,e,f")
    path.write_bytes(path.read_text().encode(encoding))
    assert open_(path, channels=["tensión", "b", "c", "d", "e", "f"]).samples == 200
