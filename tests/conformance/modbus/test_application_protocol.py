"""MODBUS Application Protocol Specification V1.1b3, sentence by sentence: bytes of a request against bytes of its reply.

Each test is named by the clause it holds. The line is a serial one, on which every function is spoken; what TCP leaves out is in
``test_messaging_on_tcp``.
"""

from decimal import Decimal

import pytest

from watthour.station.modbus import SERIAL_LINE, Ask, Station
from watthour.units import RATES
from watthour.view import ClosePeriod, Outcome, ResetPartial, SelectRate, Verdict
from watthour.wire.modbus.message import decode_request

SPOKEN = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x08, 0x10, 0x11, 0x17, 0x2B}


@pytest.fixture
def view(make_view):
    values = {"import_wh": 0x01020304, "voltage_l1_v": 230.0, "input1_closed": 1, "input2_closed": 0}
    return make_view(values=values, selected_rate=3, software_id="ab" * 32)


@pytest.fixture
def meter(view):
    """Return a function that answers a PDU in hexadecimal; every command is done, and kept in its list `asked`."""
    station, asked = Station([None], SERIAL_LINE), []

    def reply(text):
        answer = station.answer(1, decode_request(bytes.fromhex(text)), [view])
        if isinstance(answer, Ask):
            asked.append(answer.command)
            answer = station.reply(answer, Outcome(verdict=Verdict.DONE), [view])
        return answer.to_bytes().hex(" ").upper()

    reply.asked = asked
    return reply


@pytest.fixture
def reply_to(meter):
    return meter


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
    assert [dict(command.settings) for command in reply_to.asked] == [{"cost_per_kwh": Decimal("0.0001")}]


def test_6_12_10h_writes_1_to_123_registers(reply_to):
    assert reply_to("10 00B0 0000 00") == "90 03"
    assert reply_to("10 00B0 007B F6" + "00" * 246) == "90 02"
    assert reply_to("10 00B0 007C F8" + "00" * 248) == "90 03"


def test_6_12_the_byte_count_must_be_twice_the_quantity(reply_to):
    assert reply_to("10 00B0 0002 02 00000001") == "90 03"
    assert reply_to("10 00B0 0002 05 00000001") == "90 03"
    assert reply_to("10 00B0 0001 04 00000001") == "90 03"


def test_7_an_exception_sets_the_highest_bit_of_the_function(reply_to):
    for function in sorted(set(range(1, 128)) - {0x11}):  # a bare 11h is whole
        assert reply_to(f"{function:02X}")[:2] == f"{function | 0x80:02X}"


def test_7_an_unknown_function_is_01_before_anything_else(reply_to):
    for function in sorted(set(range(128)) - SPOKEN):
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


# ---------------------------------------------------------------- 6.1, 6.2, 6.5: bits


def test_6_1_01_packs_coils_from_the_lowest_bit_and_pads_with_zeros(reply_to):
    assert reply_to("01 1300 000A") == "01 02 10 00"  # T3 is selected: the fifth of ten
    assert reply_to("01 1304 0001") == "01 01 01"
    assert reply_to("01 1302 0008") == "01 01 04"


def test_6_1_01_reads_1_to_2000_coils(reply_to):
    assert reply_to("01 1300 0000") == reply_to("01 1300 07D1") == reply_to("01 1300 FFFF") == "81 03"
    assert (
        reply_to("01 1300 07D0") == reply_to("01 12FF 0001") == reply_to("01 1300 000B") == reply_to("01 FFFF 0002") == "81 02"
    )


def test_6_2_02_reads_the_digital_inputs(reply_to):
    assert reply_to("02 0000 0002") == "02 01 01"
    assert reply_to("02 0001 0001") == "02 01 00"
    assert reply_to("02 0000 0000") == reply_to("02 0000 07D1") == "82 03"
    assert reply_to("02 0000 0003") == reply_to("02 1300 0001") == "82 02"


@pytest.mark.parametrize("length", [1, 2, 3, 4, 6, 253])
def test_6_1_a_read_of_another_length_is_03(reply_to, length):
    assert reply_to("01 1300 0001".replace(" ", "").ljust(2 * length, "0")[: 2 * length]) == "81 03"


def test_6_5_ff00_switches_a_coil_on_and_the_reply_echoes_the_request(reply_to):
    assert reply_to("05 1300 FF00") == "05 13 00 FF 00"
    assert reply_to("05 1301 FF00") == "05 13 01 FF 00"
    for place in range(len(RATES)):
        assert reply_to(f"05 {0x1302 + place:04X} FF00") == f"05 13 {2 + place:02X} FF 00"
    kinds = [type(command) for command in reply_to.asked]
    assert kinds == [ResetPartial, ClosePeriod, *[SelectRate] * 8]
    assert [command.rate for command in reply_to.asked[2:]] == list(range(1, 9))


