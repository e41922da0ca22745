"""What a Modbus request costs: CPU of the server process, beside pymodbus' server and one of libmodbus in C; a paced serial line.

Sixty registers a request over fifty connections, each asking again when it is answered; the same client for all, the servers by
turns, the best of five rounds counts. Bars (DESIGN): one sixth of pymodbus, one and a half times libmodbus; 98 % of what a 19200 line
allows with 32 stations; an honest client's p99 beside 1000 idle and 200 slowly dripping connections at most twice the one alone, while
the meter takes samples from a writer that does not wait, and misses none. The program runs on asyncio's own loop; uvloop is measured beside it
where it is installed. ``WATTHOUR_BENCH_S`` is the time of each measurement.
"""

import asyncio
import json
import os
import resource
import runpy
import select
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from pymodbus.server import StartAsyncTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from watthour.host.lines import parse_url, serve_modbus_tcp
from watthour.station.modbus import SERIAL_LINE, Station
from watthour.view import Command, Outcome, Verdict, View
from watthour.wire.modbus.link import Answered, Requested
from watthour.wire.modbus.message import ReadRequest
from watthour.wire.modbus.rtu_frame import Timing
from watthour.wire.modbus.rtu_link import RtuClientLink, RtuStationLink

SECONDS = float(os.environ.get("WATTHOUR_BENCH_S", "2"))
CONNECTIONS = 50
REGISTERS = 60
ROUNDS = 5
HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """A meter that does nothing but show one view."""

    def __init__(self, view: View) -> None:
        self.shown = view

    def view(self) -> View:
        """Return the view."""
        return self.shown

    def sample_time_s(self) -> float:
        """Return that nothing is metered."""
        return 0.0

    async def ask(self, _command: Command) -> Outcome:
        """Do nothing."""
        return Outcome(verdict=Verdict.DONE)


def views(count: int = 1) -> list[View]:
    make_view = runpy.run_path(str(HERE.parent / "tests" / "station" / "views.py"))["make_view"]
    return [make_view(parameters={"bus_address": n + 1}) for n in range(count)]


async def serve_ours(port: int) -> None:
    await serve_modbus_tcp(parse_url(f"modbus+tcp://127.0.0.1:{port}"), [Meter(view) for view in views()])
    print("ready", flush=True)
    await asyncio.Event().wait()


async def serve_pymodbus(port: int) -> None:
    device = SimDevice(id=0, simdata=[SimData(0, values=[7] * 8192, datatype=DataType.REGISTERS)])
    print("ready", flush=True)
    await StartAsyncTcpServer(device, address=("127.0.0.1", port))


