"""Noise that can be made again at any position, from a seed and the number of the second.

In: seed, second, sizes. Out: white Gaussian noise for six channels. Each second has a key of its own in a
counter-based generator, so no second depends on another having been made.
"""

import numpy as np
from numpy.typing import NDArray

CHANNELS = 6


def noise_of(seed: int, second: int, samples: int, *, stream: int = 0) -> NDArray[np.float64]:
    """Return one second of noise of rms 1.

    Parameters
    ----------
    seed : int
        Of the installation, 0 to 2^64 - 1.
    second : int
        From the start of the source.
    samples : int
        In that second; another number gives other noise.
    stream : int
        Of one seed: 0 is the installation's noise, 1 that of a converter; none says anything of another.

    Returns
    -------
    ndarray, shape (6, samples)

    Notes
    -----
    Philox-4x64-10 with the key (seed, second), the stream in the counter's highest word: J. K. Salmon et al., "Parallel random numbers: as easy as
    1, 2, 3", SC11, DOI 10.1145/2063384.2063405.
    """
    key = np.array([seed, second], dtype=np.uint64)
    counter = np.array([0, 0, 0, stream], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter)).standard_normal((CHANNELS, samples))
