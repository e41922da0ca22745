"""A meter behind Modbus as a view: values, settings and identity at each look, load profile and closings bit by bit.

In: an open line. Out: a `View` of what the map has. Samples and the texts of events and warnings are not on it. What is kept of the
past is fetched the newest first, a few records a look, so that the values stay fresh on a slow line too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

from watthour.diagnosis import Plate, diagnose
from watthour.history import CLOSINGS, PROFILE_ROWS, Closing, History, ProfileRow
from watthour.host.instants import to_ns
from watthour.host.lines.far import kinds_of, ratio_of, secondary_of
from watthour.host.lines.modbus_client import MeterLine
from watthour.host.lines.values import Decoded, decode, plan_reads, valid_values, wanted_rows
from watthour.host.lines.writing import SETTINGS
from watthour.maps.modbus import finest
from watthour.maps.records import ROW, ROWS_SHOWN, closing_from_registers, row_from_registers
from watthour.units import ENERGIES, NANOSECONDS, RATES, exact_name
from watthour.view import Finding, Number, View
from watthour.wire.modbus.message import ReadRequest

T = TypeVar("T")

PROFILE_KEPT = 2 * 100
"""Rows of two days, of which one may be an hour longer (ours)."""
_WINDOWS_A_LOOK = 5
_MAP = finest()
_CLOSING = ("closing_head", "closing_total", *(f"closing_{rate}" for rate in RATES), "closing_maxima")
_CLOSING_ROWS = tuple(sorted((_MAP[name] for name in _CLOSING), key=lambda row: row.address))
_ABOUT = (
    "calendar_id", "clock_unix_s", "closing_count", "closing_oldest", "ct_secondary", "event_count", "event_head", "profile_count",
    "profile_oldest", "software_id", "vt_primary", "vt_secondary", *map(exact_name, ENERGIES), *SETTINGS,
)  # fmt: skip
ROWS = tuple(sorted({*wanted_rows(), *(_MAP[name] for name in _ABOUT)}, key=lambda row: row.address))
"""What is read at each look."""


class ModbusView:
    """What is known of a meter so far.

    Parameters
    ----------
    line : MeterLine
    """

    def __init__(self, line: MeterLine) -> None:
        self._line = line
        self._rows: dict[int, ProfileRow] = {}
        self._closings: dict[int, Closing] = {}

    async def look(self) -> View:
        """Return the meter as it is now, and as far as its past is known.

        Raises
        ------
        NoAnswerError, ExceptionReplyError, BadFrameError
            As `watthour.host.lines.modbus_client.read_values`.
        """
        contents = {request.start: await self._line.fetch(request) for request in plan_reads(ROWS)}
        decoded = decode(ROWS, contents)
        await self._fetch_profile(int(decoded["profile_oldest"]), int(decoded["profile_count"]))
        await self._fetch_closing(int(decoded["closing_oldest"]), int(decoded["closing_count"]))
        return self._view(decoded)

    async def _fetch_profile(self, oldest: int, count: int) -> None:
        """Fetch rows that are not known yet, the newest first."""
        first = max(oldest, count - PROFILE_KEPT)
        self._rows = {number: row for number, row in self._rows.items() if first <= number < count}
        window = _MAP["profile_window"]
        for _ in range(_WINDOWS_A_LOOK):
            missing = max((number for number in range(first, count) if number not in self._rows), default=None)
            if missing is None:
                return
            begin = max(first, missing - ROWS_SHOWN + 1)
            await self._line.write(_MAP["profile_select"].address, begin.to_bytes(4))
            data = await self._line.fetch(ReadRequest(start=window.address, count=window.registers))
            shown = [row_from_registers(data[at : at + ROW.size]) for at in range(0, len(data), ROW.size)]
            self._rows |= dict(row for row in shown if row is not None)
            if missing not in self._rows:
                return

    async def _fetch_closing(self, oldest: int, count: int) -> None:
        """Fetch the newest closing that is not known yet."""
        self._closings = {number: closing for number, closing in self._closings.items() if oldest <= number < count}
        missing = max((number for number in range(oldest, count) if number not in self._closings), default=None)
        if missing is None:
            return
        await self._line.write(_MAP["closing_select"].address, missing.to_bytes(4))
        contents = {request.start: await self._line.fetch(request) for request in plan_reads(_CLOSING_ROWS)}
        head, total, *rates, maxima = (bytes(decode(_CLOSING_ROWS, contents)[name]) for name in _CLOSING)  # type: ignore[arg-type]
        closing = closing_from_registers(head, total, rates, maxima)
        if closing is not None:
            self._closings[missing] = closing

    def _view(self, decoded: Mapping[str, Decoded]) -> View:
        values = valid_values(ROWS, decoded)
        ct, vt = (ratio_of(_decimal(decoded[f"{of}_primary"]), _decimal(decoded[f"{of}_secondary"])) for of in ("ct", "vt"))
        exact = {exact_name(energy): int(decoded[exact_name(energy)]) for energy in ENERGIES}
        settings = {name: value for name in SETTINGS if not isinstance(value := decoded[name], bytes)}
        findings = _diagnosis(values, float(ct.primary))
        clock_ns = int(decoded["clock_unix_s"]) * NANOSECONDS
        return View(
            model=str(decoded["model"]),
            serial=int(decoded["serial"]),
            time_ns=clock_ns or to_ns(datetime.now(UTC)),
            samples=0,
            duration_s=0.0,
            powered=True,
            values=MappingProxyType(values),
            exact=MappingProxyType(exact | secondary_of(exact, ct.fraction * vt.fraction)),
            parameters=MappingProxyType({"ct": ct, "vt": vt, **settings}),
            warnings=(*(() if findings else kinds_of(values)), *_warnings(int(decoded["warnings"]))),
            software_id=str(decoded["software_id"]),
            calendar=str(decoded["calendar_id"]),
            diagnosis=findings,
            profile=_newest(self._rows, int(decoded["profile_count"]), PROFILE_ROWS),
            closings=_newest(self._closings, int(decoded["closing_count"]), CLOSINGS),
            event_count=int(decoded["event_count"]),
            event_head=str(decoded["event_head"]),
            seal_open=bool(values["seal_open"]),
            storage_fault=bool(values["storage_fault"]),
            registers_fresh=bool(values["registers_fresh"]),
            calendar_missing=bool(values["calendar_missing"]),
        )


def _decimal(value: Decoded) -> Decimal:
    return Decimal(str(value))


def _diagnosis(values: Mapping[str, Number], ct_primary_a: float) -> tuple[Finding, ...]:
    """Return what stands behind the bits that the meter shows, as far as its values say it too."""
    return diagnose(values, Plate(ct_primary_a=ct_primary_a)) if values.get("wiring_findings") else ()


def _warnings(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (f"{count} standing warning{'s' if count > 1 else ''}: this bus tells how many, not which",)


def _newest(known: Mapping[int, T], count: int, keep: int) -> History[T]:
    """Return what is known up to the newest without a gap."""
    first = count
    while first - 1 in known:
        first -= 1
    return History([known[number] for number in range(first, count)], keep=keep, first=first)
