"""Leave the page of a living meter open, and say whether it grows or stalls: an hour by default, part of `make soak`.

Usage: python tools/page_hour.py [--minutes N] [--samples N] [--log FILE.csv] (needs chromium on the PATH)

Looked at again and again, each time after a forced collection of garbage: the heap of the page, its nodes and listeners, how long it
went without a message at worst, how often it had to open its stream, how far its clock is behind the meter's, and the memory of
the meter's process. The first quarter of the time is for warming up; what follows is judged (`failures`).
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

NETWORK = Path(__file__).resolve().parent.parent / "examples" / "workshop.network.toml"
METER = """\
[meter]
model = "Q23612"
serial = 23612001
ct = "200/5"
[tariff]
calendar = "es/3.0TD/peninsula"
[source]
network = "{network}"
"""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WATCHING = """\
window.watched = { messages: 0, opened: 0, last: performance.now(), longest: 0 };
window.EventSource = class extends window.EventSource {
  constructor(...given) {
    super(...given);
    watched.opened += 1;
    this.addEventListener("live", () => {
      const now = performance.now();
      watched.messages += 1;
      watched.longest = Math.max(watched.longest, now - watched.last);
      watched.last = now;
    });
  }
};
"""
TAKEN = """() => {
  const told = { ...watched, longest: Math.max(watched.longest, performance.now() - watched.last), clock: document.getElementById("clock").textContent };
  watched.longest = 0;
  return told;
}"""
LEAKING = """\
window.kept = [];
addEventListener("DOMContentLoaded", () => new EventSource("events").addEventListener("live", (event) => kept.push(...Array.from({ length: 20 }, () => JSON.parse(event.data)))));
"""
COLLECTIONS = 3
"""Nodes that garbage held are garbage only after it."""
SILENCE_MS = 3000.0
"""After this the page itself calls the meter away."""
BEHIND_S = 2.0
GROWTH = {"heap_bytes": 512 * 1024, "nodes": 60, "listeners": 12, "meter_bytes": 6 * 2**20}
"""How much more there may be in the last quarter of the time than in the second: of heap, in an hour, some sixty bytes a window.

Each quarter counts by its least, since a busy browser leaves garbage lying, which only adds; what leaks is never less. An hour rightly
brings some nodes with the quarters of an hour and the events that the page shows."""
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at the page found."""

    time_s: float
    heap_bytes: int
    nodes: int
    listeners: int
    meter_bytes: int
    messages: int
    opened: int
    longest_ms: float
    behind_s: float


def failures(looks: Sequence[Look], slack: float = 1.0) -> list[str]:
    """Return what is wrong with a page that was looked at like this; nothing: it neither grew nor stalled.

    Parameters
    ----------
    slack : float
        How many times `GROWTH` is allowed: more than once where few looks leave it to chance how much garbage lies about.
    """
    quarter = len(looks) // 4
    if not quarter:
        return [f"{len(looks)} looks are too few to judge"]
    wrong = []
    for name, allowed in GROWTH.items():
        early, late = (min(getattr(look, name) for look in part) for part in (looks[quarter : 2 * quarter], looks[-quarter:]))
        if late - early > allowed * slack:
            wrong.append(f"{name} grew by {late - early:.0f}, from {early:.0f} to {late:.0f}")
    if (longest := max(look.longest_ms for look in looks)) >= SILENCE_MS:
        wrong.append(f"no message for {longest / 1000:.1f} s")
    if (opened := looks[-1].opened - looks[0].opened) > 0:
        wrong.append(f"the stream was opened anew {opened} times")
    if (behind := max(look.behind_s for look in looks)) > BEHIND_S:
        wrong.append(f"the page was {behind:.1f} s behind the meter")
    return wrong


@contextmanager
def living_meter(folder: Path) -> Iterator[tuple[int, str]]:
    """Run the workshop's meter as it is now; yield the id of its process and the address of its page."""
    config = folder / "meter.toml"
    config.write_text(METER.format(network=NETWORK), "utf-8")
    words = [sys.executable, "-m", "watthour", "run", str(config), "--web", "127.0.0.1:0"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as meter:
        try:
            assert meter.stderr is not None
            yield meter.pid, next(line.split("look at ")[1].strip() for line in meter.stderr if "look at " in line)
        finally:
            meter.terminate()


def look(page: Page, session: CDPSession, meter: int, url: str, begun_s: float) -> Look:
    """Look at the page once."""
    for _ in range(COLLECTIONS):
        session.send("HeapProfiler.collectGarbage")
    told: dict[str, Any] = page.evaluate(TAKEN)
    counters = session.send("Memory.getDOMCounters")
    with urllib.request.urlopen(f"{url}api/v1/live") as answer:  # noqa: S310 - the meter just started
        now = datetime.fromisoformat(json.load(answer)["time"])
    shown = datetime.fromisoformat(told["clock"].removesuffix(" UTC") + "+00:00")
    return Look(
        time_s=round(time.monotonic() - begun_s, 1),
        heap_bytes=session.send("Runtime.getHeapUsage")["usedSize"],
        nodes=counters["nodes"],
        listeners=counters["jsEventListeners"],
        meter_bytes=resident_bytes(meter),
        messages=told["messages"],
        opened=told["opened"],
        longest_ms=round(told["longest"], 1),
        behind_s=round((now - shown).total_seconds() - 1.0, 3),  # its clock shows whole seconds
    )


def resident_bytes(process: int) -> int:
    """Return the memory of a process."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


def watch(seconds: float, samples: int, *, leaking: bool = False) -> Iterator[Look]:
    """Leave the page open, and yield look after look."""
    with tempfile.TemporaryDirectory() as name, living_meter(Path(name)) as (meter, url), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(PATIENCE_S * 1000)
        page.add_init_script(WATCHING + (LEAKING if leaking else ""))
        page.goto(url)
        page.wait_for_selector("#link[data-state=live]")
        page.wait_for_selector(".bar.l1", state="attached")
        page.wait_for_timeout(2000)
        session = page.context.new_cdp_session(page)
        begun_s = time.monotonic()
        page.evaluate(TAKEN)
        for number in range(1, samples + 1):
            page.wait_for_timeout(max(0.0, 1000 * (begun_s + seconds * number / samples - time.monotonic())))
            yield look(page, session, meter, url, begun_s)
        browser.close()


def main() -> int:
    """Watch, keep each look, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--log", type=Path, default=None)
    parser.add_argument("--leaking", action="store_true", help="leave a page open that grows, to see it found")
    words = parser.parse_args()
    looks = []
    with sys.stdout if words.log is None else words.log.open("w", encoding="utf-8") as log:
        writer = csv.DictWriter(log, [each.name for each in fields(Look)], lineterminator="\n")
        writer.writeheader()
        for each in watch(60 * words.minutes, words.samples, leaking=words.leaking):
            looks.append(each)
            writer.writerow(asdict(each))
            log.flush()
    wrong = failures(looks)
    longest_ms = max(each.longest_ms for each in looks)
    said = (
        "; ".join(wrong) or f"neither grew nor stalled: {looks[-1].messages} messages, at most {longest_ms:.0f} ms between two"
    )
    sys.stderr.write(f"the page left open for {words.minutes:g} minutes: {said}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
