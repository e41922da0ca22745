"""Contacts and the pulse output, by the program alone: files, FIFOs, schedules, wires; killed and started again."""

import json
import os
import signal
import time

import pytest

SUPPLY = """\
[supply]
voltages_v = 230
[[load]]
name = "oven"
kind = "constant"
phases = ["L1", "L2", "L3"]
power_w = 360000
[sampling]
rate_hz = 1200
"""
PULSES = """
[[contact]]
kind = "pulses"
input = 1
every_s = 0.25
closed_s = 0.05
[[contact]]
kind = "moment"
input = 2
at_s = 5
duration_s = 4
"""


def written(path, text):
    path.write_text(text)
    return path


@pytest.fixture
def oven(tmp_path):
    """360 kW, 100 Wh a second, behind CTs of 1000/5."""
    return written(tmp_path / "oven.network.toml", SUPPLY)


@pytest.fixture
def timed(tmp_path):
    return written(tmp_path / "timed.network.toml", SUPPLY + PULSES)


def counting(tmp_path, network, *, serial=311, more="", uses="rate"):
    return written(
        tmp_path / "counting.toml",
        f'[meter]\nserial = {serial}\nct = "1000/5"\ninput1_use = "pulses"\ninput1_weight = 0.5\ninput1_unit = "kWh"\n'
        f'input2_use = "{uses}"\n[source]\nnetwork = "{network.name}"\nphasors = false\n[tariff]\nsource = "inputs"\n{more}',
    )


def rates(result):
    return [result["exact"][f"t{n}_import_microwh"] for n in range(1, 9)]


FAST = ("--speed", "max")


def test_a_schedule_counts_pulses_and_selects_the_rate(result_of, tmp_path, timed):
    result = result_of(counting(tmp_path, timed), *FAST, "--duration", "20")
    values = result["values"]
    assert (values["input1_count"], values["input1_quantity"], values["input2_count"]) == (79, 39.5, 0)
    t1, t2, t3, *rest = rates(result)
    assert (t2, rest) == (0, [0] * 5)
    assert t1 + t3 == result["exact"]["import_microwh"]
    assert t3 == pytest.approx(4 * 100e6, abs=2 * 100e6 / 1200)  # four seconds, each end known to a sample


@pytest.mark.parametrize("uses", ["rate", "state"])
def test_a_file_of_lines_does_what_it_says_and_a_bounce_is_no_pulse(result_of, tmp_path, oven, uses):
    lines = "time,input,state\n1,1,closed\n1.03,1,open\n2,1,closed\n2.029,1,open\n2026-01-01T00:00:03Z,1,closed\n4,2,closed\n"
    file = written(tmp_path / "c.csv", lines)
    values = result_of(counting(tmp_path, oven, uses=uses), *FAST, "--duration", "6", "--contacts", file)["values"]
    assert [values[f"input{n}_{what}"] for n in (1, 2) for what in ("closed", "count")] == [1, 2, 1, 0]
    assert values["active_rate"] == (3 if uses == "rate" else 1)


def test_runs_that_stop_anywhere_count_what_one_run_counts(result_of, tmp_path, timed):
    config = counting(tmp_path, timed, more='[contacts]\nfile = "none.csv"\n')
    written(tmp_path / "none.csv", "")
    whole = result_of(config, *FAST, "--duration", "20")
    for duration in ("0.01", "3.7", "3.72", "5.02", "9.03", "20"):
        parted = result_of(config, *FAST, "--duration", duration, "--data", tmp_path / "state")
    assert parted["exact"] == whole["exact"]
    assert parted["values"] == whole["values"]


def killed_and_started_again(start, words, seconds):
    """Run the program, kill it outright a few times, and let it end; return how often it was killed."""
    for kills, wait_s in enumerate((*seconds, 120.0)):
        program = start(*words)
        program.hear("listening on")
        deadline_s = time.monotonic() + wait_s
        while program.process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.02)
        if program.process.poll() is not None:
            return kills
        program.process.send_signal(signal.SIGKILL)
        program.process.wait(60)
    return -1


