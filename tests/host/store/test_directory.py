"""A data directory keeps one state whole, belongs to one process, and believes nothing that is damaged."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from watthour import journal
from watthour.errors import StoreBusyError, StoreError
from watthour.history import History
from watthour.host.evidence.checking import faults_of
from watthour.host.evidence.files import read_meter
from watthour.host.store import DataDirectory, Kept, Taken
from watthour.meter import Meter, first_state, state_to_record
from watthour.samples import Block

TAKEN = Taken(next_sample=1000, finished=False, start_ns=5, clock=(0, 5, 1600.0))


def kept_after(samples, **changes):
    """Return what is kept of a meter that has seen so many samples."""
    wave = np.sqrt(2) * np.cos(2 * np.pi * 50 * np.arange(samples) / 1600 - 2 * np.pi / 3 * np.arange(3)[:, None])
    meter = Meter(first_state({"serial": 7, "ct": "200/5"}))
    meter.step(Block(voltages=230 * wave, currents=2 * wave, rate_hz=1600.0, first_sample=0), 5)
    fields = {"source": "monday", "sources": MappingProxyType({"monday": TAKEN}), "state": meter.state}
    return Kept(**(fields | changes))


@pytest.fixture(scope="module")
def kept():
    return kept_after(1000)


@pytest.fixture
def store(tmp_path):
    with DataDirectory(tmp_path / "data", 7) as directory:
        yield directory


def as_record(kept):
    return kept.source, dict(kept.sources), state_to_record(kept.state)


def test_a_new_directory_is_made_and_holds_nothing(tmp_path):
    with DataDirectory(tmp_path / "not" / "there", 7) as directory:
        assert directory.path == tmp_path / "not" / "there" / "7"
        assert directory.path.is_dir()
        assert directory.load().kept is None


def test_what_is_kept_comes_back_to_the_last_bit(store, kept):
    store.save(kept)
    assert as_record(store.load().kept) == as_record(kept)


def test_the_last_state_kept_is_the_one_that_comes_back(store, kept):
    store.save(kept)
    later = kept_after(1300, source="tuesday", sources=MappingProxyType({"monday": TAKEN, "tuesday": TAKEN}))
    store.save(later)
    assert as_record(store.load().kept) == as_record(later)
    assert sorted(file.name for file in store.path.iterdir()) == [
        "a.db",
        "a.db-shm",
        "a.db-wal",
        "b.db",
        "b.db-shm",
        "b.db-wal",
        "lock",
        "newest",
    ]


def test_a_directory_belongs_to_one_at_a_time(tmp_path, store):
    with pytest.raises(StoreBusyError, match=r"data/7: another process .* --data"):
        DataDirectory(tmp_path / "data", 7).open()
    with DataDirectory(tmp_path / "data", 8) as other:
        assert other.load().kept is None
    store.close()
    DataDirectory(tmp_path / "data", 7).__enter__().close()


def test_a_directory_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyError), DataDirectory(tmp_path, 7):
        raise KeyError
    with DataDirectory(tmp_path, 7):
        pass


def closed(tmp_path, kept, *, commits=1):
    """Keep a state so many times in a directory; return the directory's path."""
    with DataDirectory(tmp_path / "data", 7) as store:
        store.load()
        for _ in range(commits):
            store.save(kept, both=False)
    return store.path


def damage(file, place):
    damaged = bytearray(file.read_bytes())
    damaged[place] ^= 0x10
    file.write_bytes(damaged)


def found(tmp_path, name="data"):
    with DataDirectory(tmp_path / name, 7) as store:
        return store.load()


def test_commits_go_to_the_two_files_in_turn_and_promises_to_both(tmp_path, kept):
    path = closed(tmp_path, kept, commits=3)
    assert sequences(path) == (3, 2)
    with DataDirectory(tmp_path / "data", 7) as store:
        store.load()
        store.save(kept, both=False)
        store.save(kept)
    assert sequences(path) == (5, 5)


def sequences(path):
    found = []
    for name in ("a.db", "b.db"):
        with closing(sqlite3.connect(path / name)) as database:
            found.append(database.execute("SELECT sequence FROM state").fetchone()[0])
    return tuple(found)


def killed(tmp_path, kept, *, commits, name="killed"):
    """Copy what lies there after so many commits of a meter that still runs; return the path of the copy."""
    with DataDirectory(tmp_path / "data", 7) as store:
        store.load()
        for number in range(commits):
            store.save(replace(kept, committed_ns=number), both=False)
        return Path(shutil.copytree(store.path, tmp_path / name / "7"))


def short(noted, believed):
    return f"commit {noted} was whole, and the newest to be believed is {believed}: its file is damaged, gone, or was put back"


def test_a_damaged_log_of_the_newest_commit_is_told_though_it_looks_like_a_cut_before_it(tmp_path, kept):
    path = killed(tmp_path, kept, commits=4)
    log = path / "b.db-wal"
    damage(log, log.stat().st_size - 100)
    with DataDirectory(tmp_path / "killed", 7) as store:
        was_found = store.load()
        assert was_found.kept.committed_ns == 2
        assert was_found.faults == (short(4, 3),)
        store.save(replace(was_found.kept, committed_ns=9))
        assert [file.name for file in sorted(path.glob("*.damaged"))] == ["b.db.damaged"]
    again = found(tmp_path, "killed")
    assert not again.faults
    assert again.kept.committed_ns == 9
    assert sequences(path) == (5, 5)


