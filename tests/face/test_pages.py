"""Which pages a meter has, and what each shows."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from watthour.face import PAGES, Face, Symbol, cells, lcd, pages_of
from watthour.face.glass import symbols_of
from watthour.history import CLOSINGS, Closing, ClosingCause, History, Maximum, RowFlag
from watthour.models import MODELS, has_feature
from watthour.units import LATE_NAMES
from watthour.view import Finding, FindingKind, LateValues

make_view = runpy.run_path(str(Path(__file__).parents[1] / "station" / "views.py"))["make_view"]


def shown(view, page):
    return [screen() for screen in pages_of(view)[page]]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.code)
def test_a_model_has_exactly_the_pages_of_what_it_has(model, make_hand):
    pages = set(pages_of(make_hand(model=model.code).meter.view()))
    absent = {page.name for page in PAGES} - pages
    wanted = {
        "inputs": has_feature(model, "digital_inputs"),
        "output": has_feature(model, "pulse_outputs"),
        "bus": bool(model.bus),
    }
    assert absent == {name for name, is_there in wanted.items() if not is_there}


@pytest.mark.parametrize("model", ["Q23602", "Q23612", "Q23622"])
def test_every_page_is_reached_by_key_1_and_every_screen_of_it_by_key_2_and_all_come_round(model, make_hand):
    hand = make_hand(model=model)
    pages = pages_of(hand.meter.view())
    for name, screens in pages.items():
        assert hand.glass().page == name
        met = []
        for _ in screens:
            glass = hand.glass()
            met.append((glass.legend, glass.text, glass.unit))
            hand.press(2)
        assert met == [(s.legend, s.digits, s.unit) for s in (screen() for screen in screens)]
        assert hand.glass().place == 0
        hand.press(1)
    assert (hand.glass().page, hand.asked) == ("total", [])


def test_everything_that_can_be_shown_can_be_spelled():
    view = make_view(software_id="ab" * 32, event_head="0f" * 32)
    for name, screens in pages_of(view).items():
        for screen in screens:
            assert len(cells(screen().digits)) == 8, name


@pytest.mark.parametrize("value", [-4_294_967_295.4, 4e9, -0.00001, 99_999.6, -123_456.78, None])
def test_a_quantity_of_any_size_fits(value):
    view = make_view({name: value for name in make_view().values if not name.endswith(("wh", "varh", "unix_s"))})
    for screens in pages_of(view).values():
        assert all(len(cells(screen().digits)) == 8 for screen in screens)


def test_harmonics_are_found_only_when_their_page_is_looked_at():
    asked = []

    def find():
        asked.append(1)
        return dict.fromkeys(LATE_NAMES, 1.25)

    view = replace(make_view(), values=LateValues({"import_wh": 5, "voltage_l1_v": 230.0}, LATE_NAMES, find))
    assert lcd(Face(), view, 0.0).text == "0000.005"
    assert not asked
    assert lcd(Face(page="thd"), view, 0.0).text == "1.25"
    assert asked


def test_what_a_bus_does_not_say_has_no_page():
    view = make_view()
    pages = pages_of(replace(view, values={"import_wh": 7, "power_w": -3.5}, exact={}, parameters={}))
    assert set(pages) == {"total", "power", "time", "identity", "warnings", "test"}


def test_few_pages_are_shown_where_the_setting_says_so(make_hand):
    names = set(pages_of(make_hand(pages_shown="basic").meter.view()))
    assert names == {page.name for page in PAGES if page.is_basic}
    assert {"total", "settings"} <= names


def test_values_stand_with_their_unit():
    view = make_view({"import_wh": 12_345_678, "power_w": -1_234_567.8, "voltage_l1_v": 230.04, "frequency_hz": 49.98765,
                      "power_factor": -0.98765, "current_n_a": None, "thd_voltage_l1_percent": 3.456, "operating_time_h": 12.34,
                      "active_rate": 3})  # fmt: skip
    expected = {
        "total": ("12345.67", "kWh"),
        "power": ("-1.2346", "MW"),
        "voltage": ("230.04", "V"),
        "frequency": ("49.988", "Hz"),
        "power_factor": ("-0.988", ""),
        "thd": ("3.46", "%"),
    }
    for page, wanted in expected.items():
        first = shown(view, page)[0]
        assert (first.digits, first.unit) == wanted
    assert shown(view, "current")[3].digits == "-----"
    assert [screen.digits for screen in shown(view, "time")][2:] == ["3", "12.3"]


def test_times_are_date_and_clock_in_utc():
    view = make_view({"max_demand_w": 7000.0, "max_demand_unix_s": 1_768_467_600}, time_ns=1_768_470_906_000_000_000)
    assert [screen.digits for screen in shown(view, "time")][:2] == ["26.01.15", "09.55.06"]
    assert [screen.digits for screen in shown(view, "demand")][1:4] == ["7.0000", "26.01.15", "09.00.00"]


def test_the_software_identification_and_the_head_of_the_chain_are_shown_whole():
    view = make_view(software_id="0123456789abcdef" * 4, event_head="fedcba9876543210" * 4, event_count=17)
    screens = shown(view, "identity")
    for legend, digest in (("SW", view.software_id), ("EV", view.event_head)):
        assert (
            "".join(s.digits for s in screens if s.legend.removeprefix(f"{legend} ").isdigit() and s.legend.startswith(legend))
            == digest
        )
    assert [s.digits for s in screens[:2]] == ["Q23612", "23612001"]
    assert screens[-1].digits == "17"


def test_closings_are_shown_the_newest_first():
    def closing(n):
        six = (n * 10**9, 0, 0, 0, 0, 0)
        return Closing(time_ns=n * 86_400 * 10**9, cause=ClosingCause.CALENDAR, total=six, rates=(six,) + ((0,) * 6,) * 7,
                       maximum=Maximum(demand_microw=5_000_000, time_ns=0), rate_maxima=(None,) * 8)  # fmt: skip

    view = make_view(closings=History((closing(n) for n in range(1, 31)), keep=CLOSINGS))
    screens = shown(view, "closings")
    assert screens[0].legend == "C1"
    assert (screens[0].digits, screens[2].digits, screens[2].unit) == ("70.01.31", "0030.000", "kWh")
    assert {s.legend.split()[0] for s in screens} == {f"C{n}" for n in range(1, CLOSINGS + 1)}
    assert [s.digits for s in screens if s.legend == "C1 Pmax"] == ["5.0000"]
    assert [s.digits for s in screens if s.legend == "C2 T1A+"] == ["0029.000"]


def test_a_closing_of_a_period_into_which_the_clock_was_set_says_so():
    none = (0,) * 6
    plain = Closing(
        time_ns=0, cause=ClosingCause.CALENDAR, total=none, rates=(none,) * 8, maximum=None, rate_maxima=(None,) * 8
    )
    view = make_view(closings=History([replace(plain, flags=RowFlag.CLOCK_SET), plain], keep=CLOSINGS))
    told = [(screen.legend, screen.words) for screen in shown(view, "closings") if screen.digits == "SEt"]
    assert told == [("C2 t", "the clock was set in the closed period")]


def test_every_kind_of_warning_has_its_screen():
    finding = Finding(kind=FindingKind.CT_REVERSED, phases=("L2",), confidence=0.97, evidence="P2 is below 0")
    view = make_view(diagnosis=(finding,), warnings=("ratio", "calendar"), storage_fault=True, registers_fresh=True)
    screens = shown(view, "warnings")
    assert [s.digits for s in screens] == [f"E-{n:02d}" for n in range(1, 6)]
    assert screens[0].words == "ct reversed at L2: P2 is below 0"
    assert Symbol.WARNING in symbols_of(view)
    assert [s.digits for s in shown(make_view(), "warnings")] == ["0"]
    assert Symbol.WARNING not in symbols_of(make_view())


def test_the_segment_test_lights_everything():
    glass = lcd(Face(page="test"), make_view(), 0.0)
    assert all(cell.segments == 0x7F and cell.point for cell in glass.cells)
    assert glass.symbols == frozenset(Symbol)


QUADRANTS = [
    (1.0, 1.0, "I", "→ import"),
    (-1.0, 1.0, "II", "← export"),
    (-1.0, -1.0, "III", "← export"),
    (1.0, -1.0, "IV", "→ import"),
]


@pytest.mark.parametrize(("power", "reactive", "quadrant", "direction"), QUADRANTS)
def test_the_quadrant_follows_the_signs_of_the_totals(power, reactive, quadrant, direction):
    lit = symbols_of(make_view({"power_w": power, "reactive_var": reactive}))
    assert {str(symbol) for symbol in lit} & {"I", "II", "III", "IV", "→ import", "← export"} == {quadrant, direction}


SEQUENCES = [
    ((0.0, -120.0, 120.0), {Symbol.FORWARD}),
    ((0.0, 120.0, -120.0), {Symbol.REVERSED}),
    ((0.0, None, 120.0), set()),
    ((0.0, 0.0, 0.0), set()),
]


@pytest.mark.parametrize(("angles", "lit"), SEQUENCES, ids=str)
def test_the_phase_sequence_follows_the_angles(angles, lit):
    values = {f"voltage_angle_l{n}_deg": angle for n, angle in enumerate(angles, 1)}
    assert symbols_of(make_view(values)) & {Symbol.FORWARD, Symbol.REVERSED} == lit


def test_phases_rate_and_seal_have_their_signs():
    lit = symbols_of(make_view({"voltage_l2_v": 0.0, "active_rate": 6}))
    assert Symbol.T6 in lit
    assert Symbol.SEALED in lit
    assert {Symbol.L1, Symbol.L2, Symbol.L3} & lit == {Symbol.L1, Symbol.L3}
    assert Symbol.SEALED not in symbols_of(make_view(seal_open=True))


def test_a_meter_without_voltage_shows_nothing():
    glass = lcd(Face(), make_view(powered=False), 0.0)
    assert not any(cell.segments for cell in glass.cells)
    assert (glass.symbols, glass.lit) == (frozenset(), False)
