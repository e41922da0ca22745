"""The head-end under fire: a rack of simulated meters that die, come back, roll over, are swapped and answer garbage, by a seed.

``python tools/soak.py`` runs 200 meters on 20 Modbus TCP ports and 10 M-Bus lines over TCP for ten minutes by intervals of one, readings
kept in a PostgreSQL of its own; poll and database are killed now and then. ``--sqlite`` keeps them in SQLite, options make it smaller.
``--profile`` has a poll be away for hours of simulated time instead, and gaps filled from the load profiles of its meters. At the end
every interval is held against the registers that were read and against the phasors.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from watthour.headend.counting import Grid
from watthour.headend.reading import Quality
from watthour.host.instants import now_ns, to_ns
from watthour.host.poller.config import plan_poll
from watthour.host.poller.running import Poll
from watthour.host.poller.showing import Showing
from watthour.units import MICRO, NANOSECONDS, REGISTER_MODULUS

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "servers"))

from postgres_server import Postgres, programs
from simulated_rack import HOUR_S, QUARTER_NS, ROLLS_OVER_WH, SimulatedLine, SimulatedMeter, Socket

ANSWER_NS = 1_000_000_000
"""Time for an answer, within which a meter's counter was read."""
MEAN_WH_PER_S = 430
"""What a simulated meter counts, so that it rolls over some intervals after the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How large a soak is.

    Parameters
    ----------
    kills, store_kills : int
        How often the poll, and the database, is ended by SIGKILL.
    pause_s : float, optional
        Between two disturbances; without it a twelfth of the interval.
    """

    meters: int = 200
    modbus: int = 20
    mbus: int = 10
    interval_s: int = 60
    duration_s: float = 600.0
    kills: int = 5
    store_kills: int = 5
    seed: int = 1
    pause_s: float | None = None

    @property
    def tolerance_s(self) -> float:
        """So near to a boundary a read is a read at it."""
        return min(5.0, self.interval_s / 4)

    @property
    def grid(self) -> Grid:
        """The intervals."""
        return Grid(step_ns=self.interval_s * NANOSECONDS, tolerance_ns=round(self.tolerance_s * NANOSECONDS))


ROUNDS_OF_CALM = 3
PATIENCE_S = 180.0
WORDS = ("answer", "answer", "stop", "garbage", "silence", "swap", "die")
"""What a script does to a line or to one of its meters."""


