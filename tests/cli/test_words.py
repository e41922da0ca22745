"""What the program says to words: the range, the map, help, and one line for every mistake."""

import csv
import io
import json
import math
import socket
import subprocess
import sys
import threading

import pytest

from watthour.host.metering import MeteringThread
from watthour.maps.modbus import REGISTERS
from watthour.models import MODELS


def test_the_range_is_listed(ask):
    status, out, err = ask("models")
    assert (status, err) == (0, [])
    for model in MODELS:
        assert any(model.code in line and model.name in line for line in out)


def test_the_range_is_one_json_array(ask):
    status, out, err = ask("models", "--json")
    assert (status, err, len(out)) == (0, [], 1)
    listed = json.loads(out[0])
    assert [row["code"] for row in listed] == [model.code for model in MODELS]
    assert {row["bus"] for row in listed} == {"", "modbus", "mbus"}


def test_the_map_is_printed_in_every_format(ask):
    status, out, err = ask("map", "modbus")
    assert (status, err) == (0, [])
    assert any("import_wh" in line for line in out)
    assert "…" not in "".join(out)
    _, out, _ = ask("map", "modbus", "--format", "table")
    assert out[0].startswith("Register map")
    _, out, _ = ask("map", "modbus", "--format", "markdown")
    assert out[0] == "# Modbus register map"
    _, out, _ = ask("map", "modbus", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO("\n".join(out))))
    assert [row["name"] for row in rows] == [row.name for row in REGISTERS]
    assert (rows[0]["address"], rows[0]["name"]) == ("0000", "import_wh")
    _, out, _ = ask("map", "modbus", "--format", "json")
    assert [row["address"] for row in json.loads("\n".join(out))["registers"]] == [f"{row.address:04X}" for row in REGISTERS]


@pytest.mark.parametrize(("words", "named"), [((), "run"), (("--help",), "models"), (("run", "--help"), "--duration")])
def test_help_is_given(ask, words, named):
    status, out, err = ask(*words)
    assert (status, err) == (0, [])
    assert any(named in line for line in out)


WRONG_WORDS = [
    (["frob"], "frob"),
    (["run", "--frob"], "--frob"),
    (["run"], "no source: name a configuration, or --source FILE"),
    (["run", "{config}", "{config}"], "named twice"),
    (["run", "{config}", "--speed"], "--speed requires an argument"),
    (["run", "{config}", "--speed", "0"], "--speed 0: write 1, another number above 0, or max"),
    (["run", "{config}", "--speed", "nan"], "--speed nan"),
    (["run", "{config}", "--speed", "-1"], "--speed -1"),
    (["run", "{config}", "--speed", "inf"], "--speed inf"),
    (["run", "{config}", "--speed", "fast"], "--speed fast"),
    (["run", "{config}", "--duration", "0"], "--duration 0"),
    (["run", "{config}", "--duration", "-1"], "--duration -1"),
    (["run", "{config}", "--duration", "nan"], "--duration nan"),
    (["run", "{config}", "--duration", "inf"], "--duration inf"),
    (["run", "{config}", "--duration", "1e300"], "--duration 1e+300"),
    (["run", "{config}", "--duration", "soon"], "--duration"),
    (["run", "{config}", "--model", "D999"], "'D999' is no model of the range: Q23601 (CEM-D310)"),
    (["run", "{config}", "--model", "D310"], "'D310' is no model"),
    (["run", "{config}", "--model", "CEM-D310", "--listen", "modbus+tcp://127.0.0.1:0"], "Modbus belongs to CEM-D311 (Q23611)"),
    (["run", "{config}", "--listen", "mbus+tcp://127.0.0.1:0"], "M-Bus belongs to CEM-D312 (Q23621), CEM-D312-MID (Q23622)"),
    (["run", "{config}", "--listen", "modbus+tls://127.0.0.1:802"], "no certificate=FILE"),
    (["run", "{config}", "--trace", "/nowhere/x.pcap"], "--trace /nowhere/x.pcap: No such file or directory"),
    (["run", "{config}", "--listen", "tcp"], "tcp: no scheme"),
    (["run", "{config}", "--listen", "modbus+tcp://127.0.0.1"], "no port"),
    (["run", "{config}", "--listen", "modbus+tcp://127.0.0.1:0?unit=300"], "unit '300'"),
    (["run", "{config}", "--listen", "modbus+tcp://127.0.0.1:0?unit=0"], "1 to 247"),
    (["run", "{config}", "--channels", "1,2,3,4,5,6"], "simulated installation"),
    (["run", "--source", "day.cfg", "--channels", "1,2,3"], "name six"),
    (["run", "--channels", "1,2,3,4,5,6"], "--source FILE"),
    (["run", "day.cfg"], "day.cfg: a recording is no configuration: name it with --source FILE"),
    (["run", "nothere.toml"], "nothere.toml: cannot be read: No such file or directory"),
    (["run", "{network}"], "{network}:1: unknown key supply"),
    (["run", "--source", "{config}"], "{config}:1: unknown key meter"),
    (["read"], "URL"),
    (["read", "tcp"], "tcp: no scheme"),
    (["read", "modbus+tcp://127.0.0.1:1", "--watch", "0"], "--watch 0"),
    (["read", "modbus+tcp://127.0.0.1:1", "--watch", "nan"], "--watch nan"),
    (["read", "modbus+tcp://127.0.0.1:1", "--watch", "inf"], "--watch inf"),
    (["map"], "BUS"),
    (["map", "modbus", "--format", "xml"], "xml"),
    (["models", "all"], "all: not expected here"),
]


