"""What any input at all must not do to either end of an M-Bus line: raise, hang, grow, or get a reply to what is damaged.

The first byte of an input says which end it is for, and whether frames are repaired on the way: with right lengths and a right
checksum an input reaches behind the checks that would stop it. `tools/fuzz_mbus.py` feeds it by coverage; a short form feeds it
from a seed.
"""

from watthour.errors import TelegramError
from watthour.host.lines.mbus_values import values_of
from watthour.host.telegrams import as_json
from watthour.station.mbus import MBusStation
from watthour.view import Outcome, Verdict
from watthour.wire.mbus.frame import LongFrame, Malformed, NeedMore, ShortFrame, parse
from watthour.wire.mbus.link import Heard, MBusReceiver, Timing
from watthour.wire.mbus.message import Foreign, decode_request
from watthour.wire.mbus.record import parse_records
from watthour.wire.mbus.telegram import Telegram, decode_response

LONGEST_KEPT = 261
"""Bytes that a receiver may hold back: a frame."""
DATA_MAXIMUM = 252


def pieces(data):
    """Cut an input into pieces, each as long as its first byte says."""
    found, at = [], 0
    while at < len(data):
        size = data[at] or 1
        found.append(data[at + 1 : at + 1 + size])
        at += 1 + size
    return [piece for piece in found if piece]


class Target:
    """Both ends, fresh for every input; the views are the same for all."""

    def __init__(self, views):
        self.views = views
        self.asked = 0
        self.answered = 0
        self.decoded = 0
        self._doors = (self.station, self.repaired_station, self.master, self.repaired_master, self.records)

    def one_input(self, data):
        if data:
            self._doors[data[0] % len(self._doors)](data[1:])

    def station(self, data):
        self._station(data)

    def repaired_station(self, data):
        """Frames of a master with right lengths and checksum: short ones of two bytes, long ones of more."""
        frames = []
        for piece in pieces(data):
            control = (0x40, 0x5B, 0x7B, 0x5A, 0x53, 0x73, 0x53, piece[0])[piece[0] & 7]
            address = (1, 2, 253, 254, 255, 0, 1, 253)[piece[0] >> 3 & 7]
            is_long = control in {0x53, 0x73}
            frame = (
                LongFrame(
                    control=control, address=address, ci=piece[1] if len(piece) > 1 else 0, data=piece[2 : 2 + DATA_MAXIMUM]
                )
                if is_long
                else ShortFrame(control=control, address=address)
            )
            frames.append(frame.to_bytes())
        self._station(b"".join(frames))

    def master(self, data):
        found = parse(data)
        if isinstance(found, LongFrame):
            self._response(found)
        else:
            assert not isinstance(found, Malformed) or found.reason

    def repaired_master(self, data):
        ci = (0x72, 0x70, 0x71, 0x78, 0x7A, data[0] if data else 0)[(data[0] if data else 0) % 6]
        self._response(LongFrame(control=0x08, address=1, ci=ci, data=data[1 : 1 + DATA_MAXIMUM]))

    def records(self, data):
        try:
            content = parse_records(data)
        except TelegramError as problem:
            assert problem.fault  # noqa: PT017 - damage may be found, and then has a name
            return
        again = parse_records(content.to_bytes())
        assert again == content, "what is read is written back, and read again the same"

    def _response(self, frame):
        assert parse(frame.to_bytes()) == frame
        try:
            response = decode_response(frame)
        except TelegramError as problem:
            assert problem.fault  # noqa: PT017 - damage may be found, and then has a name
            return
        as_json(response)
        if isinstance(response, Telegram):
            values_of([response])
            self.decoded += len(response.content.records)

    def _station(self, data):
        station, receiver, now = MBusStation((None, 2)), MBusReceiver(Timing()), 0.0
        at = 0
        while at < len(data):
            size = 1 + data[at] % 40
            now += 0.001 if data[at] & 0x80 else 0.004
            for event in receiver.receive(data[at : at + size], now):
                if isinstance(event, Heard):
                    self._answer(station, event.frame)
            assert len(receiver._rest) <= LONGEST_KEPT
            at += size
        receiver.receive(b"", now + 10.0)
        assert receiver.next_deadline() is None
        assert not receiver._rest

    def _answer(self, station, frame):
        request = decode_request(frame)
        if isinstance(request, Foreign):
            return
        answer = station.answer(request, self.views)
        self.answered += bool(answer.reply)
        assert request.address != 255 or not answer.reply, "nobody answers a broadcast"
        if answer.reply and request.address not in {253, 254}:
            assert not isinstance(parse(answer.reply), Malformed | NeedMore)
        for ask in answer.asks:
            self.asked += 1
            station.settle(ask, Outcome(verdict=Verdict.SEALED))
