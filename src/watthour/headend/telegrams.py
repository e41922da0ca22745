"""Counters of energy out of M-Bus telegrams of any maker: exact, with their last digit and where they begin again.

In: telegrams. Out: counters by energy. A record is known by quantity, unit and direction alone; tariffs, storage numbers and what is
no total are left out.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from watthour.headend.reading import MOST_MICRO, Counter
from watthour.maps.mbus import MANUFACTURER
from watthour.units import MICRO, REGISTER_MODULUS
from watthour.wire.mbus.record import DataField, Function, Record
from watthour.wire.mbus.telegram import Telegram, manufacturer_letters, read_record
from watthour.wire.mbus.unit import Meaning

DIGITS: Mapping[DataField, int] = MappingProxyType(
    {DataField.BCD2: 2, DataField.BCD4: 4, DataField.BCD6: 6, DataField.BCD8: 8, DataField.BCD12: 12}
)
"""Decimal digits of a field: a counter in it begins again behind as many nines."""

EXPORT_SUBUNIT = 1
"""How ABB tells export from import."""

_QUADRANTS = {"Q1": "q1", "Q2": "q2", "Q3": "q3", "Q4": "q4"}


def counters_of(telegrams: Sequence[Telegram]) -> dict[str, Counter]:
    """Return the counters of total energy that telegrams hold; of several of one energy the first."""
    found: dict[str, Counter] = {}
    for telegram in telegrams:
        header = telegram.header
        is_ours = header is not None and manufacturer_letters(header.manufacturer) == MANUFACTURER
        for record in telegram.content.records:
            energy = None if record.tariff else energy_of(record)
            counter = None if energy is None else _counter(record, REGISTER_MODULUS * MICRO if is_ours else None)
            if energy is not None and counter is not None:
                found.setdefault(energy, counter)
    return found


def energy_of(record: Record) -> str | None:
    """Return which energy of now a record counts, in all or of its tariff; None where it counts none."""
    if record.function is not Function.INSTANTANEOUS or record.storage or record.subunit > EXPORT_SUBUNIT:
        return None
    meaning = read_record(record).meaning
    words = set(meaning.qualifiers)
    if meaning.quantity == "energy" and meaning.unit == "Wh" and words <= {"import", "export"}:
        return "export" if "export" in words or record.subunit else "import"
    if meaning.quantity == "reactive energy" and len(words) == 1 and words <= set(_QUADRANTS) and not record.subunit:
        return _QUADRANTS[words.pop()]
    return None


def _counter(record: Record, modulus_micro: int | None) -> Counter | None:
    quantity = read_record(record)
    value = quantity.value
    if not isinstance(value, int | Decimal):
        return None
    per_step = _per_step(quantity.meaning)
    digits = DIGITS.get(record.field)
    if modulus_micro is None and digits is not None:
        modulus_micro = int(10**digits * per_step)
    micro = int(Fraction(value) * MICRO)
    if abs(micro) > MOST_MICRO:
        return None
    return Counter(micro=micro, step_micro=max(1, int(per_step)), modulus_micro=modulus_micro)


def _per_step(meaning: Meaning) -> Fraction:
    """Return what one step of the number is worth, in micro-units."""
    return Fraction(meaning.factor) * Fraction(10) ** meaning.exponent * MICRO