def test_killed_and_started_again_the_counters_are_those_of_a_run_left_alone(start, result_of, tmp_path, oven):
    lines = [f"{n / 8 + k / 25:.3f},{1 + n % 2},{'closed' if k == 0 else 'open'}\n" for n in range(1, 400) for k in (0, 1)]
    file = written(tmp_path / "c.csv", "".join(lines))
    config = counting(tmp_path, oven, uses="pulses")
    words = (config, "--contacts", file, "--duration", "60")
    run = ("run", *words, "--speed", "12", "--data", tmp_path / "state", "--listen", "modbus+tcp://127.0.0.1:0")
    assert killed_and_started_again(start, run, (1.7,)) > 0
    found = result_of(*words, *FAST, "--data", tmp_path / "state")["values"]
    assert (found["input1_count"], found["input2_count"]) == (199, 200)
    assert found == result_of(*words, *FAST)["values"]


def test_a_fifo_tells_a_running_meter_and_a_wrong_line_does_not_stop_it(start, tmp_path, oven):
    fifo = tmp_path / "contacts"
    os.mkfifo(fifo)
    config = counting(tmp_path, oven, more='[contacts]\nfile = "contacts"\n')
    program = start("run", config, "--listen", "modbus+tcp://127.0.0.1:0", "--json")
    assert program.hear("what it is told").startswith(f"watthour: {fifo}: live: what it is told while no meter runs is lost")
    program.url()
    for word in ("shut", "closed", "open", "closed", "open", "closed"):
        with fifo.open("w") as writer:
            writer.write(f"now,1,{word}\n")
        if word == "shut":  # heard: the meter has begun
            assert f"{fifo}:1: state 'shut': a contact is closed or open; passed over" in program.hear("passed over")
        time.sleep(0.1)
    time.sleep(1.0)
    status, out = program.end(signal.SIGINT)
    assert status == 0
    assert json.loads(out)["values"]["input1_count"] == 3


# wires


@pytest.fixture
def pair(tmp_path, oven):
    """A D310 that gives a pulse each 50 Wh, twice a second, and a D311 that counts them."""
    giving = written(
        tmp_path / "giving.toml",
        f'[meter]\nmodel = "Q23601"\nserial = 310\nct = "1000/5"\npulse_weight = 50\n[source]\nnetwork = "{oven.name}"\n',
    )
    return counting(tmp_path, oven, more='[contacts]\ninput1_wired_to = "giving.toml"\n'), giving


def two(ask, *words):
    status, out, err = ask("run", *words, "--json")
    assert status == 0, err
    return [json.loads(line)["values"] for line in out[-2:]]


@pytest.mark.parametrize("order", [1, -1])
def test_a_meter_counts_the_pulses_of_another(ask, pair, order):
    found = two(ask, *pair[::order], *FAST, "--duration", "20.1")
    counted, gave = found[::order]
    assert gave["pulse_output_count"] == 40
    assert (counted["input1_count"], counted["input1_quantity"]) == (40, 20.0)


def test_two_meters_killed_and_started_again_lose_and_double_no_pulse(start, ask, tmp_path, pair):
    words = (*pair, "--duration", "60.1", "--data", tmp_path / "state")
    listen = ("--listen", "modbus+tcp://127.0.0.1:0")
    giving = written(pair[1], pair[1].read_text())
    counting_one = written(pair[0], f'{pair[0].read_text()}[[listen]]\nurl = "{listen[1]}"\n')
    assert giving.exists()
    assert counting_one.exists()
    assert killed_and_started_again(start, ("run", *words, "--speed", "12"), (1.3, 1.7)) > 0
    counted, gave = two(ask, *words, *FAST)
    assert gave["pulse_output_count"] == counted["input1_count"] == 120
    lines = (tmp_path / "state" / "310" / "output.csv").read_text().splitlines()
    assert [line.split(",")[1:] for line in lines[1:]] == [["output", str(n)] for n in range(1, 121)]


