"""A meter on a bus from a user's chair: run, read, watch, hold, command."""

import json
import signal
import socket
import subprocess
import threading
import time

import pytest

from watthour.units import VALUES

PATIENCE_S = 120.0
MBPOLL = ("-m", "tcp", "-a", "1", "-0", "-t", "4:int", "-B", "-1", "-o", "10")


@pytest.fixture
def running(start, config, tmp_path):
    """A small meter on a port of its own, at real time."""
    words = ("run", config, "--data", tmp_path / "state", "--json")
    program = start(*words, "--listen", "modbus+tcp://127.0.0.1:0")
    program.words = words
    program.location = program.url()
    return program


def test_read_shows_the_values_as_tables(running, ask):
    status, out, err = ask("read", running.location)
    assert (status, err) == (0, [])
    assert out[0] == f"CEM-D311-MID  serial 42  {running.location}"
    assert any(line.startswith("Registers") for line in out)


def test_read_prints_one_object(running, ask):
    status, out, err = ask("read", f"{running.location}?unit=1", "--json")
    assert (status, err, len(out)) == (0, [], 1)
    reading = json.loads(out[0])
    assert list(reading) == ["url", "time", "serial", "values"]
    assert reading["url"] == f"{running.location}?unit=1"
    assert reading["serial"] == 42
    assert reading["time"].endswith("Z")
    names = [value.name for value in VALUES if value.needs != "pulse_outputs"]
    assert list(reading["values"]) == [name for name in names if name in reading["values"]]
    assert {"voltage_l1_v", "power_w", "import_wh", "t1_import_wh", "frequency_hz"} <= set(reading["values"])


@pytest.mark.parametrize("number", [signal.SIGINT])
def test_watch_reads_again_until_it_is_interrupted(running, start, number):
    watching = start("read", running.location, "--watch", "0.2", "--json")
    readings = [json.loads(watching.process.stdout.readline()) for _ in range(3)]
    assert readings[0]["time"] < readings[1]["time"] < readings[2]["time"]
    status, _ = watching.end(number)
    assert status == 0
    assert watching.lines == []


def test_a_wrong_unit_is_told_with_what_to_do(running, ask):
    status, out, err = ask("read", f"{running.location}?unit=9")
    assert (status, out, len(err)) == (1, [], 1)
    assert "unit 9 does not answer there" in err[0]


def test_nobody_there_is_one_line(ask):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    status, out, err = ask("read", f"modbus+tcp://127.0.0.1:{port}")
    assert (status, out, len(err)) == (1, [], 1)
    assert "connection refused" in err[0]


def test_a_meter_that_says_nothing_is_one_line(ask):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"modbus+tcp://127.0.0.1:{silent.getsockname()[1]}"
        status, out, err = ask("read", url, "--json")
    assert (status, out, len(err)) == (1, [], 1)
    assert err[0].startswith(f"watthour: {url}: no answer within")


def test_a_port_that_is_no_meter_is_one_line(ask):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            client, _ = server.accept()
            with client:
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        greeting = threading.Thread(target=greet, daemon=True)
        greeting.start()
        status, out, err = ask("read", f"modbus+tcp://127.0.0.1:{server.getsockname()[1]}")
        greeting.join(60)
    assert (status, out, len(err)) == (1, [], 1)


def test_a_meter_listens_on_every_address_it_is_told(start, config, ask):
    program = start(
        *("run", config, "--listen", "modbus+tcp://127.0.0.1:0", "--listen", "modbus+tcp://127.0.0.1:0?unit=7", "--json")
    )
    first, second = program.url(), program.url()
    assert ask("read", f"{first}?unit=1", "--json")[0] == 0
    assert second.endswith("?unit=7")
    assert ask("read", second, "--json")[0] == 0
    assert ask("read", second.replace("unit=7", "unit=1"), "--json")[0] == 1


@pytest.fixture
def write_price(require_program):
    """Write cost_per_kwh as a stranger's client does."""
    mbpoll = require_program("mbpoll")

    def write(url, steps):
        words = [mbpoll, *MBPOLL, "-p", url.rsplit(":", 1)[1], "-r", "0xB0", "127.0.0.1", steps]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert "Written 1 references" in done.stdout, done.stdout + done.stderr

    return write


@pytest.fixture
def values_at(ask):
    """Read the values of a meter."""

    def read(url):
        status, out, err = ask("read", url, "--json")
        assert status == 0, err
        return json.loads(out[0])["values"]

    return read


def test_a_setting_written_over_the_bus_takes_effect_and_survives_a_restart(running, start, values_at, write_price):
    write_price(running.location, "1500")
    running.hear("parameter changed: name cost_per_kwh, old 0.0000, new 0.1500, interface bus")
    assert values_at(running.location)["cost_per_kwh"] == 0.15
    status, out = running.end(signal.SIGINT)
    assert status == 0
    assert json.loads(out)["values"]["cost_per_kwh"] == 0.15
    again = start(*running.words, "--speed", "max", "--duration", "0.1")
    assert json.loads(again.end()[1])["values"]["cost_per_kwh"] == 0.15


def test_a_held_meter_answers_after_the_end_and_prints_its_object_when_stopped(start, config, tmp_path, values_at, write_price):
    words = ("run", config, "--data", tmp_path / "state", "--json", "--speed", "max", "--duration", "61")
    held = start(*words, "--hold", "--listen", "modbus+tcp://127.0.0.1:0")
    url = held.url()
    give_up_s = time.monotonic() + PATIENCE_S
    while (values := values_at(url))["import_wh"] < 50:  # 3 kW for 61 s
        assert time.monotonic() < give_up_s, values
    assert values["voltage_l1_v"] == pytest.approx(230.0, abs=0.1)
    write_price(url, "2500")
    values = values_at(url)
    assert (values["import_wh"], values["cost_per_kwh"]) == (50, 0.25)
    status, out = held.end(signal.SIGTERM)
    assert status == 0
    assert out.count("\n") == 1
    result = json.loads(out)
    assert result["values"]["import_wh"] == 50
    assert result["values"]["partial_cost"] == pytest.approx(50 / 1000 * 0.25, abs=1e-3)
    assert json.loads(start(*words).end()[1]) == result
