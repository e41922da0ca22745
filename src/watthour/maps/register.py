"""The row of a register map: where a value sits on a bus, and how a number becomes its registers.

In: a value as a meter shows it. Out: the raw integer that travels and whether it is valid, and back. Null, and
what lies beyond the type's range, travels as 0 or as the nearest end of the range with its validity bit clear.
Nothing here knows how a value was measured, or how its bytes are framed.
"""

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from watthour.units import steps_half_up

Encodable = int | float | Decimal | Fraction | str | bytes | None
"""What may stand in a register: a number, a word, a record, or null."""

BYTES_PER_REGISTER = 2


class Type(StrEnum):
    """How a variable is written in registers; big endian, high word first."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    ASCII = "ascii"
    RAW = "raw"
    """A record of several parts, laid out in `watthour.maps.records`."""


FORMATS: Mapping[Type, str] = MappingProxyType({Type.U16: "H", Type.I16: "h", Type.U32: "I", Type.I32: "i", Type.U64: "Q"})
"""Letters of `struct` for the numeric types, to be read big endian."""

RANGES: Mapping[Type, tuple[int, int]] = MappingProxyType(
    {
        Type.U16: (0, 2**16 - 1),
        Type.I16: (-(2**15), 2**15 - 1),
        Type.U32: (0, 2**32 - 1),
        Type.I32: (-(2**31), 2**31 - 1),
        Type.U64: (0, 2**64 - 1),
    }
)


_PLAIN = 2.0**40
_OFF_HALF = 0.499
"""A float of fewer steps is scaled with an error below 2^-12: this near to a whole number it is rounded to that one."""


class Access(StrEnum):
    """What a request may do to a variable."""

    READ = "read"
    READ_WRITE = "read/write"
    COMMAND = "command"
    """Write 1 to have it done; reads 0."""


class Status(StrEnum):
    """Whether a meter answers for the row."""

    LIVE = "live"
    PLANNED = "planned"
    """Reserved: answers like an address that does not exist, and may still move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One variable of a register map.

    Parameters
    ----------
    address : int
        First register as sent on the wire, base 0.
    name : str
        Name of a value, of a setting, or of what the meter says of itself.
    type : Type
    unit : str
        Unit of the value, as the nomenclature has it.
    decimals : int
        The raw integer is the value times ten to this power, rounded half up once.
    access : Access
    block : str
        Label of the block, printed with the row.
    source : str
        Where the row comes from.
    status : Status
    bit : int, optional
        Its validity bit: bit n is bit n modulo 16 (0 is the lowest) of the register ``validity_{n // 16}``.
    needs : str
        Feature of `watthour.models.Model` without which the row does not exist.
    codes : tuple of str
        Where the raw integer is a code: the word for 0, 1, 2 ...
    length : int
        Registers of a `Type.ASCII` or `Type.RAW`; 0 for the others, whose type says it.
    late : bool
        Found only when a request covers it, or another late row.
    remark : str
    """

    address: int
    name: str
    type: Type = Type.U32
    unit: str = ""
    decimals: int = 0
    access: Access = Access.READ
    block: str = ""
    source: str = ""
    status: Status = Status.LIVE
    bit: int | None = None
    needs: str = ""
    codes: tuple[str, ...] = ()
    length: int = 0
    late: bool = False
    remark: str = ""

    @property
    def registers(self) -> int:
        """Registers it takes."""
        return self.length or struct.calcsize(f">{FORMATS[self.type]}") // BYTES_PER_REGISTER

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.address + self.registers

    @property
    def layout(self) -> str:
        """Letters of `struct` for its bytes, to be read big endian."""
        return FORMATS.get(self.type) or f"{BYTES_PER_REGISTER * self.length}s"

    def encode(self, value: Encodable) -> tuple[int | bytes, bool]:
        """Return what travels for a value, and whether it is valid.

        Null gives 0 and False; what the type cannot hold gives the nearest end of its range and False.

        >>> Register(address=0, name="voltage_l1_v", decimals=1).encode(230.25)
        (2303, True)
        >>> Register(address=0, name="power_factor", type=Type.I16, decimals=4).encode(None)
        (0, False)
        """
        if isinstance(value, bytes):
            return value, True
        if self.length:
            return _text(value, BYTES_PER_REGISTER * self.length)
        if self.codes:
            return self.codes.index(str(value)), True
        raw = _scaled(value, self.decimals)
        if raw is None:
            return 0, False
        low, high = RANGES[self.type]
        return min(max(raw, low), high), low <= raw <= high

    def encoder(self) -> Callable[[Encodable], tuple[int | bytes, bool]]:
        """Return what encodes value after value as `encode` does, in a fraction of the time where they are plain numbers."""
        if self.length or self.codes:
            return self.encode
        low, high = RANGES[self.type]
        steps, steps_a_unit = 10**self.decimals, 10.0**self.decimals

        def encode(value: Encodable) -> tuple[int | bytes, bool]:
            if type(value) is float and -_PLAIN < (scaled := value * steps_a_unit) < _PLAIN:
                raw = round(scaled)
                if -_OFF_HALF < scaled - raw < _OFF_HALF and low <= raw <= high:
                    return raw, True
            elif type(value) is int and low <= (raw := value * steps) <= high:
                return raw, True
            return self.encode(value)

        return encode

    def to_bytes(self, value: Encodable) -> bytes:
        """Return the bytes of a value, as `encode` makes them."""
        return struct.pack(f">{self.layout}", self.encode(value)[0])

    def from_bytes(self, data: bytes) -> int | Decimal | str | bytes:
        """Return the value that bytes stand for; a code gives its word, a record its bytes.

        Raises
        ------
        ValueError
            If the length is wrong, or the code has no word.

        >>> Register(address=0, name="voltage_l1_v", decimals=1).from_bytes(bytes.fromhex("0000 08FF"))
        Decimal('230.3')
        """
        if len(data) != BYTES_PER_REGISTER * self.registers:
            msg = f"{self.name}: {len(data)} bytes for {self.registers} registers"
            raise ValueError(msg)
        (raw,) = struct.unpack(f">{self.layout}", data)
        if self.type is Type.RAW:
            return bytes(data)
        if isinstance(raw, bytes):
            return raw.decode("ascii", "replace").rstrip("\0 ")
        if self.codes:
            return self._word(raw)
        return Decimal(raw).scaleb(-self.decimals) if self.decimals else int(raw)

    def _word(self, code: int) -> str:
        if code >= len(self.codes):
            msg = f"{self.name}: {code} is none of the codes 0 to {len(self.codes) - 1}"
            raise ValueError(msg)
        return self.codes[code]


class BitTable(StrEnum):
    """The two tables of single bits."""

    COIL = "coil"
    DISCRETE_INPUT = "discrete input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bit:
    """One coil or discrete input of a map.

    Parameters
    ----------
    address : int
        As sent on the wire, base 0; coils and discrete inputs have addresses of their own.
    name : str
        Name of a value, or of what the meter says of itself.
    table : BitTable
    access : Access
        A command is written ON to have it done.
    status : Status
    needs : str
        Feature of `watthour.models.Model` without which the row does not exist.
    remark : str
    """

    address: int
    name: str
    table: BitTable
    access: Access = Access.READ
    status: Status = Status.LIVE
    needs: str = ""
    remark: str = ""


def _scaled(value: Encodable, decimals: int) -> int | None:
    """Return the value in steps of its last decimal, None for null."""
    if isinstance(value, int):
        return int(value * 10**decimals)
    if value is None or isinstance(value, str | bytes) or not math.isfinite(value):
        return None
    return steps_half_up(value, decimals)


def _text(value: Encodable, size: int) -> tuple[bytes, bool]:
    """Return a word as ASCII, padded with zero bytes; invalid where it is null, too long, or no ASCII."""
    if not isinstance(value, str):
        return bytes(size), False
    data = value.encode("ascii", "replace")
    return data[:size].ljust(size, b"\0"), value.isascii() and len(data) <= size
