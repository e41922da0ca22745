"""The one loop over all rows of an hour: weighted sums of spectra, compiled.

In: factors and spectra. Out: rows. It is written out and not handed to a matrix product, because that may split
its sums otherwise from machine to machine and from call to call, and takes several cores where one is asked for.
"""

import numba
import numpy as np
from numpy.typing import NDArray

_STRIP = 120
"""Rows taken together: their factors stay in the nearest cache."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def sum_rows(
    factors: NDArray[np.float64], spectra: NDArray[np.float64], channels: NDArray[np.int64], rows: NDArray[np.float64]
) -> None:
    """Fill rows with the sums, over all draws of each channel, of factor times spectrum.

    Parameters
    ----------
    factors : ndarray, shape (draws, n)
    spectra : ndarray, shape (draws, numbers)
        Real and imaginary parts side by side.
    channels : ndarray, shape (draws,)
        Which of the three each belongs to.
    rows : ndarray, shape (n, 3, numbers)
        Written.
    """
    count = factors.shape[1]
    strip = np.empty(_STRIP)
    for first in range(0, count, _STRIP):
        length = min(_STRIP, count - first)
        for channel in range(3):
            for number in range(spectra.shape[1]):
                strip[:length] = 0.0
                for draw in range(len(channels)):
                    part = spectra[draw, number]
                    if channels[draw] == channel and part != 0.0:
                        for k in range(length):
                            strip[k] += factors[draw, first + k] * part
                for k in range(length):
                    rows[first + k, channel, number] = strip[k]
