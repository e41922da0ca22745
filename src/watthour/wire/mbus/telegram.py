"""What a meter tells a master: header and records, or an application error (EN 13757-3:2018, clauses 6, 9 and 10; EN 13757-7:2018, 7.5).

In: a long frame from a meter. Out: a `Telegram`, or an `ApplicationError`; each with ``to_frame``. A telegram keeps its records
byte for byte, `Quantity` reads one of them.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, Self

from watthour.errors import TelegramError
from watthour.wire.mbus.fixed import FIXED_SIZE, FixedData
from watthour.wire.mbus.frame import LongFrame
from watthour.wire.mbus.record import Head, Record, Records, head_of, parse_records
from watthour.wire.mbus.times import LocalTime, decode_time
from watthour.wire.mbus.unit import Meaning, meaning_of
from watthour.wire.mbus.value import BCDS, DECODERS, INTEGERS, Value, decode_bcd

CONTROL_RESPONSE = 0x08
"""RSP_UD; with bits of access demand and data flow control, which nobody sets, 18 28 38."""
_RESPONSES = frozenset({0x08, 0x18, 0x28, 0x38})

CI_LONG_HEADER = 0x72
CI_FIXED = 0x73
CI_SHORT_HEADER = 0x7A
CI_NO_HEADER = 0x78
CI_ERROR = 0x70
CI_ALARM = 0x71

HEADER_SIZE = 12
_HEADER = struct.Struct("<4sHBBBBH")
SHORT_HEADER_SIZE = 4
_SHORT_HEADER = struct.Struct("<BBH")


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
_SHAPES = 256
"""Sequences of them, as a meter sends them each time."""
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
        return cls._make(_HEADER.unpack_from(head))


class ShortHeader(NamedTuple):
    """What CI 7A has of a header: who speaks is known from the link.

    Parameters
    ----------
    access_number, status, signature : int
        As of `Header`.
    """

    access_number: int = 0
    status: int = 0
    signature: int = 0

    def to_bytes(self) -> bytes:
        """Return the header as it travels."""
        return _SHORT_HEADER.pack(*self)

    @classmethod
    def from_bytes(cls, head: bytes) -> Self:
        """Return the header that four bytes hold."""
        return cls(*_SHORT_HEADER.unpack_from(head))


class Telegram(NamedTuple):
    """Data of a meter; a tuple, as `Record` is.

    Parameters
    ----------
    address : int
        The primary address it answers from.
    header : Header, optional
        None behind CI 73, 78 and 7A.
    short_header : ShortHeader, optional
        Behind CI 7A.
    fixed : FixedData, optional
        Behind CI 73; the content says the same.
    control : int
        RSP_UD, with its bits of access demand and data flow.
    """

    address: int
    header: Header | None
    content: Records = Records()
    short_header: ShortHeader | None = None
    control: int = CONTROL_RESPONSE
    fixed: FixedData | None = None

    def to_frame(self) -> LongFrame:
        """Return the frame that carries it."""
        if self.fixed is not None:
            return LongFrame(control=self.control, address=self.address, ci=CI_FIXED, data=self.fixed.to_bytes())
        if self.header is not None:
            ci, head = CI_LONG_HEADER, self.header.to_bytes()
        elif self.short_header is not None:
            ci, head = CI_SHORT_HEADER, self.short_header.to_bytes()
        else:
            ci, head = CI_NO_HEADER, b""
        return LongFrame(control=self.control, address=self.address, ci=ci, data=head + self.content.to_bytes())


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
    control: int = CONTROL_RESPONSE

    @property
    def text(self) -> str:
        """What the code means."""
        if self.code is None:
            return ERRORS[0]
        return ERRORS[self.code] if self.code < len(ERRORS) else f"error {self.code:02X}"

    def to_frame(self) -> LongFrame:
        """Return the frame that carries it."""
        data = b"" if self.code is None else bytes([self.code])
        return LongFrame(control=self.control, address=self.address, ci=CI_ERROR, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A meter reports an alarm: its flags are the maker's."""

    address: int
    flags: bytes = b""
    control: int = CONTROL_RESPONSE

    def to_frame(self) -> LongFrame:
        """Return the frame that carries it."""
        return LongFrame(control=self.control, address=self.address, ci=CI_ALARM, data=self.flags)


def decode_response(frame: LongFrame) -> Telegram | ApplicationError | Alarm:
    """Return what a meter's frame says.

    Raises
    ------
    TelegramError
        If it is no response of a meter, of a kind not understood, encrypted, or its records are damaged.
    """
    control, address, ci, data = frame
    if control not in _RESPONSES:
        raise TelegramError(Refusal.NO_RESPONSE, f"control field {control:02X}")
    if ci == CI_LONG_HEADER:
        _require_header(data, HEADER_SIZE)
        header = Header.from_bytes(data)
        _require_plain(header.signature)
        return Telegram(address, header, parse_records(data[HEADER_SIZE:]), control=control)
    if ci == CI_SHORT_HEADER:
        _require_header(data, SHORT_HEADER_SIZE)
        short = ShortHeader.from_bytes(data)
        _require_plain(short.signature)
        return Telegram(address, None, parse_records(data[SHORT_HEADER_SIZE:]), short, control)
    if ci == CI_NO_HEADER:
        return Telegram(address, None, parse_records(data), control=control)
    if ci == CI_FIXED:
        _require_header(data, FIXED_SIZE)
        fixed = FixedData.from_bytes(data)
        return Telegram(address, None, Records(fixed.records()), control=control, fixed=fixed)
    if ci == CI_ERROR:
        return ApplicationError(address=address, code=data[0] if data else None, control=control)
    if ci == CI_ALARM:
        return Alarm(address=address, flags=data, control=control)
    raise TelegramError(Refusal.UNKNOWN_CI, f"{ci:02X}")


