"""The dense layout: a block a month and quantity, a meter a row, an interval a column.

::

    ARCHIVE/
    └── 2026-01/                  intervals that start in this month, UTC
        ├── block.json            what it holds
        └── import.i4             meters x columns, row by row, little endian, NOT_READ (-1) where nothing was read

A value is found by arithmetic alone: byte (row x columns + column) x width. An interval that arrives is written in place; a file is made
whole, all `NOT_READ`, before its first value. ``docs/reference/archive.md`` tells every key.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watthour.billing.bulk import NOT_READ
from watthour.errors import StoreError

_HEADER = "block.json"
_FORMAT = "watthour dense block"
_VERSION = 1
_WIDTHS: dict[str, "np.dtype[Any]"] = {"i4": np.dtype("<i4"), "i8": np.dtype("<i8")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One month of the archive.

    Parameters
    ----------
    folder : Path
    begin_ns, step_ns : int
        Start of the first column, and how long a column is.
    columns : int
    unit_micro : int
        Micro-watt-hours (micro-var-hours) in 1: 10^6 is a watt-hour.
    width : str
        ``i4`` or ``i8``.
    meters : tuple of int
        Serial number of each row.
    quantities : tuple of str
        ``import``, ``export``, ``q1`` … ``q4``: a file each.
    """

    folder: Path
    begin_ns: int
    step_ns: int
    columns: int
    unit_micro: int
    width: str
    meters: tuple[int, ...]
    quantities: tuple[str, ...]

    def path(self, quantity: str) -> Path:
        """Return the file of a quantity."""
        return self.folder / f"{quantity}.{self.width}"

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Type of a value."""
        width: np.dtype[Any] = _WIDTHS[self.width]
        return width

    def rows(self, quantity: str, at_a_time: int, own: slice = slice(None)) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield rows, some at a time, in one buffer that is used again.

        Parameters
        ----------
        own : slice
            Which of all rows.

        Raises
        ------
        StoreError
            If the file is shorter than its header says.
        """
        buffer = np.empty((at_a_time, self.columns), self.dtype)
        with self.path(quantity).open("rb", buffering=0) as file:
            start, stop, _ = own.indices(len(self.meters))
            file.seek(start * self.columns * self.dtype.itemsize)
            for first in range(start, stop, at_a_time):
                count = min(at_a_time, stop - first)
                read = _read_into(file, buffer[:count].data.cast("B"))
                if read != count * self.columns * self.dtype.itemsize:
                    msg = f"{self.path(quantity)}: ends after {read} bytes of row {first}; its header says more"
                    raise StoreError(msg)
                yield slice(first, first + count), buffer[:count]

    def row(self, quantity: str, meter: int) -> NDArray[Any]:
        """Return the intervals of one meter."""
        place = self.meters.index(meter)
        with self.path(quantity).open("rb") as file:
            file.seek(place * self.columns * self.dtype.itemsize)
            return np.frombuffer(file.read(self.columns * self.dtype.itemsize), self.dtype)


def _read_into(file: Any, view: memoryview) -> int:
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])
        if not count:
            break
        done += count
    return done


def create_block(
    archive: Path,
    month: date,
    meters: tuple[int, ...],
    quantities: tuple[str, ...],
    *,
    step_s: int = 900,
    unit_micro: int = 10**6,
    width: str = "i4",
) -> Block:
    """Make a block in which nothing has been read yet."""
    begin = datetime(month.year, month.month, 1, tzinfo=UTC)
    end = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    block = Block(
        folder=archive / f"{month:%Y-%m}",
        begin_ns=int(begin.timestamp()) * 10**9,
        step_ns=step_s * 10**9,
        columns=int((end - begin).total_seconds()) // step_s,
        unit_micro=unit_micro,
        width=width,
        meters=meters,
        quantities=quantities,
    )
    block.folder.mkdir(parents=True, exist_ok=True)
    blank = np.full(block.columns, NOT_READ, block.dtype).tobytes()
    for quantity in quantities:
        with block.path(quantity).open("wb") as file:
            for _ in meters:
                file.write(blank)
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "begin": begin.isoformat().replace("+00:00", "Z"),
        "step_s": step_s,
        "columns": block.columns,
        "unit_micro": unit_micro,
        "width": width,
        "quantities": list(quantities),
        "meters": list(meters),
    }
    (block.folder / _HEADER).write_text(json.dumps(header) + "\n", "utf-8")
    return block


def write_rows(block: Block, quantity: str, first_row: int, values: NDArray[Any]) -> None:
    """Write whole rows from one on."""
    with block.path(quantity).open("r+b") as file:
        file.seek(first_row * block.columns * block.dtype.itemsize)
        file.write(np.ascontiguousarray(values, block.dtype).tobytes())


def write_interval(block: Block, quantity: str, column: int, values: NDArray[Any]) -> None:
    """Write one interval of all meters, as it arrives."""
    if not 0 <= column < block.columns:
        msg = f"{block.folder}: column {column} is not among its {block.columns}"
        raise StoreError(msg)
    shape = (len(block.meters), block.columns)
    table = np.memmap(block.path(quantity), dtype=block.dtype, mode="r+", shape=shape)
    table[:, column] = values
    table.flush()


def read_blocks(archive: Path) -> list[Block]:
    """Return the blocks of an archive in the order of their months.

    Raises
    ------
    StoreError
        If a header is none, or a file is not as long as it says.
    """
    blocks = [_block(path) for path in sorted(archive.glob(f"*/{_HEADER}"))]
    if not blocks:
        msg = f"{archive}: no block of an archive; name the directory that holds folders such as 2026-01"
        raise StoreError(msg)
    return blocks


def _block(path: Path) -> Block:
    try:
        header = json.loads(path.read_text("utf-8"))
        if (header["format"], header["version"]) != (_FORMAT, _VERSION):
            msg = f"{path}: version {header['version']} of {header['format']!r}; this program reads {_VERSION} of {_FORMAT!r}"
            raise StoreError(msg)
        block = Block(
            folder=path.parent,
            begin_ns=int(datetime.fromisoformat(header["begin"]).timestamp()) * 10**9,
            step_ns=int(header["step_s"]) * 10**9,
            columns=int(header["columns"]),
            unit_micro=int(header["unit_micro"]),
            width=header["width"],
            meters=tuple(header["meters"]),
            quantities=tuple(header["quantities"]),
        )
        size = len(block.meters) * block.columns * block.dtype.itemsize
    except (OSError, KeyError, TypeError, ValueError) as problem:
        msg = f"{path}: not the header of a block ({problem!r})"
        raise StoreError(msg) from None
    for quantity in block.quantities:
        file = block.path(quantity)
        found = file.stat().st_size if file.exists() else 0
        if found != size:
            msg = f"{file}: {found} bytes, and {size} would be whole"
            raise StoreError(msg)
    return block
