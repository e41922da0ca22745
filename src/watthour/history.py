"""What a meter keeps of the past: rows of its load profile, closings with their maxima, and the list that holds them.

Records are made by the meter; buses, stores and reports read them. Instants are nanoseconds UTC since 1970, energies whole
micro-units, primary, powers whole microwatts. Where a row is kept, and how it travels, is not known here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import Generic, TypeVar

Six = tuple[int, ...]
"""Import, export, Q1, Q2, Q3, Q4 in micro-units."""

PROFILE_MIN = 15
"""Minutes of a row of the load profile."""

PROFILE_ROWS = 2 * 366 * 24 * 60 // PROFILE_MIN
"""Rows kept: two years, either of which may be a leap year."""

CLOSINGS = 24
"""Closings kept: two years of months."""


class RowFlag(IntFlag):
    """What happened in an interval, or a billing period, so that nobody takes it for a plain one."""

    POWER_FAILED = 1
    """All voltages were out for some of it."""
    CLOCK_SET = 2
    """The clock jumped into it, within it or out of it."""
    INCOMPLETE = 4
    """Some of its samples are missing: what was off, a gap of the source, its beginning or its end."""
    CALENDAR_MISSING = 8
    """The calendar has no rate for some of it; that energy is in T1."""


PLAIN = RowFlag(0)
"""Nothing happened that anybody must be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRow:
    """One interval of the load profile, [start, end).

    Parameters
    ----------
    start_ns, end_ns : int
        The interval. A closed row is `PROFILE_MIN` minutes long; only an interval in which nothing was metered has none.
    energies : six int
        What the totals grew by: rows sum to differences of the registers.
    rates : tuple of int
        The rates that counted, in the order in which each came first; the first is that of the row's begin.
    demand_microw : int or None
        Highest demand whose period ended in it; None where none did.
    metered_ns : int
        Time that the energies stand for.
    flags : RowFlag
    """

    start_ns: int
    end_ns: int
    energies: Six
    rates: tuple[int, ...]
    demand_microw: int | None
    metered_ns: int
    flags: RowFlag


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """A highest demand.

    Parameters
    ----------
    demand_microw : int
        Mean import power over its period, primary.
    time_ns : int
        End of that period.
    """

    demand_microw: int
    time_ns: int


class ClosingCause(StrEnum):
    """Why a billing period was closed."""

    CALENDAR = "calendar"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The registers as they stood when a billing period was closed.

    Parameters
    ----------
    time_ns : int
        When: the local midnight, or the instant of the command.
    total : six int
    rates : eight times six int
    maximum : Maximum or None
        Of the period, over all rates; None where no demand period ended in it.
    rate_maxima : eight times Maximum or None
    flags : RowFlag
        `RowFlag.CLOCK_SET` where the clock was set in the period, or jumped over its end.
    """

    time_ns: int
    cause: ClosingCause
    total: Six
    rates: tuple[Six, ...]
    maximum: Maximum | None
    rate_maxima: tuple[Maximum | None, ...]
    flags: RowFlag = PLAIN


T = TypeVar("T")


class History(Generic[T]):
    """What happened so far: a value that never changes, of which the newest is cheap to lengthen.

    Entries are numbered from 0, the first ever; the oldest are let go when there are more than `keep`. A history shares
    its entries with those it was made from, so that a view may hold one while the meter goes on.

    Parameters
    ----------
    entries : iterable
        What is known, oldest first.
    keep : int
        The most that are held.
    first : int
        Number of the first of `entries`.

    >>> before = History("ab", keep=2)
    >>> after = before.append("c")
    >>> list(before), list(after), len(after), after.oldest
    (['a', 'b'], ['b', 'c'], 3, 1)
    """

    __slots__ = ("_base", "_end", "_entries", "keep")

    def __init__(self, entries: Iterable[T] = (), *, keep: int, first: int = 0) -> None:
        self._entries = list(entries)
        self._base = first
        self._end = first + len(self._entries)
        self.keep = keep

    def __len__(self) -> int:
        """Return how many there ever were: the number of the next."""
        return self._end

    @property
    def oldest(self) -> int:
        """Number of the oldest that is held; the length where none is."""
        return max(self._base, self._end - self.keep)

    def __getitem__(self, number: int) -> T:
        if not self.oldest <= number < self._end:
            msg = f"entry {number} is not among {self.oldest} to {self._end - 1}"
            raise IndexError(msg)
        return self._entries[number - self._base]

    def __iter__(self) -> Iterator[T]:
        return iter(self.since(0))

    def since(self, number: int) -> tuple[T, ...]:
        """Return the entries from a number on, as far as they are held."""
        return tuple(self._entries[max(number, self.oldest) - self._base : self._end - self._base])

    def append(self, entry: T) -> "History[T]":
        """Return the history with one more; of the newest, without a copy."""
        longer: History[T] = History(keep=self.keep)
        shares = self._base + len(self._entries) == self._end and len(self._entries) < 2 * self.keep
        longer._entries = self._entries if shares else list(self)
        longer._base = self._base if shares else self.oldest
        longer._entries.append(entry)
        longer._end = self._end + 1
        return longer

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return (self._end, self.keep, self.since(0)) == (other._end, other.keep, other.since(0))

    __hash__ = None  # type: ignore[assignment]
