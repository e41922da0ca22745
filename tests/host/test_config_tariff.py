"""The tariff of a configuration: its calendar by name or by file, its source, and every refusal with its line."""

import pytest

from watthour.errors import ConfigError, UsageError
from watthour.host.config import Options, plan_from
from watthour.host.metering import begin_work
from watthour.meter import first_state

NETWORK = '[source]\nnetwork = "own.network.toml"\nphasors = true\n'
INSTALLATION = """\
start = 2026-01-15T09:59:00+01:00
[supply]
voltages_v = [230, 230, 230]
[[load]]
kind = "constant"
name = "heater"
power_w = 2000
phases = ["L1"]
"""
OWN = """\
title = "Day and night"
zone = "Europe/Madrid"
first_day = "open"
last_day = "open"
rates = ["day", "night"]
[days]
all = { "00:00" = "night", "10:00" = "day", "22:00" = "night" }
[weeks]
all = "all"
[seasons]
"01-01" = "all"
"""


@pytest.fixture
def plan_of(tmp_path):
    def plan(text):
        file = tmp_path / "meter.toml"
        file.write_text(text)
        return plan_from(file, Options())

    return plan


def test_the_section_becomes_two_settings(plan_of, tmp_path):
    plan = plan_of(NETWORK + '[tariff]\ncalendar = "es/3.0TD/peninsula"\nsource = "bus"\n')
    assert dict(plan.settings) == {"calendar": "es/3.0TD/peninsula", "rate_source": "bus"}
    assert plan.folder == tmp_path


@pytest.mark.parametrize("section", ["", "[tariff]\n"])
def test_without_it_there_is_one_rate(plan_of, section):
    plan = plan_of(NETWORK + section)
    assert dict(plan.settings) == {}
    assert (plan.setting("calendar"), plan.setting("rate_source")) == ("flat", "calendar")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('calendar = "es/3.0TD/peninsular"', "no such calendar; close to it: es/3.0TD/peninsula"),
        ('calendar = "missing.toml"', "missing.toml"),
        ('calendar = ""', "calendar"),
        ('source = "weather"', "calendar"),
        ('rate = "P1"', "rate"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(plan_of, line, words):
    with pytest.raises(ConfigError) as refused:
        plan_of(f"{NETWORK}[tariff]\n{line}\n")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_refusal_of_a_name_has_its_line(plan_of):
    with pytest.raises(ConfigError, match=r"meter\.toml:5: "):
        plan_of(NETWORK + '[tariff]\ncalendar = "nowhere"\n')


def test_a_calendar_file_lies_beside_the_configuration_and_counts(plan_of, tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "own.network.toml").write_text(INSTALLATION)
    plan = plan_of(NETWORK + '[tariff]\ncalendar = "own.toml"\n')
    work = begin_work(plan, plan.source, None)
    rows = next(work.source.blocks()).part(0, 180)
    work.meter.step(rows, work.start_ns)
    exact = work.meter.view().exact
    day, night = exact["t1_import_microwh"], exact["t2_import_microwh"]
    assert day + night == exact["import_microwh"] > 0
    assert day == pytest.approx(2 * night, rel=1e-6)  # two minutes of day, one of night
    assert work.meter.view().calendar == "own"


@pytest.mark.parametrize(("model", "source", "lack"), [("Q23601", "inputs", "digital inputs"), ("Q23602", "bus", "bus")])
def test_a_model_without_inputs_or_bus_takes_no_rate_from_them(model, source, lack):
    with pytest.raises(UsageError, match=f"has no {lack}"):
        first_state({"model": model, "rate_source": source})
    assert first_state({"model": "Q23611", "rate_source": source}).settings["rate_source"] == source
