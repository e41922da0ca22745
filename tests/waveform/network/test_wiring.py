"""Each mistake of an installer, sample by sample against right wiring."""

import numpy as np
import pytest

LOADS = [
    {"name": "Load", "kind": "constant", "phases": ["L1", "L2", "L3"], "power_w": [900, 2000, 3300], "cos_phi": "0.9 ind"},
    {"name": "Oven", "kind": "heater", "phases": ["L2"], "power_w": 1000, "pattern_cycles": 10},
]

FAULTS = {
    "ct_reversed": ({"phases": ["L1", "L3"]}, ("1", "2", "3", "-1", "2", "-3")),
    "cts_swapped": ({"phases": ["L1", "L3"]}, ("1", "2", "3", "3", "2", "1")),
    "ct_on_wrong_phase": ({"phase": "L1", "around": "L2"}, ("1", "2", "3", "2", "2", "3")),
    "ct_missing": ({"phases": ["L2"]}, ("1", "2", "3", "1", "0", "3")),
    "voltages_swapped": ({"phases": ["L2", "L3"]}, ("1", "3", "2", "1", "2", "3")),
    "voltages_rotated": ({}, ("2", "3", "1", "1", "2", "3")),
    "voltage_missing": ({"phases": ["L1"]}, ("0", "2", "3", "1", "2", "3")),
}


def pick(channels, name):
    sign = -1 if name.startswith("-") else 1
    place = abs(int(name))
    return sign * channels[place - 1] if place else np.zeros_like(channels[0])


def both(plant, wiring, first=0):
    right = plant.sampled(plant.described(load=LOADS), first=first)
    wrong = plant.sampled(plant.described(load=LOADS, wiring=wiring), first=first)
    return right, wrong


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_connects_the_terminals_as_it_says(plant, kind):
    keys, seen = FAULTS[kind]
    (voltages, currents), (seen_v, seen_a) = both(plant, [{"kind": kind, **keys}])
    for terminal in range(3):
        assert seen_v[terminal] == pytest.approx(pick(voltages, seen[terminal]), abs=1e-10)
        assert seen_a[terminal] == pytest.approx(pick(currents, seen[3 + terminal]), abs=1e-10)


def test_voltages_rotated_by_two_are_those_rotated_twice(plant):
    _, by_two = both(plant, [{"kind": "voltages_rotated", "by": 2}])
    _, twice = both(plant, [{"kind": "voltages_rotated"}, {"kind": "voltages_rotated"}])
    assert by_two[0] == pytest.approx(twice[0], abs=1e-10)


def test_a_ct_of_half_the_ratio_doubles_the_current(plant):
    (_, currents), (_, seen) = both(
        plant, [{"kind": "ct_wrong_ratio", "installed": "100/5", "instead_of": "200/5", "phases": ["L2"]}]
    )
    assert seen == pytest.approx(currents * [[1], [2], [1]], abs=1e-10)


def test_faults_come_one_after_the_other_in_the_order_of_the_file(plant):
    faults = [{"kind": "cts_swapped", "phases": ["L1", "L2"]}, {"kind": "ct_reversed", "phases": ["L1"]}]
    (_, currents), (_, seen) = both(plant, faults)
    assert seen[:2] == pytest.approx(np.array([-currents[1], currents[0]]), abs=1e-10)


def test_a_fault_begins_and_ends_to_the_sample(plant):
    fault = {"kind": "ct_reversed", "phases": ["L1"], "at_s": 3.25, "duration_s": 0.5}
    (_, currents), (_, seen) = both(plant, [fault], first=3)
    sign = np.ones(4000)
    sign[1000:3000] = -1
    assert seen[0] == pytest.approx(currents[0] * sign, abs=1e-10)


def test_rows_see_the_same_fault(plant):
    fault = {"kind": "ct_reversed", "phases": ["L1"], "at_s": 3.25, "duration_s": 10}
    powers = plant.powers(plant.rows(plant.described(load=LOADS[:1], wiring=[fault])))[:, 0].real
    assert powers[[2, 3, 4, 12, 13, 14]] == pytest.approx([900, -450, -900, -900, 450, 900], rel=1e-10)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "ct_upside_down"},
        {"kind": "cts_swapped", "phases": ["L1"]},
        {"kind": "voltages_swapped", "phases": ["L1", "L2", "L3"]},
        {"kind": "ct_on_wrong_phase", "phase": "L1", "around": "L1"},
        {"kind": "ct_wrong_ratio", "installed": "100", "instead_of": "200/5"},
        {"kind": "ct_wrong_ratio", "installed": "100/5"},
        {"kind": "voltages_rotated", "by": 3},
        {"kind": "ct_reversed"},
    ],
)
def test_faults_that_cannot_be_are_refused(plant, fault):
    with pytest.raises(ValueError, match="wiring"):
        plant.described(wiring=[fault])
