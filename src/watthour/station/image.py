"""A view as the registers of one model: the bytes that reads are cut from.

In: a model's rows and a view. Out: one image of all its registers, and where each variable stands in it. The layout is
made once a model; an image once a view. What a request may ask is not known here.
"""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import cast

from watthour import __version__
from watthour.history import Closing, Six
from watthour.maps.modbus import BLOCK_VERSION, LIVE, VALIDITY_BITS_PER_REGISTER, VALIDITY_REGISTERS
from watthour.maps.records import closing_energies, closing_head, closing_maxima, profile_window
from watthour.maps.register import BYTES_PER_REGISTER, Encodable, Register
from watthour.models import has_feature, model_of
from watthour.parameters import PARAMETER_BY_NAME
from watthour.units import NANOSECONDS, RATES, VALUE_BY_NAME, Ratio
from watthour.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a line has selected of the load profile and of the closings, by number."""

    profile_select: int = 0
    closing_select: int = 0


NOTHING_SELECTED = Selection()

Reader = Callable[[View, Selection], Encodable]
"""What a row shows of a view."""

STATUS_WARNING = 0b01
STATUS_FINDING = 0b10
STATUS_STORAGE_FAULT = 0b100
STATUS_REGISTERS_FRESH = 0b1000
STATUS_CALENDAR_MISSING = 0b10000
STATUS_SEAL_OPEN = 0b100000
"""Bits of the register ``status``."""

_VALIDITY = tuple(f"validity_{n}" for n in range(VALIDITY_REGISTERS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Variables that follow one another without a gap.

    Parameters
    ----------
    start, end : int
        First address, and first address behind it.
    offset : int
        Where its bytes begin in the image.
    ends : frozenset of int
        The addresses behind each of its variables: where a request may end.
    """

    start: int
    end: int
    offset: int
    ends: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Where whole variables that follow one another stand in an image.

    Parameters
    ----------
    begin, end : int
        Their first byte, and the first behind them.
    is_late : bool
        Whether one of them is found only when somebody asks.
    """

    begin: int
    end: int
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything of one model stands.

    Parameters
    ----------
    rows : tuple of Register
        The rows it has, sorted by address.
    by_start : mapping of int to Register
    spans : mapping of int to Span
        For each address where a variable begins: the span it belongs to.
    addresses : frozenset of int
        Every address that exists.
    """

    rows: tuple[Register, ...]
    by_start: Mapping[int, Register]
    spans: Mapping[int, Span]
    addresses: frozenset[int]
    all_readers: tuple[tuple[int, Register, Reader], ...]
    prompt_readers: tuple[tuple[int, Register, Reader], ...]
    packing: struct.Struct
    validity: tuple[int, ...]
    late: tuple[range, ...]

    def stretch(self, start: int, count: int) -> Stretch | None:
        """Return where registers stand in an image; None where they do not cover whole variables, and no others."""
        span, end = self.spans.get(start), start + count
        if span is None or end not in span.ends:
            return None
        begin = span.offset + (start - span.start) * BYTES_PER_REGISTER
        is_late = any(start < part.stop and part.start < end for part in self.late)
        return Stretch(begin=begin, end=begin + count * BYTES_PER_REGISTER, is_late=is_late)

    def image(self, view: View, selection: Selection = NOTHING_SELECTED, *, late: bool = True) -> bytes:
        """Return all registers of a view, in the order of the rows, validity bits set.

        Parameters
        ----------
        late : bool
            Whether to find what is found only when somebody asks; else it is null.
        """
        raws: list[int | bytes] = [0] * len(self.rows)
        bits = 0
        for place, row, read in self.all_readers if late else self.prompt_readers:
            raws[place], valid = row.encode(read(view, selection))
            if valid and row.bit is not None:
                bits |= 1 << row.bit
        for word, place in enumerate(self.validity):
            raws[place] = bits >> (word * VALIDITY_BITS_PER_REGISTER) & (2**VALIDITY_BITS_PER_REGISTER - 1)
        return self.packing.pack(*raws)

    def variables(self, start: int, count: int) -> list[Register]:
        """Return the rows that registers cover whole."""
        return [self.by_start[address] for address in range(start, start + count) if address in self.by_start]


@cache
def layout_of(model: str) -> Layout:
    """Return the layout of a model, by its code or name: the live rows whose feature it has."""
    having = model_of(model)
    return layout_for(tuple(row for row in LIVE if has_feature(having, row.needs)))


def layout_for(rows: Sequence[Register]) -> Layout:
    """Return the layout of rows that are sorted by address."""
    names = [row.name for row in rows]
    readers = tuple((place, row, _reader(row.name)) for place, row in enumerate(rows))
    return Layout(
        rows=tuple(rows),
        by_start=MappingProxyType({row.address: row for row in rows}),
        spans=MappingProxyType({row.address: span for span, members in _spans(rows) for row in members}),
        addresses=frozenset(address for row in rows for address in range(row.address, row.end)),
        all_readers=readers,
        prompt_readers=tuple(reader for reader in readers if not reader[1].late),
        packing=struct.Struct(">" + "".join(row.layout for row in rows)),
        validity=tuple(names.index(name) for name in _VALIDITY if name in names),
        late=_late(rows),
    )


