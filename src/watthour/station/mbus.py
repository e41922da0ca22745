"""Meters as slaves on an M-Bus line: a request and their views become a reply, commands to ask, a change of speed, or silence.

In: a request, and a view of each meter on the line. Out: an `Answer`. What a meter remembers of its link (frame count bits,
selection, the telegram that is due) lives here; bytes in pieces, ports and time do not.

Several meters may answer at once, as a wildcard makes them: a line adds their currents, so a 0 of one covers a 1 of another, and
what a master hears is the bits that all of them sent (`collided`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from types import MappingProxyType

from watthour.errors import TelegramError
from watthour.maps.mbus import ACTIVE_RATE_VIB, CLOSING_STORAGE, PARTIAL_STORAGE, Set
from watthour.parameters import Interface
from watthour.station.mbus_telegrams import content_of, header_of, telegram_count, telegram_of
from watthour.units import NANOSECONDS
from watthour.view import ClosePeriod, Command, Outcome, ResetPartial, SelectRate, SetClock, Verdict, View, WriteSettings
from watthour.wire.mbus.frame import Acknowledge
from watthour.wire.mbus.message import (
    BAUD_RATES,
    BROADCAST,
    EVERYONE,
    MASK_SIZE,
    SELECTED,
    Ci,
    RequestAlarm,
    RequestData,
    ResetLink,
    SendData,
    matches,
)
from watthour.wire.mbus.message import Request as MBusRequest
from watthour.wire.mbus.record import DataField, Fault, Record, Records, parse_records
from watthour.wire.mbus.telegram import ApplicationError
from watthour.wire.mbus.times import LocalTime, Recurring, decode_time
from watthour.wire.mbus.value import decode_number

ACKNOWLEDGED = Acknowledge().to_bytes()

UNSPECIFIED = 0
UNKNOWN_CI = 1
TOO_MANY_RECORDS = 3
PREMATURE_END = 4
TOO_MANY_DIFE = 5
TOO_MANY_VIFE = 6
BUSY = 8
"""Codes of application errors (EN 13757-3:2018, clause 10)."""

_FAULT_CODES: Mapping[str, int] = MappingProxyType({Fault.TOO_MANY_DIFE: TOO_MANY_DIFE, Fault.TOO_MANY_VIFE: TOO_MANY_VIFE})

_VIF_ADDRESS = 0x7A
_VIF_IDENTIFICATION = 0x79
_VIF_FABRICATION = 0x78
_VIF_ENERGY = 0x03
_VIF_TIME = 0x6D
_CLEAR, _FREEZE = b"\x07", b"\x0b"
"""VIFE of object actions (EN 13757-3:2018, 6.4.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A command for one of the meters; the acknowledgement does not wait for its outcome.

    Parameters
    ----------
    meter : int
        Place of the meter on the line.
    """

    meter: int
    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request brings about.

    Parameters
    ----------
    reply : bytes
        Empty: silence.
    asks : tuple of Ask
    baudrate : int, optional
        The speed in force once the reply has left.
    """

    reply: bytes = b""
    asks: tuple[Ask, ...] = ()
    baudrate: int | None = None


@dataclass(slots=True)
class _Link:
    """What a meter keeps of one class of addresses: its own, or 253."""

    fcb: bool | None = None
    done: tuple[bool, int, bytes] | None = None


@dataclass(slots=True)
class _Slave:
    """What a meter remembers between requests."""

    links: dict[bool, _Link] = field(default_factory=lambda: {False: _Link(), True: _Link()})
    is_selected: bool = False
    chosen: Set = Set.ALL
    telegram: int = 0
    view: View | None = None
    access_number: int = 0
    error: int | None = None
    pending: int = 0


def collided(replies: Sequence[bytes]) -> bytes:
    r"""Return what a master hears of replies that were sent at once.

    Equal ones, as acknowledgements are, count as one. Of others each begins a character after the one before, as no two meters
    answer in the same bit, and a bit is 1 where all that are on the line have it.

    >>> collided([b"\xe5", b"\xe5"]).hex(), collided([b"\x68\x0f\x0f", b"\x68\xf0\xf0"]).hex()
    ('e5', '680800f0')
    """
    if len(set(replies)) <= 1:
        return replies[0] if replies else b""
    heard = bytearray(b"\xff" * max(place + len(reply) for place, reply in enumerate(replies)))
    for begin, reply in enumerate(replies):
        for place, byte in enumerate(reply, begin):
            heard[place] &= byte
    return bytes(heard)


class MBusStation:
    """The meters that share one line.

    Parameters
    ----------
    addresses : sequence of int or None
        One for each meter: its primary address, or None where its setting ``mbus_address`` says it.
    """

    def __init__(self, addresses: Sequence[int | None] = (None,)) -> None:
        self._addresses = tuple(addresses)
        self._slaves = tuple(_Slave() for _ in self._addresses)

    def answer(self, request: MBusRequest, views: Sequence[View]) -> Answer:
        """Return what a request gets.

        Parameters
        ----------
        views : sequence of View
            The newest of each meter, in the order of the addresses.
        """
        answers = [
            self._answer(meter, request, view)
            for meter, view in enumerate(views)
            if view.powered and self._is_meant(meter, request, view)
        ]
        replies = [answer.reply for answer in answers if answer.reply]
        speeds = [answer.baudrate for answer in answers if answer.baudrate is not None]
        return Answer(
            reply=b"" if request.address == BROADCAST else collided(replies),
            asks=tuple(ask for answer in answers for ask in answer.asks),
            baudrate=speeds[0] if speeds else None,
        )

    def settle(self, ask: Ask, outcome: Outcome) -> None:
        """Take how a command ended: a refusal is told with the next data asked for; until then the meter is busy."""
        self._slaves[ask.meter].pending -= 1
        if outcome.verdict is not Verdict.DONE:
            self._slaves[ask.meter].error = UNSPECIFIED

    def address_of(self, meter: int, view: View) -> int:
        """Return a meter's primary address."""
        fixed = self._addresses[meter]
        return int(str(view.parameters["mbus_address"])) if fixed is None else fixed

    def _is_meant(self, meter: int, request: MBusRequest, view: View) -> bool:
        if request.address == SELECTED:
            return self._slaves[meter].is_selected or (isinstance(request, SendData) and request.ci == Ci.SELECT)
        return request.address in {self.address_of(meter, view), EVERYONE, BROADCAST}

    def _answer(self, meter: int, request: MBusRequest, view: View) -> Answer:
        slave = self._slaves[meter]
        link = slave.links[request.address == SELECTED]
        if isinstance(request, ResetLink):
            slave.links[request.address == SELECTED] = _Link()
            slave.is_selected = slave.is_selected and request.address != SELECTED
            return Answer(reply=ACKNOWLEDGED)
        if isinstance(request, RequestAlarm):
            return Answer(reply=ACKNOWLEDGED)
        if isinstance(request, RequestData):
            return Answer(reply=self._data(meter, link, request, view))
        if view.starting:
            return Answer()  # what is acknowledged would have to be done
        return self._send_data(meter, link, request, view)

    def _data(self, meter: int, link: _Link, request: RequestData, view: View) -> bytes:
        """Return the telegram that is due: with a turned frame count bit the next one, else the last one again."""
        slave = self._slaves[meter]
        address = self.address_of(meter, view)
        slave.access_number = (slave.access_number + 1) & 0xFF
        if slave.pending or view.starting:
            return ApplicationError(address=address, code=BUSY).to_frame().to_bytes()
        if slave.error is not None:
            code, slave.error = slave.error, None
            return ApplicationError(address=address, code=code).to_frame().to_bytes()
        is_next = request.has_fcb and link.fcb is not None and request.fcb != link.fcb
        if request.has_fcb and link.fcb is None:
            slave.telegram = 0
        link.fcb = request.fcb if request.has_fcb else link.fcb
        slave.telegram += is_next
        if slave.view is None or slave.telegram >= telegram_count(slave.view, slave.chosen):
            slave.telegram = 0
        if slave.view is None or slave.telegram == 0:
            slave.view = view
        content = content_of(slave.view, slave.chosen, slave.telegram)
        telegram = telegram_of(slave.view, content, address=address, access_number=slave.access_number)
        return telegram.to_frame().to_bytes()

    def _send_data(self, meter: int, link: _Link, request: SendData, view: View) -> Answer:
        if request.ci == Ci.SELECT:
            return Answer(reply=ACKNOWLEDGED if self._select(meter, request, view) else b"")
        again = (request.fcb, request.ci, request.data)
        if request.has_fcb and link.done == again:
            return Answer(reply=ACKNOWLEDGED)
        link.done = again if request.has_fcb else None
        return self._carry_out(meter, request)

    def _select(self, meter: int, request: SendData, view: View) -> bool:
        """Select or deselect a meter by a mask of any length, and by the fabrication number that may follow it."""
        slave = self._slaves[meter]
        mask, more = request.data[:MASK_SIZE], request.data[MASK_SIZE:]
        own = header_of(view).to_bytes()[:MASK_SIZE]
        slave.is_selected = request.address == SELECTED and matches(mask, own) and _fabrication_matches(more, own)
        if slave.is_selected:
            slave.links[True] = _Link()
            slave.telegram = 0
        return slave.is_selected

    def _carry_out(self, meter: int, request: SendData) -> Answer:
        slave = self._slaves[meter]
        if request.ci == Ci.APPLICATION_RESET:
            self._choose(slave, request.data[:1])
        elif request.ci == Ci.DESELECT:
            slave.is_selected = False
        elif request.ci in BAUD_RATES:
            return Answer(reply=ACKNOWLEDGED, baudrate=BAUD_RATES[request.ci])
        elif request.ci == Ci.DATA_SEND:
            return Answer(reply=ACKNOWLEDGED, asks=self._asked_for(meter, request.data))
        elif request.ci not in {Ci.SYNCHRONISE, Ci.SYNCHRONISE_OF_OLD}:
            slave.error = UNKNOWN_CI
        return Answer(reply=ACKNOWLEDGED)

    @staticmethod
    def _choose(slave: _Slave, sub_code: bytes) -> None:
        """Begin with the first telegram of a set; the low four bits of the sub-code number frames and say nothing here."""
        wanted = sub_code[0] & 0xF0 if sub_code else 0
        slave.chosen = next((row for row in Set if row == wanted), Set.ALL)
        slave.telegram, slave.error, slave.view = 0, None, None
        slave.links = {False: _Link(), True: _Link()}

    def _asked_for(self, meter: int, data: bytes) -> tuple[Ask, ...]:
        """Return the commands of written records; one that means nothing makes an application error, and nothing is done."""
        slave = self._slaves[meter]
        try:
            commands = [command_of(record) for record in parse_records(data).records]
        except TelegramError as problem:
            slave.error = _FAULT_CODES.get(problem.fault, PREMATURE_END)
            return ()
        known = [command for command in commands if command is not None]
        if len(known) < len(commands):
            slave.error = UNSPECIFIED
            return ()
        slave.pending += len(known)
        return tuple(Ask(meter=meter, command=command) for command in known)


def command_of(record: Record) -> Command | None:
    """Return the command that a written record is; None: it means nothing to this meter.

    ``7A`` sets the address, ``79`` the identification, ``6D`` the clock, UTC, by type F or I; ``FF 01`` selects the rate.
    ``03 07`` with storage number 1 and no data clears the partial counters, ``03 0B`` with storage number 2 closes the
    billing period.
    """
    number = decode_number(record.field, record.data)
    if record.vif == _VIF_TIME:
        return _clock_command(record)
    if record.vif == _VIF_ADDRESS and isinstance(number, int):
        address = number if number >= 0 else number + 0x100
        return WriteSettings(settings={"mbus_address": address}, interface=Interface.BUS)
    if record.vif == _VIF_IDENTIFICATION and isinstance(number, int):
        return WriteSettings(settings={"mbus_identification": number}, interface=Interface.BUS)
    if bytes([record.vif]) + record.vifes == ACTIVE_RATE_VIB and isinstance(number, int):
        return SelectRate(rate=number, interface=Interface.BUS)
    if record.vif & 0x7F == _VIF_ENERGY and not record.data:
        return _ACTIONS.get((record.storage, record.vifes))
    return None


_ACTIONS: Mapping[tuple[int, bytes], Command] = MappingProxyType(
    {
        (PARTIAL_STORAGE, _CLEAR): ResetPartial(interface=Interface.BUS),
        (CLOSING_STORAGE, _FREEZE): ClosePeriod(interface=Interface.BUS),
    }
)
"""By storage number and action."""


def _clock_command(record: Record) -> Command | None:
    found = decode_time(record.data) if record.field in _TIME_FIELDS else None
    if not isinstance(found, LocalTime) or isinstance(found.when, Recurring):
        return None
    time_ns = int(found.when.replace(tzinfo=UTC).timestamp()) * NANOSECONDS
    return SetClock(time_ns=time_ns, interface=Interface.BUS)


_TIME_FIELDS = frozenset({DataField.INT32, DataField.INT48})
"""Of types F and I."""


def _fabrication_matches(more: bytes, own: bytes) -> bool:
    """Tell whether what follows a mask selects too: nothing, or a fabrication number with wildcards."""
    if not more:
        return True
    try:
        records: Records = parse_records(more)
    except TelegramError:
        return False
    numbers = [record.data for record in records.records if record.vif == _VIF_FABRICATION]
    return len(numbers) == len(records.records) == 1 and matches(numbers[0], own[: len(numbers[0])])
