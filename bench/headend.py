"""The head-end against plain programs: reads a second beside a bare pymodbus loop, readings kept beside a bare executemany.

Both read the same registers of the same simulated meters, which a process of their own serves; processor time is that of the reader alone.
"""

import asyncio
import multiprocessing
import random
import runpy
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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

METERS = 8
ROUNDS = 25
READINGS = 5000
PLACES = 100
S = 10**9


def serve(ports: Any) -> None:
    """Answer for meters until the process is ended."""
    soak = runpy.run_path(str(Path(__file__).resolve().parent.parent / "tools" / "soak.py"))

    async def run() -> None:
        sockets = [
            soak["Socket"](f"{n}", soak["SimulatedMeter"](serial=n + 1, seed=n, begin_ns=now_ns(), begin_wh=0))
            for n in range(METERS)
        ]
        line = soak["SimulatedLine"]("modbus+tcp", sockets, random.Random(1))  # noqa: S311
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


def kept_by_us(folder: str) -> float:
    grid = Grid(step_ns=900 * S, tolerance_ns=5 * S)
    batch = [
        Observation(
            place=f"place-{n % PLACES}",
            reading=Reading(
                time_ns=n // PLACES * 900 * S,
                serial=str(n % PLACES),
                counters={
                    name: Counter(micro=1000 * n, modulus_micro=2**64) for name in ("import", "export", "q1", "q2", "q3", "q4")
                },
            ),
        )
        for n in range(READINGS)
    ]
    with open_archive(f"sqlite:///{folder}/ours.db") as archive:
        begin_s = time.perf_counter()
        for first in range(0, READINGS, 1000):
            record(archive, batch[first : first + 1000], grid)
        return READINGS / (time.perf_counter() - begin_s)


def kept_plainly(folder: str) -> float:
    connection = sqlite3.connect(f"{folder}/plain.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    columns = "place INTEGER, time INTEGER, a INTEGER, b INTEGER, c INTEGER, d INTEGER, e INTEGER, f INTEGER, g TEXT"
    for name in ("reading", "interval"):
        connection.execute(f"CREATE TABLE {name} ({columns}, PRIMARY KEY (place, time))")
    rows = [(n % PLACES, n // PLACES * 900 * S, *[1000 * n] * 6, "{}") for n in range(READINGS)]
    begin_s = time.perf_counter()
    for first in range(0, READINGS, 1000):
        for name in ("reading", "interval"):
            connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows[first : first + 1000])  # noqa: S608
        connection.commit()
    rate = READINGS / (time.perf_counter() - begin_s)
    connection.close()
    return rate


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
        kept, inserted = kept_by_us(folder), kept_plainly(folder)
    print(
        f"readings kept a second: {kept:.0f} with their intervals, bare executemany {inserted:.0f}: {kept / inserted:.3f} of it"
    )


if __name__ == "__main__":
    sys.exit(main())
