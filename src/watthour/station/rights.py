"""Who may read and write what: a role's rights, as names of the register map.

In: patterns of names as a configuration has them. Out: whether a request's rows are allowed. Who has which role is not known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from watthour.maps.modbus import BITS, REGISTERS
from watthour.maps.register import Access, Bit, Register

_ROWS: tuple[Register | Bit, ...] = (*REGISTERS, *BITS)
READABLE = frozenset(row.name for row in _ROWS)
WRITABLE = frozenset(row.name for row in _ROWS if row.access is not Access.READ)
SELECTIONS = frozenset({"profile_select", "closing_select"})
"""Written by whoever may read what they select; nothing in the meter changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a client may do.

    Parameters
    ----------
    role : str
        What messages call it.
    read, write : frozenset of str
        Names of rows of the map.
    """

    role: str
    read: frozenset[str]
    write: frozenset[str]

    @property
    def may_read_all(self) -> bool:
        """Whether nothing is hidden from it."""
        return self.read is READABLE

    def allows_reading(self, names: Iterable[str]) -> bool:
        """Tell whether all of these may be read."""
        return self.may_read_all or self.read.issuperset(names)

    def allows_writing(self, names: Iterable[str]) -> bool:
        """Tell whether all of these may be written; what a line looks at, whoever may read may select."""
        return all(name in self.write or (name in SELECTIONS and name in self.read) for name in names)


def rights_of(role: str, read: Iterable[str], write: Iterable[str]) -> Rights:
    """Return the rights that patterns of names give; a star stands for any letters.

    >>> sorted(rights_of("operator", ["power_*"], ["partial_*"]).write)
    ['partial_reset']
    """
    return Rights(role=role, read=_matching(read, READABLE), write=_matching(write, WRITABLE))


def unmatched(patterns: Iterable[str], names: frozenset[str]) -> list[str]:
    """Return the patterns that no name matches."""
    return [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]


def _matching(patterns: Iterable[str], names: frozenset[str]) -> frozenset[str]:
    patterns = tuple(patterns)
    if "*" in patterns:
        return names
    return frozenset(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))


EVERYTHING = Rights(role="", read=READABLE, write=WRITABLE)
READ_ONLY = Rights(role="read-only", read=READABLE, write=frozenset())
NOTHING = Rights(role="none", read=frozenset(), write=frozenset())
