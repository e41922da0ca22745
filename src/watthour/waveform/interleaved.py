"""Interleaved samples made planar, as they come in COMTRADE rows, sound files and raw streams.

In: a table with one row for each instant. Out: the wanted columns, each contiguous, of the machine's byte order.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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
