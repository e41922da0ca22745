"""The application layer, clause by clause: what a master sends in hexadecimal, what the meter does and says.

Clauses are those of EN 13757-3:2018. What that edition gave to part 7 is named so (EN 13757-7:2018), or by its clause in
EN 13757-3:2013.
"""

from datetime import date
from decimal import Decimal

import pytest

from watthour.errors import TelegramError
from watthour.meter import Meter, first_state
from watthour.parameters import Interface
from watthour.station.mbus import MBusStation
from watthour.view import ResetPartial, WriteSettings
from watthour.wire.mbus.frame import LongFrame, parse
from watthour.wire.mbus.message import RequestData, SendData
from watthour.wire.mbus.record import Function, Record, parse_records
from watthour.wire.mbus.telegram import Alarm, ApplicationError, Telegram, decode_response, read_record


class Talk:
    """A meter at primary address 1."""

    def __init__(self):
        self.view = Meter(first_state({"model": "Q23622", "serial": 23_622_001})).view()
        self.station = MBusStation()
        self.fcb = True
        self.write_fcb = True

    def send(self, ci, text="", address=1):
        self.write_fcb = not self.write_fcb
        request = SendData(address=address, ci=ci, data=bytes.fromhex(text), fcb=self.write_fcb)
        return self.station.answer(request, [self.view])

    def data(self, address=1):
        self.fcb = not self.fcb
        reply = self.station.answer(RequestData(address=address, fcb=self.fcb), [self.view]).reply
        return decode_response(parse(reply)) if reply else None


@pytest.fixture
def talk():
    return Talk()


def test_annex_a_the_least_significant_byte_comes_first():
    assert parse_records(bytes.fromhex("04 03 01 02 03 04")).records[0].data == (0x04030201).to_bytes(4, "little")


def test_7_1_an_application_reset_begins_with_the_first_telegram_of_all(talk):
    first = talk.data().content
    talk.data()
    talk.send(0x50)
    assert talk.data().content == first


@pytest.mark.parametrize("sub_code", [0x00, 0x20, 0x30, 0x40, 0x50, 0x80])
def test_7_2_its_sub_code_selects_the_telegrams(talk, sub_code):
    talk.send(0x50, "00")
    whole = talk.data().content
    talk.send(0x50, f"{sub_code:02X}")
    assert (talk.data().content.records == whole.records) is (sub_code in {0x00, 0x20})


def test_6_data_sent_are_acknowledged_and_done(talk):
    answer = talk.send(0x51, "01 7A 05")
    assert answer.reply.hex() == "e5"
    assert [ask.command for ask in answer.asks] == [WriteSettings(settings={"mbus_address": 5}, interface=Interface.BUS)]


def test_2013_4_3_selection_by_identification_manufacturer_version_and_medium(talk):
    assert talk.send(0x52, "01206223 320D 01 02", address=253).reply.hex() == "e5"
    assert talk.data(address=253).header.serial == "23622001"
    assert talk.send(0x52, "02206223 320D 01 02", address=253).reply == b""
    assert talk.data(address=253) is None


def test_2013_4_3_a_digit_f_and_a_byte_ff_are_any(talk):
    assert talk.send(0x52, "FFFF62F3 FFFF FF FF", address=253).reply.hex() == "e5"
    assert talk.send(0x52, "F2FFFFFF FFFF FF FF", address=253).reply == b""


@pytest.mark.parametrize("ci", [0x5C, 0x54])
def test_12_synchronisation_is_acknowledged_by_its_ci_of_now_and_of_old(talk, ci):
    assert talk.send(ci).reply.hex() == "e5"
    assert isinstance(talk.data(), Telegram), "and no application error"


@pytest.mark.parametrize(("ci", "baudrate"), [(0xB8 + n, 300 << n) for n in range(8)])
def test_2013_4_10_another_speed_is_acknowledged_at_the_old_one(talk, ci, baudrate):
    answer = talk.send(ci)
    assert (answer.reply.hex(), answer.baudrate) == ("e5", baudrate)


