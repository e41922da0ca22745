"""Two keys: every path of setting, what is refused, and what time does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.face import HOLD_S, RETURN_S, Cursor, Face, Symbol, pages_of, told
from watthour.parameters import Interface
from watthour.view import Outcome, ResetPartial, SetSeal, Verdict


def type_digits(hand, digits):
    """Count each digit up to what is wanted, and go to the next."""
    for digit in digits:
        while hand.glass().text.replace(".", "")[hand.face.entry.cursor] != digit:
            hand.press(2)
        hand.press(1)


NUMBERS = [
    ("Q23612", "bus", "Addr", "bus_address", "017", "17"),
    ("Q23622", "bus", "Addr", "mbus_address", "250", "250"),
    ("Q23622", "bus", "Ident", "mbus_identification", "12345678", "12345678"),
    ("Q23612", "settings", "Cost", "cost_per_kwh", "00001825", "0.1825"),
    ("Q23612", "settings", "CO2", "co2_kg_per_kwh", "00002100", "0.2100"),
    ("Q23612", "settings", "Light", "backlight_s", "0060", "60"),
    ("Q23612", "inputs", "IN1 wgt", "input1_weight", "00025000", "2.500000"),
    ("Q23612", "inputs", "IN2 wgt", "input2_weight", "99990001", "9999.000100"),
    ("Q23602", "output", "PO wgt", "pulse_weight", "00500", "500"),
    ("Q23602", "output", "PO ms", "pulse_width_ms", "050", "50"),
]


@pytest.mark.parametrize("case", NUMBERS, ids=lambda case: f"{case[0]}-{case[3]}")
def test_a_number_is_set_digit_by_digit_and_stored_by_a_long_press(make_hand, case):
    model, page, legend, name, digits, stored = case
    hand = make_hand(model=model)
    hand.go(page, legend)
    glass = hand.hold()
    assert (glass.cursor, Symbol.SETTING in glass.symbols) == (Cursor.ONE, True)
    type_digits(hand, digits)
    assert hand.hold().text == "donE"
    assert str(hand.meter.state.settings[name]) == stored
    assert hand.asked[-1].interface == Interface.KEYS
    glass = hand.wait(2.0)
    assert (glass.legend, Symbol.SETTING in glass.symbols) == (legend, False)


CHOICES = [
    ("Q23612", "bus", "Baud", "bus_baudrate", 1, "19200"),
    ("Q23612", "bus", "Frame", "bus_framing", 1, "8E1"),
    ("Q23622", "bus", "Baud", "mbus_baudrate", 1, "4800"),
    ("Q23612", "settings", "Pages", "pages_shown", 1, "basic"),
    ("Q23612", "inputs", "IN1 unit", "input1_unit", 2, "kWh"),
    ("Q23602", "output", "PO of", "pulse_quantity", 2, "q1"),
]


@pytest.mark.parametrize("case", CHOICES, ids=lambda case: f"{case[0]}-{case[3]}")
def test_a_choice_is_stepped_by_key_2_and_back_by_key_1(make_hand, case):
    model, page, legend, name, steps, stored = case
    hand = make_hand(model=model)
    hand.go(page, legend)
    assert hand.hold().cursor == Cursor.ALL
    for _ in range(steps + 1):
        hand.press(2)
    hand.press(1)
    assert hand.hold().text == "donE"
    assert str(hand.meter.state.settings[name]) == stored


def test_a_sealed_setting_is_refused_while_the_seal_is_closed_and_set_while_it_is_open(make_hand):
    hand = make_hand()
    hand.go("inputs", "IN1 use")
    assert hand.hold().text == "SEALEd"
    assert hand.face.entry is None
    hand.meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), 0)
    hand.wait(3.0)
    hand.hold()
    hand.press(2)
    assert hand.hold().text == "donE"
    assert hand.meter.state.settings["input1_use"] == "pulses"


@pytest.mark.parametrize("legend", ["CT", "VT"])
def test_what_keys_may_not_write_is_only_shown(make_hand, legend):
    hand = make_hand(ct="200/5")
    hand.go("settings", legend)
    hand.meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), 0)
    assert hand.hold().text == "rEAd"
    assert (hand.face.entry, hand.asked) == (None, [])


OUT_OF_RANGE = [
    ("bus", "Addr", "bus_address", "000"),
    ("bus", "Addr", "bus_address", "248"),
    ("settings", "Light", "backlight_s", "3601"),
]


@pytest.mark.parametrize(("page", "legend", "name", "digits"), OUT_OF_RANGE, ids=str)
def test_a_number_out_of_range_is_dropped_and_the_old_one_shown(make_hand, page, legend, name, digits):
    hand = make_hand()
    before = hand.meter.state.settings
    old = hand.go(page, legend).text
    hand.hold()
    type_digits(hand, digits)
    glass = hand.hold()
    assert glass.text == "Error"
    assert name in glass.words
    assert hand.wait(2.0).text == old
    assert hand.meter.state.settings == before


def test_a_pulse_weight_that_could_not_be_kept_up_is_refused_with_the_reason(make_hand):
    hand = make_hand(model="Q23602", ct="1000/5", pulse_weight=1000)
    hand.go("output", "PO wgt")
    hand.hold()
    type_digits(hand, "00001")
    assert hand.hold().text == "Error"
    assert hand.meter.state.settings["pulse_weight"] == 1000


def test_the_partial_counters_are_reset_only_after_a_yes(make_hand):
    hand = make_hand()
    hand.go("partial", "CLR")
    assert hand.hold().text == "no"
    assert hand.hold().text == "rESEt"
    assert hand.asked == []
    hand.hold()
    assert hand.press(2).text == "YES"
    assert hand.hold().text == "donE"
    assert hand.asked == [ResetPartial(interface=Interface.KEYS)]
    assert [event.kind for event in hand.meter.take_events()] == ["partial reset"]


def test_a_long_press_of_key_1_drops_what_is_being_set(make_hand):
    hand = make_hand()
    old = hand.go("bus", "Addr").text
    hand.hold()
    hand.press(2)
    assert hand.hold(1).text == old
    assert (hand.face.entry, hand.asked) == (None, [])


def test_a_long_press_of_key_1_goes_back_to_the_total(make_hand):
    hand = make_hand()
    hand.go("frequency")
    assert hand.hold(1).page == "total"


def test_a_long_press_where_nothing_is_set_changes_nothing(make_hand):
    hand = make_hand()
    glass = hand.glass()
    assert hand.hold() == glass


def test_a_press_is_long_from_three_seconds_on(make_hand):
    hand = make_hand()
    hand.go("bus", "Addr")
    hand.press(2, HOLD_S - 0.001)
    assert hand.face.entry is None
    hand.go("bus", "Addr")
    hand.press(2, HOLD_S)
    assert hand.face.entry is not None


def test_after_a_minute_without_a_key_the_total_is_back_and_what_was_set_is_dropped(make_hand):
    hand = make_hand()
    hand.go("bus", "Addr")
    hand.hold()
    hand.press(2)
    assert hand.wait(RETURN_S - 0.001).page == "bus"
    glass = hand.wait(0.001)
    assert (glass.page, glass.place, hand.face.entry, hand.asked) == ("total", 0, None, [])


def test_an_old_value_that_does_not_fit_the_places_begins_at_zero(make_hand):
    hand = make_hand(input1_weight="0.000001", cost_per_kwh="429496.7295")
    hand.go("inputs", "IN1 wgt")
    assert hand.hold().text == "0000.0000"
    hand.hold(1)
    hand.go("settings", "Cost")
    assert hand.hold().text == "0000.0000"


def test_the_light_goes_out_when_its_time_is_over(make_hand):
    hand = make_hand(backlight_s=10)
    hand.press(2)
    assert hand.wait(9.999).lit
    assert not hand.wait(0.001).lit
    assert hand.press(2).lit
    always = make_hand()
    assert always.wait(1e6).lit


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_an_answer_on_the_glass(make_hand, verdict):
    hand = make_hand()
    hand.face = told(Face(), Outcome(verdict=verdict, message="why"), hand.now_s)
    assert hand.glass().text
    assert hand.glass().words == "why"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.sampled_from([0.1, 3.0, 9.9])), max_size=60))
def test_no_sequence_of_keys_leads_nowhere(make_hand, presses):
    hand = make_hand(model="Q23611")
    for key, held_s in presses:
        glass = hand.press(key, held_s)
        assert glass.page in pages_of(hand.meter.view())
        assert 0 <= glass.place < glass.places
    hand.hold(1)
    hand.hold(1)
    assert hand.wait(5.0).page == "total"
