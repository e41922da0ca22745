"""The meters that answer on one line, whatever carries it: a TCP port with its connections, or a tty.

In: what was asked. Out: what the station answers, what becomes of it by a script of faults, and commands on their way to the
meters.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from watthour.errors import UsageError
from watthour.host.lines.port import MeterPort
from watthour.host.lines.url import BusUrl
from watthour.station.modbus import Ask, Broadcast, Denied, Station
from watthour.station.plain_reads import PlainReads
from watthour.station.rights import EVERYTHING, Rights
from watthour.view import Outcome, View
from watthour.wire.modbus.about import Diagnostic
from watthour.wire.modbus.faults import BusFault, Encoder, FaultInjector, Outgoing
from watthour.wire.modbus.link import Discarded, Requested, StationEvent
from watthour.wire.modbus.message import Reply

OWN_UNITS = range(1, 248)
"""Addresses a station may have (Serial Line V1.02, 2.2)."""

CLOSING_S = 1.0
"""Time for commands and replies on their way when a line closes."""

TellFault = Callable[[BusFault, Requested, int], None]
"""What is told of a fault that struck: the fault, what was asked, and the instant in nanoseconds UTC."""

TellDenied = Callable[[Denied, Requested, str], None]
"""What is told of a request that a role does not allow, and by whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who asks on a line.

    Parameters
    ----------
    name : str
        What messages call it.
    """

    name: str
    rights: Rights


TRUSTED = Client(name="the line", rights=EVERYTHING)


class SharedLine:
    """Meters on one line.

    Parameters
    ----------
    ports : sequence of MeterPort
    station : Station
        Of as many units.
    injector : FaultInjector, optional
        The faults that befall the line.
    tell_fault : callable, optional
        Told of each fault that strikes.
    tell_denied : callable, optional
        Told of each request that the client's role does not allow.
    """

    def __init__(
        self,
        ports: Sequence[MeterPort],
        station: Station,
        injector: FaultInjector | None = None,
        tell_fault: TellFault | None = None,
        tell_denied: TellDenied | None = None,
    ) -> None:
        self._tell_denied = tell_denied
        self._ports = tuple(ports)
        self._station = station
        self._plain_reads = PlainReads(station, [port.view for port in ports])
        self._injector = injector
        self._tell_fault = tell_fault
        self._asking: set[asyncio.Task[None]] = set()

    def answer(self, asked: Requested, client: Client = TRUSTED) -> Reply | Ask | Broadcast | None:
        """Return what a request of a client gets; a refusal for want of rights is told."""
        answer = self._station.answer(asked.unit, asked.request, self._views(), client.rights)
        if not isinstance(answer, Denied):
            return answer
        if self._tell_denied is not None:
            self._tell_denied(answer, asked, client.name)
        return answer.reply

    def plain_reads(self, rights: Rights) -> PlainReads | None:
        """Return the short way of reads on TCP; None where faults are made, or a role has to be asked."""
        return self._plain_reads if self._injector is None and rights.may_read_all else None

    def reply(self, ask: Ask, outcome: Outcome) -> Reply:
        """Return the reply that the outcome of a command makes."""
        return self._station.reply(ask, outcome, self._views())

    def overheard(self, event: StationEvent) -> None:
        """Take note of what was on the line beside requests."""
        is_damage = isinstance(event, Discarded)
        self._station.overheard(Diagnostic.BUS_COMMUNICATION_ERRORS if is_damage else Diagnostic.BUS_MESSAGES)

    def _views(self) -> list[View]:
        return [port.view() for port in self._ports]

    def outgoing(self, reply: Reply, asked: Requested, link: Encoder) -> Outgoing:
        """Return what leaves for a reply: its bytes, or what the script's faults make of them."""
        if self._injector is None:
            return Outgoing(data=link.send(reply, asked))
        views = self._views()
        meter = self._station.meter_of(asked.unit, views) or 0
        outgoing = self._injector.distort(reply, asked, link, self._ports[meter].sample_time_s())
        if self._tell_fault is not None:
            for fault in outgoing.struck:
                self._tell_fault(fault, asked, views[meter].time_ns)
        return outgoing

    async def outcome(self, ask: Ask) -> Outcome:
        """Carry a command to its meter, and return how it ended."""
        return await self._ports[ask.meter].ask(ask.command)

    def begin(self, carrying: Coroutine[Any, Any, None]) -> None:
        """Let commands be carried while the line goes on."""
        task = asyncio.get_running_loop().create_task(carrying)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def close(self) -> None:
        """Let commands on their way arrive, and give up those that do not."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=CLOSING_S)
        for task in self._asking:
            task.cancel()


def check_units(url: BusUrl, units: Sequence[int | None]) -> None:
    """Refuse units that no station has, or that stand for two meters.

    Raises
    ------
    UsageError
    """
    check_own(url, units, OWN_UNITS, "unit")


def check_own(url: BusUrl, numbers: Sequence[int | None], allowed: range, word: str) -> None:
    """Refuse numbers on a line that no meter may have, or that stand for two; None is the meter's own.

    Raises
    ------
    UsageError
    """
    fixed = [number for number in numbers if number is not None]
    for number in fixed:
        if number not in allowed:
            msg = f"{url}: a meter's {word} is {allowed[0]} to {allowed[-1]}, not {number}"
            raise UsageError(msg)
        if fixed.count(number) > 1:
            msg = f"{url}: {word} {number} stands for more than one meter: give each its own"
            raise UsageError(msg)
