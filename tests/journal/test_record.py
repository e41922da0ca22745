"""A checked record gives back what it holds, and refuses the smallest damage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import DamagedRecordError
from watthour.journal import from_bytes, row_from_bytes, row_to_bytes, to_bytes

SMALL = {"total": [1, 2**70, -3], "powered": True, "text": "µWh", "none": None, "rate_hz": 0.1}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(content=st.dictionaries(st.text(), JSON, max_size=5))
def test_a_record_gives_back_what_it_holds(content):
    assert from_bytes(to_bytes(content)) == content


def test_the_same_content_makes_the_same_record_in_any_order():
    assert to_bytes(dict(reversed(SMALL.items()))) == to_bytes(SMALL)


def test_every_flipped_bit_is_refused():
    record = to_bytes(SMALL)
    for place in range(len(record)):
        for bit in range(8):
            damaged = bytearray(record)
            damaged[place] ^= 1 << bit
            with pytest.raises(DamagedRecordError):
                from_bytes(bytes(damaged))


def test_every_truncation_is_refused():
    record = to_bytes(SMALL)
    for length in range(len(record)):
        with pytest.raises(DamagedRecordError):
            from_bytes(record[:length])


@pytest.mark.parametrize("more", [b"\0", b"\n", b" ", b"}", b"x" * 64])
def test_an_extension_at_either_end_is_refused(more):
    with pytest.raises(DamagedRecordError, match="checksum"):
        from_bytes(to_bytes(SMALL) + more)
    with pytest.raises(DamagedRecordError, match="no state of a meter"):
        from_bytes(more + to_bytes(SMALL))


def test_a_record_of_another_version_is_named_as_such():
    with pytest.raises(DamagedRecordError, match="no state of a meter that this version reads"):
        from_bytes(to_bytes(SMALL).replace(b"watthour-state 1 ", b"watthour-state 2 "))


def test_two_records_do_not_make_one():
    with pytest.raises(DamagedRecordError):
        from_bytes(to_bytes(SMALL) + to_bytes(SMALL))


def test_a_row_comes_back_from_its_own_place_only():
    row = row_to_bytes("events", 7, b"what happened")
    assert row_from_bytes("events", 7, row) == b"what happened"
    for series, number in (("events", 8), ("profile", 7)):
        with pytest.raises(DamagedRecordError, match=f"row {number} of {series}"):
            row_from_bytes(series, number, row)


def test_every_flipped_bit_of_a_row_and_every_cut_is_found():
    row = row_to_bytes("profile", 3, b"0123456789")
    for place in range(8 * len(row)):
        damaged = bytearray(row)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(DamagedRecordError):
            row_from_bytes("profile", 3, bytes(damaged))
    for length in range(len(row)):
        with pytest.raises(DamagedRecordError):
            row_from_bytes("profile", 3, row[:length])
