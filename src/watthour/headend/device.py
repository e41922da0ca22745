"""A device: which register of a meter holds what, and how registers become exact numbers. A device is data.

In: rows, checked by whoever read them, and contents of registers. Out: the reads to make, and a `Reading`. No address of any meter
stands here, and nothing is opened.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from types import MappingProxyType

from watthour.errors import BadFrameError
from watthour.headend.reading import MOST_MICRO, Counter, Reading
from watthour.units import ENERGIES, MICRO, VALUE_BY_NAME, energy_name, exact_name
from watthour.view import Number
from watthour.wire.modbus.message import READ_MAXIMUM, ReadRequest

BYTES = 2
"""Of a register."""


class Form(StrEnum):
    """How a variable is written in registers."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U48 = "u48"
    U64 = "u64"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    ASCII = "ascii"
    RAW = "raw"


REGISTERS: Mapping[Form, int] = MappingProxyType(
    {Form.U16: 1, Form.I16: 1, Form.U32: 2, Form.I32: 2, Form.U48: 3, Form.U64: 4, Form.I64: 4, Form.F32: 2, Form.F64: 4}
)
"""Registers of the forms that have a length of their own."""

WHOLE: Mapping[Form, int] = MappingProxyType({Form.U16: 16, Form.U32: 32, Form.U48: 48, Form.U64: 64})
"""Bits of the forms that a counter may have and roll over in."""

_FLOATS: Mapping[Form, str] = MappingProxyType({Form.F32: ">f", Form.F64: ">d"})
_SIGNED = frozenset({Form.I16, Form.I32, Form.I64})

COUNTERS: Mapping[str, str] = MappingProxyType(
    {
        **{energy_name(energy): energy for energy in ENERGIES},
        **{exact_name(energy): energy for energy in ENERGIES},
    }
)
"""Names of rows that are counters of total energy, and which energy each counts."""

RESETTABLE = frozenset(energy_name(energy, "partial_") for energy in ENERGIES)
"""Names of rows that are counters an owner may begin again."""

SERIAL = "serial"
IDENTITY = frozenset({SERIAL, "model", "ct_primary", "ct_secondary", "vt_primary", "vt_secondary", "event_head"})
"""What a row may hold besides values and counters."""

