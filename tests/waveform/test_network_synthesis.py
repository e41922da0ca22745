"""Samples of a simulated installation against what its loads are defined to draw."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.units import Ratio
from watthour.waveform.network import Network, NetworkSource

ONE = Ratio.parse("1/1")
ROUNDING = 1e-12
"""Relative; a sum of thousands of float64 products stays below it."""


def seconds(description, count=1, *, first=0, ct=ONE, vt=ONE):
    """Return voltages and currents of so many seconds from second `first` on."""
    blocks = NetworkSource(Network.model_validate(description), name="a", identity="0", ct=ct, vt=vt)
    rate_hz = int(blocks.rate_hz)
    made = [block for block, _ in zip(blocks.blocks(first * rate_hz), range(count), strict=False)]
    return tuple(np.concatenate([getattr(block, side) for block in made], axis=1) for side in ("voltages", "currents"))


def supply(**keys):
    return {"voltages_v": [231.0, 229.0, 230.5], **keys}


def load(**keys):
    return {"name": "Load", "kind": "constant", "phases": ["L1", "L2", "L3"], "power_w": 9000, **keys}


def phasor(samples, cycles):
    """Return the rms phasor of a record's component with so many cycles; angle 0 crosses zero rising."""
    turns = np.exp(-2j * math.pi * cycles * np.arange(samples.shape[-1]) / samples.shape[-1])
    return math.sqrt(2) * 1j * (samples * turns).mean(axis=-1)


def rms(samples):
    return np.sqrt((samples**2).mean(axis=-1))


def test_voltages_have_their_rms_and_follow_each_other_in_sequence():
    voltages, _ = seconds({"supply": supply()})
    assert rms(voltages) == pytest.approx([231.0, 229.0, 230.5], rel=ROUNDING)
    assert np.angle(phasor(voltages, 50), deg=True) == pytest.approx([0, -120, 120], abs=1e-9)


def test_the_other_sequence_turns_the_other_way():
    voltages, _ = seconds({"supply": supply(sequence="L1-L3-L2")})
    assert np.angle(phasor(voltages, 50), deg=True) == pytest.approx([0, 120, -120], abs=1e-9)


def test_the_first_sample_is_where_l1_crosses_zero_rising():
    voltages, _ = seconds({"supply": supply()})
    assert voltages[0, 0] == 0 < voltages[0, 1]


@settings(deadline=None)
@given(
    power_w=st.floats(-1e6, 1e6).filter(lambda power: abs(power) > 1),
    cos_phi=st.floats(0.05, 1),
    side=st.sampled_from(["ind", "cap"]),
    phase=st.integers(0, 2),
)
def test_a_single_phase_load_draws_its_active_and_reactive_power_and_nothing_elsewhere(power_w, cos_phi, side, phase):
    one = load(phases=[f"L{phase + 1}"], power_w=power_w, cos_phi=f"{cos_phi:.6f} {side}")
    voltages, currents = seconds({"supply": supply(), "load": [one], "sampling": {"rate_hz": 800}})
    value = float(f"{cos_phi:.6f}")
    reactive_var = abs(power_w) * math.tan(math.acos(value)) * (1 if side == "ind" else -1)
    complex_va = phasor(voltages, 50) * phasor(currents, 50).conj()
    limit = 1e-9 * abs(power_w) / value
    assert (voltages * currents).mean(axis=1)[phase] == pytest.approx(power_w, abs=limit)
    assert complex_va[phase] == pytest.approx(complex(power_w, reactive_var), abs=limit)
    assert not np.delete(currents, phase, axis=0).any()


def test_a_three_phase_load_shares_its_power_evenly_though_its_voltages_differ():
    voltages, currents = seconds({"supply": supply(), "load": [load(cos_phi="0.85 ind")]})
    complex_va = phasor(voltages, 50) * phasor(currents, 50).conj()
    reactive_var = 3000 * math.tan(math.acos(0.85))
    assert complex_va == pytest.approx([complex(3000, reactive_var)] * 3, rel=ROUNDING)
    assert (voltages * currents).mean(axis=1).sum() == pytest.approx(9000, rel=ROUNDING)


def test_harmonics_add_the_power_of_each_order_and_nothing_else():
    """P_h = U_h I_h cos(psi_u - psi_i + h phi): the current's shape lags with its fundamental by phi."""
    voltage_rows = [{"order": 5, "percent": 10, "angle_deg": 20}, {"order": 7, "percent": 4}]
    current_rows = [{"order": 5, "percent": 40, "angle_deg": -35}, {"order": 11, "percent": 9}]
    voltages, currents = seconds(
        {"supply": supply(harmonics=voltage_rows), "load": [load(cos_phi="0.8 ind", harmonics=current_rows)]}
    )
    fundamental_v = np.array([231.0, 229.0, 230.5])
    fundamental_a = 3000 / 0.8 / fundamental_v
    angle_rad = math.radians(20 + 35) + 5 * math.acos(0.8)
    truth_w = 3000 + 0.10 * fundamental_v * 0.40 * fundamental_a * math.cos(angle_rad)
    assert (voltages * currents).mean(axis=1) == pytest.approx(truth_w, rel=ROUNDING)
    assert rms(voltages) == pytest.approx(fundamental_v * math.sqrt(1 + 0.10**2 + 0.04**2), rel=ROUNDING)
    assert rms(currents) == pytest.approx(fundamental_a * math.sqrt(1 + 0.40**2 + 0.09**2), rel=ROUNDING)
    assert abs(phasor(currents, 5 * 50)) == pytest.approx(0.40 * fundamental_a, rel=ROUNDING)
    assert np.abs(phasor(currents, 7 * 50)).max() < 1e-12


