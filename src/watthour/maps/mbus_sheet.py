"""The M-Bus record list printed: as rows of words, as markdown, as CSV, as JSON."""

import csv
import io
import json

from watthour.maps.mbus import SETS, Record, Set
from watthour.units import VALUE_BY_NAME

COLUMNS = ("set", "sub_code", "telegram", "name", "written", "vib", "decimals", "storage", "tariff", "subunit", "meaning")
"""What is printed of each record; also the keys of the JSON."""

NOTES = (
    "The D312's own telegram is not public; this list is ours, and unverified against the hardware.",
    "A value is the number divided by ten to the power of its decimals; voltages, currents, powers and energies are primary.",
    'Null, and what its integers cannot hold, is sent as 0 with the function "value during error state".',
    'A set is chosen by CI 50 with its sub-code; the first telegram of the set "all" is what a meter begins with.',
    "Telegrams that are followed by another one end with DIF 1F: turn the frame count bit and ask again.",
)

IDENTITY = {
    "fabrication_number": "serial number, its last eight digits",
    "model": "name of the model",
    "firmware": "software version: major in the high byte, minor in the low",
    "error_flags": "bit 0: a standing warning; bit 1: a finding of the diagnosis",
    "clock": "time of the meter, UTC",
    "operating_time_s": "time with voltage on",
    "ct_primary": "current transformer, primary, A",
    "ct_secondary": "current transformer, secondary, A",
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
        "storage": row.storage,
        "tariff": row.tariff,
        "subunit": row.subunit,
        "meaning": IDENTITY[row.name] if known is None else known.meaning,
    }


def records() -> list[dict[str, str | int]]:
    """Return every record of every set."""
    return [
        record(chosen, number, row)
        for chosen, telegrams in SETS.items()
        for number, rows in enumerate(telegrams, 1)
        for row in rows
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
