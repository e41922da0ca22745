"""What a commit costs: the store against bare fdatasync, and against SQLite's own commits, on the same disk in the same run.

Bare is one pwrite of a record over itself in a file laid out before, and fdatasync. SQLite's own is one replaced row of the same
size in WAL with synchronous=FULL. The store's is `DataDirectory.save`: the state of a meter at work into the file whose turn it
is, record and checksums made anew. The three take turns of a second. Bar: half of SQLite's own, and half of bare fdatasync where a sync
takes a millisecond or more (decision 26). WATTHOUR_BENCH_S sets the turns.
"""

import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from watthour import journal
from watthour.host.store import DataDirectory, Kept, Taken
from watthour.host.store.kept import kept_to_content
from watthour.meter import Meter, first_state
from watthour.samples import Block

TURNS = max(1, round(float(os.environ.get("WATTHOUR_BENCH_S", "15")) / 3))
RATE_HZ = 1600.0
SERIAL = 7


def kept_state() -> Kept:
    """Return what is kept of a meter that has seen ten seconds."""
    wave = np.sqrt(2) * np.cos(2 * np.pi * 50 * np.arange(16000) / RATE_HZ - 2 * np.pi / 3 * np.arange(3)[:, None])
    meter = Meter(first_state({"serial": SERIAL}))
    meter.step(Block(voltages=230 * wave, currents=2 * wave, rate_hz=RATE_HZ, first_sample=0), 0)
    taken = Taken(next_sample=16000, finished=False, start_ns=0, clock=(0, 0, RATE_HZ))
    return Kept(source="bench", sources={"bench": taken}, state=meter.state)


def rate_of(commit: Callable[[int], None]) -> float:
    """Return how many times a second something is done."""
    begun_s, done = time.perf_counter(), 0
    while (now_s := time.perf_counter()) - begun_s < 1.0:
        commit(done)
        done += 1
    return done / (now_s - begun_s)


def main() -> int:
    """Print the rates and their ratios."""
    kept = kept_state()
    record = journal.to_bytes(kept_to_content(kept))
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as name,
        closing(sqlite3.connect(Path(name) / "own.db", isolation_level=None)) as own,
        DataDirectory(Path(name), SERIAL) as store,
    ):
        bare = os.open(Path(name) / "bare", os.O_RDWR | os.O_CREAT)
        os.pwrite(bare, record, 0)
        os.fsync(bare)
        own.execute("PRAGMA journal_mode=WAL")
        own.execute("PRAGMA synchronous=FULL")
        own.execute("CREATE TABLE state (id INTEGER PRIMARY KEY, record BLOB)")
        store.load()
        store.save(kept)

        def commit_bare(_: int) -> None:
            os.pwrite(bare, record, 0)
            os.fdatasync(bare)

        def commit_own(_: int) -> None:
            own.execute("INSERT OR REPLACE INTO state VALUES (0, ?)", (record,))

        def commit_store(number: int) -> None:
            store.save(replace(kept, committed_ns=number), both=False)

        turns = [[rate_of(commit) for commit in (commit_bare, commit_own, commit_store)] for _ in range(TURNS)]
        os.close(bare)
    fdatasync, sqlite, ours = (statistics.median(column) for column in zip(*turns, strict=True))
    print(f"commits of a state of {len(record)} bytes, per second, median of {TURNS} turns")
    print(f"  bare fdatasync                {fdatasync:8.0f}")
    print(f"  SQLite's own, one row         {sqlite:8.0f}   {sqlite / fdatasync:5.2f} of bare")
    print(
        f"  the store                     {ours:8.0f}   {ours / fdatasync:5.2f} of bare, {ours / sqlite:5.2f} of SQLite's own; bar 0.5 (decision 26)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
