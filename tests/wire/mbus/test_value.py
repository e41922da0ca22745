import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.wire.mbus.record import SIZES, DataField, variable_size
from watthour.wire.mbus.value import decode_bcd, decode_number, encode_number, encode_text, encode_variable

INTEGERS = [DataField.INT8, DataField.INT16, DataField.INT24, DataField.INT32, DataField.INT48, DataField.INT64]
BCDS = [DataField.BCD2, DataField.BCD4, DataField.BCD6, DataField.BCD8, DataField.BCD12]


@given(st.sampled_from(INTEGERS), st.data())
def test_integers_make_the_round_trip(field, data):
    half = 2 ** (8 * SIZES[field] - 1)
    value = data.draw(st.integers(-half, half - 1))
    assert decode_number(field, encode_number(field, value)) == value
    with pytest.raises(OverflowError):
        encode_number(field, half)


@given(st.sampled_from(BCDS), st.data())
def test_bcd_makes_the_round_trip(field, data):
    top = 10 ** (2 * SIZES[field])
    value = data.draw(st.integers(1 - top // 10, top - 1))
    assert decode_number(field, encode_number(field, value)) == value
    for beyond in (top, -(top // 10)):
        with pytest.raises(OverflowError):
            encode_number(field, beyond)


def test_bcd_with_another_digit_is_no_number():
    assert decode_bcd(bytes.fromhex("1A")) is None
    assert decode_bcd(bytes.fromhex("A1")) is None
    assert decode_bcd(bytes.fromhex("FF")) is None


def test_a_float_keeps_its_exact_value_and_one_that_is_no_number_has_none():
    assert decode_number(DataField.REAL32, bytes.fromhex("0000 2041")) == Decimal(10)
    assert decode_number(DataField.REAL32, bytes.fromhex("CDCC CC3D")) == Decimal("0.100000001490116119384765625")
    assert decode_number(DataField.REAL32, bytes.fromhex("0000 C07F")) is None
    assert decode_number(DataField.REAL32, bytes.fromhex("0000 807F")) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("03 43 42 41", "ABC"),
        ("C2 34 12", 1234),
        ("D2 34 12", -1234),
        ("C1 F1", None),
        ("E2 FE FF", -2),
        ("00", ""),
    ],
)
def test_variable_data_are_text_bcd_or_a_binary_number(text, value):
    assert decode_number(DataField.VARIABLE, bytes.fromhex(text)) == value


def test_text_makes_the_round_trip_up_to_its_longest():
    assert decode_number(DataField.VARIABLE, encode_text("CEM-D312-MID")) == "CEM-D312-MID"
    assert len(encode_text("x" * 191)) == 192
    with pytest.raises(OverflowError, match="192 characters"):
        encode_text("x" * 192)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_float_makes_the_round_trip(number):
    data = struct.pack("<f", number)
    assert encode_number(DataField.REAL32, decode_number(DataField.REAL32, data)) == data


@pytest.mark.parametrize("value", [Decimal("0.1"), Decimal(2**24 + 1), Decimal(10) ** 39, Decimal("NaN"), Decimal("Infinity")])
def test_what_four_bytes_of_a_float_do_not_have_exactly_is_refused(value):
    assert decode_number(DataField.REAL32, encode_number(DataField.REAL32, 2**24)) == 2**24
    with pytest.raises(OverflowError):
        encode_number(DataField.REAL32, value)


@pytest.mark.parametrize("field", [DataField.NONE, DataField.SELECTION, DataField.VARIABLE])
def test_fields_without_a_number_of_their_own_hold_none(field):
    with pytest.raises(OverflowError, match=field.name):
        encode_number(field, 0)
    with pytest.raises(OverflowError, match="INT32 does not hold"):
        encode_number(DataField.INT32, Decimal("0.5"))


LENGTHS = [length for length in range(256) if variable_size(length) is not None]


@given(st.sampled_from(LENGTHS), st.data())
def test_variable_data_of_every_length_make_the_round_trip(length, data):
    size = variable_size(length)
    if 0xC0 <= length < 0xE0:
        rest = bytes.fromhex(data.draw(st.text("0123456789", min_size=2 * size, max_size=2 * size)))
    else:
        rest = data.draw(st.binary(min_size=size, max_size=size))
    value = decode_number(DataField.VARIABLE, bytes([length]) + rest)
    if length in {0xC0, 0xD0}:
        assert value is None, "no digits, no number"
    else:
        assert encode_variable(length, value) == bytes([length]) + rest


@pytest.mark.parametrize(
    ("length", "value"),
    [(0xC2, 10_000), (0xC2, -1), (0xD2, 1), (0xD2, -10_000), (0xE1, 128), (0xE0, 1), (0xC0, 0), (0x03, "four"), (0x03, 3), (0xC2, "12"),
     (0xCA, 1), (0xFF, 1)],
)  # fmt: skip
def test_what_variable_data_of_a_length_cannot_hold_is_refused(length, value):
    with pytest.raises(OverflowError):
        encode_variable(length, value)
