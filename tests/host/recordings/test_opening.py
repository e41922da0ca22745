"""What cannot be opened is refused in one line naming file, place and remedy; what can is read with flat memory."""

import os
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watthour.errors import RecordingError, SourceError


def refused(open_, path, **settings) -> str:
    with pytest.raises(RecordingError) as refusal:
        list(open_(path, **settings).blocks())
    text = str(refusal.value)
    assert "\n" not in text
    assert path.name.split(".")[0] in text
    return text


@pytest.mark.parametrize("name", ["day.cfg", "day.cff", "day.csv", "day.wav", "day.flac", "day.parquet", "day"])
def test_a_missing_file_is_refused(tmp_path, open_, name):
    assert "there is no such file: check the path" in refused(open_, tmp_path / name)


@pytest.mark.parametrize("name", ["day.cfg", "day.csv", "day.wav", "day.parquet", "day"])
def test_a_directory_is_refused(tmp_path, open_, name):
    (tmp_path / name).mkdir()
    assert "this is a directory" in refused(open_, tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path, open_, three_phase):
    path = three_phase().to_pair(tmp_path)
    path.chmod(0)
    assert "permissions" in refused(open_, path)


def test_samples_that_are_not_beside_their_header_are_refused(tmp_path, open_, three_phase):
    path = three_phase().to_pair(tmp_path)
    path.with_suffix(".dat").unlink()
    assert refused(open_, path).endswith("day.dat: there is no such file: day.cfg needs its samples beside it")


def test_samples_that_vanish_after_opening_are_refused(tmp_path, open_, three_phase):
    path = three_phase().to_pair(tmp_path)
    recording = open_(path)
    path.with_suffix(".dat").unlink()
    with pytest.raises(RecordingError, match=r"day\.dat: there is no such file"):
        list(recording.blocks())


@pytest.mark.parametrize("name", ["day.dat", "day.txt", "day"])
def test_other_files_are_refused_with_what_is_known(tmp_path, open_, name):
    (tmp_path / name).write_bytes(b"x")
    assert "name a .cfg with its .dat, a .cff, .csv, .wav, .flac or .parquet" in refused(open_, tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"\r\n", bytes(range(256)) * 20, b"a" * 5000, b"\x00" * 5000, b"x,y,1999\r\n"])
@pytest.mark.parametrize("name", ["day.cfg", "day.cff", "day.csv", "day.wav", "day.flac", "day.parquet"])
def test_garbage_is_refused(tmp_path, open_, name, content):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "day.dat").write_bytes(b"")
    refused(open_, tmp_path / name, rate_hz=8000.0)


def test_a_header_larger_than_any_is_refused(tmp_path, open_):
    path = tmp_path / "day.cfg"
    with path.open("wb") as file:
        file.truncate((1 << 24) + 1)
    assert "no COMTRADE header" in refused(open_, path)


@pytest.mark.parametrize("form", ["ASCII", "BINARY"])
def test_an_empty_file_of_samples_is_refused(tmp_path, open_, three_phase, form):
    path = three_phase(format=form).to_pair(tmp_path)
    path.with_suffix(".dat").write_bytes(b"")
    assert "not one whole sample" in refused(open_, path)


def test_binary_samples_under_a_text_header_are_refused(tmp_path, open_, three_phase):
    path = three_phase(120000, format="ASCII").to_pair(tmp_path)
    path.with_suffix(".dat").write_bytes(b"\x01" * (3 << 20) + b"\n" + b"1,0,1,2,3,4,5,6\n")
    assert "no end within" in refused(open_, path)


@pytest.mark.parametrize(("line", "text", "expected"), [
    (1, "Station", "station,device,year"),
    (1, "Station,Recorder,2020", "the year 1991, 1999 or 2013"),
    (2, "six", "the number of channels"),
    (3, "1,VA", "analog channel 1"),
    (4, "2,VB,,,V,much,0,0,0,0", "analog channel 2 with its numbers"),
    (4, "2,VB,,,V,nan,0,0,0,0", "analog channel 2 with its numbers"),
    (4, "2,VB,,,V,1e31,0,0,0,0", "analog channel 2 with its numbers"),
    (4, "2,VB,,,V,1e-31,0,0,0,0", "analog channel 2 with its numbers"),
    (4, "2,VB,,,V,1,1e999999999,0,0,0", "analog channel 2 with its numbers"),
    (10, "many", "the number of sampling rates"),
    (11, "8000", "samples/s,last sample"),
    (11, "fast,800", "samples/s,last sample"),
    (11, "inf,800", "samples/s,last sample"),
    (11, "-8000,800", "samples/s,last sample"),
    (14, "FLOAT16", "the format of the samples (ASCII, BINARY, BINARY32, FLOAT32)"),
    (15, "0", "the multiplier of the time stamps"),
    (15, "1e-31", "the multiplier of the time stamps"),
    (15, "twice", "the multiplier of the time stamps"),
])  # fmt: skip
def test_a_wrong_line_of_a_header_is_named(*, tmp_path, open_, three_phase, line, text, expected):
    path = three_phase().to_pair(tmp_path)
    lines = path.read_text().split("\n")
    lines[line - 1] = text
    path.write_text("\n".join(lines))
    problem = refused(open_, path)
    assert f"day.cfg: line {line}: found {text!r} where " in problem
    assert expected in problem


