"""What to read of a meter, and what the registers say: pure, for any way of carrying the requests.

In: rows of the register map. Out: few long reads, and from their contents the values by name. A value whose validity bit is
clear is null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from watthour.maps.modbus import finest, stretches, validity_place
from watthour.maps.register import BYTES_PER_REGISTER, Register
from watthour.units import VALUE_BY_NAME
from watthour.view import Number
from watthour.wire.modbus.message import READ_MAXIMUM, ReadRequest

Decoded = int | Decimal | str | bytes
"""What registers say, before validity is looked at."""


BESIDES = frozenset({"block_version", "ct_primary", "model", "serial", "status", "warnings"})
"""What is read besides the values: who answers, behind which CTs, and what makes the page of each second one read, all of one instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a meter answered.

    Parameters
    ----------
    time : datetime
        When the answers were complete, UTC, by the reader's clock.
    ct_primary_a : float
        Rated primary current of the CTs, as the meter is set; 0 where it does not say.
    values : mapping of str to number or None
        Named as `watthour.units.VALUES`, in that order.
    """

    url: str
    time: datetime
    model: str
    serial: int
    values: Mapping[str, Number]
    ct_primary_a: float = 0.0


def wanted_rows() -> tuple[Register, ...]:
    """Return the rows to read, sorted by address: each value where it is finest, its validity, and `BESIDES`."""
    rows = [row for name, row in finest().items() if name in VALUE_BY_NAME or name in BESIDES or name.startswith("validity_")]
    return tuple(sorted(rows, key=lambda row: row.address))


def plan_reads(rows: Sequence[Register]) -> list[ReadRequest]:
    """Return the fewest reads that cover rows sorted by address: none spans a hole, none cuts a variable.

    >>> [(f"{read.start:04X}", read.count) for read in plan_reads(wanted_rows())][:3]
    [('0030', 12), ('00B0', 4), ('00C4', 4)]
    """
    parts = stretches(rows, READ_MAXIMUM)
    return [ReadRequest(start=part[0].address, count=part[-1].end - part[0].address) for part in parts]


def decode(rows: Sequence[Register], contents: Mapping[int, bytes]) -> dict[str, Decoded]:
    """Return what each row says.

    Parameters
    ----------
    contents : mapping of int to bytes
        What was read, by its first address; every row lies whole in one of them.
    """
    decoded = {}
    for start, data in contents.items():
        end = start + len(data) // BYTES_PER_REGISTER
        for row in rows:
            if start <= row.address and row.end <= end:
                begin = (row.address - start) * BYTES_PER_REGISTER
                decoded[row.name] = row.from_bytes(data[begin : begin + row.registers * BYTES_PER_REGISTER])
    return decoded


def valid_values(rows: Sequence[Register], decoded: Mapping[str, Decoded]) -> dict[str, Number]:
    """Return the values by name in the order of the nomenclature, null where a validity bit is clear."""
    by_name = {row.name: row for row in rows}
    return {
        name: _number(decoded[name]) if _is_valid(by_name[name], decoded) else None for name in VALUE_BY_NAME if name in by_name
    }


def _is_valid(row: Register, decoded: Mapping[str, Decoded]) -> bool:
    if row.bit is None:
        return True
    word, place = validity_place(row.bit)
    return bool(int(decoded[word]) >> place & 1)


def _number(value: Decoded) -> int | float:
    return value if isinstance(value, int) else float(value)
