"""A register map printed: as rows of words, as markdown, as CSV, as JSON.

In: rows of a map. Out: text. Which client or screen shows it is not known here.
"""

import csv
import io
import json
from collections.abc import Sequence

from watthour.maps.modbus import NOTES, REGISTERS, meaning
from watthour.maps.register import Register

COLUMNS = (
    "address", "registers", "name", "type", "unit", "decimals", "access", "block", "status", "validity_bit", "meaning",
    "source", "remark",
)  # fmt: skip
"""What is printed of each row; also the keys of the JSON."""


def record(row: Register) -> dict[str, str | int | None]:
    """Return a row as a flat record with the keys `COLUMNS`; the address in hexadecimal."""
    return {
        "address": f"{row.address:04X}",
        "registers": row.registers,
        "name": row.name,
        "type": row.type.value,
        "unit": row.unit,
        "decimals": row.decimals,
        "access": row.access.value,
        "block": row.block,
        "status": row.status.value,
        "validity_bit": row.bit,
        "meaning": meaning(row),
        "source": row.source,
        "remark": row.remark,
    }


def as_table(rows: Sequence[Register] = REGISTERS) -> list[tuple[str, ...]]:
    """Return each row as words, in the order of `COLUMNS`; null is an empty word."""
    return [tuple("" if word is None else str(word) for word in record(row).values()) for row in rows]


def as_markdown(rows: Sequence[Register] = REGISTERS) -> str:
    """Return the map as a markdown document: its notes, then one table."""
    notes = "\n".join(f"- {note}" for note in NOTES)
    lines = [COLUMNS, ("---",) * len(COLUMNS), *as_table(rows)]
    table = "\n".join(f"| {' | '.join(word.replace('|', chr(92) + '|') for word in line)} |" for line in lines)
    return f"# Modbus register map\n\n{notes}\n\n{table}\n"


def as_csv(rows: Sequence[Register] = REGISTERS) -> str:
    """Return the map as CSV with a header row (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(as_table(rows))
    return text.getvalue()


def as_json(rows: Sequence[Register] = REGISTERS) -> str:
    """Return the map as a JSON object: ``notes`` and ``registers``."""
    return json.dumps({"notes": NOTES, "registers": [record(row) for row in rows]}, ensure_ascii=False, indent=2) + "\n"
