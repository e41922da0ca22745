"""What a live meter costs: one process at real time, read ten times a second, its share of one core.

The recording is the largest of the two paths of the design: 8000 samples a second from disk (bar 2 %), and the
simulated workshop (bar 8 %). CPU is that of the whole process, start-up left out, from /proc. Run it with
``make bench``; WATTHOUR_BENCH_S sets the seconds of each measurement.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pymodbus.client import ModbusTcpClient

RATE_HZ = 8000
SECONDS = float(os.environ.get("WATTHOUR_BENCH_S", "60"))
WARMING_S = 6
READS_PER_S = 10
PORT = 15730
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def write_recording(folder: Path, seconds: int) -> Path:
    """Write a three-phase recording as COMTRADE 2013 BINARY and return a configuration that meters it."""
    count = seconds * RATE_HZ
    angle = 2 * np.pi * 50.02 * np.arange(count) / RATE_HZ
    rows = np.zeros(count, [("number", "<u4"), ("stamp", "<u4"), ("values", "<i2", (6,))])
    for p in range(3):
        rows["values"][:, p] = np.rint(32500 * np.cos(angle - 2 * np.pi * p / 3))
        rows["values"][:, 3 + p] = np.rint(7000 * np.cos(angle - 2 * np.pi * p / 3 - 0.5))
    rows.tofile(folder / "day.dat")
    names = ("V1", "V2", "V3", "I1", "I2", "I3")
    steps = ("0.01", "0.01", "0.01", "0.001", "0.001", "0.001")
    channels = [
        f"{k},{n},,,{n[0].replace('I', 'A')},{a},0,0,-32767,32767,1,1,S"
        for k, (n, a) in enumerate(zip(names, steps, strict=True), 1)
    ]
    stamps = ["01/01/2026,00:00:00.000000"] * 2
    head = [
        "live,watthour,2013",
        "6,6A,0D",
        *channels,
        "50",
        "1",
        f"{RATE_HZ},{count}",
        *stamps,
        "BINARY",
        "1",
        "0,0",
        "0,0",
        "",
    ]
    (folder / "day.cfg").write_text("\r\n".join(head))
    path = folder / "live.toml"
    path.write_text('[meter]\nmodel = "Q23612"\n[source]\nrecording = "day.cfg"\n')
    return path


def cpu_s(pid: int) -> float:
    """Return the processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read(client: ModbusTcpClient) -> bool:
    """Read what a poller reads; False where the meter has no values yet, because it is still restored or its loops are compiled."""
    return not client.read_holding_registers(0x1000, count=98, device_id=255).isError()


def wait_for(client: ModbusTcpClient) -> None:
    """Wait until the meter answers, and until its start-up is over."""
    for _ in range(120):
        if client.connect() and read(client):
            time.sleep(WARMING_S)
            return
        time.sleep(0.5)
    message = "the meter does not answer"
    raise RuntimeError(message)


def share_of_core(config: Path, port: int, data: Path | None = None) -> float:
    """Run a meter at real time, read it, and return its share of a core in percent."""
    command = [sys.executable, "-m", "watthour", "run", str(config), "--listen", f"modbus+tcp://127.0.0.1:{port}"]
    command += [] if data is None else ["--data", str(data)]
    command += ["--web", "127.0.0.1:0"] if config.parent == EXAMPLES else []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as meter:
        try:
            with ModbusTcpClient("127.0.0.1", port=port, retries=0) as client:
                wait_for(client)
                begun_s, begun_cpu_s = time.monotonic(), cpu_s(meter.pid)
                while time.monotonic() - begun_s < SECONDS:
                    if not read(client):
                        message = "the meter does not answer"
                        raise RuntimeError(message)
                    time.sleep(1 / READS_PER_S)
                return 100 * (cpu_s(meter.pid) - begun_cpu_s) / (time.monotonic() - begun_s)
        finally:
            meter.terminate()


def main() -> None:
    """Print both shares."""
    with tempfile.TemporaryDirectory() as name:
        recorded = share_of_core(write_recording(Path(name), int(SECONDS) + 4 * WARMING_S), PORT)
        print(f"live meter on a recording, 8 kHz, 10 reads/s     {recorded:6.2f} % of a core, bar 2 %", flush=True)
        kept = share_of_core(Path(name) / "live.toml", PORT + 2, Path(name) / "state")
        print(f"the same, its state kept once a second           {kept:6.2f} % of a core, bar 2 %", flush=True)
    simulated = share_of_core(EXAMPLES / "workshop.toml", PORT + 1)
    print(f"live meter on the workshop, 8 kHz, 10 reads/s    {simulated:6.2f} % of a core, bar 8 %")


if __name__ == "__main__":
    main()
