"""What any input at all must not do to either end of a Modbus line: raise, hang, grow, or change anything when it is refused.

The first byte of an input says which end it is for, and whether frames are repaired on the way: with a right CRC, or a right length, an
input reaches behind the check that would stop it. A meter carries out what is asked of it, and is as it was before the next input, so
that each input stands for itself. `tools/fuzz_modbus.py` feeds it by coverage and then in a flood; a short flood is in the tests.
"""

import gc
import resource
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from watthour.meter import Meter, first_state
from watthour.parameters import Interface
from watthour.samples import Block
from watthour.station.image import layout_of
from watthour.station.modbus import SERIAL_LINE, TCP_PORT, Ask, Broadcast, Denied, Station
from watthour.station.plain_reads import REMEMBERED, PlainReads
from watthour.station.rights import EVERYTHING, NOTHING, READ_ONLY
from watthour.view import ClosePeriod, Verdict, ready_values
from watthour.wire.modbus.about import Diagnostic
from watthour.wire.modbus.link import Answered, Broken, Requested
from watthour.wire.modbus.message import (
    DiagnosticMessage,
    ExceptionReply,
    ReadBitsRequest,
    ReadRequest,
    ReadWriteRequest,
    WriteBitRequest,
    WriteRequest,
)
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


HANGS_S = 10
"""CPU after which an input is taken to hang; the longest takes a few hundredths."""

MAY_GROW_BLOCKS = 300
"""Pieces of memory that any number of inputs may leave behind: counts that became greater than small integers, and the like."""

EXCEPTIONS = DiagnosticMessage(sub=Diagnostic.SERVER_EXCEPTIONS)
WRITES = WriteRequest | WriteBitRequest | ReadWriteRequest
COUNTERS_MODULUS = 0x1_0000


def metered():
    """Return a meter that has seen two seconds and closed three periods, with a rate that the bus selects."""
    meter = Meter(first_state({"model": "Q23612", "serial": 23612001, "rate_source": "bus"}))
    angle = 2 * np.pi * 50 * np.arange(16_000) / 8000 - 2 * np.pi / 3 * np.arange(3)[:, None]
    meter.step(Block(voltages=325 * np.cos(angle), currents=7 * np.cos(angle - 0.5), rate_hz=8000.0, first_sample=0), 0)
    meter.end()
    for _ in range(3):
        meter.command(ClosePeriod(interface=Interface.BUS), 2_000_000_000)
    meter.take_events()
    return meter


