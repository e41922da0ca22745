"""A program killed outright, at any instant, and started again: the registers are those of a run left alone."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest

CYCLES = 20 if os.environ.get("WATTHOUR_LONG") else 1
SAMPLES = 8000 * 240


def run(data, speed, project_root):
    words = [
        "run",
        str(project_root / "examples" / "workshop.toml"),
        "--listen",
        "modbus+tcp://127.0.0.1:0",
        "--web",
        "127.0.0.1:0",
    ]
    limits = ["--speed", speed, "--duration", "240", "--json", "--data", str(data)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", "watthour", *words, *limits], text=True, **pipes)


def result_of(process):
    out, _ = process.communicate(timeout=120)
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("seed", range(CYCLES))
def test_killed_and_started_again_it_ends_with_the_registers_of_a_run_left_alone(tmp_path, project_root, seed):
    whole = result_of(run(tmp_path / "whole", "max", project_root))
    assert whole["samples"] == SAMPLES
    dice, kills = random.Random(seed), 0  # noqa: S311 - instants, not secrets
    for _ in range(40):
        process = run(tmp_path / "killed", "40", project_root)
        try:
            process.wait(timeout=dice.uniform(2.0, 5.0) if kills < 4 else 60.0)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
    got = result_of(process)
    assert kills >= 1, "a run that was never killed proves nothing"
    assert (got["exact"], got["samples"]) == (whole["exact"], whole["samples"])
    assert got["values"]["max_demand_w"] == whole["values"]["max_demand_w"]
