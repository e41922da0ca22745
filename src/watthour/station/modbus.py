"""Meters as stations on a Modbus line: a request and their views become a reply, a command to ask, or silence.

In: unit, request, and a view of each meter on the line. Out: a `Reply`, an `Ask` whose outcome becomes the reply, a
`Broadcast`, or None: silence. Checks come in the order of the Application Protocol V1.1b3, clause 7: function (01), quantity and byte count (03) —
both already judged by ``wire`` — then address range (02), then execution. Bytes, sockets and time are not known here.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import assert_never

from watthour.maps.register import BYTES_PER_REGISTER, Access, BitTable, Register
from watthour.parameters import Interface
from watthour.station.bits import bits_of, command_of
from watthour.station.counters import LineCounters
from watthour.station.identification import identify, server_id
from watthour.station.image import NOTHING_SELECTED, Image, Layout, Stretch, layout_of
from watthour.station.rights import EVERYTHING, Rights
from watthour.view import ClosePeriod, Command, Outcome, ResetPartial, SelectRate, Verdict, View, WriteSettings
from watthour.wire.modbus.about import Diagnostic
from watthour.wire.modbus.message import (
    ADDRESSES,
    DiagnosticMessage,
    ExceptionCode,
    ExceptionReply,
    Function,
    IdentificationRequest,
    IllegalRequest,
    ReadBitsReply,
    ReadBitsRequest,
    ReadReply,
    ReadRequest,
    ReadWriteRequest,
    Reply,
    Request,
    ServerIdRequest,
    WriteBitRequest,
    WriteRequest,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Etiquette:
    """Who is meant by a unit, beside the meter whose own it is, and what the others get.

    Parameters
    ----------
    alone : frozenset of int
        Units that a meter alone on its line answers too.
    broadcast : int, optional
        The unit that means every meter: what it writes is done, and nobody replies.
    stranger : ExceptionCode, optional
        What a unit gets that is not there; None is silence.
    is_serial : bool
        Whether 08 and 11h, which are of serial lines alone, are spoken, and what the line carries is counted.
    """

    alone: frozenset[int] = frozenset()
    broadcast: int | None = None
    stranger: ExceptionCode | None = None
    is_serial: bool = False


TCP_PORT = Etiquette(alone=frozenset({0, 255}), stranger=ExceptionCode.GATEWAY_TARGET_FAILED)
"""A port is the meters' own, and answers as a gateway to them (Messaging on TCP/IP V1.0b, 4.4.1.2)."""

SERIAL_LINE = Etiquette(broadcast=0, is_serial=True)
"""A line is shared with others: silence for all that is theirs (Serial Line V1.02, 2.2)."""

SERIAL_ONLY = frozenset({Function.DIAGNOSTICS, Function.REPORT_SERVER_ID})
"""Functions that the Application Protocol names "serial line only"."""

COMMAND_DONE_BY = 1
"""What is written to a command's register to have it done."""

RATE_SELECT = "rate_select"

SELECTIONS: Mapping[str, Callable[[View], Sized]] = MappingProxyType(
    {"profile_select": lambda view: view.profile, "closing_select": lambda view: view.closings}
)
"""Registers that only say what the line is to see, and of what: numbers up to its length, that of the next to come."""

REFUSALS: Mapping[Verdict, ExceptionCode] = MappingProxyType(
    {
        Verdict.OUT_OF_RANGE: ExceptionCode.ILLEGAL_DATA_VALUE,
        Verdict.READ_ONLY: ExceptionCode.ILLEGAL_DATA_ADDRESS,
        Verdict.SEALED: ExceptionCode.SERVER_DEVICE_FAILURE,
        Verdict.REFUSED: ExceptionCode.ILLEGAL_FUNCTION,
        Verdict.NOT_KEPT: ExceptionCode.SERVER_DEVICE_FAILURE,
    }
)
"""The exception for each way a meter refuses (ours): 01 is a client whose role may not."""

HOLES: Mapping[str, ExceptionCode | None] = MappingProxyType(
    {"02": ExceptionCode.ILLEGAL_DATA_ADDRESS, "03": ExceptionCode.ILLEGAL_DATA_VALUE, "silence": None}
)
"""What a read of an address that does not exist gets, by the setting ``hole_reply``."""