@dataclass(slots=True)
class Soak:
    """A rack, its script and its log.

    Parameters
    ----------
    server : Postgres, optional
        Without it readings are kept in SQLite.
    """

    form: Form
    folder: Path
    say: Callable[[str], None]
    server: Any = None
    done: Counter[str] = field(default_factory=Counter)
    lines: list[Any] = field(default_factory=list)
    store: str = ""
    calm_ns: int = 0

    @property
    def config(self) -> Path:
        """The configuration of the poll."""
        return self.folder / "poll.toml"

    @property
    def sockets(self) -> list[Any]:
        """Every place."""
        return [socket for line in self.lines for socket in line.sockets]

    async def run(self) -> None:
        """Run the rack and its script against the poll."""
        chance = random.Random(self.form.seed)  # noqa: S311 - a script that can be had again
        await self._build(chance)
        poll = await self._start()
        begin_s = time.monotonic()
        calm_s = self.form.duration_s - max(3.5 * self.form.interval_s, 4)
        kills = self._instants(chance, self.form.kills, calm_s)
        store_kills = self._instants(chance, self.form.store_kills if self.server is not None else 0, calm_s)
        pause_s = self.form.pause_s or self.form.interval_s / 12
        disturb_s = pause_s
        try:
            while (at_s := time.monotonic() - begin_s) < self.form.duration_s or not self._is_settled(at_s):
                await asyncio.sleep(0.02)
                assert poll.returncode is None, f"the poll ended by itself: {self.log()[-3:]}"
                if kills and at_s > kills[0]:
                    kills.pop(0)
                    poll.send_signal(signal.SIGKILL)
                    await poll.wait()
                    self._did("poll killed", at_s)
                    poll = await self._start()
                if store_kills and at_s > store_kills[0]:
                    store_kills.pop(0)
                    await asyncio.to_thread(self.server.kill)
                    self._did("database killed", at_s)
                    await asyncio.sleep(chance.random() * self.form.interval_s / 6)
                    await asyncio.to_thread(self.server.start)
                if at_s > disturb_s:
                    disturb_s += pause_s
                    if at_s < calm_s:
                        await self._disturb(chance, at_s)
                    else:
                        await self._calm(at_s)
            poll.send_signal(signal.SIGTERM)
            status = await asyncio.wait_for(poll.wait(), 60)
            assert not status, f"the poll ended with {status}: {self.log()[-3:]}"
        finally:
            if poll.returncode is None:
                poll.kill()
            for line in self.lines:
                await line.stop()

    def _is_settled(self, at_s: float) -> bool:
        """Whether every place was read in three rounds of the calm, for which a busy machine is given more time."""
        if at_s > self.form.duration_s + PATIENCE_S:
            return True
        query = f"SELECT COUNT(*) FROM reading WHERE time_ns > {self.calm_ns} GROUP BY place_id"  # noqa: S608
        try:
            counts = [count for (count,) in self.ask(query)]
        except (sqlite3.Error, psycopg.Error):  # the poll has not begun, or the database is away
            return False
        return len(counts) == self.form.meters and min(counts) >= ROUNDS_OF_CALM

    def ask(self, query: str) -> "Rows":
        """Return what the store answers, asked without the package's own ways to it."""
        return (sqlite_asker(self.folder / "readings.db") if self.server is None else postgres_asker(self.store))(query)

    def log(self) -> list[str]:
        """Return what the poll told."""
        return (self.folder / "poll.log").read_text("utf-8").splitlines()

    def _did(self, what: str, at_s: float) -> None:
        self.done[what] += 1
        self.say(f"{at_s:7.2f} s {what}")

    def _instants(self, chance: random.Random, count: int, calm_s: float) -> list[float]:
        """Return seconds from now: every other one anywhere, the others while readings of a boundary are kept."""
        step_s, found = self.form.interval_s, []
        to_boundary_s = step_s - time.time() % step_s
        for number in range(count):
            anywhere_s = chance.random() * (calm_s - step_s / 2)
            keeping_s = to_boundary_s + anywhere_s // step_s * step_s + chance.random() * min(2.0, step_s / 4)
            found.append(keeping_s if number % 2 else anywhere_s)
        return sorted(found)

    async def _build(self, chance: random.Random) -> None:
        form = self.form
        ports = ["modbus+tcp"] * form.modbus + ["mbus+tcp"] * form.mbus
        shares: list[list[Any]] = [[] for _ in ports]
        for number in range(form.meters):
            begin_wh = (
                ROLLS_OVER_WH - round(chance.uniform(1, 7) * form.interval_s * MEAN_WH_PER_S)
                if number % 5 == 0
                else chance.randrange(10**9)
            )
            meter = SimulatedMeter(serial=10_000 + number, seed=form.seed + number, begin_ns=now_ns(), begin_wh=begin_wh)
            shares[number % len(ports)].append(Socket(f"place-{number:03d}", meter))
        self.lines = [SimulatedLine(scheme, share, chance) for scheme, share in zip(ports, shares, strict=True)]
        self.store = "sqlite:///readings.db" if self.server is None else self.server.database()
        timeout_s = min(ANSWER_NS / NANOSECONDS, form.interval_s / 8)
        text = [
            f"interval_s = {form.interval_s}\ntolerance_s = {form.tolerance_s}\ntimeout_s = {timeout_s}\n",
            f'store = "{self.store}"\n',
        ]
        for number, line in enumerate(self.lines):
            await line.answer()
            text += line.tables("cem-family" if number % 2 else "watthour")
        self.config.write_text("".join(text), "utf-8")

    async def _start(self) -> asyncio.subprocess.Process:
        log = (self.folder / "poll.log").open("ab")
        with log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "watthour", "poll", str(self.config), stdout=log, stderr=log
            )

    async def _disturb(self, chance: random.Random, at_s: float) -> None:
        line, what = chance.choice(self.lines), chance.choice(WORDS)
        socket = chance.choice(line.sockets)
        if what == "swap":
            socket.swap()
        elif what == "die":
            socket.is_dead = sum(each.is_dead for each in line.sockets) < len(line.sockets) - 1
            await line.answer()
        elif what == "answer":
            await _revived(line)
        elif what == "stop":
            await line.stop()
        else:
            await line.misbehave(speaks=what == "garbage")
        self._did(f"{what} {socket.place if what in {'swap', 'die'} else self.lines.index(line)}", at_s)

    async def _calm(self, at_s: float) -> None:
        if not self.done["calm"]:
            for line in self.lines:
                await _revived(line)
            self.calm_ns = now_ns()
            self._did("calm", at_s)