def test_6_5_all_values_but_ff00_and_0000_are_illegal(reply_to):
    for value in ("0001", "00FF", "FF01", "FFFF", "0100"):
        assert reply_to(f"05 1300 {value}") == "85 03"
    assert reply_to("05 12FF FF00") == reply_to("05 130A 0000") == "85 02"
    assert reply_to("05 1300 0000") == "85 03"  # a command cannot be undone
    assert reply_to.asked == []


# ---------------------------------------------------------------- 6.6, 6.17: one register, both ways


def test_6_6_06_writes_one_register_and_echoes_the_request(reply_to):
    assert reply_to("06 03E8 0011") == "06 03 E8 00 11"
    assert dict(reply_to.asked[0].settings) == {"bus_address": 17}
    assert reply_to("06 1300 0001") == "06 13 00 00 01"


def test_6_6_06_on_half_a_variable_or_on_what_may_not_be_written_is_02(reply_to):
    assert reply_to("06 00B0 0001") == reply_to("06 0050 0001") == reply_to("06 5000 0001") == "86 02"
    assert reply_to("06 03E9 0003") == reply_to("06 1300 0002") == "86 03"
    assert reply_to("06 03E8") == reply_to("06 03E8 0011 00") == "86 03"
    assert reply_to.asked == []


def test_6_17_17h_writes_before_it_reads(reply_to):
    assert reply_to("17 0000 0002 00B0 0002 04 00000001") == "17 04 01 02 03 04"
    assert len(reply_to.asked) == 1
    assert reply_to("17 1702 0002 1702 0002 04 00000000") == "17 04 00 00 00 00"


def test_6_17_17h_reads_1_to_125_and_writes_1_to_121(reply_to):
    assert reply_to("17 0000 0000 00B0 0002 04 00000001") == reply_to("17 0000 007E 00B0 0002 04 00000001") == "97 03"
    assert reply_to("17 0000 0002 00B0 0000 00") == "97 03"
    assert reply_to("17 0000 0002 00B0 007A F4" + "00" * 244) == "97 03"
    assert reply_to("17 0000 0002 00B0 0079 F2" + "00" * 242) == "97 02"
    assert reply_to("17 0000 0002 00B0 0002 02 00000001") == reply_to("17 0000 0002 00B0 0002 04 000000") == "97 03"
    assert reply_to.asked == []


def test_6_17_nothing_is_written_where_the_read_is_refused(reply_to):
    assert reply_to("17 5000 0002 00B0 0002 04 00000001") == reply_to("17 0000 0001 00B0 0002 04 00000001") == "97 02"
    assert reply_to("17 0000 0002 0000 0002 04 00000001") == "97 02"
    assert reply_to("17 0000 0002 03E9 0001 02 0003") == "97 03"
    assert reply_to.asked == []


# ---------------------------------------------------------------- 6.8, 6.13: the line and the station


def test_6_8_00_returns_the_query_data(reply_to):
    assert reply_to("08 0000 A537") == "08 00 00 A5 37"
    assert reply_to("08 0000" + "5A" * 250) == "08 00 00" + " 5A" * 250
    assert reply_to("08 0000") == reply_to("08 0000 A5") == "88 03"


def test_6_8_a_sub_function_that_is_not_spoken_is_01(reply_to):
    for sub in sorted(set(range(0x20)) - {0x00, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x12}):
        assert reply_to(f"08 {sub:04X} 0000") == "88 01"


def test_6_8_the_data_field_of_a_counter_is_0000(reply_to):
    for sub in ("0A", "0B", "0C", "0D", "0E", "0F", "12"):
        assert reply_to(f"08 00{sub} 0000")[:8] == f"08 00 {sub}"
        assert reply_to(f"08 00{sub} 0001") == reply_to(f"08 00{sub}") == reply_to(f"08 00{sub} 0000 0000") == "88 03"


def test_6_8_messages_and_exceptions_are_counted_and_cleared(reply_to):
    assert reply_to("08 000A 0000") == "08 00 0A 00 00"
    assert reply_to("08 000B 0000") == "08 00 0B 00 01"
    assert reply_to("08 000D 0000") == "08 00 0D 00 00"
    assert reply_to("03 5000 0001") == "83 02"
    assert reply_to("41") == "C1 01"
    assert reply_to("08 000D 0000") == "08 00 0D 00 02"
    assert reply_to("08 000E 0000") == "08 00 0E 00 06"
    assert reply_to("08 000F 0000") == reply_to("08 0012 0000").replace("12", "0F", 1) == "08 00 0F 00 00"
    assert reply_to("08 000A 0000") == "08 00 0A 00 00"
    assert reply_to("08 000E 0000") == "08 00 0E 00 01"


def test_6_13_11h_tells_the_server_id_and_that_it_runs(reply_to):
    told = bytes.fromhex(reply_to("11"))
    assert told[1] == len(told) - 2
    assert told[2:4] == b"\x01\xff"
    assert told[4:].startswith(b"CEM-D311-MID 23612001 ")
    assert reply_to("11 00") == "91 03"


