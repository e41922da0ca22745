"""Thirty-two meters and other makers' stations on a bad line: nobody answers what he did not hear whole, and nothing good is lost.

MODBUS over Serial Line V1.02, 2.2 to 2.5. Twenty thousand requests here; ``make soak`` asks a million. Noise flips one bit in a
thousand, bursts, collisions, lost and doubled characters come on top. With parity no damaged frame may be answered at all.
Without, a damaged frame passes a CRC of 16 bits once in 65 536 times, and is counted.
"""

import os
import runpy
import struct
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from watthour.station.modbus import SERIAL_LINE, Ask, Broadcast, Station
from watthour.view import Outcome, Verdict
from watthour.wire.modbus.link import Answered, Requested
from watthour.wire.modbus.message import ReadReply, ReadRequest, WriteRequest, decode_request
from watthour.wire.modbus.rtu_frame import RtuFrame, Timing, has_right_crc
from watthour.wire.modbus.rtu_link import RtuClientLink, RtuStationLink

MODEL = runpy.run_path(str(Path(__file__).with_name("line_model.py")))
Gaps, Line, Noise = MODEL["Gaps"], MODEL["Line"], MODEL["Noise"]

IS_SOAK = os.environ.get("WATTHOUR_SOAK") == "1"
REQUESTS = 1_000_000 if IS_SOAK else 20_000
OURS = range(1, 33)
FOREIGN = range(40, 48)
TIMEOUT_S = 0.1
SIX = ("import_wh", "export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh")
DONE = Outcome(verdict=Verdict.DONE)


@dataclass
class Count:
    """What came of the requests to our meters, and of their replies.

    A request arrived clean, or hit, or beside: whole, with a stray character that touches it.
    """

    good: int = 0
    hit: int = 0
    answered: int = 0
    replies_hit: int = 0
    foreign: int = 0
    broadcasts: int = 0
    answered_damaged: int = 0
    answered_foreign: int = 0
    lost: list = field(default_factory=list)
    replies_lost: list = field(default_factory=list)
    wrong: int = 0
    accepted_damaged: int = 0
    broadcasts_lost: int = 0
    one_frame_with_noise: int = 0
    beside: int = 0
    answered_beside: int = 0


