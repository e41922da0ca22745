"""Time stamps: they count only where the header's rate is 0, and there a step of more than 1.5 samples is a gap."""

import numpy as np
import pytest

from watthour.errors import RecordingError, SampleError

UNRATED = [("0", 800)]


def spans(recording, first_sample=0) -> list[tuple[int, int]]:
    """Return (first sample, end) of what follows without a gap."""
    joined: list[tuple[int, int]] = []
    for block in recording.blocks(first_sample):
        if joined and joined[-1][1] == block.first_sample:
            joined[-1] = (joined[-1][0], block.end_sample)
        else:
            joined.append((block.first_sample, block.end_sample))
    return joined


def stepping(count: int, step: float, at: int = 0, extra: float = 0) -> list[int]:
    """Return stamps with one longer step before row `at`, rounded to whole ticks."""
    times = np.arange(count) * float(step)
    if at:
        times[at:] += extra
    return [int(t) for t in np.rint(times)]


@pytest.mark.parametrize("form", ["ASCII", "BINARY"])
@pytest.mark.parametrize("nrates", [0, 1])
def test_a_rate_of_zero_is_told_by_the_stamps(tmp_path, open_, three_phase, form, nrates):
    recording = open_(three_phase(rates=UNRATED, nrates=nrates, format=form).to_pair(tmp_path))
    assert recording.rate_hz == 8000
    assert spans(recording) == [(0, 800)]


@pytest.mark.parametrize("rate_hz", [800, 1200, 4800, 7680, 12800, 14400])
def test_stamps_rounded_to_microseconds_still_tell_a_whole_rate(tmp_path, open_, three_phase, rate_hz):
    stamps = stepping(800, 1e6 / rate_hz)
    assert open_(three_phase(rates=UNRATED, stamps=stamps).to_pair(tmp_path)).rate_hz == rate_hz


def test_a_rate_that_is_not_whole_is_the_mean_of_the_steps(tmp_path, open_, three_phase):
    stamps = stepping(800, 1e6 / 1234.567)
    found = open_(three_phase(rates=UNRATED, stamps=stamps).to_pair(tmp_path)).rate_hz
    assert found == pytest.approx(1234.567, rel=1 / (799 * 810))


@pytest.mark.parametrize("form", ["ASCII", "BINARY"])
def test_stamps_may_wrap_without_a_gap(tmp_path, open_, three_phase, form):
    stamps = [(2**32 - 50 * 125 + t) % 2**32 for t in stepping(800, 125)]
    assert spans(open_(three_phase(rates=UNRATED, stamps=stamps, format=form).to_pair(tmp_path))) == [(0, 800)]


@pytest.mark.parametrize(("step", "missing"), [(1.0, 0), (1.5, 0), (1.6, 1), (2.0, 1), (2.4, 1), (2.6, 2), (401.0, 400)])
@pytest.mark.parametrize("form", ["ASCII", "BINARY"])
def test_a_step_of_more_than_one_and_a_half_samples_is_a_gap(*, tmp_path, open_, three_phase, form, step, missing):
    stamps = stepping(800, 1000, at=300, extra=(step - 1) * 1000)
    written = three_phase(rates=UNRATED, stamps=stamps, format=form)
    expected = [(0, 300), (300 + missing, 800 + missing)] if missing else [(0, 800)]
    assert spans(open_(written.to_pair(tmp_path))) == expected


def test_a_gap_across_a_wrap_keeps_its_length(tmp_path, open_, three_phase):
    stamps = [(2**32 - 300 * 125 - 60 + t) % 2**32 for t in stepping(800, 125, at=300, extra=10 * 125)]
    assert spans(open_(three_phase(rates=UNRATED, stamps=stamps).to_pair(tmp_path))) == [(0, 300), (310, 810)]


@pytest.mark.parametrize("first", [0, 100, 299, 300, 305, 309, 310, 311, 809])
def test_blocks_begin_at_any_sample_before_in_and_after_a_gap(tmp_path, open_, three_phase, first):
    stamps = stepping(800, 125, at=300, extra=10 * 125)
    written = three_phase(rates=UNRATED, stamps=stamps)
    blocks = list(open_(written.to_pair(tmp_path)).blocks(first))
    index = np.concatenate([np.arange(300), np.arange(310, 810)])
    found = np.concatenate([np.arange(b.first_sample, b.end_sample) for b in blocks])
    np.testing.assert_array_equal(found, index[index >= first])
    np.testing.assert_array_equal(np.concatenate([b.currents for b in blocks], axis=1), written.rows.T[3:, index >= first])


def test_a_gap_between_two_chunks_is_seen(tmp_path, open_, three_phase):
    stamps = stepping(120000, 125, at=52428, extra=5 * 125)  # 52428 rows of 20 bytes are read at a time
    written = three_phase(120000, rates=[("0", 120000)], stamps=stamps)
    assert spans(open_(written.to_pair(tmp_path))) == [(0, 52428), (52433, 120005)]


