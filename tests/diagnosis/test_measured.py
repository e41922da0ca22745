"""Simulated installations through the real meter: every fault named where it can be, a right wiring never called wrong.

The whole grid is measured by ``tools/diagnosis.py`` into the documentation; here is a part of it, and the examples' days.
"""

from pathlib import Path

import pytest

from watthour.diagnosis import Course, Plate, follow
from watthour.host.networks import read_network
from watthour.meter import Meter, first_state
from watthour.units import NANOSECONDS, Ratio
from watthour.waveform.network import PhasorSource

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
JUNE_NS = 1_781_654_400 * NANOSECONDS
"""2026-06-17T00:00:00Z: long days, so that roofs export."""


def day_of(name, ct, vt="1/1", *, start_ns=None, hours=24, every_s=60):
    """What stood after each look at an example's day, with the second since its start."""
    network = read_network(EXAMPLES / f"{name}.network.toml").network
    ratio = Ratio.parse(ct)
    source = PhasorSource(network, ct=ratio, vt=Ratio.parse(vt), name=name, identity="0", start_ns=start_ns)
    meter, course, plate = (
        Meter(first_state({"ct": ratio, "vt": Ratio.parse(vt)})),
        Course(),
        Plate(ct_primary_a=float(ratio.primary)),
    )
    for _, hour in zip(range(hours), source.blocks(), strict=False):
        for begin in range(0, len(hour), every_s):
            piece = hour.part(begin, begin + every_s)
            meter.step(piece, (source.start_ns or 0) + piece.first_sample * NANOSECONDS)
            view = meter.view()
            course = follow(course, view.values, plate, view.time_ns)
            yield piece.end_sample, {str(finding.kind) for finding in course.findings}


@pytest.mark.parametrize("start_ns", [None, JUNE_NS + 12 * 3600 * NANOSECONDS], ids=["as written", "from noon in June"])
@pytest.mark.parametrize(
    ("name", "ct", "vt"),
    [
        ("workshop", "200/5", "1/1"),
        ("office", "100/5", "1/1"),
        ("solar-farm", "1500/5", "1/1"),
        ("substation", "300/1", "132000/220"),
    ],
)
def test_a_day_of_an_example_is_never_called_wrong(name, ct, vt, start_ns):
    assert {kind for _, found in day_of(name, ct, vt, start_ns=start_ns, every_s=240) for kind in found} == set()


MISTAKES = [
    (1.0, 3.0, {"ct_reversed"}),
    (4.0, 6.0, {"cts_swapped"}),
    (7.0, 9.0, {"ct_on_wrong_phase"}),
    (10.0, 11.5, {"ct_missing"}),
    (12.5, 14.0, set()),  # a CT of another ratio looks like an unequal load
    (15.0, 16.5, {"voltages_rotated"}),
    (17.5, 19.0, {"voltages_swapped"}),
    (20.0, 22.0, {"voltage_missing"}),
]
"""When each begins and ends, hours of the day (examples/miswired.network.toml), and what is to be found."""


def test_every_mistake_of_the_miswired_example_is_found_in_its_hours_and_in_no_other():
    last = {}
    for second, found in day_of("miswired", "150/5", every_s=120):
        hour = second / 3600
        wanted = next((kinds for begin, end, kinds in MISTAKES if begin < hour <= end), set())
        just_changed = any(0 <= hour - edge <= 8 / 60 for begin, end, _ in MISTAKES for edge in (begin, end))
        assert just_changed or found == wanted, f"at {hour:.2f} h"
        last[hour] = found
    assert len(last) == 24 * 30


FOUND = [
    ("ct_reversed, one", 0.0),
    ("ct_reversed, one", 1.6),
    ("ct_reversed, two", 0.0),
    ("cts_swapped", 0.0),
    ("cts_swapped", 1.6),
    ("ct_on_wrong_phase", 0.0),
    ("ct_on_wrong_phase", 1.6),
    ("ct_missing", 0.0),
    ("voltages_swapped", 0.0),
    ("voltages_rotated, by 1", 0.0),
    ("voltage_missing", 0.0),
    ("voltage_missing", 1.6),
]


@pytest.mark.parametrize(("fault", "photovoltaics"), FOUND)
@pytest.mark.parametrize("level", [0.2, 1.0])
def test_a_fault_of_a_restless_installation_is_named(measuring, fault, photovoltaics, level):
    for seed in range(2):
        case = measuring.Case(fault=fault, level=level, power_factor="0.8 ind", photovoltaics=photovoltaics, seed=seed)
        _, stood = measuring.findings_in(measuring.network_of(case))
        assert case.kind in measuring.named(stood[-1])


@pytest.mark.parametrize("power_factor", ["0.5 ind", "0.8 ind", "1", "0.8 cap"])
@pytest.mark.parametrize("photovoltaics", [0.0, 0.6, 1.0, 1.6])
def test_a_restless_installation_without_a_fault_is_never_called_wrong(measuring, power_factor, photovoltaics):
    for seed, level in enumerate((0.05, 0.5, 1.0)):
        case = measuring.Case(
            fault="nothing", level=level, power_factor=power_factor, photovoltaics=photovoltaics, seed=100 + seed
        )
        _, stood = measuring.findings_in(measuring.network_of(case))
        assert all(found == () for found in stood)


def test_the_tables_are_put_between_their_marks_and_nowhere_else(measuring):
    page = f"# A\n\n{measuring.BEGIN}\nold\n{measuring.END}\nafter\n"
    assert measuring.with_tables(page, "new") == f"# A\n\n{measuring.BEGIN}\n\nnew\n{measuring.END}\nafter\n"


def test_the_tables_count_what_was_named(measuring):
    hit, miss = (measuring.Case(fault="ct_missing", level=0.5, power_factor="1", photovoltaics=0.0, seed=n) for n in (1, 2))
    text = measuring.tables(
        {hit: ("nothing", "ct_missing"), miss: ("nothing", "cts_swapped")}, {hit: ("ct_missing", "nothing")}
    )
    assert "| ct_missing | 0, 0 of 0 | 0, 0 of 0 | 0, 1 of 2 | 0, 0 of 0 |" in text
    assert "| ct_missing | 0, 0 of 0 | 0, 0 of 0 | 1, 0 of 1 | 0, 0 of 0 |" in text
    assert "| ct_missing | ct_missing 1, cts_swapped 1 |  | nothing 1 |" in text
