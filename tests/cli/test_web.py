"""The page of a running meter, in a real browser: what it shows, what it takes, what it does when the meter is away."""

import json
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from itertools import pairwise

import pytest
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NETWORK = """\
[supply]
voltages_v = [231, 229, 230]
frequency_hz = 50
harmonics = [{ order = 5, percent = 2, angle_deg = 0 }]
[[load]]
name = "ovens"
kind = "constant"
phases = ["L1", "L2", "L3"]
power_w = 60000
cos_phi = "0.9 ind"
[sampling]
rate_hz = 1600
"""
CONFIG = """\
data = "state"
[meter]
model = "{model}"
serial = 8311
ct = "200/5"
input1_use = "pulses"
[source]
network = "plant.network.toml"
[tariff]
calendar = "es/3.0TD/peninsula"
[web]
address = "127.0.0.1:{port}"
"""


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def plant(tmp_path):
    """Write the configuration of a meter with a page; return it and the port."""

    def write(model="Q23612", name="plant.toml"):
        (tmp_path / "plant.network.toml").write_text(NETWORK)
        port = free_port()
        text = CONFIG.format(model=model, port=port)
        (tmp_path / name).write_text(text if model == "Q23612" else text.replace('input1_use = "pulses"\n', ""))
        return tmp_path / name, port

    return write


@pytest.fixture(scope="module")
def browser(require_program):
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=require_program("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


def look(browser, port, width=1280, height=900, **options):
    page = browser.new_page(viewport={"width": width, "height": height}, **options)
    page.set_default_timeout(60_000)
    page.problems = []
    page.on("pageerror", lambda problem: page.problems.append(str(problem)))
    page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else None)
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector("#link[data-state=live]")
    return page


def asked(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}") as answer:
        return json.load(answer)


def glass(port):
    return asked(port, "live")["lcd"]


def until(claim, patience_s=30.0):
    give_up_s = time.monotonic() + patience_s
    while not claim():
        assert time.monotonic() < give_up_s
        time.sleep(0.05)


def test_the_page_shows_a_living_meter_and_its_keys_and_contacts_work(start, plant, browser):
    config, port = plant()
    program = start("run", config, "--listen", "modbus+tcp://127.0.0.1:0")
    assert program.hear("look at ").endswith(f"look at http://127.0.0.1:{port}/")
    page = look(browser, port)
    until(lambda: page.evaluate("document.querySelector('[data-value=voltage_l1]').textContent.startsWith('23')"))

    assert "CEM-D311-MID" in page.title()
    before = page.text_content("[data-register=import_wh]")
    until(lambda: page.text_content("[data-register=import_wh]") != before)
    page.wait_for_selector("[data-led=kwh].on", state="attached")
    until(lambda: page.evaluate("document.querySelectorAll('.wave')[0].getAttribute('d')?.length > 500"))
    page.get_by_role("button", name="voltage").click()
    fifth = "Number(document.querySelectorAll('.bar.l1')[3].getAttribute('height')) > 5"
    until(lambda: page.evaluate(fifth))
    assert page.locator("#map path[fill]").count() == 6
    assert page.locator("#curve rect.load").count() >= 1

    # every page by key 1, as the meter has them
    pages = []
    for _ in range(26):
        pages.append(glass(port)["page"])
        page.click("[data-key='1']")
        until(lambda: glass(port)["page"] != pages[-1])
    assert len(set(pages)) == 24
    assert glass(port)["page"] == pages[2]

    # from the keyboard; a long press of key 1 leads back to the total
    page.keyboard.press("2")
    until(lambda: glass(port)["place"] == 1)
    page.keyboard.down("1")
    until(lambda: glass(port)["page"] == "total")
    page.keyboard.up("1")

    # the address of the bus, by a long press with the mouse, three digits, a long press
    while glass(port)["page"] != "bus":
        here = glass(port)["page"]
        page.keyboard.press("1")
        until(lambda here=here: glass(port)["page"] != here)
    hold(page, lambda: glass(port)["cursor"] == "one")
    assert "setting" in glass(port)["symbols"]
    for key in "112":
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    hold(page, lambda: glass(port)["text"] == "donE")
    assert next(row["value"] for row in asked(port, "settings") if row["name"] == "bus_address") == "2"

    # a contact closed and opened is a pulse
    contact = page.get_by_role("switch", name="Contact of input 1")
    contact.click()
    until(lambda: asked(port, "values/input1_closed")["value"] == 1)
    contact.click()
    until(lambda: asked(port, "values/input1_closed")["value"] == 0)
    assert asked(port, "values/input1_count")["value"] == 1

    # a command asks first
    page.get_by_role("button", name="Reset partial").click()
    page.get_by_role("button", name="Yes", exact=True).click()
    until(lambda: any(event["kind"] == "partial reset" for event in asked(port, "log")["events"]))
    page.wait_for_selector("text=partial reset")
    assert page.problems == []
    page.close()
    assert program.end(signal.SIGTERM)[0] == 0


def hold(page, claim):
    box = page.locator("[data-key='2']").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    until(claim)
    page.mouse.up()


