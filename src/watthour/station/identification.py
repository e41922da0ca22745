"""What a meter calls itself on Modbus: the objects of 2Bh/0Eh, and the answer to 11h.

In: a view and what was asked. Out: a reply. Objects are never split; what does not fit one reply is asked for on from the next
object.
"""

from collections.abc import Mapping

from watthour import __version__
from watthour.maps.modbus import BLOCK_VERSION
from watthour.models import model_of
from watthour.view import View
from watthour.wire.modbus.about import (
    IDENTIFICATION_ROOM,
    Access,
    IdentificationReply,
    IdentificationRequest,
    ServerIdReply,
)
from watthour.wire.modbus.codes import ExceptionCode, ExceptionReply

CONFORMITY = 0x80 | Access.EXTENDED
"""Extended identification, in a stream and by single objects."""

LAST: Mapping[int, int] = {Access.BASIC: 0x02, Access.REGULAR: 0x7F, Access.EXTENDED: 0xFF}
"""The last object of each stream."""

_HEAD = 2
_LONGEST = IDENTIFICATION_ROOM - _HEAD
_RUNNING = b"\xff"


def objects_of(view: View) -> dict[int, bytes]:
    """Return the objects of a meter, by number: 00 to 02 basic, to 7F regular, from 80 on its own."""
    model = model_of(view.model)
    texts = {
        0x00: "watthour",
        0x01: model.code,
        0x02: __version__,
        0x04: f"{model.name} in software",
        0x05: model.name,
        0x06: f"energy meter, serial {view.serial}",
        0x80: str(view.serial),
        0x81: view.software_id,
        0x82: f"CEM family map, D311 unverified; watthour block {BLOCK_VERSION}",
        0x83: view.calendar,
    }
    return {number: text.encode("ascii", "replace")[:_LONGEST] for number, text in texts.items()}


def identify(request: IdentificationRequest, view: View) -> IdentificationReply | ExceptionReply:
    """Return the identification that is asked for, or the exception for a single object that is not there."""
    objects = objects_of(view)
    if request.access == Access.SINGLE:
        if request.object_id not in objects:
            return ExceptionReply(function=request.function, code=ExceptionCode.ILLEGAL_DATA_ADDRESS)
        only = ((request.object_id, objects[request.object_id]),)
        return IdentificationReply(access=request.access, conformity=CONFORMITY, objects=only)
    numbers = [number for number in objects if number <= LAST[request.access]]
    begin = request.object_id if request.object_id in numbers else 0
    told: list[tuple[int, bytes]] = []
    room = IDENTIFICATION_ROOM
    for number in numbers[numbers.index(begin) :]:
        room -= _HEAD + len(objects[number])
        if room < 0:
            return IdentificationReply(access=request.access, conformity=CONFORMITY, next_object=number, objects=tuple(told))
        told.append((number, objects[number]))
    return IdentificationReply(access=request.access, conformity=CONFORMITY, objects=tuple(told))


def server_id(view: View, unit: int) -> ServerIdReply:
    """Return what a meter answers to 11h: its unit, that it runs, and in ASCII its model, serial number and version."""
    text = f"{model_of(view.model).name} {view.serial} {__version__}"
    return ServerIdReply(content=bytes((unit,)) + _RUNNING + text.encode("ascii", "replace"))
