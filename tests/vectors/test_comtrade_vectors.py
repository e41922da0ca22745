"""Other people's COMTRADE recordings, read as the library `comtrade` reads them."""

from datetime import UTC, datetime

import comtrade
import numpy as np
import pytest

from watthour.errors import RecordingError
from watthour.host.recordings import open_recording
from watthour.units import Ratio

NONE = {"values": "secondary", "ct": Ratio.parse("5/5"), "vt": Ratio.parse("1/1")}
SUBSTATION = ["HV Bus VR", "HV Bus VS", "HV Bus VT", "HV IR", "HV IS", "HV IT"]


def read_by_library(path) -> comtrade.Comtrade:
    reader = comtrade.Comtrade(ignore_warnings=True, use_numpy_arrays=True, use_double_precision=True)
    reader.load(str(path))
    return reader


def raw(recording) -> np.ndarray:
    blocks = list(recording.blocks())
    return np.concatenate([np.concatenate([b.voltages, b.currents]) for b in blocks], axis=1)


def test_a_relays_recording_reads_as_the_library_reads_it(shared_data):
    path = shared_data / "waveforms" / "substation_60hz.cfg"
    recording = open_recording(path, channels=SUBSTATION, **NONE)
    library = np.array(read_by_library(path).analog)[[5, 6, 7, 0, 1, 2]]
    np.testing.assert_array_equal(raw(recording), library.astype(np.float32))
    assert (recording.rate_hz, recording.samples) == (1200, 7200)


def test_its_stamps_wrap_in_nanoseconds_and_do_not_count(shared_data):
    recording = open_recording(shared_data / "waveforms" / "substation_60hz.cfg", channels=SUBSTATION, **NONE)
    assert not recording.track.has_stamps
    ends = [0]
    for block in recording.blocks():
        assert block.first_sample == ends[-1]
        ends.append(block.end_sample)
    assert ends[-1] == 7200


def test_its_start_is_nine_hours_before_its_local_time(shared_data):
    recording = open_recording(shared_data / "waveforms" / "substation_60hz.cfg", channels=SUBSTATION, **NONE)
    whole = int(datetime(2023, 7, 27, 0, 19, 53, tzinfo=UTC).timestamp())
    assert recording.start_ns == whole * 10**9 + 156_666_511


def test_its_primary_values_are_divided_by_the_transformers(shared_data):
    path = shared_data / "waveforms" / "substation_60hz.cfg"
    recording = open_recording(
        path, channels=[6, 7, 8, 1, 2, 3], values=None, ct=Ratio.parse("200/5"), vt=Ratio.parse("132000/110")
    )
    block = next(iter(recording.blocks()))
    assert block.voltage_scale == pytest.approx((1 / 1200,) * 3, rel=1e-15)
    assert block.current_scale == pytest.approx((1 / 40,) * 3, rel=1e-15)


def test_its_channels_are_too_many_to_be_plain(shared_data):
    with pytest.raises(RecordingError, match=r"6 HV Bus VR \(V\).*--channels"):
        open_recording(shared_data / "waveforms" / "substation_60hz.cfg", channels=None, **NONE)


@pytest.mark.parametrize(
    ("name", "channels", "samples"), [("sample_ascii", [1, 2, 3, 4, 1, 2], 40), ("sample_bin", [1, 2, 3, 4, 1, 2], 5)]
)
def test_small_samples_read_as_the_library_reads_them(shared_data, name, channels, samples):
    path = shared_data / "waveforms" / f"{name}.cfg"
    recording = open_recording(path, channels=channels, scale=[1.0] * 6, **NONE)
    reader = read_by_library(path)
    columns = [reader.analog[k - 1] for k in channels]
    steps = [
        (column - reader.cfg.analog_channels[k - 1].b) / reader.cfg.analog_channels[k - 1].a
        for column, k in zip(columns, channels, strict=True)
    ]
    np.testing.assert_allclose(raw(recording), np.array(steps), atol=1e-6)
    assert recording.samples == samples