def _require_header(data: bytes, size: int) -> None:
    if len(data) < size:
        raise TelegramError(Refusal.SHORT_HEADER, f"{len(data)} bytes where {size} are due")


def _require_plain(signature: int) -> None:
    if signature:
        raise TelegramError(Refusal.ENCRYPTED, f"signature {signature:04X}")


class Quantity(NamedTuple):
    """A record, read; a tuple, as `Record` is.

    Parameters
    ----------
    meaning : Meaning
    number : Value
        As the data hold it, not scaled; None: no value of its type, see the record's data.
    value : Value
        In its unit, exact.
    is_summer : bool
        Of a time that says so.
    parts : Head
        Function, storage number, tariff, sub-unit and the rest of its head.
    """

    record: Record
    meaning: Meaning
    number: Value
    value: Value
    is_summer: bool
    parts: Head


def read_record(record: Record) -> Quantity:
    """Return what a record says.

    >>> read_record(Record.of(dif=0x02, vif=0xFD, vifes=bytes.fromhex("C8 FC 01"), data=bytes.fromhex("FE08"))).value
    Decimal('230.2')
    """
    return _reader(record[0])(record)


_HEAD = itemgetter(0)


def read_records(records: Sequence[Record]) -> list[Quantity]:
    """Return what records say, such as all those of a telegram."""
    readers = _readers(tuple(map(_HEAD, records)))
    return [read(record) for read, record in zip(readers, records, strict=True)]


@lru_cache(maxsize=_SHAPES)
def _readers(heads: tuple[bytes, ...]) -> tuple[Callable[[Record], Quantity], ...]:
    return tuple(_reader(head) for head in heads)


@lru_cache(maxsize=_KINDS)
def _reader(head: bytes) -> Callable[[Record], Quantity]:
    """Return what reads the records of a kind: the meaning of their head is found out once."""
    parts = head_of(head)
    meaning = meaning_of(parts.vif, parts.vifes, parts.text)
    if meaning.is_time:
        return _reader_of_times(meaning, parts)
    if parts.field in INTEGERS:
        return _reader_of_integers(meaning, parts)
    if parts.field in BCDS:
        return _reader_of_bcds(meaning, parts)
    return _reader_of_others(meaning, parts)


def _reader_of_integers(meaning: Meaning, parts: Head) -> Callable[[Record], Quantity]:
    """Return the reader of most records: they have eight bytes at most, and a product keeps all their digits."""
    made, number_of, scale = tuple.__new__, int.from_bytes, meaning.scale

    def read(record: Record) -> Quantity:
        number = number_of(record[1], "little", signed=True)
        return made(Quantity, (record, meaning, number, number * scale, False, parts))

    return read


def _reader_of_bcds(meaning: Meaning, parts: Head) -> Callable[[Record], Quantity]:
    """Return the reader of many: they have twelve digits at most."""
    made, scale = tuple.__new__, meaning.scale

    def read(record: Record) -> Quantity:
        number = decode_bcd(record[1])
        value = None if number is None else number * scale
        return made(Quantity, (record, meaning, number, value, False, parts))

    return read


def _reader_of_times(meaning: Meaning, parts: Head) -> Callable[[Record], Quantity]:
    def read(record: Record) -> Quantity:
        found = decode_time(record.data)
        if isinstance(found, LocalTime):
            return Quantity(record, meaning, found.when, found.when, found.is_summer, parts)
        return Quantity(record, meaning, found, found, is_summer=False, parts=parts)

    return read


def _reader_of_others(meaning: Meaning, parts: Head) -> Callable[[Record], Quantity]:
    made, decode = tuple.__new__, DECODERS[parts.field]

    def read(record: Record) -> Quantity:
        number = decode(record[1])
        return made(Quantity, (record, meaning, number, _scaled(number, meaning), False, parts))

    return read


def _scaled(number: int | Decimal | str | None, meaning: Meaning) -> Value:
    """Return a number in its unit."""
    if type(number) is int:
        scale = meaning.scale
        if type(scale) is int or -_DIGITS_KEPT < number < _DIGITS_KEPT:
            return number * scale
        return Decimal(f"{number * meaning.factor}E{meaning.exponent}")  # a product would keep 28 digits
    if isinstance(number, Decimal):
        sign, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # noqa: S101 - a number
        whole = int("".join(map(str, digits))) * meaning.factor
        return Decimal(f"{'-' * sign}{whole}E{exponent + meaning.exponent}")
    return number
