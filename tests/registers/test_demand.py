"""Demand: means of whole periods, their maxima per rate, and what makes none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.history import Maximum
from watthour.registers import NO_DEMAND, DemandMethod, DemandRule, close_step, disturb, open_step, reset_maxima
from watthour.registers.demand import MINUTE_NS, mean_microw

BLOCK = DemandRule(period_min=15, method=DemandMethod.BLOCK)
SLIDING = DemandRule(period_min=3, method=DemandMethod.SLIDING)


def after(rule, *energies, demand=NO_DEMAND, start_min=0, rate=1):
    """Return the demand after steps of these energies; None is a step in which nothing was metered."""
    found = []
    for k, energy in enumerate(energies):
        step = open_step((start_min + k * rule.step_min) * MINUTE_NS, rate, rule)
        step = replace(step, energy_microwh=energy or 0, is_metered=energy is not None)
        demand = close_step(demand, step, rule)
        found.append(None if demand.last is None else demand.last.demand_microw)
    return demand, found


def test_a_block_is_its_energy_over_its_time():
    demand, found = after(BLOCK, 250_000_000, 500_000_001, 0)
    assert found == [1_000_000_000, 2_000_000_004, 0]
    assert demand.maximum == Maximum(demand_microw=2_000_000_004, time_ns=30 * MINUTE_NS)
    assert demand.rate_maxima == (demand.maximum, *[None] * 7)
    assert demand.last == Maximum(demand_microw=0, time_ns=45 * MINUTE_NS)


def test_a_sliding_period_gives_a_demand_each_minute_of_the_last_ones():
    demand, found = after(SLIDING, 60, 120, 180, 60, 0, None, 60)
    assert found == [60 * 20, 180 * 20, 360 * 20, 360 * 20, 240 * 20, 240 * 20, 60 * 20]  # of two minutes and a gap: 0 + 60
    assert demand.maximum == Maximum(demand_microw=7200, time_ns=3 * MINUTE_NS)  # of equals the first


def test_a_demand_belongs_to_the_rate_in_force_when_its_period_began():
    demand, _ = after(SLIDING, 10, rate=2)
    demand, _ = after(SLIDING, 10, 10, 10, demand=demand, start_min=1, rate=5)
    assert demand.rate_maxima[1] == Maximum(demand_microw=30 * 20, time_ns=3 * MINUTE_NS)
    assert demand.rate_maxima[4] == Maximum(demand_microw=30 * 20, time_ns=4 * MINUTE_NS)


def test_a_period_into_which_the_clock_was_set_makes_no_demand():
    demand, _ = after(SLIDING, 10, 10)
    running = replace(open_step(2 * MINUTE_NS, 1, SLIDING), energy_microwh=10**9, is_metered=True)
    demand = disturb(replace(demand, running=running))
    demand = close_step(demand, demand.running, SLIDING)
    assert demand.last == Maximum(demand_microw=400, time_ns=2 * MINUTE_NS)
    demand, found = after(SLIDING, 30, 30, 30, demand=demand, start_min=3)
    assert found == [400, 400, 90 * 20]  # the first whose three minutes are all behind it
    into = replace(open_step(9 * MINUTE_NS + 1, 1, SLIDING, is_disturbed=True), energy_microwh=5, is_metered=True)
    demand, found = after(SLIDING, 30, 30, 30, demand=close_step(demand, into, SLIDING), start_min=10)
    assert found == [1800, 1800, 1800]
    assert demand.last.time_ns == 13 * MINUTE_NS
    assert disturb(NO_DEMAND) == NO_DEMAND


def test_a_closing_begins_the_maxima_again_and_leaves_the_rest():
    demand, _ = after(BLOCK, 7)
    again = reset_maxima(demand)
    assert (again.maximum, again.rate_maxima) == (None, (None,) * 8)
    assert again.last == demand.last


@pytest.mark.parametrize("minutes", [1, 7, 15, 60])
@pytest.mark.parametrize("now_min", [0, 6, 29_000_003])
def test_steps_are_multiples_of_their_length(minutes, now_min):
    rule = DemandRule(period_min=minutes, method=DemandMethod.BLOCK)
    step = open_step(now_min * MINUTE_NS, 1, rule)
    assert step.start_ns % (minutes * MINUTE_NS) == 0
    assert step.start_ns <= now_min * MINUTE_NS < step.end_ns == step.start_ns + minutes * MINUTE_NS


@given(energy=st.integers(0, 10**18), minutes=st.integers(1, 60))
def test_the_mean_is_rounded_once_and_exact_where_the_minutes_divide_the_hour(energy, minutes):
    mean = mean_microw(energy, minutes)
    assert abs(2 * (mean * minutes - energy * 60)) <= minutes
    if 60 % minutes == 0:
        assert mean * minutes == energy * 60
