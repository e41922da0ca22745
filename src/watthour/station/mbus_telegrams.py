"""What a meter's M-Bus telegrams hold: a view and a set of rows become records.

In: a `View`, rows of ``maps/mbus``. Out: telegrams, each within what a frame can carry. Link, addresses and time are not known here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast

from watthour import __version__
from watthour.history import Closing, Maximum
from watthour.maps.mbus import CLOSING_STORAGE, MANUFACTURER, MEDIUM_ELECTRICITY, SETS, Record, Set, Written
from watthour.models import model_of
from watthour.station.image import status_of
from watthour.units import (
    ENERGIES,
    MICRO,
    NANOSECONDS,
    RATES,
    SECONDS_PER_HOUR,
    Ratio,
    energy_name,
    shown_register,
    steps_half_up,
)
from watthour.view import View
from watthour.wire.mbus import record as wire
from watthour.wire.mbus.telegram import Header, Telegram, manufacturer_code
from watthour.wire.mbus.times import LocalTime, TimeType, encode_time
from watthour.wire.mbus.value import encode_bcd, encode_number, encode_text

IDENTIFICATIONS = 10**8
"""An identification has eight digits."""

STATUS_ERROR = 0x02
STATUS_PERMANENT = 0x08
STATUS_TEMPORARY = 0x10

_VERSION = tuple(int(digits) for digits in re.findall(r"\d+", __version__)[:3])

Content = int | float | str | None
"""What a row holds of a view; instants in seconds since 1970, UTC."""


def _named(name: str) -> Callable[[View], Content]:
    return lambda view: cast("Content", view.values.get(name))


def _operating_time_s(view: View) -> Content:
    hours = view.values.get("operating_time_h")
    return None if hours is None else hours * SECONDS_PER_HOUR


def _digital_inputs(view: View) -> Content:
    closed = [view.values.get(f"input{n}_closed") for n in (1, 2)]
    return None if None in closed else sum(int(bool(each)) << place for place, each in enumerate(closed))


def _ratio_part(name: str, part: str) -> Callable[[View], Content]:
    return lambda view: float(getattr(cast("Ratio", view.parameters[name]), part))


_OWN: Mapping[str, Callable[[View], Content]] = MappingProxyType(
    {
        "fabrication_number": lambda view: view.serial % IDENTIFICATIONS,
        "model": lambda view: model_of(view.model).name,
        "firmware": lambda _: _VERSION[0] << 8 | _VERSION[1],
        "error_flags": status_of,
        "clock": lambda view: view.time_ns // NANOSECONDS,
        "operating_time_s": _operating_time_s,
        "ct_primary": _ratio_part("ct", "primary"),
        "ct_secondary": _ratio_part("ct", "secondary"),
        "vt_primary": _ratio_part("vt", "primary"),
        "vt_secondary": _ratio_part("vt", "secondary"),
        "demand_period_min": lambda view: int(str(view.parameters["demand_period_min"])),
        "digital_inputs": _digital_inputs,
        "software_id": lambda view: view.software_id or None,
        "event_count": lambda view: view.event_count,
        "event_head": lambda view: view.event_head or None,
    }
)
"""What the meter says of itself; every other row is a value of the nomenclature, or of a closing."""


def _demand(found: Maximum | None) -> tuple[Content, Content]:
    return (None, None) if found is None else (found.demand_microw / MICRO, found.time_ns // NANOSECONDS)


def closing_contents(closing: Closing | None) -> Mapping[str, Content]:
    """Return what a closing holds, under the names of its rows; empty where there is none."""
    if closing is None:
        return {}
    sets = {"": closing.total, **{f"{rate}_": row for rate, row in zip(RATES, closing.rates, strict=True)}}
    peaks = {"": closing.maximum, **{f"{rate}_": row for rate, row in zip(RATES, closing.rate_maxima, strict=True)}}
    told: dict[str, Content] = {"closing_unix_s": closing.time_ns // NANOSECONDS}
    for prefix, row in sets.items():
        told |= {energy_name(e, f"closing_{prefix}"): shown_register(n) for e, n in zip(ENERGIES, row, strict=True)}
    for prefix, found in peaks.items():
        told[f"closing_{prefix}max_demand_w"], told[f"closing_{prefix}max_demand_unix_s"] = _demand(found)
    return told


_FIELDS: Mapping[Written, wire.DataField] = MappingProxyType(
    {
        Written.INT8: wire.DataField.INT8,
        Written.INT16: wire.DataField.INT16,
        Written.INT24: wire.DataField.INT24,
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
    status = STATUS_ERROR if is_error else 0
    status |= STATUS_PERMANENT if view.storage_fault or view.registers_fresh else 0
    status |= STATUS_TEMPORARY if view.warnings else 0
    return Header(
        identification=identification_of(view),
        manufacturer=manufacturer_code(MANUFACTURER),
        version=_VERSION[0] << 4 & 0xFF | _VERSION[1] & 0x0F,
        medium=MEDIUM_ELECTRICITY,
        access_number=access_number,
        status=status,
    )


def telegram_count(view: View, chosen: Set) -> int:
    """Return how many telegrams a set has: of the closings those that are kept, and at least one."""
    if chosen is not Set.ENHANCED_BILLING:
        return len(SETS[chosen])
    kept = len(view.closings) - view.closings.oldest
    return max(kept, 1) * len(SETS[chosen]) // view.closings.keep


def content_of(view: View, chosen: Set, number: int) -> wire.Records:
    """Return what a telegram of a set holds, counted from 0; marked where more follow."""
    rows = SETS[chosen][number]
    return wire.Records(records=_records(rows, view), more_follow=number < telegram_count(view, chosen) - 1)


def telegrams_of(view: View, chosen: Set) -> tuple[wire.Records, ...]:
    """Return what each telegram of a set holds."""
    return tuple(content_of(view, chosen, number) for number in range(telegram_count(view, chosen)))


def telegram_of(view: View, content: wire.Records, *, address: int, access_number: int) -> Telegram:
    """Return a telegram, ready for its frame."""
    return Telegram(address=address, header=header_of(view, access_number=access_number), content=content)


def _records(rows: Sequence[Record], view: View) -> tuple[wire.Record, ...]:
    closings = {row.storage for row in rows if row.storage >= CLOSING_STORAGE}
    closed = {storage: closing_contents(_closing(view, storage)) for storage in closings}
    return tuple(
        encode(row, closed[row.storage].get(row.name) if row.storage in closed else _OWN.get(row.name, _named(row.name))(view))
        for row in rows
    )


def _closing(view: View, storage: int) -> Closing | None:
    """Return the closing under a storage number: 2 is the last one."""
    number = len(view.closings) - 1 - (storage - CLOSING_STORAGE)
    return view.closings[number] if number >= view.closings.oldest else None


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
    return wire.Record.of(dif=dif, difes=difes, vif=row.vib[0], vifes=row.vib[1:], data=empty if data is None else data)


def _data(row: Record, content: Content) -> bytes:
    if isinstance(content, str):
        return encode_text(content)
    assert content is not None  # noqa: S101 - null is told before
    if row.written is Written.TIME:
        when = datetime.fromtimestamp(int(content), UTC).replace(tzinfo=None)
        return encode_time(LocalTime(when=when), TimeType.F)
    return encode_number(_FIELDS[row.written], steps_half_up(content, row.decimals))
