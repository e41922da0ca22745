"""A register map printed: as rows of words, as markdown, as CSV, as JSON.

In: rows of a map. Out: text. Which client or screen shows it is not known here.
"""

import csv
import io
import json
from collections.abc import Sequence

from watthour.maps.modbus import BITS, NOTES, REGISTERS, meaning
from watthour.maps.register import Bit, Register

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


BIT_COLUMNS = ("address", "table", "name", "access", "meaning", "remark")
"""What is printed of each coil and discrete input; also the keys of the JSON."""


def bit_record(bit: Bit) -> dict[str, str]:
    """Return a coil or discrete input as a flat record with the keys `BIT_COLUMNS`; the address in hexadecimal."""
    return {
        "address": f"{bit.address:04X}",
        "table": bit.table.value,
        "name": bit.name,
        "access": bit.access.value,
        "meaning": meaning(bit),
        "remark": bit.remark,
    }


def as_table(rows: Sequence[Register] = REGISTERS) -> list[tuple[str, ...]]:
    """Return each row as words, in the order of `COLUMNS`; null is an empty word."""
    return [tuple("" if word is None else str(word) for word in record(row).values()) for row in rows]


def as_markdown(rows: Sequence[Register] = REGISTERS) -> str:
    """Return the map as a markdown document: its notes, the registers, the single bits."""
    notes = "\n".join(f"- {note}" for note in NOTES)
    bits = [tuple(bit_record(bit).values()) for bit in BITS]
    return (
        f"# Modbus register map\n\n{notes}\n\n{_markdown_table(COLUMNS, as_table(rows))}\n\n"
        f"## Coils and discrete inputs\n\n{_markdown_table(BIT_COLUMNS, bits)}\n"
    )


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(word.replace('|', chr(92) + '|') for word in line)} |" for line in lines)


def as_csv(rows: Sequence[Register] = REGISTERS) -> str:
    """Return the registers as CSV with a header row (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(as_table(rows))
    return text.getvalue()


def as_json(rows: Sequence[Register] = REGISTERS) -> str:
    """Return the map as a JSON object: ``notes``, ``registers`` and ``bits``."""
    content = {"notes": NOTES, "registers": [record(row) for row in rows], "bits": [bit_record(bit) for bit in BITS]}
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
