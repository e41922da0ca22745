"""How much memory a long stream takes: 4 GB generated into a pipe, against a short run of the same.

A process of its own writes raw int16 samples of six channels at 8000/s as fast as they are taken; the program meters
them from standard input. What counts is the peak of its resident memory, as the kernel tells it when the process has
ended, and that the energy is that of all the samples. ``pipe_memory.py 0.1`` writes as many GB.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE_HZ = 8000
ROW_BYTES = 12
SHORT_S = 60
LONG_GB = 4.0
BAR_MB = 50.0
VOLTAGE_STEPS, CURRENT_STEPS, LAG_RAD = 32000, 20000, 0.5

CONFIG = f"""
[meter]
model = "Q23612"
serial = 1
[source]
stream = "-"
format = "int16"
rate_hz = {RATE_HZ}
scale = [0.01, 0.01, 0.01, 0.0001, 0.0001, 0.0001]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run of the program gave."""

    peak_mb: float
    seconds: float
    samples: int
    import_microwh: int


def second_of_samples() -> bytes:
    """Return one second of 50 Hz, which may be repeated without a seam."""
    angle = 2 * np.pi * 50 / RATE_HZ * np.arange(RATE_HZ)[:, None] - 2 * np.pi / 3 * np.arange(3)
    rows = np.concatenate([VOLTAGE_STEPS * np.cos(angle), CURRENT_STEPS * np.cos(angle - LAG_RAD)], axis=1)
    return np.rint(rows).astype("<i2").tobytes()


def write(seconds: int) -> None:
    """Write so many seconds to standard output."""
    second = memoryview(second_of_samples())
    for _ in range(seconds):
        rest = second
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]


def metered(seconds: int) -> Run:
    """Meter so many seconds through a pipe."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "meter.toml"
        config.write_text(CONFIG)
        with (Path(folder) / "out").open("w+") as out:
            begun = time.perf_counter()
            writer = subprocess.Popen([sys.executable, __file__, "write", str(seconds)], stdout=subprocess.PIPE)
            program = [sys.executable, "-m", "watthour", "run", str(config), "--json"]
            meter = subprocess.Popen(program, stdin=writer.stdout, stdout=out, stderr=subprocess.DEVNULL)
            writer.stdout.close()
            _, status, usage = os.wait4(meter.pid, 0)
            meter.returncode = os.waitstatus_to_exitcode(status)
            taken = time.perf_counter() - begun
            writer.wait()
            if meter.returncode or writer.returncode:
                sys.exit(f"the meter ended with {meter.returncode}, the writer with {writer.returncode}")
            out.seek(0)
            result = json.loads(out.read().splitlines()[-1])
    return Run(
        peak_mb=usage.ru_maxrss * 1024 / 1e6,
        seconds=taken,
        samples=result["samples"],
        import_microwh=result["exact"]["import_microwh"],
    )


def main() -> None:
    """Print both runs and what lies between them."""
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else LONG_GB
    long_s = round(gigabytes * 1e9 / (RATE_HZ * ROW_BYTES))
    metered(1)  # compiles, where that was not done before
    short, long = metered(SHORT_S), metered(long_s)
    for run, seconds in ((short, SHORT_S), (long, long_s)):
        size = seconds * RATE_HZ * ROW_BYTES / 1e9
        print(
            f"{size:6.3f} GB, {seconds} s of samples: peak {run.peak_mb:.1f} MB, {run.seconds:.1f} s of time,"
            f" {run.samples} samples, {run.import_microwh} µWh imported"
        )
    more_mb = long.peak_mb - short.peak_mb
    whole = (short.samples, long.samples) == (SHORT_S * RATE_HZ, long_s * RATE_HZ)
    error_ppm = 1e6 * (long.import_microwh / long_s / (short.import_microwh / SHORT_S) - 1)
    print(
        f"every sample metered: {'yes' if whole else 'NO'}; energy of a second differs by {error_ppm:.4f} ppm between the two"
    )
    print(f"peak above the short run's {more_mb:6.1f} MB   bar {BAR_MB:g} MB {'met' if more_mb <= BAR_MB else 'MISSED'}")
    if not whole or more_mb > BAR_MB:
        sys.exit(1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(int(sys.argv[2]))
    else:
        main()
