"""How the sample loops are compiled: by numba, at first use, cached on disk, without holding the GIL.

Two kinds: a `kernel` computes as written; a `sum_kernel` may add its terms in another order, which lets it
use the processor's vector units. The order depends on the number of samples alone, so the same window gives
the same bits wherever its samples lie.

Neither makes an array: it fills those that it is given, which their owner keeps for as long as the call lasts. So
nothing in it is counted as in use, which had taken a sixth of a window's time.

The cache on disk belongs to one state of the sources: machine code of a kernel is made anew when its own file
changes, when a kernel or number that it takes from another file does, and when it is compiled otherwise.
"""

import hashlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")

_HOW: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
"""Options of numba; `_nrt`, a switch of its own: whether arrays may be made, and are counted as in use."""

_ANY_ORDER = ("reassoc", "nsz", "contract")
"""What LLVM may do with a sum: add in another order, take -0 for 0, multiply and add at once."""


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return `function` compiled at its first call."""
    return cast("Callable[_P, _R]", _cached(numba.njit(**_HOW)(function)))


def sum_kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return `function` compiled at its first call, its sums in an order that suits vector units."""
    return cast("Callable[_P, _R]", _cached(numba.njit(**_HOW, fastmath=set(_ANY_ORDER))(function)))


def _cached(compiled: Any) -> Any:
    """Return a compiled function whose cache also knows how it was compiled, and what it takes from other files.

    numba stamps a cache with the one file that the function stands in, and would go on using machine code that
    holds kernels and constants of another file as they were before (numba 0.68, "Caching limitations"), or that was
    made with other options.
    """
    if not hasattr(compiled, "py_func"):  # NUMBA_DISABLE_JIT gives the function back as it is
        return compiled
    function = compiled.py_func
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    stamps = [_cache_file(value)._source_stamp for value in named if hasattr(value, "py_func")]  # noqa: SLF001
    numbers = [repr(value) for value in named if isinstance(value, int | float)]
    own = _cache_file(compiled)
    stamp = repr([own._source_stamp, stamps, numbers, _HOW, _ANY_ORDER])  # noqa: SLF001
    own._source_stamp = hashlib.sha256(stamp.encode()).hexdigest()  # noqa: SLF001
    return compiled


def _cache_file(compiled: Any) -> Any:
    return compiled._cache._cache_file  # noqa: SLF001
