"""The workshop from phasors to an invoice: metered, kept, read from its data directory, billed, checked.

Three days of it, a month of it under WATTHOUR_LONG. What lies between the meter and the bill is the data directory that ``--data`` names.
"""

import json
import os
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.billing.supplier import PLANT, metered, received

from watthour.billing import bill_intervals, usage_of
from watthour.billing.checking import check
from watthour.billing.invoice import Verdict
from watthour.cli.commands import app
from watthour.host.billing.readings import read_intervals

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
DAYS = 28 if os.environ.get("WATTHOUR_LONG") else 3
FIRST = date(2026, 2, 3)
SPAN = (FIRST, FIRST + timedelta(days=DAYS - 1))
CONFIG = """\
data = "state"
[meter]
serial = 23612001
ct = "200/5"
[source]
network = "workshop.network.toml"
phasors = true
[tariff]
calendar = "es/6.1TD/peninsula"
"""


@pytest.fixture(scope="module")
def metered_workshop(tmp_path_factory):
    """The directory of a run over whole local days, and its last object."""
    folder = tmp_path_factory.mktemp("workshop")
    text = (EXAMPLES / "workshop.network.toml").read_text("utf-8")
    start = next(line for line in text.splitlines() if line.startswith("start = "))
    (folder / "workshop.network.toml").write_text(text.replace(start, f"start = {FIRST}T00:00:00+01:00"), "utf-8")
    (folder / "meter.toml").write_text(CONFIG, "utf-8")
    return folder


@pytest.fixture(scope="module")
def result(metered_workshop):
    """The exact registers after those days, of a meter that was new before them."""
    from contextlib import redirect_stdout  # noqa: PLC0415
    from io import StringIO  # noqa: PLC0415

    printed = StringIO()
    words = ["run", str(metered_workshop / "meter.toml"), "--speed", "max", "--duration", str(DAYS * 86400), "--json"]
    with redirect_stdout(printed):
        app(words, result_action="return_value", exit_on_error=False)
    return json.loads(printed.getvalue().splitlines()[-1])


@pytest.fixture(scope="module")
def intervals(metered_workshop, result):
    assert result["samples"]
    return read_intervals(str(metered_workshop / "state")).intervals


def test_the_energy_on_the_bill_is_the_difference_of_the_registers(intervals, result):
    usage = usage_of(intervals, PLANT.calendar, *SPAN)
    everything = usage.chosen("", *SPAN)
    for name, exact in (
        ("import", "import_microwh"),
        ("q1", "q1_microvarh"),
        ("q4", "q4_microvarh"),
        ("export", "export_microwh"),
    ):
        assert usage.energy(name, everything) == result["exact"][exact], name
    assert usage.sound(everything).missing == 0


def test_the_energy_of_each_period_is_that_of_the_meter_s_rate(intervals, result):
    made = bill_intervals(PLANT, intervals, *SPAN)
    billed = {line.period: line.quantity for line in made.lines if line.charge == "energy"}
    assert set(billed) == {"P1", "P2", "P6"}
    for period, kwh in billed.items():
        assert kwh * 10**9 == result["exact"][f"t{period[1]}_import_microwh"], period


def test_an_invoice_of_another_meter_of_its_class_is_right(intervals):
    theirs = metered(intervals, gain=0.4, by_load=0.1, offset_s=20, seed=9)
    assert check(received(PLANT, theirs, SPAN), PLANT, intervals).passed


def test_an_invoice_by_a_wrong_ratio_is_caught(intervals):
    theirs = metered(intervals, gain=25)
    result = check(received(PLANT, theirs, SPAN), PLANT, intervals)
    assert result.passed_in(Verdict.QUANTITIES) is False
    assert [cause.name for cause in result.likely] == ["CT ratio"]