def test_the_page_and_the_bus_say_the_same(start, plant, require_program):
    config, port = plant()
    program = start("run", config, "--duration", "2", "--speed", "max", "--hold", "--listen", "modbus+tcp://127.0.0.1:0")
    bus = int(program.url().rpartition(":")[2])
    until(lambda: asked(port, "live")["values"]["voltage_l1_v"] is not None)
    until(lambda: asked(port, "live")["time_ms"] >= asked(port, "live")["time_ms"])
    time.sleep(1.0)  # the run has ended, what it shows stands still
    values = asked(port, "values")["values"]
    mbpoll = [require_program("mbpoll"), "-m", "tcp", "-p", str(bus), "-a", "1", "-0", "-1", "-B", "-q"]
    for register, name, scale in (
        (0x0000, "import_wh", 1),
        (0x0732, "voltage_l1_v", 10),
        (0x0738, "current_l1_a", 100),
        (0x074C, "power_w", 1),
    ):
        out = subprocess.run(
            [*mbpoll, "-r", str(register), "-t", "4:int", "127.0.0.1"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        polled = int(re.search(r"\]:\s*(-?\d+)", out)[1])
        assert polled == pytest.approx(values[name] * scale, abs=0.5001), name
    assert glass(port)["text"] == f"{values['import_wh'] // 1000:04d}.{values['import_wh'] % 1000:03d}"
    program.end(signal.SIGTERM)


def test_a_restarted_meter_is_back_on_the_page_within_two_seconds(start, plant, browser):
    config, port = plant()
    program = start("run", config)
    program.hear("look at ")
    page = look(browser, port)
    program.process.kill()
    page.wait_for_selector("#link[data-state=lost]")
    assert page.locator("#banner").text_content() == "The meter does not answer. Trying again."
    again = start("run", config)
    again.hear("look at ")
    back_s = time.monotonic()
    page.wait_for_selector("#link[data-state=live]")
    assert time.monotonic() - back_s < 2.0
    until(lambda: page.evaluate("document.getElementById('banner').hidden"))
    page.close()
    again.end(signal.SIGTERM)


def test_a_phone_of_360_pixels_shows_everything_and_a_model_only_what_it_has(start, plant, browser):
    config, port = plant(model="Q23602")
    program = start("run", config)
    program.hear("look at ")
    page = look(browser, port, 360, 740, color_scheme="dark", has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 21, 26)"
    assert page.locator("#contacts button").count() == 0
    wide = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)"
    page.evaluate("document.querySelectorAll('.tiles dd').forEach(e => { e.textContent = '4294.9 MWh' })")
    assert page.eval_on_selector_all(".tiles dd", wide) == []
    page.locator("[data-key='1']").tap()
    until(lambda: glass(port)["page"] == "partial")
    small = page.eval_on_selector_all(
        "button, .button", "all => all.filter(e => e.offsetParent && e.getBoundingClientRect().height < 32).length"
    )
    assert small == 0
    page.locator("#theme").tap()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.problems == []
    page.close()
    program.end(signal.SIGTERM)


def test_ten_who_look_see_values_at_most_0_4_s_old_and_hold_up_nothing(start, plant):
    config, port = plant()
    program = start("run", config)
    program.hear("look at ")
    gaps = []

    def watch():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/events", timeout=30) as stream:
            seen, times, begun_s = None, [], time.monotonic()
            while time.monotonic() - begun_s < 5.0:
                line = stream.readline()
                if line.startswith(b'data: {"serial"'):
                    told = json.loads(line[6:])["time_ms"]
                    if told != seen:
                        seen, _ = told, times.append(time.monotonic())
            gaps.append(sorted(b - a for a, b in pairwise(times)))

    threads = [threading.Thread(target=watch) for _ in range(10)]
    begun = asked(port, "live")["time_ms"], time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = asked(port, "live")["time_ms"], time.monotonic()
    assert len(gaps) == 10
    for row in gaps:
        assert row[len(row) // 2] < 0.4
    metered_s, passed_s = (ended[0] - begun[0]) / 1000, ended[1] - begun[1]
    assert metered_s == pytest.approx(passed_s, abs=0.6)  # it keeps pace: two windows and a step
    program.end(signal.SIGTERM)


def test_a_busy_port_gets_one_clear_line(start, plant):
    config, port = plant()
    with closing(socket.create_server(("127.0.0.1", port))):
        program = start("run", config, "--duration", "1")
        status, _ = program.end()
    assert status == 1
    assert (
        program.lines[-1] == f"watthour: 127.0.0.1:{port}: in use: stop the program that listens there, or choose another port"
    )


@pytest.mark.parametrize("words", [("--web", "8311"), ("--web", "http://127.0.0.1:8311")])
def test_an_address_that_is_none_gets_one_clear_line(plant, ask, words):
    config, _ = plant()
    status, _, err = ask("run", config, *words)
    assert status == 2
    assert err == [f"watthour: {words[1]}: no address of a page: write HOST:PORT, such as 127.0.0.1:8311"]


def test_where_others_can_look_a_token_is_printed_and_demanded(start, plant):
    config, _ = plant()
    port = free_port()
    program = start("run", config, "--web", f"0.0.0.0:{port}")
    found = re.search(r"look at http://0\.0\.0\.0:\d+/\?token=(\S{20,})", program.hear("look at "))
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(port, "meter")
    assert refused.value.code == 401
    refused.value.close()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/meter", headers={"Authorization": f"Bearer {found[1]}"})
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        assert json.load(answer)["serial"] == 8311
    program.end(signal.SIGTERM)
