"""A checked record gives back what it holds, and refuses the smallest damage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import DamagedRecordError
from watthour.journal import from_bytes, to_bytes

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
