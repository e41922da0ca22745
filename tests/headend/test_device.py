"""Devices as data: exact numbers out of registers, and files that are refused with a word."""

import json
import runpy
import struct
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import ValidationError

from watthour.errors import BadFrameError
from watthour.headend.device import Contents, reading_from
from watthour.headend.device_file import DeviceFile
from watthour.headend.sunspec import locate
from watthour.host.poller.devices import FOLDER, device_names, device_of
from watthour.units import ENERGIES

HERE = Path()
MICRO = 10**6


def device(**changes):
    tables = {
        "title": "a meter",
        "source": "its manual",
        "register": [
            {"name": "import_wh", "address": 0, "type": "u32"},
            {"name": "serial", "address": 2, "type": "u32"},
        ],
    }
    return DeviceFile.model_validate({**tables, **changes}).device("test")


def read(row, data, *more, serial=7):
    kind = device(
        register=[
            {"name": "import_wh", "address": 0, **row},
            {"name": "serial", "address": 100, "type": "u32"},
            *more,
        ]
    )
    contents = [Contents(start=0, data=data), Contents(start=100, data=serial.to_bytes(4))]
    return reading_from(kind, contents, 5, None)


@pytest.mark.parametrize(
    ("row", "data", "micro", "modulus"),
    [
        ({"type": "u32"}, "00000001", MICRO, 2**32 * MICRO),
        ({"type": "u32", "word_order": "low"}, "00010000", MICRO, 2**32 * MICRO),
        ({"type": "u32", "scale": 10}, "FFFFFFFF", (2**32 - 1) * 10 * MICRO, 2**32 * 10 * MICRO),
        ({"type": "u32", "scale": 0.1, "modulus": "10^8"}, "05F5E0FF", (10**8 - 1) * 10**5, 10**8 * 10**5),
        ({"type": "u48"}, "000100000000", 2**32 * MICRO, 2**48 * MICRO),
        ({"type": "u64", "word_order": "low"}, "0002000100000000", 65538 * MICRO, 2**64 * MICRO),
        ({"type": "i32"}, "00000005", 5 * MICRO, None),
        ({"type": "f32"}, struct.pack(">f", 1234.5).hex(), 1234_500_000, None),
    ],
)
def test_a_counter_is_exact_in_microwatt_hours_with_its_modulus(row, data, micro, modulus):
    counter = read(row, bytes.fromhex(data)).counters["import"]
    assert (counter.micro, counter.modulus_micro) == (micro, modulus)


def test_a_float_counter_knows_its_last_digit():
    assert read({"type": "f32"}, struct.pack(">f", 2.0**24)).counters["import"].step_micro == 2 * MICRO


def test_a_number_that_is_none_is_no_counter_and_a_value_that_is_absent_is_null():
    assert read({"type": "f32"}, struct.pack(">f", float("nan"))).counters == {}
    more = {"name": "power_w", "address": 2, "type": "i16", "absent": -32768}
    assert read({"type": "u32"}, bytes.fromhex("00000001 8000"), more).values["power_w"] is None
    assert read({"type": "u32"}, bytes.fromhex("00000001 8001"), more).values["power_w"] == -32767


def test_a_counter_of_more_than_any_meter_can_have_counted_is_none():
    row = {"type": "u64", "scale": 0.000001}
    assert read(row, (2**63 - 1).to_bytes(8)).counters["import"].micro == 2**63 - 1
    assert read(row, (2**63).to_bytes(8)).counters == {}
    assert read({"type": "f32"}, struct.pack(">f", 1e30)).counters == {}


def test_a_validity_bit_decides_whether_there_is_a_value():
    more = [
        {"name": "power_w", "address": 2, "type": "i16", "valid": "bits.3"},
        {"name": "bits", "address": 3, "type": "u16"},
    ]
    assert read({"type": "u32"}, bytes.fromhex("00000001 0005 0008"), *more).values["power_w"] == 5
    assert read({"type": "u32"}, bytes.fromhex("00000001 0005 0007"), *more).values["power_w"] is None


def test_a_scale_register_holds_a_power_of_ten():
    row = {"type": "u32", "scale_register": "places"}
    more = {"name": "places", "address": 2, "type": "i16"}
    assert read(row, bytes.fromhex("0000 0003 FFFE"), more).counters["import"].micro == 30_000
    assert read(row, bytes.fromhex("0000 0003 0003"), more).counters["import"].micro == 3000 * MICRO
    assert read(row, bytes.fromhex("0000 0003 8000"), more).counters == {}


