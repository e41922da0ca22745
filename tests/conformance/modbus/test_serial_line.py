"""MODBUS over Serial Line V1.02, sentence by sentence: what stations on one line hear, answer, and leave alone."""

import pytest

from watthour.host.lines.shared_line import OWN_UNITS
from watthour.parameters import PARAMETER_BY_NAME
from watthour.station.modbus import SERIAL_LINE, Ask, Broadcast, Station
from watthour.view import Outcome, Verdict
from watthour.wire.modbus.link import Discarded, Overheard, Requested
from watthour.wire.modbus.rtu_frame import ADU_MAXIMUM, RtuFrame, Timing, crc_of, silent_interval_s
from watthour.wire.modbus.rtu_link import RtuStationLink

GAP_S = 0.02


class Line:
    """Meters behind one port: bytes in, bytes out, and what was done."""

    def __init__(self, *views):
        self.views = views
        self.link = RtuStationLink(Timing(gap_s=GAP_S))
        self.station = Station([None] * len(views), SERIAL_LINE)
        self.done, self.now = [], 0.0

    def hear(self, data, *, wait_s=1.0):
        events = self.link.receive(data, self.now)
        self.now += wait_s
        events += self.link.receive(b"", self.now)
        out = b""
        for event in events:
            if isinstance(event, Discarded):
                self.station.overheard(0x0C)
            elif isinstance(event, Overheard):
                self.station.overheard(0x0B)
            else:
                out += self.answer(event)
        return out

    def answer(self, asked):
        answer = self.station.answer(asked.unit, asked.request, self.views)
        if isinstance(answer, Broadcast):
            self.done += [(ask.meter, ask.command) for ask in answer.asks]
            return b""
        if isinstance(answer, Ask):
            self.done.append((answer.meter, answer.command))
            answer = self.station.reply(answer, Outcome(verdict=Verdict.DONE), self.views)
        return b"" if answer is None else self.link.send(answer, asked)

    def count(self, sub, unit=1):
        return int.from_bytes(self.hear(frame(f"08 {sub:04X} 0000", unit))[4:6], "big")


def frame(text, unit=1):
    return RtuFrame(unit=unit, pdu=bytes.fromhex(text)).to_bytes()