async def _revived(line: Any) -> None:
    for socket in line.sockets:
        socket.is_dead = False
    await line.answer()


Rows = list[tuple[Any, ...]]
Ask = Callable[[str], Rows]


def judge(soak: Soak, ask: Ask) -> Counter[str]:
    """Hold every interval against registers and phasors; return how many of which kind there are.

    Raises
    ------
    AssertionError
        At the first that does not hold.
    """
    grid = soak.form.grid
    found: Counter[str] = Counter()
    listed = _listed_gaps(soak)
    for socket in soak.sockets:
        places: dict[str, int] = dict(ask("SELECT name, id FROM place"))
        place = places.get(socket.place)
        if place is None:
            found["never read"] += 1
            continue
        good, intervals = _history(ask, place)
        assert all(b[0] - a[0] == grid.step_ns for a, b in pairwise(intervals)), f"{socket.place}: an interval is lost"
        _sums(socket, good, intervals, grid, found)
        state = json.loads(ask(f"SELECT state FROM place WHERE id = {place}")[0][0])  # noqa: S608
        found["growths counted exactly"] += _whole_sum(socket.place, state, good, intervals)
        _truths(socket, good, intervals, grid)
        for start, quality, micro in intervals:
            assert (micro is None) == (quality == Quality.GAP)
            assert micro is None or micro >= 0
            assert (quality >= Quality.ESTIMATED) == ((socket.place, start) in listed), f"{socket.place}: {start} as a gap"
            found[Quality(quality).name.lower()] += 1
    found["events"] = ask("SELECT COUNT(*) FROM event")[0][0]
    found["rolled over"] = ask("SELECT COUNT(*) FROM event WHERE kind = 'rolled over'")[0][0]
    found["swapped"] = ask("SELECT COUNT(*) FROM event WHERE kind = 'meter swapped'")[0][0]
    return found


def _history(ask: Ask, place: int) -> tuple[Rows, Rows]:
    """Return the good reads of a place, and its intervals, in order."""
    serials: dict[int, str] = dict(ask("SELECT id, serial FROM meter"))
    readings = ask(f"SELECT time_ns, meter_id, import_microwh, quality FROM reading WHERE place_id = {place} ORDER BY time_ns")  # noqa: S608
    intervals = ask(f"SELECT start_ns, quality, import_microwh FROM interval WHERE place_id = {place} ORDER BY start_ns")  # noqa: S608
    good = [(at, _number(serials[meter]), micro) for at, meter, micro, quality in readings if quality == "good"]
    return good, intervals


def _number(serial: str) -> int:
    """Return the number of a meter: on M-Bus it has letters before it, and eight digits."""
    return int(serial.removeprefix("CIR"))


