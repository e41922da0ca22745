import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.wire.mbus.frame import (
    DATA_MAXIMUM,
    Acknowledge,
    LongFrame,
    Malformed,
    NeedMore,
    ShortFrame,
    parse,
)

BYTE = st.integers(0, 255)
FRAMES = st.one_of(
    st.just(Acknowledge()),
    st.builds(ShortFrame, control=BYTE, address=BYTE),
    st.builds(LongFrame, control=BYTE, address=BYTE, ci=BYTE, data=st.binary(max_size=DATA_MAXIMUM)),
)


@given(FRAMES)
def test_a_frame_makes_the_round_trip(frame):
    adu = frame.to_bytes()
    assert parse(adu) == frame
    assert frame.size == len(adu)


@given(FRAMES, st.data())
def test_a_frame_cut_off_asks_for_more(frame, data):
    adu = frame.to_bytes()
    cut = data.draw(st.integers(0, len(adu) - 1))
    assert parse(adu[:cut]) is NeedMore.BYTES


@given(FRAMES.filter(lambda frame: frame.size > 1), st.data())
def test_one_flipped_bit_is_never_the_same_kind_of_frame(frame, data):
    adu = bytearray(frame.to_bytes())
    bit = data.draw(st.integers(0, 8 * len(adu) - 1))
    adu[bit // 8] ^= 1 << bit % 8
    found = parse(bytes(adu))
    assert found is NeedMore.BYTES or isinstance(found, Malformed) or type(found) is not type(frame)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("00", "00 begins no frame"),
        ("10 40 01 42 16", "checksum 42 where 41 is right"),
        ("10 40 01 41 17", "17 where the stop 16 is due"),
        ("68 03 04 68", "two lengths, 3 and 4"),
        ("68 02 02 68", "a length of 2 where 3 to 255 is possible"),
        ("68 03 03 69", "69 where the second 68 is due"),
        ("68 03 03 68 08 01 72 7C 16", "checksum 7C where 7B is right"),
    ],
)
def test_what_is_no_frame_is_named(text, reason):
    assert parse(bytes.fromhex(text)) == Malformed(reason=reason)


def test_more_data_than_a_frame_holds_are_refused():
    LongFrame(control=8, address=1, ci=0x72, data=bytes(DATA_MAXIMUM)).to_bytes()
    with pytest.raises(ValueError, match="253 bytes"):
        LongFrame(control=8, address=1, ci=0x72, data=bytes(DATA_MAXIMUM + 1)).to_bytes()
