"""The life of a meter from one seed: what comes to its terminals, what is asked of it, its clock, its disk, its power cuts.

The metering thread of a running meter is run here, in the thread of whoever asks, with its store on the simulated disk and its
clocks made by the seed's dice. Nothing else of it is replaced, so what is proven is what runs.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
from simulated_disk import SimulatedDisk

from watthour.host.calendars import read_calendar
from watthour.host.config import Plan, SourceWish
from watthour.host.metering import MeteringThread, Pace, PulseFile, begin_work, keeping, thread, work
from watthour.host.store import DataDirectory, copy, directory
from watthour.parameters import Interface, check_setting
from watthour.pulses import Edge
from watthour.samples import Phasors
from watthour.view import ClosePeriod, EventKind, ResetPartial, SelectRate, Verdict, WriteSettings

SERIAL = 23612007
SECOND_NS = 10**9
RATIOS = (("200/5", "1/1"), ("123/5", "1/1"), ("7/5", "400/110"), ("5/5", "1/1"))
MIDNIGHT_NS = 1_769_904_000 * SECOND_NS
"""2026-02-01T00:00:00Z, where a billing period is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Something asked of the meter before it meters a row."""

    row: int
    kind: str
    value: int = 0


@dataclass(slots=True, kw_only=True)
class Scenario:
    """All that one seed decides, but what the power cuts leave."""

    seed: int
    start_ns: int
    rows: list
    pieces: int
    ratio: tuple[str, str]
    arithmetic: bool
    rate_source: str
    wishes: list[Wish]
    edges: dict[int, list[tuple[int, bool]]]
    checkpoint_commits: int
    has_pulses: bool
    fails: dict[str, float]
    """Share of writes and of syncs that the disk refuses, and of calls after which it begins, or ceases, to refuse nearly all."""
    voltages: np.ndarray = field(init=False)
    currents: np.ndarray = field(init=False)

    def __post_init__(self):
        amperes = np.array([[complex(a, -r) / 4 for a, r in row or ((0, 0),) * 3] for row in self.rows])
        self.currents = amperes[:, :, None].astype(np.complex128)
        self.voltages = np.full_like(self.currents, 225.0)

    @property
    def identity(self):
        return f"{self.seed:064x}"

    name, rate_hz, sample_type, remarks = "simulated", 1.0, "phasors", ()

    @property
    def samples(self):
        return len(self.rows)

    def time_of(self, row):
        return self.start_ns + row * SECOND_NS


def scenario_of(seed):
    """Return what a seed decides."""
    dice = random.Random(f"scenario {seed}")
    count = dice.choice((12, 40, 300, 2000))
    rows = [_row(dice) for _ in range(count)]
    if count > 12 and dice.random() < 0.3:
        begin = dice.randrange(2, count // 2)
        for row in range(begin, begin + dice.randrange(1, count // 3)):
            rows[row] = None
    rate_source = dice.choice(("bus", "calendar", "inputs"))
    start_ns = MIDNIGHT_NS + dice.choice((-count // 2, 900 - count // 2, -7200)) * SECOND_NS
    kinds = ["reset", "close", "cost"] + ["rate"] * 2 * (rate_source == "bus")
    wishes = sorted(
        (
            Wish(row=dice.randrange(1, count), kind=dice.choice(kinds), value=dice.randrange(1, 9))
            for _ in range(dice.randrange(4))
        ),
        key=lambda wish: wish.row,
    )
    wishes = [wish for wish, other in zip(wishes, [None, *wishes], strict=False) if other is None or wish.row != other.row]
    wishes = [wish for wish in wishes if rows[wish.row] is not None]
    costs = iter(range(1, 9))
    wishes = [replace(wish, value=next(costs)) if wish.kind == "cost" else wish for wish in wishes]
    edges = (
        {contact: _edges(dice, start_ns, count) for contact in (1, 2)} if dice.random() < 0.4 or rate_source == "inputs" else {}
    )
    if edges:
        rows = [row or _row(dice) for row in rows]
    return Scenario(
        seed=seed,
        start_ns=start_ns,
        rows=rows,
        pieces=dice.randrange(2, 8),
        ratio=dice.choice(RATIOS),
        arithmetic=dice.random() < 0.4,
        rate_source=rate_source,
        wishes=wishes,
        edges=edges,
        checkpoint_commits=dice.choice((1, 2, 3, 5, 64)),
        has_pulses=count <= 40 and dice.random() < 0.5,
        fails=dice.choice(
            ({}, {}, {}, {"write": 0.02, "sync": 0.02, "turn": 0.0}, {"write": 0.002, "sync": 0.1, "turn": 0.03})
        ),
    )


def _row(dice):
    """Return three phases of steps, each of them and their sums far from 0."""
    while True:
        row = tuple(
            (dice.choice((-1, 1, 1, 1)) * dice.randrange(1, 17), dice.choice((-1, 1)) * dice.randrange(1, 17)) for _ in range(3)
        )
        if all(abs(sum(each)) >= 1 for each in zip(*row, strict=True)):
            return row


def _edges(dice, start_ns, count):
    edges, time_ns, closed = [], start_ns, False
    for _ in range(dice.randrange(12)):
        time_ns += dice.choice((29_999_999, 30_000_000, 30_000_001, 10**9, dice.randrange(1, count * SECOND_NS // 8 + 2)))
        closed = not closed
        edges.append((time_ns, closed))
    return edges


class Clock:
    """Clocks of the seed's: one that only goes forward, one on the wall that somebody sets now and then."""

    CLOCK_BOOTTIME = 7

    def __init__(self, dice):
        self._dice = dice
        self._steady_s, self._wall_s = 1000.0, 1_800_000_000.0

    def monotonic(self):
        step_s = self._dice.choice((0.0, 0.1, 0.4, 1.5))
        self._steady_s += step_s
        self._wall_s += step_s
        if self._dice.random() < 0.01:
            self._wall_s += self._dice.choice((-3.15e8, -3600, -2, 2, 3600, 3.15e8))
        return self._steady_s

    def clock_gettime_ns(self, _clock):
        return round(self._steady_s * 1e9)

    def now_ns(self):
        return round(self._wall_s * 1e9)


