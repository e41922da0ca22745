"""The long proof that nothing is lost: power cuts of a simulated disk, kills of real processes, bit flips over real files.

``make soak`` runs all three to their counts; ``python tools/power_soak.py cuts --count 1000`` one of them. Each line of progress goes to
standard output and to ``--log``. The first failure ends it with the words that show it again.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "power"))

COUNTS = {"cuts": 100_000, "kills": 500, "flips": 10_000}
_EVERY_S = 60.0


def cuts(first: int) -> Iterator[tuple[int, str]]:
    """Yield, seed by seed, how often the power was cut, and what else was done."""
    from power_cuts import Tally, cut_everywhere  # noqa: PLC0415

    together, seed = Tally(), first
    while True:
        done = cut_everywhere(seed)
        together.add(done)
        words = (
            f"seeds {first} to {seed}: {together.lives} lives, {together.ends} judged at their end",
            f"{together.failing} cuts on disks that fail, {together.refused} runs ended by them",
            f"trace {together.trace.hexdigest()[:16]}",
        )
        yield done.cuts, ", ".join(words)
        seed += 1


def kills(first: int) -> Iterator[tuple[int, str]]:
    """Yield, run by run, how often it was killed before it ended as one left alone."""
    from killed_runs import kill_often  # noqa: PLC0415

    for runs, count in enumerate(kill_often(first), 1):
        yield count, f"{runs} runs ended as one left alone"


def flips(first: int) -> Iterator[tuple[int, str]]:
    """Yield, flip by flip, that it was told or harmless."""
    from flipped_bits import flip_often  # noqa: PLC0415

    ended: Counter[str] = Counter()
    for how in flip_often(first):
        ended[how] += 1
        yield 1, ", ".join(f"{count} {words}" for words, count in ended.most_common())


def main() -> int:
    """Soak; return 0 where nothing was found wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[[], *COUNTS], default=list(COUNTS))
    parser.add_argument("--count", type=int, help="of each, instead of its own")
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of each, at most")
    parser.add_argument("--log", type=Path, help="file that the lines go to as well")
    options = parser.parse_args()

    def say(line: str) -> None:
        text = f"{time.strftime('%H:%M:%S')} {line}"
        print(text, flush=True)  # noqa: T201
        if options.log:
            with options.log.open("a") as log:
                log.write(f"{text}\n")

    for what in options.what:
        count = options.count or COUNTS[what]
        if not soak(what, PROOFS[what], count, options, say):
            return 1
    return 0


def soak(
    what: str,
    proof: Callable[[int], Iterator[tuple[int, str]]],
    count: int,
    options: argparse.Namespace,
    say: Callable[[str], None],
) -> bool:
    """Carry out one proof until its count or its time is reached; tell whether nothing was found wrong."""
    begun_s = told_s = time.monotonic()
    done, words = 0, ""
    say(f"{what}: {count} wanted")
    try:
        for more, words in proof(options.first):
            done += more
            now_s = time.monotonic()
            if now_s - told_s >= _EVERY_S:
                told_s = now_s
                say(f"{what}: {done} of {count}, {words}")
            if done >= count or now_s - begun_s >= 60 * options.minutes:
                break
    except AssertionError as problem:
        say(f"{what}: FOUND WRONG after {done}: {problem} {getattr(problem, '__notes__', '')}")
        return False
    say(f"{what}: {done} of {count} done in {(time.monotonic() - begun_s) / 60:.1f} min, nothing wrong; {words}")
    return True


PROOFS = {"cuts": cuts, "kills": kills, "flips": flips}

if __name__ == "__main__":
    sys.exit(main())
