"""Each part of a tolerance by hand, on loads whose parts can be written down."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from tests.billing.conftest import KWH, profile

from watthour.billing import Combination, FromIntervals, Instrument, Metering, Quality, usage_of
from watthour.billing.tolerance import demand_tolerance, energy_tolerance, excess_tolerance, reactive_tolerance
from watthour.errors import ContractError
from watthour.host.calendars import read_calendar

SIX = read_calendar("es/6.1TD/peninsula")
DAY = date(2026, 1, 15)  # P6 0-8, P2 8-9, P1 9-14, P2 14-18, P1 18-22, P2 22-24
SPAN = (DAY, DAY)
METERING = Metering(
    ours=Instrument(active_class="B", ct_class="0.5S"),
    theirs=Instrument(active_class="C", ct_class="0.2S"),
    clock_offset_s=Fraction(30),
)


def of(micro, **others):
    return FromIntervals(usage=usage_of(profile(DAY, 1, micro, **others), SIX, DAY, DAY))


def parts(tolerance):
    return {part.name: part.size for part in tolerance.parts}


def test_the_energy_of_a_steady_load():
    """100 kW: 900 kWh in P1 with four switches of 30 s at 100 kW, the limits taken of what the truth may be."""
    found = parts(energy_tolerance(of(25 * KWH), METERING, "P1", SPAN))
    truth = 900 / (1 - Fraction("0.015"))
    moved = 4 * 100 * Fraction(30, 3600) * (1 + Fraction("0.007")) / (1 - Fraction("0.015"))
    assert found == {
        "our meter": truth * Fraction("0.01"), "our transformers": truth * Fraction("0.005"), "their meter": truth * Fraction("0.005"),
        "their transformers": truth * Fraction("0.002"), "clocks": moved, "printed digit": 1,
    }  # fmt: skip


def test_the_clocks_count_the_higher_power_beside_a_switch():
    """Night at 8 kW up to 8 h, then 100 kW: the switch at 8 h moves 30 s of 100 kW, those of the day's ends 30 s of what stands there."""
    night = of(lambda k: 2 * KWH if k < 32 else 25 * KWH)
    found = parts(energy_tolerance(night, METERING, "P6", SPAN))
    scale = (1 + Fraction("0.007")) / (1 - Fraction("0.015"))
    assert found["clocks"] == (8 + 100) * Fraction(30, 3600) * scale


def test_parts_are_added_or_their_squares_are():
    tolerance = energy_tolerance(of(25 * KWH), METERING, "P1", SPAN)
    squared = energy_tolerance(of(25 * KWH), replace(METERING, combination=Combination.ROOT_SUM_SQUARE), "P1", SPAN)
    assert tolerance.size == sum(parts(tolerance).values())
    assert float(squared.size) == pytest.approx(float(sum(each**2 for each in parts(tolerance).values())) ** 0.5, rel=1e-12)


def test_a_steady_demand_has_no_part_of_the_clocks():
    found = parts(demand_tolerance(of(25 * KWH), METERING, "P1", SPAN))
    assert float(found["clocks"]) < 1e-6
    assert found["our meter"] == 100 / (1 - Fraction("0.015")) * Fraction("0.01")


def test_a_demand_that_stands_alone_loses_the_share_of_the_clock():
    """One quarter-hour of 200 kW among 80 kW: shifted by 30 s it is (1 - 1/30) 200 + 1/30 80 = 196 kW."""
    found = parts(demand_tolerance(of(lambda k: 50 * KWH if k == 45 else 20 * KWH), METERING, "P1", SPAN))
    scale = (1 + 0.007) / (1 - 0.015)
    assert float(found["clocks"]) == pytest.approx(4 * scale, rel=1e-6)


def test_an_excess_grows_by_the_root_of_the_quarter_hours():
    """36 quarter-hours of 110 kW are each 10 kW over 100, and their root 6 × 10; it grows by 6 × what the limits add to 110 kW."""
    found = parts(excess_tolerance(of(110 * KWH // 4), METERING, "P1", SPAN, Fraction(100)))
    up = 110 * ((1 + 0.007) / (1 - 0.015) - 1)
    assert float(found["both meters"]) == pytest.approx(6 * up, rel=1e-9)
    assert float(found["clocks"]) < 1e-9


def test_the_free_share_of_reactive_energy_brings_the_tolerance_of_the_active():
    load = of(25 * KWH, q1=10 * KWH, q4=0)
    active = energy_tolerance(load, METERING, "P1", SPAN).size
    found = parts(reactive_tolerance(load, METERING, "P1", SPAN, Fraction(33, 100)))
    assert found["active energy"] == Fraction(33, 100) * active
    assert found["our meter"] == 360 / (1 - Fraction("0.025")) * Fraction("0.02")


def test_a_class_that_is_none_is_refused():
    with pytest.raises(ContractError, match="active_class 'D' is no class known here; known are A, B, C"):
        Instrument(active_class="D")


def lost(name, micro, **others):
    """A day of which the intervals of P1 from 9 to 10 are missing, or all of a period."""
    load = profile(DAY, 1, micro, **others)
    gone = slice(36, 40) if name == "an hour" else slice(0, 32)
    load.quality[gone] = Quality.MISSING
    load.energies["import"][gone] = 0
    return FromIntervals(usage=usage_of(load, SIX, DAY, DAY))


def test_a_gap_is_as_large_as_the_highest_of_its_period_and_of_the_bill_where_the_period_is_gone():
    hour = parts(energy_tolerance(lost("an hour", lambda k: 30 * KWH if k == 50 else 20 * KWH), METERING, "P1", SPAN))
    assert hour["gaps"] == 4 * 30
    night = parts(energy_tolerance(lost("all of P6", lambda k: 30 * KWH if k == 50 else 20 * KWH), METERING, "P6", SPAN))
    assert night["gaps"] == 32 * 30


def test_the_highest_demand_may_stand_in_a_gap():
    found = parts(demand_tolerance(lost("an hour", lambda k: 30 * KWH if k == 33 else 20 * KWH), METERING, "P1", SPAN))
    assert found["gaps"] == 120 - 80
    assert "gaps" not in parts(demand_tolerance(lost("all of P6", 20 * KWH), METERING, "P1", SPAN))


def test_gaps_may_each_exceed_by_as_much_as_the_highest_of_the_bill():
    """32 quarter-hours of 110 kW are left, 10 kW over 100; four more at 130 kW make the root of 32 × 10² + 4 × 30²."""
    load = lost("an hour", lambda k: 130 * KWH / 4 if k == 33 else 110 * KWH / 4)
    found = parts(excess_tolerance(load, METERING, "P1", SPAN, Fraction(100)))
    assert float(found["gaps"]) == pytest.approx((3200 + 3600) ** 0.5 - 3200**0.5, rel=1e-9)
