"""A D312 with the workshop behind it, run as a user runs it, read by libmbus as node-mbus carries it: the same numbers everywhere."""

import json
import os
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watthour.maps.mbus import SETS, Set, Written
from watthour.units import VALUE_BY_NAME, steps_half_up

ROOT = Path(__file__).resolve().parents[2]
WORKSHOP = ROOT / "examples" / "workshop.toml"
ROWS = [row for rows in SETS[Set.ALL] for row in rows]
SECONDS = 20
WORDS = ("--speed", "max", "--duration", str(SECONDS), "--hold", "--json", "--model", "Q23622")
PATIENCE_S = 120


@pytest.fixture
def node(node_modules):
    """Have node-mbus do things on a line; return what each gave."""

    def run(options, *actions, preload=None):
        command = ["node", str(node_modules.parent / "read_mbus.js"), json.dumps(options), *map(json.dumps, actions)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                              env={**os.environ, **({} if preload is None else {"LD_PRELOAD": str(preload)})})  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def pty_without_parity(require_program, node_modules, tmp_path):
    """What lets libmbus, which asks for even parity, open a pty."""
    library = tmp_path / "pty_without_parity.so"
    source = node_modules.parent / "pty_without_parity.c"
    subprocess.run([require_program("cc"), "-shared", "-fPIC", "-o", str(library), str(source)], check=True, timeout=PATIENCE_S)
    return library


def tcp(url):
    return {"host": "127.0.0.1", "port": int(url.partition("?")[0].rpartition(":")[2]), "timeout": 1000}


@pytest.fixture
def hold(start, ask):
    """Start a meter, and wait until it has metered all it will; return it and where it is read."""

    def begin(*words, at=None):
        meter = start("run", *words, *WORDS)
        url = at or meter.url()
        give_up_s = time.monotonic() + PATIENCE_S
        while True:
            status, out, _ = ask("read", url, "--json")
            if status == 0 and json.loads(out[-1])["values"]["operating_time_h"] == SECONDS / 3600:
                return meter, url
            assert time.monotonic() < give_up_s, out
            time.sleep(0.2)

    return begin


def raw_of(row, values):
    """Return what a record must carry of the values that the terminal shows."""
    value = values[row.name]
    if row.written is Written.TIME:
        return datetime.fromtimestamp(value, UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    return steps_half_up(value, row.decimals)


def require_same(theirs, shown):
    records = [record for record in theirs["DataRecord"] if record["Function"] != "More records follow"]
    assert len(records) == len(ROWS)
    nulls = set()
    for row, record in zip(ROWS, records, strict=True):
        told = (record.get("StorageNumber", 0), record.get("Tariff", 0), record.get("Device", 0))
        assert told == (row.storage, row.tariff, row.subunit), row
        if row.name in VALUE_BY_NAME and shown["values"][row.name] is None:
            assert record["Function"] == "Value during error state"
            nulls.add(row.name)
        elif row.name in VALUE_BY_NAME:
            assert record["Value"] == raw_of(row, shown["values"]), row
    assert nulls == {"max_demand_w", "max_demand_unix_s"}, "no demand period has ended in 20 s"
    return dict(zip((row.name for row in ROWS), records, strict=True))


def test_the_workshop_read_over_tcp_has_the_numbers_that_the_terminal_shows(hold, ask, node):
    meter, url = hold(WORKSHOP, "--listen", "mbus+tcp://127.0.0.1:0")
    (theirs,) = node(tcp(url), ["get", 1])
    status, out, err = ask("read", url, "--json")
    assert (status, err) == (0, [])
    ours = json.loads(out[-1])
    status, out = meter.end(signal.SIGTERM)
    shown = json.loads(out.splitlines()[-1])
    assert status == 0
    records = require_same(theirs, shown)
    assert theirs["SlaveInformation"]["Manufacturer"] == "CIR"
    assert theirs["SlaveInformation"]["Id"] == shown["serial"] == ours["serial"]
    assert records["import_wh"]["Value"] == ours["values"]["import_wh"] == shown["values"]["import_wh"] > 0
    assert records["software_id"]["Value"] == ask("--version", "--verbose")[1][1].split()[-1]
    assert len(records["event_head"]["Value"]) == 64
    assert {records[f"ct_{part}"]["Value"] for part in ("primary", "secondary")} == {2000, 50}


def test_the_same_over_a_serial_line(hold, node, serial_pair, pty_without_parity):
    meter, _ = hold(
        WORKSHOP,
        "--listen",
        f"mbus+serial://{serial_pair.ours}?baudrate=2400&address=7",
        at=f"mbus+serial://{serial_pair.theirs}?address=7",
    )
    (theirs,) = node({"serialPort": serial_pair.theirs, "serialBaudRate": 2400}, ["get", 7], preload=pty_without_parity)
    status, out = meter.end(signal.SIGTERM)
    assert status == 0
    require_same(theirs, json.loads(out.splitlines()[-1]))


def test_two_meters_are_found_selected_and_given_an_address(start, node, tmp_path):
    configs = []
    for serial in (11_111_111, 22_222_222):
        configs.append(tmp_path / f"{serial}.toml")
        configs[-1].write_text(
            f'[meter]\nmodel = "Q23621"\nserial = {serial}\n[source]\nnetwork = "{ROOT}/examples/workshop.network.toml"\n'
            f'[[listen]]\nurl = "mbus+tcp://127.0.0.1:0?address={serial % 10}"\n'
        )
    meters = [start("run", config, "--speed", "max", "--duration", "1", "--hold") for config in configs]
    urls = [meter.url() for meter in meters]
    for url, serial in zip(urls, (11_111_111, 22_222_222), strict=True):
        here = {**tcp(url), "timeout": 200}
        found, chosen = node(here, ["scan"], ["get", f"{serial}320D0102"])
        assert found == [f"{serial}320D0102"]
        assert chosen["SlaveInformation"]["Id"] == serial


def test_an_address_set_by_libmbus_is_the_meter_s_from_then_on(hold, node, tmp_path):
    meter, url = hold(WORKSHOP, "--data", tmp_path / "state", "--listen", "mbus+tcp://127.0.0.1:0")
    written, gone, there = node({**tcp(url), "timeout": 300}, ["set", 1, 250], ["get", 1], ["get", 250])
    assert written == "done"
    assert "error" in gone
    assert there["SlaveInformation"]["Manufacturer"] == "CIR"
    assert meter.end(signal.SIGTERM)[0] == 0