class Target:
    """Both ends; links are fresh for every input, the stations of a port and of a line, and their meter, are one for all.

    Parameters
    ----------
    meter : Meter
        Carries out what is asked, and is brought back to how it was.
    """

    def __init__(self, meter):
        self.meter, self._state = meter, meter.state
        self._view = meter.view()
        self._image = layout_of(self._view.model).image(self._view)
        self.asked = 0
        self.answered = 0
        self.refused = 0
        self.matched = 0
        self.short_ways = 0
        self._doors = [getattr(self, name) for name in DOORS]
        self._begin()

    def _begin(self):
        self.views = [self._view]
        self._port, self._line = Station([None], TCP_PORT), Station([None], SERIAL_LINE)
        self._plain_reads = PlainReads(self._port, [lambda: self.views[0]])
        self._port._images[0] = self._line._images[0] = self._image  # which takes longer to make than an input takes

    def _shown(self, station):
        """Return all registers that a station shows."""
        return station.image(0, self.views[0], late=True)

    def _as_changed(self, view):
        """Return a view of the changed meter; what it finds only when asked is that of the same window, and found already."""
        return replace(view, values=self._view.values.with_ready(ready_values(view)))

    def _go_back(self):
        """Bring the meter, and what the lines have selected of it, back to how they were."""
        if self.meter.state is not self._state:
            self.meter.go_back(self._state)
            self._begin()
        elif not self._shown(self._port) is self._image.data is self._shown(self._line):
            self._begin()

    def forget(self):
        """Forget what is kept on purpose: the reads that a port remembers, a bounded number."""
        assert len(self._plain_reads._cuts) <= REMEMBERED
        self._plain_reads._cuts.clear()

    def one_input(self, data):
        """Feed an input: its first byte says to which door, and in what pieces."""
        if data:
            way, door = divmod(data[0], len(DOORS))
            self._cut = (cut_by_ones if way == 1 else whole) if way % 2 else cut
            self._doors[door](data[1:])
            self._go_back()

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
        bodies = (data[at : at + 6] for at in range(0, min(len(data) - 5, 6 * FRAMES), 6))
        frames = (
            b"\0\1\0\0\0\6" + bytes((body[0] & 1, 3 + body[0] // 2 % 2 if body[0] < 240 else body[1])) + body[2:]
            for body in bodies
        )
        self._station(TcpStationLink(), b"".join(frames), self._port)

    def tcp_client(self, data):
        self._client(TcpClientLink(), data)

    def rtu_client(self, data):
        self._client(RtuClientLink(), data)
        repaired = b"".join(RtuFrame(unit=1, pdu=piece[1:] or b"\0").to_bytes() for piece in pieces(data[1:]))
        self._client(RtuClientLink(), data[:1] + repaired)

    def _client(self, link, data):
        """Ask what the first byte says, and hear the others."""
        request = ReadBitsRequest(start=0, count=9) if data[:1] < b"\x40" else ReadRequest(start=0, count=2)
        link.send(request, unit=1, now=0.0)
        for now, piece in enumerate(self._cut(data[1:])):
            self.matched += sum(isinstance(event, Answered) for event in link.receive(piece, now / 100))
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
        state, shown, exceptions = self.meter.state, self._shown(station), self._exceptions(station)
        answer = station.answer(asked.unit, asked.request, self.views, rights)
        if short is not None:
            self.short_ways += 1
            assert short == link.send(answer, asked)
        reply = self._reply(station, answer, rights)
        is_refused = isinstance(reply, ExceptionReply)
        if is_refused or not isinstance(asked.request, WRITES):
            assert self.meter.state is state, "only a write that is answered as done changes the meter"
            assert self._shown(station) == shown, "only a write that is answered as done changes what is shown"
        if is_refused and station is self._line:
            assert self._exceptions(station) == (exceptions + 1) % COUNTERS_MODULUS, (
                "an exception counts one, and clears nothing"
            )
        if reply is not None:
            self.answered += 1
            self.refused += is_refused
            self._leaves(link, reply, asked)

    def _reply(self, station, answer, rights):
        """Return what leaves for an answer; None: nothing."""
        if isinstance(answer, Broadcast):
            self._carry(answer.asks, rights)
            return None
        if isinstance(answer, Denied):
            assert answer.reply.code == 1
            assert rights is not EVERYTHING
            return answer.reply
        if isinstance(answer, Ask):
            (outcome,) = self._carry([answer], rights)
            reply = station.reply(answer, outcome, self.views)
            assert isinstance(reply, ExceptionReply) == (outcome.verdict is not Verdict.DONE)
            return reply
        return answer

    def _exceptions(self, station):
        """Return how many exceptions a line has counted."""
        return int.from_bytes(station._counters.answer(0, EXCEPTIONS).data, "big") if station is self._line else 0

    def _leaves(self, link, reply, asked):
        pdu = reply.to_bytes()
        assert 2 <= len(pdu) <= PDU_MAXIMUM
        assert pdu[0] & 0x7F == asked.request.function & 0x7F
        assert pdu in link.send(reply, asked)

    def _carry(self, asks, rights):
        """Have the meter carry out what was asked, and return the outcomes."""
        assert rights is EVERYTHING or not asks
        outcomes = [self.meter.command(ask.command, 3_000_000_000) for ask in asks]
        self.asked += len(outcomes)
        if self.meter.state is not self._state:
            self.views = [self._as_changed(self.meter.view())]
        return outcomes


FRAMES = 8
"""Frames that one input is made into at most: more of them reach nothing that two do not."""


def pieces(data):
    """Yield parts of an input, each of one to 253 bytes: its first byte says how long it is."""
    at = 0
    for _ in range(FRAMES):
        if at + 1 >= len(data):
            return
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


BY_ONES = 14
"""Bytes of an input that come one by one, where they do: one of the longer frames."""


def cut_by_ones(data):
    """Yield an input byte by byte, and what is left of a long one at once."""
    for at in range(min(len(data), BY_ONES)):
        yield data[at : at + 1]
    yield from whole(data[BY_ONES:])


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


@dataclass(frozen=True, kw_only=True)
class Flood:
    """What a flood of inputs came to.

    Parameters
    ----------
    blocks, resident_kb : pair of int
        Pieces of memory that Python had allocated, and memory of the process, behind the first tenth and at the end.
    """

    inputs: int
    cpu_s: float
    blocks: tuple[int, int]
    resident_kb: tuple[int, int]


def flood(target, inputs, *, tell_every=None):
    """Feed inputs one by one; raise where one raises, hangs or changes what it must not, or where all of them let memory grow."""
    begun, count, first = time.process_time(), 0, None
    tenth = max(1, len(inputs) // 10)
    with no_hang() as alive:
        for count, data in enumerate(inputs, 1):
            alive()
            try:
                target.one_input(data)
            except BaseException:
                print("input:", data.hex(), flush=True)  # noqa: T201 - to be tried again
                raise
            if count == tenth:
                first = memory(target)
            if tell_every and count % tell_every == 0:
                rate = count / (time.process_time() - begun)
                print(f"{count} inputs, {rate:.0f} a second of CPU, {memory(target)} blocks and KiB", flush=True)  # noqa: T201 - a flood is long
    last = memory(target)
    (blocks, resident), (blocks_last, resident_last) = first, last
    assert blocks_last - blocks <= MAY_GROW_BLOCKS, f"memory grew by {blocks_last - blocks} blocks"
    return Flood(
        inputs=count,
        cpu_s=time.process_time() - begun,
        blocks=(blocks, blocks_last),
        resident_kb=(resident, resident_last),
    )


def memory(target):
    """Return how many pieces of memory Python has allocated beside what is kept on purpose, and KiB of the process."""
    target.forget()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return sys.getallocatedblocks(), pages * resource.getpagesize() // 1024


@contextmanager
def no_hang():
    """Raise in the middle of what takes too much CPU; what is yielded says that it goes on."""

    def hangs(_signal, _frame):
        message = f"no end after {HANGS_S} s"
        raise TimeoutError(message)

    def alive():
        signal.setitimer(signal.ITIMER_VIRTUAL, HANGS_S)

    gc.collect()
    gc.freeze()  # a large process is not searched for garbage on an input's time
    before = signal.signal(signal.SIGVTALRM, hangs)
    alive()
    try:
        yield alive
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        gc.unfreeze()
