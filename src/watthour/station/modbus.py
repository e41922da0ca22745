"""Meters as stations on a Modbus line: a request and their views become a reply, a command to ask, or silence.

In: unit, request, and a view of each meter on the line. Out: a `Reply`, an `Ask` whose outcome becomes the reply, a
`Broadcast`, or None: silence. Checks come in the order of the Application Protocol V1.1b3, clause 7: function (01), quantity and byte count (03) —
both already judged by ``wire`` — then address range (02), then execution. Bytes, sockets and time are not known here.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from watthour.maps.register import BYTES_PER_REGISTER, Access, Register
from watthour.parameters import Interface
from watthour.station.image import NOTHING_SELECTED, Layout, layout_of
from watthour.view import ClosePeriod, Command, Outcome, ResetPartial, SelectRate, Verdict, View, WriteSettings
from watthour.wire.modbus.message import (
    ADDRESSES,
    ExceptionCode,
    ExceptionReply,
    IllegalRequest,
    ReadReply,
    ReadRequest,
    Reply,
    Request,
    WriteReply,
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
    """

    alone: frozenset[int] = frozenset()
    broadcast: int | None = None
    stranger: ExceptionCode | None = None


TCP_PORT = Etiquette(alone=frozenset({0, 255}), stranger=ExceptionCode.GATEWAY_TARGET_FAILED)
"""A port is the meters' own, and answers as a gateway to them (Messaging on TCP/IP V1.0b, 4.4.1.2)."""

