"""Every fault of the simulated installation has its row, and undone by it each current is back at its own angle."""

from itertools import permutations

import numpy as np
import pytest

from watthour.diagnosis.plausibility import angles_under
from watthour.diagnosis.wirings import wirings
from watthour.waveform.network.wiring import MisplacedCt, ReversedCt, RotatedVoltages, SwappedCts, SwappedVoltages

PAIRS = [("L1", "L2"), ("L1", "L3"), ("L2", "L3")]
ALL = ("L1", "L2", "L3")
FAULTS = [
    *(ReversedCt(kind="ct_reversed", phases=phases) for phases in ([p] for p in ALL)),
    *(ReversedCt(kind="ct_reversed", phases=phases) for phases in (*PAIRS, ALL)),
    *(SwappedCts(kind="cts_swapped", phases=phases) for phases in PAIRS),
    *(SwappedVoltages(kind="voltages_swapped", phases=phases) for phases in PAIRS),
    *(MisplacedCt(kind="ct_on_wrong_phase", phase=one, around=other) for one, other in permutations(ALL, 2)),
]
ANGLES = np.array([10.0, 25.0, -15.0])


def row_of(table, fault):
    return next(place for place, row in enumerate(table.wirings) if row.faults == (fault,))


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_undone_by_its_row(bench, fault):
    voltages = bench.star()
    currents = bench.drawn(voltages, [10, 20, 30], ANGLES)
    seen_v, seen_a = fault.voltage_turn() @ voltages, fault.current_turn() @ currents
    table = wirings(backwards=fault.kind == "voltages_swapped")
    phases = (fault.phase, fault.around) if fault.kind == "ct_on_wrong_phase" else tuple(fault.phases)
    undone = angles_under(table, seen_v, seen_a)[row_of(table, (fault.kind, phases))]
    assert undone == pytest.approx(fault.current_turn().__abs__() @ ANGLES)


@pytest.mark.parametrize("by", [1, 2])
def test_rotated_voltages_are_undone_by_their_own_row(bench, by):
    fault = RotatedVoltages(kind="voltages_rotated", by=by)
    voltages = bench.star()
    currents = bench.drawn(voltages, [10, 20, 30], ANGLES)
    table = wirings(backwards=False)
    rows = [place for place, row in enumerate(table.wirings) if row.faults == (("voltages_rotated", ALL),)]
    undone = angles_under(table, fault.voltage_turn() @ voltages, currents)[rows]
    assert sorted(np.allclose(row, ANGLES) for row in undone) == [False, True]


@pytest.mark.parametrize("backwards", [False, True])
def test_each_wiring_stands_there_once_and_the_right_one_first(backwards):
    table = wirings(backwards=backwards)
    assert len({(row.partners, row.signs, row.misplaced) for row in table.wirings}) == len(table.wirings) == 12 * 8
    assert not table.wrong[0]
    assert table.wrong[1:].all()
    assert [kind for kind, _ in table.wirings[0].faults] == ["sequence_reversed"] * backwards


def test_more_faults_cost_more():
    table = wirings(backwards=False)
    for row in table.wirings:
        parts = [kind for kind, _ in row.faults]
        assert row.cost >= 3.0 * len(parts)
