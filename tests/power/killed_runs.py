"""Kills a real program outright at random instants, over and over, and holds what it ends with against a run left alone.

The program is forked from one that has its loops compiled, so that a life takes a second and not its start; what is killed is
a process of its own, with real files, by SIGKILL. It commits fifty times a second instead of once.
"""

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from judge import BrokenPromiseError, require

from watthour.cli import main as _main  # noqa: F401 - all that a run needs is imported before it is forked
from watthour.cli.main import _run
from watthour.host.evidence.checking import faults_of
from watthour.host.evidence.files import read_meter
from watthour.host.metering import keeping

ROOT = Path(__file__).resolve().parent.parent.parent
SERIAL = 23612001
SECONDS = 20
CONFIG = f"""[meter]
model = "Q23612"
serial = {SERIAL}
ct = "200/5"
[source]
network = "{ROOT}/examples/workshop.network.toml"
start = "2026-01-31T23:59:50+01:00"
[tariff]
calendar = "es/3.0TD/peninsula"
"""
"""The quarter of an hour, the demand period and the billing period end after 10 of its seconds."""


class Runs:
    """Runs of one configuration.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder):
        self.folder = folder
        self.config = folder / "meter.toml"
        self.config.write_text(CONFIG)
        self._begin("warm")
        self._live("warm", in_child=False)
        begun_s = time.monotonic()
        self.wanted = self.outcome_of(self._to_the_end("whole"))
        self.takes_s = time.monotonic() - begun_s

    def _begin(self, name):
        shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / name).mkdir()

    def _live(self, name, *, in_child=True):
        place = self.folder / name
        words = ["run", str(self.config), "--speed", "max", "--duration", str(SECONDS), "--json"]
        words += ["--data", str(place / "state"), "--pulses", str(place / "pulses.csv")]
        if not in_child:
            return self._carry_out(place, words)
        child = os.fork()
        if child:
            return child
        status = 70
        with suppress(BaseException):
            keeping.COMMIT_S = 0.02
            status = self._carry_out(place, words)
        os._exit(status)

    def _carry_out(self, place, words):
        """Run with what it says in a file; return its exit status."""
        before = os.dup(1), os.dup(2)
        said = os.open(place / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        try:
            status = _run(words)
            sys.stdout.flush()
        finally:
            os.dup2(before[0], 1)
            os.dup2(before[1], 2)
            for handle in (*before, said):
                os.close(handle)
        return status

    def _to_the_end(self, name):
        self._begin(name)
        self._end(self._live(name), name)
        return name

    def _end(self, child, name):
        _, status = os.waitpid(child, 0)
        said = (self.folder / name / "said").read_text()
        require(os.waitstatus_to_exitcode(status) == 0, f"a run ended with {status}: {said}")

    def outcome_of(self, name):
        """Return all that is to be the same: what it printed, what it keeps, its profile, its pulses."""
        place = self.folder / name
        printed = json.loads((place / "said").read_text().splitlines()[-1])
        meter = read_meter(place / "state" / str(SERIAL))
        require(not faults_of(meter), f"a check says {faults_of(meter)}")
        return {
            "exact": printed["exact"],
            "samples": printed["samples"],
            "values": printed["values"],
            "meter": meter.loaded.content["meter"],
            "profile": meter.loaded.rows["profile"].since(0),
            "pulses": (place / "pulses.csv").read_bytes(),
        }

    def kill_until_the_end(self, dice):
        """Kill one run after another until one ends by itself; return how often."""
        self._begin("killed")
        kills = 0
        while True:
            child = self._live("killed")
            time.sleep(dice.uniform(0.0, 0.7 * self.takes_s))
            os.kill(child, signal.SIGKILL)  # an ended one that nobody waited for takes it without harm
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status):
                require(os.waitstatus_to_exitcode(status) == 0, (self.folder / "killed" / "said").read_text())
                break
            kills += 1
        outcome = self.outcome_of("killed")
        for part, wanted in self.wanted.items():
            require(outcome[part] == wanted, f"after {kills} kills {part} is not that of a run left alone")
        return kills


def kill_often(seed, folder=None):
    """Yield, run by run, how often it was killed before it ended as a run left alone."""
    place = Path(tempfile.mkdtemp(prefix="watthour-kills-", dir=folder))
    try:
        runs, dice = Runs(place), random.Random(seed)
        while True:
            yield runs.kill_until_the_end(dice)
    except BrokenPromiseError as problem:
        kept = place.with_suffix(".found-wrong")
        shutil.copytree(place, kept)
        problem.add_note(
            f"seed {seed}, which decides the instants but not what the machine does in them; the files are in {kept}"
        )
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