class Plant:
    """A master, our meters behind one port, and other makers' stations, on one line."""

    def __init__(self, views, seed, noise, *, has_parity, requests):
        self.views, self.requests, self.choose = views, requests, Random(seed)  # noqa: S311 - as above
        self.cuts, self.pauses = Gaps(self.choose, 0.1), Gaps(self.choose, 0.02)
        self.there, self.back = (Line(seed + n, noise, has_parity=has_parity) for n in (1, 2))
        self.link = RtuStationLink(Timing(gap_s=0.02, turnaround_s=self.there.silence_s))
        self.client = RtuClientLink(answer_timeout_s=TIMEOUT_S, timing=Timing(gap_s=0.02))
        self.station = Station(list(OURS), SERIAL_LINE)
        self.now, self.count, self.expected = 0.0, Count(), {}
        for view in views:
            unit = view.parameters["bus_address"]
            self.expected[unit, 0, 12] = struct.pack(">6I", *(view.values[name] for name in SIX))
            self.expected[unit, 0x2710, 2] = struct.pack(">I", view.serial)

    def deliver(self, link, characters):
        """Hand characters over in pieces at their times, marked ones as a port marks them; return what the link tells."""
        events, at, characters = [], 0, tuple(characters)
        while at < len(characters):
            end = min(len(characters), at + 2 + self.cuts.draw())
            piece = characters[at:end]
            is_marked = None in piece
            if is_marked:
                end = at + piece.index(None) + 1
                piece = characters[at : end - 1]
            self.now += self.there.character_s * (end - at + 1.4 * len(self.pauses.among(end - at)))
            events += link.receive(bytes(piece), self.now)
            if is_marked:
                events += link.spoil(self.now)
            at = end
        return events

    def silence(self, link, for_s):
        """Let time pass."""
        end_s, events = self.now + for_s, []
        while (deadline := link.next_deadline()) is not None and deadline <= end_s:
            self.now = max(self.now, deadline)
            events += link.receive(b"", self.now)
        self.now = end_s
        return events

    def run(self):
        for place in range(self.requests):
            if place and place % 100_000 == 0:
                print(place, self.count, flush=True)  # noqa: T201 - a soak is long
            self.noise = self.there.idle()
            heard = self.deliver(self.link, self.noise)
            assert not any(isinstance(event, Requested) and event.unit in OURS for event in heard)
            kind = self.choose.random()
            if kind < 0.70:
                self.ask_ours()
            elif kind < 0.97:
                self.ask_foreign()
            else:
                self.broadcast()
            self.now += self.there.silence_s * (1 + self.choose.random() * 3)
        return self.count

    def hear(self, frame):
        """Carry a frame to our port, and return what was heard of it in time, and how it arrived."""
        received = self.there.carry(frame)
        events = self.deliver(self.link, received.characters)
        return [event for event in events if isinstance(event, Requested)], received

    def ask_ours(self):
        unit = self.choose.choice(OURS)
        start, count = self.choose.choice([(0, 12), (0x2710, 2)])
        request, counted = ReadRequest(start=start, count=count), self.count
        frame = self.client.send(request, unit=unit, now=self.now)
        heard, received = self.hear(frame)
        heard += [event for event in self.silence(self.link, 0.021) if isinstance(event, Requested)]
        mine = [event for event in heard if event.unit in OURS]
        counted.hit += received.is_hit
        counted.good += received.is_clean
        if received.is_clean and not any(event.unit == unit and event.request == request for event in mine):
            if self.is_one_frame(frame):
                counted.one_frame_with_noise += 1
            else:
                counted.lost.append((unit, start))
        counted.answered_damaged += received.is_hit and bool(mine)
        is_beside = not (received.is_hit or received.is_clean)
        counted.beside += is_beside
        counted.answered_beside += is_beside and bool(mine)
        for event in heard:
            reply = self.station.answer(event.unit, event.request, self.views)
            if reply is not None and not isinstance(reply, Ask | Broadcast):
                self.reply(reply, event, unit, request)
        self.silence(self.client, TIMEOUT_S)
        self.silence(self.link, 0)

    def is_one_frame(self, frame):
        """Say whether the noise right before a frame makes one frame with it, whose CRC is right: nobody can tell the two apart."""
        return bool(self.noise) and None not in self.noise and has_right_crc(bytes(self.noise) + frame)

    def reply(self, reply, asked, unit, request):
        self.now += self.link.turnaround_s
        received = self.back.carry(self.link.send(reply, asked))
        told = [
            event
            for event in [*self.deliver(self.client, received.characters), *self.silence(self.client, 0.025)]
            if isinstance(event, Answered)
        ]
        right = self.expected[unit, request.start, request.count]
        self.count.replies_hit += received.is_hit
        for event in told:
            is_right = isinstance(event.reply, ReadReply) and event.reply.data == right
            self.count.answered += is_right
            self.count.wrong += not is_right
            self.count.accepted_damaged += received.is_hit
        if not told and received.is_clean and asked.unit == unit and asked.request == request:
            self.count.replies_lost.append((unit, request.start))

    def ask_foreign(self):
        unit, self.count.foreign = self.choose.choice(FOREIGN), self.count.foreign + 1
        size = self.choose.randint(1, 20)
        asked, answered = self.choose.choice([
            (struct.pack(">BHH", 3, self.choose.randrange(65536), size), bytes((3, 2 * size)) + self.choose.randbytes(2 * size)),
            (struct.pack(">BHH", 6, self.choose.randrange(65536), size), None),
            (struct.pack(">BHH", 1, self.choose.randrange(65536), 8 * size), bytes((1, size)) + self.choose.randbytes(size)),
            (b"\x10" + struct.pack(">HHB", self.choose.randrange(65536), size, 2 * size) + self.choose.randbytes(2 * size), struct.pack(">BHH", 0x10, 7, size)),
            (b"\x41" + self.choose.randbytes(size), b"\x41" + self.choose.randbytes(size)),
            (struct.pack(">BHH", 4, 0, size), b"\x84\x02"),
        ])  # fmt: skip
        heard, _ = self.hear(RtuFrame(unit=unit, pdu=asked).to_bytes())
        if self.choose.random() < 0.9:
            self.now += self.there.silence_s * 1.2
            heard += self.hear(RtuFrame(unit=unit, pdu=answered or asked).to_bytes())[0]
        if self.choose.random() < 0.5:
            heard += [event for event in self.silence(self.link, 0.03) if isinstance(event, Requested)]
        self.count.answered_foreign += any(event.unit in OURS for event in heard)

    def broadcast(self):
        request = WriteRequest(start=0x1300, data=b"\0\1")
        heard, received = self.hear(RtuFrame(unit=0, pdu=request.to_bytes()).to_bytes())
        heard += [event for event in self.silence(self.link, 0.03) if isinstance(event, Requested)]
        meant = [event for event in heard if event.unit == 0 and event.request == request]
        self.count.broadcasts += bool(meant)
        self.count.broadcasts_lost += received.is_clean and not meant
        for event in meant:
            answer = self.station.answer(0, event.request, self.views)
            assert isinstance(answer, Broadcast)
            assert len(answer.asks) == len(OURS)


