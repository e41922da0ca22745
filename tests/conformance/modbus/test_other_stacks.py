"""What other people's stacks got wrong, each once, over bytes: libmodbus, pymodbus, FreeModbus, modbus-esp8266.

Named by their own numbers; what a socket adds (half-closed ends, slow peers) is in ``tests/host/lines``.
"""

import tracemalloc

import pytest

from watthour.station.modbus import SERIAL_LINE, TCP_PORT, Ask, Broadcast, Station
from watthour.view import Outcome, Verdict
from watthour.wire.modbus.link import Broken, Requested
from watthour.wire.modbus.rtu_frame import RtuFrame
from watthour.wire.modbus.rtu_link import RtuStationLink
from watthour.wire.modbus.tcp_link import TcpStationLink

READ = bytes.fromhex("0009 0000 0006 01 03 0000 0002")


class Door:
    """A station behind a link: bytes in, bytes out."""

    def __init__(self, view, link, etiquette):
        self.view, self.link, self.station, self.asked = view, link, Station([None], etiquette), []
        self.is_closed = False

    def give(self, data, now=0.0):
        heard, out = self.link.receive(data, now), b""
        for event in heard:
            self.is_closed |= isinstance(event, Broken)
            if not isinstance(event, Requested):
                continue
            answer = self.station.answer(event.unit, event.request, [self.view])
            if isinstance(answer, Ask | Broadcast):
                self.asked.append(answer)
            if isinstance(answer, Ask):
                answer = self.station.reply(answer, Outcome(verdict=Verdict.DONE), [self.view])
            if answer is not None and not isinstance(answer, Broadcast):
                out += self.link.send(answer, event)
        return out


@pytest.fixture
def view(make_view):
    return make_view(values={"import_wh": 5})


@pytest.fixture
def tcp(view):
    return Door(view, TcpStationLink(), TCP_PORT)


@pytest.fixture
def rtu(view):
    return Door(view, RtuStationLink(), SERIAL_LINE)


READ_REPLY = bytes.fromhex("0009 0000 0007 01 03 04 00000005")


def rtu_frame(unit, text):
    return RtuFrame(unit=unit, pdu=bytes.fromhex(text)).to_bytes()


def test_libmodbus_848_the_length_field_is_the_authority_and_the_stream_stays_in_step(tcp):
    longer = bytes.fromhex("0001 0000 000A 01 03 0000 0002 FFFFFFFF")
    shorter = bytes.fromhex("0002 0000 0004 01 03 0000")
    assert tcp.give(longer + shorter + READ) == bytes.fromhex("0001 0000 0003 01 83 03 0002 0000 0003 01 83 03") + READ_REPLY


def test_libmodbus_874_a_bad_request_delays_nobody_since_nothing_waits(tcp):
    bad = bytes.fromhex("0001 0000 0002 01 41")
    assert tcp.give(bad * 1000 + READ).endswith(READ_REPLY)
    assert tcp.link.next_deadline() is None


@pytest.mark.parametrize("length", [0xFF, 0x0100, 0x7FFF, 0xFFFF])
def test_cve_2019_14462_and_14463_a_length_beyond_a_frame_closes_and_reads_nothing_past_it(tcp, length):
    assert tcp.give(b"\0\1\0\0" + length.to_bytes(2, "big") + b"\1\3" + bytes(300)) == b""
    assert tcp.is_closed
    assert tcp.give(READ) == b""


def test_cve_2024_36843_a_write_whose_byte_count_exceeds_its_frame_writes_nothing(tcp):
    for text in ("10 00B0 0002 FF 00000001", "10 00B0 007B F6 0000", "10 00B0 0002 04", "17 0000 0002 00B0 0002 FF 00000001"):
        pdu = bytes.fromhex(text)
        assert tcp.give(b"\0\1\0\0" + (len(pdu) + 1).to_bytes(2, "big") + b"\1" + pdu)[7:] == bytes([pdu[0] | 0x80, 3])
    assert tcp.asked == []


def test_libmodbus_614_17h_at_its_limits_neither_overflows_nor_writes_more(tcp):
    for read, write, size in ((125, 121, 242), (126, 1, 2), (125, 122, 244), (1, 121, 0xFF), (0xFFFF, 0xFFFF, 0xFF)):
        pdu = (
            b"\x17\0\0"
            + read.to_bytes(2, "big")
            + b"\x00\xb0"
            + write.to_bytes(2, "big")
            + bytes([size & 0xFF])
            + bytes(min(size, 243))
        )
        reply = tcp.give(b"\0\1\0\0" + (len(pdu) + 1).to_bytes(2, "big") + b"\1" + pdu)
        assert reply[7] == 0x97
    assert tcp.asked == []


def test_libmodbus_837_a_short_frame_is_not_read_past_its_end(tcp, rtu):
    for size in range(5):
        pdu = bytes.fromhex("03 0000 0002")[: size or 1]
        if len(pdu) < 5:
            assert tcp.give(b"\0\1\0\0" + (len(pdu) + 1).to_bytes(2, "big") + b"\1" + pdu)[7:] == bytes.fromhex("83 03")
    rtu.give(rtu_frame(1, "03 0000"), 0.0)
    assert rtu.give(b"", 1.0) == rtu_frame(1, "83 03")


def test_pymodbus_2960_endless_serial_garbage_ends_neither_the_loop_nor_the_memory(rtu):
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for n in range(4000):
        rtu.give(bytes((n * 7 + k * k) & 0xFF for k in range(50)), n * 0.001)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 100_000
    assert rtu.give(b"", 10.0) == b""
    assert rtu.give(rtu_frame(1, "03 0000 0002"), 11.0) == rtu_frame(1, "03 04 00000005")


def test_freemodbus_49_and_62_no_length_and_no_protocol_identifier_hangs(tcp):
    other = bytes.fromhex("0001 1234 0006 01 03 0000 0002")
    empty = bytes.fromhex("0001 0000 0001 01")
    assert tcp.give(other + empty + READ) == READ_REPLY


def test_modbus_esp8266_387_a_bare_function_code_is_answered(tcp, rtu):
    for function in range(1, 128):
        reply = tcp.give(bytes((0, 1, 0, 0, 0, 2, 1, function)))
        assert reply[7] == function | 0x80
        rtu.give(rtu_frame(1, f"{function:02X}"), function * 10.0)
        rtu.give(b"", function * 10.0 + 5)
    assert rtu.give(rtu_frame(1, "03 0000 0002"), 5000.0) == rtu_frame(1, "03 04 00000005")


def test_pymodbus_as_a_server_answers_for_others_and_for_broadcasts_and_this_one_does_not(rtu):
    for unit in (0, 2, 9, 247, 255):
        assert rtu.give(rtu_frame(unit, "03 0000 0002"), unit * 10.0) == b""
        assert rtu.give(b"", unit * 10.0 + 5) == b""


def test_pymodbus_as_a_server_misanswers_126_registers_and_unknown_functions_and_this_one_does_not(rtu):
    assert rtu.give(rtu_frame(1, "03 0000 007E")) == rtu_frame(1, "83 03")
    rtu.give(rtu_frame(1, "41 00"), 10.0)
    assert rtu.give(b"", 15.0) == rtu_frame(1, "C1 01")


def test_a_byte_a_second_is_a_frame_in_time_and_silence_in_between_is_not(tcp):
    out = b""
    for n, byte in enumerate(READ):
        out += tcp.give(bytes([byte]), float(n))
    assert out == READ_REPLY
    tcp.give(READ[:5], 100.0)
    assert tcp.give(b"", 120.1) == b""
    assert tcp.is_closed