def test_a_meter_without_a_serial_number_is_no_meter():
    with pytest.raises(BadFrameError, match="no serial number"):
        read({"type": "u32"}, bytes(4), serial=0)


def test_the_greatest_power_follows_from_the_transformers():
    rows = [{"name": name, "address": 2 + 2 * n, "type": "u32"} for n, name in enumerate(("ct_primary", "ct_secondary"))]
    found = read({"type": "u32"}, bytes.fromhex("00000001 000000C8 00000005"), *rows)
    assert found.ratio == "200 5"
    assert found.max_power_w == 3 * 276 * 300


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "import_kwh"}, "import_kwh is no name of the nomenclature"),
        ({"name": "power_w", "modulus": 5}, "only a counter of energy has a modulus"),
        ({"modulus": 2**32 + 1}, "does not fit into u32"),
        ({"modulus": "a lot"}, "write a whole number, or a power"),
        ({"type": "ascii"}, "ascii needs a length in registers"),
        ({"length": 2}, "u32 has its own length"),
        ({"valid": "bit 3"}, 'write register and bit, such as "validity_4.1"'),
        ({"valid": "bits.3"}, "names the register bits, which is not there"),
        ({"scale_register": "places"}, "names the register places, which is not there"),
        ({"scale": 0}, "greater than 0"),
        ({"address": 70000}, "less than or equal to 65535"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_register_that_cannot_be_is_refused(change, words):
    row = {"name": "import_wh", "address": 0, "type": "u32", **change}
    others = [
        {"name": "serial", "address": 2, "type": "u32"},
        {"name": "export_wh", "address": 4, "type": "u32"},
    ]
    with pytest.raises(ValidationError, match=words):
        device(register=[row, *others])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"register": [{"name": "import_wh", "address": 0, "type": "u32"}]}, "no register is named serial"),
        ({"register": [{"name": "serial", "address": 0, "type": "u32"}]}, "no register counts energy"),
        ({"register": [{"name": "serial", "address": n, "type": "u32"} for n in (0, 2)]}, "two registers are named serial"),
        ({"blocks": [[0, 3]]}, "serial at 2 lies whole in none of the blocks"),
        ({"blocks": [[0, 126]]}, "a read has 1 to 125 registers"),
        ({"register": []}, "at least 1 item"),
    ],
)
def test_a_device_that_cannot_be_is_refused(change, words):
    with pytest.raises(ValidationError, match=words):
        device(**change)


def test_reads_with_counters_come_first_and_none_spans_a_hole():
    kind = device(
        register=[
            {"name": "serial", "address": 0, "type": "u32"},
            {"name": "power_w", "address": 2, "type": "i32"},
            {"name": "import_wh", "address": 300, "type": "u32"},
        ]
    )
    assert [(read.start, read.count) for read in kind.reads()] == [(300, 2), (0, 4)]


@pytest.mark.parametrize("name", device_names())
def test_every_shipped_device_is_one_and_says_where_its_facts_are_from(name):
    found = device_of(name, HERE)
    assert found.source
    assert {"import", "export"} <= {row.name.split("_")[0] for row in found.rows if row.is_counter}
    if not found.models:
        assert all(read.count <= 125 for read in found.reads())


@pytest.mark.parametrize("name", ["watthour", "cem-family"])
def test_the_devices_of_our_own_map_are_in_step_with_it(name, project_root):
    assert runpy.run_path(str(project_root / "tools" / "devices.py"))["device"](name) == (FOLDER / f"{name}.toml").read_text(
        "utf-8"
    )


OTHER_NAMES = {
    "import_wh": "TotWhImp", "export_wh": "TotWhExp", "q1_varh": "TotVArhImpQ1", "q2_varh": "TotVArhImpQ2",
    "q3_varh": "TotVArhExpQ3", "q4_varh": "TotVArhExpQ4", "power_w": "W", "power_l2_w": "WphB", "frequency_hz": "Hz",
    "voltage_l3_v": "PhVphC", "current_l1_a": "AphA", "reactive_var": "VAR", "apparent_va": "VA",
    "scale_energy": "TotWh_SF", "scale_power": "W_SF", "scale_reactive_energy": "TotVArh_SF",
}  # fmt: skip
TYPES = {"int16": "i16", "sunssf": "i16", "acc32": "u32", "float32": "f32"}


