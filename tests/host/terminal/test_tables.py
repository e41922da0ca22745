"""Tables show every figure whole on 80 columns."""

from rich.console import Group

from watthour.host.terminal import map_table, models_table, reading_tables, value_tables
from watthour.host.terminal.tables import phase_table, rate_tables, register_tables
from watthour.maps.modbus import REGISTERS
from watthour.models import MODELS


def words_of(lines):
    return " ".join(lines).split()


def assert_whole(lines):
    assert "…" not in "".join(lines)
    assert max(len(line) for line in lines) <= 80


def test_values_of_a_large_substation_are_shown_whole(drawn, largest):
    lines = drawn(phase_table(largest))
    assert_whole(lines)
    rows = {line.split()[0]: line for line in lines if line.strip()}
    for phase in ("L1", "L2", "L3"):
        for figure in ("132.79 kV", "1.2000 kA", "-159.35 MW", "-159.35 Mvar", "159.35 MVA", "-1.000"):
            assert figure in rows[phase], (figure, rows[phase])
    assert "49.995 Hz" in rows["Σ"]


def test_registers_at_their_end_are_shown_whole(drawn, largest):
    lines = drawn(register_tables(largest))
    assert_whole(lines)
    assert [line.count("4 294 967.295") for line in lines if "967" in line] == [3] * 12
    words = words_of(lines)
    assert [word for word in words if word in {"total", "partial", "T8", "L1", "L2", "L3"}] == [*words[1:4], "L1", "L2", "L3"]


def test_short_registers_stand_in_one_table(drawn, largest):
    short = {name: 9_999_999 if name.endswith("h") else value for name, value in largest.items()}
    lines = drawn(register_tables(short))
    assert_whole(lines)
    assert [line.count("9 999.999") for line in lines if "999" in line] == [6] * 6


def test_values_and_registers_stand_apart(drawn, largest):
    lines = drawn(value_tables(largest))
    assert_whole(lines)
    assert lines[lines.index(next(line for line in lines if line.startswith("Registers"))) - 1].strip() == ""


def test_the_registers_of_the_active_rate_are_shown(drawn, largest):
    assert "T8" in words_of(drawn(register_tables(largest)))
    assert "T1" in words_of(drawn(register_tables({**largest, "active_rate": None})))


def test_what_is_not_known_is_a_dash(drawn):
    lines = drawn(phase_table({}))
    assert lines[3].split() == ["L1", *["-"] * 7]
    assert_whole(drawn(register_tables({})))


def test_a_reading_tells_who_answered(drawn, largest):
    lines = drawn(reading_tables("modbus+tcp://127.0.0.1:1502?unit=1", "CEM-D311-MID", 4_294_967_295, largest))
    assert_whole(lines)
    assert lines[0] == "CEM-D311-MID  serial 4294967295  modbus+tcp://127.0.0.1:1502?unit=1"


def test_the_range_is_shown_whole(drawn):
    lines = drawn(models_table())
    assert_whole(lines)
    words = words_of(lines)
    for model in MODELS:
        assert model.code in words
        assert model.name in words


def test_every_row_of_the_map_is_shown_whole(drawn):
    lines = drawn(map_table("modbus"))
    assert_whole(lines)
    shown = {line.split()[0]: line.split() for line in lines if line.strip()}
    for row in REGISTERS:
        words = shown[f"{row.address:04X}"]
        assert words[1:3] == [row.name, row.type.value]
        assert words[-2:] == [row.access.value, row.status.value]


def test_the_map_says_what_is_unverified(drawn):
    assert any("D311 unverified" in line for line in drawn(map_table("modbus")))


def test_rates_that_counted_are_shown_with_their_maxima_and_nothing_before_the_first_demand(drawn, largest):
    lines = drawn(Group(*rate_tables({**largest, "demand_w": 159_350_000.0, "max_demand_w": None, "t3_import_wh": 0, "t3_export_wh": 0,
                                      "t8_max_demand_w": 1234.5, "t8_max_demand_unix_s": 1_767_226_500})))  # fmt: skip
    assert_whole(lines)
    rows = {line.split()[0]: line for line in lines if line.strip()}
    assert "T3" not in rows
    assert "1.2345 kW" in rows["T8"]
    assert "2026-01-01 00:15" in rows["T8"]
    assert " - " in rows["Σ"]
    assert "159.35 MW" in lines[-1]
    assert rate_tables({**largest, "demand_w": None}) == []
