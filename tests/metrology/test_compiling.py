"""Machine code kept on disk is that of the sources as they are."""

import math
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import numpy as np
import pytest
from numba.core.errors import NumbaError

from watthour.metrology import compiling

INNER = """
from watthour.metrology.compiling import kernel
LIMIT = {limit}

@kernel
def inner(x):
    return {formula}
"""
MIDDLE = """
from watthour.metrology.compiling import kernel

@kernel
def middle(x):
    return inner(x) + LIMIT
"""
OUTER = """
from watthour.metrology.compiling import kernel

@kernel
def outer(x):
    return middle(x) * 10
"""


def load(folder, name: str, source: str, **known) -> ModuleType:
    """Return a module written to a file and run from there, with `known` names imported."""
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    vars(module).update(known)
    spec.loader.exec_module(module)
    return module


def outer(folder, *, formula: str = "x + 1", limit: int = 0):
    inner = load(folder, "inner", INNER.format(formula=formula, limit=limit))
    middle = load(folder, "middle", MIDDLE, inner=inner.inner, LIMIT=inner.LIMIT)
    return load(folder, "outer", OUTER, middle=middle.middle).outer


def test_a_kernel_is_made_anew_when_one_that_it_calls_has_changed(tmp_path):
    assert outer(tmp_path)(1) == 20
    assert outer(tmp_path, formula="x + 2")(1) == 30


def test_a_kernel_is_made_anew_when_a_number_that_it_takes_has_changed(tmp_path):
    assert outer(tmp_path)(1) == 20
    assert outer(tmp_path, limit=5)(1) == 70


def test_a_kernel_is_loaded_when_nothing_has_changed(tmp_path):
    assert outer(tmp_path)(1) == 20
    again = outer(tmp_path)
    assert again(1) == 20
    assert sum(again.stats.cache_hits.values()) == 1


def test_a_kernel_is_made_anew_when_it_is_compiled_otherwise(tmp_path, monkeypatch):
    source = OUTER.replace("middle(x) * 10", "10 / x")
    assert load(tmp_path, "outer", source).outer(0) == math.inf
    monkeypatch.setitem(compiling._HOW, "error_model", "python")
    with pytest.raises(ZeroDivisionError):
        load(tmp_path, "outer", source).outer(0)


def test_a_kernel_that_makes_an_array_is_refused():
    with pytest.raises(NumbaError, match="Only accept returning of array"):
        compiling.kernel(lambda count: np.zeros(count).sum())(3)


def test_kernels_without_a_compiler_are_plain_functions():
    def plain(x):
        return x

    assert compiling._cached(plain) is plain


@pytest.mark.parametrize("kind", ["int16", "int32", "float32", "float64"])
def test_kernels_hold_no_lock_while_they_run(kind):
    from watthour.metrology.sums import product_sums  # noqa: PLC0415

    assert product_sums(np.ones(3, kind), np.ones(3, kind))[0] == 3.0
    assert product_sums.targetoptions["nogil"]