def damaged(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.fixture
def line(make_view):
    return Line(make_view(values={"import_wh": 1}), make_view(values={"import_wh": 2}, parameters={"bus_address": 2}))


def test_2_2_an_individual_address_is_1_to_247_and_those_beyond_are_reserved():
    assert (OWN_UNITS[0], OWN_UNITS[-1]) == (1, 247)
    row = PARAMETER_BY_NAME["bus_address"]
    assert (row.minimum, row.maximum) == (1, 247)


def test_2_2_a_slave_answers_its_own_address_alone(line):
    for unit in range(256):
        reply = line.hear(frame("03 0000 0002", unit))
        assert (reply != b"") == (unit in {1, 2})
        assert reply[:1] == bytes([unit])[: len(reply)]


def test_2_1_a_broadcast_is_executed_by_all_and_answered_by_none(line):
    assert line.hear(frame("10 1300 0001 02 0001", 0)) == b""
    assert [meter for meter, _ in line.done] == [0, 1]
    assert line.hear(frame("05 1300 FF00", 0)) == b""
    assert len(line.done) == 4


def test_2_1_broadcast_requests_are_necessarily_writing_commands(line):
    for text in ("03 0000 0002", "01 1300 0001", "11", "2B 0E 01 00", "08 000A 0000", "17 0000 0002 00B0 0002 04 00000001"):
        assert line.hear(frame(text, 0)) == b""
    assert line.done == []


def test_2_4_1_no_response_is_returned_where_the_request_came_damaged(line):
    assert line.hear(damaged(frame("03 0000 0002"))) == b""
    assert line.hear(damaged(frame("10 1300 0001 02 0001"))) == b""
    assert line.done == []
    assert line.hear(frame("03 0000 0002")) == frame("03 04 00000001")


def test_2_4_1_a_slave_in_error_answers_with_an_exception(line):
    assert line.hear(frame("03 5000 0001")) == frame("83 02")


def test_2_5_1_the_largest_frame_is_256_bytes(line):
    assert ADU_MAXIMUM == 256
    whole = frame("10 00B0 007B F6" + "00" * 246)
    assert len(whole) == 255
    assert line.hear(whole) == frame("90 02")
    too_long = bytes([1]) + bytes.fromhex("41") + bytes(253)
    too_long += crc_of(too_long).to_bytes(2, "little")
    assert len(too_long) == 257
    assert line.hear(too_long) == b""


@pytest.mark.parametrize(
    ("baudrate", "silence_ms"), [(1200, 32.083), (9600, 4.010), (19200, 2.005), (38400, 1.750), (115200, 1.750)]
)
def test_2_5_1_1_frames_are_apart_by_3_5_characters_and_by_1_750_ms_above_19200(baudrate, silence_ms):
    assert round(1000 * silent_interval_s(baudrate), 3) == silence_ms
    assert Timing.at(baudrate).turnaround_s == silent_interval_s(baudrate)


def test_2_5_1_1_a_frame_whose_silence_ends_it_early_is_incomplete_and_discarded(line):
    whole = frame("03 0000 0002")
    assert line.hear(whole[:4]) == b""
    assert line.hear(whole[4:]) == b""
    assert line.hear(whole) == frame("03 04 00000001")


def test_2_5_1_1_a_character_with_a_wrong_parity_makes_the_whole_frame_wrong(line):
    whole = frame("03 0000 0002")
    line.link.receive(whole[:3], line.now)
    line.link.spoil(line.now)
    assert line.hear(whole[3:]) == b""
    assert line.hear(whole) == frame("03 04 00000001")


def test_2_5_1_2_the_crc_is_sent_low_byte_first_and_its_example_is_right():
    assert crc_of(bytes.fromhex("02 07")) == 0x1241  # 6.2.2: 41h, then 12h
    assert RtuFrame(unit=2, pdu=b"\x07").to_bytes() == bytes.fromhex("02 07 41 12")


def test_2_4_1_other_stations_frames_are_no_requests_of_ours_and_lose_none(line):
    theirs = frame("03 0000 0002", 9) + frame("03 04 01030000", 9) + frame("83 02", 9)
    assert line.hear(theirs + frame("03 0000 0002", 2)) == frame("03 04 00000002", 2)


def test_annex_the_counters_count_the_bus_the_errors_and_what_was_meant_for_this_slave(line):
    line.hear(frame("08 000A 0000"))
    line.hear(frame("03 0000 0002", 9))
    line.hear(frame("03 04 00000000", 9))
    line.hear(damaged(frame("03 0000 0002")))
    line.hear(frame("03 5000 0001"))
    line.hear(frame("10 1300 0001 02 0001", 0))
    assert line.count(0x0B) == 5  # the request and the reply of others, ours, the broadcast, and this one
    assert line.count(0x0C) == 1
    assert line.count(0x0D) == 1
    assert line.count(0x0F) == 1
    assert line.count(0x0E) == 7
    assert line.count(0x12) == 0
    assert line.count(0x0E, unit=2) == 2
    line.hear(frame("08 000A 0000", 2))
    assert (line.count(0x0E, unit=2), line.count(0x0C, unit=2), line.count(0x0C)) == (1, 0, 1)


def test_a_request_is_heard_once_however_it_is_cut():
    whole = frame("17 0000 0002 00B0 0002 04 00000001")
    for size in range(1, len(whole) + 1):
        link, heard = RtuStationLink(Timing(gap_s=GAP_S)), []
        for at in range(0, len(whole), size):
            heard += link.receive(whole[at : at + size], at * 0.001)
        assert [type(event) for event in heard] == [Requested]
