"""Values by name out of a meter's M-Bus telegrams, of any maker's as far as units allow.

In: telegrams. Out: values under the names of the nomenclature. A record is known by quantity, unit, place and tariff alone; what
has a storage number, a sub-unit or a maker's qualifier of another maker, or is there twice, is left to ``mbus decode``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from watthour.headend.telegrams import energy_of
from watthour.history import Closing, ClosingCause, Maximum
from watthour.maps.mbus import MANUFACTURER, SETS
from watthour.units import ENERGIES, MICRO, NANOSECONDS, RATES, VALUE_BY_NAME, energy_name
from watthour.view import Number
from watthour.wire.mbus.record import FUNCTIONS, Function, Record
from watthour.wire.mbus.telegram import Telegram, manufacturer_letters, read_record
from watthour.wire.mbus.value import Value

_PLACES = {"L1": "l1", "L2": "l2", "L3": "l3", "N": "n", "L1-L2": "l12", "L2-L3": "l23", "L3-L1": "l31"}
_STEMS: Mapping[tuple[str, str | None], tuple[str, str]] = MappingProxyType(
    {
        ("voltage", "V"): ("voltage", "_v"),
        ("current", "A"): ("current", "_a"),
        ("power", "W"): ("power", "_w"),
        ("reactive power", "var"): ("reactive", "_var"),
        ("apparent power", "VA"): ("apparent", "_va"),
        ("frequency", "Hz"): ("frequency", "_hz"),
    }
)
_Key = tuple[bytes, int, int, int]
Said = Mapping[tuple[str, int], Value]
"""What a meter says, by name and storage number."""


def _our_names() -> Mapping[_Key, tuple[tuple[Function, str], ...]]:
    """Return the names of our records with their functions, by what else tells them apart, in the order they are sent in."""
    found: dict[_Key, dict[Function, str]] = {}
    for row in (row for telegrams in SETS.values() for rows in telegrams for row in rows):
        found.setdefault((row.vib, row.storage, row.tariff, row.subunit), {}).setdefault(FUNCTIONS[row.function], row.name)
    return MappingProxyType({key: tuple(names.items()) for key, names in found.items()})


_OURS = _our_names()
_OWN_CODE = 0xFF
_OWN_DECIMALS = MappingProxyType(
    {row.name: row.decimals for telegrams in SETS.values() for rows in telegrams for row in rows if row.vib[0] == _OWN_CODE}
)


def is_ours(telegram: Telegram) -> bool:
    """Say whether a telegram's records are those of our own list."""
    return telegram.header is not None and manufacturer_letters(telegram.header.manufacturer) == MANUFACTURER


def said_of(telegrams: Sequence[Telegram]) -> Said:
    """Return what telegrams of our own say, by name and storage number; null where the meter says so."""
    said: dict[tuple[str, int], Value] = {}
    for record in (record for telegram in telegrams if is_ours(telegram) for record in telegram.content.records):
        name = _our_name(record, {known: None for known, storage in said if storage == record.storage})
        if name is not None:
            said.setdefault((name, record.storage), _said(record, _OWN_DECIMALS.get(name, 0)))
    return said


def _said(record: Record, decimals: int) -> Value:
    """Return what a record says; of our own codes no decoder knows the decimals but the list."""
    value = None if record.function is Function.ERROR else read_record(record).value
    return Decimal(value).scaleb(-decimals) if decimals and isinstance(value, int) else value


def closings_of(said: Said) -> list[Closing]:
    """Return the closed billing periods that are said, the oldest first; rates have their import alone, and no cause is said."""
    storages = sorted((storage for name, storage in said if name == "closing_q4_varh"), reverse=True)
    return [closing for storage in storages if (closing := _closing(said, storage)) is not None]


def _closing(said: Said, storage: int) -> Closing | None:
    time = said.get(("closing_unix_s", storage))
    if not isinstance(time, datetime):
        return None

    def micro(name: str) -> int:
        value = said.get((name, storage))
        return int(value * MICRO) if isinstance(value, int | Decimal) else 0

    def maximum(prefix: str) -> Maximum | None:
        end = said.get((f"{prefix}max_demand_unix_s", storage))
        return Maximum(demand_microw=micro(f"{prefix}max_demand_w"), time_ns=_ns(end)) if isinstance(end, datetime) else None

    return Closing(
        time_ns=_ns(time),
        cause=ClosingCause.CALENDAR,
        total=tuple(micro(energy_name(energy, "closing_")) for energy in ENERGIES),
        rates=tuple((micro(f"closing_{rate}_import_wh"), 0, 0, 0, 0, 0) for rate in RATES),
        maximum=maximum("closing_"),
        rate_maxima=tuple(maximum(f"closing_{rate}_") for rate in RATES),
    )


def _ns(time: datetime) -> int:
    return int(time.replace(tzinfo=UTC).timestamp()) * NANOSECONDS


def values_of(telegrams: Sequence[Telegram]) -> dict[str, Number]:
    """Return the values that telegrams hold, in the order of the nomenclature; null where the meter says so."""
    found: dict[str, Number] = {}
    for telegram in telegrams:
        if is_ours(telegram):
            for record in telegram.content.records:
                name = _our_name(record, found)
                if name is not None and name not in found:
                    found[name] = _number(record)
        else:
            for name, record in _named(telegram.content.records).items():
                found.setdefault(name, _number(record))
    if "operating_time_s" in found:
        seconds = found.pop("operating_time_s")
        found["operating_time_h"] = None if seconds is None else seconds / 3600
    if "digital_inputs" in found:
        bits = found.pop("digital_inputs")
        for place, name in enumerate(("input1_closed", "input2_closed")):
            found[name] = None if bits is None else int(bits) >> place & 1
    return {name: found[name] for name in VALUE_BY_NAME if name in found}


def _named(records: Sequence[Record]) -> dict[str, Record]:
    """Return another maker's records by name; a name that two of a telegram would have is nobody's."""
    names = [name_of(record) for record in records]
    counts = Counter(names)
    return {name: record for name, record in zip(names, records, strict=True) if name is not None and counts[name] == 1}


def _our_name(record: Record, found: Mapping[str, Number]) -> str | None:
    """Return the name of our own record; of one in error state, which has lost its function, the first that is still due."""
    names = _OURS.get((bytes([record.vif]) + record.vifes, record.storage, record.tariff, record.subunit), ())
    if record.function is Function.ERROR:
        return next((name for _, name in names if name not in found), None)
    return dict(names).get(record.function)


def name_of(record: Record) -> str | None:
    """Return the name of another maker's record; None: it has none here."""
    energy = None if record.subunit else energy_of(record)
    if energy is not None:
        rate = f"t{record.tariff}" if record.tariff else ""
        return None if rate and rate not in RATES else energy_name(energy, rate and f"{rate}_")
    if record.function is not Function.INSTANTANEOUS or record.storage or record.tariff or record.subunit:
        return None
    meaning = read_record(record).meaning
    places = [_PLACES[word] for word in meaning.qualifiers if word in _PLACES]
    if len(places) < len(meaning.qualifiers) or (meaning.quantity, meaning.unit) not in _STEMS:
        return None
    head, end = _STEMS[meaning.quantity, meaning.unit]
    name = "_".join([head, *places]) + end
    return name if name in VALUE_BY_NAME else None


def _number(record: Record) -> Number:
    if record.function is Function.ERROR:
        return None
    value = read_record(record).value
    if isinstance(value, datetime):
        return int(value.replace(tzinfo=UTC).timestamp())
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, int) else None
