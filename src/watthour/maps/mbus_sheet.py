"""The M-Bus record list printed: as rows of words, as markdown, as CSV, as JSON."""

import csv
import io
import json

from watthour.maps.mbus import CLOSING_STORAGE, SETS, Record, Set
from watthour.units import ENERGIES, RATES, VALUE_BY_NAME, energy_name

COLUMNS = (
    "set", "sub_code", "telegram", "name", "written", "vib", "decimals", "function", "storage", "tariff", "subunit", "meaning",
)
"""What is printed of each record; also the keys of the JSON."""

NOTES = (
    "The D312's own telegram is not public; this list is ours, and unverified against the hardware.",
    "Function 0 is an instantaneous value, 1 a maximum.",
    "Storage number 0 is now, 1 the partial counters, 2 the last closing of a billing period, 3 to 25 the closings before it.",
    "The set of enhanced billing holds two telegrams for each closing that is kept: listed for the last, the same for the others.",
    "Codes behind FF are our own: 01 active rate, 02 and 03 CT ratio, 04 head of the event chain, 05 cos phi, 06 demand, 0A findings of the wiring diagnosis, 0B and 0C VT ratio, 0D number of events.",
    "A value is the number divided by ten to the power of its decimals; voltages, currents, powers and energies are primary.",
    'Null, and what its integers cannot hold, is sent as 0 with the function "value during error state".',
    'A set is chosen by CI 50 with its sub-code; the first telegram of the set "all" is what a meter begins with.',
    "Telegrams that are followed by another one end with DIF 1F: turn the frame count bit and ask again.",
)

_CLOSING_PARTS = {"": "", **{f"{rate}_": f", at rate {rate.upper()}" for rate in RATES}}

IDENTITY = {
    "fabrication_number": "serial number, its last eight digits",
    "model": "name of the model",
    "firmware": "software version: major in the high byte, minor in the low",
    "error_flags": "bit 0 standing warning, 1 finding, 2 storage fault, 3 fresh registers, 4 calendar missing, 5 seal open",
    "clock": "time of the meter, UTC",
    "operating_time_s": "time with voltage on",
    "ct_primary": "current transformer, primary, A",
    "ct_secondary": "current transformer, secondary, A",
    "vt_primary": "voltage transformer, primary, V",
    "vt_secondary": "voltage transformer, secondary, V",
    "demand_period_min": "length of a demand period, min",
    "digital_inputs": "bit 0: input 1 is closed; bit 1: input 2 is",
    "software_id": "SHA-256 of the legally relevant sources, hexadecimal",
    "event_count": "events ever, as the event chain counts them",
    "event_head": "hash that the chain of events ends with, hexadecimal",
    "closing_unix_s": "instant of the closing, UTC",
    **{
        energy_name(energy, f"closing_{prefix}"): f"{VALUE_BY_NAME[energy_name(energy)].meaning}, at the closing{remark}"
        for prefix, remark in _CLOSING_PARTS.items()
        for energy in ENERGIES
    },
    **{f"closing_{prefix}max_demand_w": f"highest demand of the closed period{remark}" for prefix, remark in _CLOSING_PARTS.items()},
    **{
        f"closing_{prefix}max_demand_unix_s": f"end of the period of the highest demand of the closed period{remark}, UTC"
        for prefix, remark in _CLOSING_PARTS.items()
    },
}
"""Names that are no value of the nomenclature."""


def record(chosen: Set, telegram: int, row: Record) -> dict[str, str | int]:
    """Return a row as a flat record with the keys `COLUMNS`."""
    known = VALUE_BY_NAME.get(row.name)
    return {
        "set": chosen.name.lower().replace("_", " "),
        "sub_code": f"{chosen:02X}",
        "telegram": telegram,
        "name": row.name,
        "written": row.written.name,
        "vib": row.vib.hex(" ").upper(),
        "decimals": row.decimals,
        "function": row.function,
        "storage": row.storage,
        "tariff": row.tariff,
        "subunit": row.subunit,
        "meaning": IDENTITY[row.name] if known is None else known.meaning,
    }


def records() -> list[dict[str, str | int]]:
    """Return every record of every set; of the closings, the last."""
    return [
        record(chosen, number, row)
        for chosen, telegrams in SETS.items()
        for number, rows in enumerate(telegrams, 1)
        for row in rows
        if row.storage <= CLOSING_STORAGE
    ]


def as_table() -> list[tuple[str, ...]]:
    """Return each record as words, in the order of `COLUMNS`."""
    return [tuple(str(word) for word in told.values()) for told in records()]


def as_markdown() -> str:
    """Return the list as a markdown document: its notes, then one table."""
    notes = "\n".join(f"- {note}" for note in NOTES)
    lines = [COLUMNS, ("---",) * len(COLUMNS), *as_table()]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"# M-Bus record list\n\n{notes}\n\n{table}\n"


def as_csv() -> str:
    """Return the list as CSV with a header row (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(as_table())
    return text.getvalue()


def as_json() -> str:
    """Return the list as a JSON object: ``notes`` and ``records``."""
    return json.dumps({"notes": NOTES, "records": records()}, ensure_ascii=False, indent=2) + "\n"
