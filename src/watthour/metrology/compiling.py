"""How the sample loops are compiled: by numba, at first use, cached on disk, without holding the GIL.

Two kinds: a `kernel` computes as written; a `sum_kernel` may add its terms in another order, which lets it
use the processor's vector units. The order depends on the number of samples alone, so the same window gives
the same bits wherever its samples lie.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return `function` compiled at its first call."""
    return cast("Callable[_P, _R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def sum_kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return `function` compiled at its first call, its sums in an order that suits vector units."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})(function)
    return cast("Callable[_P, _R]", compiled)
