"""The engine below Spain's tariffs: a British two-rate supply and a North American one with tiers and a demand charge, by hand."""

from datetime import date
from decimal import Decimal

import pytest
from tests.billing.conftest import KWH, profile

from watthour.billing import bill_intervals
from watthour.host.billing.contracts import read_contract


@pytest.fixture
def examples(project_root):
    return project_root / "examples" / "billing"


def test_economy_7_counts_its_night_by_utc(examples):
    contract = read_contract(examples / "economy7.contract.toml").contract
    july = (date(2026, 7, 1), date(2026, 7, 31))
    made = bill_intervals(contract, profile(july[0], 31, KWH // 4, zone="Europe/London"), *july)
    # 1 kW all month: the night is 7 hours of each day whatever the wall shows, 217 kWh, the day 527 kWh
    expected = {
        "units.day": "157.99", "units.night": "30.10", "standing_charge": "16.71", "vat": "10.24",
    }  # fmt: skip
    assert {line.name: str(line.amount) for line in made.lines} == expected
    assert made.total == Decimal("215.04")


def watts(demands):
    """Return a profile of months of a steady 2 kW, with one quarter-hour of each month higher."""

    def at(k, marks):
        return marks.get(k, 2 * KWH // 4)

    marks = {}
    for month, demand in demands.items():
        day = (date(2026, month, 2) - date(2026, 1, 1)).days
        marks[day * 96 + 50] = demand * KWH // 4
    return profile(date(2026, 1, 1), 181, lambda k: at(k, marks), zone="America/Chicago")


@pytest.mark.parametrize(
    ("demands", "month", "billed_kw"),
    [({1: 20, 2: 15}, 2, 16), ({1: 20, 2: 18}, 2, 18), ({1: 20, 2: 15, 3: 4}, 3, 16), ({1: 20}, 1, 20), ({3: 4}, 4, 5)],
)
def test_a_ratchet_holds_the_demand_up(examples, demands, month, billed_kw):
    contract = read_contract(examples / "tiers-and-demand.contract.toml").contract
    days = (date(2026, month, 1), date(2026, month, 28))
    made = bill_intervals(contract, watts(demands), *days)
    (line,) = [line for line in made.lines if line.charge == "demand"]
    assert line.quantity == billed_kw
    assert line.amount == Decimal("11.25") * billed_kw


def test_tiers_and_taxes_on_taxes_by_hand(examples):
    contract = read_contract(examples / "tiers-and-demand.contract.toml").contract
    april = (date(2026, 4, 1), date(2026, 4, 30))
    made = bill_intervals(contract, profile(april[0], 30, 10 * KWH // 4, zone="America/Chicago"), *april)
    # 10 kW for 720 h: 7200 kWh = 1000 + 5000 + 1200
    assert {line.name: str(line.amount) for line in made.lines} == {
        "customer": "32.50", "energy.tier1": "92.10", "energy.tier2": "372.50", "energy.tier3": "73.20", "demand": "112.50",
        "state_tax": "42.68", "city_tax": "14.51",
    }  # fmt: skip
    assert made.total == Decimal("739.99")


@pytest.mark.parametrize(("quarter_kwh", "tiers"), [(0, 1), (1000, 1), (1001, 2), (6000, 2), (6001, 3)])
def test_a_tier_begins_where_the_one_before_ends(examples, quarter_kwh, tiers):
    contract = read_contract(examples / "tiers-and-demand.contract.toml").contract
    april = (date(2026, 4, 1), date(2026, 4, 30))
    made = bill_intervals(
        contract, profile(april[0], 30, lambda k: quarter_kwh * KWH if k == 5 else 0, zone="America/Chicago"), *april
    )
    lines = [line for line in made.lines if line.charge == "energy"]
    assert len(lines) == tiers
    assert sum(line.quantity for line in lines) == quarter_kwh
