"""Sources and plans for a meter at work: short, exact, and never slower than they are told to be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from watthour.errors import RecordingError
from watthour.host.metering import Work
from watthour.host.metering.clock import SampleClock
from watthour.host.metering.keeping import Keeping
from watthour.meter import Meter, first_state
from watthour.samples import Block

RATE_HZ = 4000.0


@dataclass
class Supply:
    """230 V and 2 A on three phases, 50 Hz; each stretch is (first sample, samples, rate)."""

    stretches: Sequence[tuple[int, int, float]] = ((0, 4000, RATE_HZ),)
    identity: str = "supply"
    name: str = "supply"
    start_ns: int | None = None
    remarks: tuple[str, ...] = ()
    breaks_at: int | None = None
    block_samples: int = 700
    opened: list[int] = field(default_factory=list)

    @property
    def rate_hz(self):
        return self.stretches[0][2]

    @property
    def samples(self):
        return sum(count for _, count, _ in self.stretches)

    def blocks(self, first_sample=0):
        self.opened.append(first_sample)
        time_s = 0.0
        for begin, count, rate_hz in self.stretches:
            for start in range(begin, begin + count, self.block_samples):
                end = min(start + self.block_samples, begin + count)
                if self.breaks_at is not None and end > self.breaks_at:
                    raise RecordingError(self.name, "the disk is gone")
                if end > first_sample:
                    low = max(start, first_sample)
                    yield _block(low, end - low, rate_hz, time_s + (low - begin) / rate_hz)
            time_s += count / rate_hz


def _block(first_sample, count, rate_hz, time_s):
    angle = 2 * np.pi * 50 * (time_s + np.arange(count) / rate_hz) - 2 * np.pi / 3 * np.arange(3)[:, None]
    wave = np.sqrt(2) * np.cos(angle)
    return Block(voltages=230 * wave, currents=2 * wave, rate_hz=rate_hz, first_sample=first_sample)


@pytest.fixture(scope="session")
def make_supply():
    return Supply


@pytest.fixture(scope="session")
def make_work():
    """Make the work of a run without a store."""

    def make(source=None, **changes):
        source = source or Supply()
        fields = {
            "meter": Meter(first_state({})),
            "source": source,
            "first_sample": 0,
            "start_ns": 0,
            "clock": SampleClock(0, 0, source.rate_hz),
            "keeping": Keeping(),
            "finished": False,
            "remarks": (),
        }
        return Work(**(fields | changes))

    return make


@pytest.fixture
def write_csv(tmp_path):
    """Write a recording of so many seconds at 1600/s; another `current_a` makes another recording."""

    def write(name="day.csv", seconds=0.5, current_a=2.0) -> Path:
        time_s = np.arange(round(seconds * 1600))[:, None] / 1600
        wave = np.sqrt(2) * np.cos(2 * np.pi * 50 * time_s - 2 * np.pi / 3 * np.arange(3))
        rows = np.concatenate([time_s, 230 * wave, current_a * wave], axis=1)
        path = tmp_path / name
        np.savetxt(path, rows, delimiter=",", fmt="%.9g", header="time_s,V1,V2,V3,I1,I2,I3", comments="")
        return path

    return write