@pytest.mark.parametrize("kept", range(14))
def test_a_header_cut_anywhere_before_its_format_is_refused(tmp_path, open_, three_phase, kept):
    path = three_phase(rates=[("8000", 400), ("4000", 800)]).to_pair(tmp_path)
    path.write_text("\n".join(path.read_text().split("\n")[:kept]))
    refused(open_, path)


def test_rates_that_do_not_rise_are_refused(tmp_path, open_, three_phase):
    assert "in rising order" in refused(open_, three_phase(rates=[("8000", 400), ("4000", 400)]).to_pair(tmp_path))


def test_a_single_file_whose_title_contradicts_its_header_is_refused(tmp_path, open_, three_phase):
    path = three_phase(revision="2013").to_single(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"DAT BINARY: 16000", b"DAT ASCII"))
    assert "header says BINARY" in refused(open_, path)


def test_a_single_file_without_samples_is_refused(tmp_path, open_, three_phase):
    path = three_phase(revision="2013").to_single(tmp_path)
    path.write_bytes(path.read_bytes().partition(b"--- file type: DAT")[0])
    assert "no line '--- file type: DAT'" in refused(open_, path)


@pytest.mark.parametrize(("channels", "problem"), [
    (["VA", "VB", "VC", "IA", "IB", "IX"], "there is no channel 'IX'; it has 1 VA (V), 2 VB (V)"),
    ([1, 2, 3, 4, 5, 7], "there is no channel '7'"),
    ([0, 2, 3, 4, 5, 6], "there is no channel '0'"),
    ([1, 2, 3], "3 channels are named, the meter has six inputs"),
    ([4, 5, 6, 1, 2, 3], "channel 4 'IA' is in A and cannot be V1: the order is V1,V2,V3,I1,I2,I3"),
])  # fmt: skip
def test_channels_that_do_not_exist_or_fit_are_refused(tmp_path, open_, three_phase, channels, problem):
    assert problem in refused(open_, three_phase().to_pair(tmp_path), channels=channels)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    kind=st.sampled_from(["pair", "single", "csv"]),
    form=st.sampled_from(["ASCII", "BINARY", "FLOAT32"]),
    rate=st.sampled_from(["8000", "0"]),
    damages=st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=4)), max_size=4),
)
def test_any_damage_is_metered_or_refused_in_one_line(*, tmp_path, open_, three_phase, kind, form, rate, damages):
    written = three_phase(20, revision="2013", format=form, rates=[(rate, 20)])
    csv = "time_s,v1,v2,v3,i1,i2,i3\n" + "".join(f"{k / 8000},1,2,3,4,5,{k}\n" for k in range(20))
    path = tmp_path / "day.csv"
    path.write_text(csv)
    path = {"pair": lambda: written.to_pair(tmp_path), "single": lambda: written.to_single(tmp_path), "csv": lambda: path}[
        kind
    ]()
    for place, insert in damages:
        content = path.read_bytes()
        place %= len(content) + 1  # noqa: PLW2901 - anywhere in the file
        path.write_bytes(content[:place] + insert + content[place + 2 :])
    try:
        assert sum(len(block) for block in open_(path).blocks()) <= open_(path).samples
    except SourceError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017 - either outcome is right


def peak_bytes(open_, path) -> int:
    recording = open_(path)
    tracemalloc.start()
    for _ in recording.blocks():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(("form", "rows"), [("ASCII", 40_000), ("BINARY", 200_000), ("FLOAT32", 120_000)])
def test_memory_is_flat_whatever_the_length(*, tmp_path, open_, three_phase, form, rows):
    short = three_phase(rows, format=form).to_pair(tmp_path)
    head = short.with_suffix(".dat").read_bytes()
    reference = peak_bytes(open_, short)
    short.with_suffix(".dat").write_bytes(head * 6)
    short.write_text(short.read_text().replace(f",{rows}", f",{6 * rows}"))
    assert open_(short).samples == 6 * rows
    assert peak_bytes(open_, short) < 1.1 * reference


@pytest.mark.parametrize("form", ["ASCII", "BINARY", "BINARY32", "FLOAT32"])
def test_a_recording_says_what_its_samples_are_before_they_come(tmp_path, open_, three_phase, form):
    recording = open_(three_phase(2000, format=form).to_pair(tmp_path))
    assert recording.sample_type == next(recording.blocks()).voltages.dtype.name
