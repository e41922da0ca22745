"""What stands in ``packaging/``: the unit is one for systemd, and the dashboard asks a Prometheus for what the page of a poll holds."""

import asyncio
import json
import random
import re
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from dataclasses import replace

import pytest

from watthour.host.instants import now_ns
from watthour.host.poller.config import plan_poll
from watthour.host.poller.running import Poll
from watthour.host.poller.showing import Showing

PATIENCE_S = 40.0
MEASURED = {"power_w": 690, "voltage_l1_v": 230.1, "power_factor": 0.98}


@pytest.fixture
def dashboard(project_root):
    return json.loads((project_root / "packaging" / "grafana-dashboard.json").read_text("utf-8"))


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def asked(port, query):
    """Return what a Prometheus answers to a query."""
    words = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{words}") as answer:
        return json.load(answer)["data"]["result"]


def until(is_so):
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            if found := is_so():
                return found
        except OSError:
            pass
        assert time.monotonic() < give_up_s
        time.sleep(0.2)


def test_every_query_of_the_dashboard_has_an_answer_in_a_prometheus(soak, dashboard, tmp_path, require_program):
    program = require_program("prometheus")
    metrics, web = free_port(), free_port()
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: watthour\n    static_configs:\n"
        f'      - targets: ["127.0.0.1:{metrics}"]\n'
    )
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) == len(dashboard["panels"])

    async def story():
        meter = soak.SimulatedMeter(serial=7, seed=1, begin_ns=now_ns(), begin_wh=5)
        place = soak.Socket("hall", meter)
        place.view = lambda: replace(meter.view(), values=meter.view().values | MEASURED)
        line = soak.SimulatedLine("modbus+tcp", [place], random.Random(1))  # noqa: S311
        await line.answer()
        text = f'interval_s = 2\n[metrics]\naddress = "127.0.0.1:{metrics}"\n' + "".join(line.tables("watthour"))
        (tmp_path / "poll.toml").write_text(text, "utf-8")
        told, stop = [], []
        poll = Poll(plan_poll(tmp_path / "poll.toml"), Showing(told.append), stop_asked=lambda: bool(stop))
        task = asyncio.create_task(poll.run(once=False))
        command = [program, f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
        command.append(f"--web.listen-address=127.0.0.1:{web}")
        server = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
        try:
            answers = [await asyncio.to_thread(until, lambda q=q: asked(web, q.replace("$place", "hall"))) for q in queries]
            stranger = await asyncio.to_thread(asked, web, 'watthour_up{place="nobody"}')
            names = await asyncio.to_thread(asked, web, "count by (place) (watthour_up)")
        finally:
            server.terminate()
            await server.wait()
            stop.append(True)
            await task
            await line.stop()
        return answers, stranger, names

    answers, stranger, names = asyncio.run(story())
    assert all(answer[0]["metric"]["place"] == "hall" for answer in answers)
    assert stranger == []
    assert [each["metric"]["place"] for each in names] == ["hall"]


def test_the_dashboard_s_panels_have_their_source_their_place_and_a_unit_that_grafana_knows(dashboard):
    assert {each["name"] for each in dashboard["templating"]["list"]} == {"source", "place"}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    for panel in dashboard["panels"]:
        assert panel["type"] in {"timeseries", "stat"}
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
        assert panel["fieldConfig"]["defaults"]["unit"] in {"watt", "watth", "volt", "none"}
        assert all(set(re.findall(r"\$\w+", target["expr"])) == {"$place"} for target in panel["targets"])


def test_systemd_takes_the_unit_and_refuses_one_with_a_wrong_word(project_root, tmp_path, require_program):
    analyse = require_program("systemd-analyze")
    unit = project_root / "packaging" / "watthour-poll.service"
    done = subprocess.run([analyse, "verify", unit], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    wrong = tmp_path / "watthour-poll.service"
    wrong.write_text(unit.read_text("utf-8").replace("Type=exec", "Type=exek").replace("RestartSec=5", "RestartSecs=5"))
    done = subprocess.run([analyse, "verify", wrong], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert "exek" in done.stderr
    assert "RestartSecs" in done.stderr
