"""A rack of meters by their phasors, on ports of 127.0.0.1: lines that answer, die, come back and talk garbage, meters that are swapped.

A meter is its phasors: voltage, current and angle of each second, whose energy is known in closed form; stations and lines are those of
the package. Tests, the soak of the head-end and its bench poll them.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from math import cos, radians
from typing import Any

from watthour.history import PROFILE_MIN, PROFILE_ROWS, History, ProfileRow, RowFlag
from watthour.host.instants import now_ns
from watthour.host.lines.mbus_server import serve_mbus_tcp
from watthour.host.lines.modbus_server import serve_modbus_tcp
from watthour.host.lines.url import parse_url
from watthour.parameters import DEFAULTS
from watthour.units import ENERGIES, MICRO, NANOSECONDS, REGISTER_MODULUS, VALUE_BY_NAME, Ratio, energy_name, exact_name
from watthour.view import Command, Outcome, Verdict, View

ROLLS_OVER_WH = REGISTER_MODULUS - 2
"""Where a meter begins that is to roll over soon."""
QUARTER_NS = PROFILE_MIN * 60 * NANOSECONDS
LOAD_S = 7
"""So long a load holds."""
NOTHING = dict.fromkeys(VALUE_BY_NAME)
CT_A = 5000
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
    clock: Callable[[], int] = now_ns
    sums: list[int] = field(default_factory=lambda: [0])
    powers: list[int] = field(default_factory=list)
    rows: History[ProfileRow] = field(default_factory=lambda: History(keep=PROFILE_ROWS))

    def power_w(self, load: int) -> int:
        """Return the power of one of its loads: three phasors of voltage times those of current."""
        chance = random.Random(self.seed * 1_000_003 + load)  # noqa: S311 - a load, not a secret
        return round(sum(230 * chance.uniform(0, CT_A) * cos(radians(chance.uniform(0, 40))) for _ in range(3)))

    def energy_microwh(self, at_ns: int) -> int:
        """Return what it has counted since it began, to the nanosecond."""
        second, part = divmod(at_ns - self.begin_ns, NANOSECONDS)
        while len(self.powers) <= second:
            power_w = self.power_w(len(self.powers) // LOAD_S)
            for _ in range(LOAD_S):
                self.powers.append(power_w)
                self.sums.append(self.sums[-1] + power_w * MICRO // HOUR_S)
        return self.sums[second] + (self.sums[second + 1] - self.sums[second]) * part // NANOSECONDS

    def extremes_w(self, begin_ns: int, end_ns: int) -> tuple[int, int]:
        """Return the lowest and highest power between two instants."""
        first, last = (max(0, (at - self.begin_ns) // NANOSECONDS) for at in (begin_ns, end_ns))
        self.energy_microwh(max(end_ns, self.begin_ns))
        some = self.powers[first : last + 1]
        return min(some), max(some)

    def used_microwh(self, begin_ns: int, end_ns: int) -> int:
        """Return what it counted between two instants, as far as it lived then."""
        return self.energy_microwh(max(end_ns, self.begin_ns)) - self.energy_microwh(max(begin_ns, self.begin_ns))

    def profile(self) -> History[ProfileRow]:
        """Return the rows of its load profile that are complete."""
        start_ns = self.begin_ns // QUARTER_NS * QUARTER_NS + len(self.rows) * QUARTER_NS
        for at in range(start_ns, self.clock() - QUARTER_NS + 1, QUARTER_NS):
            row = ProfileRow(
                start_ns=at,
                end_ns=at + QUARTER_NS,
                energies=(self.used_microwh(at, at + QUARTER_NS), 0, 0, 0, 0, 0),
                rates=(1,),
                demand_microw=None,
                metered_ns=at + QUARTER_NS - max(at, self.begin_ns),
                flags=RowFlag.INCOMPLETE if at < self.begin_ns else RowFlag(0),
            )
            self.rows = self.rows.append(row)
        return self.rows

    def view(self) -> View:
        """Return what it shows now."""
        at_ns = self.clock()
        micro = self.begin_wh * MICRO + self.energy_microwh(at_ns)
        exact = dict.fromkeys((exact_name(energy) for energy in ENERGIES), 0) | {exact_name("import"): micro}
        shown = {energy_name(energy): exact[exact_name(energy)] // MICRO % REGISTER_MODULUS for energy in ENERGIES}
        return View(
            model="Q23622",
            serial=self.serial,
            time_ns=at_ns,
            samples=1,
            duration_s=1.0,
            powered=True,
            values=NOTHING | shown,
            exact=exact,
            parameters={**DEFAULTS, "serial": self.serial, "ct": Ratio.parse(f"{CT_A}/5")},
            profile=self.profile(),
        )


class Socket:
    """A place for a meter, as a line sees it; the meter in it can be swapped."""

    def __init__(self, place: str, meter: SimulatedMeter) -> None:
        self.place = place
        self.meter = meter
        self.meters = {meter.serial: meter}
        self.is_dead = False

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
        clock = self.meter.clock
        self.meter = SimulatedMeter(serial=serial, seed=serial, begin_ns=clock(), begin_wh=17, clock=clock)
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
        """Answer as meters do; those that are dead do not."""
        await self.stop()
        url = parse_url(f"{self.scheme}://127.0.0.1:{self._port}")
        there = {number: socket for number, socket in enumerate(self.sockets, 1) if not socket.is_dead}
        meters, numbers = list(there.values()), list(there)
        if url.is_mbus:
            server: Any = await serve_mbus_tcp(url, meters, numbers)
        else:
            server = await serve_modbus_tcp(url, meters, units=numbers)
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
