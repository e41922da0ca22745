"""Raw streams through real pipes: what arrives, when nothing does, and how they end."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from watthour.errors import RecordingError, SampleError
from watthour.host import streams
from watthour.host.streams import NAME_EACH, STANDARD_INPUT, Stream, open_stream
from watthour.units import Ratio
from watthour.view import EventKind

SCALE = (0.01, 0.01, 0.01, 0.001, 0.001, 0.001)
TYPES = {"int16": "<i2", "int32": "<i4", "float32": "<f4"}


def numbers(rows=4000, columns=6):
    return np.arange(rows * columns).reshape(rows, columns) % 30011 - 15000


@pytest.fixture
def fifo(tmp_path) -> Path:
    path = tmp_path / "samples"
    os.mkfifo(path)
    return path


def opened(path, **wish) -> Stream:
    one = Ratio.parse("1/1")
    settings = {"format": "int16", "channels": None, "values": None, "ct": Ratio.parse("5/5"), "vt": one, "scale": SCALE}
    return open_stream(path, **{**settings, "rate_hz": 8000.0, **wish})


@contextmanager
def writing(path: Path, write: Callable[[int], None]):
    """Run a writer on the other end of a FIFO; it is closed when `write` returns."""

    def work() -> None:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            write(descriptor)
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)
        assert not thread.is_alive()


def sent(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def rows_of(blocks) -> np.ndarray:
    parts = [np.concatenate([block.voltages, block.currents]) for block in blocks]
    return np.concatenate(parts, axis=1)


def spans(blocks) -> list[tuple[int, int]]:
    """Return [first, end) of each stretch without a gap."""
    found: list[tuple[int, int]] = []
    for block in blocks:
        if len(block):
            joins = bool(found) and found[-1][1] == block.first_sample
            found[-1:] = [*([] if joins else found[-1:]), (found[-1][0] if joins else block.first_sample, block.end_sample)]
    return found


@pytest.mark.parametrize("form", list(TYPES))
def test_numbers_arrive_as_they_were_sent(fifo, form):
    table = numbers() * (1 if form.startswith("int") else 0.25)
    stream = opened(fifo, format=form)
    with writing(fifo, lambda out: sent(out, table.astype(TYPES[form]).tobytes())):
        blocks = list(stream.blocks())
    np.testing.assert_array_equal(rows_of(blocks), table.T)
    assert {block.voltages.dtype.name for block in blocks} == {form}
    assert blocks[0].voltage_scale == (0.01, 0.01, 0.01)
    assert spans(blocks) == [(0, 4000)]
    (event,) = stream.take_events()
    assert (event.kind, dict(event.detail)) == (EventKind.SOURCE_ENDED, {"samples": "4000"})


@pytest.mark.parametrize("portion", [1, 5, 12, 13, 4097])
def test_pieces_of_any_size_make_the_same_rows(fifo, portion):
    content = numbers(900 if portion < 12 else 4000).astype("<i2").tobytes()

    def write(out: int) -> None:
        for start in range(0, len(content), portion):
            os.write(out, content[start : start + portion])

    with writing(fifo, write):
        found = rows_of(opened(fifo).blocks())
    assert found.T.astype("<i2").tobytes() == content


def test_a_megabyte_buffer_is_filled_and_begun_anew(fifo):
    table = numbers(1_000_000, 7)
    stream = opened(fifo, channels=["V1", "V2", "V3", "I1", "I2", "I3", "neutral"])
    with writing(fifo, lambda out: sent(out, table.astype("<i2").tobytes())):
        np.testing.assert_array_equal(rows_of(stream.blocks()), table.T[:6])


def test_channels_name_each_column_and_others_are_passed_over(fifo):
    table = numbers(columns=8)
    stream = opened(fifo, channels=["I3", "IN", "I2", "I1", "v1", "UL2", "V3", "aux"])
    with writing(fifo, lambda out: sent(out, table.astype("<i2").tobytes())):
        np.testing.assert_array_equal(rows_of(stream.blocks()), table.T[[4, 5, 6, 3, 2, 0]])


@pytest.mark.parametrize("channels", [["V1", "V2", "V3", "I1", "I2", "IN"], ["V1", "V2", "V3", "I1", "I2", "I3", "I3"], [1, 2, 3, 4, 5, 6]])  # fmt: skip
def test_channels_that_leave_a_doubt_are_refused(fifo, channels):
    with pytest.raises(RecordingError) as refusal:
        opened(fifo, channels=channels)
    assert NAME_EACH in str(refusal.value)


def test_primary_values_are_divided_by_the_transformers(fifo):
    stream = opened(fifo, values="primary", ct=Ratio.parse("200/5"), vt=Ratio.parse("132000/110"))
    with writing(fifo, lambda out: sent(out, bytes(12))):
        block = next(block for block in stream.blocks() if len(block))
    assert (block.voltage_scale[0], block.current_scale[0]) == (0.01 / 1200, 0.001 / 40)


def test_a_row_cut_off_at_the_end_is_dropped_and_told(fifo):
    stream = opened(fifo)
    with writing(fifo, lambda out: sent(out, bytes(12 * 100 + 5))):
        assert spans(stream.blocks()) == [(0, 100)]
    assert dict(stream.take_events()[0].detail) == {"samples": "100", "dropped_bytes": "5"}


@pytest.mark.parametrize("content", [b"", bytes(11)])
def test_a_stream_that_ends_before_its_first_row_is_refused(fifo, content):
    stream = opened(fifo)
    with writing(fifo, lambda out: sent(out, content)), pytest.raises(RecordingError, match="ended before one whole row"):
        list(stream.blocks())


def test_a_writer_that_has_not_come_yet_is_waited_for_in_empty_blocks(fifo):
    blocks = opened(fifo).blocks()
    assert [len(next(blocks)) for _ in range(5)] == [0] * 5
    with writing(fifo, lambda out: sent(out, bytes(1200))):
        assert spans(blocks) == [(0, 100)]


@pytest.mark.parametrize(("silence_s", "is_gap"), [(0.1, False), (0.5, True)])
def test_a_silence_is_a_gap_of_its_length_from_its_border_on(fifo, monkeypatch, silence_s, is_gap):
    monkeypatch.setattr(streams, "SILENCE_S", 0.3)
    content = numbers(800).astype("<i2").tobytes()
    stream = opened(fifo)

    def write(out: int) -> None:
        sent(out, content[:4805])  # in the middle of a row
        time.sleep(silence_s)
        sent(out, content[4805:])

    with writing(fifo, write):
        blocks = list(stream.blocks())
    assert rows_of(blocks).T.astype("<i2").tobytes() == content
    kinds = [event.kind for event in stream.take_events()]
    if is_gap:
        (first, second) = spans(blocks)
        assert (first, second[1] - second[0]) == ((0, 400), 400)
        assert second[0] - 400 == pytest.approx(silence_s * 8000, abs=0.15 * 8000)
        assert kinds == [EventKind.SOURCE_GAP, EventKind.SOURCE_ENDED]
    else:
        assert spans(blocks) == [(0, 800)]
        assert kinds == [EventKind.SOURCE_ENDED]


def test_samples_are_handed_on_while_the_writer_is_silent(fifo):
    arrived_s: list[float] = []

    def write(out: int) -> None:
        sent(out, bytes(120))
        time.sleep(0.5)

    with writing(fifo, write):
        begun_s = time.monotonic()
        for block in opened(fifo).blocks():
            arrived_s += [time.monotonic() - begun_s] if len(block) else []
    assert arrived_s[0] < 0.4


def test_a_float_that_is_no_number_is_refused_with_its_place(fifo):
    table = np.zeros((500, 6), "<f4")
    table[432, 4] = np.nan
    stream = opened(fifo, format="float32")
    problem = r"samples: sample 433, channel 5 'I2': not a number"
    with writing(fifo, lambda out: sent(out, table.tobytes())), pytest.raises(SampleError, match=problem):
        list(stream.blocks())


def test_floats_may_go_without_a_scale_and_integers_may_not(fifo):
    assert opened(fifo, format="float32", scale=None).rate_hz == 8000
    with pytest.raises(RecordingError, match="its integers have no unit"):
        opened(fifo, scale=None)


def test_800_is_taken_and_799_is_refused(fifo):
    assert opened(fifo, rate_hz=800.0).rate_hz == 800
    with pytest.raises(SampleError, match="799 samples/s is too slow"):
        opened(fifo, rate_hz=799.0)


def test_what_is_no_stream_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="there is no such file: check the path"):
        opened(tmp_path / "missing")
    with pytest.raises(RecordingError, match="this is a directory"):
        opened(tmp_path)


def test_a_terminal_is_no_stream(monkeypatch):
    class Terminal:
        closed = False

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(RecordingError, match="standard input: it is a terminal: pipe samples into the program"):
        opened(STANDARD_INPUT)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(RecordingError, match="standard input: it is closed"):
        opened(STANDARD_INPUT)


def test_no_two_runs_have_the_same_source(fifo):
    assert opened(fifo).identity != opened(fifo).identity
