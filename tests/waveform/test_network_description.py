"""What a network file may say, on both sides of every border."""

import math
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from pydantic import ValidationError

from watthour.waveform.network.description import Network
from watthour.waveform.network.vocabulary import reactive_of

LAMP = {"name": "Lamp", "kind": "constant", "phases": ["L2"], "power_w": 60}

KINDS = {"constant", "scheduled", "profile", "motor", "rectifier", "heater", "welder", "capacitor", "photovoltaics"}
"""pydantic names the kind of a table in the path of its keys."""


def network(**tables):
    return Network.model_validate({"supply": {"voltages_v": 230}, **tables})


def refused(**tables):
    with pytest.raises(ValidationError) as caught:
        network(**tables)
    error = caught.value.errors()[0]
    path = (*error["loc"], *error.get("ctx", {}).get("path", ()))
    return tuple(part for part in path if part not in KINDS), error["msg"]


def test_defaults_are_a_quiet_50_hz_supply_at_8000_samples_a_second():
    quiet = network()
    assert quiet.supply.voltages_v == (230, 230, 230)
    assert quiet.cycles_per_sample == Fraction(50, 8000)
    assert quiet.loads == ()
    assert quiet.noise.voltage_v == quiet.noise.current_a == 0
    assert quiet.start_ns is None


def test_frequency_is_exactly_the_decimal_number_that_is_written():
    assert network(supply={"voltages_v": 230, "frequency_hz": 50.02}).cycles_per_sample == Fraction(5002, 800000)


