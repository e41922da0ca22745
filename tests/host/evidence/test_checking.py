"""Whatever is changed in a data directory, a check says so; what only a noted head can show, a noted head shows."""

import hashlib
import json
import shutil

import pytest

from watthour.errors import StoreError, UsageError
from watthour.host.evidence import entries_of, faults_of, head_of, read_meters, wanted_anchor
from watthour.host.store import DataDirectory
from watthour.parameters import Interface
from watthour.view import ClosePeriod, ResetPartial, WriteSettings


def faults(path, anchor=None):
    (meter,) = read_meters(path)
    return faults_of(meter, anchor)


def listing(path):
    return {file.name: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest()) for file in path.iterdir()}


def test_an_untouched_directory_agrees_and_is_left_as_it_is(kept_path):
    before = listing(kept_path)
    assert faults(kept_path) == []
    assert faults(kept_path.parent) == []
    (meter,) = read_meters(kept_path)
    assert [entry.kind for _, entry, _ in entries_of(meter)] == ["power up", "power down", "power up", "power down"]
    assert listing(kept_path) == before


def test_resets_closings_and_settings_leave_a_directory_that_agrees(tmp_path, csv_file, meter_run):
    asked = (
        ResetPartial(interface=Interface.BUS),
        ClosePeriod(interface=Interface.KEYS),
        WriteSettings(settings={"cost_per_kwh": "0.2"}, interface=Interface.CONTROL),
    )
    meter_run(tmp_path, csv_file, asked=asked)
    assert faults(tmp_path) == []
    (meter,) = read_meters(tmp_path)
    told = {entry.kind: entry.detail for _, entry, _ in entries_of(meter)}
    assert told["partial reset"]["interface"] == "bus"
    assert int(told["partial reset"]["partial_import_microwh"]) > 0
    assert told["period closed"]["interface"] == told["maxima reset"]["interface"] == "keys"
    assert {name: told["parameter changed"][name] for name in ("name", "old", "new", "interface")} == {
        "name": "cost_per_kwh", "old": "0.0000", "new": "0.2000", "interface": "control",
    }  # fmt: skip


def test_a_directory_is_checked_beside_the_meter_that_runs_in_it(kept_path):
    with DataDirectory(kept_path.parent, int(kept_path.name)) as store:
        kept = store.load().kept
        for _ in range(3):
            store.save(kept, both=False)
            assert faults(kept_path) == []


def test_a_meter_may_begin_while_somebody_reads(kept_path):
    import fcntl  # noqa: PLC0415
    import threading  # noqa: PLC0415

    with (kept_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        threading.Timer(0.2, lock.close).start()
        with DataDirectory(kept_path.parent, int(kept_path.name)) as store:
            assert store.load().kept is not None


def set_place(*path, value):
    def change(content):
        inner = content["meter"]
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value(inner[path[-1]])

    return change


def all_registers(change):
    """Change total, rate, partial and secondary of import alike, so that they agree with one another."""

    def edit(content):
        registers = content["meter"]["registers"]
        for name, factor in (("secondary", 1), ("total", 40), ("partial", 40)):
            registers[name][0] += factor * change
        registers["rates"][0][0] += 40 * change
        content["meter"]["interval"]["energies"][0] += 40 * change

    return edit


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_place("registers", "total", 0, value=lambda n: n - 40_000), "registers were set: import_microwh is"),
        (set_place("registers", "total", 0, value=lambda n: n + 40_000), "the rates of import sum to"),
        (set_place("registers", "rates", 2, 4, value=lambda n: n + 1), "the rates of q3 sum to 1, and the total is 0"),
        (set_place("registers", "secondary", 0, value=lambda n: n + 1), "times the transformers' ratio"),
        (set_place("registers", "partial", 0, value=lambda n: n * 2), "the partial import"),
        (set_place("interval", "energies", 0, value=lambda n: n - 1), "micro-units more than its load profile sums to"),
        (all_registers(-1000), "registers were set: import_microwh is"),
        (all_registers(+1000), "registers were set: import_microwh is"),
        (set_place("seal_open", value=lambda _: True), "the seal is open, where the events leave it closed"),
        (set_place("settings", "ct", value=lambda _: "400/5"), "sealed: ct is 400/5, where the events lead to 200/5"),
        (set_place("settings", "summation", value=lambda _: "arithmetic"), "sealed: summation is arithmetic"),
        (set_place("settings", "calibration_gain_i1", value=lambda _: "0.9500000"), "sealed: calibration_gain_i1 is 0.9500000"),
    ],
)
def test_a_state_that_was_edited_is_found_though_its_checksums_are_right(kept_path, edit_state, change, words):
    edit_state(kept_path, change)
    found = faults(kept_path)
    assert any(words in line for line in found), found


def last(rows):
    return {number: body for number, body in rows.items() if number < len(rows) - 1}