@pytest.mark.parametrize(("words", "told"), WRONG_WORDS, ids=lambda item: " ".join(item) if isinstance(item, list) else "")
def test_wrong_usage_is_one_line_and_status_2(ask, config, network, words, told):
    places = {"config": config, "network": network}
    status, out, err = ask(*(word.format(**places) for word in words))
    assert (status, out) == (2, [])
    assert len(err) == 1
    assert err[0].startswith("watthour: ")
    assert told.format(**places) in err[0]


WRONG_THINGS = [
    (["--source", "nothere.cfg"], "nothere.cfg: there is no such file"),
    (["--source", "."], ".: this is a directory"),
    (["--source", "{words}"], ".txt is no recording known here"),
    (["--source", "{csv}", "--channels", "1,2,3,4,5,99"], "no channel '99'"),
    (["--source", "{csv}", "--channels", "V1,V2,V3,I1,I2,Ix"], "no channel 'Ix'"),
    (["{config}", "--data", "{words}"], "cannot keep state here (Not a directory)"),
    (["{config}", "--data", "/proc/nothing"], "/proc/nothing/42: cannot keep state here"),
    (["{config}", "--listen", "modbus+tcp://nosuch.invalid:1502"], "nosuch.invalid:1502: "),
    (["{config}", "--listen", "modbus+tcp://192.0.2.1:1502"], "192.0.2.1:1502: no address of this machine"),
]


@pytest.fixture
def places(tmp_path, config):
    (tmp_path / "words.txt").touch()
    rows = ["time_s,V1,V2,V3,I1,I2,I3", *(f"{k / 1600},{k % 32},0,0,{k % 32},0,0" for k in range(320))]
    (tmp_path / "day.csv").write_text("\n".join(rows) + "\n")
    return {"words": tmp_path / "words.txt", "csv": tmp_path / "day.csv", "config": config}


@pytest.mark.parametrize(("words", "told"), WRONG_THINGS, ids=lambda item: " ".join(item) if isinstance(item, list) else "")
def test_what_cannot_be_had_is_one_line_and_status_1(ask, places, words, told):
    status, out, err = ask("run", *(word.format(**places) for word in words), "--speed", "max", "--duration", "0.1")
    assert (status, out) == (1, [])
    assert len(err) == 1
    assert err[0].startswith("watthour: ")
    assert told in err[0]


def test_a_port_in_use_is_one_line(ask, config):
    url = "modbus+tcp://127.0.0.1:0"
    twice = "modbus+tcp://127.0.0.1:{}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = ask("run", config, "--listen", url, "--listen", twice.format(port))
    assert (status, out) == (1, [])
    assert err == [f"watthour: 127.0.0.1:{port}: in use: stop the program that listens there, or choose another port"]


def test_a_sample_that_is_no_number_is_one_line_and_what_came_before_is_kept(ask, places, tmp_path):
    turn = [round(325 * math.sin(2 * math.pi * k / 32)) for k in range(32)]  # 50 Hz
    rows = [f"{k / 1600},{turn[k % 32]},{turn[(k + 21) % 32]},{turn[(k + 11) % 32]},{turn[k % 32]},0,0" for k in range(100_000)]
    rows[99_000] = "61.875,0,0,0,0,0,nan"
    places["csv"].write_text("\n".join(["time_s,V1,V2,V3,I1,I2,I3", *rows]) + "\n")
    status, out, err = ask("run", "--source", places["csv"], "--speed", "max", "--data", tmp_path / "state", "--json")
    assert (status, out) == (1, [])
    told = [line for line in err if "compiling the sample loops" not in line]
    assert len(told) == 1
    assert "day.csv: line 99002" in told[0]
    assert (tmp_path / "state" / "1" / "a.db").exists()


def test_output_that_cannot_be_written_is_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "watthour", "models", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "watthour: what was to be printed could not be written: No space left on device"
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_traceback():
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m watthour map modbus --format json | true"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""


def test_nothing_is_left_running_by_a_mistake():
    assert not [thread for thread in threading.enumerate() if isinstance(thread, MeteringThread)]
