"""The data of an M-Bus record to an exact value, and back (EN 13757-3:2018, annex A).

In: a data field and its bytes. Out: an int, a Decimal (a float's exact value), a text, or None where the bytes hold no value of
their type: BCD with other digits, a float that is no number. No value goes through a float on its way; scales are for ``unit``,
dates and times for ``times``.
"""

import struct
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal

from watthour.wire.mbus.record import (
    NEGATIVE_BCD_LENGTHS,
    POSITIVE_BCD_LENGTHS,
    SIZES,
    TEXT_LENGTHS,
    DataField,
    variable_size,
)
from watthour.wire.mbus.times import Recurring

Value = int | Decimal | str | datetime | date | time | Recurring | None
"""What data can say."""

INTEGERS = frozenset({DataField.INT8, DataField.INT16, DataField.INT24, DataField.INT32, DataField.INT48, DataField.INT64})
BCDS = frozenset({DataField.BCD2, DataField.BCD4, DataField.BCD6, DataField.BCD8, DataField.BCD12})
"""Data fields of whole numbers."""
_MINUS = 0xF
_REAL = struct.Struct("<f")


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
    try:
        return int(digits)
    except ValueError:
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
    if code in INTEGERS
    else decode_bcd
    if code in BCDS
    else _decode_real
    if code == DataField.REAL32
    else _decode_variable
    if code == DataField.VARIABLE
    else _decode_nothing
    for code in range(len(DataField))
)
"""By data field."""


def encode_number(field: DataField, value: int | Decimal) -> bytes:
    """Return the data of a number.

    Raises
    ------
    OverflowError
        If the field cannot hold it: a number that is too big, a fraction where whole numbers are due, and one that no four
        bytes of a float have exactly. Variable data are for `encode_variable`.

    >>> encode_number(DataField.INT48, 1_000_000).hex(" "), encode_number(DataField.BCD4, -1).hex(" ")
    ('40 42 0f 00 00 00', '01 f0')
    """
    if field is DataField.REAL32:
        return _encode_real(Decimal(value))
    if not isinstance(value, int) or field not in INTEGERS | BCDS:
        msg = f"{field.name} does not hold {value}"
        raise OverflowError(msg)
    return value.to_bytes(SIZES[field], "little", signed=True) if field in INTEGERS else encode_bcd(value, SIZES[field])


def _encode_real(value: Decimal) -> bytes:
    data = _REAL.pack(float(value))
    if _decode_real(data) != value:
        msg = f"no float of four bytes is {value}"
        raise OverflowError(msg)
    return data


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


def encode_variable(length: int, value: int | str) -> bytes:
    """Return variable data, first the byte LVAR that tells their length and kind.

    Parameters
    ----------
    length : int
        LVAR: a text of so many characters, so many bytes of BCD of either sign, or of a binary number.

    Raises
    ------
    OverflowError
        If the length is reserved, or holds no such value.

    >>> encode_variable(0xC2, 1234).hex(" "), encode_variable(0xD2, -1234).hex(" "), encode_variable(0xE2, -2).hex(" ")
    ('c2 34 12', 'd2 34 12', 'e2 fe ff')
    """
    size = variable_size(length)
    if size is None or isinstance(value, str) is not (length in TEXT_LENGTHS):
        msg = f"variable data of length {length:02X} do not hold {value!r}"
        raise OverflowError(msg)
    if isinstance(value, str):
        if len(value) != size:
            msg = f"{len(value)} characters where {size} are due"
            raise OverflowError(msg)
        return encode_text(value)
    if length in POSITIVE_BCD_LENGTHS or length in NEGATIVE_BCD_LENGTHS:
        digits = value if length in POSITIVE_BCD_LENGTHS else -value
        if digits < 0 or not size:
            msg = f"variable data of length {length:02X} do not hold {value}"
            raise OverflowError(msg)
        return bytes([length]) + encode_bcd(digits, size)
    return bytes([length]) + value.to_bytes(size, "little", signed=True)
