"""Two link cores joined in memory, with faults between them: bytes lost, flipped, doubled, late, split anywhere."""

import random

import pytest

from watthour.wire.modbus.link import Answered, Broken, Damaged, Discarded, Requested, Unanswered
from watthour.wire.modbus.message import ExceptionReply, IllegalRequest, ReadReply, ReadRequest
from watthour.wire.modbus.rtu_frame import RtuFrame
from watthour.wire.modbus.rtu_link import RtuClientLink, RtuStationLink
from watthour.wire.modbus.tcp_link import TcpClientLink, TcpStationLink

ROUNDS = 300


class Line:
    """One direction of a connection that damages what it carries, by a seed."""

    def __init__(self, seed, rate):
        self._random = random.Random(seed)  # noqa: S311 - faults, no secrets
        self._rate = rate

    def carry(self, data):
        out = bytearray()
        for byte in data:
            fault = self._random.random()
            if fault < self._rate:
                out += self._random.choice([b"", bytes([byte ^ 1 << self._random.randrange(8)]), bytes([byte, byte])])
            else:
                out.append(byte)
        while out:
            size = self._random.randint(1, len(out))
            yield bytes(out[:size])
            del out[:size]


def contents(request):
    return b"".join((request.start + place & 0xFFFF).to_bytes(2, "big") for place in range(request.count))


def reply_to(request):
    if isinstance(request, IllegalRequest):
        return ExceptionReply(function=request.function, code=request.code)
    return ReadReply(function=request.function, data=contents(request))


def converse(seed, rate):
    """Ask, through a line with faults; both ends connect anew when one is broken."""
    there, back, choose = Line(seed, rate), Line(seed + 1, rate), random.Random(seed + 2)  # noqa: S311 - as above
    client, station, now, events = TcpClientLink(answer_timeout_s=3.0), TcpStationLink(), 0.0, []
    for _ in range(ROUNDS):
        request = ReadRequest(function=choose.choice([3, 4]), start=choose.randrange(0x10000), count=choose.randint(1, 125))
        heard = []
        for piece in there.carry(client.send(request, unit=1, now=now)):
            heard += station.receive(piece, now)
        for asked in heard:
            if isinstance(asked, Requested) and not hasattr(asked.request, "data"):
                for piece in back.carry(station.send(reply_to(asked.request), asked)):
                    events += [(request, event) for event in client.receive(piece, now)]
        now += 4.0
        late = client.receive(b"", now)
        events += [(request, event) for event in late]
        if late or any(isinstance(event, Broken) for event in heard):
            events += [(request, event) for event in client.end()]
            client, station = TcpClientLink(answer_timeout_s=3.0), TcpStationLink()
    return events


def test_a_clean_line_answers_everything():
    events = converse(seed=1, rate=0.0)
    assert len(events) == ROUNDS
    assert all(isinstance(event, Answered) and event.reply.data == contents(request) for request, event in events)


@pytest.mark.parametrize("seed", range(8))
def test_a_bad_line_raises_nothing_and_loses_no_request_silently(seed):
    events = [event for _, event in converse(seed=100 * seed, rate=0.01)]
    settled = [event for event in events if isinstance(event, Answered | Damaged | Unanswered)]
    assert len(settled) == ROUNDS
    assert {type(event) for event in events} <= {Answered, Damaged, Unanswered, Discarded, Broken}
    assert any(isinstance(event, Unanswered) for event in settled)
    assert any(isinstance(event, Answered) for event in settled)


def converse_on_a_serial_line(seed, rate):
    """Ask through a serial line with faults, among another station's traffic; nobody ever connects anew."""
    there, back, choose = Line(seed, rate), Line(seed + 1, rate), random.Random(seed + 2)  # noqa: S311 - as above
    client, station, now, events = RtuClientLink(answer_timeout_s=1.0), RtuStationLink(), 0.0, []
    for _ in range(ROUNDS):
        other = ReadRequest(start=choose.randrange(0x10000), count=choose.randint(1, 125))
        for pdu in (other.to_bytes(), reply_to(other).to_bytes()):
            for piece in there.carry(RtuFrame(unit=9, pdu=pdu).to_bytes()):
                heard = station.receive(piece, now)
                assert not any(isinstance(event, Requested) and event.unit == 1 for event in heard)
            now += 0.005
        now += 0.1
        request = ReadRequest(function=choose.choice([3, 4]), start=choose.randrange(0x10000), count=choose.randint(1, 125))
        heard = []
        for piece in there.carry(client.send(request, unit=1, now=now)):
            heard += station.receive(piece, now)
        now += 0.1
        for asked in [*heard, *station.receive(b"", now)]:
            if isinstance(asked, Requested) and asked.unit == 1 and not hasattr(asked.request, "data"):
                for piece in back.carry(station.send(reply_to(asked.request), asked)):
                    events += [(request, event) for event in client.receive(piece, now)]
        now += 2.0
        events += [(request, event) for event in client.receive(b"", now)]
    return events


def test_a_clean_serial_line_answers_everything():
    events = converse_on_a_serial_line(seed=1, rate=0.0)
    assert len(events) == ROUNDS
    assert all(isinstance(event, Answered) and event.reply.data == contents(request) for request, event in events)


@pytest.mark.parametrize("seed", range(8))
def test_a_bad_serial_line_gives_right_answers_or_none(seed):
    events = converse_on_a_serial_line(seed=100 * seed, rate=0.003)
    settled = [(request, event) for request, event in events if isinstance(event, Answered | Unanswered)]
    assert len(settled) == ROUNDS
    assert all(event.reply.data == contents(request) for request, event in settled if isinstance(event, Answered))
    assert any(isinstance(event, Unanswered) for _, event in settled)
    assert sum(isinstance(event, Answered) for _, event in settled) > ROUNDS / 3
