"""A view as the registers of one model: the bytes that reads are cut from.

In: a model's rows and a view. Out: one image of all its registers, and where each variable stands in it. The layout is
made once a model; an image once a view, of which only what differs from the one before is encoded. What a request may ask is
not known here.
"""

import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat
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
from watthour.view import View, picked, ready_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a line has selected of the load profile and of the closings, by number."""

    profile_select: int = 0
    closing_select: int = 0


NOTHING_SELECTED = Selection()

Reader = Callable[[View, Selection], Encodable]
"""What a row shows of a view."""

Encoder = Callable[[Encodable], tuple[int | bytes, bool]]
"""What a row makes of a value, and whether that is valid."""

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
class Image:
    """All registers of a view.

    Parameters
    ----------
    late : bool
        Whether it holds what is found only when somebody asks.
    data : bytes
        In the order of the rows, validity bits set.
    read : list
        What was encoded, in the layout's order of reading; late rows behind its end are null.
    raws : list of int or bytes
        What it became, in the order of the rows.
    valid : list of bool
        Whether each row is valid, in their order.
    bits : int
        The same as validity bits, each in its place.
    """

    view: View
    selection: Selection
    late: bool
    data: bytes
    read: list[Encodable]
    raws: list[int | bytes]
    valid: list[bool]
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Rows in the order in which a view is asked for them: what comes from the same place together.

    Parameters
    ----------
    places : tuple of int
        Of the rows, in that order: those of `said`, `settings`, `exact`, `values`, `selected` and `late`; not validity words.
    said, selected : tuple of callables
        What the meter says of itself; what a line's selection decides.
    settings, exact, values, late : tuple of str
        Names; of values those that are known at once, and those that are found when asked for.
    """

    places: tuple[int, ...]
    said: tuple[Callable[[View], Encodable], ...]
    settings: tuple[str, ...]
    exact: tuple[str, ...]
    values: tuple[str, ...]
    selected: tuple[Reader, ...]
    late: tuple[str, ...]

    def of(self, view: View, selection: Selection, before: Image | None, *, late: bool) -> list[Encodable]:
        """Return what a view has for each row; of an earlier image what still holds. Late rows that stay null are left out."""
        read: list[Encodable] = [read(view) for read in self.said]
        read += cast("Iterable[Encodable]", map(view.parameters.__getitem__, self.settings))
        read += picked(view.exact, self.exact)
        read += picked(ready_values(view), self.values)
        if before is not None and _selects_the_same(before, view, selection):
            read += before.read[len(read) : len(read) + len(self.selected)]
        else:
            read += [reader(view, selection) for reader in self.selected]
        if late:
            read += map(view.values.get, self.late)
        elif before is None or before.late:
            read += (None,) * len(self.late)
        return read


def _selects_the_same(image: Image, view: View, selection: Selection) -> bool:
    seen = image.view
    return image.selection == selection and seen.profile is view.profile and seen.closings is view.closings


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
    encoders : tuple of callable and int
        What encodes each row, and its validity bit in its place; 0 for none.
    """

    rows: tuple[Register, ...]
    by_start: Mapping[int, Register]
    spans: Mapping[int, Span]
    addresses: frozenset[int]
    reading: Reading
    encoders: tuple[tuple[Encoder, int], ...]
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

    def image(
        self, view: View, selection: Selection = NOTHING_SELECTED, before: Image | None = None, *, late: bool = True
    ) -> Image:
        """Return all registers of a view.

        Parameters
        ----------
        before : Image, optional
            An earlier one of the same layout, whose work need not be done again.
        late : bool
            Whether to find what is found only when somebody asks; else it is null.
        """
        read = self.reading.of(view, selection, before, late=late)
        changed: Iterable[tuple[int, Encodable]] = zip(self.reading.places, read, strict=False)
        if before is None:
            raws, valid, bits = cast("list[int | bytes]", [0] * len(self.rows)), [False] * len(self.rows), 0
        else:
            raws, valid, bits = before.raws.copy(), before.valid.copy(), before.bits
            seen = zip(self.reading.places, read, chain(before.read, repeat(None)), strict=False)
            changed = [(place, new) for place, new, old in seen if new is not old and new != old]
        for place, value in changed:
            encode, bit = self.encoders[place]
            raws[place], is_valid = encode(value)
            if is_valid is not valid[place]:
                valid[place] = is_valid
                bits ^= bit
        for word, place in enumerate(self.validity if before is None or bits != before.bits else ()):
            raws[place] = bits >> (word * VALIDITY_BITS_PER_REGISTER) & (2**VALIDITY_BITS_PER_REGISTER - 1)
        data = self.packing.pack(*raws)
        return Image(view=view, selection=selection, late=late, data=data, read=read, raws=raws, valid=valid, bits=bits)

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
    return Layout(
        rows=tuple(rows),
        by_start=MappingProxyType({row.address: row for row in rows}),
        spans=MappingProxyType({row.address: span for span, members in _spans(rows) for row in members}),
        addresses=frozenset(address for row in rows for address in range(row.address, row.end)),
        reading=_reading(rows),
        encoders=tuple((row.encoder(), 0 if row.bit is None else 1 << row.bit) for row in rows),
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


def _reading(rows: Sequence[Register]) -> Reading:
    """Return how rows are read from a view: what the meter says of itself, a setting, an exact energy, a value, or selected."""
    groups: dict[str, list[int]] = {kind: [] for kind in ("said", "settings", "exact", "values", "selected", "late")}
    for place, row in enumerate(rows):
        if row.name not in _VALIDITY:  # filled in when all else is encoded
            groups[_kind(row)].append(place)
    names = {kind: tuple(rows[place].name for place in places) for kind, places in groups.items()}
    return Reading(
        places=tuple(place for places in groups.values() for place in places),
        said=tuple(_IDENTITY[name] for name in names["said"]),
        settings=names["settings"],
        exact=names["exact"],
        values=names["values"],
        late=names["late"],
        selected=tuple(_SELECTED[name] for name in names["selected"]),
    )


def _kind(row: Register) -> str:
    if row.name in _IDENTITY:
        return "said"
    if row.name in _SELECTED:
        return "selected"
    if row.name in PARAMETER_BY_NAME:
        return "settings"
    if row.name in VALUE_BY_NAME:
        return "late" if row.late else "values"
    return "exact"


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
    }
)
"""What the meter says of itself."""
