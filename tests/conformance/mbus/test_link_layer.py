"""EN 13757-2:2018, clause 5, link layer: bytes of a master against bytes of the meter.

The clauses within it are named where their numbers are known from its published contents, which end at 5.3.
"""

import pytest

from watthour.meter import Meter, first_state
from watthour.station.mbus import MBusStation
from watthour.wire.mbus.link import Discarded, Heard, MBusReceiver, Timing
from watthour.wire.mbus.message import Foreign, decode_request

BIT_S = 1 / 2400
ACK = "E5"


class Line:
    """A meter at primary address 1, and what comes back for bytes on its line; each request after a long silence."""

    def __init__(self):
        self.view = Meter(first_state({"model": "Q23622", "serial": 23_622_001})).view()
        self.station = MBusStation()
        self.receiver = MBusReceiver(Timing())
        self.asked = []
        self.now_s = 0.0

    def send(self, text, *, after_s=1.0):
        self.now_s += after_s
        replies = b""
        for event in self.receiver.receive(bytes.fromhex(text), self.now_s):
            request = decode_request(event.frame) if isinstance(event, Heard) else Foreign(reason="")
            if not isinstance(request, Foreign):
                answer = self.station.answer(request, [self.view])
                replies += answer.reply
                self.asked += answer.asks
        return replies.hex(" ").upper()


@pytest.fixture
def line():
    return Line()


def test_5_a_character_has_eleven_bits():
    assert Timing(baudrate=2400).duration_s(1) == pytest.approx(11 * BIT_S)


@pytest.mark.parametrize(
    "damaged",
    [
        "10 40 01 42 16",  # checksum
        "10 40 01 41 17",  # stop
        "68 03 04 68 53 01 50 A4 16",  # two lengths
        "68 03 03 69 53 01 50 A4 16",  # second start
        "68 03 03 68 53 01 50 A5 16",  # checksum
        "68 03 03 68 53 01 50 A4 15",  # stop
        "68 02 02 68 53 01 54 16",  # no CI
        "11 40 01 41 16",  # start
    ],
)
def test_5_a_damaged_frame_gets_no_answer_and_the_next_one_does(line, damaged):
    assert line.send(damaged) == ""
    assert line.send("10 40 01 41 16") == ACK


def test_5_a_single_character_is_an_acknowledgement_and_asks_nothing(line):
    assert line.send("E5") == ""


def test_5_a_silence_of_22_bit_times_ends_a_frame():
    receiver = MBusReceiver(Timing())
    receiver.receive(bytes.fromhex("10 40"), 0.0)
    assert receiver.receive(b"", 21.9 * BIT_S) == []
    assert receiver.receive(b"", 22 * BIT_S) == [Discarded(reason="2 bytes of a frame that does not go on")]


def test_5_send_reset_is_acknowledged(line):
    assert line.send("10 40 01 41 16") == ACK


def test_5_requests_for_alarms_are_acknowledged_where_there_are_none(line):
    assert [line.send("10 5A 01 5B 16"), line.send("10 7A 01 7B 16")] == [ACK, ACK]


def test_5_unknown_control_fields_get_no_answer(line):
    for control in set(range(256)) - {
        0x40,
        *(0x4A | n for n in (0, 0x10, 0x20, 0x30)),
        *(0x4B | n for n in (0, 0x10, 0x20, 0x30)),
    }:
        assert line.send(f"10 {control:02X} 01 {(control + 1) & 0xFF:02X} 16") == "", f"{control:02X}"


def test_5_the_answer_comes_between_11_and_330_bit_times_and_50_ms():
    timing = Timing(baudrate=2400)
    assert timing.reply_earliest_s == pytest.approx(0.0046, abs=5e-5)
    assert timing.reply_latest_s == pytest.approx(0.1875)


@pytest.mark.parametrize(
    ("address", "does"),
    [(0, False), (1, True), (2, False), (250, False), (251, False), (252, False), (253, False), (254, True)],
)
def test_5_a_meter_answers_its_own_address_and_254(line, address, does):
    assert line.send(f"10 40 {address:02X} {(0x40 + address) & 0xFF:02X} 16") == (ACK if does else "")


def test_5_a_broadcast_is_done_and_not_answered(line):
    assert line.send("68 06 06 68 53 FF 51 01 7A 05 23 16") == ""
    assert len(line.asked) == 1


def test_5_the_same_frame_count_bit_asks_for_the_same_again_and_the_other_for_the_next(line):
    line.send("10 40 01 41 16")
    first, again, second, third = (
        line.send(f"10 {c} 01 {cs} 16") for c, cs in (("7B", "7C"), ("7B", "7C"), ("5B", "5C"), ("7B", "7C"))
    )
    records = [text.split()[19:-2] for text in (first, again, second, third)]
    assert records[0] == records[1]
    assert len({tuple(each) for each in records}) == 3
    assert [each[-1] for each in (records[0], records[2])] == ["1F", "1F"], "more follow"


def test_5_a_repeated_send_is_acknowledged_and_not_done_again(line):
    for _ in range(3):
        assert line.send("68 06 06 68 73 01 51 40 83 07 8F 16") == ACK
    assert len(line.asked) == 1
    assert line.send("68 06 06 68 53 01 51 40 83 07 6F 16") == ACK
    assert len(line.asked) == 2


def test_5_a_reset_of_the_link_clears_the_frame_count(line):
    line.send("10 7B 01 7C 16")
    second = line.send("10 5B 01 5C 16")
    line.send("10 40 01 41 16")
    assert line.send("10 5B 01 5C 16").split()[19:-2] != second.split()[19:-2]
