"""What a meter tells a master: header and records, or an application error (EN 13757-3, 6.2 and 8).

In: a long frame from a meter. Out: a `Telegram`, or an `ApplicationError`; each with ``to_frame``. A telegram keeps its records
byte for byte, `Quantity` reads one of them.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Self

from watthour.errors import TelegramError
from watthour.wire.mbus.frame import LongFrame
from watthour.wire.mbus.record import DataField, Head, Record, Records, head_of, parse_records
from watthour.wire.mbus.unit import Meaning, meaning_of
from watthour.wire.mbus.value import DECODERS, LocalTime, Value, decode_time

CONTROL_RESPONSE = 0x08
"""RSP_UD; with bits of access demand and data flow control, which nobody sets, 18 28 38."""
_RESPONSES = frozenset({0x08, 0x18, 0x28, 0x38})

CI_LONG_HEADER = 0x72
CI_SHORT_HEADER = 0x7A
CI_NO_HEADER = 0x78
CI_ERROR = 0x70
CI_ALARM = 0x71

HEADER_SIZE = 12
_HEADER = struct.Struct("<4sHBBBBH")
SHORT_HEADER_SIZE = 4


class Refusal(StrEnum):
    """Why a frame makes no telegram."""

    NO_RESPONSE = "no response of a meter"
    UNKNOWN_CI = "unknown CI field"
    ENCRYPTED = "encrypted, and only plain telegrams are read"
    SHORT_HEADER = "premature end of header"


ERRORS = (
    "unspecified error",
    "unknown CI field",
    "buffer too long, truncated",
    "too many records",
    "premature end of record",
    "more than 10 DIFE",
    "more than 10 VIFE",
    "reserved",
    "application busy",
    "too many readouts",
)
"""By their code."""

_KINDS = 4096
"""Kinds of record whose reading is remembered."""
_DIGITS_KEPT = 10**20
"""Below it a number times the seconds of a day has fewer digits than any context rounds away."""
_LETTERS = 3
_LETTER_BITS = 5
_LETTER_ZERO = 64


def manufacturer_code(letters: str) -> int:
    """Return the code of three capital letters (EN 62056-21).

    >>> f"{manufacturer_code('CIR'):04X}"
    '0D32'
    """
    code = 0
    for letter in letters:
        code = code << _LETTER_BITS | ord(letter) - _LETTER_ZERO
    return code


def manufacturer_letters(code: int) -> str:
    """Return the three letters of a code; such as are none come as they are."""
    return "".join(
        chr((code >> _LETTER_BITS * place & (1 << _LETTER_BITS) - 1) + _LETTER_ZERO) for place in reversed(range(_LETTERS))
    )


class Header(NamedTuple):
    """Who speaks, how often it has, and how it is; in the order of the wire.

    Parameters
    ----------
    identification : bytes
        Four bytes of BCD, lowest first; kept as they are, whatever their digits.
    manufacturer : int
        Code of two bytes.
    access_number : int
        Counts replies, modulo 256.
    status : int
        Bits: 1 and 2 busy or application error, 4 power low, 8 permanent error, 16 temporary error, above the maker's.
    signature : int
        0: not encrypted.
    """

    identification: bytes
    manufacturer: int
    version: int
    medium: int
    access_number: int = 0
    status: int = 0
    signature: int = 0

    @property
    def serial(self) -> str:
        """Identification as people write it: eight digits."""
        return self.identification[::-1].hex().upper()

    def to_bytes(self) -> bytes:
        """Return the header as it travels."""
        return (
            self.identification
            + self.manufacturer.to_bytes(2, "little")
            + bytes([self.version, self.medium, self.access_number, self.status])
            + self.signature.to_bytes(2, "little")
        )

    @classmethod
    def from_bytes(cls, head: bytes) -> Self:
        """Return the header that twelve bytes hold."""
        return cls(*_HEADER.unpack_from(head))


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """Variable data of a meter.

    Parameters
    ----------
    address : int
        The primary address it answers from.
    header : Header, optional
        None behind CI 78 and, but for access number and status, 7A: those two know the meter from the link.
    """

    address: int
    header: Header | None
    content: Records = field(default_factory=Records)

    def to_frame(self) -> LongFrame:
        """Return the frame that carries it."""
        head = b"" if self.header is None else self.header.to_bytes()
        ci = CI_NO_HEADER if self.header is None else CI_LONG_HEADER
        return LongFrame(control=CONTROL_RESPONSE, address=self.address, ci=ci, data=head + self.content.to_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationError:
    """A meter tells that it could not do what it was asked.

    Parameters
    ----------
    code : int, optional
        None: it gives no code.
    """

    address: int
    code: int | None = None

    @property
    def text(self) -> str:
        """What the code means."""
        if self.code is None:
            return ERRORS[0]
        return ERRORS[self.code] if self.code < len(ERRORS) else f"error {self.code:02X}"

    def to_frame(self) -> LongFrame:
        """Return the frame that carries it."""
        data = b"" if self.code is None else bytes([self.code])
        return LongFrame(control=CONTROL_RESPONSE, address=self.address, ci=CI_ERROR, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A meter reports an alarm: its flags are the maker's."""

    address: int
    flags: bytes = b""