_EXACT = frozenset(exact_name(energy) for energy in ENERGIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One variable of a device.

    Parameters
    ----------
    address : int
        First register as sent on the wire, base 0; of a device with a `model`, counted from that model's identifier.
    scale : Decimal
        Value per step of the raw number, in the unit that the name ends with.
    exponent : str
        Name of the row that holds a power of ten more; empty: none.
    modulus : int, optional
        Of a counter: how many steps it has; None: as many as its form.
    absent : int, optional
        Raw number that says there is no value.
    valid : tuple of str and int, optional
        Row and bit that say whether there is a value.
    low_first : bool
        The register with the lowest bits comes first.
    """

    name: str
    address: int
    form: Form
    scale: Decimal = Decimal(1)
    exponent: str = ""
    modulus: int | None = None
    absent: int | None = None
    valid: tuple[str, int] | None = None
    length: int = 0
    low_first: bool = False

    @property
    def registers(self) -> int:
        """Registers it takes."""
        return self.length or REGISTERS[self.form]

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.registers

    @property
    def is_counter(self) -> bool:
        """Whether it counts energy."""
        return self.name in COUNTERS or self.name in RESETTABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A kind of meter on Modbus.

    Parameters
    ----------
    blocks : tuple of pairs
        Address and count of each read; those that hold a counter come first.
    models : tuple of int
        SunSpec models that its addresses are counted from: the first is the meter's own, row names tell no difference.
    has_profile : bool
        It shows its load profile as the watthour block does.
    """

    name: str
    title: str
    source: str
    rows: tuple[Row, ...]
    blocks: tuple[tuple[int, int], ...] = ()
    function: int = 3
    models: tuple[int, ...] = ()
    has_profile: bool = False

    def reads(self) -> list[ReadRequest]:
        """Return the reads to make, those with counters first: the reading's time is theirs."""
        blocks = self.blocks or tuple(covering(self.rows))
        counting = [block for block in blocks if any(row.is_counter and _is_in(row, block) for row in self.rows)]
        ordered = [*counting, *(block for block in blocks if block not in counting)]
        return [ReadRequest(function=self.function, start=start, count=count) for start, count in ordered]

    def at(self, bases: Mapping[int, int]) -> "Device":
        """Return the device with its rows where models were found.

        Parameters
        ----------
        bases : mapping of int to int
            Address of each model's identifier.
        """
        common = bases[COMMON_MODEL]
        own = bases[self.models[0]]
        rows = tuple(
            replace(row, address=row.address + (common if row.name in {SERIAL, "model"} else own)) for row in self.rows
        )
        rows = tuple(sorted(rows, key=lambda row: row.address))
        return replace(self, rows=rows, blocks=tuple(covering(rows, over_holes=True)), models=())


COMMON_MODEL = 1
"""SunSpec's model of manufacturer, model and serial number."""


def _is_in(row: Row, block: tuple[int, int]) -> bool:
    start, count = block
    return start <= row.address and row.end <= start + count


def covering(rows: Sequence[Row], *, over_holes: bool = False) -> Iterator[tuple[int, int]]:
    """Yield the fewest reads that cover rows: none cuts a variable, and only `over_holes` one spans what is between them."""
    start = end = -1
    for row in sorted(rows, key=lambda row: row.address):
        if start >= 0 and (over_holes or row.address <= end) and max(row.end, end) - start <= READ_MAXIMUM:
            end = max(end, row.end)
            continue
        if start >= 0:
            yield start, end - start
        start, end = row.address, row.end
    if start >= 0:
        yield start, end - start


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Registers as they were read."""

    start: int
    data: bytes

    def bytes_of(self, row: Row) -> bytes | None:
        """Return the bytes of a row, highest first; None where it does not lie here whole."""
        begin = (row.address - self.start) * BYTES
        end = begin + row.registers * BYTES
        if begin < 0 or end > len(self.data):
            return None
        found = self.data[begin:end]
        if not row.low_first:
            return found
        return b"".join(found[place : place + BYTES] for place in range(len(found) - BYTES, -1, -BYTES))


def reading_from(
    device: Device, contents: Sequence[Contents], time_ns: int, max_power_w: int | None, within_ns: int = 0
) -> Reading:
    """Return what a device's registers say.

    Parameters
    ----------
    time_ns, within_ns : int
        As the reading is to have them.
    max_power_w : int, optional
        As its owner says; None: as follows from its current transformers, else 10 MW.

    Raises
    ------
    BadFrameError
        If it tells no serial number.
    """
    raw = dict(_raw(device.rows, contents))
    known = {row.name: _value(row, raw) for row in device.rows if row.name in raw}
    serial = known.get(SERIAL)
    if serial is None or str(serial) in {"", "0"}:
        msg = f"{device.name}: the meter tells no serial number"
        raise BadFrameError(msg)
    exact = {COUNTERS[name] for name in known if name in _EXACT and known[name] is not None}
    counters, resettable = {}, {}
    for row in device.rows:
        counter = _counter(row, raw) if row.is_counter else None
        if counter is None:
            continue
        if row.name in RESETTABLE:
            resettable[row.name] = counter
        elif row.name in _EXACT or COUNTERS[row.name] not in exact:
            counters[COUNTERS[row.name]] = counter
    head = known.get("event_head")
    return Reading(
        time_ns=time_ns,
        within_ns=within_ns,
        serial=str(serial),
        counters={name: counters[name] for name in ENERGIES if name in counters},
        resettable=resettable,
        values={name: _number(known[name]) for name in VALUE_BY_NAME if name in known},
        model=str(known.get("model") or device.title),
        ratio=_ratio(known),
        max_power_w=max_power_w or _most_w(known),
        head=head if isinstance(head, str) else "",
    )


def _raw(rows: Sequence[Row], contents: Sequence[Contents]) -> Iterator[tuple[str, bytes]]:
    for row in rows:
        for part in contents:
            data = part.bytes_of(row)
            if data is not None:
                yield row.name, data
                break


Plain = int | Fraction | str | bytes | None


def _value(row: Row, raw: Mapping[str, bytes]) -> Plain:
    """Return the value of a row; None where the meter says that there is none."""
    data = raw[row.name]
    if row.form is Form.ASCII:
        return data.decode("ascii", "replace").rstrip("\0 ")
    if row.form is Form.RAW:
        return data
    if row.valid is not None and not _bit(raw, *row.valid):
        return None
    number = _steps(row, data)
    return None if number is None else _whole(number * _per_step(row, raw)) if _has_scale(row, raw) else None


def _bit(raw: Mapping[str, bytes], name: str, place: int) -> bool:
    return bool(int.from_bytes(raw.get(name, b"\0")) >> place & 1)


def _steps(row: Row, data: bytes) -> int | Fraction | None:
    """Return the raw number; None where it stands for no value."""
    if row.form in _FLOATS:
        (number,) = struct.unpack(_FLOATS[row.form], data)
        return Fraction(number) if number - number == 0 else None
    steps = int.from_bytes(data, signed=row.form in _SIGNED)
    return None if steps == row.absent else steps


_NO_EXPONENT = -(2**15)
"""SunSpec's scale factor that is not implemented."""


def _has_scale(row: Row, raw: Mapping[str, bytes]) -> bool:
    return not row.exponent or (row.exponent in raw and int.from_bytes(raw[row.exponent], signed=True) != _NO_EXPONENT)


def _per_step(row: Row, raw: Mapping[str, bytes]) -> int | Fraction:
    if not row.exponent:
        return _scale(row.scale)
    return _scale(row.scale) * Fraction(10) ** int.from_bytes(raw[row.exponent], signed=True)


@cache
def _scale(scale: Decimal) -> int | Fraction:
    """Return a scale as what is multiplied fastest."""
    return _whole(Fraction(scale))


def _whole(value: int | Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _counter(row: Row, raw: Mapping[str, bytes]) -> Counter | None:
    """Return a counter; None where the meter shows none, or what no meter can."""
    steps = _steps(row, raw[row.name]) if row.name in raw else None
    if steps is None or _value(row, raw) is None:
        return None
    micro_per_step = _per_step(row, raw) * (1 if row.name in _EXACT else MICRO)
    modulus = row.modulus or (2 ** WHOLE[row.form] if row.form in WHOLE else None)
    micro = int(steps * micro_per_step)
    if abs(micro) > MOST_MICRO:
        return None
    return Counter(
        micro=micro,
        step_micro=max(1, int(micro_per_step)) if row.form not in _FLOATS else _float_step(row, raw),
        modulus_micro=None if modulus is None else int(modulus * micro_per_step),
    )


def _float_step(row: Row, raw: Mapping[str, bytes]) -> int:
    """Return the distance to the next number that a float counter can show, in micro-units."""
    data = raw[row.name]
    (here,), (there,) = (
        struct.unpack(_FLOATS[row.form], each) for each in (data, (int.from_bytes(data) + 1).to_bytes(len(data)))
    )
    return max(1, int(abs(Fraction(there) - Fraction(here)) * _per_step(row, raw) * MICRO)) if there - there == 0 else 1


def _number(value: Plain) -> Number:
    return value if isinstance(value, int) else float(value) if isinstance(value, Fraction) else None


def _ratio(known: Mapping[str, Plain]) -> str:
    parts = [known.get(name) for name in ("ct_primary", "ct_secondary", "vt_primary", "vt_secondary")]
    return " ".join(f"{_number(part):g}" for part in parts if isinstance(part, int | Fraction))


OVERLOAD = Fraction(3, 2)
"""Imax over the rated current of a transformer, with room for what a class allows (ours)."""
PHASES = 3
HIGHEST_V = 276
"""The highest voltage to neutral of the low voltage range: 230 V and 20 % more."""
DEFAULT_MAX_W = 10_000_000


def _most_w(known: Mapping[str, Plain]) -> int:
    """Return what no meter behind these transformers can pass."""
    primary = known.get("ct_primary")
    if not isinstance(primary, int | Fraction) or primary <= 0:
        return DEFAULT_MAX_W
    volts, per = known.get("vt_primary"), known.get("vt_secondary")
    times = (
        Fraction(volts) / Fraction(per) if isinstance(volts, int | Fraction) and isinstance(per, int | Fraction) and per else 1
    )
    return int(PHASES * HIGHEST_V * OVERLOAD * primary * max(times, 1))