@pytest.fixture(scope="module")
def views(make_view):
    return [
        make_view(
            values={name: 1000 * unit + place for place, name in enumerate(SIX)},
            serial=777000 + unit,
            parameters={"bus_address": unit},
        )
        for unit in OURS
    ]


def test_with_parity_nothing_damaged_is_answered_and_nothing_good_is_lost(views):
    count = Plant(views, 1, Noise(), has_parity=True, requests=REQUESTS).run()
    print(count)  # noqa: T201 - the figures of a soak
    assert count.hit > REQUESTS / 50
    assert count.good + count.hit + count.foreign > REQUESTS * 0.9
    assert (count.answered_damaged, count.answered_foreign, count.wrong, count.accepted_damaged) == (0, 0, 0, 0)
    assert (count.lost, count.replies_lost, count.broadcasts_lost) == ([], [], 0)
    assert count.one_frame_with_noise <= 1


def test_without_parity_only_what_passes_the_crc_is_answered_and_that_within_theory(views):
    requests = REQUESTS // 2
    count = Plant(views, 2, Noise(), has_parity=False, requests=requests).run()
    print(count)  # noqa: T201 - the figures of a soak
    hits = count.hit + count.replies_hit + count.foreign
    allowed = hits / 65536 + 4 * (hits / 65536) ** 0.5 + 1
    assert count.answered_damaged + count.answered_foreign + count.accepted_damaged <= allowed
    assert (count.lost, count.replies_lost, count.broadcasts_lost) == ([], [], 0)


def test_on_a_clean_line_everything_is_answered(views):
    quiet = Noise(bit_error_rate=0.0, burst_rate=0.0, loss_rate=0.0, double_rate=0.0, collision_rate=0.0, idle_rate=0.0)
    count = Plant(views, 3, quiet, has_parity=True, requests=2000).run()
    assert count.hit == 0
    assert count.answered == count.good > 1000
    assert count.broadcasts > 20


@pytest.mark.parametrize(("baudrate", "silence_ms"), [(9600, 4.010), (19200, 2.005), (38400, 1.750), (115200, 1.750)])
def test_2_5_1_1_the_silence_follows_the_speed_and_is_fixed_above_19200(baudrate, silence_ms):
    assert round(Line(0, Noise(), baudrate=baudrate).silence_s * 1000, 3) == silence_ms


def test_the_model_marks_odd_flips_passes_even_ones_and_loses_a_character_without_a_start_bit():
    line = Line(0, Noise(), has_parity=True)
    frame = b"\x0f\xf0"
    assert line._characters(frame, {1}) == [None, 0xF0]
    assert line._characters(frame, {1, 2}) == [0x0C, 0xF0]
    assert line._characters(frame, {9}) == [None, 0xF0]
    assert line._characters(frame, {10}) == [None, 0xF0]
    assert line._characters(frame, {11}) == [0x0F]
    assert Line(0, Noise(), has_parity=False)._characters(frame, {1}) == [0x0E, 0xF0]
    assert decode_request(b"\x41").code == 1
