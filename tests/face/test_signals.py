"""The LEDs, and the oscilloscope's picture of a window."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from watthour.face import leds, trace
from watthour.units import PHASES
from watthour.view import Waves

make_view = runpy.run_path(str(Path(__file__).parents[1] / "station" / "views.py"))["make_view"]


def with_secondary(**micro):
    view = make_view()
    names = {f"secondary_{name}": amount for name, amount in micro.items()}
    zeros = {f"secondary_{name}": 0 for name in ("import_microwh", "export_microwh", *(f"q{n}_microvarh" for n in range(1, 5)))}
    return replace(view, exact={**view.exact, **zeros, **names})


def test_a_led_flashes_each_quarter_of_a_secondary_watt_hour_both_ways():
    lit = leds(with_secondary(import_microwh=499_999, export_microwh=250_001, q1_microvarh=250_000, q4_microvarh=249_999))
    assert (lit.kwh, lit.kvarh, lit.steady) == (3, 1, False)


def test_below_the_cut_off_the_leds_are_steady():
    view = with_secondary()
    assert leds(replace(view, values={**view.values, **{f"current_{p}_a": 0.0 for p in PHASES}})).steady
    assert not leds(view).steady


def test_a_bus_that_does_not_tell_secondary_energy_has_no_count():
    assert leds(make_view()).kwh is None


def waves(rate_hz=8000.0, frequency_hz=50.0, seconds=0.2, phase=1.234, live=(1, 1, 1)):
    angle = (
        phase + 2 * np.pi * frequency_hz * np.arange(round(rate_hz * seconds)) / rate_hz - 2 * np.pi / 3 * np.arange(3)[:, None]
    )
    return Waves(
        rate_hz=rate_hz, voltages_v=325.0 * np.sin(angle) * np.array(live)[:, None], currents_a=5.0 * np.sin(angle - 0.5)
    )


@pytest.mark.parametrize("phase", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
def test_a_trace_begins_where_the_voltage_rises_through_zero_wherever_the_window_began(phase):
    seen = trace(waves(phase=phase), 50.0)
    angle = 2 * np.pi * 50.0 * np.linspace(0.0, seen.duration_s, len(seen.voltages_v[0]))
    assert seen.duration_s == pytest.approx(0.04)
    assert np.abs(np.array(seen.voltages_v[0]) - 325.0 * np.sin(angle)).max() < 0.6  # straight lines between 8 kHz samples
    assert np.abs(np.array(seen.currents_a[0]) - 5.0 * np.sin(angle - 0.5)).max() < 0.01


def test_with_l1_out_the_trace_follows_l2():
    seen = trace(waves(live=(0, 1, 1)), 50.0)
    assert abs(seen.voltages_v[1][0]) < 0.6
    assert seen.voltages_v[1][3] > 0


def test_without_frequency_or_with_few_samples_the_window_is_shown_as_it_stands():
    assert trace(waves(live=(0, 0, 0)), None).duration_s == pytest.approx(0.04)
    assert trace(waves(seconds=0.01), 50.0).duration_s == pytest.approx(0.01, rel=0.02)
