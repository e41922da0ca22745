from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.wire.mbus.record import SIZES, DataField
from watthour.wire.mbus.value import (
    LocalTime,
    decode_bcd,
    decode_number,
    decode_time,
    encode_date,
    encode_minute,
    encode_number,
    encode_text,
)

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


@given(st.datetimes(datetime(1981, 1, 1), datetime(2080, 12, 31, 23, 59)), st.booleans())  # noqa: DTZ001
def test_a_minute_makes_the_round_trip(when, summer):
    local = LocalTime(when=when.replace(second=0, microsecond=0), is_summer=summer)
    assert decode_time(encode_minute(local)) == local
    assert decode_time(encode_date(when.date())) == when.date()


def test_years_that_two_digits_do_not_carry_are_refused():
    for year in (1980, 2081):
        with pytest.raises(OverflowError, match=str(year)):
            encode_date(date(year, 1, 1))


def test_times_by_their_size():
    assert decode_time(bytes.fromhex("1E 37 08")) == time(8, 55, 30)
    local = decode_time(bytes.fromhex("1E 37 08 4F 31 00"))
    assert local == LocalTime(when=datetime(2026, 1, 15, 8, 55, 30))  # noqa: DTZ001
    assert decode_time(bytes.fromhex("80 08 4F 31")) is None, "marked invalid"
    assert decode_time(bytes.fromhex("37 08 40 30")) is None, "no day 0"
    assert decode_time(b"\x00") is None
