"""What a meter's M-Bus telegrams hold: a view and a set of rows become records.

In: a `View`, rows of ``maps/mbus``. Out: telegrams, each within what a frame can carry. Link, addresses and time are not known here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast

from watthour import __version__
from watthour.maps.mbus import MANUFACTURER, MEDIUM_ELECTRICITY, SETS, Record, Set, Written
from watthour.models import model_of
from watthour.units import NANOSECONDS, SECONDS_PER_HOUR, Ratio, steps_half_up
from watthour.view import View
from watthour.wire.mbus import record as wire
from watthour.wire.mbus.telegram import Header, Telegram, manufacturer_code
from watthour.wire.mbus.value import LocalTime, encode_bcd, encode_minute, encode_number, encode_text

IDENTIFICATIONS = 10**8
"""An identification has eight digits."""

STATUS_ERROR = 0x02
STATUS_TEMPORARY = 0x10

_VERSION = tuple(int(digits) for digits in re.findall(r"\d+", __version__)[:3])

Content = int | float | str | datetime | None


def _named(name: str) -> Callable[[View], Content]:
    return lambda view: cast("Content", view.values.get(name))


def _operating_time_s(view: View) -> Content:
    hours = view.values.get("operating_time_h")
    return None if hours is None else hours * SECONDS_PER_HOUR


_OWN: Mapping[str, Callable[[View], Content]] = MappingProxyType(
    {
        "fabrication_number": lambda view: view.serial % IDENTIFICATIONS,
        "model": lambda view: model_of(view.model).name,
        "firmware": lambda _: _VERSION[0] << 8 | _VERSION[1],
        "error_flags": lambda view: int(bool(view.warnings)) | int(bool(view.diagnosis)) << 1,
        "clock": lambda view: datetime.fromtimestamp(view.time_ns // NANOSECONDS, UTC),
        "operating_time_s": _operating_time_s,
        "ct_primary": lambda view: float(cast("Ratio", view.parameters["ct"]).primary),
        "ct_secondary": lambda view: float(cast("Ratio", view.parameters["ct"]).secondary),
    }
)
"""What the meter says of itself; every other row is a value of the nomenclature."""

_FIELDS: Mapping[Written, wire.DataField] = MappingProxyType(
    {
        Written.INT8: wire.DataField.INT8,
        Written.INT16: wire.DataField.INT16,
        Written.INT32: wire.DataField.INT32,
        Written.INT48: wire.DataField.INT48,
        Written.BCD8: wire.DataField.BCD8,
        Written.TEXT: wire.DataField.VARIABLE,
        Written.TIME: wire.DataField.INT32,
    }
)


def identification_of(view: View) -> bytes:
    """Return the four bytes of a meter's identification: as set, else the last eight digits of its serial number."""
    chosen = int(str(view.parameters["mbus_identification"])) or view.serial % IDENTIFICATIONS
    return encode_bcd(chosen, 4)


def header_of(view: View, *, access_number: int = 0, is_error: bool = False) -> Header:
    """Return the header of a meter's telegram."""
    status = (STATUS_ERROR if is_error else 0) | (STATUS_TEMPORARY if view.warnings else 0)
    return Header(
        identification=identification_of(view),
        manufacturer=manufacturer_code(MANUFACTURER),
        version=_VERSION[0] << 4 & 0xFF | _VERSION[1] & 0x0F,
        medium=MEDIUM_ELECTRICITY,
        access_number=access_number,
        status=status,
    )


def telegrams_of(view: View, chosen: Set) -> tuple[wire.Records, ...]:
    """Return what each telegram of a set holds, marked where more follow."""
    telegrams = [_records(rows, view) for rows in SETS[chosen]]
    return tuple(
        wire.Records(records=records, more_follow=place < len(telegrams) - 1) for place, records in enumerate(telegrams)
    )


def telegram_of(view: View, content: wire.Records, *, address: int, access_number: int) -> Telegram:
    """Return a telegram, ready for its frame."""
    return Telegram(address=address, header=header_of(view, access_number=access_number), content=content)


def _records(rows: Sequence[Record], view: View) -> tuple[wire.Record, ...]:
    return tuple(encode(row, _OWN.get(row.name, _named(row.name))(view)) for row in rows)


def encode(row: Record, content: Content) -> wire.Record:
    """Return the record of a row.

    A value that is not known, or that its integers cannot hold, travels as 0 with the function "value during error state".
    """
    try:
        data = None if content is None else _data(row, content)
    except OverflowError:
        data = None
    function = wire.FUNCTIONS[row.function] if data is not None else wire.Function.ERROR
    dif, difes = wire.information_block(
        _FIELDS[row.written], function=function, storage=row.storage, tariff=row.tariff, subunit=row.subunit
    )
    empty = bytes(1 if row.written is Written.TEXT else wire.SIZES[_FIELDS[row.written]])
    return wire.Record(dif=dif, difes=difes, vif=row.vib[0], vifes=row.vib[1:], data=empty if data is None else data)


def _data(row: Record, content: Content) -> bytes:
    if isinstance(content, str):
        return encode_text(content)
    if isinstance(content, datetime):
        return encode_minute(LocalTime(when=content.replace(tzinfo=None)))
    assert content is not None  # noqa: S101 - null is told before
    return encode_number(_FIELDS[row.written], steps_half_up(content, row.decimals))
