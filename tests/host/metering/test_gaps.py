"""How far the metering thread goes, and where it leaves off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from watthour.host.metering import MeteringThread, Pace, Work
from watthour.host.metering.clock import SampleClock
from watthour.host.metering.keeping import Keeping
from watthour.meter import Meter, first_state
from watthour.samples import Block

RATE_HZ = 8000.0


@dataclass(frozen=True)
class Pieces:
    """A source of zeros: [first, end) of each block."""

    spans: Sequence[tuple[int, int]]
    name: str = "pieces"
    identity: str = "00"
    start_ns: int | None = None
    rate_hz: float = RATE_HZ
    remarks: tuple[str, ...] = ()
    sample_type: str = "int16"
    samples: int | None = None

    def blocks(self, first_sample: int = 0) -> Iterator[Block]:
        for first, end in self.spans:
            start = max(first, first_sample)
            if end > start:
                zeros = np.zeros((3, end - start), np.int16)
                yield Block(voltages=zeros, currents=zeros, rate_hz=self.rate_hz, first_sample=start)


def metered(source: Pieces, duration_s: float | None = None) -> tuple[MeteringThread, Work]:
    """Run a thread to its end; return it and its work."""
    work = Work(
        meter=Meter(first_state({})),
        source=source,
        first_sample=0,
        start_ns=0,
        clock=SampleClock(0, 0, RATE_HZ),
        keeping=Keeping(),
        finished=False,
        remarks=(),
    )
    thread = MeteringThread(work, Pace(speed=None, duration_s=duration_s))
    thread.run()
    assert thread.failure is None
    return thread, work


GAP = ((0, 4000), (12000, 16000))


def test_samples_behind_a_gap_are_metered():
    thread, work = metered(Pieces(GAP, samples=8000))
    assert work.meter.state.position == 16000
    assert thread.view.samples == 8000


@pytest.mark.parametrize(("duration_s", "position", "is_settled"), [
    (0.25, 2000, False), (0.5, 4000, False), (1.0, 4000, False), (1.75, 14000, False), (2.0, 16000, True), (3.0, 16000, True),
])  # fmt: skip
def test_a_duration_ends_a_run_before_behind_and_in_a_gap(duration_s, position, is_settled):
    _, work = metered(Pieces(GAP, samples=8000), duration_s)
    assert work.meter.state.position == position
    assert (work.meter.state.opened is None) == is_settled


def test_a_source_without_end_is_not_asked_for_more_than_the_run_takes():
    def spans() -> Iterator[tuple[int, int]]:
        yield 0, 8000
        pytest.fail("the run was over")

    _, work = metered(Pieces(spans()), 1.0)
    assert work.meter.state.position == 8000
