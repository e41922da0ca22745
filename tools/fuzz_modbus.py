"""Fuzz both ends of Modbus by coverage (``make fuzz``): libFuzzer behind atheris, with CRC and length repaired on the way.

Words are libFuzzer's, such as ``-max_total_time=600`` or ``-runs=10000000``. An input that raises ends the run and is written beside it.
"""

import runpy
import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent

with atheris.instrument_imports(include=["watthour.wire", "watthour.station"]):
    import watthour.station.modbus
    import watthour.wire.modbus  # noqa: F401 - instrumented before the target uses them

FUZZING = runpy.run_path(str(ROOT / "tests" / "conformance" / "modbus" / "fuzzing.py"))
MAKE_VIEW = runpy.run_path(str(ROOT / "tests" / "station" / "views.py"))["make_view"]
SEEDS = runpy.run_path(str(ROOT / "tests" / "conformance" / "modbus" / "test_fuzz.py"))["SEEDS"]


def main() -> None:
    """Fuzz until libFuzzer is told to stop."""
    target = FUZZING["Target"](MAKE_VIEW())
    corpus = ROOT / "bench" / "out" / "fuzz-modbus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        for door in range(len(FUZZING["DOORS"])):
            (corpus / f"seed-{number}-{door}").write_bytes(bytes((door, len(seed), 1)) + seed)
    atheris.Setup([*sys.argv, str(corpus), "-max_len=300"], target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
