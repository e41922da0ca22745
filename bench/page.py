"""How old the values on the page are, and what the meter misses while ten browsers look.

Samples are written to a live meter as the clock goes, their voltage rising steadily, so that each value tells the instant of the
window that it is of. One page is open in Chromium and says when a value was painted, nine more streams are read to the byte: a
value is oldest just before the next one is there. Every sample that was written has to be in the registers at the end. Run it
with ``make bench`` on a machine that has nothing else to do (needs chromium on the PATH); WATTHOUR_BENCH_S sets the seconds.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright

RATE_HZ = 8000
SECONDS = float(os.environ.get("WATTHOUR_BENCH_S", "60"))
WATCHERS = 9
AGE_BAR_S = 0.4
CHUNK_S = 0.01
FIRST_V, RISE_V_PER_S = 200.0, 0.5
STEP_V, STEP_A = 0.02, 0.001
WINDOW_S = 0.2
WARMING_S = 5.0
PATIENCE_MS = 120_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CONFIG = f"""\
[meter]
model = "Q23612"
[source]
stream = "-"
format = "int16"
rate_hz = {RATE_HZ}
start = "2026-01-15T12:00:00Z"
scale = [{STEP_V}, {STEP_V}, {STEP_V}, {STEP_A}, {STEP_A}, {STEP_A}]
"""
VOLTAGE = re.compile(rb'"voltage_l1_v":([0-9.]+)')
Painted = list[tuple[float, float | None]]
"""When which value was there."""
WATCHING = """\
window.painted = [];
window.EventSource = class extends window.EventSource {
  constructor(...given) {
    super(...given);
    this.addEventListener("live", (event) => {
      const volts = JSON.parse(event.data).values.voltage_l1_v;
      requestAnimationFrame(() => painted.push([(performance.timeOrigin + performance.now()) / 1000, volts]));
    });
  }
};
"""


def samples_from(first: int, count: int) -> bytes:
    """Return interleaved samples from a number on."""
    number = np.arange(first, first + count)
    time_s: NDArray[np.float64] = number / RATE_HZ
    phases = 2 * np.pi * (50 * time_s[:, None] - np.arange(3) / 3)
    volts = np.sqrt(2) * (FIRST_V + RISE_V_PER_S * time_s)[:, None] * np.cos(phases)
    amperes = 5 * np.sqrt(2) * np.cos(phases - 0.3)
    return np.rint(np.hstack([volts / STEP_V, amperes / STEP_A])).astype("<i2").tobytes()


@dataclass
class Writer:
    """Samples written as the clock goes; each chunk when its last sample is due."""

    pipe: IO[bytes]
    begun_s: float = 0.0
    written: int = 0
    latest_s: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def write(self) -> None:
        """Write until it is over."""
        count = round(CHUNK_S * RATE_HZ)
        self.begun_s = time.time()
        while not self.over.is_set():
            chunk = samples_from(self.written, count)
            due_s = self.begun_s + (self.written + count) / RATE_HZ
            time.sleep(max(0.0, due_s - time.time()))
            self.pipe.write(chunk)
            self.pipe.flush()
            self.latest_s = max(self.latest_s, time.time() - due_s)
            self.written += count
        self.pipe.close()


def ages_s(painted: Painted, begun_s: float) -> list[float]:
    """Return how old each value was when the next one was painted."""
    shown: list[tuple[float, float]] = []
    for at_s, volts in painted:
        if volts is not None and (not shown or volts != shown[-1][1]):
            shown.append((at_s, volts))
    ends = [begun_s + (volts - FIRST_V) / RISE_V_PER_S + WINDOW_S / 2 for _, volts in shown]
    return [after[0] - end for (_, after), end in zip(pairwise(shown), ends[:-1], strict=True)]


def paint(url: str, seconds: float) -> Painted:
    """Open the page, and return what it has painted in so many seconds."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(WATCHING)
        page.goto(url)
        page.wait_for_selector("#link[data-state=live]")
        page.wait_for_timeout(1000 * WARMING_S)
        page.evaluate("painted.length = 0")
        page.wait_for_timeout(1000 * seconds)
        painted: Painted = page.evaluate("painted")
        browser.close()
    return painted


def follow(url: str, over: threading.Event, heard: Painted) -> None:
    """Read the stream, and keep when which value came, until it is over."""
    with urllib.request.urlopen(f"{url}events") as stream:  # noqa: S310 - the meter just started
        for line in stream:
            if over.is_set():
                return
            if line.startswith(b'data: {"serial"') and (found := VOLTAGE.search(line)):
                heard.append((time.time(), float(found[1])))


def tell(where: str, ages: list[float]) -> float:
    """Print how old values became, and return the greatest age."""
    figures = f"median {np.median(ages):.3f} s, p99 {np.quantile(ages, 0.99):.3f} s"
    print(f"greatest age of {len(ages):5d} values {where:22} {max(ages):6.3f} s, bar {AGE_BAR_S} s; {figures}")
    return max(ages)


def main() -> int:
    """Print ages and what was missed; 1 where a bar is missed."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "live.toml"
        config.write_text(CONFIG, "utf-8")
        words = [sys.executable, "-m", "watthour", "run", str(config), "--web", "127.0.0.1:0", "--json"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as meter:
            assert meter.stdin and meter.stdout and meter.stderr  # noqa: S101, PT018 - they were asked for
            url = next(line.decode().split("look at ")[1].strip() for line in meter.stderr if b"look at " in line)
            threading.Thread(target=meter.stderr.read, daemon=True).start()
            writer = Writer(meter.stdin)
            writing = threading.Thread(target=writer.write)
            writing.start()
            heard: list[Painted] = [[] for _ in range(WATCHERS)]
            watchers = [threading.Thread(target=follow, args=(url, writer.over, rows)) for rows in heard]
            for watcher in watchers:
                watcher.start()
            try:
                painted = paint(url, SECONDS)
            finally:
                writer.over.set()
                for thread in (*watchers, writing):
                    thread.join()
            metered = json.loads(meter.stdout.read())["samples"]
    first_s = painted[0][0]
    shown = [painted, *([row for row in rows if row[0] >= first_s] for rows in heard)]
    missed = writer.written - metered
    print(f"the writer was at most {1000 * writer.latest_s:.0f} ms late")
    worst_s = max(
        tell("painted on a page", ages_s(shown[0], writer.begun_s)),
        tell(f"heard on {WATCHERS} streams", [age for rows in shown[1:] for age in ages_s(rows, writer.begun_s)]),
    )
    print(f"samples missed by the meter meanwhile                  {missed:6d}   of {writer.written}, bar 0")
    return int(missed != 0 or worst_s > AGE_BAR_S)


if __name__ == "__main__":
    sys.exit(main())