def test_a_directory_put_back_to_an_earlier_state_is_told_while_its_note_is_there(tmp_path, kept):
    before = killed(tmp_path, kept, commits=2, name="before")
    path = killed(tmp_path, kept, commits=2)
    for file in before.glob("*.db*"):
        shutil.copy(file, path)
    assert short(4, 2) in faults_of(read_meter(path))


@pytest.mark.parametrize("what", ["gone", "flipped", "older", "cut"])
def test_a_note_that_is_damaged_or_behind_harms_nothing(tmp_path, kept, what):
    older = (killed(tmp_path, kept, commits=2, name="before") / "newest").read_bytes()
    path = killed(tmp_path, kept, commits=2)
    note = path / "newest"
    match what:
        case "gone":
            note.unlink()
        case "flipped":
            damage(note, 40)
        case "older":
            note.write_bytes(older)
        case "cut":
            note.write_bytes(note.read_bytes()[:20])
    was_found = found(tmp_path, "killed")
    assert not was_found.faults
    assert was_found.kept.committed_ns == 1


@pytest.mark.parametrize("name", ["a.db", "b.db"])
def test_a_damaged_file_is_told_the_other_is_used_and_it_is_healed_by_the_next_commit(tmp_path, kept, name):
    path = closed(tmp_path, kept, commits=4)
    file = path / name
    whole = file.read_bytes()
    damage(file, whole.index(b"watthour-state") + 400)
    with DataDirectory(tmp_path / "data", 7) as store:
        was_found = store.load()
        assert as_record(was_found.kept) == as_record(kept)
        assert f"{name}: its checksum does not agree with its content" in was_found.faults
        assert not was_found.is_lost
        store.save(kept)
    assert found(tmp_path).faults == ()
    assert (path / f"{name}.damaged").exists()


def test_two_damaged_files_are_a_loss_that_is_told_and_both_are_kept_aside(tmp_path, kept):
    path = closed(tmp_path, kept, commits=4)
    for name in ("a.db", "b.db"):
        damage(path / name, (path / name).read_bytes().index(b"watthour-state") + 400)
    with DataDirectory(tmp_path / "data", 7) as store:
        was_found = store.load()
        assert (was_found.kept, was_found.is_lost, len(was_found.faults)) == (None, True, 2)
        store.save(kept)
    assert as_record(found(tmp_path).kept) == as_record(kept)
    assert (path / "a.db.damaged").exists()
    assert (path / "b.db.damaged").exists()


@pytest.mark.parametrize("how", ["removed", "empty"])
def test_files_that_are_gone_are_a_loss_not_a_new_meter(tmp_path, kept, how):
    path = closed(tmp_path, kept, commits=2)
    for name in ("a.db", "b.db"):
        (path / name).unlink()
        if how == "empty":
            (path / name).touch()
    was_found = found(tmp_path)
    assert was_found.is_lost
    assert was_found.faults == ("both files are empty or gone, but this meter has kept a state before",)


def test_one_file_that_is_gone_is_made_anew(tmp_path, kept):
    path = closed(tmp_path, kept, commits=3)
    (path / "a.db").unlink()
    with DataDirectory(tmp_path / "data", 7) as store:
        was_found = store.load()
        assert as_record(was_found.kept) == as_record(kept)
        assert was_found.faults == (short(3, 2),)
        store.save(kept)
    assert sequences(path) == (4, 4)  # the file that is gone held the third


def test_a_file_that_is_no_database_is_a_damaged_one(tmp_path, kept):
    path = closed(tmp_path, kept, commits=3)
    (path / "a.db").write_bytes(b"this is a letter to my aunt, and no database at all" * 100)
    was_found = found(tmp_path)
    assert as_record(was_found.kept) == as_record(kept)
    assert any("a.db: file is not a database" in fault for fault in was_found.faults)


def test_an_old_file_put_back_is_told(tmp_path, kept):
    path = closed(tmp_path, kept, commits=3)
    old = (path / "a.db").read_bytes()
    closed(tmp_path, kept, commits=10)
    (path / "a.db").write_bytes(old)
    assert any(fault.startswith("a.db: ") and "commits behind b.db" in fault for fault in found(tmp_path).faults)


def events(count):
    return History((f"event {n}".encode() for n in range(count)), keep=2**31)


def test_events_come_back_in_their_places_from_either_file(tmp_path, kept):
    path = closed(tmp_path, kept)
    with DataDirectory(tmp_path / "data", 7) as store:
        store.load()
        for count in (1, 2, 5, 9):
            store.save(replace(kept, events=events(count)), both=False)
    assert found(tmp_path).events == events(9)
    with closing(sqlite3.connect(path / "a.db")) as database, database:
        database.execute("DELETE FROM events WHERE number IN (1, 3)")
    with closing(sqlite3.connect(path / "b.db")) as database, database:
        database.execute("UPDATE events SET row = zeroblob(40) WHERE number = 4")
    was_found = found(tmp_path)
    assert was_found.events == events(9)
    assert any("a.db: 2 rows of events are missing" in fault for fault in was_found.faults)
    assert any("b.db: row 4 of events" in fault for fault in was_found.faults)


