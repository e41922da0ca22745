"""Where a SunSpec device keeps its models: "SunS" at one of three addresses, then a chain of models, each with its length.

In: contents of registers as they come. Out: the next read, and at last the address of each model (SunSpec Information Model
Specification 1.9, 6.2).
"""

from collections.abc import Generator
from itertools import count

from watthour.errors import BadFrameError
from watthour.wire.modbus.message import ReadRequest

MARK = b"SunS"
PLACES = (40000, 0, 50000)
"""Where the mark may be, the usual one first."""
END_MODEL = 0xFFFF
MODELS_MAXIMUM = 200
"""A chain longer than this is none (ours)."""
HEAD = 2
"""Registers of identifier and length, which the length does not count."""


def locate(function: int = 3) -> Generator[ReadRequest, bytes | None, dict[int, int]]:
    """Ask for what is needed to find every model; send the contents, or None where the device refuses.

    Returns
    -------
    dict of int to int
        Address of the identifier of each model; of several of a kind the first.

    Raises
    ------
    BadFrameError
        If there is no mark, or the chain does not end.
    """
    for place in PLACES:
        if (yield ReadRequest(function=function, start=place, count=HEAD)) == MARK:
            break
    else:
        msg = f"no SunSpec device: no mark at {', '.join(map(str, PLACES))}"
        raise BadFrameError(msg)
    address = place + HEAD
    found: dict[int, int] = {}
    for number in count():
        head = yield ReadRequest(function=function, start=address, count=HEAD)
        if head is None or number >= MODELS_MAXIMUM:
            msg = f"the chain of SunSpec models breaks off at register {address}"
            raise BadFrameError(msg)
        model, length = int.from_bytes(head[:2]), int.from_bytes(head[2:])
        if model == END_MODEL:
            return found
        found.setdefault(model, address)
        address += HEAD + length
    raise AssertionError
