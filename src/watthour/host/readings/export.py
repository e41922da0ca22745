"""The load profile as CSV and as Parquet: a row an interval, exact to the last digit.

Energies are decimals with six places (a microwatt-hour is the last), not floats: what rows sum to is what the registers
grew by. Missing intervals have no row.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from watthour.errors import UsageError
from watthour.history import ProfileRow, RowFlag
from watthour.host.instants import iso
from watthour.host.readings.directories import MeterProfile
from watthour.units import ENERGIES, energy_name

_MICRO_PLACES, _NANO_PLACES = 6, 9
_FLAGS = {flag: flag.name.lower() for flag in RowFlag if flag.name}

SCHEMA = pa.schema(
    [
        ("serial", pa.uint32()),
        ("start", pa.timestamp("ns", tz="UTC")),
        ("end", pa.timestamp("ns", tz="UTC")),
        *((energy_name(energy), pa.decimal128(38, _MICRO_PLACES)) for energy in ENERGIES),
        ("rate", pa.uint8()),
        ("rates", pa.string()),
        ("demand_w", pa.decimal128(38, _MICRO_PLACES)),
        ("metered_s", pa.decimal128(18, _NANO_PLACES)),
        *((name, pa.bool_()) for name in _FLAGS.values()),
    ]
)
"""Columns of both formats."""


def rows_between(profiles: Sequence[MeterProfile], from_ns: int | None, to_ns: int | None) -> Iterator[tuple[int, ProfileRow]]:
    """Yield serial number and row of each interval that starts in [from, to), in the order in which the meters made them."""
    for meter in profiles:
        for row in meter.rows:
            if (from_ns is None or from_ns <= row.start_ns) and (to_ns is None or row.start_ns < to_ns):
                yield meter.serial, row


def export_csv(rows: Iterable[tuple[int, ProfileRow]], output: TextIO) -> int:
    """Write rows as CSV with a header; return how many.

    Instants are ISO 8601 in UTC, flags 0 or 1, and a demand that does not exist is empty.
    """
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(SCHEMA.names)
    count = 0
    for serial, row in rows:
        writer.writerow(_written(cell) for cell in (serial, iso(row.start_ns), iso(row.end_ns), *_cells(row)))
        count += 1
    return count


def export_parquet(rows: Iterable[tuple[int, ProfileRow]], output: Path) -> int:
    """Write rows as Parquet in place of what was there; return how many.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    table = [(serial, row.start_ns, row.end_ns, *_cells(row)) for serial, row in rows]
    columns = list(zip(*table, strict=True)) or [()] * len(SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    content = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=SCHEMA), content)
    try:
        output.write_bytes(content.getvalue())
    except OSError as problem:
        msg = f"{output}: cannot be written ({problem.strerror}): name another file with --output"
        raise UsageError(msg) from None
    return len(table)


def _cells(row: ProfileRow) -> tuple[Any, ...]:
    """Return what follows the instants."""
    return (
        *(Decimal(micro).scaleb(-_MICRO_PLACES) for micro in row.energies),
        row.rates[0],
        " ".join(map(str, row.rates)),
        None if row.demand_microw is None else Decimal(row.demand_microw).scaleb(-_MICRO_PLACES),
        Decimal(row.metered_ns).scaleb(-_NANO_PLACES),
        *(bool(row.flags & flag) for flag in _FLAGS),
    )


def _written(cell: object) -> object:
    if isinstance(cell, bool):
        return int(cell)
    return f"{cell:f}" if isinstance(cell, Decimal) else cell