def _spans(rows: Sequence[Register]) -> list[tuple[Span, list[Register]]]:
    """Return the rows parted where an address is missing."""
    groups: list[list[Register]] = []
    for row in rows:
        if groups and groups[-1][-1].end == row.address:
            groups[-1].append(row)
        else:
            groups.append([row])
    spans, offset = [], 0
    for group in groups:
        start, end = group[0].address, group[-1].end
        spans.append((Span(start=start, end=end, offset=offset, ends=frozenset(row.end for row in group)), group))
        offset += (end - start) * BYTES_PER_REGISTER
    return spans


def _late(rows: Sequence[Register]) -> tuple[range, ...]:
    """Return the stretches of addresses of late rows."""
    parts: list[range] = []
    for row in rows:
        if row.late and parts and parts[-1].stop == row.address:
            parts[-1] = range(parts[-1].start, row.end)
        elif row.late:
            parts.append(range(row.address, row.end))
    return tuple(parts)


def _reader(name: str) -> Reader:
    """Return how a name is read from a view: what the meter says of itself, a setting, a value, or an exact energy."""
    if name in _IDENTITY:
        read = _IDENTITY[name]
        return lambda view, _: read(view)
    if name in _SELECTED:
        return _SELECTED[name]
    if name in PARAMETER_BY_NAME:
        return lambda view, _: cast("Encodable", view.parameters[name])
    if name in VALUE_BY_NAME:
        return lambda view, _: view.values.get(name)
    return lambda view, _: view.exact.get(name)


_LONGEST_NAME = 32


def _ratio(name: str) -> Callable[[View], Ratio]:
    return lambda view: cast("Ratio", view.parameters[name])


def status_of(view: View) -> int:
    """Return the bits of what a reader should know before he believes the numbers."""
    return (
        STATUS_WARNING * bool(view.warnings)
        | STATUS_FINDING * bool(view.diagnosis)
        | STATUS_STORAGE_FAULT * view.storage_fault
        | STATUS_REGISTERS_FRESH * view.registers_fresh
        | STATUS_CALENDAR_MISSING * view.calendar_missing
        | STATUS_SEAL_OPEN * view.seal_open
    )


_VERSION = tuple(int(digits) for digits in re.findall(r"\d+", __version__)[:3])
_CT, _VT = _ratio("ct"), _ratio("vt")


def _closing(view: View, selection: Selection) -> Closing | None:
    number = selection.closing_select
    return view.closings[number] if view.closings.oldest <= number < len(view.closings) else None


def _rate_of_closing(place: int) -> Reader:
    return _of_closing(lambda closing: closing.rates[place])


def _of_closing(part: Callable[[Closing], Six]) -> Reader:
    def read(view: View, selection: Selection) -> Encodable:
        closing = _closing(view, selection)
        return closing_energies(None if closing is None else part(closing))

    return read


_SELECTED: Mapping[str, Reader] = MappingProxyType(
    {
        "closing_head": lambda view, selection: closing_head(_closing(view, selection)),
        "closing_maxima": lambda view, selection: closing_maxima(_closing(view, selection)),
        "closing_select": lambda _, selection: selection.closing_select,
        "closing_total": _of_closing(lambda closing: closing.total),
        **{f"closing_{name}": _rate_of_closing(place) for place, name in enumerate(RATES)},
        "profile_select": lambda _, selection: selection.profile_select,
        "profile_window": lambda view, selection: profile_window(view.profile, selection.profile_select),
    }
)
"""What depends on a line's selection."""


_IDENTITY: Mapping[str, Callable[[View], Encodable]] = MappingProxyType(
    {
        "block_version": lambda _: BLOCK_VERSION,
        "calendar_id": lambda view: view.calendar.encode("ascii", "replace").decode()[:_LONGEST_NAME],
        "clock_unix_s": lambda view: view.time_ns // NANOSECONDS,
        "close_period": lambda _: 0,
        "closing_count": lambda view: len(view.closings),
        "closing_oldest": lambda view: view.closings.oldest,
        "ct_primary": lambda view: _CT(view).primary,
        "ct_secondary": lambda view: _CT(view).secondary,
        "event_count": lambda view: view.event_count,
        "event_head": lambda view: view.event_head,
        "firmware_major": lambda _: _VERSION[0],
        "firmware_minor": lambda _: _VERSION[1],
        "firmware_revision": lambda _: _VERSION[2],
        "model": lambda view: model_of(view.model).name,
        "partial_reset": lambda _: 0,
        "profile_count": lambda view: len(view.profile),
        "profile_oldest": lambda view: view.profile.oldest,
        "rate_select": lambda view: view.selected_rate,
        "serial": lambda view: view.serial,
        "software_id": lambda view: view.software_id,
        "status": status_of,
        "vt_primary": lambda view: _VT(view).primary,
        "vt_secondary": lambda view: _VT(view).secondary,
        "warnings": lambda view: len(view.warnings),
        **dict.fromkeys(_VALIDITY, lambda _: 0),
    }
)
"""What the meter says of itself; the validity words are filled in when all else is encoded."""
