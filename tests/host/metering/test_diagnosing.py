"""The diagnosis beside a meter: when it looks, and what it puts into a view."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from watthour.host.metering.diagnosing import Diagnosing
from watthour.units import NANOSECONDS
from watthour.view import FindingKind

ROOT = Path(__file__).parents[2]


@pytest.fixture
def swapped():
    """A view of a meter whose CTs of L1 and L2 are swapped."""
    installation = runpy.run_path(str(ROOT / "diagnosis" / "conftest.py"))
    voltages = installation["star"]()
    currents = installation["drawn"](voltages, [3, 4, 3.5], [26, 24, 28])
    values = installation["values_of"](voltages, currents[np.array([1, 0, 2])])
    return runpy.run_path(str(ROOT / "station" / "views.py"))["make_view"](values)


def test_it_looks_once_in_a_while(swapped):
    diagnosing = Diagnosing(5.0)
    assert diagnosing.is_due(0)
    diagnosing.look(swapped.values, swapped.parameters, swapped.time_ns)
    assert not diagnosing.is_due(5 * NANOSECONDS - 1)
    assert diagnosing.is_due(5 * NANOSECONDS)


def test_a_view_is_filled_with_what_stands_and_else_is_left_as_it_is(swapped):
    diagnosing = Diagnosing(5.0)
    for second in range(0, 15, 5):
        assert diagnosing.filled(swapped) is swapped
        diagnosing.look(swapped.values, swapped.parameters, second * NANOSECONDS)
    filled = diagnosing.filled(swapped)
    assert [finding.kind for finding in filled.diagnosis] == [FindingKind.CTS_SWAPPED]
    assert filled.values["wiring_findings"] == 2
    assert filled.exact is swapped.exact