@pytest.mark.parametrize(
    ("text", "reactive_var"),
    [
        ("0.8 ind", 600.0),
        ("0.8 cap", -600.0),
        ("0.8ind", 600.0),
        (".8 ind", 600.0),
        ("1", 0.0),
        (1, 0.0),
        (1.0, 0.0),
        ("1 ind", 0.0),
        ("0.01 cap", -800 * math.sqrt(9999)),
        ("0.5 ind", 800 * math.sqrt(3)),
    ],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_cos_phi_gives_the_reactive_power_of_its_side_whichever_way_the_active_flows(text, reactive_var, direction):
    assert reactive_of(direction * 800.0, text) == pytest.approx(reactive_var, rel=1e-14)


@pytest.mark.parametrize(
    "text",
    ["0.85", 0.85, "0 ind", "0.009 ind", "1.01 ind", "-0.8 ind", "0.8 lag", "ind", "", "0,85 ind", True, [0.8], float("nan")],
)
def test_cos_phi_written_otherwise_is_refused_with_an_example(text):
    path, message = refused(load=[{**LAMP, "cos_phi": text}])
    assert path == ("load", 0, "cos_phi")
    assert '"0.85 ind"' in message


def test_total_power_is_shared_evenly_and_a_list_is_taken_phase_by_phase():
    shared, listed = network(
        load=[
            {**LAMP, "phases": ["L1", "L3"], "power_w": 1000, "reactive_var": -10},
            {**LAMP, "phases": ["L3", "L1"], "power_w": [300, -700], "cos_phi": "0.6 ind"},
        ]
    ).loads
    assert shared.powers_va == {"L1": 500 - 5j, "L3": 500 - 5j}
    assert listed.powers_va == pytest.approx({"L3": 300 + 400j, "L1": -700 + 700 * 4j / 3})


@pytest.mark.parametrize("key", ["power_w", "reactive_var"])
@pytest.mark.parametrize("power", [[1, 2], [], "60", True, {"L2": 60}])
def test_powers_that_do_not_match_the_phases_are_refused(key, power):
    path, message = refused(load=[{**LAMP, key: power}])
    assert path == ("load", 0, key)
    assert "one for each phase of this load (1)" in message


def test_cos_phi_and_reactive_var_together_are_refused():
    path, message = refused(load=[LAMP, {**LAMP, "cos_phi": 1, "reactive_var": 0}])
    assert path == ("load", 1, "reactive_var")
    assert "keep one" in message


@pytest.mark.parametrize("phases", [["L4"], ["l1"], [], ["L1", "L1"], "L1"])
def test_phases_that_are_not_there_are_refused(phases):
    path, _ = refused(load=[{**LAMP, "phases": phases}])
    assert path[:3] == ("load", 0, "phases")


def test_power_from_a_phase_without_voltage_is_refused_and_none_is_allowed():
    supply = {"voltages_v": [230, 0, 230]}
    path, message = refused(supply=supply, load=[LAMP])
    assert path == ("load", 0, "phases")
    assert message.startswith("L2 has no voltage")
    assert network(supply=supply, load=[{**LAMP, "power_w": 0}]).supply.voltages_v[1] == 0
    assert refused(supply={"voltages_v": [230, 0.99, 230]}, load=[LAMP])[0] == path
    assert network(supply={"voltages_v": [230, 1, 230]}, load=[LAMP]).loads[0].powers_va == {"L2": 60}


def test_a_harmonic_at_half_the_rate_is_refused_and_one_below_it_is_taken():
    assert network(supply={"voltages_v": 230, "harmonics": [{"order": 79, "percent": 1}]}).supply.harmonics[0].order == 79
    path, message = refused(supply={"voltages_v": 230, "harmonics": [{"order": 3, "percent": 1}, {"order": 80, "percent": 1}]})
    assert path == ("supply", "harmonics", 1, "order")
    assert "4000 Hz is not below half of 8000 samples/s" in message
    path, _ = refused(load=[LAMP, {**LAMP, "harmonics": [{"order": 81, "percent": 1}]}])
    assert path == ("load", 1, "harmonics", 0, "order")


def test_an_order_twice_in_one_spectrum_is_refused():
    rows = [{"order": 5, "percent": 1}, {"order": 5, "percent": 2}]
    path, message = refused(load=[{**LAMP, "harmonics": rows}])
    assert path == ("load", 0, "harmonics")
    assert "order 5 stands here twice" in message


@pytest.mark.parametrize("power_w", [1e12, -1e12, [1e12]])
def test_powers_are_taken_up_to_a_terawatt(power_w):
    assert abs(network(load=[{**LAMP, "power_w": power_w}]).loads[0].power_w[0]) == 1e12


@pytest.mark.parametrize("power_w", [1.001e12, -1.001e12, [1.001e12], 10**400, [10**400]])
def test_powers_beyond_a_terawatt_are_refused(power_w):
    assert refused(load=[{**LAMP, "power_w": power_w}])[0][:3] == ("load", 0, "power_w")


@pytest.mark.parametrize(
    "row",
    [
        {"order": 1, "percent": 1},
        {"order": 12_501, "percent": 1},
        {"order": 10**400, "percent": 1},
        {"order": 2.5, "percent": 1},
        {"order": 3, "percent": -1},
        {"order": 3, "percent": 1001},
        {"order": 3, "percent": 1, "angle_deg": 361},
        {"order": 3, "percent": 1, "angle_deg": -361},
        {"order": 3},
    ],
)
def test_rows_that_are_no_harmonic_are_refused(row):
    path, _ = refused(supply={"voltages_v": 230, "harmonics": [row]})
    assert path[:3] == ("supply", "harmonics", 0)


@pytest.mark.parametrize("voltages_v", [-1, [230, 230], [230, -1, 230], "230", True, float("inf"), 1.1e6])
def test_voltages_that_cannot_be_are_refused(voltages_v):
    path, _ = refused(supply={"voltages_v": voltages_v})
    assert path[:2] == ("supply", "voltages_v")


@pytest.mark.parametrize(
    ("table", "key", "good", "bad"),
    [
        ("supply", "frequency_hz", [40, 70.0], [-50, 39.9, 70.1, "50", float("nan")]),
        ("supply", "sequence", ["L1-L3-L2"], ["L2-L1-L3", 1]),
        ("sampling", "rate_hz", [800, 1_000_000], [799, 1_000_001, 8000.5, "8000", True]),
        ("noise", "seed", [0, 2**64 - 1], [-1, 2**64, 1.5]),
        ("noise", "voltage_v", [0, 1e6], [-0.1, 1.1e6, "1"]),
        ("noise", "current_a", [0, 1e6], [-0.1, 1.1e6, "1"]),
    ],
)
def test_values_are_taken_up_to_their_limits_and_refused_beyond(table, key, good, bad):
    fixed = {"voltages_v": 230} if table == "supply" else {}
    for value in good:
        assert getattr(getattr(network(**{table: {**fixed, key: value}}), table), key) == value
    for value in bad:
        path, _ = refused(**{table: {**fixed, key: value}})
        assert path == (table, key)


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ({"loads": []}, ("loads",)),
        ({"supply": {"voltages_v": 230, "volts": 1}}, ("supply", "volts")),
        ({"load": [{**LAMP, "power": 1}]}, ("load", 0, "power")),
        ({"load": [{**LAMP, "kind": "lamp"}]}, ("load", 0)),
        ({"load": [{**LAMP, "name": ""}]}, ("load", 0, "name")),
        ({"load": {"name": "Lamp"}}, ("load",)),
        ({"load": [{key: LAMP[key] for key in ("name", "phases", "power_w")}]}, ("load", 0)),
        ({"supply": {}}, ("supply", "voltages_v")),
        ({"noise": {"sigma": 1}}, ("noise", "sigma")),
        ({"sampling": {"rate": 1}}, ("sampling", "rate")),
        ({"start": datetime(2026, 1, 15)}, ("start",)),  # noqa: DTZ001 - that is what is refused
        ({"start": "2026-01-15T00:00:00Z"}, ("start",)),
    ],
)
def test_keys_unknown_missing_or_of_the_wrong_kind_are_refused(tables, path):
    assert refused(**tables)[0] == path


def test_start_is_an_instant_in_whole_nanoseconds():
    zone = timezone(timedelta(hours=1))
    assert network(start=datetime(2026, 1, 15, 1, 0, 0, 250_000, zone)).start_ns == 1_768_435_200_250_000_000
    assert network(start=datetime(1970, 1, 1, tzinfo=UTC)).start_ns == 0
