"""Contracts from TOML files, with the tariffs and price lists that they name: those of the package, and people's own."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

from watthour.billing.charges import FROM_CONTRACT, Charge
from watthour.billing.contract import Contract
from watthour.billing.dated import Dated, DatedTable
from watthour.billing.metering import Combination, Instrument, Metering
from watthour.billing.series import Series
from watthour.errors import ConfigError, ContractError, UsageError
from watthour.host.billing.tables import (
    ContractFile,
    InstrumentTable,
    MeteringTable,
    PriceFile,
    PriceTable,
    SeriesTable,
    TariffFile,
    dated_rows,
    day_or_none,
)
from watthour.host.calendars import read_calendar
from watthour.host.instants import to_ns
from watthour.host.poller.config import store_url
from watthour.host.toml_files import check_toml, read_toml
from watthour.host.toml_lines import line_of
from watthour.units import NANOSECONDS

_BUNDLED = Path(__file__).parent / "bundled"
_MINUTE_NS = 60 * NANOSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOnFile:
    """A contract and what its file says of readings.

    Parameters
    ----------
    contract : Contract
    readings : str or None
        Where its readings are: a path, or the URL of a head-end's store.
    serial : int or None
        Of the meter among several.
    place : str or None
        Of a head-end, among several.
    """

    contract: Contract
    readings: str | None
    serial: int | None
    place: str | None


def bundled_names(kind: str) -> list[str]:
    """Return the names of the ``tariffs`` or ``prices`` that the package holds."""
    folder = _BUNDLED / kind
    return sorted(path.relative_to(folder).as_posix().removesuffix(".toml") for path in folder.rglob("*.toml"))


def read_contract(path: Path) -> ContractOnFile:
    """Return the contract that a file describes.

    Raises
    ------
    ConfigError
        With file and line, where it cannot be one.
    """
    content = read_toml(path)
    table = check_toml(str(path), content, ContractFile, Decimal)
    try:
        calendar = read_calendar(table.calendar, folder=path.parent)
        power = read_calendar(table.power_calendar, folder=path.parent) if table.power_calendar else calendar
        contract = Contract(
            title=table.title,
            currency=table.currency,
            first_day=day_or_none(table.first_day),
            last_day=day_or_none(table.last_day),
            calendar=calendar,
            power_calendar=power,
            charges=tuple(_charges(table, path)),
            values=DatedTable(tuple(_values(table, path, content.decode()))),
            series={each.price: _series(each, path.parent, calendar.zone) for each in table.series},
            meter_type=table.meter_type,
            has_icp=table.icp,
            duration_months=table.duration_months,
            energy_decimals=table.energy_decimals,
            power_decimals=table.power_decimals,
            metering=_metering(table.metering),
        )
    except ContractError as refused:
        raise ConfigError(str(path), str(refused)) from None
    readings = _readings(table.readings, path.parent) if table.readings else None
    return ContractOnFile(contract=contract, readings=readings, serial=table.serial, place=table.place or None)


def _readings(source: str, folder: Path) -> str:
    return store_url(source, folder) if "://" in source else str(folder / source)


def _charges(table: ContractFile, path: Path) -> list[Charge]:
    found: list[Charge] = []
    if table.tariff:
        file, content = _file(table.tariff, "tariffs", path.parent)
        found += [each.charge() for each in check_toml(file, content, TariffFile, Decimal).charge]
    found += [each.charge() for each in table.charge]
    for own in table.insert:
        names = [charge.name for charge in found]
        if own.before not in names:
            msg = f"insert before {own.before!r}: there is no such charge; there are {', '.join(names)}"
            raise ContractError(msg)
        found.insert(names.index(own.before), own.charge.charge())
    if not found:
        msg = "nothing is charged: name a tariff, or write [[charge]] tables"
        raise ContractError(msg)
    return found


def _values(table: ContractFile, path: Path, text: str) -> Iterable[Dated]:
    for row in table.contracted:
        for period, power in row.kw.items():
            yield Dated(
                name=FROM_CONTRACT,
                key=period,
                value=power,
                unit="kW",
                first_day=day_or_none(row.first_day),
                last_day=day_or_none(row.last_day),
                source=row.source,
            )
    yield from _prices(str(path), text, table.price)
    for name in table.prices:
        file, content = _file(name, "prices", path.parent)
        yield from _prices(file, content.decode(), check_toml(file, content, PriceFile, Decimal).price)


def _prices(file: str, text: str, prices: Iterable[PriceTable]) -> Iterable[Dated]:
    for place, price in enumerate(prices):
        try:
            yield from dated_rows(price)
        except ValueError as problem:
            raise ConfigError(file, str(problem), line_of(text, ["price", place])) from None


def _file(name: str, kind: str, folder: Path) -> tuple[str, bytes]:
    """Return path and content of a file of the package, or of one beside the contract."""
    if name.endswith(".toml"):
        path = folder / name
    elif name in bundled_names(kind):
        path = _BUNDLED / kind / f"{name}.toml"
    else:
        msg = f"{name}: the package has no such {kind}; it has {', '.join(bundled_names(kind))} (a file of yours ends in .toml)"
        raise UsageError(msg)
    return str(path), read_toml(path)


def _metering(table: MeteringTable) -> Metering:
    return Metering(
        ours=_instrument(table.ours),
        theirs=_instrument(table.theirs),
        clock_offset_s=Fraction(table.clock_offset_s),
        resolution_kwh=Fraction(table.resolution_kwh),
        resolution_kw=Fraction(table.resolution_kw),
        load_dependence_percent=Fraction(table.load_dependence_percent),
        combination=Combination(table.combination),
    )


def _instrument(table: InstrumentTable) -> Instrument:
    return Instrument(**table.model_dump())


def _series(table: SeriesTable, folder: Path, zone: str) -> Series:
    path = folder / table.file
    prices: dict[int, Decimal] = {}
    for number, row in enumerate(_rows(path), 2):
        try:
            instant = datetime.fromisoformat(row[table.time])
            price = Decimal(row[table.column])
        except KeyError as missing:
            msg = f"{path}: no column {missing}; it has {', '.join(row)}"
            raise UsageError(msg) from None
        except (ValueError, InvalidOperation, TypeError):
            msg = f"{path}:{number}: write an instant in ISO 8601 with its offset, and a number"
            raise UsageError(msg) from None
        if instant.tzinfo is None:
            msg = f"{path}:{number}: {row[table.time]} has no offset from UTC; write it, such as +01:00 or Z"
            raise UsageError(msg)
        prices[to_ns(instant.astimezone(UTC))] = price
    step_ns = table.minutes * _MINUTE_NS
    return Series(name=table.price, unit=table.unit, zone=zone, step_ns=step_ns, prices=prices, source=table.source)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        msg = f"{path}: cannot be read as CSV: {getattr(problem, 'strerror', None) or problem}; check the path"
        raise UsageError(msg) from None


__all__ = ["ContractOnFile", "bundled_names", "read_contract"]
