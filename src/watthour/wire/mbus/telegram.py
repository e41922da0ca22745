"""What a meter tells a master: header and records, or an application error (EN 13757-3, 6.2 and 8).

In: a long frame from a meter. Out: a `Telegram`, or an `ApplicationError`; each with ``to_frame``. A telegram keeps its records
byte for byte, `Quantity` reads one of them.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Self

from watthour.errors import TelegramError
from watthour.wire.mbus.frame import LongFrame
from watthour.wire.mbus.record import Record, Records, parse_records
from watthour.wire.mbus.unit import Meaning, meaning_of
from watthour.wire.mbus.value import LocalTime, Value, decode_number, decode_time

CONTROL_RESPONSE = 0x08
"""RSP_UD; with bits of access demand and data flow control, which nobody sets, 18 28 38."""
_RESPONSES = frozenset({0x08, 0x18, 0x28, 0x38})

CI_LONG_HEADER = 0x72
CI_SHORT_HEADER = 0x7A
CI_NO_HEADER = 0x78
CI_ERROR = 0x70
CI_ALARM = 0x71

HEADER_SIZE = 12
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Who speaks, how often it has, and how it is.

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
        return cls(
            identification=head[:4],
            manufacturer=int.from_bytes(head[4:6], "little"),
            version=head[6],
            medium=head[7],
            access_number=head[8],
            status=head[9],
            signature=int.from_bytes(head[10:12], "little"),
        )


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
    if frame.control not in _RESPONSES:
        raise TelegramError(Refusal.NO_RESPONSE, f"control field {frame.control:02X}")
    if frame.ci == CI_ERROR:
        return ApplicationError(address=frame.address, code=frame.data[0] if frame.data else None)
    if frame.ci == CI_ALARM:
        return Alarm(address=frame.address, flags=frame.data)
    if frame.ci == CI_NO_HEADER:
        return Telegram(address=frame.address, header=None, content=parse_records(frame.data))
    if frame.ci == CI_SHORT_HEADER:
        _require_header(frame, SHORT_HEADER_SIZE)
        return Telegram(address=frame.address, header=None, content=parse_records(frame.data[SHORT_HEADER_SIZE:]))
    if frame.ci != CI_LONG_HEADER:
        raise TelegramError(Refusal.UNKNOWN_CI, f"{frame.ci:02X}")
    _require_header(frame, HEADER_SIZE)
    header = Header.from_bytes(frame.data)
    if header.signature:
        raise TelegramError(Refusal.ENCRYPTED, f"signature {header.signature:04X}")
    return Telegram(address=frame.address, header=header, content=parse_records(frame.data[HEADER_SIZE:]))


def _require_header(frame: LongFrame, size: int) -> None:
    if len(frame.data) < size:
        raise TelegramError(Refusal.SHORT_HEADER, f"{len(frame.data)} bytes where {size} are due")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A record, read.

    Parameters
    ----------
    meaning : Meaning
    number : Value
        As the data hold it, not scaled; None: no value of its type, see `raw`.
    raw : bytes
        The data.
    """

    record: Record
    meaning: Meaning
    number: Value
    is_summer: bool = False

    @property
    def value(self) -> Value:
        """The value in its unit, exact."""
        number, meaning = self.number, self.meaning
        if not isinstance(number, int | Decimal):
            return number
        if isinstance(number, int) and meaning.exponent >= 0:
            return number * meaning.factor * int(10**meaning.exponent)
        return (Decimal(number) * meaning.factor).scaleb(meaning.exponent)


def read_record(record: Record) -> Quantity:
    """Return what a record says.

    >>> read_record(Record(dif=0x02, vif=0xFD, vifes=bytes.fromhex("C8 FC 01"), data=bytes.fromhex("FE08"))).value
    Decimal('230.2')
    """
    meaning = meaning_of(record)
    if not meaning.is_time:
        return Quantity(record=record, meaning=meaning, number=decode_number(record.field, record.data))
    found = decode_time(record.data)
    if isinstance(found, LocalTime):
        return Quantity(record=record, meaning=meaning, number=found.when, is_summer=found.is_summer)
    return Quantity(record=record, meaning=meaning, number=found)
