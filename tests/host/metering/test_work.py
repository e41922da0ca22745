"""A run begins where the data directory stands: nothing twice, nothing lost, and the sealed stays sealed."""

from dataclasses import replace

import pytest

from watthour.errors import SealedError, UsageError
from watthour.history import History
from watthour.host.config import Plan, SourceWish
from watthour.host.instants import DEFAULT_START_NS
from watthour.host.lines import parse_url
from watthour.host.metering import MeteringThread, Pace, begin_work
from watthour.host.store import DataDirectory
from watthour.parameters import Interface, check_setting
from watthour.units import NANOSECONDS
from watthour.view import EventKind
from watthour.waveform.source import Source

FAST = Pace(speed=None)


def settings(**given):
    return {name: check_setting(name, value, Interface.CONFIG) for name, value in given.items()}


@pytest.fixture
def meter_it(tmp_path):
    """Run a source into the data directory; return the work it began with and the view at the end."""

    def run(path, pace=FAST, *, wish=None, **given):
        wish = wish or SourceWish(path=path)
        with DataDirectory(tmp_path / "data", int(given.get("serial", 1))) as store:
            plan = Plan(settings=settings(**given), source=wish)
            work = begin_work(plan, wish, store)
            thread = MeteringThread(work, pace)
            thread.run()
        assert thread.failure is None
        return work, thread.view

    return run


def metered_of(view):
    """Return a view without what each run adds to it: that it began and ended."""
    return replace(view, events=History(keep=1), event_count=0, event_head="")


def begin(path, store=None, *, listen=(), **given):
    plan = Plan(settings=settings(**given), listen=tuple(parse_url(url) for url in listen))
    return begin_work(plan, SourceWish(path=path), store)


def test_a_new_meter_stands_at_the_beginning_of_its_source(write_csv):
    work = begin(write_csv())
    source: Source = work.source
    assert (work.first_sample, work.finished, source.samples) == (0, False, 800)
    assert work.meter.view().time_ns == work.start_ns == DEFAULT_START_NS
    work.save(finished=True)  # without a store: nothing happens


def test_a_run_without_a_data_directory_says_so(write_csv):
    assert begin(write_csv()).remarks == ("state lives in memory only: name a directory with --data to keep it",)


def test_the_start_of_the_configuration_wins_over_the_source(write_csv):
    wish = SourceWish(path=write_csv(), start_ns=NANOSECONDS)
    assert begin_work(Plan(), wish, None).start_ns == NANOSECONDS


def test_a_finished_source_is_metered_once(meter_it, write_csv):
    path = write_csv()
    _, once = meter_it(path)
    work, again = meter_it(path)
    assert work.finished
    assert "already been metered to its end" in work.remarks[0]
    assert metered_of(again) == metered_of(once)


@pytest.mark.parametrize("stops_s", [(0.2,), (0.00007, 0.11, 0.11, 0.3333, 0.49999), (0.1, 0.2, 0.3, 0.4)])
def test_a_run_in_parts_ends_with_the_bits_of_one_run(meter_it, write_csv, stops_s):
    path = write_csv()
    for stop_s in stops_s:
        meter_it(path, Pace(speed=None, duration_s=stop_s))
    _, parted = meter_it(path)
    whole = MeteringThread(begin(path), FAST)
    whole.run()
    assert metered_of(parted) == metered_of(whole.view)


def test_a_run_in_parts_that_begins_at_a_given_instant_goes_on_from_it(meter_it, write_csv):
    path = write_csv()
    wish = SourceWish(path=path, start_ns=NANOSECONDS)
    meter_it(path, Pace(speed=None, duration_s=0.25), wish=wish)
    _, view = meter_it(path, wish=replace(wish, start_ns=None))
    assert view.time_ns == NANOSECONDS + NANOSECONDS // 2


def test_another_source_goes_on_counting(meter_it, write_csv):
    _, first = meter_it(write_csv("monday.csv"))
    work, both = meter_it(write_csv("tuesday.csv", current_a=4.0))
    assert work.remarks == ("another source than before: the registers go on",)
    assert both.exact["secondary_import_microwh"] == pytest.approx(3 * first.exact["secondary_import_microwh"], rel=1e-4)
    assert both.samples == 1600


def test_a_source_that_was_finished_before_another_is_not_metered_again(meter_it, write_csv):
    monday, tuesday = write_csv("monday.csv"), write_csv("tuesday.csv", current_a=4.0)
    meter_it(monday)
    meter_it(tuesday, Pace(speed=None, duration_s=0.23))
    work, looked = meter_it(monday)
    assert work.finished
    assert looked.samples == 800 + 368
    resumed, both = meter_it(tuesday)
    assert resumed.first_sample == 368
    assert both.samples == 1600


