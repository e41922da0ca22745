"""Configurations for other people's clients: read by their parsers, and carried out as they would against a meter's registers."""

import json
import runpy
import shutil
import struct
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from watthour.maps.clients import CLIENTS, Place, client_rows, home_assistant, node_red, prometheus, telegraf
from watthour.maps.register import RANGES
from watthour.station.modbus import Station
from watthour.units import VALUE_BY_NAME
from watthour.wire.modbus.message import ReadRequest

FORMATS = {"uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q"}
PLACE = Place(host="192.0.2.7", port=502, unit=17)


@pytest.fixture(scope="module")
def view():
    make_view = runpy.run_path(str(Path(__file__).parents[1] / "station" / "views.py"))["make_view"]
    return make_view(
        values={"power_l1_w": -1234.0, "power_factor": -0.5, "thd_voltage_l1_percent": None, "demand_w": None},
        parameters={"bus_address": 17},
    )


@pytest.fixture(scope="module")
def registers(view):
    station = Station()

    def read(start, count):
        return station.answer(17, ReadRequest(start=start, count=count), [view]).data

    return read


def decoded(registers, address, kind, scale):
    (raw,) = struct.unpack(FORMATS[kind], registers(address, struct.calcsize(FORMATS[kind]) // 2))
    return raw * scale


def shown(view, name):
    return view.parameters.get(name, view.values[name]) or 0


def close(view, name, value, decimals):
    return abs(value - float(shown(view, name))) <= 0.5 * 10.0**-decimals + 1e-9


DECIMALS = {row.name: row.decimals for row in client_rows()}


def test_every_client_gets_every_value_that_is_not_found_only_when_asked_for():
    names = set(DECIMALS)
    assert (
        {"voltage_l1_v", "power_w", "import_wh", "t8_import_wh", "frequency_hz", "input1_count", "max_demand_w"}
        <= names
        <= set(VALUE_BY_NAME)
    )
    assert not {name for name in names if name.startswith("thd_")}
    assert all(row.type in RANGES for row in client_rows())


def test_telegraf_reads_every_field_as_its_plugin_would(view, registers):
    (plugin,) = tomllib.loads(telegraf(PLACE))["inputs"]["modbus"]
    assert (plugin["controller"], plugin["configuration_type"]) == ("tcp://192.0.2.7:502", "request")
    seen = {}
    for request in plugin["request"]:
        assert set(request) == {"slave_id", "byte_order", "register", "measurement", "fields"}
        assert (request["slave_id"], request["byte_order"], request["register"]) == (17, "ABCD", "holding")
        end = request["fields"][0]["address"]
        for field in request["fields"]:
            assert set(field) <= {"address", "name", "type", "scale"}
            assert field["address"] == end
            end += {"16": 1, "32": 2, "64": 4}[field["type"][-2:]]
            seen[field["name"]] = decoded(registers, field["address"], field["type"].lower(), field.get("scale", 1))
        assert end - request["fields"][0]["address"] <= 125
        assert registers(request["fields"][0]["address"], end - request["fields"][0]["address"])
    assert all(close(view, name, seen[name], decimals) for name, decimals in DECIMALS.items())
    assert "validity_0" in seen


def test_home_assistant_reads_every_sensor_as_its_integration_would(view, registers):
    (hub,) = yaml.safe_load(home_assistant(PLACE))["modbus"]
    assert (hub["type"], hub["host"], hub["port"]) == ("tcp", "192.0.2.7", 502)
    ids = [sensor["unique_id"] for sensor in hub["sensors"]]
    assert len(set(ids)) == len(ids) == len(DECIMALS)
    known = {"name", "unique_id", "device_address", "address", "input_type", "data_type", "scale", "precision", "unit_of_measurement",
             "device_class", "state_class", "scan_interval"}  # fmt: skip
    units = {
        "voltage": "V",
        "current": "A",
        "power": "W",
        "reactive_power": "var",
        "apparent_power": "VA",
        "frequency": "Hz",
        "energy": "Wh",
    }
    for sensor in hub["sensors"]:
        assert set(sensor) <= known
        assert sensor["input_type"] == "holding"
        assert sensor["state_class"] in {"measurement", "total_increasing"}
        name = sensor["unique_id"].removeprefix("watthour_17_")
        assert close(
            view, name, decoded(registers, sensor["address"], sensor["data_type"], sensor.get("scale", 1)), DECIMALS[name]
        )
        if "device_class" in sensor:
            assert units[sensor["device_class"]] == sensor["unit_of_measurement"]
        assert sensor["state_class"] == "total_increasing" or sensor.get("device_class") != "energy"


def test_the_prometheus_exporter_reads_every_metric_as_it_would(view, registers):
    (module,) = yaml.safe_load(prometheus(PLACE))["modules"]
    assert (module["name"], module["protocol"]) == ("watthour", "tcp/ip")
    names = [metric["name"] for metric in module["metrics"]]
    assert len(set(names)) == len(names) == len(DECIMALS)
    for metric in module["metrics"]:
        assert set(metric) <= {"name", "help", "address", "dataType", "endianness", "metricType", "factor"}
        function, address = divmod(metric["address"], 100_000)
        assert (function, metric["endianness"]) == (3, "big")
        assert metric["metricType"] in {"gauge", "counter"}
        assert metric.get("factor", 1) != 0
        name = metric["name"].removeprefix("watthour_")
        assert close(view, name, decoded(registers, address, metric["dataType"], metric.get("factor", 1)), DECIMALS[name])


def test_a_node_red_flow_is_wired_and_its_functions_give_every_value_null_where_it_is(view, registers):
    flow = json.loads(node_red(PLACE))
    ids = [node["id"] for node in flow]
    assert len(set(ids)) == len(ids)
    reads = [node for node in flow if node["type"] == "modbus-read"]
    functions = {node["id"]: node for node in flow if node["type"] == "function"}
    (client,) = (node for node in flow if node["type"] == "modbus-client")
    assert (client["tcpHost"], client["tcpPort"], client["unit_id"]) == ("192.0.2.7", "502", "17")
    given = []
    for read in reads:
        assert (read["server"], read["dataType"]) == (client["id"], "HoldingRegister")
        data = registers(int(read["adr"]), int(read["quantity"]))
        (wired,) = read["wires"][0]
        assert set(functions[wired]["wires"][0]) <= set(ids)
        given.append([functions[wired]["func"], list(struct.unpack(f">{len(data) // 2}H", data))])
    node = shutil.which("node")
    if node is None:
        pytest.skip("this part needs the program node on the PATH")
    script = """
    const kept = {}, flow = { get: (name) => kept[name], set: (name, value) => { kept[name] = value; } }, values = {};
    for (const [code, payload] of JSON.parse(require("fs").readFileSync(0)))
      Object.assign(values, new Function("msg", "flow", code)({ payload }, flow).payload);
    console.log(JSON.stringify(values));
    """
    done = subprocess.run([node, "-e", script], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60)
    values = json.loads(done.stdout)
    assert set(values) == set(DECIMALS)
    assert (
        {name for name, value in values.items() if value is None}
        == {name for name in DECIMALS if view.values[name] is None}
        == {"demand_w"}
    )
    assert all(close(view, name, value, DECIMALS[name]) for name, value in values.items() if value is not None)


def test_every_client_is_told_where_an_ipv6_meter_is():
    place = Place(host="2001:db8::7", port=502, unit=1)
    assert '"tcp://[2001:db8::7]:502"' in telegraf(place)
    assert '"2001:db8::7"' in home_assistant(place)
    assert set(CLIENTS) == {"telegraf", "home-assistant", "node-red", "prometheus"}
