"""Fuzz both ends of M-Bus by coverage (``make fuzz``): libFuzzer behind atheris, with lengths and checksums repaired on the way.

Words are libFuzzer's, such as ``-max_total_time=600`` or ``-runs=10000000``. An input that raises ends the run and is written beside it.
"""

import runpy
import sys
from pathlib import Path

import atheris

from watthour.meter import Meter, first_state

ROOT = Path(__file__).resolve().parent.parent

with atheris.instrument_imports(include=["watthour.wire", "watthour.station"]):
    import watthour.station.mbus
    import watthour.wire.mbus  # noqa: F401 - instrumented before the target uses them

FOLDER = ROOT / "tests" / "conformance" / "mbus"
FUZZING = runpy.run_path(str(FOLDER / "fuzzing.py"))
SEEDS = runpy.run_path(str(FOLDER / "test_fuzz.py"))["SEEDS"]
DOORS = 5


def main() -> None:
    """Fuzz until libFuzzer is told to stop."""
    views = [Meter(first_state({"model": "Q23622", "serial": 23_622_000 + n, "mbus_address": n})).view() for n in (1, 2)]
    target = FUZZING["Target"](views)
    corpus = ROOT / "bench" / "out" / "fuzz-mbus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        for door in range(DOORS):
            (corpus / f"seed-{number}-{door}").write_bytes(bytes((door, len(seed))) + seed)
    atheris.Setup([*sys.argv, str(corpus), "-max_len=600"], target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
