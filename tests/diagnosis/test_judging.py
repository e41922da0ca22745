"""One window: what it tells, what it cannot, and that a right wiring is never called wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.diagnosis import Plate, diagnose
from watthour.waveform.network.wiring import (
    MisplacedCt,
    MissingCt,
    MissingVoltage,
    ReversedCt,
    RotatedVoltages,
    SwappedCts,
    SwappedVoltages,
)

PLATE = Plate(ct_primary_a=200)
NOTHING_EXPORTS = Plate(ct_primary_a=200, generates=False)
ALL = ("L1", "L2", "L3")
SIZES = [60, 80, 70]
angles = st.floats(-36.8, 59.9)
sizes = st.floats(0.05, 1.2)


def kinds(findings):
    return [(str(finding.kind), finding.phases) for finding in findings]


@given(st.tuples(angles, angles, angles), st.tuples(sizes, sizes, sizes))
def test_loads_of_any_balance_and_factor_are_never_called_wrong(bench, loads_deg, shares):
    voltages = bench.star() * [1.0, 0.97, 1.02]
    currents = bench.drawn(voltages, 200 * np.array(shares), loads_deg)
    assert diagnose(bench.values_of(voltages, currents), PLATE) == ()


@given(angles, st.floats(0.05, 0.5), st.floats(0.0, 3.0))
def test_a_plant_with_a_roof_is_not_called_wrong_at_any_hour(bench, load_deg, share, roof):
    voltages = bench.star()
    load = 200 * share * np.array([0.95, 1.0, 0.97])
    currents = bench.drawn(voltages, load, [load_deg] * 3) - bench.drawn(voltages, [200 * share * roof] * 3, [0] * 3)
    assert diagnose(bench.values_of(voltages, currents), PLATE) == ()


FAULTS = {
    "ct_reversed": (ReversedCt(kind="ct_reversed", phases=["L2"]), ("L2",)),
    "cts_swapped": (SwappedCts(kind="cts_swapped", phases=["L1", "L3"]), ("L1", "L3")),
    "ct_on_wrong_phase": (MisplacedCt(kind="ct_on_wrong_phase", phase="L3", around="L1"), ("L3", "L1")),
    "ct_missing": (MissingCt(kind="ct_missing", phases=["L1"]), ("L1",)),
    "voltages_swapped": (SwappedVoltages(kind="voltages_swapped", phases=["L2", "L3"]), ("L2", "L3")),
    "voltage_missing": (MissingVoltage(kind="voltage_missing", phases=["L1"]), ("L1",)),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_of_a_common_load_is_named_with_its_place(bench, kind):
    fault, place = FAULTS[kind]
    voltages = bench.star()
    findings = diagnose(bench.wired(fault, voltages, bench.drawn(voltages, SIZES, [26, 26, 26])), PLATE)
    assert kinds(findings) == [(kind, place)]
    assert 0.6 <= findings[0].confidence <= 1.0
    assert any(figure.isdigit() for figure in findings[0].evidence)


SYSTEMATIC = {
    "ct_reversed": ReversedCt(kind="ct_reversed", phases=list(ALL)),
    "voltages_rotated": RotatedVoltages(kind="voltages_rotated", by=1),
}


@pytest.mark.parametrize("kind", SYSTEMATIC)
@pytest.mark.parametrize("load_deg", [0, 26, 37])
def test_what_turns_all_currents_alike_is_named_in_one_reading_where_nothing_exports(bench, kind, load_deg):
    voltages = bench.star()
    values = bench.wired(SYSTEMATIC[kind], voltages, bench.drawn(voltages, SIZES, [load_deg] * 3))
    (finding,) = diagnose(values, NOTHING_EXPORTS)
    assert kinds([finding]) == [(kind, ALL)]
    rival = "rotated" if kind == "ct_reversed" else "all three reversed"
    assert rival in finding.evidence
    assert "export" not in finding.evidence
    assert diagnose(values, PLATE) == ()  # a roof does the same at some hour of the day


@pytest.mark.parametrize("phases", [["L1"], ["L2", "L3"]])
def test_a_reversed_ct_is_sure_where_nothing_exports(bench, phases):
    voltages = bench.star()
    values = bench.wired(ReversedCt(kind="ct_reversed", phases=phases), voltages, bench.drawn(voltages, SIZES, [26, 26, 26]))
    (finding,) = diagnose(values, NOTHING_EXPORTS)
    assert kinds([finding]) == [("ct_reversed", tuple(phases))]
    assert finding.confidence > 0.9
    assert "or exporting" not in finding.evidence


@given(st.tuples(angles, angles, angles), st.tuples(sizes, sizes, sizes))
def test_loads_are_not_called_wrong_where_nothing_exports(bench, loads_deg, shares):
    voltages = bench.star()
    currents = bench.drawn(voltages, 200 * np.array(shares), loads_deg)
    assert diagnose(bench.values_of(voltages, currents), NOTHING_EXPORTS) == ()


def test_what_export_may_be_too_is_said_so_and_never_sure(bench):
    voltages = bench.star()
    currents = bench.drawn(voltages, SIZES, [180 + 26, 26, 26])
    (finding,) = diagnose(bench.values_of(voltages, currents), PLATE)
    assert finding.confidence <= 0.7
    assert "exporting" in finding.evidence
    assert "-154°, 26°, 26°" in finding.evidence


def test_two_cts_swapped_at_60_degrees_are_said_to_be_two_others_where_all_export(bench):
    voltages = bench.star()
    currents = bench.drawn(voltages, SIZES, [60, 60, 60])
    (finding,) = diagnose(bench.wired(SwappedCts(kind="cts_swapped", phases=["L1", "L2"]), voltages, currents), PLATE)
    assert kinds([finding]) == [("cts_swapped", ("L1", "L2"))]
    assert "where all phases export" in finding.evidence


def test_a_meter_that_shows_no_angles_is_judged_by_its_powers(bench):
    voltages = bench.star()
    shown = {}
    for place, (size, angle) in enumerate(zip(SIZES, [146.0, -94.0, 26.0], strict=True), 1):
        power = 230 * size * np.exp(1j * np.radians(angle))
        shown |= {f"voltage_l{place}_v": 230.0, f"current_l{place}_a": float(size)}
        shown |= {f"power_l{place}_w": power.real, f"reactive_l{place}_var": power.imag}
    by_angles = diagnose(bench.values_of(voltages, bench.drawn(voltages, SIZES, [146, -94, 26])), PLATE)
    assert kinds(diagnose(shown, PLATE)) == kinds(by_angles) == [("cts_swapped", ("L1", "L2"))]


def test_a_supply_that_turns_backwards_is_told_of_and_nothing_else(bench):
    voltages = bench.star(backwards=True)
    findings = diagnose(bench.values_of(voltages, bench.drawn(voltages, SIZES, [26, 10, 30])), PLATE)
    assert kinds(findings) == [("sequence_reversed", ALL)]
    assert "energies are right" in findings[0].evidence


@pytest.mark.parametrize(("share", "told"), [(0.009, 0), (0.011, 1)])
def test_angles_of_small_currents_tell_nothing(bench, share, told):
    voltages = bench.star()
    currents = bench.drawn(voltages, [200 * share] * 3, [26, 146, -94])
    assert len(diagnose(bench.values_of(voltages, currents), PLATE)) == told


@pytest.mark.parametrize(("others", "told"), [([9.9, 9.9], 0), ([10.1, 10.1], 1), ([20, 31], 0), ([20, 29], 1)])
def test_a_current_is_missed_beside_two_that_are_large_and_alike(bench, others, told):
    voltages = bench.star()
    currents = bench.drawn(voltages, [0, *others], [0, 20, 20])
    assert kinds(diagnose(bench.values_of(voltages, currents), PLATE)) == [("ct_missing", ("L1",))] * told


@pytest.mark.parametrize(("current_a", "told"), [(249, 0), (251, 1)])
def test_a_current_that_the_cts_are_not_made_for_makes_their_ratio_implausible(bench, current_a, told):
    voltages = bench.star()
    findings = diagnose(bench.values_of(voltages, bench.drawn(voltages, [current_a, 100, 100], [20, 20, 20])), PLATE)
    assert kinds(findings) == [("ct_ratio_implausible", ("L1",))] * told


@pytest.mark.parametrize(("current_a", "sure"), [(50.0, True), (0.0, False)])
def test_a_voltage_is_surely_missing_where_current_flows_in_its_phase(bench, current_a, sure):
    voltages = bench.star()
    currents = bench.drawn(voltages, [60, current_a, 60], [20, 20, 20])
    (finding,) = diagnose(bench.values_of(voltages * [1, 0, 1], currents), PLATE)
    assert (finding.kind, finding.phases, finding.confidence > 0.9) == ("voltage_missing", ("L2",), sure)


def test_nothing_is_told_without_voltage_or_before_there_are_values():
    assert diagnose({}, PLATE) == ()
