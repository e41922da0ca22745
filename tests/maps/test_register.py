"""One row: numbers to registers and back, at both sides of each end."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.maps.register import RANGES, Register, Type

TYPES = sorted(RANGES)


def row(**fields):
    return Register(**({"address": 0, "name": "voltage_l1_v"} | fields))


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_beyond_the_range_saturates_and_is_invalid(kind):
    low, high = RANGES[kind]
    register = row(type=kind)
    assert register.encode(high) == (high, True)
    assert register.encode(high + 1) == (high, False)
    assert register.encode(low) == (low, True)
    assert register.encode(low - 1) == (low, False)
    assert register.encode(float("1e300")) == (high, False)
    assert register.encode(-1e300) == (low, False)


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), Decimal("NaN"), "words"])
def test_what_is_no_number_is_zero_and_invalid(nothing):
    assert row().encode(nothing) == (0, False)


@pytest.mark.parametrize(
    ("value", "decimals", "raw"),
    [
        (2.5, 0, 3),
        (-2.5, 0, -3),
        (2.4999999999999996, 0, 2),
        (0.25, 1, 3),
        (2.675, 2, 267),  # the double is 2.67499999999999982236431605997495353221893310546875
        (Decimal("2.675"), 2, 268),
        (Fraction(1, 3), 4, 3333),
        (7, 3, 7000),
    ],
)
def test_halves_round_up_once(value, decimals, raw):
    assert row(type=Type.I32, decimals=decimals).encode(value) == (raw, True)


NEAR_HALVES = st.builds(lambda steps, off: (steps + 0.5) / 1000 + off, st.integers(-(10**10), 10**10), st.floats(-1e-6, 1e-6))


@given(
    value=st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), NEAR_HALVES, st.decimals(allow_nan=False), st.fractions()
    ),
    kind=st.sampled_from(TYPES),
    decimals=st.integers(0, 6),
)
def test_an_encoder_makes_of_each_value_what_encode_makes_of_it(value, kind, decimals):
    register = row(type=kind, decimals=decimals)
    assert register.encoder()(value) == register.encode(value)


def test_rounding_into_the_range_is_valid_and_out_of_it_is_not():
    register = row(type=Type.U16)
    assert register.encode(65535.4) == (65535, True)
    assert register.encode(65535.5) == (65535, False)
    assert register.encode(-0.4) == (0, True)
    assert register.encode(-0.5) == (0, False)


@given(kind=st.sampled_from(TYPES), decimals=st.integers(0, 4), data=st.data())
def test_decoding_what_was_encoded_gives_the_value(kind, decimals, data):
    raw = data.draw(st.integers(*RANGES[kind]))
    register = row(type=kind, decimals=decimals)
    value = Decimal(raw).scaleb(-decimals) if decimals else raw
    assert register.encode(value) == (raw, True)
    assert register.from_bytes(register.to_bytes(value)) == value


def test_words_are_padded_with_zeros_and_cut_where_too_long():
    register = row(type=Type.ASCII, length=2)
    assert register.registers == 2
    assert register.encode("abc") == (b"abc\0", True)
    assert register.encode("abcde") == (b"abcd", False)
    assert register.encode("é") == (b"?\0\0\0", False)
    assert register.encode(None) == (bytes(4), False)
    assert register.from_bytes(b"abc\0") == "abc"


def test_a_code_stands_for_its_word_and_no_other_is_believed():
    register = row(type=Type.U16, codes=("9600", "19200"))
    assert register.to_bytes("19200") == b"\0\1"
    assert register.from_bytes(b"\0\1") == "19200"
    with pytest.raises(ValueError, match="2 is none of the codes 0 to 1"):
        register.from_bytes(b"\0\2")


@pytest.mark.parametrize("size", [0, 3, 5])
def test_bytes_of_another_length_are_refused(size):
    with pytest.raises(ValueError, match=f"{size} bytes for 2 registers"):
        row().from_bytes(bytes(size))


def test_the_high_word_travels_first():
    assert row().to_bytes(0x01020304).hex() == "01020304"