@pytest.mark.parametrize("model", [203, 213])
def test_the_sunspec_models_stand_where_pysunspec2_has_them(model):
    folder = Path(find_spec("sunspec2").origin).parent / "models" / "json"
    points = json.loads((folder / f"model_{model}.json").read_text("utf-8"))["group"]["points"]
    common = json.loads((folder / "model_1.json").read_text("utf-8"))["group"]["points"]
    places = {point["name"]: (sum(each["size"] for each in points[:n]), point) for n, point in enumerate(points)}
    rows = {row.name: row for row in device_of(f"sunspec-{model}", HERE).rows}
    checked = 0
    for name, row in rows.items():
        if name in OTHER_NAMES:
            address, point = places[OTHER_NAMES[name]]
            assert (row.address, row.form) == (address, TYPES[point["type"]]), name
            assert (row.exponent != "") == ("sf" in point)
            checked += 1
    assert checked >= 12
    of_common = {point["name"]: sum(each["size"] for each in common[:n]) for n, point in enumerate(common)}
    assert (rows["serial"].address, rows["model"].address) == (of_common["SN"], of_common["Md"])


def sunspec_registers(place, chain):
    """Return registers of a SunSpec device: its mark, its models, its end."""
    data = bytearray(b"SunS")
    for model, length in chain:
        data += struct.pack(">HH", model, length) + bytes(2 * length)
    data += struct.pack(">HH", 0xFFFF, 0)
    return {place + n: bytes(data[2 * n : 2 * n + 2]) for n in range(len(data) // 2)}


def walk(registers):
    finding = locate()
    request = next(finding)
    while True:
        wanted = range(request.start, request.start + request.count)
        data = b"".join(registers[n] for n in wanted) if all(n in registers for n in wanted) else None
        try:
            request = finding.send(data)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("place", [40000, 0, 50000])
def test_the_chain_of_models_is_walked_from_wherever_its_mark_is(place):
    found = walk(sunspec_registers(place, [(1, 66), (101, 50), (203, 105), (203, 105)]))
    assert found == {1: place + 2, 101: place + 70, 203: place + 122}


def test_a_chain_that_breaks_off_or_has_no_mark_is_refused():
    registers = sunspec_registers(40000, [(1, 66), (203, 105)])
    with pytest.raises(BadFrameError, match="breaks off at register 40177"):
        walk({n: data for n, data in registers.items() if n < 40177})
    with pytest.raises(BadFrameError, match="no mark at 40000, 0, 50000"):
        walk({})


def test_a_sunspec_meter_is_read_where_its_models_were_found():
    kind = device_of("sunspec-203", HERE).at({1: 40002, 203: 40070})
    registers = sunspec_registers(40000, [(1, 66), (203, 105)])

    def put(address, data):
        for n in range(len(data) // 2):
            registers[address + n] = data[2 * n : 2 * n + 2]

    put(40002 + 50, b"SN-0815".ljust(32, b"\0"))
    put(40070 + 46, struct.pack(">I", 123456))
    put(40070 + 54, struct.pack(">h", 1))
    put(40070 + 18, struct.pack(">h", -250))
    put(40070 + 22, struct.pack(">h", 2))
    contents = [
        Contents(start=read.start, data=b"".join(registers[read.start + n] for n in range(read.count))) for read in kind.reads()
    ]
    found = reading_from(kind, contents, 0, None)
    assert found.serial == "SN-0815"
    assert found.counters["import"].micro == 1_234_560 * MICRO
    assert found.counters["import"].modulus_micro == 2**32 * 10 * MICRO
    assert found.values["power_w"] == -25_000
    assert len(kind.reads()) <= 3


def test_our_own_block_gives_counters_that_never_roll_over():
    rows = {row["name"]: row for row in tomllib.loads((FOLDER / "watthour.toml").read_text("utf-8"))["register"]}
    assert {rows[f"{energy}_micro{'wh' if energy in {'import', 'export'} else 'varh'}"]["type"] for energy in ENERGIES} == {
        "u64"
    }
