"""MODBUS Application Protocol Specification V1.1b3, sentence by sentence: bytes of a request against bytes of its reply.

Each test is named by the clause it holds. What is not spoken yet (01, 02, 05, 06, 08, 11h, 17h, 2Bh) is held by clause 7's
exception 01.
"""

import pytest

from watthour.station.modbus import Ask, Station
from watthour.view import Outcome, Verdict
from watthour.wire.modbus.message import decode_request


@pytest.fixture
def reply_to(make_view):
    """Return what a meter answers to a PDU, both in hexadecimal; every command is done."""
    view = make_view(values={"import_wh": 0x01020304, "voltage_l1_v": 230.0})

    def reply(text):
        answer = Station().answer(1, decode_request(bytes.fromhex(text)), [view])
        answer = answer.reply(Outcome(verdict=Verdict.DONE)) if isinstance(answer, Ask) else answer
        return answer.to_bytes().hex(" ").upper()

    return reply


def test_4_1_the_pdu_is_limited_to_253_bytes(reply_to):
    assert len(bytes.fromhex(reply_to("03 1100 007C"))) == 250


def test_4_2_addresses_and_numbers_are_big_endian(reply_to):
    assert reply_to("03 0000 0002") == "03 04 01 02 03 04"


def test_4_4_registers_are_addressed_from_0_in_the_pdu(reply_to):
    assert reply_to("04 0732 0002") == "04 04 00 00 08 FC"


def test_6_3_03_reads_1_to_125_registers(reply_to):
    assert reply_to("03 0000 0000") == reply_to("03 0000 007E") == reply_to("03 0000 FFFF") == "83 03"
    assert reply_to("03 1100 007C").startswith("03 F8")
    assert reply_to("03 1100 007D") == "83 02"  # legal as a quantity, half of a variable as a range


def test_6_4_04_reads_1_to_125_registers(reply_to):
    assert reply_to("04 0000 0000") == reply_to("04 0000 007E") == "84 03"


def test_6_3_the_byte_count_is_twice_the_quantity(reply_to):
    for count in range(2, 126, 2):
        reply = bytes.fromhex(reply_to(f"03 1100 {count:04X}"))
        assert reply[1] == 2 * count == len(reply) - 2


def test_6_12_10h_echoes_start_and_quantity(reply_to):
    assert reply_to("10 00B0 0002 04 00000001") == "10 00 B0 00 02"


def test_6_12_10h_writes_1_to_123_registers(reply_to):
    assert reply_to("10 00B0 0000 00") == "90 03"
    assert reply_to("10 00B0 007B F6" + "00" * 246) == "90 02"
    assert reply_to("10 00B0 007C F8" + "00" * 248) == "90 03"


def test_6_12_the_byte_count_must_be_twice_the_quantity(reply_to):
    assert reply_to("10 00B0 0002 02 00000001") == "90 03"
    assert reply_to("10 00B0 0002 05 00000001") == "90 03"
    assert reply_to("10 00B0 0001 04 00000001") == "90 03"


def test_7_an_exception_sets_the_highest_bit_of_the_function(reply_to):
    for function in range(1, 128):
        assert reply_to(f"{function:02X}")[:2] == f"{function | 0x80:02X}"


def test_7_an_unknown_function_is_01_before_anything_else(reply_to):
    for function in sorted(set(range(128)) - {0x03, 0x04, 0x10}):
        for data in ("", "0000", "FFFF FFFF", "00" * 252):
            assert reply_to(f"{function:02X} {data}") == f"{function | 0x80:02X} 01"


def test_7_quantity_is_judged_before_the_address(reply_to):
    assert reply_to("03 5000 007E") == "83 03"
    assert reply_to("10 5000 007C F8" + "00" * 248) == "90 03"


def test_7_the_address_is_judged_before_the_value(reply_to):
    assert reply_to("10 5000 0001 02 FFFF") == "90 02"
    assert reply_to("10 03E9 0001 02 FFFF") == "90 03"


def test_7_02_is_about_start_and_length_together(reply_to):
    """A controller with 100 registers answers start 96, quantity 5 with 02."""
    assert reply_to("03 0732 0012").startswith("03 24")
    assert reply_to("03 0732 0014") == "83 02"
    assert reply_to("03 FFFF 0002") == "83 02"


def test_7_03_is_about_the_structure_of_a_request(reply_to):
    """The implied length is incorrect: too short or too long."""
    assert reply_to("03") == reply_to("03 0000 00") == reply_to("03 0000 0002 00") == "83 03"
    assert reply_to("10") == reply_to("10 00B0 0002") == reply_to("10 00B0 0002 04 000000") == "90 03"
