"""WAV and FLAC against the integers they were written from, by libsndfile and by hand."""

import tracemalloc
import wave

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watthour.errors import RecordingError, SampleError, SourceError
from watthour.units import Ratio

SCALE = [0.01] * 3 + [0.001] * 3
BITS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
KEPT = {"PCM_U8": "int16", "PCM_S8": "int16", "PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32"}
FORMS = [("wav", s) for s in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32")] + [("flac", s) for s in ("PCM_S8", "PCM_16", "PCM_24")]


def integers(bits, samples=2000, channels=6, seed=1):
    """Return (samples, channels) over the whole range of so many bits, its ends included."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    numbers = np.random.default_rng(seed).integers(low, high, size=(samples, channels), endpoint=True)
    numbers[0], numbers[1] = low, high
    return numbers


def write(folder, kind, subtype, numbers, rate_hz=8000):
    """Write integers as their bits are: libsndfile takes them left-justified."""
    path = folder / f"day.{kind}"
    justified = (numbers << (32 - BITS[subtype])).astype(np.int32)
    soundfile.write(path, justified, rate_hz, subtype=subtype)
    return path


def steps_of(recording, first_sample=0):
    parts = [np.concatenate([block.voltages, block.currents]) for block in recording.blocks(first_sample)]
    return np.concatenate([np.zeros((6, 0), np.int32), *parts], axis=1)


@pytest.mark.parametrize(("kind", "subtype"), FORMS)
def test_integers_of_every_width_are_the_files_own_steps(tmp_path, open_, kind, subtype):
    numbers = integers(BITS[subtype])
    recording = open_(write(tmp_path, kind, subtype, numbers), channels=[1, 2, 3, 4, 5, 6], scale=SCALE)
    np.testing.assert_array_equal(steps_of(recording), numbers.T)
    (block,) = recording.blocks()
    assert block.voltages.dtype.name == KEPT[subtype]
    assert (block.voltage_scale, block.current_scale) == ((0.01,) * 3, (0.001,) * 3)
    assert (recording.rate_hz, recording.samples, recording.start_ns, recording.remarks) == (8000, 2000, None, ())


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_wav_of_another_writer_reads_the_same(tmp_path, open_, width):
    numbers = integers(8 * width)
    path = tmp_path / "day.wav"
    stored = (numbers + 128 if width == 1 else numbers).astype("<i4").reshape(-1, 1).view("u1")[:, :width]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(6)
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(stored.tobytes())
    np.testing.assert_array_equal(steps_of(open_(path, scale=SCALE)), numbers.T)


@pytest.mark.parametrize(("subtype", "kept"), [("FLOAT", "float32"), ("DOUBLE", "float64")])
def test_floats_keep_their_type_and_are_volts_and_amperes(tmp_path, open_, values_of, subtype, kept):
    numbers = np.random.default_rng(1).normal(size=(2000, 6)).astype(kept) * 300
    path = tmp_path / "day.wav"
    soundfile.write(path, numbers, 8000, subtype=subtype)
    recording = open_(path, channels=[1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(values_of(recording), numbers.T)
    assert next(recording.blocks()).voltages.dtype.name == kept
    assert recording.remarks == (f"{path}: its numbers are taken as volts and amperes; scale in [source] says otherwise",)
    scaled = open_(path, channels=[1, 2, 3, 4, 5, 6], scale=[2.0] * 6, values="primary", ct=Ratio.parse("200/5"))
    np.testing.assert_allclose(values_of(scaled), numbers.T * np.array([2.0] * 3 + [0.05] * 3)[:, None], rtol=1e-12)


def test_a_float_that_is_no_number_is_refused_with_its_place(tmp_path, open_, values_of):
    numbers = np.zeros((2000, 6))
    numbers[1234, 4] = np.nan
    path = tmp_path / "day.wav"
    soundfile.write(path, numbers, 8000, subtype="FLOAT")
    with pytest.raises(SampleError, match=r"day\.wav: sample 1235, channel 5: not a number"):
        values_of(open_(path))


@pytest.mark.parametrize(("kind", "subtype"), FORMS)
def test_integers_without_a_scale_are_refused(tmp_path, open_, kind, subtype):
    path = write(tmp_path, kind, subtype, integers(BITS[subtype]))
    with pytest.raises(RecordingError, match=rf"day\.{kind}: its integers have no unit: say scale = \[0\.01, .*in \[source\]"):
        open_(path)


def test_channels_go_by_number_and_six_alone_need_no_word(tmp_path, open_):
    numbers = integers(16, channels=8)
    path = write(tmp_path, "flac", "PCM_16", numbers)
    np.testing.assert_array_equal(
        steps_of(open_(path, channels=[8, 2, "3", 1, 5, 6], scale=SCALE)), numbers.T[[7, 1, 2, 0, 4, 5]]
    )
    for channels in (None, ["V1", 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 9]):
        with pytest.raises(RecordingError, match="it has 8 channels without names: name six by their numbers"):
            open_(path, channels=channels, scale=SCALE)
    recording = open_(write(tmp_path, "wav", "PCM_16", numbers[:, :6]), scale=SCALE)
    assert recording.remarks == (f"{recording.name}: its six channels are taken as V1, V2, V3, I1, I2, I3, in this order",)


def test_two_channels_are_too_few(tmp_path, open_):
    with pytest.raises(RecordingError, match="it has 2 channels"):
        open_(write(tmp_path, "wav", "PCM_16", integers(16, channels=2)), scale=SCALE)


@pytest.mark.parametrize(
    ("rate_hz", "is_taken"), [(8000.0, True), (8000.5, True), (7999.5, True), (8000.6, False), (4000.0, False)]
)
def test_a_rate_may_be_said_more_exactly_than_a_header_can(tmp_path, open_, rate_hz, is_taken):
    path = write(tmp_path, "wav", "PCM_16", integers(16))
    if is_taken:
        assert open_(path, scale=SCALE, rate_hz=rate_hz).rate_hz == rate_hz
    else:
        with pytest.raises(RecordingError, match=f"header says 8000 samples/s, rate_hz says {rate_hz:g}: drop rate_hz"):
            open_(path, scale=SCALE, rate_hz=rate_hz)


def test_800_is_metered_and_799_is_refused(tmp_path, open_):
    assert open_(write(tmp_path, "wav", "PCM_16", integers(16), 800), scale=SCALE).rate_hz == 800
    with pytest.raises(SampleError, match="799 samples/s is too slow"):
        open_(write(tmp_path, "wav", "PCM_16", integers(16), 799), scale=SCALE)


@pytest.mark.parametrize(("kind", "subtype"), [("wav", "PCM_16"), ("wav", "PCM_24"), ("flac", "PCM_24")])
@pytest.mark.parametrize("first", [0, 1, 87380, 87381, 150000, 199999, 200000])
def test_blocks_begin_at_any_sample(*, tmp_path_factory, open_, kind, subtype, first):
    folder = tmp_path_factory.getbasetemp() / f"sound-{kind}-{subtype}"
    numbers = integers(BITS[subtype], 200_000)
    if not folder.exists():
        folder.mkdir()
        write(folder, kind, subtype, numbers)
    recording = open_(folder / f"day.{kind}", scale=SCALE)
    np.testing.assert_array_equal(steps_of(recording, first), numbers[first:].T)
    ends = [first, *(block.end_sample for block in recording.blocks(first))]
    assert [block.first_sample for block in recording.blocks(first)] == ends[:-1]


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.3])
@pytest.mark.parametrize(("kind", "subtype"), [("wav", "PCM_16"), ("wav", "PCM_24"), ("flac", "PCM_16")])
def test_a_file_cut_off_is_metered_to_its_last_whole_sample(*, tmp_path, open_, kind, subtype, kept):
    numbers = integers(BITS[subtype], 60_000)
    path = write(tmp_path, kind, subtype, numbers)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept) + 1])
    recording = open_(path, scale=SCALE)
    found = steps_of(recording)
    assert kept * 60_000 - 4096 * 2 < found.shape[1] <= kept * 60_000 + 1
    np.testing.assert_array_equal(found, numbers[: found.shape[1]].T)
    assert f"truncated: {found.shape[1]} of the 60000 samples" in recording.remarks[-1]


def test_a_flac_damaged_in_the_middle_is_refused_with_its_place(tmp_path, open_):
    path = write(tmp_path, "flac", "PCM_16", integers(16, 300_000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(bytes(content))
    with pytest.raises(
        RecordingError, match=r"day\.flac: it is damaged at or after sample \d{5,6} .*: cut the recording there"
    ):
        steps_of(open_(path, scale=SCALE))


def test_a_flac_that_does_not_know_its_length_is_refused(tmp_path, open_):
    path = write(tmp_path, "flac", "PCM_16", integers(16))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(bytes(content))
    with pytest.raises(RecordingError, match="does not say how many samples there are"):
        open_(path, scale=SCALE)


def test_a_header_alone_is_refused(tmp_path, open_):
    with pytest.raises(RecordingError, match="not one whole sample"):
        open_(write(tmp_path, "wav", "PCM_16", integers(16)[:0]), scale=SCALE)


@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "ULAW"), ("AIFF", "PCM_16"), ("OGG", "VORBIS")])
def test_what_is_lossy_or_another_container_is_refused(tmp_path, open_, kind, subtype):
    path = tmp_path / "day.wav"
    soundfile.write(path, np.zeros((2000, 6)), 8000, format=kind, subtype=subtype)
    with pytest.raises(RecordingError, match=rf"it holds {kind} with {subtype}, which is no WAV or FLAC of plain samples"):
        open_(path, scale=SCALE)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    kind=st.sampled_from(["wav", "flac"]),
    damages=st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=4)), max_size=4),
)
def test_any_damage_is_metered_or_refused_in_one_line(tmp_path, open_, kind, damages):
    path = write(tmp_path, kind, "PCM_16", integers(16, 200))
    for place, insert in damages:
        content = path.read_bytes()
        place %= len(content) + 1  # noqa: PLW2901 - anywhere in the file
        path.write_bytes(content[:place] + insert + content[place + 2 :])
    try:
        recording = open_(path, scale=SCALE)
        assert sum(len(block) for block in recording.blocks()) == recording.samples
    except SourceError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_memory_is_flat_whatever_the_length(tmp_path, open_, kind):
    peaks = []
    for samples in (200_000, 1_200_000):
        recording = open_(write(tmp_path, kind, "PCM_16", integers(16, samples)), scale=SCALE)
        tracemalloc.start()
        for _ in recording.blocks():
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
