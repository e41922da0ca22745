"""Which six channels are V1 to I3."""

from fractions import Fraction

import pytest

from watthour.errors import RecordingError
from watthour.waveform.channels import Channel, choose_channels, quantity_of


def listed(*rows: tuple[str, str, str]) -> list[Channel]:
    return [Channel(number=n, name=name, phase=phase, unit=unit) for n, (name, phase, unit) in enumerate(rows, 1)]


def numbers(channels, wanted=None) -> list[int]:
    return [channel.number for channel in choose_channels("day.cfg", channels, wanted)]


SIX = listed(("IA", "", "A"), ("IB", "", "A"), ("IC", "", "A"), ("UA", "", "kV"), ("UB", "", "kV"), ("UC", "", "kV"))


@pytest.mark.parametrize(("unit", "quantity"), [
    ("V", ("V", 1)), ("kV", ("V", 1000)), ("KV", ("V", 1000)), ("mV", ("V", Fraction(1, 1000))), ("MV", ("V", 10**6)),
    (" A", ("A", 1)), ("kA", ("A", 1000)), ("mA", ("A", Fraction(1, 1000))), ("Amps", ("A", 1)), ("volts", ("V", 1)), ("Vrms", ("V", 1)),
    ("W", None), ("", None), ("none", None), ("pu", None), ("VA", None), ("deg", None),
])  # fmt: skip
def test_units_are_volts_or_amperes_with_their_prefix(unit, quantity):
    assert quantity_of(unit) == quantity


def test_three_in_volts_and_three_in_amperes_are_plain():
    assert numbers(SIX) == [4, 5, 6, 1, 2, 3]


def test_phases_give_the_order_and_leave_out_the_neutral():
    channels = listed(
        ("a", "N", "V"), ("b", "C", "V"), ("c", "A", "V"), ("d", "B", "V"), ("e", "R", "A"), ("f", "S", "A"), ("g", "T", "A")
    )
    assert numbers(channels) == [3, 4, 2, 5, 6, 7]


def test_names_win_over_units():
    rows = [(name, "", "V" if name[0] == "v" else "A") for name in ("v1", "v2", "v3", "vn", "i1", "i2", "i3", "in")]
    assert numbers(listed(*rows)) == [1, 2, 3, 5, 6, 7]


@pytest.mark.parametrize("channels", [
    SIX[:5],
    [*SIX, *listed(("UN", "", "V"))],
    listed(("a", "A", "V"), ("b", "A", "V"), ("c", "B", "V"), ("e", "", "A"), ("f", "", "A"), ("g", "", "A")),
    [],
])  # fmt: skip
def test_what_is_not_plain_is_never_guessed(channels):
    with pytest.raises(RecordingError, match="which channels are V1, V2, V3, I1, I2, I3"):
        numbers(channels)


def test_channels_go_by_name_number_or_digits():
    assert numbers(SIX, ["UA", " ub ", 6, "1", "IB", "ic"]) == [4, 5, 6, 1, 2, 3]


def test_a_name_in_its_own_case_wins():
    channels = listed(("va", "", "V"), ("VA", "", "V"), *[("x", "", "A")])
    assert numbers(channels, ["VA", "va", 1, 3, 3, 3]) == [2, 1, 1, 3, 3, 3]


def test_a_name_of_two_channels_is_refused():
    channels = listed(("V", "", "V"), ("V", "", "V"))
    with pytest.raises(RecordingError, match="channels 1 and 2 are both called 'V': name it by its number"):
        numbers(channels, ["V"] * 6)


def test_a_long_list_of_channels_is_cut_in_the_message():
    with pytest.raises(RecordingError, match=r"64 c63 \(W\) and 6 more: name six"):
        numbers(listed(*[(f"c{k}", "", "W") for k in range(70)]))
