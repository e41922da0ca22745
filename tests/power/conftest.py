"""What tests of this folder share is imported by its name alone: a second copy would be a second disk."""

collect_ignore = [
    "flipped_bits.py",
    "judge.py",
    "killed_runs.py",
    "oracle.py",
    "power_cuts.py",
    "simulated_disk.py",
    "simulated_life.py",
]