SERIAL_LINE = Etiquette(broadcast=0)
"""A line is shared with others: silence for all that is theirs (Serial Line V1.02, 2.2)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A command for one of the meters; its outcome is the reply.

    Parameters
    ----------
    meter : int
        Place of the meter on the line.
    """

    meter: int
    command: Command
    request: WriteRequest

    def reply(self, outcome: Outcome) -> Reply:
        """Return the reply that an outcome makes."""
        if outcome.verdict is Verdict.DONE:
            return WriteReply(start=self.request.start, count=self.request.count)
        return ExceptionReply(function=self.request.function, code=REFUSALS[outcome.verdict])

    def failed(self) -> Reply:
        """Return the reply where the command could not be carried to the meter."""
        return ExceptionReply(function=self.request.function, code=ExceptionCode.SERVER_DEVICE_FAILURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """Commands for several meters, without a reply, whatever their outcomes."""

    asks: tuple[Ask, ...]


Answer = Reply | Ask | Broadcast | None
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
        self._images: list[tuple[View | None, bool, bytes]] = [(None, False, b"") for _ in self._units]
        self._selections = [NOTHING_SELECTED for _ in self._units]

    def answer(self, unit: int, request: Request | IllegalRequest, views: Sequence[View]) -> Answer:
        """Return what a request to a unit gets.

        Parameters
        ----------
        views : sequence of View
            The newest of each meter, in the order of the units.
        """
        if unit == self._etiquette.broadcast:
            return self._broadcast(request, views)
        meter = self.meter_of(unit, views)
        if meter is None:
            return self._nobody(request, views)
        return self._answer(meter, request, views[meter])

    def meter_of(self, unit: int, views: Sequence[View]) -> int | None:
        """Return the place of the meter that a unit means; None: it means none."""
        if len(views) == 1 and unit in self._etiquette.alone:
            return 0
        for meter, (own, view) in enumerate(zip(self._units, views, strict=True)):
            if unit == (view.parameters["bus_address"] if own is None else own):
                return meter
        return None

    def _answer(self, meter: int, request: Request | IllegalRequest, view: View) -> Reply | Ask | None:
        """Return what a meter answers."""
        if not view.powered:
            return None
        if isinstance(request, IllegalRequest):
            return ExceptionReply(function=request.function, code=request.code)
        if isinstance(request, ReadRequest):
            return self._read(request, meter, view)
        layout = layout_of(view.model)
        if request.start in layout.by_start and layout.by_start[request.start].name in SELECTIONS:
            return self._select(request, meter, layout, view)
        return _write(request, meter, layout)

    def _select(self, request: WriteRequest, meter: int, layout: Layout, view: View) -> Reply:
        """Show other rows of the profile, or another closing, from now on; it is the line's own, no meter is asked."""
        row = layout.by_start[request.start]
        if request.count != row.registers:
            return ExceptionReply(function=request.function, code=ExceptionCode.ILLEGAL_DATA_ADDRESS)
        number = int(row.from_bytes(request.data))
        if number > len(SELECTIONS[row.name](view)):
            return ExceptionReply(function=request.function, code=ExceptionCode.ILLEGAL_DATA_VALUE)
        self._selections[meter] = replace(self._selections[meter], **{row.name: number})
        self._images[meter] = (None, False, b"")
        return WriteReply(start=request.start, count=request.count)

    def _broadcast(self, request: Request | IllegalRequest, views: Sequence[View]) -> Broadcast:
        """Return what a broadcast has every meter do: writes alone mean something to all."""
        if not isinstance(request, WriteRequest):
            return Broadcast(asks=())
        answers = [self._answer(meter, request, view) for meter, view in enumerate(views)]
        return Broadcast(asks=tuple(answer for answer in answers if isinstance(answer, Ask)))

    def _nobody(self, request: Request | IllegalRequest, views: Sequence[View]) -> Reply | None:
        """Return what a unit gets that is not there; nothing where all meters are off."""
        stranger = self._etiquette.stranger
        if stranger is None or not any(view.powered for view in views):
            return None
        return ExceptionReply(function=request.function, code=stranger)

    def _read(self, request: ReadRequest, meter: int, view: View) -> Reply | None:
        layout = layout_of(view.model)
        end = request.start + request.count
        span = layout.spans.get(request.start)
        if span is None or end not in span.ends:
            return _unreadable(request, layout, view)
        image = self._image(layout, meter, view, late=layout.is_late(request.start, request.count))
        return ReadReply(function=request.function, data=span.cut(image, request.start, request.count))

    def _image(self, layout: Layout, meter: int, view: View, *, late: bool) -> bytes:
        """Return the registers of a view, made once as long as it is the newest, and again when late ones are first asked for."""
        made_of, with_late, image = self._images[meter]
        if made_of is not view or (late and not with_late):
            image = layout.image(view, self._selections[meter], late=late)
            self._images[meter] = (view, late, image)
        return image


def _unreadable(request: ReadRequest, layout: Layout, view: View) -> Reply | None:
    """Return what a read gets that does not cover whole variables: 02, or for an address that is not there the setting's."""
    wanted = range(request.start, request.start + request.count)
    code: ExceptionCode | None = ExceptionCode.ILLEGAL_DATA_ADDRESS
    if wanted.stop <= ADDRESSES and not layout.addresses.issuperset(wanted):
        code = HOLES[str(view.parameters["hole_reply"])]
    return None if code is None else ExceptionReply(function=request.function, code=code)


def _write(request: WriteRequest, meter: int, layout: Layout) -> Reply | Ask:
    """Return the one command that a write asks for, or why there is none: all of it is done, or nothing."""
    span = layout.spans.get(request.start)
    if span is None or request.start + request.count not in span.ends:
        return ExceptionReply(function=request.function, code=ExceptionCode.ILLEGAL_DATA_ADDRESS)
    rows = layout.variables(request.start, request.count)
    if any(row.access is Access.READ for row in rows):
        return ExceptionReply(function=request.function, code=ExceptionCode.ILLEGAL_DATA_ADDRESS)
    command = _command(rows, request)
    if command is None:
        return ExceptionReply(function=request.function, code=ExceptionCode.ILLEGAL_DATA_VALUE)
    return Ask(meter=meter, command=command, request=request)


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
