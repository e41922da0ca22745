"""Requests of one connection, or of one serial line, answered in their order.

In: bytes as a transport delivers them. Out: replies, each when the one before has left. While a command is on its way to a
meter, while a reply is held back, or while the other end does not read, nothing more is read.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from watthour.host.lines.shared_line import Client, SharedLine
from watthour.host.lines.trace import LineTrace
from watthour.station.modbus import Ask, Broadcast
from watthour.station.plain_reads import PlainReads
from watthour.wire.modbus.link import Broken, Requested, StationEvent, StationLink
from watthour.wire.modbus.message import Reply


class Conversation:
    """What is asked and answered over one transport.

    Parameters
    ----------
    line : SharedLine
        The meters there, which may have other conversations too.
    link : StationLink
        This end.
    client : Client
        Who asks.
    cut : callable
        Cuts the transport off, where a fault asks for it.
    trace : LineTrace, optional
        Where what leaves is written.
    plain_reads : PlainReads, optional
        The short way, where reads may take it.

    Attributes
    ----------
    heard_s : float
        When something was last heard, by the loop's clock.
    """

    def __init__(
        self,
        line: SharedLine,
        link: StationLink,
        transport: asyncio.Transport,
        *,
        client: Client,
        cut: Callable[[], None],
        trace: LineTrace | None = None,
        plain_reads: PlainReads | None = None,
    ) -> None:
        self._line = line
        self._client = client
        self._trace = trace
        self._link = link
        self._plain_reads = plain_reads
        self._transport = transport
        self._cut = cut
        self._loop = asyncio.get_running_loop()
        self.heard_s = self._loop.time()
        self._queue: deque[Requested] = deque()
        self._is_busy = False
        self._is_broken = False
        self._deadline: asyncio.TimerHandle | None = None
        self._held_back: asyncio.TimerHandle | None = None
        self.is_full = False

    @property
    def is_busy(self) -> bool:
        """Whether something that was asked is still to be answered."""
        return self._is_busy or bool(self._queue)

    def hear(self, data: bytes) -> None:
        """Take what the transport delivered."""
        self.heard_s = now_s = self._loop.time()
        if self._plain_reads is not None and not self._is_busy and self._link.next_deadline() is None:
            reply = self._plain_reads.reply(data)
            if reply is not None and not self._transport.is_closing():
                self._transport.write(reply)
                return
        self._take(self._link.receive(data, now_s))

    def spoil(self) -> None:
        """Take it that a character came damaged."""
        self._take(self._link.spoil(self._loop.time()))

    def end(self) -> None:
        """Take it that nothing more comes; replies can still leave."""
        self._plain_reads = None
        self._link.end()

    def drop(self) -> None:
        """Forget what is unanswered: the transport is gone."""
        self._queue.clear()
        for timer in (self._deadline, self._held_back):
            if timer is not None:
                timer.cancel()

    def pause(self) -> None:
        """Read no more: the other end does not read what it is sent."""
        self.is_full = True
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self.is_full = False
        self._go_on()

    def _take(self, events: Sequence[StationEvent]) -> None:
        """Take what the link heard: requests to answer, or that no more can be heard."""
        for event in events:
            if isinstance(event, Requested):
                self._queue.append(event)
            elif isinstance(event, Broken):
                self._is_broken = True
                self._plain_reads = None
            else:
                self._line.overheard(event)
        self._answer()
        deadline = self._link.next_deadline()
        if deadline is not None and self._deadline is None:
            self._deadline = self._loop.call_at(deadline, self._let_time_pass)

    def _let_time_pass(self) -> None:
        self._deadline = None
        self._take(self._link.receive(b"", self._loop.time()))

    def _answer(self) -> None:
        """Answer what is asked, in order, up to a command that a meter must be asked or a reply that is held back."""
        replies = []
        while self._queue and not self._is_busy:
            asked = self._queue.popleft()
            answer = self._line.answer(asked, self._client)
            if isinstance(answer, Ask):
                self._wait()
                self._line.begin(self._carry(answer, asked))
            elif isinstance(answer, Broadcast):
                self._line.begin(self._carry_all(answer))
            elif answer is not None:
                replies.append(self._send(answer, asked))
        if any(replies) and not self._transport.is_closing():
            self._transport.write(b"".join(replies))
        if self._is_broken and not self._is_busy:
            self._transport.close()

    def _send(self, reply: Reply, asked: Requested) -> bytes:
        """Return the bytes of a reply that leave now; hold those back that do not."""
        outgoing = self._line.outgoing(reply, asked, self._link)
        if outgoing.is_cut:
            self._cut()
        delay_s = self._link.turnaround_s + outgoing.delay_s
        if not outgoing.data or not delay_s:
            return self._traced(outgoing.data)
        self._wait()
        self._held_back = self._loop.call_later(delay_s, self._send_late, outgoing.data)
        return b""

    def _send_late(self, data: bytes) -> None:
        self._held_back = None
        self._reply(self._traced(data))

    def _traced(self, data: bytes) -> bytes:
        """Return what leaves, written into the trace where there is one."""
        if self._trace is not None and data:
            self._trace.sent(data)
        return data

    async def _carry(self, ask: Ask, asked: Requested) -> None:
        """Ask a meter, and let its outcome be the reply."""
        try:
            reply = self._line.reply(ask, await self._line.outcome(ask))
        except Exception as problem:  # noqa: BLE001 - whatever failed, the client gets its exception and the log its cause
            self._report(problem)
            reply = ask.failed()
        if not self._transport.is_closing():
            self._is_busy = False
            data = self._send(reply, asked)
            if not self._is_busy:
                self._reply(data)

    async def _carry_all(self, broadcast: Broadcast) -> None:
        """Ask every meter that a broadcast means; nobody replies."""
        outcomes = await asyncio.gather(*map(self._line.outcome, broadcast.asks), return_exceptions=True)
        for problem in outcomes:
            if isinstance(problem, Exception):
                self._report(problem)

    def _report(self, problem: Exception) -> None:
        self._loop.call_exception_handler({"message": "a command could not be carried to the meter", "exception": problem})

    def _wait(self) -> None:
        """Answer and hear no more until the reply at hand has left."""
        self._is_busy = True
        self._transport.pause_reading()

    def _reply(self, data: bytes) -> None:
        """Let a reply leave, answer what was asked meanwhile, and read on."""
        self._is_busy = False
        if self._transport.is_closing():
            return
        if data:
            self._transport.write(data)
        self._answer()
        self._go_on()

    def _go_on(self) -> None:
        """Read on where nothing speaks against it."""
        if not self._is_busy and not self.is_full:
            self._transport.resume_reading()