def without_second(rows):
    return {(number if number < 1 else number - 1): body for number, body in rows.items() if number != 1}


def swapped(rows):
    return {0: rows[0], 1: rows[2], 2: rows[1], 3: rows[3]}


def altered(rows):
    return {**rows, 1: rows[1].replace(b"stopped", b"halted!")}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (last, "1 rows of events are missing or damaged"),
        (without_second, "says that it is event 2"),
        (swapped, "removed or reordered"),
        (altered, "does not follow from the one before it"),
    ],
)
def test_events_removed_reordered_altered_or_cut_are_found(kept_path, edit_rows, change, words):
    edit_rows(kept_path, "events", change)
    found = faults(kept_path)
    assert any(words in line for line in found), found


def rechained(path, edit_state, edit_rows, change):
    """Write chain and state anew as somebody would who owns the disk and knows the format."""
    made = {}

    def rewrite(rows):
        previous = hashlib.sha256(b"watthour event chain 1, serial 42").hexdigest()
        for number, body in enumerate(change([json.loads(rows[number]) for number in sorted(rows)])):
            text = json.dumps({**body, "number": number, "previous": previous}, separators=(",", ":"), sort_keys=True).encode()
            made[number] = text
            previous = hashlib.sha256(text).hexdigest()
        return dict(made)

    def new_head(content):
        content["head"] = {"count": len(made), "digest": hashlib.sha256(made[len(made) - 1]).hexdigest()}
        content["rows"]["events"] = [0, len(made)]

    edit_rows(path, "events", rewrite)
    edit_state(path, new_head)


def test_a_chain_written_anew_whole_is_found_by_a_noted_head_alone(kept_path, edit_state, edit_rows):
    (meter,) = read_meters(kept_path)
    noted = head_of(meter).digest
    assert faults(kept_path, wanted_anchor(noted)) == []
    rechained(kept_path, edit_state, edit_rows, lambda events: [events[0], events[-1]])
    assert faults(kept_path) == []
    for anchor in (noted, noted[:16], noted.upper()):
        assert any("the noted head" in line for line in faults(kept_path, wanted_anchor(anchor)))


def test_a_directory_put_back_to_an_earlier_state_is_found_by_a_noted_head(tmp_path, csv_file, meter_run):
    meter_run(tmp_path / "data", csv_file, duration_s=0.25)
    shutil.copytree(tmp_path / "data", tmp_path / "earlier")
    meter_run(tmp_path / "data", csv_file)
    (meter,) = read_meters(tmp_path / "data")
    noted = head_of(meter).digest
    assert faults(tmp_path / "earlier") == []
    assert any("put back to an earlier state" in line for line in faults(tmp_path / "earlier", noted))


def test_a_head_noted_earlier_stays_in_a_chain_that_goes_on(tmp_path, csv_file, meter_run):
    meter_run(tmp_path, csv_file, duration_s=0.25)
    (meter,) = read_meters(tmp_path)
    noted = head_of(meter).digest
    meter_run(tmp_path, csv_file)
    assert faults(tmp_path, noted) == []


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "0" * 15, "0" * 65])
def test_what_is_no_head_is_refused(text):
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        wanted_anchor(text)


def test_both_files_damaged_or_gone_is_told(kept_path):
    whole = {name: (kept_path / name).read_bytes() for name in ("a.db", "b.db")}
    for name, content in whole.items():
        damaged = bytearray(content)
        damaged[content.index(b"watthour-state") + 300] ^= 1
        (kept_path / name).write_bytes(damaged)
    assert any("there is no state that can be believed" in line for line in faults(kept_path))
    for name in whole:
        (kept_path / name).unlink()
    assert faults(kept_path) == ["there is no state that can be believed: what was counted is lost"]


def test_registers_that_began_anew_are_told_for_ever(kept_path, csv_file, meter_run):
    for name in ("a.db", "b.db"):
        (kept_path / name).write_bytes(b"not a database at all" * 500)
    meter_run(kept_path.parent, csv_file)
    found = faults(kept_path)
    assert len(found) == 1
    assert "the registers are fresh ones since" in found[0]


def test_where_nothing_was_ever_kept_there_is_nothing_to_check(tmp_path):
    with pytest.raises(StoreError, match="no meter keeps its state here"):
        read_meters(tmp_path)
    with pytest.raises(StoreError, match="cannot be read"):
        read_meters(tmp_path / "nowhere")


@pytest.mark.parametrize("text", [b"CHECK (id = 0)", b"sequence INTEGER NOT NULL", b"row BLOB NOT NULL"])
def test_a_table_that_is_not_as_it_was_made_is_found_though_only_writers_heed_its_constraints(kept_path, text):
    file = kept_path / "b.db"
    data = bytearray(file.read_bytes())
    data[data.index(text) + len(text) - 2] ^= 1
    file.write_bytes(data)
    assert any("b.db" in line for line in faults(kept_path))
