"""Flips single bits in a meter's files and looks at what is then believed of them.

Two directories are taken: of a run that stopped in order, and of one that was killed, with its logs. Each flip is made in a fresh
copy. Right is the newest state with every event and row, whether the flip is told or harmless. Where the flip lies in the last
commit of the newer file of a killed run, the state of the other file is right too, and must be told.
"""

import itertools
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from judge import require
from killed_runs import SERIAL, Runs

from watthour.host.evidence.checking import faults_of
from watthour.host.evidence.files import read_meter
from watthour.host.store.disk import FileDisk
from watthour.host.store.pair import Pair

RAM = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


def read_pair(path):
    """Return what a store believes of a directory."""
    pair = Pair(FileDisk(path))
    try:
        return pair.load()
    finally:
        pair.close()


class Flips:
    """A directory, and what it holds.

    Parameters
    ----------
    files : dict of str to bytes
    work : Path
        Where copies are made.
    """

    def __init__(self, files, work):
        self.files, self.work = files, work
        self.newest = self._read(files)
        alone = [
            self._read({name: data for name, data in files.items() if not name.startswith(other)}) for other in ("b.db", "a.db")
        ]
        self.older = min(alone, key=lambda loaded: loaded.content["sequence"])
        require(not self.newest.faults, f"before any flip: {self.newest.faults}")

    def _write(self, files):
        path = self.work / str(SERIAL)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        for name, data in files.items():
            (path / name).write_bytes(data)
        return path

    def _read(self, files):
        return read_pair(self._write(files))

    def flip(self, dice):
        """Flip one bit; return how it ended: told or harmless."""
        place = dice.randrange(sum(map(len, self.files.values())))
        names = iter(self.files)
        while place >= len(self.files[name := next(names)]):
            place -= len(self.files[name])
        data = self.files[name]
        bit = dice.randrange(8)
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        where = f"bit {bit} of byte {place} of {name}"
        path = self._write(self.files | {name: bytes(flipped)})
        checked = faults_of(read_meter(path))
        loaded = read_pair(path)
        require(loaded.content is not None, f"{where}: nothing is believed any more: {loaded.faults}")
        told = bool(loaded.faults)
        if loaded.content == self.newest.content:
            require(loaded.rows == self.newest.rows, f"{where}: other events or rows are believed")
            require(not told or bool(checked), f"{where}: told at a start, not by a check: {loaded.faults}")
            return "told, the newest state believed" if told else "harmless"
        require(loaded.content == self.older.content, f"{where}: a state that never was is believed")
        require(loaded.rows == self.older.rows, f"{where}: rows of another state are believed")
        require(told, f"{where}: an older state is believed, and nobody is told")
        require(bool(checked), f"{where}: told at a start, not by a check: {loaded.faults}")
        return "told, the other file's state believed"


def directories(folder, work):
    """Return the files of a run that stopped in order, and of one that was killed while one file was ahead of the other."""
    runs = Runs(folder)
    whole = Flips(_files(folder / "whole" / "state" / str(SERIAL)), work)
    for attempt in itertools.count():
        runs._begin("killed")
        child = runs._live("killed")
        time.sleep(runs.takes_s * (0.8 - 0.1 * (attempt % 6)))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        files = _files(folder / "killed" / "state" / str(SERIAL))
        if os.WIFSIGNALED(status) and {"a.db-wal", "b.db-wal"} <= set(files):
            killed = Flips(files, work)
            if killed.older.content["sequence"] < killed.newest.content["sequence"]:
                break
    return [whole, killed]


def _files(path):
    return {file.name: file.read_bytes() for file in sorted(path.iterdir()) if file.is_file()}


def flip_often(seed):
    """Yield, flip by flip, how it ended."""
    place = Path(tempfile.mkdtemp(prefix="watthour-flips-", dir=RAM if RAM.is_dir() else None))
    dice = random.Random(seed)
    try:
        flips = directories(place, place / "work")
        while True:
            yield dice.choice(flips).flip(dice)
    except AssertionError as problem:
        problem.add_note(f"seed {seed}")
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)


def counted(ends, count):
    """Return how so many flips ended."""
    return Counter(next(ends) for _ in range(count))
