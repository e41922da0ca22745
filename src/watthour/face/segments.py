"""Seven segments: which of them make a character, and a text made into the cells of the glass.

::

     a
    f b      bit 0 a, 1 b, 2 c, 3 d, 4 e, 5 f, 6 g
     g
    e c
     d  .
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CELLS = 8
"""Places on the glass, one more than a register has digits: for a sign, and for eight hexadecimal digits at a time."""

_LETTERS = (
    "0abcdef 1bc 2abdeg 3abcdg 4bcfg 5acdfg 6acdefg 7abc 8abcdefg 9abcdfg Aabcefg Bcdefg Cadef Dbcdeg Eadefg Faefg"
    " Gacdef Hcefg Ief Jbcde Ldef Nceg Ocdeg Pabefg Qabcfg Reg Sacdfg Tdefg Ubcdef Ybcdfg -g _d"
)

ALPHABET: Mapping[str, int] = MappingProxyType(
    {" ": 0, **{word[0]: sum(1 << "abcdefg".index(segment) for segment in word[1:]) for word in _LETTERS.split()}}
)
"""Bits of the segments of each character there is; letters are one size."""

ALL = 0x7F


@dataclass(frozen=True, slots=True)
class Cell:
    """One place: the bits of its segments, and whether the point after it is on."""

    segments: int = 0
    point: bool = False


def is_spelled(text: str) -> bool:
    """Say whether the glass has every character of a text, and the places for it."""
    plain = text.replace(".", "")
    return len(plain) <= CELLS and set(plain.upper()) <= set(ALPHABET)


def cells(text: str) -> tuple[Cell, ...]:
    """Return the cells of a text at the right edge of the glass.

    Raises
    ------
    ValueError
        If it does not fit, or holds a character that seven segments cannot show.

    Examples
    --------
    >>> [cell.segments for cell in cells("-1.5")][4:], cells("-1.5")[6].point
    ([0, 64, 6, 109], True)
    """
    if not is_spelled(text):
        msg = f"{text!r} cannot be shown in {CELLS} places of seven segments"
        raise ValueError(msg)
    made: list[Cell] = []
    for character in text.upper():
        if character == ".":
            last = made.pop() if made and not made[-1].point else Cell()
            made.append(Cell(last.segments, point=True))
        else:
            made.append(Cell(ALPHABET[character]))
    return (Cell(),) * (CELLS - len(made)) + tuple(made)
