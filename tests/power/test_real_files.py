"""A real program killed outright, and single bits of its files flipped."""

import os
import subprocess
import sys

IS_SOAK = bool(os.environ.get("WATTHOUR_SOAK"))
KILLS = 500 if IS_SOAK else 3
FLIPS = 10_000 if IS_SOAK else 40


def in_child(program):
    """Run a line in a process of its own: what is forked should have no threads of others."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_killed_at_random_instants_all_that_is_kept_is_that_of_a_run_left_alone():
    program = f"""
from killed_runs import kill_often
kills = 0
for count in kill_often(7):
    kills += count
    if kills >= {KILLS}:
        break
print(kills)
"""
    assert int(in_child(program)) >= KILLS


def test_a_flipped_bit_is_told_or_harmless():
    program = f"""
from itertools import islice
from flipped_bits import flip_often
print(len(set(islice(flip_often(7), {FLIPS}))))
"""
    assert int(in_child(program)) >= 2