class Source:
    """A scenario's rows, parted by the dice of each life anew, with what is asked before them."""

    def __init__(self, scenario, dice):
        self._scenario, self._dice = scenario, dice
        self.before_row = lambda row: None
        self.wish_rows = []

    def __getattr__(self, name):
        return getattr(self._scenario, name)

    def blocks(self, first_sample=0):
        scenario, at = self._scenario, first_sample
        longest = max(1, 2 * len(scenario.rows) // scenario.pieces)
        while at < len(scenario.rows):
            if scenario.rows[at] is None:
                at += 1
                continue
            self.before_row(at)
            stops = [row for row in self.wish_rows if row > at]
            end = min(at + self._dice.randint(1, longest), len(scenario.rows), *stops[:1])
            end = next((row for row in range(at, end) if scenario.rows[row] is None), end)
            yield Phasors(
                voltages=scenario.voltages[at:end],
                currents=scenario.currents[at:end],
                orders=(1,),
                frequency_hz=np.full(end - at, 50.0),
                first_sample=at,
            )
            at = end


class NoDiagnosis:
    """The wiring diagnosis counts nothing and keeps nothing: lives are faster without it."""

    def __init__(self, every_s, *, generates):
        pass

    def is_due(self, _time_ns):
        return False

    def filled(self, view):
        return view


@dataclass(slots=True)
class Promise:
    """What was handed to the store, and whether it was acknowledged."""

    record: bytes
    is_done: bool = False


class WatchedDirectory(DataDirectory):
    """The data directory, with a list of what it was asked to keep."""

    def __init__(self, data, disk):
        super().__init__(data, SERIAL, disk)
        self.promises = []
        self.loaded = self.found = None
        commit, load = self._pair._commit, self._pair.load

        def noting_commit(content, rows):
            made = commit(content, rows)
            self.promises.append(Promise(made.record))
            return made

        def noting_load():
            self.loaded = load()
            return self.loaded

        self._pair._commit, self._pair.load = noting_commit, noting_load

    def load(self):
        self.found = super().load()
        return self.found

    def save(self, kept, *, both=True):
        super().save(kept, both=both)
        self.promises[-1].is_done = True


@dataclass(slots=True)
class After:
    """What a power cut left, and what may be found there."""

    files: dict[str, bytes]
    has_begun: bool
    pulses: bytes
    allowed: tuple[bytes, ...]
    """Records of which one must be found: the last acknowledged, and those after it; with none acknowledged, also nothing."""
    may_be_new: bool
    boundary: str


NEW = After(files={}, has_begun=False, pulses=b"", allowed=(), may_be_new=True, boundary="")


@contextmanager
def world(scenario, dice, folder) -> Iterator[Clock]:
    """Replace what a meter has of the world: clocks, and what its configuration names."""
    clock = Clock(dice)
    with ExitStack() as stack:
        for module in (thread, work, directory):
            stack.enter_context(patch.object(module, "time", clock))
        for module in (thread, work, keeping):
            stack.enter_context(patch.object(module, "now_ns", clock.now_ns))
        stack.enter_context(patch.object(copy, "_CHECKPOINT_COMMITS", scenario.checkpoint_commits))
        stack.enter_context(patch.object(thread, "_PUBLISH_S", 1e9))  # nobody looks
        stack.enter_context(patch.object(thread, "Diagnosing", NoDiagnosis))
        stack.enter_context(patch.object(work, "read_calendar", lambda name, folder: _calendar(folder / name)))
        yield clock


_CALENDARS = {}


def _calendar(path):
    if path not in _CALENDARS:
        _CALENDARS[path] = read_calendar(str(path))
    return _CALENDARS[path]


CALENDAR = """title = "Four rates"
sources = ["ours"]
zone = "UTC"
clock = "civil"
first_day = "open"
last_day = "open"
rates = ["T1", "T2", "T3", "T4"]
[days]
all = { "00:00" = "T1", "00:05" = "T2", "00:15" = "T3", "00:20" = "T4", "22:10" = "T2", "23:45" = "T4", "23:58" = "T3" }
"""
_EDGES_MIN = ((0, 1), (5, 2), (15, 3), (20, 4), (22 * 60 + 10, 2), (23 * 60 + 45, 4), (23 * 60 + 58, 3))


def calendar_rate(time_ns):
    """Return the rate of the calendar above, read by hand."""
    minute = time_ns // (60 * SECOND_NS) % 1440
    return [rate for begin, rate in _EDGES_MIN if begin <= minute][-1]


class Faults:
    """A disk that refuses now and then, and at times nearly always.

    Parameters
    ----------
    fails : dict
        As of a `Scenario`.
    """

    def __init__(self, fails, platter, dice):
        self._fails, self._platter, self._dice = fails, platter, dice
        self._is_bad = False

    def refuse(self, what):
        """Tell whether a write or a sync fails."""
        if self._platter.is_dead:
            return False
        if self._dice.random() < self._fails["turn"]:
            self._is_bad = not self._is_bad
        return self._dice.random() < (0.8 if self._is_bad and what == "sync" else self._fails[what])


class Life:
    """One life: from what a cut left to the next cut, or to the end of the source.

    Parameters
    ----------
    folder : Path
        Where the lock and the file of pulses are.
    """

    def __init__(self, scenario, folder, platter, dice, after):
        self.scenario, self.dice, self.platter, self.after = scenario, dice, platter, after
        self.folder = folder
        self.pulse_path = folder / "pulses.csv"
        self.pulses_safe = after.pulses
        self.store = WatchedDirectory(folder, SimulatedDisk(platter))
        self.work = None
        self.failed = 0

    def begin(self):
        """Open the store again and bring the meter back."""
        scenario = self.scenario
        self.open_store()
        source = Source(scenario, self.dice)
        source.wish_rows = [wish.row for wish in scenario.wishes]
        pulse_file = PulseFile(self.pulse_path) if scenario.has_pulses else None
        with patch.object(work, "_open_source", lambda wish, settings: source):
            wish = SourceWish(path=Path("simulated"))
            self.work = begin_work(plan_of(scenario, self.folder), wish, self.store if self.has_lock else None, pulse_file)
        self.work.keeping.folder = "."  # the name of a temporary one is never the same again
        self.work.meter.switch_contacts(
            Edge(time_ns=time_ns, contact=contact, closed=closed, number=number)
            for contact, edges in scenario.edges.items()
            for number, (time_ns, closed) in enumerate(edges)
        )
        source.before_row = self._ask
        return self.work

    @property
    def found(self):
        """What was found when it began."""
        return self.store.found

    @property
    def has_lock(self):
        return self.store._lock >= 0

    def open_store(self):
        """Put what the cut left where it was, and own the directory."""
        self.store.path.mkdir(exist_ok=True)
        (self.store.path / "lock").write_bytes(directory._BEGUN if self.after.has_begun else b"")
        if self.scenario.has_pulses:
            self.pulse_path.write_bytes(self.after.pulses)
        self.store.open()

    def run(self):
        """Meter to the end, unless the power fails."""
        self.metering = MeteringThread(self.work, Pace(speed=None))
        if self.work.pulse_file is not None:
            sync = self.work.pulse_file.sync

            def noting_sync():
                sync()
                self.pulses_safe = self.pulse_path.read_bytes()

            self.work.pulse_file.sync = noting_sync
        self.metering._run()

    def _ask(self, row):
        """Ask what is to be asked before a row, unless the meter shows that it was done before the power failed."""
        for wish in self.scenario.wishes:
            if wish.row == row and not self._is_done(wish):
                answer = self.metering.submit(command_of(wish))
                while not self.metering._commands.empty():
                    self.metering._answer(self.metering._commands.get())
                if answer.result().verdict is Verdict.NOT_KEPT:
                    self._ask(row)

    def _is_done(self, wish):
        state, events = self.work.meter.state, self.work.keeping._chain.shown.since(0)
        before = [other for other in self.scenario.wishes if other.kind == wish.kind and other.row <= wish.row]
        if wish.kind == "reset":
            return sum(event.kind is EventKind.PARTIAL_RESET for event in events) >= len(before)
        if wish.kind == "close":
            asked = sum(mark.rate is None for mark in state.marks)
            return asked + sum(closing.cause == "command" for closing in state.closings.since(0)) >= len(before)
        if wish.kind == "cost":
            return int(state.settings["co2_kg_per_kwh"]) == len(before)
        return state.requested_rate == wish.value

    def close(self):
        self.store.close()
        if self.work is not None and self.work.pulse_file is not None:
            self.work.pulse_file.close()

    def has_begun(self):
        return (self.store.path / "lock").stat().st_size > 0

    def allowed(self):
        """Return the records of which a cut now must leave one, and whether it may leave nothing."""
        promises = self.store.promises
        done = [place for place, promise in enumerate(promises) if promise.is_done]
        if done:
            return tuple(promise.record for promise in promises[done[-1] :]), False
        return (*self.after.allowed, *(promise.record for promise in promises)), self.after.may_be_new

    def left_by_cut(self, image, dice, files):
        allowed, may_be_new = self.allowed()
        return After(files, self.has_begun(), self.pulses_left(dice), allowed, may_be_new, image.boundary)

    def left_by_stop(self):
        """Return what is there when the program ended by itself: nothing is lost that the system still holds."""
        allowed, may_be_new = self.allowed()
        pulses = self.pulse_path.read_bytes() if self.scenario.has_pulses else b""
        return After(self.platter.files(), self.has_begun(), pulses, allowed, may_be_new, "the program ended")

    def pulses_left(self, dice):
        if not self.scenario.has_pulses:
            return b""
        whole = self.pulse_path.read_bytes()
        if not whole.startswith(self.pulses_safe):
            return self.pulses_safe
        rest = whole[len(self.pulses_safe) :]
        return self.pulses_safe + rest[: dice.choice((0, len(rest), dice.randrange(len(rest) + 1)))]


def plan_of(scenario, folder):
    (folder / "four.toml").exists() or (folder / "four.toml").write_text(CALENDAR)
    ct, vt = scenario.ratio
    settings = {"serial": SERIAL, "ct": ct, "vt": vt, "rate_source": scenario.rate_source, "calendar": "four.toml"}
    settings |= {"summation": "arithmetic" if scenario.arithmetic else "vectorial", "demand_period_min": 1}
    settings |= {f"input{contact}_use": "rate" if scenario.rate_source == "inputs" else "pulses" for contact in (1, 2)}
    checked = {name: check_setting(name, value, Interface.CONFIG) for name, value in settings.items()}
    return Plan(settings=checked, folder=folder)


def command_of(wish):
    if wish.kind == "reset":
        return ResetPartial(interface=Interface.BUS)
    if wish.kind == "close":
        return ClosePeriod(interface=Interface.BUS)
    if wish.kind == "cost":
        return WriteSettings(settings={"co2_kg_per_kwh": wish.value}, interface=Interface.BUS)
    return SelectRate(rate=wish.value, interface=Interface.BUS)