Writing = WriteRequest | WriteBitRequest | ReadWriteRequest
"""Requests that a meter may have to be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A command for one of the meters; its outcome is the reply, which `Station.reply` makes.

    Parameters
    ----------
    meter : int
        Place of the meter on the line.
    """

    meter: int
    command: Command
    request: Writing

    def failed(self) -> Reply:
        """Return the reply where the command could not be carried to the meter."""
        return _refused(self.request, ExceptionCode.SERVER_DEVICE_FAILURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A request that the client's role does not allow: answered, and to be logged.

    Parameters
    ----------
    what : tuple of str
        The names it would have touched.
    """

    reply: Reply
    role: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """Commands for several meters, without a reply, whatever their outcomes."""

    asks: tuple[Ask, ...]


Answer = Reply | Ask | Denied | Broadcast | None
"""What a request gets; None is silence."""


class Station:
    """The meters that share one line.

    Parameters
    ----------
    units : sequence of int or None
        One for each meter: its unit, or None where its setting ``bus_address`` says it. A write of that setting is
        answered from the old address, since the reply echoes the request.
    etiquette : Etiquette
        Of the line.
    """

    def __init__(self, units: Sequence[int | None] = (None,), etiquette: Etiquette = TCP_PORT) -> None:
        self._units = tuple(units)
        self._etiquette = etiquette
        self._images: list[Image | None] = [None] * len(self._units)
        self._selections = [NOTHING_SELECTED for _ in self._units]
        self._counters = LineCounters(len(self._units))

    def answer(
        self, unit: int, request: Request | IllegalRequest, views: Sequence[View], rights: Rights = EVERYTHING
    ) -> Answer:
        """Return what a request to a unit gets.

        Parameters
        ----------
        views : sequence of View
            The newest of each meter, in the order of the units.
        rights : Rights
            Of whoever asks.
        """
        if self._etiquette.is_serial:
            return self._answer_counted(unit, request, views, rights)
        meter = self.meter_of(unit, views)
        if meter is None:
            return self._nobody(request, views)
        return self._answer(meter, unit, request, views[meter], rights)

    def overheard(self, what: Diagnostic) -> None:
        """Count what the line carried besides requests: another station's reply, or damage."""
        self._counters.heard(what)

    def meter_of(self, unit: int, views: Sequence[View]) -> int | None:
        """Return the place of the meter that a unit means; None: it means none."""
        if len(views) == 1 and unit in self._etiquette.alone:
            return 0
        for meter, (own, view) in enumerate(zip(self._units, views, strict=True)):
            if unit == (view.parameters["bus_address"] if own is None else own):
                return meter
        return None

    def image(self, meter: int, view: View, *, late: bool) -> bytes:
        """Return the registers of a view, made once as long as it is the newest, and again when late ones are first asked for."""
        image = self._images[meter]
        if image is None or image.view is not view or (late and not image.late):
            before = image if image is not None and image.view.model == view.model else None
            image = self._images[meter] = layout_of(view.model).image(view, self._selections[meter], before, late=late)
        return image.data

    def reply(self, ask: Ask, outcome: Outcome, views: Sequence[View]) -> Reply:
        """Return the reply that an outcome makes; of 17h it reads the newest view."""
        if outcome.verdict is not Verdict.DONE:
            reply: Reply = _refused(ask.request, REFUSALS[outcome.verdict])
        elif isinstance(ask.request, ReadWriteRequest):
            reply = self._read_back(ask.request, ask.meter, views[ask.meter])
        else:
            reply = ask.request.done()
        if self._etiquette.is_serial and isinstance(reply, ExceptionReply):
            self._counters.count(ask.meter, Diagnostic.SERVER_EXCEPTIONS)
        return reply

    def _answer_counted(self, unit: int, request: Request | IllegalRequest, views: Sequence[View], rights: Rights) -> Answer:
        """Return what a request on a serial line gets, and count it."""
        self._counters.heard(Diagnostic.BUS_MESSAGES)
        if unit == self._etiquette.broadcast:
            return self._broadcast(request, views, rights)
        meter = self.meter_of(unit, views)
        if meter is None:
            return self._nobody(request, views)
        self._counters.count(meter, Diagnostic.SERVER_MESSAGES)
        answer = self._answer(meter, unit, request, views[meter], rights)
        if answer is None:
            self._counters.count(meter, Diagnostic.SERVER_NO_RESPONSES)
        elif isinstance(answer, ExceptionReply | Denied):
            self._counters.count(meter, Diagnostic.SERVER_EXCEPTIONS)
        return answer

    def _answer(
        self, meter: int, unit: int, request: Request | IllegalRequest, view: View, rights: Rights
    ) -> Reply | Ask | Denied | None:
        """Return what a meter answers."""
        if not view.powered:
            return None
        if not self._etiquette.is_serial and request.function in SERIAL_ONLY:
            return _refused(request, ExceptionCode.ILLEGAL_FUNCTION)
        if isinstance(request, IllegalRequest):
            return ExceptionReply(function=request.function, code=request.code)
        if view.starting:
            return _refused(request, ExceptionCode.SERVER_DEVICE_BUSY)
        if isinstance(request, DiagnosticMessage | ServerIdRequest | IdentificationRequest):
            return self._about(request, meter, unit, view, rights)
        return self._by_row(request, meter, view, rights)

    def _about(
        self,
        request: DiagnosticMessage | ServerIdRequest | IdentificationRequest,
        meter: int,
        unit: int,
        view: View,
        rights: Rights,
    ) -> Reply | Denied:
        """Return what a meter says of itself and of its line."""
        match request:
            case DiagnosticMessage():
                return self._counters.answer(meter, request)
            case ServerIdRequest():
                return server_id(view, unit)
            case IdentificationRequest():
                return identify(request, view) if rights.read else _denied(request, rights, ["identification"])
            case _:
                assert_never(request)

    def _by_row(
        self, request: ReadRequest | Writing | ReadBitsRequest, meter: int, view: View, rights: Rights
    ) -> Reply | Ask | Denied | None:
        match request:
            case ReadRequest():
                return self._read(request, meter, view, rights)
            case WriteRequest():
                return self._write(request, request, meter, view, rights)
            case ReadWriteRequest():
                return self._write_and_read(request, meter, view, rights)
            case ReadBitsRequest():
                return _read_bits(request, view, rights)
            case WriteBitRequest():
                return _write_bit(request, meter, view, rights)
            case _:
                assert_never(request)

    def _read(self, request: ReadRequest, meter: int, view: View, rights: Rights) -> Reply | Denied | None:
        layout = layout_of(view.model)
        stretch = layout.stretch(request.start, request.count)
        if stretch is None:
            return _unreadable(request, layout, view)
        if not rights.may_read_all:
            names = [row.name for row in layout.variables(request.start, request.count)]
            if not rights.allows_reading(names):
                return _denied(request, rights, names)
        return self._contents(request, stretch, meter, view)

    def _contents(self, request: ReadRequest | ReadWriteRequest, stretch: Stretch, meter: int, view: View) -> ReadReply:
        image = self.image(meter, view, late=stretch.is_late)
        return ReadReply(function=request.function, data=image[stretch.begin : stretch.end])

    def _read_back(self, request: ReadWriteRequest, meter: int, view: View) -> Reply:
        """Return what a 17h reads when it has written."""
        stretch = layout_of(view.model).stretch(request.start, request.count)
        if stretch is None:
            return _refused(request, ExceptionCode.ILLEGAL_DATA_ADDRESS)
        return self._contents(request, stretch, meter, view)

    def _write_and_read(self, request: ReadWriteRequest, meter: int, view: View, rights: Rights) -> Reply | Ask | Denied:
        """Write, then read: nothing is written where the read could not be answered."""
        layout = layout_of(view.model)
        if layout.stretch(request.start, request.count) is None:
            return _refused(request, ExceptionCode.ILLEGAL_DATA_ADDRESS)
        names = [row.name for row in layout.variables(request.start, request.count)]
        if not rights.allows_reading(names):
            return _denied(request, rights, names)
        writing = WriteRequest(start=request.write_start, data=request.data)
        return self._write(writing, request, meter, view, rights)

    def _write(
        self, writing: WriteRequest, request: WriteRequest | ReadWriteRequest, meter: int, view: View, rights: Rights
    ) -> Reply | Ask | Denied:
        """Return the one command that a write asks for, or why there is none: all of it is done, or nothing."""
        layout = layout_of(view.model)
        if not rights.write and not rights.read & SELECTIONS.keys():
            return _denied(request, rights, [])
        rows = _writable(writing, layout)
        if not rows:
            return _refused(request, ExceptionCode.ILLEGAL_DATA_ADDRESS)
        names = [row.name for row in rows]
        if not rights.allows_writing(names):
            return _denied(request, rights, names)
        if len(rows) == 1 and names[0] in SELECTIONS:
            return self._select(writing, request, rows[0], meter, view)
        command = _command(rows, writing)
        if command is None:
            return _refused(request, ExceptionCode.ILLEGAL_DATA_VALUE)
        return Ask(meter=meter, command=command, request=request)

    def _select(
        self, writing: WriteRequest, request: WriteRequest | ReadWriteRequest, row: Register, meter: int, view: View
    ) -> Reply:
        """Show other rows of the profile, or another closing, from now on; it is the line's own, no meter is asked."""
        number = int(row.from_bytes(writing.data))
        if number > len(SELECTIONS[row.name](view)):
            return _refused(request, ExceptionCode.ILLEGAL_DATA_VALUE)
        self._selections[meter] = replace(self._selections[meter], **{row.name: number})
        self._images[meter] = None
        return self._read_back(request, meter, view) if isinstance(request, ReadWriteRequest) else writing.done()

    def _broadcast(self, request: Request | IllegalRequest, views: Sequence[View], rights: Rights) -> Broadcast:
        """Return what a broadcast has every meter do: writes alone mean something to all."""
        for meter, view in enumerate(views):
            if view.powered:
                self._counters.count(meter, Diagnostic.SERVER_MESSAGES)
                self._counters.count(meter, Diagnostic.SERVER_NO_RESPONSES)
        if not isinstance(request, WriteRequest | WriteBitRequest):
            return Broadcast(asks=())
        answers = [self._answer(meter, 0, request, view, rights) for meter, view in enumerate(views)]
        for meter, answer in enumerate(answers):
            if isinstance(answer, ExceptionReply | Denied):
                self._counters.count(meter, Diagnostic.SERVER_EXCEPTIONS)
        return Broadcast(asks=tuple(answer for answer in answers if isinstance(answer, Ask)))

    def _nobody(self, request: Request | IllegalRequest, views: Sequence[View]) -> Reply | None:
        """Return what a unit gets that is not there; nothing where all meters are off."""
        stranger = self._etiquette.stranger
        if stranger is None or not any(view.powered for view in views):
            return None
        return _refused(request, stranger)


def _refused(request: Request | IllegalRequest, code: ExceptionCode) -> ExceptionReply:
    return ExceptionReply(function=request.function, code=code)


def _writable(writing: WriteRequest, layout: Layout) -> list[Register]:
    """Return the variables that a write covers whole; none where one of them may not be written or is not there."""
    if layout.stretch(writing.start, writing.count) is None:
        return []
    rows = layout.variables(writing.start, writing.count)
    return [] if any(row.access is Access.READ for row in rows) else rows


def _denied(request: Request, rights: Rights, names: Sequence[str]) -> Denied:
    """Return what a client gets whose role does not allow what it asks."""
    return Denied(reply=_refused(request, ExceptionCode.ILLEGAL_FUNCTION), role=rights.role, what=tuple(names))


def _unreadable(request: ReadRequest, layout: Layout, view: View) -> Reply | None:
    """Return what a read gets that does not cover whole variables: 02, or for an address that is not there the setting's."""
    wanted = range(request.start, request.start + request.count)
    code: ExceptionCode | None = ExceptionCode.ILLEGAL_DATA_ADDRESS
    if wanted.stop <= ADDRESSES and not layout.addresses.issuperset(wanted):
        code = HOLES[str(view.parameters["hole_reply"])]
    return None if code is None else _refused(request, code)


_TABLES: Mapping[int, BitTable] = MappingProxyType(
    {Function.READ_COILS: BitTable.COIL, Function.READ_DISCRETE_INPUTS: BitTable.DISCRETE_INPUT}
)


def _read_bits(request: ReadBitsRequest, view: View, rights: Rights) -> Reply | Denied:
    layout = bits_of(view.model, _TABLES[request.function])
    states = layout.states(view, request.start, request.count)
    if states is None:
        return _refused(request, ExceptionCode.ILLEGAL_DATA_ADDRESS)
    names = [layout.rows[request.start + place].name for place in range(request.count)]
    if not rights.allows_reading(names):
        return _denied(request, rights, names)
    return ReadBitsReply(function=request.function, bits=states)


def _write_bit(request: WriteBitRequest, meter: int, view: View, rights: Rights) -> Reply | Ask | Denied:
    """Return the command that a coil asks for; it can be switched on alone."""
    row = bits_of(view.model, BitTable.COIL).rows.get(request.start)
    if not rights.write:
        return _denied(request, rights, [])
    if row is None:
        return _refused(request, ExceptionCode.ILLEGAL_DATA_ADDRESS)
    if not rights.allows_writing([row.name]):
        return _denied(request, rights, [row.name])
    if not request.is_on:
        return _refused(request, ExceptionCode.ILLEGAL_DATA_VALUE)
    return Ask(meter=meter, command=command_of(row), request=request)


def _command(rows: Sequence[Register], request: WriteRequest) -> Command | None:
    """Return the command that writes these values, None where one of them means nothing."""
    try:
        given = {row.name: row.from_bytes(_part(request, row)) for row in rows}
    except ValueError:
        return None
    if any(row.access is Access.COMMAND for row in rows):
        return _done_by(given)
    if RATE_SELECT in given:
        return SelectRate(rate=int(given[RATE_SELECT]), interface=Interface.BUS) if len(given) == 1 else None
    return WriteSettings(settings=given, interface=Interface.BUS)


def _done_by(given: Mapping[str, int | Decimal | str | bytes]) -> Command | None:
    """Return the command of a command's register; it stands alone in its request and takes a 1."""
    if given == {"partial_reset": COMMAND_DONE_BY}:
        return ResetPartial(interface=Interface.BUS)
    if given == {"close_period": COMMAND_DONE_BY}:
        return ClosePeriod(interface=Interface.BUS)
    return None


def _part(request: WriteRequest, row: Register) -> bytes:
    begin = (row.address - request.start) * BYTES_PER_REGISTER
    return request.data[begin : begin + row.registers * BYTES_PER_REGISTER]
