"""Two files on a disk that fails: what was acknowledged is what is found, whatever failed before or after it."""

import random

import pytest
from simulated_disk import Platter, SimulatedDisk, after_cut, turning

from watthour.errors import StorageFaultError, StoreError
from watthour.history import History
from watthour.host.store import DataDirectory
from watthour.host.store.pair import Pair

DICE = range(40)


def rows(*events):
    return {"events": History((event.encode() for event in events), keep=99), "profile": History(keep=9)}


def fail_next(platter, count):
    """Have so many of the next syncs fail."""
    left = [True] * count
    platter.refuse = lambda what: what == "sync" and bool(left) and left.pop(0)


def found_after_cut(platter, dice):
    """Return what is found when the power failed now, and the pair that found it."""
    left = Platter(after_cut(platter.image("now"), dice))
    with turning(left, dice):
        pair = Pair(SimulatedDisk(left))
        loaded = pair.load()
        pair.close()
    return loaded


@pytest.mark.parametrize("seed", DICE)
def test_a_commit_that_failed_in_both_files_never_wins_over_the_next_that_was_acknowledged(seed):
    dice, platter = random.Random(seed), Platter()
    with turning(platter, dice):
        pair = Pair(SimulatedDisk(platter))
        pair.load()
        for number in range(3):
            pair.commit({"state": number}, rows(), now_s=0)
        fail_next(platter, 2)
        with pytest.raises(StorageFaultError):
            pair.commit({"state": "failed"}, rows(), now_s=0, both=True)
        pair.commit({"state": "acknowledged"}, rows(), now_s=5)
        assert found_after_cut(platter, dice).content["state"] == "acknowledged"
        pair.close()


@pytest.mark.parametrize("seed", DICE)
def test_the_newest_state_is_never_put_away_however_long_the_disk_is_bad(seed):
    dice, platter = random.Random(seed), Platter()
    with turning(platter, dice):
        pair = Pair(SimulatedDisk(platter))
        pair.load()
        pair.commit({"state": "acknowledged"}, rows(), now_s=0, both=True)
        platter.refuse = lambda what: what == "sync"
        for attempt in range(4):
            with pytest.raises(StorageFaultError):
                pair.commit({"state": f"failed {attempt}"}, rows(), now_s=100.0 * attempt, both=True)
        platter.refuse = lambda what: False
        found = found_after_cut(platter, dice).content["state"]
        pair.close()
    assert found == "acknowledged" or found.startswith("failed")  # one that failed may yet have reached the disk


def test_a_file_with_rows_of_a_commit_that_failed_is_told_and_written_anew():
    dice, platter = random.Random(1), Platter()
    with turning(platter, dice):
        pair = Pair(SimulatedDisk(platter))
        pair.load()
        pair.commit({"state": 1}, rows("one"), now_s=0, both=True)
        a, b = pair._copies
        a.commit(pair._commit({"state": "failed"}, rows("one", "never happened")))
        b.commit(pair._commit({"state": 2}, rows("one", "two")))
        pair.close()
        again = Pair(SimulatedDisk(platter))
        loaded = again.load()
        assert "a.db: 1 rows of events are not those of the newest state" in loaded.faults
        again.commit({"state": 3}, rows("one", "two", "three"), now_s=0, both=True)
        again.close()
        last = Pair(SimulatedDisk(platter))
        loaded = last.load()
        assert (loaded.faults, loaded.rows["events"].since(0)) == ((), (b"one", b"two", b"three"))
        last.close()


class Withholding(SimulatedDisk):
    """A disk that does not give back a file."""

    def open(self, name, *, read_only=False):
        msg = f"{name}: disk I/O error"
        raise StorageFaultError(msg)


def test_bytes_that_the_disk_withholds_are_no_reason_to_begin_anew(tmp_path):
    dice, platter = random.Random(1), Platter()
    with turning(platter, dice):
        pair = Pair(SimulatedDisk(platter))
        pair.load()
        pair.commit({"state": 1}, rows(), now_s=0, both=True)
        pair.close()
        with (
            DataDirectory(tmp_path, 7, Withholding(platter)) as store,
            pytest.raises(
                StoreError, match=r"what was kept cannot be read \(a.db: disk I/O error; b.db: .*\): mend that, .*--data"
            ),
        ):
            store.load()
