"""Several meters, serial lines and faults from a user's chair: started as a program, read by other people's."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 30.0


def until(is_so):
    """Wait for something to be so, and return it."""
    give_up_s = time.monotonic() + PATIENCE_S
    while not (found := is_so()):
        assert time.monotonic() < give_up_s
        time.sleep(0.05)
    return found


@pytest.fixture
def mbpoll(require_program):
    """Read registers as a stranger's client does: over a serial line, as 32-bit integers."""
    program = require_program("mbpoll")

    def read(device, unit, register, count=1):
        words = [
            "-m",
            "rtu",
            "-b",
            "9600",
            "-P",
            "none",
            "-a",
            unit,
            "-0",
            "-r",
            register,
            "-c",
            count,
            "-t",
            "4:int",
            "-B",
            "-1",
            "-o",
            "1",
        ]
        done = subprocess.run(
            [program, *map(str, words), device], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        return [int(number) for number in re.findall(r"\]: \t(-?\d+)", done.stdout)] or done.stdout + done.stderr

    return read


@pytest.fixture
def rack(tmp_path, network):  # both keep their state in tmp_path / "state"
    """Two configurations, for a line that they share."""

    def write(url):
        paths = []
        for unit, ct in ((1, "50/5"), (2, "100/5")):
            paths.append(tmp_path / f"meter{unit}.toml")
            paths[-1].write_text(
                f'data = "state"\n[meter]\nserial = {unit}\nct = "{ct}"\nbus_address = {unit}\n'
                f'[source]\nnetwork = "{network.name}"\n[[listen]]\nurl = "{url}"\n'
            )
        return paths

    return write


def test_mbpoll_reads_the_workshop_over_a_pair_of_ptys(start, serial_pair, mbpoll, project_root):
    program = start(
        "run",
        project_root / "examples" / "workshop.toml",
        "--listen",
        f"modbus+rtu://{serial_pair.ours}",
        "--json",
        "--web",
        "127.0.0.1:0",
    )
    assert program.url() == f"modbus+rtu://{serial_pair.ours}?baudrate=9600&framing=8N1"
    volts = until(lambda: [volt for volt in mbpoll(serial_pair.theirs, 1, 0x0732, 3) if volt])
    assert [volt / 10 for volt in volts] == pytest.approx([230, 230, 230], rel=0.02)
    assert mbpoll(serial_pair.theirs, 1, 0x2710) == [23612001]
    assert "timed out" in mbpoll(serial_pair.theirs, 2, 0x2710)
    status, out = program.end(signal.SIGTERM)
    assert status == 0
    assert json.loads(out)["serial"] == 23612001


def test_two_meters_on_one_serial_line_answer_each_for_itself(start, ask, rack, serial_pair, mbpoll):
    program = start("run", *rack(f"modbus+rtu://{serial_pair.ours}"), "--json")
    program.url()
    program.url()
    assert [mbpoll(serial_pair.theirs, unit, 0x2710) for unit in (1, 2)] == [[1], [2]]
    assert "timed out" in mbpoll(serial_pair.theirs, 3, 0x2710)
    reading = json.loads(ask("read", f"modbus+rtu://{serial_pair.theirs}?unit=2", "--json")[1][0])
    assert reading["serial"] == 2
    status, out = program.end(signal.SIGINT)
    assert status == 0
    assert [json.loads(line)["serial"] for line in out.splitlines()] == [1, 2]
    assert {path.name for path in Path(serial_pair.ours).with_name("state").iterdir()} == {"1", "2"}


def test_two_meters_share_a_port(start, ask, tmp_path, config):
    other = tmp_path / "other.toml"
    other.write_text(config.read_text().replace("serial = 42", "serial = 43\nbus_address = 7"))
    free = f"modbus+tcp://127.0.0.1:{20_000 + os.getpid() % 20_000}"
    program = start("run", config, other, "--listen", free, "--json")
    assert (program.url(), program.url()) == (free, free)
    serials = [json.loads(ask("read", f"{free}?unit={unit}", "--json")[1][0])["serial"] for unit in (1, 7)]
    assert serials == [42, 43]
    assert "unit 9 does not answer there" in ask("read", f"{free}?unit=9")[2][0]
    assert program.end(signal.SIGTERM)[0] == 0


def test_meters_that_clash_are_one_line(ask, rack):
    first, second = rack("modbus+tcp://127.0.0.1:1?unit=5")
    status, out, err = ask("run", first, second)
    assert (status, out) == (2, [])
    assert f"unit 5 is wanted by {first} and {second}" in err[-1]


def test_a_serial_line_that_is_not_there_is_one_line(ask, config, tmp_path):
    for words in (("run", config, "--listen", f"modbus+rtu://{tmp_path}/tty9"), ("read", f"modbus+rtu://{tmp_path}/tty9")):
        status, out, err = ask(*words)
        assert (status, out) == (1, [])
        assert err[-1].startswith(f"watthour: {tmp_path}/tty9: no such device: is it plugged in?")


def test_a_meter_whose_line_goes_away_goes_on(start, ask, config, serial_pair):
    lines = ("--listen", f"modbus+rtu://{serial_pair.ours}", "--listen", "modbus+tcp://127.0.0.1:0")
    program = start("run", config, *lines, "--json")
    program.url()
    port = program.url()
    serial_pair.socat.terminate()
    assert "trying again until it is back" in program.hear("the line is gone")
    until(lambda: json.loads(ask("read", port, "--json")[1][0])["values"]["voltage_l1_v"])
    status, out = program.end(signal.SIGTERM)
    assert status == 0
    assert json.loads(out)["samples"] > 0


FAULTS = """\
seed = 1
[[bus]]
kind = "wrong_crc"
at_s = 0
duration_s = 1e6
unit = 1
[[bus]]
kind = "exception"
at_s = 0
duration_s = 1e6
unit = 2
code = 6
"""


def test_faults_of_a_script_strike_and_are_told_with_their_time(start, rack, serial_pair, mbpoll, tmp_path):
    (tmp_path / "faults.toml").write_text(FAULTS)
    program = start("run", *rack(f"modbus+rtu://{serial_pair.ours}"), "--faults", tmp_path / "faults.toml", "--json")
    program.url()
    program.url()
    assert "Invalid CRC" in mbpoll(serial_pair.theirs, 1, 0x2710)
    told = program.hear("fault injected")
    assert re.fullmatch(
        rf"watthour: 2026-01-01T00:\d\d:[\d.]+Z fault injected: kind wrong_crc, unit 1, line modbus\+rtu://{serial_pair.ours}",
        told,
    )
    assert "device or server is busy" in mbpoll(serial_pair.theirs, 2, 0x2710)
    assert "kind exception, unit 2" in program.hear("fault injected")
    assert program.end(signal.SIGTERM)[0] == 0


def test_a_wrong_script_is_one_line(ask, config, tmp_path):
    (tmp_path / "faults.toml").write_text('[[bus]]\nkind = "rain"\nat_s = 0\nduration_s = 1\n')
    status, out, err = ask("run", config, "--faults", tmp_path / "faults.toml")
    assert (status, out, len(err)) == (2, [], 1)
    assert 'faults.toml:2: kind = "rain": must be' in err[0]


PLANT = """seed = 1
[[plant]]
kind = "interruption"
at_s = 1.5
duration_s = 1.0
"""


def test_faults_of_the_plant_need_a_simulated_installation(ask, substation, tmp_path):
    (tmp_path / "faults.toml").write_text(PLANT)
    status, out, err = ask("run", substation, "--faults", tmp_path / "faults.toml")
    assert (status, out, len(err)) == (2, [], 1)
    assert "faults.toml:2: [[plant]] needs a simulated installation" in err[0]


def test_faults_of_the_plant_strike_and_are_told(ask, project_root, tmp_path):
    (tmp_path / "faults.toml").write_text(PLANT)
    words = (
        "run",
        project_root / "examples" / "workshop.toml",
        "--listen",
        "modbus+tcp://127.0.0.1:0",
        "--duration",
        "4",
        "--web",
        "127.0.0.1:0",
    )
    status, out, err = ask(*words, "--speed", "max", "--json", "--faults", tmp_path / "faults.toml")
    _, healthy, _ = ask(*words, "--speed", "max", "--json")
    assert status == 0
    assert sum("fault injected: plant interruption" in line for line in err) == 1
    assert any("power down" in line for line in err)
    assert any("power up" in line for line in err)
    struck_wh, healthy_wh = (json.loads(lines[-1])["exact"]["import_microwh"] / 1e6 for lines in (out, healthy))
    assert 0.6 < struck_wh / healthy_wh < 0.85


@pytest.mark.parametrize("words", [("--speed", "max"), ()])
def test_several_meters_are_drawn_on_a_terminal(require_program, rack, words):
    program = require_program("script")
    command = f"{sys.executable} -m watthour run {' '.join(map(str, rack('modbus+tcp://127.0.0.1:0')))} --duration 1 {' '.join(words)}"
    done = subprocess.run([program, "-qec", command, "/dev/null"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "Meters" in done.stdout