@pytest.mark.parametrize("stamps", [[0] * 800, [999] * 800, stepping(800, 1000), [0xFFFFFFFF] * 800])
def test_stamps_do_not_count_where_the_header_has_a_rate(tmp_path, open_, three_phase, stamps):
    recording = open_(three_phase(stamps=stamps).to_pair(tmp_path))
    assert recording.rate_hz == 8000
    assert spans(recording) == [(0, 800)]


def test_a_rate_on_a_line_counted_as_none_is_still_the_authority(tmp_path, open_, three_phase):
    recording = open_(three_phase(nrates=0, stamps=stepping(800, 1000)).to_pair(tmp_path))
    assert recording.rate_hz == 8000
    assert spans(recording) == [(0, 800)]


def test_stamps_count_only_in_the_stretch_without_a_rate(tmp_path, open_, three_phase):
    stamps = [0] * 400 + stepping(400, 500, at=100, extra=1500)
    recording = open_(three_phase(rates=[("8000", 400), ("0", 800)], stamps=stamps).to_pair(tmp_path))
    assert [s.rate_hz for s in recording.track.stretches] == [8000, 2000]
    assert spans(recording) == [(0, 500), (503, 803)]


@pytest.mark.parametrize(("start", "multiplier", "rate_hz"), [
    ("15/01/2026,10:00:00.000000", "2", 1000), ("15/01/2026,10:00:00.000000000", "1000", 2000),
])  # fmt: skip
def test_ticks_are_micro_or_nanoseconds_times_the_multiplier(*, tmp_path, open_, three_phase, start, multiplier, rate_hz):
    written = three_phase(revision="2013", rates=UNRATED, start=start, multiplier=multiplier, stamps=stepping(800, 500))
    assert open_(written.to_pair(tmp_path)).rate_hz == rate_hz


@pytest.mark.parametrize("stamps", [[0] * 800, [0xFFFFFFFF] * 800, [k // 8 for k in range(800)]])
def test_stamps_that_tell_no_rate_are_refused(tmp_path, open_, three_phase, stamps):
    with pytest.raises(
        RecordingError, match=r"day\.dat: the time stamps do not tell the rate: mend them, or write the rate into the header"
    ):
        open_(three_phase(rates=UNRATED, stamps=stamps).to_pair(tmp_path))


def test_stamps_that_run_backwards_are_refused(tmp_path, open_, three_phase):
    stamps = stepping(30000, 125, at=20000, extra=-300)
    recording = open_(three_phase(30000, rates=[("0", 30000)], stamps=stamps).to_pair(tmp_path))
    with pytest.raises(RecordingError, match=r"sample 20001: the time stamp runs backwards"):
        list(recording.blocks())


def test_a_missing_stamp_is_refused(tmp_path, open_, three_phase):
    stamps = stepping(30000, 125)
    stamps[20000] = 0xFFFFFFFF
    recording = open_(three_phase(30000, rates=[("0", 30000)], stamps=stamps).to_pair(tmp_path))
    with pytest.raises(RecordingError, match=r"sample 20001: the time stamp is missing"):
        list(recording.blocks())


def test_a_stamped_rate_of_799_is_refused(tmp_path, open_, three_phase):
    with pytest.raises(SampleError, match="799 samples/s is too slow"):
        open_(three_phase(rates=UNRATED, stamps=stepping(800, 1e6 / 799)).to_pair(tmp_path))


def test_the_users_rate_must_agree_with_header_and_stamps(tmp_path, open_, three_phase):
    assert open_(three_phase().to_pair(tmp_path), rate_hz=8000.0).rate_hz == 8000
    with pytest.raises(RecordingError, match="header says 8000 samples/s, rate_hz says 4000: drop rate_hz"):
        open_(tmp_path / "day.cfg", rate_hz=4000.0)
    path = three_phase(rates=UNRATED).to_pair(tmp_path)
    assert open_(path, rate_hz=8001.0).rate_hz == 8001
    with pytest.raises(RecordingError, match="time stamps show 8000 samples/s, rate_hz says 4000"):
        open_(path, rate_hz=4000.0)


def test_a_stamp_that_runs_backwards_among_the_first_is_refused_on_opening(tmp_path, open_, three_phase):
    stamps = stepping(800, 125, at=300, extra=-300)
    with pytest.raises(RecordingError, match=r"sample 301: the time stamp runs backwards"):
        open_(three_phase(rates=UNRATED, stamps=stamps).to_pair(tmp_path))


def test_a_header_without_a_rate_line_leaves_it_to_the_stamps(tmp_path, open_, three_phase):
    path = three_phase(rates=UNRATED, nrates=0).to_pair(tmp_path)
    path.write_text(path.read_text().replace("0,800\n", ""))
    recording = open_(path)
    assert (recording.rate_hz, recording.samples) == (8000, 800)
