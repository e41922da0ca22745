"""EN 13757-3, the application layer, clause by clause: what a master sends in hexadecimal, what the meter does and says."""

import pytest

from watthour.meter import Meter, first_state
from watthour.parameters import Interface
from watthour.station.mbus import MBusStation
from watthour.view import ResetPartial, WriteSettings
from watthour.wire.mbus.frame import parse
from watthour.wire.mbus.message import RequestData, SendData
from watthour.wire.mbus.record import Function, parse_records
from watthour.wire.mbus.telegram import ApplicationError, decode_response, read_record


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


def test_5_the_least_significant_byte_comes_first():
    assert parse_records(bytes.fromhex("04 03 01 02 03 04")).records[0].data == (0x04030201).to_bytes(4, "little")


def test_6_2_an_application_reset_begins_with_the_first_telegram_of_all(talk):
    first = talk.data().content
    talk.data()
    talk.send(0x50)
    assert talk.data().content == first


@pytest.mark.parametrize("sub_code", [0x00, 0x20, 0x30, 0x40, 0x50, 0x80])
def test_6_2_its_sub_code_selects_the_telegrams(talk, sub_code):
    talk.send(0x50, "00")
    whole = talk.data().content
    talk.send(0x50, f"{sub_code:02X}")
    assert (talk.data().content.records == whole.records) is (sub_code in {0x00, 0x20})


def test_6_4_data_sent_are_acknowledged_and_done(talk):
    answer = talk.send(0x51, "01 7A 05")
    assert answer.reply.hex() == "e5"
    assert [ask.command for ask in answer.asks] == [WriteSettings(settings={"mbus_address": 5}, interface=Interface.BUS)]


def test_6_5_selection_by_identification_manufacturer_version_and_medium(talk):
    assert talk.send(0x52, "01206223 320D 01 02", address=253).reply.hex() == "e5"
    assert talk.data(address=253).header.serial == "23622001"
    assert talk.send(0x52, "02206223 320D 01 02", address=253).reply == b""
    assert talk.data(address=253) is None


def test_6_5_a_digit_f_and_a_byte_ff_are_any(talk):
    assert talk.send(0x52, "FFFF62F3 FFFF FF FF", address=253).reply.hex() == "e5"
    assert talk.send(0x52, "F2FFFFFF FFFF FF FF", address=253).reply == b""


def test_6_6_synchronisation_is_acknowledged(talk):
    assert talk.send(0x54).reply.hex() == "e5"


@pytest.mark.parametrize(("ci", "baudrate"), [(0xB8 + n, 300 << n) for n in range(8)])
def test_6_7_another_speed_is_acknowledged_at_the_old_one(talk, ci, baudrate):
    answer = talk.send(ci)
    assert (answer.reply.hex(), answer.baudrate) == ("e5", baudrate)


def test_6_8_identification_manufacturer_version_medium_access_number_status_and_signature(talk):
    header = talk.data().header
    assert header.to_bytes()[:4] == bytes.fromhex("01206223")
    assert header.to_bytes()[4:6] == bytes.fromhex("320D"), "CIR"
    assert (header.medium, header.access_number, header.status, header.signature) == (2, 1, 0, 0)
    assert talk.data().header.access_number == 2


@pytest.mark.parametrize(
    ("ci", "text", "code"),
    [(0x57, "", 1), (0x51, "01 7A", 4), (0x51, "81" + "80" * 10 + "00 03 00", 5), (0x51, "01 83" + "80" * 10 + "00 00", 6)],
)
def test_8_errors_of_the_application_are_told_by_ci_70(talk, ci, text, code):
    assert talk.send(ci, text).reply.hex() == "e5"
    assert talk.data() == ApplicationError(address=1, code=code)


def test_7_2_dif_1f_says_that_more_follow_and_the_last_one_has_none(talk):
    assert [talk.data().content.more_follow for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(("dif", "function"), [(0x04, "inst"), (0x14, "max"), (0x24, "min"), (0x34, "err")])
def test_7_2_function_of_a_record(dif, function):
    assert parse_records(bytes([dif, 0x03, 0, 0, 0, 0])).records[0].function == Function(function)


def test_7_2_storage_tariff_and_sub_unit_grow_with_each_dife():
    record = parse_records(bytes.fromhex("C4 D2 61 03 00000000")).records[0]
    assert (record.storage, record.tariff, record.subunit) == (1 | 2 << 1 | 1 << 5, 1 | 2 << 2, 1 | 1 << 1)


def test_7_3_a_plain_text_unit_stands_behind_its_vif():
    record = parse_records(bytes.fromhex("02 FC 03 48 52 25 74 17 00")).records[0]
    assert (read_record(record).meaning.unit, read_record(record).meaning.exponent) == ("%RH", -2)


def test_annex_a_a_date_and_time_of_type_f():
    assert read_record(parse_records(bytes.fromhex("04 6D 37 08 4F 31")).records[0]).value.isoformat() == "2026-01-15T08:55:00"


def test_annex_a_bcd_with_a_leading_f_is_negative():
    assert read_record(parse_records(bytes.fromhex("0B 03 34 12 F0")).records[0]).value == -1234


def test_table_14_the_action_clear_resets_the_partial_counter(talk):
    assert [ask.command for ask in talk.send(0x51, "40 83 07").asks] == [ResetPartial(interface=Interface.BUS)]