def _listed_gaps(soak: Soak) -> set[tuple[str, int]]:
    """Return place and start of every interval that ``watthour readings gaps`` lists."""
    command = [sys.executable, "-m", "watthour", "readings", "gaps", str(soak.config), "--json"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not told.stderr, told.stderr
    found = set()
    for line in told.stdout.splitlines():
        gap = json.loads(line)
        begin, end = (round(_seconds(gap[key])) * NANOSECONDS for key in ("start", "end"))
        found |= {(gap["place"], at) for at in range(begin, end, soak.form.grid.step_ns)}
    return found


def _seconds(text: str) -> float:
    from datetime import datetime  # noqa: PLC0415

    return to_ns(datetime.fromisoformat(text)) / NANOSECONDS


def _sums(socket: Any, good: Rows, intervals: Rows, grid: Grid, found: Counter[str]) -> None:
    """Intervals between any two reads at boundaries sum to the difference of the registers, to the microwatt-hour."""
    at_boundary: dict[int, tuple[int, int, int]] = {}
    measured = {at for start, quality, _ in intervals if quality == Quality.MEASURED for at in (start, start + grid.step_ns)}
    for start in sorted(measured):
        near = [read for read in good if abs(read[0] - start) <= grid.tolerance_ns]
        before = [read for read in near if read[0] <= start][-1:]
        behind = [read for read in near if read[0] > start][:1]
        if len(before + behind) == 1:
            at_boundary[start] = (before + behind)[0]
    energies = {start: micro for start, _, micro in intervals}
    for (begin, (begin_ns, serial, low)), (end, (end_ns, other, high)) in pairwise(sorted(at_boundary.items())):
        between = {each for at, each, _ in good if begin_ns <= at <= end_ns}
        if between != {serial} or serial != other:
            continue
        total = sum(energies[start] for start in range(begin, end, grid.step_ns))
        modulus = REGISTER_MODULUS * MICRO
        assert total % modulus == (high - low) % modulus, f"{socket.place}: {total} is not {high - low}"
        found["sums checked"] += 1


def _whole_sum(place: str, state: Any, good: Rows, intervals: Rows) -> int:
    """Hold a place's count against what registers grew by between its good reads; return between how many.

    The intervals hold all of it, but what was counted before the first boundary and behind the last.
    """
    modulus = REGISTER_MODULUS * MICRO
    steps = [(after - before) % modulus for (_, a, before), (_, b, after) in pairwise(good) if a == b]
    assert state["total"]["import"] == sum(steps), f"{place}: {state['total']['import']} is not {sum(steps)}"
    assert state["good"]["time_ns"] == good[-1][0]
    if intervals and good[0][0] >= intervals[0][0]:
        held, counted = sum(micro or 0 for *_, micro in intervals), state["at_boundary"]["import"]
        assert held == counted, f"{place}: intervals hold {held}, the count {counted}"
    return len(steps)


def _truths(socket: Any, good: Rows, intervals: Rows, grid: Grid) -> None:
    """Hold intervals of one meter against its phasors.

    Those of its profile are exact; measured ones are right within the tolerance, interpolated ones within offset times change of power.
    """
    times = [at for at, *_ in good]
    for start, quality, micro in intervals:
        if quality > Quality.INTERPOLATED:
            continue
        first = max(bisect_right(times, start) - 1, 0)
        last = min(bisect_right(times, start + grid.step_ns + grid.tolerance_ns), len(times) - 1)
        here = {serial for _, serial, _ in good[first : last + 1]}
        if len(here) > 1:
            continue
        meter = socket.meters[here.pop()]
        true = meter.used_microwh(start, start + grid.step_ns)
        slack = 2 * MICRO
        if quality == Quality.PROFILE:
            slack = 0
        else:
            low, high = meter.extremes_w(max(meter.begin_ns, times[first] - ANSWER_NS), times[last] + ANSWER_NS)
            at_reads = high * 2 * (grid.tolerance_ns + (ANSWER_NS if quality != Quality.MEASURED else 0))
            on_line = 0 if quality == Quality.MEASURED else (high - low) * (times[last] - times[first])
            slack += (at_reads + on_line) * MICRO // HOUR_S // NANOSECONDS
        assert abs(micro - true) <= slack, f"{socket.place}: {micro} at {start}, truth {true}, {Quality(quality).name}"


class SimulatedTime:
    """A clock that goes where it is put."""

    def __init__(self, at_ns: int) -> None:
        self.at_ns = at_ns

    def now_ns(self) -> int:
        """Return the instant."""
        return self.at_ns

    def stepped_ns(self) -> int:
        """Return that nobody set it."""
        return 0


async def poll_with_pauses(soak: Soak, hours: int) -> None:
    """Poll meters with a load profile over simulated time: late, early, and away for up to ten hours."""
    form = soak.form
    chance = random.Random(form.seed)  # noqa: S311 - a script that can be had again
    begin_ns = now_ns() // QUARTER_NS * QUARTER_NS - hours * HOUR_S * NANOSECONDS
    clock = SimulatedTime(begin_ns)
    sockets = [
        Socket(
            f"place-{number:03d}",
            SimulatedMeter(
                serial=10_000 + number,
                seed=form.seed + number,
                begin_ns=begin_ns - chance.randrange(10**12),
                begin_wh=ROLLS_OVER_WH - chance.randrange(10**7) if number % 2 else number,
                clock=clock.now_ns,
            ),
        )
        for number in range(form.meters)
    ]
    line = SimulatedLine("modbus+tcp", sockets, chance)
    soak.lines = [line]
    await line.answer()
    head = f"interval_s = {form.interval_s}\ntolerance_s = {form.tolerance_s}\ntimeout_s = 5.0\nslot_s = 30.0\n"
    soak.config.write_text(head + "".join(line.tables("watthour")), "utf-8")
    plan = plan_poll(soak.config)
    try:
        boundary_ns, end_ns = begin_ns, now_ns()
        while boundary_ns <= end_ns:
            late_ns = chance.choice(
                [0, round(1e8), round(1e9), *(chance.randrange(form.interval_s * NANOSECONDS) for _ in "ab")]
            )
            clock.at_ns = boundary_ns + late_ns
            assert await Poll(plan, Showing(soak.say), stop_asked=lambda: False, clock=clock).run(once=True)  # type: ignore[arg-type]
            soak.done["polls"] += 1
            pause = chance.choice([1, 1, 1, 1, 2, chance.randrange(2, 40)])
            soak.done["boundaries nobody read"] += pause - 1
            boundary_ns += pause * form.interval_s * NANOSECONDS
    finally:
        await line.stop()


def sqlite_asker(file: Path) -> Ask:
    """Return what asks an SQLite archive, without the package's own ways to it."""

    def ask(query: str) -> Rows:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            return connection.execute(query).fetchall()

    return ask


def postgres_asker(url: str) -> Ask:
    """Return what asks a PostgreSQL archive, without the package's own ways to it."""

    def ask(query: str) -> Rows:
        with psycopg.connect(url) as connection:
            return connection.execute(query.encode()).fetchall()

    return ask


@contextlib.contextmanager
def database() -> Iterator[Any]:
    """Run a PostgreSQL of one's own."""
    folder = programs()
    assert folder is not None, "the soak kills a PostgreSQL: install it (apt: postgresql), or soak --sqlite"
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop()


def main() -> None:
    """Run the soak that the command line asks for, and print what came of it."""
    words = argparse.ArgumentParser(description=__doc__)
    whole = Form()
    for name in ("meters", "modbus", "mbus", "interval_s", "kills", "store_kills", "seed"):
        words.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(whole, name))
    words.add_argument("--duration-s", type=float, default=whole.duration_s)
    words.add_argument("--sqlite", action="store_true")
    words.add_argument("--profile", action="store_true")
    words.add_argument("--hours", type=int, default=72)
    asked = vars(words.parse_args())
    in_sqlite, by_profile, hours = (asked.pop(name) for name in ("sqlite", "profile", "hours"))
    form = replace(whole, **asked)
    with TemporaryDirectory(prefix="watthour-soak-") as name, contextlib.ExitStack() as stack:
        server = None if in_sqlite or by_profile else stack.enter_context(database())
        soak = Soak(form=form, folder=Path(name), say=_say, server=server)
        if by_profile:
            soak.form = replace(form, meters=10, interval_s=900)
            asyncio.run(poll_with_pauses(soak, hours))
        else:
            asyncio.run(soak.run())
            log = soak.log()
            sys.stdout.write("".join(f"{line}\n" for line in log if "store" in line or "archive" in line))
            sys.stdout.write(f"the poll told {len(log)} lines; those of the store stand above\n")
        found = judge(soak, soak.ask)
    done: Counter[str] = Counter()
    for what, count in soak.done.items():
        done[what.rstrip("0123456789-").removesuffix("place").strip()] += count
    sys.stdout.write(f"script: {dict(done)}\nfound: {dict(found)}\nevery sum equals its registers\n")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
