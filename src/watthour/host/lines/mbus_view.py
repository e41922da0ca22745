"""A meter behind M-Bus as a view: its first set of telegrams at each look, the others one after another.

In: an open line. Out: a `View` of what the telegrams say. Of a D312 that is every set of our list; of another maker's meter what its
own telegrams have under names of the nomenclature. There are no samples, no load profile, no events on M-Bus.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from watthour.history import CLOSINGS, Closing, History
from watthour.host.instants import to_ns
from watthour.host.lines.far import kinds_of, ratio_of, secondary_of
from watthour.host.lines.mbus_client import MBusMaster, find_meter, model_by, serial_by
from watthour.host.lines.mbus_values import Said, closings_of, is_ours, said_of, values_of
from watthour.host.lines.url import BusUrl
from watthour.maps.mbus import Set
from watthour.parameters import Setting
from watthour.units import ENERGIES, MICRO, Ratio, energy_name, exact_name
from watthour.view import Number, View
from watthour.wire.mbus.message import Ci, SendData
from watthour.wire.mbus.telegram import Telegram

AGAIN_S = 30.0
"""Each set but the first is asked for again after this (ours)."""
_SLOW_SETS = (Set.INSTALLATION, Set.INSTANTANEOUS, Set.ENHANCED_BILLING, Set.MULTI_TARIFF_BILLING)
_STORAGE_FAULT, _REGISTERS_FRESH, _CALENDAR_MISSING, _SEAL_OPEN = 0b100, 0b1000, 0b10000, 0b100000
"""Bits of ``error_flags``, as those of the register ``status``."""


class MBusView:
    """What is known of a meter so far.

    Parameters
    ----------
    master : MBusMaster
    url : BusUrl
        Where on the line it is.
    """

    def __init__(self, master: MBusMaster, url: BusUrl) -> None:
        self._master = master
        self._url = url
        self._slow: dict[Set, list[Telegram]] = {}
        self._due_s = dict.fromkeys(_SLOW_SETS, 0.0)

    async def look(self) -> View:
        """Return the meter as it is now, and as far as its other sets are known.

        Raises
        ------
        NoAnswerError, BadFrameError
            As `watthour.host.lines.mbus_client.read_mbus`.
        """
        address = await find_meter(self._master, self._url)  # the link begins anew: else the last telegram is repeated
        telegrams = await self._master.telegrams(address)
        if is_ours(telegrams[0]):
            await self._look_further(address)
        return self._view(telegrams)

    async def _look_further(self, address: int) -> None:
        """Ask for the set that has been due for longest, and choose the first one again."""
        chosen, due_s = min(self._due_s.items(), key=lambda each: each[1])
        if time.monotonic() < due_s:
            return
        await self._choose(address, chosen)
        self._slow[chosen] = await self._master.telegrams(address)
        self._due_s[chosen] = time.monotonic() + AGAIN_S
        await self._choose(address, Set.ALL)

    async def _choose(self, address: int, chosen: Set) -> None:
        await self._master.acknowledged(SendData(address=address, ci=Ci.APPLICATION_RESET, data=bytes([chosen])).to_frame())

    def _view(self, first: list[Telegram]) -> View:
        telegrams = [*first, *(telegram for rows in self._slow.values() for telegram in rows)]
        said, values, header = said_of(telegrams), values_of(telegrams), first[0].header
        clock = said.get(("clock", 0))
        flags = _whole(said, "error_flags")
        ratios = {of: _ratio(said, of) for of in ("ct", "vt")}
        exact = _exact(values)
        secondary = {} if ratios["ct"] is None else secondary_of(exact, ratios["ct"].fraction * _or_one(ratios["vt"]))
        return View(
            model=str(said.get(("model", 0)) or model_by(header)),
            serial=serial_by(header),
            time_ns=to_ns(clock.replace(tzinfo=UTC) if isinstance(clock, datetime) else datetime.now(UTC)),
            samples=0,
            duration_s=0.0,
            powered=True,
            values=MappingProxyType(values),
            exact=MappingProxyType(secondary),
            parameters=MappingProxyType(_settings(first[0], ratios)),
            warnings=_warnings(flags, values),
            software_id=str(said.get(("software_id", 0)) or ""),
            closings=_kept(closings_of(said)),
            event_count=_whole(said, "event_count"),
            event_head=str(said.get(("event_head", 0)) or ""),
            seal_open=not is_ours(first[0]) or bool(flags & _SEAL_OPEN),
            storage_fault=bool(flags & _STORAGE_FAULT),
            registers_fresh=bool(flags & _REGISTERS_FRESH),
            calendar_missing=bool(flags & _CALENDAR_MISSING),
        )


def _whole(said: Said, name: str) -> int:
    value = said.get((name, 0))
    return int(value) if isinstance(value, int | Decimal) else 0


def _ratio(said: Said, of: str) -> Ratio | None:
    """Return a transformers' ratio; None where it is not said."""
    primary, secondary = (said.get((f"{of}_{side}", 0)) for side in ("primary", "secondary"))
    if not (isinstance(primary, int | Decimal) and isinstance(secondary, int | Decimal) and primary > 0 and secondary > 0):
        return None
    return ratio_of(primary, secondary)


def _or_one(ratio: Ratio | None) -> int | Fraction:
    return 1 if ratio is None else ratio.fraction


def _exact(values: Mapping[str, Number]) -> dict[str, int]:
    """Return the totals in micro-units, as finely as they are said."""
    return {exact_name(energy): int((values.get(energy_name(energy)) or 0) * MICRO) for energy in ENERGIES}


def _settings(telegram: Telegram, ratios: Mapping[str, Ratio | None]) -> dict[str, Setting]:
    """Return the settings that telegrams say."""
    told: dict[str, Setting] = {of: ratio for of, ratio in ratios.items() if ratio is not None}
    if is_ours(telegram) and telegram.header is not None:
        told |= {"mbus_address": telegram.address, "mbus_identification": serial_by(telegram.header)}
    return told


def _warnings(flags: int, values: Mapping[str, Number]) -> tuple[str, ...]:
    """Return what the bits say: of the wiring which kind, of what else stands only that it does."""
    return (*kinds_of(values), *(["a standing warning: this bus does not tell which"] if flags & 1 else []))


def _kept(closings: list[Closing]) -> History[Closing]:
    return History(closings, keep=CLOSINGS)
