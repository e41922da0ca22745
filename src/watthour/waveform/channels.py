"""Which channels of a recording are V1, V2, V3, I1, I2, I3.

In: the channels a header lists and what the user asked for, by name or by number from 1. Out: six channels in
the meter's order, or one line that lists what there is. Knows nothing of samples or files.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from watthour.errors import RecordingError

TERMINALS = ("V1", "V2", "V3", "I1", "I2", "I3")
"""The meter's inputs, in the order in which channels are named."""

Side = Literal["primary", "secondary"]
"""Of the transformers before the meter: which side the numbers of a recording stand for."""

_LISTED = 64
_UNIT = re.compile(r"\s*([kMmuµ]?)\s*(V|A|volts?|amp(?:ere)?s?)(?:\s*rms)?\s*", re.IGNORECASE)
_PREFIXES = {"": Fraction(1), "k": Fraction(1000), "K": Fraction(1000), "M": Fraction(10**6), "m": Fraction(1, 1000),
             "u": Fraction(1, 10**6), "µ": Fraction(1, 10**6)}  # fmt: skip
_TERMINAL_NAME = re.compile(r"(?:([vu])l?([123])(?:_v)?|(i)l?([123])(?:_a)?)", re.IGNORECASE)
_PHASES = {"A": 0, "B": 1, "C": 2, "R": 0, "S": 1, "T": 2, "L1": 0, "L2": 1, "L3": 2, "1": 0, "2": 1, "3": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One analog channel as its header describes it: a number x stands for ``(gain * x + offset)`` of `unit`.

    Parameters
    ----------
    number : int
        Place among the analog channels, from 1.
    side : Side or None
        What the header says its numbers are; None where it says nothing.
    skew_us : float
        How much later than the row's instant it was sampled.
    maximum : float or None
        The largest number the header admits.
    """

    number: int
    name: str
    phase: str = ""
    unit: str = ""
    gain: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    side: Side | None = None
    skew_us: float = 0.0
    maximum: float | None = None

    def __str__(self) -> str:
        return f"channel {self.number} {self.name!r}" if self.name else f"channel {self.number}"


def quantity_of(unit: str) -> tuple[str, Fraction] | None:
    """Return ``V`` or ``A`` and how many of them the unit is; None for any other unit.

    >>> quantity_of("kV")
    ('V', Fraction(1000, 1))
    """
    match = _UNIT.fullmatch(unit)
    if match is None:
        return None
    return match.group(2)[0].upper(), _PREFIXES[match.group(1)]


def choose_channels(file: str, channels: Sequence[Channel], wanted: Sequence[str | int] | None) -> tuple[Channel, ...]:
    """Return the six channels V1, V2, V3, I1, I2, I3.

    Without a wish they are those named ``v1`` to ``i3``; else the three in volts and the three in amperes, put in
    order by their phase where the header gives one; else, where a file knows no names, its six in their order (ours:
    never a guess among more).

    Raises
    ------
    RecordingError
        If a channel does not exist or is ambiguous, if six are not wanted, or if nobody says which six.
    """
    if wanted is None:
        six = _by_name(channels) or _by_quantity(channels) or _in_order(channels)
        if six is None:
            raise RecordingError(file, f"which channels are {', '.join(TERMINALS)}? {_remedy(channels)}")
        return six
    if len(wanted) != len(TERMINALS):
        raise RecordingError(file, f"{len(wanted)} channels are named, the meter has six inputs; {_remedy(channels)}")
    return tuple(_find(file, channels, one) for one in wanted)


def terminals_among(names: Sequence[str | int]) -> tuple[int, ...] | None:
    """Return where V1, V2, V3, I1, I2, I3 stand among the names of columns, from 0; None unless each is there once.

    >>> terminals_among(["I1", "I2", "I3", "neutral", "V1", "V2", "V3"])
    (4, 5, 6, 0, 1, 2)
    """
    six = _by_name([Channel(number=number, name=str(name).strip()) for number, name in enumerate(names)])
    return None if six is None else tuple(channel.number for channel in six)


def _find(file: str, channels: Sequence[Channel], wanted: str | int) -> Channel:
    text = str(wanted).strip()
    if text.isdecimal():
        found = [channel for channel in channels if channel.number == int(text)]
    else:
        found = [c for c in channels if c.name == text] or [c for c in channels if c.name.casefold() == text.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = " and ".join(str(channel.number) for channel in found)
        raise RecordingError(file, f"channels {numbers} are both called {text!r}: name it by its number")
    raise RecordingError(file, f"there is no channel {text!r}; {_remedy(channels)}")


def _remedy(channels: Sequence[Channel]) -> str:
    if not channels:
        return "it has no analog channel at all"
    if not any(channel.name for channel in channels):
        return f"it has {len(channels)} channels without names: name six by their numbers, such as --channels 1,2,3,4,5,6"
    listed = ", ".join(f"{c.number} {c.name}" + (f" ({c.unit})" if c.unit else "") for c in channels[:_LISTED])
    more = f" and {len(channels) - _LISTED} more" if len(channels) > _LISTED else ""
    return f"it has {listed}{more}: name six with --channels {','.join(TERMINALS)}, by name or number"


def _by_name(channels: Sequence[Channel]) -> tuple[Channel, ...] | None:
    found: dict[str, list[Channel]] = {terminal: [] for terminal in TERMINALS}
    for channel in channels:
        match = _TERMINAL_NAME.fullmatch(channel.name)
        if match:
            found["V" + match.group(2) if match.group(1) else "I" + match.group(4)].append(channel)
    if any(len(candidates) != 1 for candidates in found.values()):
        return None
    return tuple(candidates[0] for candidates in found.values())


def _in_order(channels: Sequence[Channel]) -> tuple[Channel, ...] | None:
    is_plain = len(channels) == len(TERMINALS) and not any(channel.name or channel.unit for channel in channels)
    return tuple(channels) if is_plain else None


def _by_quantity(channels: Sequence[Channel]) -> tuple[Channel, ...] | None:
    voltages, currents = (_three(_measuring(channels, letter)) for letter in "VA")
    return (*voltages, *currents) if voltages and currents else None


def _measuring(channels: Sequence[Channel], letter: str) -> list[Channel]:
    quantities = ((channel, quantity_of(channel.unit)) for channel in channels)
    return [channel for channel, quantity in quantities if quantity and quantity[0] == letter]


def _three(candidates: Sequence[Channel]) -> tuple[Channel, ...] | None:
    phased = sorted((c for c in candidates if c.phase.upper() in _PHASES), key=lambda c: _PHASES[c.phase.upper()])
    if [_PHASES[c.phase.upper()] for c in phased] == [0, 1, 2]:
        return tuple(phased)
    return tuple(candidates) if len(candidates) == 3 and not phased else None  # noqa: PLR2004 - three phases
