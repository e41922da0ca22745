"""Messages through a broker of somebody else's: what Home Assistant needs, unavailable instead of 0, nothing lost while it is away."""

import asyncio
import json
import random
import shutil
import socket
import subprocess
import time

import pytest
from sqlalchemy import func, select

from watthour.host.archive.database import open_archive
from watthour.host.archive.tables import OUTBOX
from watthour.host.instants import now_ns
from watthour.host.poller.config import plan_poll
from watthour.host.poller.running import Poll
from watthour.host.poller.showing import Showing

PATIENCE_S = 20.0


@pytest.fixture
def broker(tmp_path, require_program):
    """A mosquitto on a free port, started and stopped at will."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin") or require_program("mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", "utf-8")
    running = []

    def start():
        running.append(subprocess.Popen([program, "-c", config], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        give_up_s = time.monotonic() + PATIENCE_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            assert time.monotonic() < give_up_s
            time.sleep(0.05)

    yield port, start
    for process in running:
        process.terminate()
        process.wait(PATIENCE_S)


def heard(program, port, seconds):
    """Return what mosquitto_sub hears, by topic, in order."""
    command = [program, "-h", "127.0.0.1", "-p", str(port), "-t", "#", "-v", "-W", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S + seconds, check=False)
    messages = {}
    for line in done.stdout.splitlines():
        topic, _, payload = line.partition(" ")
        messages.setdefault(topic, []).append(payload)
    return messages


def letters_of(file):
    """Return how many messages wait to be delivered."""
    if not file.exists():
        return 0
    with open_archive(f"sqlite:///{file}") as archive, archive.reading() as connection:
        return connection.scalar(select(func.count()).select_from(OUTBOX))


def test_home_assistant_finds_a_place_and_hears_when_it_is_gone(soak, tmp_path, broker, require_program):
    port, start = broker
    subscriber = require_program("mosquitto_sub")

    async def story():
        meter = soak.SimulatedMeter(serial=7, seed=1, begin_ns=now_ns(), begin_wh=5)
        line = soak.SimulatedLine("modbus+tcp", [soak.Socket("hall", meter)], random.Random(1))  # noqa: S311
        await line.answer()
        path = tmp_path / "poll.toml"
        head = "interval_s = 2\ntimeout_s = 0.4\n"
        mqtt = f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
        path.write_text(head + "".join(line.tables("watthour")) + mqtt, "utf-8")
        told, stop = [], []
        poll = Poll(plan_poll(path), Showing(told.append), stop_asked=lambda: bool(stop))
        task = asyncio.create_task(poll.run(once=False))
        give_up_s = time.monotonic() + PATIENCE_S
        while not (waiting := letters_of(tmp_path / "readings.db")) or not told:
            assert time.monotonic() < give_up_s
            await asyncio.sleep(0.1)
        await asyncio.to_thread(start)
        there = await asyncio.to_thread(heard, subscriber, port, 6)
        await line.stop()
        await asyncio.sleep(3)
        gone = await asyncio.to_thread(heard, subscriber, port, 2)
        stop.append(True)
        await task
        ended = await asyncio.to_thread(heard, subscriber, port, 1)
        left = letters_of(tmp_path / "readings.db")
        return told, waiting, there, gone, ended, left

    told, waiting, there, gone, ended, left = asyncio.run(story())
    assert waiting >= 1
    assert left == 0
    assert any("the broker does not answer" in words for words in told)
    assert any("the broker answers again" in words for words in told)
    config = json.loads(there["homeassistant/sensor/watthour_hall/import_wh/config"][0])
    assert config["device_class"] == "energy"
    assert config["state_class"] == "total_increasing"
    assert config["unit_of_measurement"] == "Wh"
    state = json.loads(there[config["state_topic"]][-1])
    assert state["total_import_wh"] >= 0
    assert config["value_template"] == "{{ value_json.total_import_wh }}"
    assert {each["topic"]: there[each["topic"]][-1] for each in config["availability"]} == {
        "watthour/status": "online",
        "watthour/hall/availability": "online",
    }
    kinds = [json.loads(payload)["kind"] for payload in there["watthour/hall/event"]]
    assert kinds == ["first"]
    starts = [json.loads(payload)["start"] for payload in there["watthour/hall/interval"]]
    assert starts == sorted(set(starts))
    assert gone["watthour/hall/availability"] == ["offline"]
    assert ended["watthour/status"] == ["offline"]
