"""Draw the page and the panel of the workshop's meter into docs/pictures: two days by the second, then some seconds by the sample.

Usage: python tools/screens.py FOLDER (needs chromium on the PATH)
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from watthour.host import running
from watthour.host.config import Options, plan_from
from watthour.host.metering import Pace
from watthour.host.terminal.panel.app import Panel

NETWORK = Path(__file__).resolve().parent.parent / "examples" / "workshop.network.toml"
PORT = 18_399
METER = """\
data = "state"
[meter]
model = "Q23612"
serial = 23612001
ct = "200/5"
[tariff]
calendar = "es/3.0TD/peninsula"
[source]
network = "{network}"
"""
BEFORE = 'phasors = true\nstart = "2026-01-13T00:00:00+01:00"\n'
NOW = 'start = "2026-01-15T12:20:00+01:00"\n'
SECONDS_BEFORE = 217_200
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_S = 120.0


def page(config: Path, picture: Path) -> None:
    """Run the meter, look at its page, and keep what is seen."""
    address = f"127.0.0.1:{PORT}"
    words = [sys.executable, "-m", "watthour", "run", str(config), "--web", address]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as meter:
        try:
            wait_for(f"http://{address}/api/v1/waves")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                seen = browser.new_page(viewport={"width": 1440, "height": 1290}, color_scheme="light")
                seen.goto(f"http://{address}/")
                seen.wait_for_selector("#link[data-state=live]")
                seen.wait_for_selector("[data-led=kwh].on", state="attached")
                seen.wait_for_timeout(2500)
                seen.screenshot(path=picture)
                browser.close()
        finally:
            meter.terminate()


def wait_for(url: str) -> None:
    """Wait until a page answers."""
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        try:
            with urllib.request.urlopen(url):  # noqa: S310 - the meter just started
                return
        except OSError:
            time.sleep(0.3)
    message = f"{url} does not answer"
    raise RuntimeError(message)


def panel(config: Path, picture: Path) -> None:
    """Run the meter under its panel without a terminal, and keep what is drawn."""
    screens: list[str] = []

    async def drawn(meters: list[running.RunningMeter], _stop_asked: object) -> None:
        app = Panel(meters[0].shown)
        async with app.run_test(size=(128, 40)) as pilot:
            await pilot.pause(4.0)
            screens.append(app.export_screenshot(title="watthour panel"))

    running._show_panel = drawn  # type: ignore[assignment]  # noqa: SLF001 - in place of a real terminal
    running.run_meters([plan_from(config, Options())], Pace(hold=True), stop_asked=lambda: False, as_json=False, panel=True)
    picture.write_text(re.sub(r"@font-face {.*?}", "", screens[0], flags=re.DOTALL), "utf-8")  # fonts of another machine


def main() -> None:
    """Draw both."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        before, now = Path(name) / "before.toml", Path(name) / "now.toml"
        before.write_text(METER.format(network=NETWORK) + BEFORE, "utf-8")
        now.write_text(METER.format(network=NETWORK) + NOW, "utf-8")
        fast = [sys.executable, "-m", "watthour", "run", str(before), "--speed", "max", "--duration", str(SECONDS_BEFORE)]
        subprocess.run(fast, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        page(now, folder / "page.png")
        panel(now, folder / "panel.svg")


if __name__ == "__main__":
    main()
