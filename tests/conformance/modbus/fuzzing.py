"""What any input at all must not do to either end of a Modbus line: raise, hang, grow, or change anything when it is refused.

The first byte of an input says which end it is for, and whether frames are repaired on the way: with a right CRC, or a right length, an
input reaches behind the check that would stop it. `tools/fuzz_modbus.py` feeds it by coverage; a short form feeds it from a seed.
"""

from watthour.parameters import Interface, check_setting
from watthour.station.modbus import SERIAL_LINE, TCP_PORT, Ask, Broadcast, Denied, Station
from watthour.station.plain_reads import PlainReads
from watthour.station.rights import EVERYTHING, NOTHING, READ_ONLY
from watthour.view import Outcome, Verdict, WriteSettings
from watthour.wire.modbus.link import Broken, Requested
from watthour.wire.modbus.message import ExceptionReply, ReadBitsRequest, ReadRequest
from watthour.wire.modbus.rtu_frame import RtuFrame
from watthour.wire.modbus.rtu_link import RtuClientLink, RtuStationLink
from watthour.wire.modbus.tcp_link import TcpClientLink, TcpStationLink

LONGEST_KEPT = 600
"""Bytes that a link may hold back: two frames and a bit."""
PDU_MAXIMUM = 253
SPOILT = 0xFE
"""The first byte of a piece after which a serial port marks a damaged character."""


DOORS = ("tcp", "rtu", "repaired_rtu", "repaired_tcp", "tcp_client", "rtu_client", "pdu", "short_tcp")
"""Ways in, by the number that an input begins with."""


