"""Interleaved samples made planar, as they come in COMTRADE rows, sound files and raw streams.

In: a table with one row for each instant. Out: the wanted columns, each contiguous, of the machine's byte order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STREAM_TYPES: Mapping[str, str] = {"int16": "<i2", "int32": "<i4", "float32": "<f4"}
"""What a raw stream may hold, and how its bytes lie: little endian."""


def planar(rows: NDArray[np.generic], columns: Sequence[int]) -> NDArray[np.generic]:
    """Return columns of interleaved rows as contiguous rows of a new array.

    Parameters
    ----------
    rows : ndarray, shape (n, m)
    columns : sequence of int
        Which, from 0.

    Returns
    -------
    ndarray, shape (len(columns), n)
    """
    gathered = np.empty((len(columns), len(rows)), dtype=rows.dtype.newbyteorder("="))
    for terminal, column in enumerate(columns):
        gathered[terminal] = rows[:, column]
    return gathered


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleave:
    """How the bytes of a raw stream are read.

    Parameters
    ----------
    format : str
        One of `STREAM_TYPES`.
    width : int
        Columns of a row.
    columns : six ints
        Where V1, V2, V3, I1, I2, I3 stand in it, from 0.
    """

    format: str
    width: int
    columns: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a number as it lies in the stream."""
        return np.dtype(STREAM_TYPES[self.format])

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.width * self.dtype.itemsize

    def samples(self, content: memoryview) -> NDArray[np.generic]:
        """Return the samples of whole rows, shape (6, n), in an array of their own."""
        return planar(np.frombuffer(content, self.dtype).reshape(-1, self.width), self.columns)