def test_part_7_7_5_identification_manufacturer_version_medium_access_number_status_and_signature(talk):
    header = talk.data().header
    assert header.to_bytes()[:4] == bytes.fromhex("01206223")
    assert header.to_bytes()[4:6] == bytes.fromhex("320D"), "CIR"
    assert (header.medium, header.access_number, header.status, header.signature) == (2, 1, 0, 0)
    assert talk.data().header.access_number == 2


@pytest.mark.parametrize(
    ("ci", "text", "code"),
    [(0x57, "", 1), (0x51, "01 7A", 4), (0x51, "81" + "80" * 10 + "00 03 00", 5), (0x51, "01 83" + "80" * 10 + "00 00", 6)],
)
def test_10_errors_of_the_application_are_told_by_ci_70(talk, ci, text, code):
    assert talk.send(ci, text).reply.hex() == "e5"
    assert talk.data() == ApplicationError(address=1, code=code)


def test_6_5_dif_1f_says_that_more_follow_and_the_last_one_has_none(talk):
    assert [talk.data().content.more_follow for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(("dif", "function"), [(0x04, "inst"), (0x14, "max"), (0x24, "min"), (0x34, "err")])
def test_6_3_4_function_of_a_record(dif, function):
    assert parse_records(bytes([dif, 0x03, 0, 0, 0, 0])).records[0].function == Function(function)


def test_6_3_7_storage_tariff_and_sub_unit_grow_with_each_dife():
    record = parse_records(bytes.fromhex("C4 D2 61 03 00000000")).records[0]
    assert (record.storage, record.tariff, record.subunit) == (1 | 2 << 1 | 1 << 5, 1 | 2 << 2, 1 | 1 << 1)


def test_6_4_3_a_plain_text_unit_stands_behind_its_vif():
    record = parse_records(bytes.fromhex("02 FC 03 48 52 25 74 17 00")).records[0]
    assert (read_record(record).meaning.unit, read_record(record).meaning.exponent) == ("%RH", -2)


def test_annex_a_a_date_and_time_of_type_f():
    assert read_record(parse_records(bytes.fromhex("04 6D 37 08 4F 31")).records[0]).value.isoformat() == "2026-01-15T08:55:00"


def test_annex_a_bcd_with_a_leading_f_is_negative():
    assert read_record(parse_records(bytes.fromhex("0B 03 34 12 F0")).records[0]).value == -1234


def test_6_4_7_the_action_clear_resets_the_partial_counter(talk):
    assert [ask.command for ask in talk.send(0x51, "40 83 07").asks] == [ResetPartial(interface=Interface.BUS)]


def test_9_an_alarm_of_another_meter_is_told_with_its_flags():
    assert decode_response(LongFrame(control=8, address=1, ci=0x71, data=b"\x05")) == Alarm(address=1, flags=b"\x05")


@pytest.mark.parametrize(
    ("field", "size"),
    list(enumerate([0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, None, 6])),
)
def test_6_3_3_table_4_the_data_field_tells_the_size_of_the_data(field, size):
    data = b"\x01\x41" if size is None else bytes(size)
    [record] = parse_records(bytes([field, 0x03]) + data).records
    assert record.data == data


@pytest.mark.parametrize(
    ("lvar", "size"),
    [(0x00, 0), (0xBF, 191), (0xC0, 0), (0xC9, 9), (0xD0, 0), (0xD9, 9), (0xE0, 0), (0xEF, 15), (0xF0, 16), (0xF1, 20), (0xF4, 32),
     (0xF5, 48), (0xF6, 64), (0xCA, None), (0xDA, None), (0xF7, None), (0xFF, None)],
)  # fmt: skip
def test_6_3_3_table_5_lvar_tells_the_size_of_variable_data(lvar, size):
    body = bytes([0x0D, 0x03, lvar])
    if size is None:
        with pytest.raises(TelegramError, match="reserved length"):
            parse_records(body + bytes(64))
    else:
        assert len(parse_records(body + bytes(size)).records[0].data) == 1 + size


@pytest.mark.parametrize(
    ("vib", "quantity", "unit", "exponent"),
    [
        ("00", "energy", "Wh", -3),
        ("07", "energy", "Wh", 4),
        ("08", "energy", "J", 0),
        ("13", "volume", "m³", -3),
        ("2B", "power", "W", 0),
        ("3E", "volume flow", "m³/h", 0),
        ("5B", "flow temperature", "°C", 0),
        ("6E", "heat cost allocation", None, 0),
        ("FD 40", "voltage", "V", -9),
        ("FD 4F", "voltage", "V", 6),
        ("FD 50", "current", "A", -12),
        ("FD 5F", "current", "A", 3),
        ("FB 00", "energy", "Wh", 5),
        ("FB 01", "energy", "Wh", 6),
        ("FB 09", "energy", "J", 9),
        ("FB 2D", "frequency", "Hz", -2),
        ("83 70", "energy", "Wh", -6),
        ("83 77", "energy", "Wh", 1),
        ("83 7D", "energy", "Wh", 3),
    ],
)
def test_6_4_2_to_6_4_6_what_a_vif_and_its_vifes_mean(vib, quantity, unit, exponent):
    meaning = read_record(Record(b"\x01" + bytes.fromhex(vib), b"\x00")).meaning
    assert (meaning.quantity, meaning.unit, meaning.exponent) == (quantity, unit, exponent)


@pytest.mark.parametrize(("dif", "seconds"), [(0x20, 1), (0x21, 60), (0x22, 3600), (0x23, 86_400)])
def test_6_4_2_times_count_seconds_minutes_hours_or_days(dif, seconds):
    assert read_record(Record(bytes([0x01, dif]), b"\x02")).value == 2 * seconds


@pytest.mark.parametrize(("code", "text"), [(0x01, "too many DIFE"), (0x0B, "too many VIFE"), (0x15, "no data available")])
def test_6_4_8_a_record_error_is_told_in_words(code, text):
    assert read_record(Record(bytes([0x01, 0x83, code]), b"\x00")).meaning.qualifiers == (f"record error: {text}",)


@pytest.mark.parametrize(
    ("vifes", "unit", "value", "word"),
    [
        ("41", None, 5, "times beyond lower limit"),
        ("49", None, 5, "times beyond upper limit"),
        ("50", "s", 5, "duration of first time beyond lower limit"),
        ("5E", "s", 5 * 3600, "duration of last time beyond upper limit"),
        ("67", "s", 5 * 86_400, "duration of last"),
        ("48", "V", Decimal("0.5"), "upper limit"),
        ("3B", "V", Decimal("0.5"), "import"),
        ("12", "V", Decimal("0.5"), "average"),
        ("7B", "V", Decimal("0.5"), "plus 1"),
    ],
)
def test_6_4_6_a_vife_that_makes_a_count_or_a_duration_of_a_number_changes_its_unit(vifes, unit, value, word):
    quantity = read_record(Record(b"\x01\xfd\xc8" + bytes.fromhex(vifes), b"\x05"))
    assert (quantity.meaning.unit, quantity.value, quantity.meaning.qualifiers) == (unit, value, (word,))


@pytest.mark.parametrize("code", [0x39, 0x42, 0x43, 0x46, 0x47, 0x4A, 0x4B, 0x4E, 0x4F, 0x6A, 0x6B, 0x6E, 0x6F])
def test_6_4_6_a_vife_may_make_the_data_a_time_point(code):
    quantity = read_record(Record(bytes([0x02, 0xFD, 0xC8, code]), bytes.fromhex("4F 31")))
    assert quantity.value == date(2026, 1, 15)


def test_6_5_what_stands_behind_0f_is_the_manufacturer_s():
    content = parse_records(bytes.fromhex("01 FD 1B 00 0F 01 02 03"))
    assert (content.manufacturer_data, content.more_follow) == (b"\x01\x02\x03", False)
