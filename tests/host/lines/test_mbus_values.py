"""Values by name out of other makers' telegrams: those of the shared data, and one made up of records."""

import pytest

from watthour.host.lines.mbus_values import name_of, values_of
from watthour.wire.mbus.frame import LongFrame, parse
from watthour.wire.mbus.record import parse_records
from watthour.wire.mbus.telegram import decode_response


def named(text):
    return name_of(parse_records(bytes.fromhex(text) + bytes(8)).records[0])


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("06 03", "import_wh"),
        ("04 83 3B", "import_wh"),
        ("06 83 3C", "export_wh"),
        ("8E 10 04", "t1_import_wh"),
        ("8E 80 20 04", "t8_import_wh"),
        ("06 FB 82 F3 FC 08", "q1_varh"),
        ("86 10 FB 82 F3 FC 0B", "t1_q4_varh"),
        ("04 2B", "power_w"),
        ("04 AB FC 01", "power_l1_w"),
        ("02 FD C8 FC 05", "voltage_l12_v"),
        ("02 FD D9 FC 04", "current_n_a"),
        ("04 FB 14", "reactive_var"),
        ("04 FB B4 FC 03", "apparent_l3_va"),
        ("02 FB 2D", "frequency_hz"),
    ],
)
def test_a_record_of_any_maker_has_the_name_that_its_unit_place_and_tariff_give_it(head, name):
    assert named(head) == name


@pytest.mark.parametrize(
    "head",
    [
        "46 03",  # storage number
        "16 03",  # maximum
        "36 03",  # error state
        "86 40 03",  # sub-unit 1: ABB's export, Kamstrup's rates
        "8E 90 20 04",  # tariff 9
        "04 13",  # volume
        "04 AB FF 01",  # a maker's own
        "84 10 2B",  # power of a tariff
        "84 40 2B",  # power of a sub-unit
        "04 83 48",  # a limit
        "06 FB 82 73",  # reactive energy of no quadrant
    ],
)
def test_what_is_something_else_has_no_name(head):
    assert named(head) is None


@pytest.mark.parametrize(
    ("meter", "values"),
    [
        ("emh_diz", {"t1_import_wh": 4090}),
        ("kamstrup_382_005", {"power_w": 0, "import_wh": 0}),
        ("eastron_sdm630", {}),
    ],
)
def test_a_real_meter_of_another_maker_is_read_by_name_and_not_by_guess(shared_data, meter, values):
    """The last one tells four powers, and nothing by which to know them apart."""
    frame = parse(bytes.fromhex((shared_data / "mbus" / f"{meter}.hex").read_text()))
    assert values_of([decode_response(frame)]) == values


def test_what_a_later_telegram_says_again_changes_nothing():
    telegrams = [
        decode_response(LongFrame(control=8, address=1, ci=0x78, data=bytes.fromhex(f"04 2B {watts:02X} 000000")))
        for watts in (1, 2)
    ]
    assert values_of(telegrams) == {"power_w": 1}