@contextmanager
def started(kind: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Run a server on a free port, and yield its process and port."""
    port = free_port()
    if kind == "libmodbus":
        program = folder / "libmodbus_server"
        subprocess.run(
            ["gcc", "-O2", "-I/usr/include/modbus", HERE / "_libmodbus_server.c", "-o", program, "-lmodbus"], check=True
        )
        command, env = [program], {**os.environ, "PORT": str(port)}
    else:
        command, env = [sys.executable, __file__, kind, str(port)], dict(os.environ)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env) as process:
        try:
            process.stdout.readline()
            time.sleep(0.5)
            yield process.pid, port
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def load(port: int, seconds: float, start_at: int) -> int:
    """Ask over all connections for some time; return how many were answered."""
    request = b"\0\1\0\0\0\6\1\3" + start_at.to_bytes(2, "big") + REGISTERS.to_bytes(2, "big")
    size = 9 + 2 * REGISTERS
    selector, asked = selectors.DefaultSelector(), 0
    for _ in range(CONNECTIONS):
        opened = socket.create_connection(("127.0.0.1", port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(opened, selectors.EVENT_READ)
        opened.sendall(request)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(1):
            reply = key.fileobj.recv(1024)
            if len(reply) != size:
                message = f"a reply of {len(reply)} bytes, not {size}: {reply[:12].hex(' ')}"
                raise RuntimeError(message)
            asked += 1
            key.fileobj.sendall(request)
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    return asked


def compare() -> None:
    ours = ("ours", "ours-uvloop") if find_spec("uvloop") else ("ours",)
    kinds = (*ours, "pymodbus", "libmodbus")
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        servers = {kind: running.enter_context(started(kind, Path(folder))) for kind in kinds}
        for _, port in servers.values():
            load(port, 0.3, 0x1000)
        for _ in range(ROUNDS):
            for kind, (pid, port) in servers.items():
                before = cpu_s(pid)
                asked = load(port, SECONDS, 0x1000)
                costs[kind].append(1e6 * (cpu_s(pid) - before) / asked)
    best = {kind: min(found) for kind, found in costs.items()}
    for kind, cost in best.items():
        print(f"{kind:12} {cost:8.1f} us of CPU a request of {REGISTERS} registers over {CONNECTIONS} connections")
    for kind in ours:
        print(
            f"{kind}: {best['pymodbus'] / best[kind]:.1f} times less than pymodbus (bar 6), {best[kind] / best['libmodbus']:.2f} times libmodbus in C (bar 1.5)"
        )


def serial_line() -> None:
    """Thirty-two stations on a line that takes its time: a character is 11 bits at 19200, frames are apart by 3.5 of them."""
    shown = views(32)
    character_s, timing = 11 / 19200, Timing.at(19200)
    station, link, client = Station([None] * 32, SERIAL_LINE), RtuStationLink(timing), RtuClientLink(1.0, timing)
    now, answered, spent_s, count = 0.0, 0, 0.0, 5000
    least_s = (8 + 5 + 2 * REGISTERS) * character_s + 2 * timing.turnaround_s
    for number in range(count):
        frame = client.send(ReadRequest(start=0x1000, count=REGISTERS), unit=1 + number % 32, now=now)
        now += len(frame) * character_s
        begun = time.perf_counter()
        (asked,) = (event for event in link.receive(frame, now) if isinstance(event, Requested))
        reply = link.send(station.answer(asked.unit, asked.request, shown), asked)
        took_s = time.perf_counter() - begun
        spent_s += took_s
        now += max(link.turnaround_s, took_s) + len(reply) * character_s
        answered += sum(isinstance(event, Answered) for event in client.receive(reply, now))
        now += client.turnaround_s
    share = answered * least_s / now
    print(
        f"serial line at 19200, 32 stations: {100 * share:.2f} % of the requests it allows (bar 98 %), {1e6 * spent_s / count:.0f} us a request"
    )


def asks_slowly(port: int, seconds: float) -> float:
    """Return the p99 of an honest client's waiting times, in milliseconds."""
    request, waits = b"\0\1\0\0\0\6\1\3\x10\0\0\x3c", []
    with socket.create_connection(("127.0.0.1", port)) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.perf_counter()
            opened.sendall(request)
            opened.recv(1024)
            waits.append(time.perf_counter() - begun)
            time.sleep(0.002)
    return 1000 * sorted(waits)[int(0.99 * len(waits))]


DRIPS = """
import socket, sys, time
port = int(sys.argv[1])
idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(1000)]
slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
print("ready", flush=True)
frame = b"\\0\\1\\0\\0\\0\\6\\1\\3\\x10\\0\\0\\x3c"
place = 0
while True:
    for one in slow:
        one.send(frame[place % 12 : place % 12 + 1])
    place += 1
    time.sleep(1)
"""


LIVE = """
[meter]
model = "Q23612"
serial = 23612001
[source]
stream = "-"
format = "int16"
rate_hz = 8000
scale = [0.02, 0.02, 0.02, 0.001, 0.001, 0.001]
"""
RATE_HZ = 8000
TICK_S = 0.02


class Converter(threading.Thread):
    """Writes samples as they fall due, as a converter does: what the meter does not take in time is missed, and counted."""

    def __init__(self, pipe: int) -> None:
        super().__init__(daemon=True)
        os.set_blocking(pipe, False)
        self.pipe = pipe
        self.written = self.missed = 0
        self.is_over = threading.Event()
        angle = 2 * np.pi * 50 * np.arange(RATE_HZ) / RATE_HZ
        phases = [angle - 2 * np.pi * place / 3 for place in range(3)]
        rows = [16000 * np.cos(phase) for phase in phases] + [7000 * np.cos(phase - 0.5) for phase in phases]
        self.second = np.rint(rows).astype("<i2").T.tobytes()

    def run(self) -> None:
        """Write until it is over, then close the pipe."""
        size, begun = len(self.second) // RATE_HZ, time.monotonic()
        while not self.is_over.wait(TICK_S):
            due = int((time.monotonic() - begun) * RATE_HZ)
            at = (self.written + self.missed) % RATE_HZ
            piece = (self.second + self.second)[at * size : (at + due - self.written - self.missed) * size]
            taken = self._write(piece, size)
            self.written += taken
            self.missed += len(piece) // size - taken
        os.close(self.pipe)

    def _write(self, piece: bytes, size: int) -> int:
        """Return how many whole samples went; a pipe takes a part of what is longer than it says it takes at once."""
        done = 0
        with suppress(BlockingIOError):
            while done < len(piece):
                done += os.write(self.pipe, piece[done : done + select.PIPE_BUF // size * size])
        return done // size


def crowd() -> None:
    """Ask a live meter alone, then beside 1000 idle connections and 200 that send a byte a second, by turns."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    alone, beside = [], []
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "live.toml"
        config.write_text(LIVE)
        port = free_port()
        command = [sys.executable, "-m", "watthour", "run", str(config), "--json", "--listen", f"modbus+tcp://127.0.0.1:{port}"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as meter:
            try:
                wait_for(port)
                converter = Converter(os.dup(meter.stdin.fileno()))
                meter.stdin.close()
                converter.start()
                asks_slowly(port, 2)
                for _ in range(ROUNDS):
                    alone.append(asks_slowly(port, SECONDS))
                    with dripping(port):
                        beside.append(asks_slowly(port, SECONDS))
                converter.is_over.set()
                metered = json.loads(meter.stdout.read())["samples"]
            finally:
                meter.kill()
    print(
        f"p99 of an honest client: {min(alone):.2f} ms alone, {min(beside):.2f} ms beside 1000 idle and 200 dripping: {min(beside) / min(alone):.2f} times (bar 2)"
    )
    due = converter.written + converter.missed
    print(f"samples meanwhile: {due} fell due, {due - metered} of them were missed (bar 0)")


@contextmanager
def dripping(port: int) -> Iterator[None]:
    """Keep 1000 idle connections open, and 200 that send a byte a second."""
    with subprocess.Popen([sys.executable, "-c", DRIPS, str(port)], stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            yield
        finally:
            process.kill()


def wait_for(port: int) -> None:
    """Wait until the meter is there: until then its port is closed, or says that it is busy."""
    for _ in range(3000):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as opened:
            opened.sendall(b"\0\1\0\0\0\6\1\3\x27\x10\0\2")
            if len(opened.recv(64)) == 13:  # noqa: PLR2004 - the serial number, no exception
                return
        time.sleep(0.1)
    message = "the meter does not answer"
    raise RuntimeError(message)


def main() -> None:
    if sys.argv[1:]:
        kind, port = sys.argv[1], int(sys.argv[2])
        if kind == "ours-uvloop":
            import uvloop  # noqa: PLC0415 - is no part of the program

            uvloop.run(serve_ours(port))
        asyncio.run(serve_pymodbus(port) if kind == "pymodbus" else serve_ours(port))
        return
    compare()
    serial_line()
    crowd()


if __name__ == "__main__":
    main()
