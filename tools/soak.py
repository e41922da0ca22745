"""The head-end under fire: a rack of simulated meters that die, come back, roll over, are swapped and answer garbage, by a seed.

``python tools/soak.py`` runs 200 meters on 20 Modbus TCP ports and 10 M-Bus lines over TCP for ten minutes by intervals of one; options
make it smaller. A meter is its phasors: voltage, current and angle of each second, whose energy is known in closed form; stations and
lines are those of the package. The poll is a program of its own, killed now and then. At the end every interval is held against the
registers that were read and against the phasors.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import cos, radians
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from watthour.headend.counting import Grid
from watthour.headend.reading import Quality
from watthour.host.instants import now_ns
from watthour.host.lines.mbus_server import serve_mbus_tcp
from watthour.host.lines.modbus_server import serve_modbus_tcp
from watthour.host.lines.url import parse_url
from watthour.parameters import DEFAULTS
from watthour.units import ENERGIES, MICRO, NANOSECONDS, REGISTER_MODULUS, VALUE_BY_NAME, Ratio, energy_name, exact_name
from watthour.view import Command, Outcome, Verdict, View

ROLLS_OVER_WH = REGISTER_MODULUS - 2
"""Where a meter begins that is to roll over soon."""
NOTHING = dict.fromkeys(VALUE_BY_NAME)
CT_A = 5000
ANSWER_NS = 300_000_000
"""Time for an answer, within which a meter's counter was read."""
HOUR_S = 3600