def test_an_output_has_its_lines_in_the_pulse_file(result_of, tmp_path, pair):
    file = tmp_path / "p.csv"
    for duration in ("3.3", "10.1"):
        result = result_of(pair[1], *FAST, "--duration", duration, "--pulses", file, "--data", tmp_path / "state")
        rows = [line.split(",") for line in file.read_text().splitlines()[1:]]
        given = [row for row in rows if row[1] == "output"]
        assert [int(row[2]) for row in given] == list(range(1, result["values"]["pulse_output_count"] + 1))
        assert len(given) == result["exact"]["import_microwh"] // 50_000_000
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    # 720 flashes an hour of 1800 W at the terminals, and 50 Wh every half second
    assert given[0][0].startswith("2026-01-01T00:00:00.50")


# what is refused


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("time,input,state\n1,1,closed\n\n2,1,shut\n", "c.csv:4: state 'shut': a contact is closed or open"),
        ("2,1,closed\n1,1,open\n", "c.csv:2: input 1 at 2026-01-01T00:00:01Z, before its line above: put the lines in order"),
        (None, "c.csv: cannot be read: No such file or directory; check the path, or make a FIFO with mkfifo"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(ask, tmp_path, oven, file, told):
    path = tmp_path / "c.csv"
    if file is not None:
        path.write_text(file)
    status, _, err = ask("run", counting(tmp_path, oven), *FAST, "--duration", "1", "--contacts", path)
    assert (status, len(err)) == (1, 1)
    assert told in err[0]


def test_an_input_has_one_thing_that_closes_it(ask, tmp_path, timed):
    file = written(tmp_path / "c.csv", "1,1,closed\n")
    status, _, err = ask("run", counting(tmp_path, timed), *FAST, "--duration", "1", "--contacts", file)
    assert status == 2
    assert err == [
        f"watthour: {file}: a line closes input 1, and so does {timed}: a [[contact]]: leave one of them out",
    ]


def test_a_model_without_inputs_is_told_so(ask, timed, pair):
    status, _, err = ask("run", pair[1], "--contacts", "c.csv")
    assert (status, len(err)) == (2, 1)
    assert "CEM-D310 (Q23601) has no digital inputs: digital inputs belong to" in err[0]
    config = written(pair[1], f'{pair[1].read_text()}[contacts]\nfile = "c.csv"\n')
    status, _, err = ask("run", config)
    assert (status, len(err)) == (2, 1)
    assert f"{config}:8: CEM-D310 (Q23601) has no digital inputs" in err[0]
    status, _, err = ask("run", "--model", "CEM-D310", "--source", timed, *FAST, "--duration", "1", "--json")
    assert status == 0
    assert any("its [[contact]] rows close nothing: this model has no digital inputs" in line for line in err)


def test_a_wire_needs_the_other_meter_and_its_output(ask, pair):
    status, _, err = ask("run", pair[0])
    assert (status, len(err)) == (2, 1)
    assert f"input1_wired_to {pair[1]}: that meter is not in this run: run both together" in err[0]
    pair[1].write_text(pair[1].read_text().replace("Q23601", "Q23621").replace("pulse_weight = 50", ""))
    status, _, err = ask("run", *pair)
    assert (status, len(err)) == (2, 1)
    assert "CEM-D312 (Q23621) has no pulse outputs" in err[0]


def test_one_file_of_contacts_is_for_one_meter(ask, pair):
    status, _, err = ask("run", *pair, "--contacts", "c.csv")
    assert (status, len(err)) == (2, 1)
    assert "one file closes the contacts of one meter" in err[0]


def test_an_output_that_could_not_keep_up_is_refused_with_the_arithmetic(ask, pair):
    pair[1].write_text(pair[1].read_text().replace("pulse_weight = 50", "pulse_weight = 30"))
    status, _, err = ask("run", pair[1], *FAST, "--duration", "1")
    assert (status, len(err)) == (1, 1)
    for part in ("3 x 276 V x 6 A x 200 = 993600 W", "9.2 pulses/s", "7.692", "at least 36", "pulse_width_ms at most 78"):
        assert part in err[0]