def test_an_event_that_is_in_neither_file_is_a_gap_that_is_told(tmp_path, kept):
    path = closed(tmp_path, kept)
    with DataDirectory(tmp_path / "data", 7) as store:
        store.load()
        store.save(replace(kept, events=events(5)))
    for name in ("a.db", "b.db"):
        with closing(sqlite3.connect(path / name)) as database, database:
            database.execute("DELETE FROM events WHERE number = 2")
    was_found = found(tmp_path)
    assert "events: 1 rows are in neither file" in was_found.faults
    assert was_found.events.since(0) == (b"event 0", b"event 1", b"", b"event 3", b"event 4")


def test_the_record_of_an_earlier_version_is_taken_over(tmp_path, kept):
    earlier = {"source": kept.source, "sources": {"monday": asdict(TAKEN)}, "meter": state_to_record(kept.state)}
    path = tmp_path / "data" / "7"
    path.mkdir(parents=True)
    (path / "meter.state").write_bytes(journal.to_bytes(earlier))
    with DataDirectory(tmp_path / "data", 7) as store:
        was_found = store.load()
        assert as_record(was_found.kept) == as_record(kept)
        store.save(was_found.kept)
    assert not (path / "meter.state").exists()
    assert as_record(found(tmp_path).kept) == as_record(kept)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.pop("sources"),
        lambda record: record.pop("source"),
        lambda record: record.pop("meter"),
        lambda record: record.update(sources=[]),
        lambda record: record["sources"]["monday"].pop("clock"),
        lambda record: record["sources"]["monday"].update(clock=[1, 2]),
        lambda record: record["sources"]["monday"].update(next_sample="soon"),
        lambda record: record["meter"].update(version=0),
        lambda record: record["meter"].pop("registers"),
    ],
)
def test_a_sound_record_that_holds_something_else_is_refused_and_left_alone(tmp_path, kept, change):
    path = closed(tmp_path, kept, commits=2)
    for name in ("a.db", "b.db"):
        with closing(sqlite3.connect(path / name)) as database, database:
            record = journal.from_bytes(database.execute("SELECT record FROM state").fetchone()[0])
            change(record)
            database.execute("UPDATE state SET record = ?", (journal.to_bytes(record),))
    before = (path / "a.db").read_bytes()
    with DataDirectory(tmp_path / "data", 7) as store, pytest.raises(StoreError, match=r"data/7: .*restore it"):
        store.load()
    assert (path / "a.db").read_bytes() == before


def test_an_earlier_record_that_is_damaged_or_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "data" / "7"
    path.mkdir(parents=True)
    (path / "meter.state").write_bytes(journal.to_bytes({"meter": {}})[:-1])
    with DataDirectory(tmp_path / "data", 7) as store:
        with pytest.raises(StoreError, match=r"meter\.state: .*restore it from a copy, or move it away"):
            store.load()
        (path / "meter.state").unlink()
        (path / "meter.state").mkdir()
        with pytest.raises(StoreError, match=r"meter\.state: cannot be read \(Is a directory\)"):
            store.load()


def test_a_file_size_limit_is_a_full_disk_that_loses_nothing(tmp_path):
    """A process that may write no file longer than what is there already stands for a disk that is full."""
    program = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, "tests/host/store")
from test_directory import kept_after
from watthour.errors import StoreError
from watthour.host.store import DataDirectory
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with DataDirectory(Path(sys.argv[1]), 7) as store:
    store.load()
    store.save(kept_after(1000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    refused = 0
    for n in range(20):
        try:
            store.save(kept_after(1000 + n))
        except StoreError as problem:
            refused += 1
            print(problem)
    print("refused", refused, "fault", store.fault)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    store.save(kept_after(1300))
    print("fault", repr(store.fault), store.take_news())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert any("the state could not be kept" in line for line in lines)
    assert int(lines[-2].split()[1]) > 0
    assert "fault ''" in lines[-1]
    assert "written again, whole" in lines[-1]
    with DataDirectory(tmp_path, 7) as store:
        was_found = store.load()
    assert as_record(was_found.kept) == as_record(kept_after(1300))


@pytest.mark.parametrize("wrong", ["file", "file/below", "locked"])
def test_what_is_no_directory_is_refused(tmp_path, wrong):
    (tmp_path / "file").touch()
    (tmp_path / "locked" / "7" / "lock").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"cannot keep state here \(.*\): name another directory with --data"):
        DataDirectory(tmp_path / wrong, 7).open()


def test_a_directory_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    def forbidden(*_arguments):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("os.open", forbidden)  # root may write everywhere, so that no mode bits would do
    with pytest.raises(StoreError, match=r"cannot keep state here \(Permission denied\)"):
        DataDirectory(tmp_path, 7).open()