def decode_response(frame: LongFrame) -> Telegram | ApplicationError | Alarm:
    """Return what a meter's frame says.

    Raises
    ------
    TelegramError
        If it is no response of a meter, of a kind not understood, encrypted, or its records are damaged.
    """
    control, ci, data = frame.control, frame.ci, frame.data
    if control not in _RESPONSES:
        raise TelegramError(Refusal.NO_RESPONSE, f"control field {control:02X}")
    if ci == CI_LONG_HEADER:
        _require_header(data, HEADER_SIZE)
        header = Header.from_bytes(data)
        if header.signature:
            raise TelegramError(Refusal.ENCRYPTED, f"signature {header.signature:04X}")
        return Telegram(address=frame.address, header=header, content=parse_records(data[HEADER_SIZE:]))
    if ci == CI_ERROR:
        return ApplicationError(address=frame.address, code=data[0] if data else None)
    if ci == CI_ALARM:
        return Alarm(address=frame.address, flags=data)
    if ci == CI_NO_HEADER:
        return Telegram(address=frame.address, header=None, content=parse_records(data))
    if ci == CI_SHORT_HEADER:
        _require_header(data, SHORT_HEADER_SIZE)
        return Telegram(address=frame.address, header=None, content=parse_records(data[SHORT_HEADER_SIZE:]))
    raise TelegramError(Refusal.UNKNOWN_CI, f"{ci:02X}")


def _require_header(data: bytes, size: int) -> None:
    if len(data) < size:
        raise TelegramError(Refusal.SHORT_HEADER, f"{len(data)} bytes where {size} are due")


class Quantity(NamedTuple):
    """A record, read; a tuple, as `Record` is.

    Parameters
    ----------
    meaning : Meaning
    number : Value
        As the data hold it, not scaled; None: no value of its type, see the record's data.
    is_summer : bool
        Of a time that says so.
    parts : Head
        Function, storage number, tariff, sub-unit and the rest of its head.
    """

    record: Record
    meaning: Meaning
    number: Value
    is_summer: bool
    parts: Head

    @property
    def value(self) -> Value:
        """The value in its unit, exact."""
        number, scale = self.number, self.meaning.scale
        if type(number) is int:
            if type(scale) is int or -_DIGITS_KEPT < number < _DIGITS_KEPT:
                return number * scale
            return Decimal(f"{number * self.meaning.factor}E{self.meaning.exponent}")  # a product would keep 28 digits
        if isinstance(number, Decimal):
            sign, digits, exponent = number.as_tuple()
            assert isinstance(exponent, int)  # noqa: S101 - a number
            whole = int("".join(map(str, digits))) * self.meaning.factor
            return Decimal(f"{'-' * sign}{whole}E{exponent + self.meaning.exponent}")
        return number


def read_record(record: Record) -> Quantity:
    """Return what a record says.

    >>> read_record(Record.of(dif=0x02, vif=0xFD, vifes=bytes.fromhex("C8 FC 01"), data=bytes.fromhex("FE08"))).value
    Decimal('230.2')
    """
    head, data = record
    meaning, decode, parts = _reading(head)
    if decode is _WHOLE:
        return _made(Quantity, (record, meaning, int.from_bytes(data, "little", signed=True), False, parts))
    if decode is not decode_time:
        return _made(Quantity, (record, meaning, decode(data), False, parts))
    found = decode_time(data)
    if isinstance(found, LocalTime):
        return Quantity(record, meaning, found.when, found.is_summer, parts)
    return Quantity(record, meaning, found, False, parts)  # noqa: FBT003 - the order of the fields


_WHOLE = DECODERS[DataField.INT32]
"""What reads every whole number; done on the spot, as most records are."""
_made = tuple.__new__


@lru_cache(maxsize=_KINDS)
def _reading(head: bytes) -> tuple[Meaning, Callable[[bytes], object], Head]:
    """Return what a kind of record means, what reads its data, and its parts."""
    parts = head_of(head)
    meaning = meaning_of(parts.vif, parts.vifes, parts.text)
    return meaning, decode_time if meaning.is_time else DECODERS[parts.field], parts
