"""Reads of registers over TCP by their shortest way: a poller asks the same again and again, so a request is understood once.

In: bytes as they came, and a way to the newest view of each meter. Out: the bytes of the reply, cut from the meter's image; or None, where
they are not one whole read of whole variables from a meter that is there: `Station` answers those, and says the same of these.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watthour.maps.register import BYTES_PER_REGISTER
from watthour.station.image import layout_of
from watthour.station.modbus import Station
from watthour.view import View
from watthour.wire.modbus.message import ReadRequest, decode_request
from watthour.wire.modbus.tcp_frame import TRANSACTION_SIZE, TcpFrame, parse

READ_FRAME_SIZE = 12
"""Bytes of a frame that asks for registers."""

REMEMBERED = 4096
"""Requests that are remembered at most (ours): more than pollers of one port have, and under a megabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where the reply to a request comes from.

    Parameters
    ----------
    meter : int
        Place of the meter on the line.
    head : bytes
        The reply's frame between its transaction and its registers.
    begin, end : int
        The registers in the meter's image.
    is_late : bool
        Whether some of them are found only when somebody asks.
    """

    meter: int
    head: bytes
    begin: int
    end: int
    is_late: bool


class PlainReads:
    """The short way of one port.

    Parameters
    ----------
    station : Station
        The meters there.
    newest : sequence of callable
        The newest view of each, the same object as long as there is no newer one.
    """

    def __init__(self, station: Station, newest: Sequence[Callable[[], View]]) -> None:
        self._station = station
        self._newest = tuple(newest)
        self._seen: list[View] = []
        self._addresses: list[object] = []
        self._cuts: dict[bytes, Cut] = {}

    def reply(self, frame: bytes) -> bytes | None:
        """Return the frame that answers a frame, or None."""
        cut = self._cuts.get(frame[TRANSACTION_SIZE:]) or self._understood(frame)
        if cut is None:
            return None
        view = self._newest[cut.meter]()
        if (view is not self._seen[cut.meter] and self._is_moved()) or not view.powered or view.starting:
            return None
        image = self._station.image(cut.meter, view, late=cut.is_late)
        return frame[:TRANSACTION_SIZE] + cut.head + image[cut.begin : cut.end]

    def _is_moved(self) -> bool:
        """Look at the meters anew, and forget all cuts where one of them has another address now."""
        self._seen = [newest() for newest in self._newest]
        addresses: list[object] = [view.parameters["bus_address"] for view in self._seen]
        is_moved = addresses != self._addresses
        if is_moved:
            self._addresses = addresses
            self._cuts.clear()
        return is_moved

    def _understood(self, frame: bytes) -> Cut | None:
        """Return where the reply to a request comes from, and remember it."""
        if len(frame) != READ_FRAME_SIZE:
            return None
        found = parse(frame)
        if not isinstance(found, TcpFrame) or found.size != len(frame):
            return None
        request = decode_request(found.pdu)
        if not isinstance(request, ReadRequest):
            return None
        self._is_moved()
        cut = self._cut(found.unit, request)
        if cut is not None:
            if len(self._cuts) == REMEMBERED:
                self._cuts.clear()
            self._cuts[frame[TRANSACTION_SIZE:]] = cut
        return cut

    def _cut(self, unit: int, request: ReadRequest) -> Cut | None:
        meter = self._station.meter_of(unit, self._seen)
        if meter is None:
            return None
        stretch = layout_of(self._seen[meter].model).stretch(request.start, request.count)
        if stretch is None:
            return None
        pdu_head = bytes((request.function, BYTES_PER_REGISTER * request.count))
        whole = TcpFrame(transaction=0, unit=unit, pdu=pdu_head + bytes(stretch.end - stretch.begin)).to_bytes()
        head = whole[TRANSACTION_SIZE : len(whole) - (stretch.end - stretch.begin)]
        return Cut(meter=meter, head=head, begin=stretch.begin, end=stretch.end, is_late=stretch.is_late)
