"""MODBUS Messaging on TCP/IP Implementation Guide V1.0b, sentence by sentence: both links, bytes against bytes."""

import pytest

from watthour.station.modbus import Station
from watthour.wire.modbus.link import Broken, Discarded, Requested
from watthour.wire.modbus.message import ReadRequest
from watthour.wire.modbus.tcp_link import TcpClientLink, TcpStationLink


@pytest.fixture
def reply_to(make_view):
    """Return what a meter sends back for what it gets, both in hexadecimal."""
    view = make_view(values={"import_wh": 0x01020304})

    def reply(text):
        link, station = TcpStationLink(), Station()
        heard = [event for event in link.receive(bytes.fromhex(text), 0.0) if isinstance(event, Requested)]
        answers = [link.send(station.answer(asked.unit, asked.request, [view]), asked) for asked in heard]
        return b"".join(answers).hex(" ").upper()

    return reply


def test_3_1_3_the_server_copies_the_transaction_identifier(reply_to):
    for number in ("0000", "0001", "FFFF"):
        assert reply_to(f"{number} 0000 0006 01 03 0000 0002").startswith(f"{number[:2]} {number[2:]} 00 00 00 07 01 03")


def test_3_1_3_the_length_counts_unit_and_data(reply_to):
    assert reply_to("0001 0000 0006 01 03 0000 0002") == "00 01 00 00 00 07 01 03 04 01 02 03 04"


def test_3_1_3_the_unit_identifier_is_returned_unchanged(reply_to):
    for unit in ("00", "01", "FF"):
        assert reply_to(f"0001 0000 0006 {unit} 03 0000 0002")[18:20] == unit


def test_4_4_2_a_protocol_identifier_other_than_0_is_not_answered(reply_to):
    assert reply_to("0001 0001 0006 01 03 0000 0002") == ""
    assert reply_to("0001 0000 0006 01 03 0000 0002") != ""


def test_4_4_2_the_length_field_frames_several_requests_in_one_segment(reply_to):
    one = "0001 0000 0006 01 03 0000 0002"
    assert reply_to(one + one + one) == " ".join([reply_to(one)] * 3)


def test_4_4_2_a_request_may_come_in_several_segments():
    link, data = TcpStationLink(), bytes.fromhex("0001 0000 0006 01 03 0000 0002")
    for cut in range(1, len(data)):
        assert link.receive(data[:cut], 0.0) == []
        assert len(link.receive(data[cut:], 0.0)) == 1


@pytest.mark.parametrize(("length", "fate"), [("0000", Discarded), ("0001", Discarded), ("00FF", Broken), ("FFFF", Broken)])
def test_4_1_a_length_that_no_adu_can_have_is_no_request(length, fate):
    [event] = TcpStationLink().receive(bytes.fromhex(f"0001 0000 {length} 01")[: 6 + (length != "0000")], 0.0)
    assert isinstance(event, fate)


def test_4_4_1_2_0_and_255_mean_the_device_itself(reply_to):
    assert reply_to("0001 0000 0006 00 03 0000 0002").endswith("01 02 03 04")
    assert reply_to("0001 0000 0006 FF 03 0000 0002").endswith("01 02 03 04")


def test_4_4_1_2_another_unit_is_a_gateway_target_that_failed(reply_to):
    assert reply_to("0001 0000 0006 02 03 0000 0002").endswith("02 83 0B")


def test_4_3_1_the_client_keeps_transactions_apart():
    link, request = TcpClientLink(), ReadRequest(start=0, count=2)
    numbers = {link.send(request, unit=1, now=0.0)[:2] for _ in range(100)}
    assert len(numbers) == 100


def test_4_3_1_a_reply_to_an_unknown_transaction_is_discarded():
    [event] = TcpClientLink().receive(bytes.fromhex("0001 0000 0003 01 83 02"), 0.0)
    assert isinstance(event, Discarded)


def test_the_functions_of_serial_lines_alone_are_01_whatever_their_data(reply_to):
    for pdu in ("08 0000 A537", "08", "11", "11 00", "08 000A 0000"):
        size = len(bytes.fromhex(pdu)) + 1
        reply = reply_to(f"0001 0000 {size:04X} 01 {pdu}")
        assert reply.endswith(f"{int(pdu[:2], 16) | 0x80:02X} 01")


def test_4_2_a_connection_carries_requests_of_many_units_and_each_reply_names_its_own(make_view):
    views = [make_view(values={"import_wh": unit}, parameters={"bus_address": unit}) for unit in (1, 2, 3)]
    link, station = TcpStationLink(), Station([None] * 3)
    asked = link.receive(
        b"".join(bytes.fromhex(f"{9 - unit:04X} 0000 0006 {unit:02X} 03 0000 0002") for unit in (3, 1, 2)), 0.0
    )
    replies = [link.send(station.answer(one.unit, one.request, views), one) for one in asked]
    assert [(reply[1], reply[6], reply[-1]) for reply in replies] == [(6, 3, 3), (8, 1, 1), (7, 2, 2)]


def test_4_3_2_a_client_that_hears_nothing_in_time_is_told_and_may_ask_again():
    client = TcpClientLink(answer_timeout_s=3.0)
    first = client.send(ReadRequest(start=0, count=2), unit=1, now=0.0)
    assert client.receive(b"", 2.9) == []
    assert len(client.receive(b"", 3.0)) == 1
    assert client.send(ReadRequest(start=0, count=2), unit=1, now=3.0)[:2] != first[:2]


def test_4_4_2_2_the_pdu_is_checked_before_the_transaction_is_carried_out(reply_to):
    assert reply_to("0001 0000 0003 01 10 00").endswith("90 03")
    assert reply_to("0001 0000 0002 01 63").endswith("E3 01")