@dataclass(slots=True)
class SimulatedMeter:
    """A meter whose counters follow from its phasors.

    Parameters
    ----------
    seed : int
        Of its load: the currents of each second.
    begin_wh : int
        What its import register showed at `begin_ns`.
    """

    serial: int
    seed: int
    begin_ns: int
    begin_wh: int
    sums: list[int] = field(default_factory=lambda: [0])
    powers: list[int] = field(default_factory=list)

    def power_w(self, second: int) -> int:
        """Return the power of a second of its life: three phasors of voltage times those of current."""
        chance = random.Random(self.seed * 1_000_003 + second // 7)  # noqa: S311 - a load, not a secret
        return round(sum(230 * chance.uniform(0, CT_A) * cos(radians(chance.uniform(0, 40))) for _ in range(3)))

    def energy_microwh(self, at_ns: int) -> int:
        """Return what it has counted since it began, to the nanosecond."""
        second, part = divmod(at_ns - self.begin_ns, NANOSECONDS)
        while len(self.powers) <= second:
            self.powers.append(self.power_w(len(self.powers)))
            self.sums.append(self.sums[-1] + self.powers[-1] * MICRO // HOUR_S)
        return self.sums[second] + (self.sums[second + 1] - self.sums[second]) * part // NANOSECONDS

    def extremes_w(self, begin_ns: int, end_ns: int) -> tuple[int, int]:
        """Return the lowest and highest power between two instants."""
        first, last = (max(0, (at - self.begin_ns) // NANOSECONDS) for at in (begin_ns, end_ns))
        self.energy_microwh(max(end_ns, self.begin_ns))
        some = self.powers[first : last + 1]
        return min(some), max(some)

    def view(self) -> View:
        """Return what it shows now."""
        micro = self.begin_wh * MICRO + self.energy_microwh(now_ns())
        exact = dict.fromkeys((exact_name(energy) for energy in ENERGIES), 0) | {exact_name("import"): micro}
        shown = {energy_name(energy): exact[exact_name(energy)] // MICRO % REGISTER_MODULUS for energy in ENERGIES}
        return View(
            model="Q23622",
            serial=self.serial,
            time_ns=now_ns(),
            samples=1,
            duration_s=1.0,
            powered=True,
            values=NOTHING | shown,
            exact=exact,
            parameters={**DEFAULTS, "serial": self.serial, "ct": Ratio.parse(f"{CT_A}/5")},
        )


class Socket:
    """A place for a meter, as a line sees it; the meter in it can be swapped."""

    def __init__(self, place: str, meter: SimulatedMeter) -> None:
        self.place = place
        self.meter = meter
        self.meters = {meter.serial: meter}

    def view(self) -> View:
        """Return the view of whichever meter is in it."""
        return self.meter.view()

    def sample_time_s(self) -> float:
        """Return nothing of interest."""
        return 0.0

    async def ask(self, _command: Command) -> Outcome:
        """Do nothing."""
        return Outcome(verdict=Verdict.DONE)

    def swap(self) -> None:
        """Put another meter in."""
        serial = self.meter.serial + 1_000_000
        self.meter = SimulatedMeter(serial=serial, seed=serial, begin_ns=now_ns(), begin_wh=17)
        self.meters[serial] = self.meter


class SimulatedLine:
    """A port with its meters: answering, dead, silent, or full of garbage."""

    def __init__(self, scheme: str, sockets: list[Socket], chance: random.Random) -> None:
        self.scheme = scheme
        self.sockets = sockets
        self._chance = chance
        self._port = 0
        self._close: Callable[[], Awaitable[None]] | None = None

    async def answer(self) -> None:
        """Answer as a meter does."""
        await self.stop()
        url = parse_url(f"{self.scheme}://127.0.0.1:{self._port}")
        numbers = range(1, len(self.sockets) + 1)
        if url.is_mbus:
            server: Any = await serve_mbus_tcp(url, self.sockets, list(numbers))  # type: ignore[arg-type]
        else:
            server = await serve_modbus_tcp(url, self.sockets, units=list(numbers))  # type: ignore[arg-type]
        self._port = server.address[1]
        self._close = server.close

    async def misbehave(self, *, speaks: bool) -> None:
        """Answer garbage, or hear and say nothing."""
        await self.stop()

        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while await reader.read(300):
                    if speaks:
                        writer.write(self._chance.randbytes(self._chance.randrange(1, 60)))
            writer.close()

        server = await asyncio.start_server(hear, "127.0.0.1", self._port)

        async def close() -> None:
            server.close()
            getattr(server, "close_clients", lambda: None)()

        self._close = close

    async def stop(self) -> None:
        """Be gone."""
        if self._close is not None:
            await self._close()
            self._close = None

    def tables(self, device: str) -> Iterator[str]:
        """Yield its meters as a configuration has them."""
        for number, socket in enumerate(self.sockets, 1):
            word = "address" if self.scheme.startswith("mbus") else "unit"
            kind = "" if word == "address" else f'device = "{device}"\n'
            url = f"{self.scheme}://127.0.0.1:{self._port}?{word}={number}"
            yield f'[[meter]]\nplace = "{socket.place}"\nurl = "{url}"\nmax_power_w = {4 * 230 * CT_A}\n{kind}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How large a soak is."""

    meters: int = 200
    modbus: int = 20
    mbus: int = 10
    interval_s: int = 60
    duration_s: float = 600.0
    kills: int = 4
    seed: int = 1
    store: str = ""

    @property
    def tolerance_s(self) -> float:
        """So near to a boundary a read is a read at it."""
        return min(5.0, self.interval_s / 4)


@dataclass(slots=True)
class Soak:
    """A rack, its script and its log."""

    form: Form
    folder: Path
    say: Callable[[str], None]
    pause_s: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    lines: list[SimulatedLine] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The configuration of the poll."""
        return self.folder / "poll.toml"

    @property
    def sockets(self) -> list[Socket]:
        """Every place."""
        return [socket for line in self.lines for socket in line.sockets]

    async def run(self) -> None:
        """Run the rack and its script against the poll."""
        chance = random.Random(self.form.seed)  # noqa: S311 - a script that can be had again
        await self._build(chance)
        poll = await self._start()
        end_s = time.monotonic() + self.form.duration_s
        calm_s = end_s - max(3.5 * self.form.interval_s, 4)
        kills = sorted(time.monotonic() + chance.random() * (calm_s - time.monotonic()) for _ in range(self.form.kills))
        try:
            while time.monotonic() < end_s:
                await asyncio.sleep(self.pause_s or self.form.interval_s / 4)
                if kills and time.monotonic() > kills[0]:
                    kills.pop(0)
                    poll.send_signal(signal.SIGKILL)
                    await poll.wait()
                    poll = await self._start()
                    self.done["poll killed"] += 1
                if time.monotonic() < calm_s:
                    await self._disturb(chance)
                else:
                    await self._calm()
            poll.send_signal(signal.SIGTERM)
            status = await asyncio.wait_for(poll.wait(), 60)
            if status:
                msg = f"the poll ended with {status}"
                raise AssertionError(msg)
        finally:
            if poll.returncode is None:
                poll.kill()
            for line in self.lines:
                await line.stop()

    async def _build(self, chance: random.Random) -> None:
        form = self.form
        ports = ["modbus+tcp"] * form.modbus + ["mbus+tcp"] * form.mbus
        shares: list[list[Socket]] = [[] for _ in ports]
        for number in range(form.meters):
            begin_wh = ROLLS_OVER_WH - chance.randrange(8000, 14000) if number % 5 == 0 else chance.randrange(10**9)
            meter = SimulatedMeter(serial=10_000 + number, seed=form.seed + number, begin_ns=now_ns(), begin_wh=begin_wh)
            shares[number % len(ports)].append(Socket(f"place-{number:03d}", meter))
        self.lines = [SimulatedLine(scheme, share, chance) for scheme, share in zip(ports, shares, strict=True)]
        text = [
            f'interval_s = {form.interval_s}\ntolerance_s = {form.tolerance_s}\ntimeout_s = {ANSWER_NS / NANOSECONDS}\nstore = "{form.store or "sqlite:///readings.db"}"\n'
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

    async def _disturb(self, chance: random.Random) -> None:
        line = chance.choice(self.lines)
        what = chance.choice(["answer", "answer", "stop", "garbage", "silence", "swap"])
        self.done[what] += 1
        if what == "answer":
            await line.answer()
        elif what == "stop":
            await line.stop()
        elif what == "swap":
            chance.choice(line.sockets).swap()
        else:
            await line.misbehave(speaks=what == "garbage")

    async def _calm(self) -> None:
        if not self.done["calm"]:
            for line in self.lines:
                await line.answer()
        self.done["calm"] = 1


Rows = list[tuple[Any, ...]]


def judge(soak: Soak, ask: Callable[[str], Rows]) -> Counter[str]:
    """Hold every interval against registers and phasors; return how many of which kind there are.

    Raises
    ------
    AssertionError
        At the first that does not hold.
    """
    step_ns = soak.form.interval_s * NANOSECONDS
    grid = Grid(step_ns=step_ns, tolerance_ns=round(soak.form.tolerance_s * NANOSECONDS))
    found: Counter[str] = Counter()
    names: dict[str, int] = dict(ask("SELECT name, id FROM place"))
    serials: dict[int, str] = dict(ask("SELECT id, serial FROM meter"))
    for socket in soak.sockets:
        place = names.get(socket.place)
        if place is None:
            found["never read"] += 1
            continue
        readings = ask(
            f"SELECT time_ns, meter_id, import_microwh, quality FROM reading WHERE place_id = {place} ORDER BY time_ns"  # noqa: S608
        )
        intervals = ask(
            f"SELECT start_ns, quality, import_microwh FROM interval WHERE place_id = {place} ORDER BY start_ns"  # noqa: S608
        )
        good = [(at, serials[meter], micro) for at, meter, micro, quality in readings if quality == "good"]
        assert all(b[0] - a[0] == step_ns for a, b in pairwise(intervals)), f"{socket.place}: an interval is lost"
        _sums(socket, good, intervals, grid, found)
        _truths(socket, good, intervals, grid)
        for _, quality, micro in intervals:
            assert (micro is None) == (quality == Quality.GAP)
            assert micro is None or micro >= 0
            found[Quality(quality).name.lower()] += 1
    found["events"] = ask("SELECT COUNT(*) FROM event")[0][0]
    found["rolled over"] = ask("SELECT COUNT(*) FROM event WHERE kind = 'rolled over'")[0][0]
    found["swapped"] = ask("SELECT COUNT(*) FROM event WHERE kind = 'meter swapped'")[0][0]
    return found


def _sums(socket: Socket, good: Rows, intervals: Rows, grid: Grid, found: Counter[str]) -> None:
    """Intervals between any two reads at boundaries sum to the difference of the registers, to the microwatt-hour."""
    at_boundary: dict[int, tuple[int, str, int]] = {}
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


def _truths(socket: Socket, good: Rows, intervals: Rows, grid: Grid) -> None:
    """Measured intervals are those of the phasors within the tolerance, interpolated ones within offset times change of power."""
    times = [at for at, *_ in good]
    for start, quality, micro in intervals:
        if quality not in {Quality.MEASURED, Quality.INTERPOLATED}:
            continue
        first = max(bisect_right(times, start) - 1, 0)
        last = min(bisect_right(times, start + grid.step_ns + grid.tolerance_ns), len(times) - 1)
        here = {serial for _, serial, _ in good[first : last + 1]}
        if len(here) > 1:
            continue
        meter = next(
            each for serial, each in socket.meters.items() if str(serial) in here.pop().removeprefix("CIR").lstrip("0")
        )
        low, high = meter.extremes_w(max(meter.begin_ns, times[first] - ANSWER_NS), times[last] + ANSWER_NS)
        true = meter.energy_microwh(start + grid.step_ns) - meter.energy_microwh(max(start, meter.begin_ns))
        at_reads = high * 2 * (grid.tolerance_ns + (ANSWER_NS if quality != Quality.MEASURED else 0))
        on_line = 0 if quality == Quality.MEASURED else (high - low) * (times[last] - times[first])
        slack = (at_reads + on_line) * MICRO // HOUR_S // NANOSECONDS
        assert abs(micro - true) <= slack + 2 * MICRO, (
            f"{socket.place}: {micro} at {start}, truth {true}, {Quality(quality).name}"
        )


def sqlite_asker(file: Path) -> Callable[[str], Rows]:
    """Return what asks an SQLite archive, without the package's own ways to it."""

    def ask(query: str) -> Rows:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            return connection.execute(query).fetchall()

    return ask


def main() -> None:
    """Run the soak that the command line asks for, and print what came of it."""
    words = argparse.ArgumentParser(description=__doc__)
    whole = Form()
    for name in ("meters", "modbus", "mbus", "interval_s", "kills", "seed"):
        words.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(whole, name))
    words.add_argument("--duration-s", type=float, default=whole.duration_s)
    form = replace(whole, **vars(words.parse_args()))
    with TemporaryDirectory(prefix="watthour-soak-") as name:
        soak = Soak(form=form, folder=Path(name), say=print)
        asyncio.run(soak.run())
        sys.stdout.write((soak.folder / "poll.log").read_text("utf-8")[-3000:])
        found = judge(soak, sqlite_asker(soak.folder / "readings.db"))
    sys.stdout.write(f"script: {dict(soak.done)}\nintervals: {dict(found)}\nevery sum equals its registers\n")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
