"""Numbers as the glass shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.face import counter, ranged
from watthour.face.segments import ALPHABET, cells, is_spelled


@pytest.mark.parametrize(
    ("energy", "shown"),
    [
        (0, "0000.000"),
        (9_999_999, "9999.999"),
        (10_000_000, "10000.00"),
        (99_999_999, "99999.99"),
        (100_000_000, "100000.0"),
        (999_999_999, "999999.9"),
        (1_000_000_000, "1000000"),
        (4_294_967_295, "4294967"),
        (4_294_967_296, "0000.000"),
    ],
)
def test_a_counter_has_seven_digits_up_to_the_datasheets_ceiling_and_rolls_over(energy, shown):
    assert counter(energy) == shown


@given(st.integers(0, 2**32 - 1))
def test_a_counter_is_never_above_what_was_counted_and_less_than_a_last_digit_below(energy):
    shown = counter(energy)
    assert len(shown.replace(".", "")) == 7
    last = 10 ** -len(shown.partition(".")[2])
    assert 0 <= energy / 1000 - float(shown) < last


@given(st.floats(-9e9, 9e9, allow_nan=False))
def test_a_ranged_quantity_keeps_five_digits_and_fits_the_glass(value):
    digits, prefix = ranged(value)
    assert is_spelled(digits)
    assert float(digits) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[prefix] == pytest.approx(value, rel=5.1e-5, abs=5.1e-5)


SEGMENTS = {"0": "abcdef", "1": "bc", "4": "bcfg", "7": "abc", "8": "abcdefg", "-": "g", " ": "", "E": "adefg"}


@pytest.mark.parametrize(("character", "lit"), SEGMENTS.items())
def test_a_character_lights_its_segments(character, lit):
    assert cells(character)[-1].segments == sum(1 << "abcdefg".index(segment) for segment in lit)


def test_the_digits_and_the_hexadecimal_letters_all_differ():
    shown = [ALPHABET[character] for character in "0123456789ABCDEF"]
    assert len(set(shown)) == len(shown)


def test_a_point_belongs_to_the_cell_before_it():
    assert [cell.point for cell in cells("12.3")] == [False] * 6 + [True, False]
    assert [cell.point for cell in cells(".5")] == [False] * 6 + [True, False]


@pytest.mark.parametrize("text", ["123456789", "km", "1/2", "12:30"])
def test_what_seven_segments_cannot_show_is_refused(text):
    with pytest.raises(ValueError, match="cannot be shown"):
        cells(text)
