"""Figures are short and lose no digit that matters."""

import pytest

from watthour.host.terminal.figures import elapsed, energy, factor, figure


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (132_790.56, "132.79 kV"),
        (999.9951, "1.0000 kV"),
        (999.994, "999.99 V"),
        (99.99951, "100.00 V"),
        (-0.0004, "-0.0004 V"),
        (0.0, "0.0000 V"),
        (230, "230.00 V"),
        (1e12, "1000.0 GV"),
        (None, "-"),
    ],
)
def test_a_value_has_five_digits_and_a_prefix(value, shown):
    assert figure(value, "V") == shown


@pytest.mark.parametrize(("value", "shown"), [(-0.99951, "-1.000"), (0.5, "0.500"), (None, "-")])
def test_a_factor_has_three_decimals(value, shown):
    assert factor(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0.000"), (999, "0.999"), (1_000_000, "1 000.000"), (4_294_967_295, "4 294 967.295"), (None, "-")]
)
def test_a_register_shows_every_digit(value, shown):
    assert energy(value) == shown


def test_a_duration_is_written_as_hours():
    assert elapsed(0.0) == "0:00:00.0"
    assert elapsed(3599.96) == "0:59:59.9"
    assert elapsed(1e6) == "277:46:40.0"
