"""The refusal of samples that are not numbers, with the place of the first.

In: six planar rows just read. Out: nothing, or one line naming file, row and channel.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from watthour.errors import SampleError
from watthour.waveform.track import Track


def require_finite(track: Track, first_row: int, samples: NDArray[np.floating[Any]]) -> None:
    """Refuse samples that are not numbers; costs two passes over numbers just read.

    Raises
    ------
    SampleError
        Naming file, row and channel of the first.
    """
    lowest = float(np.finfo(samples.dtype).min)  # C37.111-2013 fills what is missing with the largest negative number
    if samples.min() > lowest and samples.max() < float("inf"):
        return
    refuse_first(track, first_row, ~np.isfinite(samples) | (samples <= lowest), "not a number")


def refuse_first(track: Track, first_row: int, is_bad: NDArray[np.bool_], problem: str) -> None:
    """Refuse the earliest sample marked in a (6, n) mask.

    Raises
    ------
    SampleError
        Naming file, row and channel; always.
    """
    row, channel = (int(k) for k in np.argwhere(is_bad.T)[0])
    place = f"{track.place(first_row + row)}, {track.channels[channel]}"
    msg = f"{track.file}: {place}: {problem}: choose another channel or cut the recording there"
    raise SampleError(msg)
