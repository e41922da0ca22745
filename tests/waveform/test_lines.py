"""Rows of text in chunks."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import RecordingError
from watthour.waveform import lines
from watthour.waveform.lines import line_chunks, measure


@pytest.mark.parametrize(("text", "rows", "is_ended", "last"), [
    (b"", 0, False, b""),
    (b"\r\n \n", 0, True, b""),
    (b"1,2", 1, False, b"1,2"),
    (b"1,2\n", 1, True, b"1,2"),
    (b"1,2\r\n3,4\r\n\x1a", 2, True, b"3,4"),
    (b"1,2\n3,4\n\n\n\x00", 2, True, b"3,4"),
    (b"1,2\n3,", 2, False, b"3,"),
])  # fmt: skip
def test_rows_end_at_the_last_that_is_not_blank(text, rows, is_ended, last):
    extent = measure(io.BytesIO(b"head\n" + text), 5)
    assert (extent.rows, extent.is_ended, extent.last_line) == (rows, is_ended, last)


@given(st.lists(st.text("0123456789,", min_size=1, max_size=30), min_size=1, max_size=60), st.integers(0, 61), st.integers(0, 61),
       st.integers(31, 200))  # fmt: skip
def test_chunks_of_any_size_give_the_same_lines(rows, first, end, chunk_bytes):
    data = io.BytesIO("\n".join(rows).encode() + b"\n")
    extent = measure(data, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "CHUNK_BYTES", chunk_bytes)
        chunks = list(line_chunks("day.csv", data, extent, first, min(end, len(rows))))
    found = {row + k: line.decode() for row, text in chunks for k, line in enumerate(text.split(b"\n"))}
    assert found == {k: row for k, row in enumerate(rows) if first <= k < end}


@pytest.mark.parametrize("is_too_long", [False, True])
def test_a_line_may_be_as_long_as_a_chunk_and_no_longer(monkeypatch, is_too_long):
    monkeypatch.setattr(lines, "CHUNK_BYTES", 100)
    data = io.BytesIO(b"1" * (201 if is_too_long else 99) + b"\n2\n3\n")
    extent = measure(data, 0)
    if is_too_long:
        with pytest.raises(RecordingError, match="row 1 has no end within 100 bytes"):
            list(line_chunks("day.csv", data, extent, 0, 3))
    else:
        assert sum(text.count(b"\n") + 1 for _, text in line_chunks("day.csv", data, extent, 0, 3)) == 3
