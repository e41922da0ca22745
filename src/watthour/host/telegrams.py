"""M-Bus telegrams as people paste them, and as JSON: hexadecimal text in, what it says out.

In: a file or a word of hexadecimal digits, with whatever stands between them. Out: the frame, and a plain object of its header and
records. Damage is told by name; what could be read before it stays in the error.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

from watthour.errors import BadFrameError, TelegramError, UsageError
from watthour.wire.mbus.frame import Acknowledge, LongFrame, Malformed, NeedMore, parse
from watthour.wire.mbus.record import Record
from watthour.wire.mbus.telegram import (
    Alarm,
    ApplicationError,
    Header,
    Telegram,
    decode_response,
    manufacturer_letters,
    read_record,
)
from watthour.wire.mbus.times import Recurring
from watthour.wire.mbus.value import Value

MEDIA: Mapping[int, str] = {
    0x00: "other", 0x01: "oil", 0x02: "electricity", 0x03: "gas", 0x04: "heat", 0x05: "steam", 0x06: "warm water",
    0x07: "water", 0x08: "heat cost allocator", 0x0A: "cooling", 0x0C: "heat, inlet", 0x0D: "heat or cooling", 0x15: "hot water",
    0x16: "cold water", 0x1A: "smoke detector", 0x1B: "room sensor", 0x20: "breaker", 0x21: "valve", 0x28: "waste water",
}  # fmt: skip
"""Device types (EN 13757-7)."""

FIXED_MEDIA = (
    "other", "oil", "electricity", "gas", "heat", "steam", "hot water", "water", "heat cost allocator", "reserved",
    "gas, mode 2", "heat, mode 2", "hot water, mode 2", "water, mode 2", "heat cost allocator, mode 2", "reserved",
)  # fmt: skip
"""Media of the fixed data structure; in mode 2 numbers travel with their highest byte first."""

_BETWEEN = re.compile(r"0[xX]|[\s,;:\-]+")


def bytes_of(given: str) -> bytes:
    """Return the bytes of a telegram: of a file of that name, else of the text itself.

    Raises
    ------
    UsageError
        If it is neither.
    """
    path = Path(given)
    try:
        content = path.read_bytes() if len(given) < 4096 and path.is_file() else None  # noqa: PLR2004 - no longer name exists
    except OSError as problem:
        msg = f"{given}: cannot be read ({problem.strerror})"
        raise UsageError(msg) from None
    if content is not None and content[:1] in {b"\x68", b"\xe5"} and not content[:2].isalnum():
        return content
    text = given if content is None else content.decode("latin-1")
    try:
        found = bytes.fromhex(_BETWEEN.sub("", text))
    except ValueError:
        found = b""
    if not found:
        what = "no file, and no hexadecimal digits" if content is None else "holds no hexadecimal digits"
        msg = f"{given[:60] or 'nothing'}: {what}: name a file, or write a telegram such as 68 1F 1F 68 ..."
        raise UsageError(msg)
    return found


def response_of(adu: bytes) -> Telegram | ApplicationError | Alarm:
    """Return what a meter's frame says.

    Raises
    ------
    BadFrameError
        If the bytes are no frame; naming what is wrong.
    TelegramError
        If the frame holds no telegram.
    """
    frame = parse(adu)
    if isinstance(frame, NeedMore):
        msg = f"the frame is cut off after {len(adu)} bytes"
        raise BadFrameError(msg)
    if isinstance(frame, Malformed):
        msg = f"no M-Bus frame: {frame.reason}"
        raise BadFrameError(msg)
    if not isinstance(frame, LongFrame):
        what = "an acknowledgement" if isinstance(frame, Acknowledge) else "a short frame, which a master sends"
        msg = f"no telegram of a meter but {what}"
        raise BadFrameError(msg)
    return decode_response(frame)


def as_json(response: Telegram | ApplicationError | Alarm) -> dict[str, object]:
    """Return a response as JSON can write it."""
    if isinstance(response, ApplicationError):
        return {"error": response.text}
    if isinstance(response, Alarm):
        return {"alarm": response.flags.hex()}
    content = response.content
    told: dict[str, object] = {
        "header": {"address": response.address, **_header_as_json(response)},
        "records": [record_as_json(record) for record in content.records],
    }
    if content.manufacturer_data is not None:
        told["manufacturer_data"] = content.manufacturer_data.hex()
    told["more_follow"] = content.more_follow
    return told


def _header_as_json(telegram: Telegram) -> dict[str, object]:
    """Return what a telegram says of its meter: all of a long header, less of a fixed structure, nothing where it has neither."""
    if telegram.header is not None:
        return header_as_json(telegram.header)
    if telegram.fixed is None:
        return {}
    fixed = telegram.fixed
    return {
        "identification": fixed.serial,
        "medium": FIXED_MEDIA[fixed.medium],
        "access_number": fixed.access_number,
        "status": fixed.status,
    }


def header_as_json(header: Header) -> dict[str, object]:
    """Return a header as JSON can write it."""
    return {
        "identification": header.serial,
        "manufacturer": manufacturer_letters(header.manufacturer),
        "version": header.version,
        "medium": MEDIA.get(header.medium, f"{header.medium:02X}"),
        "access_number": header.access_number,
        "status": header.status,
    }


def record_as_json(record: Record) -> dict[str, object]:
    """Return a record as JSON can write it; data that hold no value of their type are told in hexadecimal, as ``raw``."""
    quantity = read_record(record)
    value = plain(quantity.value)
    told: dict[str, object] = {
        "quantity": quantity.meaning.quantity,
        "unit": quantity.meaning.unit,
        "value": value,
        "tariff": record.tariff,
        "storage": record.storage,
        "subunit": record.subunit,
        "function": str(record.function),
    }
    if quantity.meaning.qualifiers:
        told["qualifiers"] = list(quantity.meaning.qualifiers)
    if value is None and record.data:
        told["raw"] = record.data.hex()
    return told


def plain(value: Value) -> int | float | str | None:
    """Return a value as JSON knows it: whole numbers whole, times as ISO 8601, with stars for what is any."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Recurring):
        return str(value)
    return value


def placed(given: str, problem: TelegramError) -> TelegramError:
    """Return a telegram's error with the name of what held it."""
    shown = given if len(given) <= 60 else given[:57] + "..."  # noqa: PLR2004 - a line is to stay one line
    return TelegramError(f"{shown}: {problem.fault}", str(problem).partition(": ")[2], problem.before, problem.rest)
