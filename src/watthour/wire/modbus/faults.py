"""Faults on purpose: what becomes of a reply on its way to the wire, by a script and a seed.

In: the reply to a request, and the time on the script's clock. Out: the bytes that leave, how late, or that the connection is
cut. The same requests at the same times meet the same faults: what is drawn depends on the seed, the fault's place in the
script, and how many replies it could have struck before. No clock, no port, no generator with a memory of its own.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from types import MappingProxyType
from typing import Protocol

from watthour.wire.modbus.link import Requested
from watthour.wire.modbus.message import ExceptionCode, ExceptionReply, Reply
from watthour.wire.modbus.rtu_frame import CRC

LAST_UNIT = 247
_DRAW_BYTES = 8
_DRAWS = 1 << 8 * _DRAW_BYTES


class FaultKind(StrEnum):
    """What can befall a reply."""

    DELAY = "delay"
    SILENCE = "silence"
    WRONG_CRC = "wrong_crc"
    WRONG_UNIT = "wrong_unit"
    EXCEPTION = "exception"
    TRUNCATED = "truncated"
    DOUBLED = "doubled"
    NOISE = "noise"
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True, kw_only=True)
class BusFault:
    """A fault, and when it strikes.

    Parameters
    ----------
    kind : FaultKind
    at_s, duration_s : float
        The time in which it strikes: [at_s, at_s + duration_s).
    probability : float
        Of striking a reply within that time.
    unit : int, optional
        The unit whose replies it strikes; None: any.
    delay_s : float
        Of a delay.
    code : int
        Of an exception.
    as_unit : int, optional
        Of a wrong unit; None: the next one.
    size : int
        Bytes that are cut off, or that noise changes.
    """

    kind: FaultKind
    at_s: float
    duration_s: float
    probability: float = 1.0
    unit: int | None = None
    delay_s: float = 0.0
    code: int = ExceptionCode.SERVER_DEVICE_FAILURE
    as_unit: int | None = None
    size: int = 1

    def may_strike(self, unit: int, now_s: float) -> bool:
        """Say whether a reply of a unit at this time is within its reach."""
        return self.at_s <= now_s < self.at_s + self.duration_s and self.unit in {None, unit}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What leaves instead of a reply.

    Parameters
    ----------
    data : bytes
        Empty: silence.
    delay_s : float
        How much later than it would have left.
    is_cut : bool
        Whether the connection is cut instead.
    struck : tuple of BusFault
        The faults that made it so.
    """

    data: bytes
    delay_s: float = 0.0
    is_cut: bool = False
    struck: tuple[BusFault, ...] = ()


class Encoder(Protocol):
    """The part of a station's link that makes bytes of a reply."""

    def send(self, reply: Reply, asked: Requested) -> bytes:
        """Return the bytes of the reply to what was asked."""


Draws = Iterator[int]
"""Whole numbers below 2^64, each as likely as any other."""

Meaning = tuple[Requested, Reply]


def _as_exception(fault: BusFault, meaning: Meaning) -> Meaning:
    asked, _ = meaning
    return asked, ExceptionReply(function=asked.request.function, code=fault.code)


def _as_another_unit(fault: BusFault, meaning: Meaning) -> Meaning:
    asked, reply = meaning
    unit = asked.unit % LAST_UNIT + 1 if fault.as_unit is None else fault.as_unit
    return replace(asked, unit=unit), reply


def _with_noise(fault: BusFault, data: bytes, draws: Draws) -> bytes:
    """Change some of the bytes, each into another."""
    noisy = bytearray(data)
    places = list(range(len(noisy)))
    for _ in range(min(fault.size, len(noisy))):
        place = places.pop(next(draws) % len(places))
        noisy[place] ^= next(draws) % 0xFF + 1
    return bytes(noisy)


def _with_wrong_crc(_fault: BusFault, data: bytes, draws: Draws) -> bytes:
    """Flip one bit of the last two bytes."""
    flipped = int.from_bytes(data[-CRC.size :], "big") ^ 1 << next(draws) % (8 * CRC.size)
    return data[: -CRC.size] + flipped.to_bytes(CRC.size, "big")


def _cut_short(fault: BusFault, data: bytes, _draws: Draws) -> bytes:
    return data[: max(1, len(data) - fault.size)]


def _doubled(_fault: BusFault, data: bytes, _draws: Draws) -> bytes:
    return data + data


_MEANINGS: Mapping[FaultKind, Callable[[BusFault, Meaning], Meaning]] = MappingProxyType(
    {FaultKind.EXCEPTION: _as_exception, FaultKind.WRONG_UNIT: _as_another_unit}
)
_BYTES: Mapping[FaultKind, Callable[[BusFault, bytes, Draws], bytes]] = MappingProxyType(
    {
        FaultKind.NOISE: _with_noise,
        FaultKind.WRONG_CRC: _with_wrong_crc,
        FaultKind.TRUNCATED: _cut_short,
        FaultKind.DOUBLED: _doubled,
    }
)
_INSTEAD = frozenset({FaultKind.SILENCE, FaultKind.DISCONNECT})


class FaultInjector:
    """The faults of one line.

    Parameters
    ----------
    faults : sequence of BusFault or None
        The script, in its order; None keeps the place of a fault that is none of this line's.
    has_crc : bool
        Whether frames end with a CRC; where they do not, `FaultKind.WRONG_CRC` never strikes.
    """

    def __init__(self, faults: Sequence[BusFault | None], seed: int, *, has_crc: bool) -> None:
        wanted = enumerate(faults)
        self._faults = [(n, one) for n, one in wanted if one and (has_crc or one.kind is not FaultKind.WRONG_CRC)]
        self._seed = seed
        self._chances = dict.fromkeys(range(len(faults)), 0)

    def distort(self, reply: Reply, asked: Requested, link: Encoder, now_s: float) -> Outgoing:
        """Return what leaves instead of a reply, all faults of this moment together.

        First what the reply says changes, then its bytes, then whether and when they leave.
        """
        due = [one for one in self._faults if one[1].may_strike(asked.unit, now_s)]
        struck = [(fault, draws) for fault, draws in map(self._drawn, due) if self._strikes(fault, draws)]
        told = tuple(fault for fault, _ in struck)
        if any(fault.kind in _INSTEAD for fault in told):
            return Outgoing(data=b"", is_cut=any(fault.kind is FaultKind.DISCONNECT for fault in told), struck=told)
        meaning = (asked, reply)
        for kind, change in _MEANINGS.items():
            for fault in told:
                meaning = change(fault, meaning) if fault.kind is kind else meaning
        data = link.send(meaning[1], meaning[0])
        for kind, spoil in _BYTES.items():
            for fault, draws in struck:
                data = spoil(fault, data, draws) if fault.kind is kind else data
        delay_s = sum(fault.delay_s for fault in told if fault.kind is FaultKind.DELAY)
        return Outgoing(data=data, delay_s=delay_s, struck=told)

    def _drawn(self, numbered: tuple[int, BusFault]) -> tuple[BusFault, Draws]:
        """Return a fault with the draws of this chance."""
        number, fault = numbered
        chance = self._chances[number]
        self._chances[number] += 1
        return fault, _draws(self._seed, number, chance)

    def _strikes(self, fault: BusFault, draws: Draws) -> bool:
        return next(draws) < fault.probability * _DRAWS


def _draws(*key: int) -> Draws:
    for place in count():
        yield int.from_bytes(hashlib.sha256(repr((*key, place)).encode()).digest()[:_DRAW_BYTES], "big")
