"""A data directory keeps one state whole, belongs to one process, and believes nothing that is damaged."""

import errno
import os
from types import MappingProxyType

import numpy as np
import pytest

from watthour import journal
from watthour.errors import StoreBusyError, StoreError
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
        assert directory.load() is None


def test_what_is_kept_comes_back_to_the_last_bit(store, kept):
    store.save(kept)
    assert as_record(store.load()) == as_record(kept)


def test_the_last_state_kept_is_the_one_that_comes_back(store, kept):
    store.save(kept)
    later = kept_after(1300, source="tuesday", sources=MappingProxyType({"monday": TAKEN, "tuesday": TAKEN}))
    store.save(later)
    assert as_record(store.load()) == as_record(later)
    assert sorted(file.name for file in store.path.iterdir()) == ["lock", "meter.state"]


def test_a_directory_belongs_to_one_at_a_time(tmp_path, store):
    with pytest.raises(StoreBusyError, match=r"data/7: another process .* --data"):
        DataDirectory(tmp_path / "data", 7).open()
    with DataDirectory(tmp_path / "data", 8) as other:
        assert other.load() is None
    store.close()
    DataDirectory(tmp_path / "data", 7).__enter__().close()


def test_a_directory_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyError), DataDirectory(tmp_path, 7):
        raise KeyError
    with DataDirectory(tmp_path, 7):
        pass


def test_every_flipped_byte_is_refused(store, kept):
    store.save(kept)
    file = store.path / "meter.state"
    whole = file.read_bytes()
    for place in range(0, len(whole), 41):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        file.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"meter\.state: .*: restore it from a copy, or move it away"):
            store.load()
    file.write_bytes(whole)
    assert as_record(store.load()) == as_record(kept)


def test_every_truncated_state_is_refused(store, kept):
    store.save(kept)
    file = store.path / "meter.state"
    whole = file.read_bytes()
    for length in [0, 1, 16, 17, 81, 82, len(whole) // 2, len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(StoreError, match="restore it from a copy"):
            store.load()


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
def test_a_sound_record_that_holds_something_else_is_refused(store, kept, change):
    store.save(kept)
    file = store.path / "meter.state"
    record = journal.from_bytes(file.read_bytes())
    change(record)
    file.write_bytes(journal.to_bytes(record))
    with pytest.raises(StoreError, match=r"meter\.state: .*restore it"):
        store.load()


def test_a_state_that_cannot_be_read_is_refused(store):
    (store.path / "meter.state").mkdir()
    with pytest.raises(StoreError, match=r"meter\.state: cannot be read \(Is a directory\)"):
        store.load()


@pytest.mark.parametrize("failing", ["fsync", "write"])
def test_a_state_that_cannot_be_written_leaves_the_old_one_whole(store, kept, monkeypatch, failing):
    store.save(kept)

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync" if failing == "fsync" else "watthour.journal.to_bytes", full)
        with pytest.raises(StoreError, match=r"meter\.state: .*No space left on device"):
            store.save(kept_after(1300))
    assert as_record(store.load()) == as_record(kept)
    store.save(kept_after(1300))


def test_a_stop_between_writing_and_renaming_leaves_the_old_one_whole(store, kept):
    store.save(kept)
    (store.path / "meter.state.new").write_bytes(b"half of a sta")
    assert as_record(store.load()) == as_record(kept)
    store.save(kept)
    assert as_record(store.load()) == as_record(kept)


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
