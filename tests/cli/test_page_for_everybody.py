"""The page for those who cannot see it, who have no mouse, or little light: names, regions, contrast, keys."""

import json
import re
import time
import urllib.request
from importlib.resources import files

import pytest
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STYLE = (files("watthour.host.web") / "static" / "style.css").read_text()
NETWORK = """\
[supply]
voltages_v = 230
frequency_hz = 50
[[load]]
name = "oven"
kind = "constant"
phases = ["L1", "L2", "L3"]
power_w = 3000
cos_phi = "0.9 ind"
[sampling]
rate_hz = 1600
"""
CONFIG = """\
[meter]
model = "Q23612"
serial = 360
ct = "200/5"
[source]
network = "kitchen.network.toml"
[tariff]
calendar = "es/3.0TD/peninsula"
"""
TEXT = 4.5
"""Contrast of text (WCAG 2.2, 1.4.3, AA)."""
GRAPHIC = 3.0
"""Of what is no text, and of large text (1.4.11, 1.4.3)."""


@pytest.fixture(scope="module")
def chromium(require_program):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_program("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(start_for_all, tmp_path_factory):
    folder = tmp_path_factory.mktemp("everybody")
    (folder / "kitchen.network.toml").write_text(NETWORK)
    (folder / "page.toml").write_text(CONFIG)
    return start_for_all("run", folder / "page.toml", "--web", "127.0.0.1:0").hear("look at ").split("look at ")[1]


def look(chromium, url, **options):
    page = chromium.new_page(**options)
    page.set_default_timeout(60_000)
    page.goto(url)
    page.wait_for_selector("#link[data-state=live]")
    page.wait_for_selector(".setting")
    page.wait_for_function("() => document.querySelector('.wave').getAttribute('d')")
    return page


def glass(url):
    with urllib.request.urlopen(f"{url}api/v1/live") as answer:  # noqa: S310 - the meter just started
        return json.load(answer)["lcd"]


def test_axe_finds_nothing_in_dark_and_light_on_desk_and_phone_with_and_without_the_dialog(chromium, url, axe):
    for scheme, width in (("light", 1280), ("dark", 360)):
        page = look(chromium, url, color_scheme=scheme, viewport={"width": width, "height": 800})
        page.evaluate(axe)
        assert found(page, contrast=scheme == "light") == [], (scheme, width)
        page.get_by_role("button", name="Close period").click()
        assert found(page, "dialog") == [], (scheme, "dialog")
        page.get_by_role("button", name="No", exact=True).click()
        page.evaluate("document.getElementById('theme').removeAttribute('aria-label')")
        assert found(page, "#theme") == ["button-name"], "a control without a name is found"
        page.close()


def found(page, where="body", *, contrast=False):
    """What axe finds; contrast, which costs it most, where asked for: colours are held one by one below."""
    run = """([where, contrast]) => axe.run(where, { resultTypes: ["violations"], rules: { "color-contrast": { enabled: contrast } } })
      .then((told) => told.violations.map((each) => each.id))"""
    return page.evaluate(run, [where, contrast])


def test_every_control_has_a_name_and_the_display_is_told_in_words(chromium, url):
    page = look(chromium, url)
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]

    def names(role):
        return [node.get("name", {}).get("value", "") for node in nodes if node.get("role", {}).get("value") == role]

    for role in ("button", "link", "switch", "combobox", "textbox", "Date", "spinbutton", "DisclosureTriangle"):
        assert "" not in names(role), role
    assert {"Key 1", "Key 2", "Change between dark and light", "Reset partial"} <= set(names("button"))
    assert names("switch") == ["Contact of input 1", "Contact of input 2"]
    displays = [name for name in names("image") if " kWh. " in name]
    assert re.fullmatch(r"Energy: A\+ \d{4}\.\d{3} kWh\. active energy, import", displays[0]), displays
    assert "" not in names("region") + names("image")
    assert names("columnheader").count("") == 0
    page.close()


def test_what_is_spoken_by_itself_is_what_a_key_does_and_whether_the_meter_is_there(chromium, url):
    page = look(chromium, url)
    live = page.eval_on_selector_all("[aria-live], [role=status], [role=alert]", "all => all.map((each) => each.id)")
    assert live == ["link", "banner", "spoken"]
    before = page.text_content("#spoken")
    page.wait_for_timeout(1200)
    assert page.text_content("#spoken") == before == "", "values that change are not read out"
    page.keyboard.press("1")
    page.wait_for_function("() => document.getElementById('spoken').textContent.startsWith('Partial energy')")
    page.close()


def until(claim):
    give_up_s = time.monotonic() + 60
    while not claim():
        assert time.monotonic() < give_up_s
        time.sleep(0.02)


def tab_to(page, selector):
    for _ in range(60):
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(selector)


def test_everything_is_done_without_a_mouse(chromium, url):
    page = look(chromium, url)
    page.keyboard.down("1")  # back at the total, wherever the tests before have led
    page.wait_for_function("() => document.getElementById('spoken').textContent.startsWith('Energy')")
    page.keyboard.up("1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the values"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "values"
    page.reload()
    page.wait_for_selector(".setting")

    tab_to(page, "[data-key='1']")
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring != "none", "who is at a control sees it"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('spoken').textContent.startsWith('Partial energy')")
    tab_to(page, "[data-key='2']")
    while glass(url)["text"] != "rESEt":
        place = glass(url)["place"]
        page.keyboard.press("Enter")
        until(lambda place=place: glass(url)["place"] != place)
    page.keyboard.down(" ")
    page.wait_for_selector("[data-sign=setting].on")  # held for three seconds
    page.keyboard.up(" ")
    assert glass(url)["cursor"] == "all"
    tab_to(page, "[role=switch]")
    page.keyboard.press("Space")
    page.wait_for_selector("[role=switch][aria-checked=true]")
    tab_to(page, "#commands button")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="hidden")
    assert page.evaluate("document.activeElement.textContent") == "Reset partial", "back where one was"
    page.close()


def colours(theme):
    """The colours of a theme, by name; those of dark lie over those of light."""
    blocks = re.findall(r"(:root(?:\[[^\]]*\])?) \{(.*?)\}", STYLE, re.DOTALL)
    wanted = [body for head, body in blocks if head == ":root" or theme in head]
    return {name: value for body in wanted for name, value in re.findall(r"--([\w-]+): (#[0-9a-f]{6})", body)}


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_reckoned_as_the_guidelines_say():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the guidelines' own example


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "behind", "least"),
    [
        *(("text", behind, TEXT) for behind in ("page", "card")),
        *(("soft", behind, TEXT) for behind in ("page", "card")),
        *((front, "card", TEXT) for front in ("accent", "good", "bad", "warn")),
        ("accent-text", "accent", TEXT),
        ("warn", "warn-page", TEXT),
        ("print", "housing", TEXT),
        ("print", "housing-low", TEXT),
        ("segment", "glass", TEXT),
        ("segment", "glass-lit", TEXT),
        *((phase, "card", GRAPHIC) for phase in ("l1", "l2", "l3")),
        ("strong-line", "card", GRAPHIC),
    ],
    ids=str,
)
def test_colours_stand_out(theme, front, behind, least):
    named = colours(theme)
    assert contrast(named[front], named[behind]) >= least, f"{front} on {behind}"
