from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import TelegramError
from watthour.wire.mbus.frame import LongFrame
from watthour.wire.mbus.record import DataField, Record, Records, information_block
from watthour.wire.mbus.telegram import (
    Alarm,
    ApplicationError,
    Header,
    ShortHeader,
    Telegram,
    decode_response,
    manufacturer_code,
    manufacturer_letters,
    read_record,
    read_records,
)

BYTE = st.integers(0, 255)
ADDRESS, CONTROL = BYTE, st.sampled_from([0x08, 0x18, 0x28, 0x38])
HEADERS = st.builds(
    Header,
    identification=st.binary(min_size=4, max_size=4),
    manufacturer=st.integers(0, 0xFFFF),
    version=BYTE,
    medium=BYTE,
    access_number=BYTE,
    status=BYTE,
    signature=st.just(0),
)
RECORDS = st.lists(
    st.builds(
        lambda field, tariff, data: Record.of(
            dif=information_block(field, tariff=tariff)[0], difes=information_block(field, tariff=tariff)[1], vif=3, data=data
        ),
        field=st.just(DataField.INT48),
        tariff=st.integers(0, 8),
        data=st.binary(min_size=6, max_size=6),
    ),
    max_size=12,
).map(lambda rows: Records(records=tuple(rows)))
RESPONSES = st.one_of(
    st.builds(
        Telegram, address=ADDRESS, header=HEADERS, content=RECORDS, short_header=st.none(), control=CONTROL, fixed=st.none()
    ),
    st.builds(
        Telegram, address=ADDRESS, header=st.none(), content=RECORDS, short_header=st.none(), control=CONTROL, fixed=st.none()
    ),
    st.builds(
        Telegram,
        address=ADDRESS,
        header=st.none(),
        content=RECORDS,
        short_header=st.builds(ShortHeader, access_number=BYTE, status=BYTE, signature=st.just(0)),
        control=CONTROL,
        fixed=st.none(),
    ),
    st.builds(ApplicationError, address=ADDRESS, code=st.none() | BYTE, control=CONTROL),
    st.builds(Alarm, address=ADDRESS, flags=st.binary(max_size=20), control=CONTROL),
)


@given(RESPONSES)
def test_what_a_meter_says_makes_the_round_trip(response):
    assert decode_response(response.to_frame()) == response


@pytest.mark.parametrize(("ci", "head"), [(0x72, "01020304 320D 01 02 00 00 0500"), (0x7A, "00 00 0500")])
def test_what_is_encrypted_is_refused_and_named(ci, head):
    with pytest.raises(TelegramError, match="encrypted"):
        decode_response(LongFrame(control=8, address=1, ci=ci, data=bytes.fromhex(head)))


@pytest.mark.parametrize(("ci", "size"), [(0x72, 11), (0x7A, 3)])
def test_a_header_that_ends_too_early_is_named(ci, size):
    with pytest.raises(TelegramError, match="premature end of header"):
        decode_response(LongFrame(control=8, address=1, ci=ci, data=bytes(size)))
    assert decode_response(LongFrame(control=8, address=1, ci=ci, data=bytes(size + 1))).content == Records()


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3))
def test_letters_of_a_manufacturer_make_the_round_trip(letters):
    assert manufacturer_letters(manufacturer_code(letters)) == letters


EXACT = [
    ("07 00 FFFFFFFFFFFFFF7F", Decimal(2**63 - 1) / 1000),
    ("07 20 0000000000000080", -(2**63)),
    ("07 23 0000000000000080", -(2**63) * 86_400),
    ("0E 00 999999999999", Decimal("999999999.999")),
    ("0E 23 999999999999", 999_999_999_999 * 86_400),
    ("05 00 CDCCCC3D", Decimal("0.000100000001490116119384765625")),
    ("05 22 CDCCCC3D", Decimal("360.0000053644180297851562500")),
]


@pytest.mark.parametrize(("text", "value"), EXACT)
def test_a_value_keeps_every_digit(text, value):
    data = bytes.fromhex(text)
    [quantity] = read_records([Record(data[:2], data[2:])])
    assert quantity.value == value
    assert quantity == read_record(Record(data[:2], data[2:]))


def test_a_binary_number_of_fifteen_bytes_keeps_every_digit():
    digits = 2 ** (8 * 15 - 1) - 1
    quantity = read_record(Record(bytes.fromhex("0D 00"), b"\xef" + digits.to_bytes(15, "little")))
    assert str(quantity.value).replace(".", "") == str(digits)
    assert quantity.value * 1000 != digits, "a product would have rounded"
    assert quantity.value.as_tuple().exponent == -3