class Target:
    """Both ends; links are fresh for every input, the stations of a port and of a line, and the view, are one for all."""

    def __init__(self, view):
        self.view, self.views = view, [view]
        self.asked = 0
        self.answered = 0
        self.short_ways = 0
        self._port, self._line = Station([None], TCP_PORT), Station([None], SERIAL_LINE)
        self._plain_reads = PlainReads(self._port, [lambda: view])
        self._doors = [getattr(self, name) for name in DOORS]

    def one_input(self, data):
        """Feed an input: its first byte says to which door, and in what pieces."""
        if data:
            way, door = divmod(data[0], len(DOORS))
            self._cut = (cut_by_ones if way == 1 else whole) if way % 2 else cut
            self._doors[door](data[1:])

    def tcp(self, data):
        self._station(TcpStationLink(), data, self._port)

    def rtu(self, data):
        self._station(RtuStationLink(), data, self._line)

    def pdu(self, data):
        """One frame without a fault around it, to our unit, read only or without rights."""
        rights = READ_ONLY if data[:1] < b"\x80" else NOTHING
        frame = RtuFrame(unit=1, pdu=data[1 : PDU_MAXIMUM + 1] or b"\0").to_bytes()
        self._station(RtuStationLink(), frame, self._line, rights)

    def repaired_rtu(self, data):
        self._station(
            RtuStationLink(),
            b"".join(RtuFrame(unit=piece[0] & 3, pdu=piece[1:]).to_bytes() for piece in pieces(data)),
            self._line,
        )

    def repaired_tcp(self, data):
        frames = (b"\0\1\0\0" + len(piece).to_bytes(2, "big") + bytes((piece[0] & 3,)) + piece[1:] for piece in pieces(data))
        self._station(TcpStationLink(), b"".join(frames), self._port)

    def short_tcp(self, data):
        """Frames that each come alone and are as long as a read, most of them one."""
        self._cut = by_twelves
        bodies = (data[at : at + 6] for at in range(0, len(data) - 5, 6))
        frames = (
            b"\0\1\0\0\0\6" + bytes((body[0] & 1, 3 + body[0] // 2 % 2 if body[0] < 240 else body[1])) + body[2:]
            for body in bodies
        )
        self._station(TcpStationLink(), b"".join(frames), self._port)

    def tcp_client(self, data):
        self._client(TcpClientLink(), data)

    def rtu_client(self, data):
        self._client(RtuClientLink(), data)
        self._client(RtuClientLink(), b"".join(RtuFrame(unit=1, pdu=piece).to_bytes() for piece in pieces(data)))

    def _client(self, link, data):
        request = ReadBitsRequest(start=0, count=9) if data[:1] < b"\x40" else ReadRequest(start=0, count=2)
        link.send(request, unit=1, now=0.0)
        for now, piece in enumerate(self._cut(data)):
            link.receive(piece, now / 100)
        link.receive(b"", 100.0)
        link.end()
        assert held(link) == 0

    def _station(self, link, data, station, rights=EVERYTHING):
        now = 0.0
        for now, piece in enumerate(self._cut(data)):
            is_port_at_rest = station is self._port and link.next_deadline() is None and rights is EVERYTHING
            short = self._plain_reads.reply(piece) if is_port_at_rest else None
            events = link.receive(piece, now / 100)
            if piece[0] == SPOILT:
                events += link.spoil(now / 100)
            self._take(link, station, events, rights, short)
            assert held(link) <= LONGEST_KEPT
        self._take(link, station, [*link.receive(b"", now + 100.0), *link.end()], rights)
        assert held(link) == 0

    def _take(self, link, station, events, rights, short=None):
        """Answer what was asked; the short way, where it has an answer, has the same one."""
        for event in events:
            if isinstance(event, Requested):
                self._answer(link, station, event, rights, short)
            elif not isinstance(event, Broken):
                station.overheard(0x0B)

    def _answer(self, link, station, asked, rights, short):
        views = self.views
        answer = station.answer(asked.unit, asked.request, views, rights)
        if short is not None:
            self.short_ways += 1
            assert short == link.send(answer, asked)
        if answer is None:
            return
        self.answered += 1
        if isinstance(answer, Denied):
            assert answer.reply.code == 1
            assert rights is not EVERYTHING
        elif isinstance(answer, Broadcast):
            for ask in answer.asks:
                assert rights is EVERYTHING
                self._carry(ask)
        elif isinstance(answer, Ask):
            assert rights is EVERYTHING
            verdict = self._carry(answer)
            reply = station.reply(answer, Outcome(verdict=verdict), views)
            assert isinstance(reply, ExceptionReply) == (verdict is not Verdict.DONE)
            self._leaves(link, reply, asked)
        else:
            self._leaves(link, answer, asked)

    def _leaves(self, link, reply, asked):
        pdu = reply.to_bytes()
        assert 2 <= len(pdu) <= PDU_MAXIMUM
        assert pdu[0] & 0x7F == asked.request.function & 0x7F
        assert pdu in link.send(reply, asked)

    def _carry(self, ask):
        """Judge a command as a meter would; a write of nothing that is a setting would be a fault of the station."""
        self.asked += 1
        if isinstance(ask.command, WriteSettings):
            assert ask.command.settings
            try:
                for name, value in ask.command.settings.items():
                    check_setting(name, value, Interface.BUS)
            except ValueError:
                return Verdict.OUT_OF_RANGE
            except Exception as problem:
                if type(problem).__name__ != "OutOfRangeError":
                    raise
                return Verdict.OUT_OF_RANGE
        return Verdict.DONE


def pieces(data):
    """Yield parts of an input, each of one to 253 bytes: its first byte says how long it is."""
    at = 0
    while at + 1 < len(data):
        size = data[at] % PDU_MAXIMUM + 1
        yield data[at + 1 : at + 1 + size]
        at += 1 + size


SIZES = (60, 1, 2, 7, 8, 12, 13, 260)


def cut(data):
    """Yield an input in pieces as a port may deliver it, cut by its own bytes."""
    at = 0
    while at < len(data):
        size = SIZES[data[at] % len(SIZES)]
        yield data[at : at + size]
        at += size


def cut_by_ones(data):
    """Yield an input byte by byte."""
    for at in range(len(data)):
        yield data[at : at + 1]


def by_twelves(data):
    """Yield an input by the length of a read on TCP."""
    for at in range(0, len(data), 12):
        yield data[at : at + 12]


def whole(data):
    """Yield an input as it is."""
    if data:
        yield data


def held(link):
    """Return how many bytes a link holds back."""
    return len(link._stream._rest)
