"""The data of an M-Bus record to an exact value, and back (EN 13757-3, annex A).

In: a data field and its bytes. Out: an int, a Decimal (a float's exact value), a text, a local time without zone, or None where
the bytes hold no value of their type: BCD with other digits, a date that is none, a float that is no number. No value goes
through a float on its way; scales are for ``unit``.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType

from watthour.wire.mbus.record import (
    NEGATIVE_BCD_LENGTHS,
    POSITIVE_BCD_LENGTHS,
    SIZES,
    TEXT_LENGTHS,
    DataField,
)

Value = int | Decimal | str | datetime | date | time | None
"""What data can say."""

_INTEGERS = frozenset({DataField.INT8, DataField.INT16, DataField.INT24, DataField.INT32, DataField.INT48, DataField.INT64})
_BCDS = frozenset({DataField.BCD2, DataField.BCD4, DataField.BCD6, DataField.BCD8, DataField.BCD12})
_MINUS = 0xF
_REAL = struct.Struct("<f")
_CENTURY = 100
_YEAR_PIVOT = 81
"""Two-digit years below it are of this century (EN 13757-3, type G)."""


def decode_number(field: DataField, data: bytes) -> int | Decimal | str | None:
    """Return what data say as a number, or as the text that variable data may hold.

    >>> decode_number(DataField.BCD8, bytes.fromhex("78563412"))
    12345678
    >>> decode_number(DataField.BCD4, bytes.fromhex("01F0")), decode_number(DataField.INT16, bytes.fromhex("FEFF"))
    (-1, -2)
    """
    return DECODERS[field](data)


def _decode_integer(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _decode_real(data: bytes) -> Decimal | None:
    exact = Decimal(_REAL.unpack(data)[0])
    return exact if exact.is_finite() else None


def _decode_nothing(_: bytes) -> None:
    return None


def decode_bcd(data: bytes) -> int | None:
    """Return a BCD number, lowest byte first; a highest digit F is a minus. None: another digit is none."""
    digits = data[::-1].hex()
    if digits.isdecimal():
        return int(digits)
    rest = digits[1:]
    return -int(rest) if digits[:1] == "f" and rest.isdecimal() else None


def _decode_variable(data: bytes) -> int | str | None:
    length, rest = data[0], data[1:]
    if length in TEXT_LENGTHS:
        return rest[::-1].decode("latin-1")
    if length in POSITIVE_BCD_LENGTHS:
        return decode_bcd(rest) if rest[-1:] < b"\xa0" else None
    if length in NEGATIVE_BCD_LENGTHS:
        magnitude = decode_bcd(rest) if rest[-1:] < b"\xa0" else None
        return None if magnitude is None else -magnitude
    return int.from_bytes(rest, "little", signed=True)


Decoder = Callable[[bytes], int | Decimal | str | None]
DECODERS: tuple[Decoder, ...] = tuple(
    _decode_integer
    if code in _INTEGERS
    else decode_bcd
    if code in _BCDS
    else _decode_real
    if code == DataField.REAL32
    else _decode_variable
    if code == DataField.VARIABLE
    else _decode_nothing
    for code in range(len(DataField))
)
"""By data field."""


def encode_number(field: DataField, value: int) -> bytes:
    """Return the data of a whole number.

    Raises
    ------
    OverflowError
        If the field cannot hold it.

    >>> encode_number(DataField.INT48, 1_000_000).hex(" "), encode_number(DataField.BCD4, -1).hex(" ")
    ('40 42 0f 00 00 00', '01 f0')
    """
    if field in _INTEGERS:
        return value.to_bytes(SIZES[field], "little", signed=True)
    if field not in _BCDS:
        msg = f"{field.name} holds no whole number"
        raise OverflowError(msg)
    return encode_bcd(value, SIZES[field])


def encode_bcd(value: int, size: int) -> bytes:
    """Return a number as BCD of so many bytes, lowest first.

    Raises
    ------
    OverflowError
        If they have too few digits.
    """
    digits = str(abs(value)).rjust(2 * size - (value < 0), "0")
    if len(digits) + (value < 0) > 2 * size:
        msg = f"{value} has more than {2 * size} digits"
        raise OverflowError(msg)
    return bytes.fromhex(("f" if value < 0 else "") + digits)[::-1]


def encode_text(text: str) -> bytes:
    """Return variable data that hold a text of Latin-1.

    Raises
    ------
    OverflowError, UnicodeEncodeError
        If it is longer than 191 characters, or has others.
    """
    if len(text) not in TEXT_LENGTHS:
        msg = f"{len(text)} characters: variable data hold {TEXT_LENGTHS.stop - 1}"
        raise OverflowError(msg)
    return bytes([len(text)]) + text.encode("latin-1")[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """A time as types F and I carry it: local, without a zone.

    Parameters
    ----------
    when : datetime
        Naive.
    is_summer : bool
        Whether summer time holds.
    """

    when: datetime
    is_summer: bool = False


def decode_time(data: bytes) -> LocalTime | date | time | None:
    """Return what a time is by its size: type G (2 bytes), J (3), F (4), I (6); None: marked invalid, or no date at all.

    >>> decode_time(bytes.fromhex("37 08 4F 31")).when.isoformat()
    '2026-01-15T08:55:00'
    """
    decode = _TIME_DECODERS.get(len(data))
    try:
        return None if decode is None else decode(data)
    except ValueError:
        return None


def _year(number: int) -> int:
    return number + (2000 if number < _YEAR_PIVOT else 1900)


def _date(data: bytes) -> date:
    low, high = data
    return date(_year(low >> 5 | (high & 0xF0) >> 1), high & 0x0F, low & 0x1F)


def _time_of_day(data: bytes) -> time:
    return time(data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F)


def _minute(data: bytes) -> LocalTime | None:
    if data[0] & 0x80:
        return None
    day = _date(data[2:])
    hundreds = data[1] >> 5 & 0x03
    if hundreds:
        day = day.replace(year=1900 + _CENTURY * hundreds + day.year % _CENTURY)
    when = datetime(day.year, day.month, day.day, data[1] & 0x1F, data[0] & 0x3F)  # noqa: DTZ001 - the meter's own clock
    return LocalTime(when=when, is_summer=bool(data[1] & 0x80))


def _second(data: bytes) -> LocalTime | None:
    if data[1] & 0x80:
        return None
    day = _date(data[3:5])
    when = datetime(day.year, day.month, day.day, data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F)  # noqa: DTZ001
    return LocalTime(when=when, is_summer=bool(data[0] & 0x40))


_TIME_DECODERS: Mapping[int, Callable[[bytes], LocalTime | date | time | None]] = MappingProxyType(
    {2: _date, 3: _time_of_day, 4: _minute, 6: _second}
)


def encode_minute(local: LocalTime) -> bytes:
    """Return type F: a local time to the minute.

    Raises
    ------
    OverflowError
        If its year is not one of 1981 to 2080, which two digits carry.
    """
    when = local.when
    low, high = encode_date(when.date())
    return bytes([when.minute, when.hour | (0x80 if local.is_summer else 0), low, high])


def encode_date(day: date) -> bytes:
    """Return type G.

    Raises
    ------
    OverflowError
        As `encode_minute`.
    """
    year = day.year % _CENTURY
    if _year(year) != day.year:
        msg = f"{day.year}: two digits carry 1981 to 2080"
        raise OverflowError(msg)
    return bytes([day.day | (year & 0x07) << 5, day.month | (year & 0x78) << 1])
