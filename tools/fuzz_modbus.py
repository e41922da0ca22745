"""Fuzz both ends of Modbus in two steps (``make fuzz``), with CRC and length repaired on the way.

``grow`` is led by coverage: libFuzzer behind atheris, whose words it takes, such as ``-runs=200000``; what gets further is kept in a folder. ``flood``
does things to what was kept, and to legal frames, without a probe in the code, several times as fast, and measures memory. Both ask the same of
each input; one that escapes ends the run and is told.
"""

import argparse
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "conformance" / "modbus"
KEPT = ROOT / "bench" / "out" / "fuzz-modbus"


def grow(words: list[str]) -> None:
    """Fuzz by coverage until libFuzzer is told to stop."""
    import atheris  # noqa: PLC0415 - not there on every Python, and only wanted here

    with atheris.instrument_imports(include=["watthour.wire", "watthour.station"]):
        import watthour.station.modbus  # noqa: PLC0415
        import watthour.wire.modbus  # noqa: F401, PLC0415 - instrumented before the target uses them

    fuzzing, mutating = (runpy.run_path(str(FOLDER / name)) for name in ("fuzzing.py", "mutating.py"))
    KEPT.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(mutating["legal"](fuzzing["DOORS"])):
        (KEPT / f"legal-{number}").write_bytes(data)
    target = fuzzing["Target"](fuzzing["metered"]())
    atheris.Setup([sys.argv[0], *words, str(KEPT), f"-max_len={mutating['LONGEST']}"], target.one_input)
    atheris.Fuzz()


def flood(words: list[str]) -> None:
    """Feed a number of inputs, drawn from a seed."""
    parser = argparse.ArgumentParser(prog="fuzz_modbus.py flood")
    parser.add_argument("--inputs", type=int, default=9_800_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(words)
    fuzzing, mutating = (runpy.run_path(str(FOLDER / name)) for name in ("fuzzing.py", "mutating.py"))
    kept = [*mutating["legal"](fuzzing["DOORS"]), *(file.read_bytes() for file in sorted(KEPT.glob("*")))]
    target = fuzzing["Target"](fuzzing["metered"]())
    print(f"{chosen.inputs} inputs from seed {chosen.seed}, grown from {len(kept)}", flush=True)  # noqa: T201
    told = fuzzing["flood"](target, mutating["Mutants"](kept, chosen.inputs, chosen.seed), tell_every=500_000)
    print(told)  # noqa: T201 - what it came to
    print(  # noqa: T201
        f"0 escapes; {target.answered} requests answered, {target.refused} of them refused, {target.asked} commands to the meter, "
        f"{target.matched} replies believed by clients, {target.short_ways} reads on the short way"
    )


if __name__ == "__main__":
    {"grow": grow, "flood": flood}[sys.argv[1]](sys.argv[2:])