def test_a_harmonic_of_angle_0_crosses_zero_with_its_fundamental_on_every_phase():
    """At a rate of 6 samples a third of a cycle, the phases' zero crossings fall on samples."""
    row = {"order": 5, "percent": 10}
    voltages, _ = seconds({"supply": {"voltages_v": 230, "harmonics": [row]}, "sampling": {"rate_hz": 900}})
    for phase, crossing in enumerate([0, 6, 12]):
        theta = 2 * math.pi * (np.arange(900) - crossing) / 18
        assert voltages[phase] == pytest.approx(230 * math.sqrt(2) * (np.sin(theta) + 0.1 * np.sin(5 * theta)), abs=1e-9)


def test_balanced_loads_leave_the_neutral_without_current_but_for_the_third_harmonic():
    rows = [{"order": 3, "percent": 20}, {"order": 5, "percent": 30}]
    _, currents = seconds({"supply": {"voltages_v": 230}, "load": [load(cos_phi="0.9 cap", harmonics=rows)]})
    neutral_a = currents.sum(axis=0)
    third_a = 0.20 * 3000 / 0.9 / 230
    assert rms(neutral_a) == pytest.approx(3 * third_a, rel=1e-10)
    assert abs(phasor(neutral_a, 3 * 50)) == pytest.approx(3 * third_a, rel=1e-10)


def test_the_whole_draws_the_sum_of_its_parts():
    loads = [
        load(cos_phi="0.8 ind", harmonics=[{"order": 5, "percent": 30}]),
        load(phases=["L2"], power_w=700, reactive_var=-200),
        load(phases=["L1", "L3"], power_w=[-4000, 100]),
    ]
    _, whole = seconds({"supply": supply(), "load": loads})
    parts = [seconds({"supply": supply(), "load": [one]})[1] for one in loads]
    assert whole == pytest.approx(sum(parts), abs=1e-10)


def test_exported_power_is_negative():
    voltages, currents = seconds({"supply": supply(), "load": [load(phases=["L1"], power_w=-4600, reactive_var=500)]})
    assert (voltages * currents).mean(axis=1) == pytest.approx([-4600, 0, 0], rel=ROUNDING)
    assert (phasor(voltages, 50) * phasor(currents, 50).conj())[0] == pytest.approx(-4600 + 500j, rel=ROUNDING)


def test_the_terminals_see_the_installation_divided_by_its_transformers():
    description = {"supply": {"voltages_v": 76210.2}, "load": [load(power_w=9e6)]}
    voltages, currents = seconds(description)
    vt, ct = Ratio.parse("132000/110"), Ratio.parse("200/5")
    secondary_voltages, secondary_currents = seconds(description, vt=vt, ct=ct)
    assert secondary_voltages * 1200 == pytest.approx(voltages, abs=1e-9)
    assert secondary_currents * 40 == pytest.approx(currents, abs=1e-9)


def test_an_odd_frequency_completes_its_whole_cycles():
    """50.02 Hz makes 2501 cycles in 50 s; over them active power has no ripple left."""
    description = {
        "supply": supply(frequency_hz=50.02, harmonics=[{"order": 5, "percent": 3}]),
        "load": [load(phases=["L1"], power_w=1000, cos_phi="0.5 ind", harmonics=[{"order": 3, "percent": 50}])],
    }
    voltages, currents = seconds(description, 50)
    assert abs(phasor(voltages, 2501)) == pytest.approx([231.0, 229.0, 230.5], rel=ROUNDING)
    assert (voltages * currents).mean(axis=1)[0] == pytest.approx(1000, rel=ROUNDING)


@pytest.mark.parametrize("second", [0, 1, 86_400, 10 * 365 * 86_400 + 7, 10**12])
@pytest.mark.parametrize(("frequency_hz", "decimal"), [(50.02, "50.02"), (49.987654321, "49.987654321"), (60.0, "60")])
def test_every_sample_is_the_closed_form_at_its_index_years_later_too(second, frequency_hz, decimal):
    rate_hz = 8000
    row = {"order": 7, "percent": 10, "angle_deg": 30}
    description = {"supply": {"voltages_v": 230, "frequency_hz": frequency_hz, "harmonics": [row]}}
    samples = seconds(description, first=second)[0][1]
    for offset in (0, 1, 4321, 7999):
        cycles = Fraction(decimal) * (second * rate_hz + offset) / rate_hz - Fraction(1, 3)
        first, seventh = (2 * math.pi * float(order * cycles % 1) for order in (1, 7))
        truth_v = 230 * math.sqrt(2) * (math.sin(first) + 0.1 * math.sin(seventh + math.radians(30)))
        assert samples[offset] == pytest.approx(truth_v, abs=1e-10)
