"""The head-end from a user's chair: a meter of ours polled, a poll that was away for hours, and what its intervals are then."""

import asyncio
import csv
import io
import json
import signal
import socket
import time
from decimal import Decimal

from watthour.headend.reading import Quality
from watthour.host.archive.database import open_archive
from watthour.host.archive.queries import events, intervals, places
from watthour.host.poller.config import plan_poll
from watthour.host.poller.running import Poll
from watthour.host.poller.showing import Showing
from watthour.units import ENERGIES, energy_name

PATIENCE_S = 60.0
START_NS = 1_767_225_600 * 10**9
"""2026-01-01T00:00:00Z."""
HOUR_NS = 3600 * 10**9
QUARTER_NS = 900 * 10**9

NETWORK = """\
start = 2026-01-01T00:00:00Z
[supply]
voltages_v = 230
frequency_hz = 50
[[load]]
name = "works"
kind = "profile"
phases = ["L1", "L2", "L3"]
power_w = 9000
cos_phi = "0.8 ind"
varies_percent = 20
[load.profile]
workday = [3, 9, 80, 20, 50, 6, 55, 82, 90, 72, 95, 100, 88, 45, 80, 96, 92, 78, 60, 52, 48, 30, 6, 3]
weekend = [3, 9, 80, 20, 50, 6, 55, 82, 90, 72, 95, 100, 88, 45, 80, 96, 92, 78, 60, 52, 48, 30, 6, 3]
[noise]
seed = 7
[sampling]
rate_hz = 1600
"""


def operating_h(ask, url):
    """Return how long a meter has run; None where it does not answer yet."""
    status, lines, _ = ask("read", url, "--json")
    return None if status else json.loads(lines[-1])["values"]["operating_time_h"]


def until(is_so):
    give_up_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up_s
        time.sleep(0.1)


class StoppedClock:
    """A clock that shows one instant."""

    def __init__(self, at_ns):
        self.at_ns = at_ns

    def now_ns(self):
        return self.at_ns

    def stepped_ns(self):
        return 0


def test_hours_in_which_nobody_polled_are_the_meter_s_own_quarter_hours(start, ask, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "works.network.toml").write_text(NETWORK)
    (tmp_path / "works.toml").write_text(
        'data = "state"\n[meter]\nserial = 23612007\nct = "50/5"\n[source]\nnetwork = "works.network.toml"\nphasors = true\n'
        f'[[listen]]\nurl = "modbus+tcp://127.0.0.1:{port}"\n'
    )
    (tmp_path / "poll.toml").write_text(
        f'timeout_s = 5.0\nslot_s = 30.0\n[[meter]]\nplace = "works"\nurl = "modbus+tcp://127.0.0.1:{port}?unit=1"\n'
    )
    plan = plan_poll(tmp_path / "poll.toml")
    registers, told = [], []
    for hours in (1, 10):
        words = ("--duration", hours * 3600, "--speed", "max", "--hold", "--json")
        meter = start("run", tmp_path / "works.toml", *words)
        until(lambda hours=hours: operating_h(ask, f"modbus+tcp://127.0.0.1:{port}?unit=1") == hours)
        poll = Poll(plan, Showing(told.append), stop_asked=lambda: False, clock=StoppedClock(START_NS + hours * HOUR_NS))
        assert asyncio.run(poll.run(once=True)), told
        status, out = meter.end(signal.SIGTERM)
        assert status == 0
        registers.append(json.loads(out.splitlines()[-1])["exact"])

    status, lines, _ = ask("readings", "export", tmp_path / "state")
    assert status == 0
    own = {row["start"]: row for row in csv.DictReader(io.StringIO("\n".join(lines)))}
    with open_archive(plan.store) as archive:
        (place,) = places(archive)
        found = list(intervals(archive, place))
        assert [event.kind for event in events(archive)] == ["first"]
    assert [each.start_ns for each in found] == list(range(START_NS + HOUR_NS, START_NS + 10 * HOUR_NS, QUARTER_NS))
    assert {each.quality for each in found} == {Quality.PROFILE}
    for each in found:
        row = own[f"2026-01-01T{(each.start_ns - START_NS) // HOUR_NS:02d}:{each.start_ns // 60_000_000_000 % 60:02d}:00Z"]
        assert {e: Decimal(each.energies[e]).scaleb(-6) for e in ENERGIES} == {
            e: Decimal(row[energy_name(e)]) for e in ENERGIES
        }
    for energy in ("import", "q1"):
        name = f"{energy}_micro{'varh' if energy == 'q1' else 'wh'}"
        assert sum(each.energies[energy] for each in found) == registers[1][name] - registers[0][name] > 0
    assert len({each.energies["import"] for each in found}) > 30
