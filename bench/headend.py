"""The head-end against plain programs: reads a second beside a bare pymodbus loop, readings kept beside a bare executemany and COPY.

Both read the same registers of the same simulated meters, which a process of their own serves; processor time is that of the reader alone.
"""

import asyncio
import json
import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from pymodbus.client import AsyncModbusTcpClient

from watthour.headend.counting import Grid
from watthour.headend.reading import Counter, Reading
from watthour.host.archive.database import open_archive
from watthour.host.archive.recording import Observation, record
from watthour.host.instants import now_ns
from watthour.host.lines.url import parse_url
from watthour.host.poller.config import PolledMeter
from watthour.host.poller.devices import device_of
from watthour.host.poller.line import Line
from watthour.units import ENERGIES

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "servers"))

from postgres_server import Postgres, programs
from simulated_rack import SimulatedLine, SimulatedMeter, Socket

METERS = 8
ROUNDS = 25
ROUNDS_KEPT = 8
PLACES = 1000
S = 10**9
STEP_NS = 900 * S


def serve(ports: Any) -> None:
    """Answer for meters until the process is ended."""

    async def run() -> None:
        sockets = [Socket(f"{n}", SimulatedMeter(serial=n + 1, seed=n, begin_ns=now_ns(), begin_wh=0)) for n in range(METERS)]
        line = SimulatedLine("modbus+tcp", sockets, random.Random(1))  # noqa: S311
        await line.answer()
        ports.put(line._port)  # noqa: SLF001
        await asyncio.sleep(300)

    asyncio.run(run())


async def ours(port: int) -> float:
    device = device_of("cem-family", Path())
    meters = [
        PolledMeter(place=f"{n}", url=parse_url(f"modbus+tcp://127.0.0.1:{port}?unit={n + 1}"), device=device)
        for n in range(METERS)
    ]
    line = Line(meters, timeout_s=5, slot_s=30, now_ns=now_ns)
    begin_s = time.process_time()
    count = 0
    for _ in range(ROUNDS):
        async for read in line.read_round(lambda: 1000.0):
            count += read.reading is not None
    used_s = time.process_time() - begin_s
    await line.close()
    return count / used_s


async def plain(port: int) -> float:
    requests = device_of("cem-family", Path()).reads()
    async with AsyncModbusTcpClient("127.0.0.1", port=port) as client:
        begin_s = time.process_time()
        count = 0
        for _ in range(ROUNDS):
            for unit in range(1, METERS + 1):
                for request in requests:
                    reply = await client.read_holding_registers(request.start, count=request.count, device_id=unit)
                    assert not reply.isError()  # noqa: S101
                count += 1
        return count / (time.process_time() - begin_s)


class Ours:
    """Rounds of readings kept by the head-end: arithmetic of counters, readings, intervals and the state of each place."""

    def __init__(self, url: str) -> None:
        self.archive = open_archive(url)
        self.grid = Grid(step_ns=STEP_NS, tolerance_ns=5 * S)
        self.keep(self.due(0))

    def due(self, number: int) -> Any:
        """Return what the meters of a round told."""
        return [
            Observation(
                place=f"place-{place}",
                reading=Reading(
                    time_ns=number * STEP_NS,
                    serial=str(place),
                    counters={name: Counter(micro=1000 * number + place, modulus_micro=2**64) for name in ENERGIES},
                    values=VALUES,
                ),
            )
            for place in range(PLACES)
        ]

    def keep(self, due: Any) -> None:
        """Keep it."""
        record(self.archive, due, self.grid)

    def close(self) -> None:
        """Let go of the database."""
        self.archive.close()


COLUMNS = "place BIGINT, time BIGINT, a BIGINT, b BIGINT, c BIGINT, d BIGINT, e BIGINT, f BIGINT, g TEXT"
VALUES = {"power_w": 1200, "voltage_l1_v": 230.1, "frequency_hz": 50.01}
TABLES = ("bare_reading", "bare_interval")


class Executemany:
    """The same rows by the driver's executemany, a transaction a round; nothing is reckoned and no state is kept."""

    def __init__(self, connection: Any, mark: str) -> None:
        self.connection, self.mark = connection, mark
        for table in TABLES:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({COLUMNS}, PRIMARY KEY (place, time))")
        connection.commit()

    def due(self, number: int) -> Any:
        """Return rows of a round: twice so many are inserted, as readings and as intervals."""
        return [(place, number * STEP_NS, *[1000 * number + place] * 6, json.dumps(VALUES)) for place in range(PLACES)]

    def keep(self, rows: Any) -> None:
        """Insert them."""
        for table in TABLES:
            marks = ", ".join([self.mark] * 9)
            self.connection.cursor().executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
        self.connection.commit()

    def close(self) -> None:
        """Let go of the database."""
        self.connection.close()


class Copy(Executemany):
    """The same rows by COPY."""

    def due(self, number: int) -> Any:
        """Return rows of a round that the other did not insert."""
        return super().due(number + 10_000)

    def keep(self, rows: Any) -> None:
        """Copy them."""
        for table in TABLES:
            with self.connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        self.connection.commit()


def sqlite_plainly(folder: str) -> Executemany:
    connection = sqlite3.connect(f"{folder}/plain.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return Executemany(connection, "?")


def readings_a_second(**ways: Any) -> dict[str, float]:
    """Return the best of several rounds of each way, one after the other in turn."""
    best = dict.fromkeys(ways, float("inf"))
    for number in range(1, ROUNDS_KEPT + 1):
        for name, way in ways.items():
            due = way.due(number)
            begin_s = time.perf_counter()
            way.keep(due)
            best[name] = min(best[name], time.perf_counter() - begin_s)
    for way in ways.values():
        way.close()
    return {name: PLACES / took_s for name, took_s in best.items()}


def show_kept(where: str, found: dict[str, float]) -> None:
    ours = found.pop("ours")
    peers = ", ".join(f"bare {name} {rate:.0f} ({ours / rate:.2f} of it)" for name, rate in found.items())
    print(f"readings kept a second with their intervals, {where}: {ours:.0f}; {peers}")


def main() -> None:
    ports = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,))
    server.start()
    try:
        port = ports.get(timeout=60)
        reads, bare = asyncio.run(ours(port)), asyncio.run(plain(port))
    finally:
        server.terminate()
        server.join()
    print(
        f"meters read a second of one core: {reads:.0f}, a plain pymodbus loop that decodes nothing {bare:.0f}: {reads / bare:.2f} times"
    )
    with tempfile.TemporaryDirectory() as folder:
        kept, plainly = Ours(f"sqlite:///{folder}/ours.db"), sqlite_plainly(folder)
        show_kept("SQLite", readings_a_second(ours=kept, executemany=plainly))
    if programs() is None:
        print("PostgreSQL is not there (apt: postgresql): not measured")
        return
    server = Postgres(programs())
    try:
        url = server.database()
        one, other = (psycopg.connect(url) for _ in "ab")
        found = readings_a_second(ours=Ours(server.database()), executemany=Executemany(one, "%s"), COPY=Copy(other, "%s"))
        show_kept("PostgreSQL", found)
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