# ---------------------------------------------------------------- 6.21: device identification


def objects(reply):
    """Return head and objects of an identification."""
    told, found, at = bytes.fromhex(reply), [], 7
    for _ in range(told[6]):
        found.append((told[at], told[at + 2 : at + 2 + told[at + 1]].decode()))
        at += 2 + told[at + 1]
    assert at == len(told) <= 253
    return told[:6], found


def test_6_21_basic_is_the_first_three_objects(reply_to):
    head, found = objects(reply_to("2B 0E 01 00"))
    assert head == bytes.fromhex("2B 0E 01 83 00 00")
    assert [number for number, _ in found] == [0, 1, 2]
    assert found[1] == (1, "Q23612")


def test_6_21_regular_and_extended_hold_the_categories_before_them(reply_to):
    _, regular = objects(reply_to("2B 0E 02 00"))
    assert [number for number, _ in regular] == [0, 1, 2, 4, 5, 6]
    _, extended = objects(reply_to("2B 0E 03 00"))
    assert extended[:6] == regular
    assert [number for number, _ in extended[6:]] == [0x80, 0x81, 0x82, 0x83]
    assert dict(extended)[0x81] == "ab" * 32


def test_6_21_a_stream_begins_where_it_is_told_and_at_0_where_the_object_is_unknown(reply_to):
    assert [number for number, _ in objects(reply_to("2B 0E 02 04"))[1]] == [4, 5, 6]
    for unknown in ("03", "7F", "80", "FF"):
        assert objects(reply_to(f"2B 0E 02 {unknown}"))[1][0][0] == 0


def test_6_21_code_04_gets_one_object_and_02_for_an_unknown_one(reply_to):
    head, found = objects(reply_to("2B 0E 04 80"))
    assert (head, found) == (bytes.fromhex("2B 0E 04 83 00 00"), [(0x80, "23612001")])
    assert reply_to("2B 0E 04 03") == reply_to("2B 0E 04 FF") == "AB 02"


def test_6_21_another_code_or_length_is_03_and_another_mei_type_01(reply_to):
    assert {reply_to(f"2B 0E {code:02X} 00") for code in (0, 5, 0x80, 0xFF)} == {"AB 03"}
    assert reply_to("2B") == reply_to("2B 0E") == reply_to("2B 0E 01") == reply_to("2B 0E 01 00 00") == "AB 03"
    assert {reply_to(f"2B {mei:02X} 01 00") for mei in range(256) if mei != 0x0E} == {"AB 01"}


def test_6_21_what_does_not_fit_goes_on_with_the_next_object_and_no_object_is_split(make_view):
    view = make_view(calendar="c" * 250, software_id="ab" * 32)
    station, found, begin = Station([None], SERIAL_LINE), [], 0
    while True:
        reply = station.answer(1, decode_request(bytes((0x2B, 0x0E, 3, begin))), [view]).to_bytes()
        head, some = objects(reply.hex())
        found += some
        if head[4] == 0:
            break
        assert (head[4], head[5]) == (0xFF, 0x83)
        begin = head[5]
    assert [number for number, _ in found] == [0, 1, 2, 4, 5, 6, 0x80, 0x81, 0x82, 0x83]
    assert found[-1] == (0x83, "c" * 244)


# ---------------------------------------------------------------- every function at every length


def legal_length(function, data):
    """Return whether a PDU has a length that clause 6 gives its function: written once more, from its tables."""
    size = len(data) + 1
    fixed = {1: 5, 2: 5, 3: 5, 4: 5, 5: 5, 6: 5, 0x11: 1, 0x2B: 4}
    if function in fixed:
        return size == fixed[function]
    if function == 8:
        return size >= 5 and size % 2 == 1 if data[:2] == b"\0\0" else size == 5
    at, head = {0x10: (5, 6), 0x17: (9, 10)}[function]
    return size > at and size == head + data[at - 1]


@pytest.mark.parametrize("function", range(256))
def test_every_function_at_every_length_gets_a_reply_of_its_own_and_changes_nothing_when_refused(reply_to, function):
    for size in range(253):
        for filling in (b"\0", b"\1", b"\xff", b"\x0e\x01\0", b"\0\x0b\0"):
            data = (filling * size)[:size]
            before = len(reply_to.asked)
            reply = bytes.fromhex(reply_to((bytes([function]) + data).hex()))
            assert reply[0] & 0x7F == function & 0x7F
            assert len(reply) <= 253
            if function not in SPOKEN:
                assert reply == bytes([function | 0x80, 1])
            elif not legal_length(function, data):
                assert reply in {bytes([function | 0x80, 3]), bytes([function | 0x80, 1])}
                assert reply[1] == 3 or function in {8, 0x2B}
            if reply[0] & 0x80:
                assert len(reply_to.asked) == before
