"""Benches for these tests: the ideal front end at two rates, and converters."""

import pytest

from watthour.models import CURRENT_RANGES, model_of
from watthour.typetest import Bench
from watthour.waveform.front_end import front_end


@pytest.fixture(scope="session")
def make_bench():
    def make(*, name="ideal", rate_hz=8000.0, seconds=60, models=("Q23612", "Q23611"), secondary_a=5, ends=None):
        (row,) = [row for row in CURRENT_RANGES if row.secondary_a == secondary_a]
        return Bench(
            models=tuple(model_of(model) for model in models),
            current_range=row,
            front_end=ends or front_end(name),
            rate_hz=rate_hz,
            seconds=seconds,
        )

    return make