def test_a_source_left_for_another_goes_on_where_it_was_left(meter_it, write_csv):
    monday, tuesday = write_csv("monday.csv"), write_csv("tuesday.csv", current_a=4.0)
    _, whole = meter_it(monday, serial=2)
    _, left = meter_it(monday, Pace(speed=None, duration_s=0.23))
    meter_it(tuesday)
    work, both = meter_it(monday)
    assert work.first_sample == 368
    assert both.samples == 1600
    assert left.exact["import_microwh"] < whole.exact["import_microwh"]
    assert both.exact["import_microwh"] == pytest.approx(3 * whole.exact["import_microwh"], rel=1e-3)


def test_a_sealed_setting_that_differs_is_refused_in_one_line_naming_both(meter_it, write_csv, tmp_path):
    path = write_csv()
    meter_it(path, ct="200/5")
    with DataDirectory(tmp_path / "data", 1) as store:
        with pytest.raises(SealedError) as refusal:
            begin(path, store, ct="400/5")
        begin(path, store, ct="200/5")
    told = str(refusal.value)
    assert "\n" not in told
    for part in ("ct", "400/5", "200/5", str(tmp_path / "data" / "1"), "--data"):
        assert part in told


def test_an_unsealed_setting_that_differs_is_reported_and_the_store_wins(meter_it, write_csv):
    path = write_csv()
    meter_it(path, cost_per_kwh="0.2")
    work, view = meter_it(path, cost_per_kwh="0.3")
    assert "cost_per_kwh stays 0.2000, as this meter keeps it; 0.3000 was asked for" in work.remarks
    assert view.values["cost_per_kwh"] == 0.2


def test_the_transformers_that_were_kept_bring_a_source_to_the_terminals(meter_it, write_csv):
    path = write_csv()
    wish = SourceWish(path=path, values="primary")
    meter_it(path, Pace(speed=None, duration_s=0.25), wish=wish, ct="200/5")
    _, view = meter_it(path, wish=wish)  # this time nobody says what the transformer is
    assert view.exact["import_microwh"] == pytest.approx(3 * 230 * 2 * 0.5 / 3600 * 1e6, rel=1e-3)


def test_a_meter_that_was_kept_does_not_answer_on_a_bus_it_lacks(meter_it, write_csv, tmp_path):
    path = write_csv()
    meter_it(path, model="Q23601")
    with DataDirectory(tmp_path / "data", 1) as store, pytest.raises(UsageError, match="has no Modbus"):
        begin(path, store, listen=("modbus+tcp://127.0.0.1:1502",))


def test_lost_state_is_told_and_the_registers_begin_anew_and_say_so(meter_it, write_csv, tmp_path):
    path = write_csv()
    _, before = meter_it(path)
    for name in ("a.db", "b.db"):
        file = tmp_path / "data" / "1" / name
        damaged = bytearray(file.read_bytes())
        damaged[damaged.index(b"watthour-state") + 300] ^= 1
        file.write_bytes(damaged)
    work, view = meter_it(path)
    assert "the registers begin anew" in " ".join(work.remarks)
    assert view.registers_fresh
    assert any(warning.startswith("fresh registers since ") for warning in view.warnings)
    assert view.samples == before.samples
    again, later = meter_it(path)
    assert not any("anew" in remark for remark in again.remarks)
    assert later.registers_fresh
    events = [event.detail.get("what", "") for event in later.events if event.kind is EventKind.STORAGE_FAULT]
    assert len([what for what in events if "checksum" in what]) == 2
    assert later.event_count > before.event_count  # the chain went on


def test_a_network_is_metered_too_and_is_another_source_when_it_changes(meter_it, tmp_path):
    path = tmp_path / "hall.network.toml"
    text = (
        "[supply]\nvoltages_v = 230\nfrequency_hz = 50\n[sampling]\nrate_hz = 1600\n"
        '[[load]]\nname = "oven"\nkind = "constant"\nphases = ["L1"]\npower_w = 1000\ncos_phi = "1"\n'
    )
    path.write_text(text)
    wish = SourceWish(path=path, is_network=True)
    _, parted = meter_it(path, Pace(speed=None, duration_s=1.3), wish=wish)
    _, parted = meter_it(path, Pace(speed=None, duration_s=2.0), wish=wish)
    _, whole = meter_it(path, Pace(speed=None, duration_s=2.0), wish=wish, serial=2)
    assert (parted.exact, parted.values) == (whole.exact, whole.values)
    path.write_text(text + "# changed\n")
    work, _ = meter_it(path, Pace(speed=None, duration_s=0.1), wish=wish)
    assert work.first_sample == 0
    assert "another source" in work.remarks[0]
