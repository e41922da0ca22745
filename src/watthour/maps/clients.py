"""Configurations for other people's clients, written from the rows of the Modbus map.

In: where a meter is. Out: the text that Telegraf, Home Assistant, Node-RED or the Prometheus Modbus exporter reads. Each value stands
where it is finest, scaled to the unit of the nomenclature. Who fetches it is not known here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from watthour.maps.modbus import LIVE, finest, meaning, stretches, validity_place
from watthour.maps.register import RANGES, Register, Type
from watthour.units import VALUE_BY_NAME

LONGEST_READ = 125
"""Registers of one read (Application Protocol V1.1b3, 6.3)."""

_NULL = "null is sent as 0 with its validity bit clear"
_GROWING = ("_wh", "_varh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a meter is."""

    host: str = "127.0.0.1"
    port: int = 1502
    unit: int = 1


def client_rows() -> list[Register]:
    """Return the rows that a client is given: every value where it is finest, sorted by address; none that is found only when asked for."""
    rows = [row for name, row in finest(LIVE).items() if name in VALUE_BY_NAME and row.type in RANGES and not row.late]
    return sorted(rows, key=lambda row: row.address)


def _with_validity() -> list[Register]:
    """Return the same rows and the validity registers that tell of them."""
    rows = client_rows()
    words = {validity_place(row.bit)[0] for row in rows if row.bit is not None}
    return sorted([*rows, *(row for row in LIVE if row.name in words)], key=lambda row: row.address)


def _scale(row: Register) -> str:
    return f"{10.0**-row.decimals:.{row.decimals}f}" if row.decimals else "1.0"


def telegraf(place: Place) -> str:
    """Return an input of Telegraf's Modbus plugin, in its request style."""
    lines = [
        f"# {_NULL}: the fields validity_0 and up hold those bits",
        "[[inputs.modbus]]",
        '  name = "watthour"',
        f'  controller = "tcp://{_host(place)}:{place.port}"',
        '  configuration_type = "request"',
    ]
    for rows in stretches(_with_validity(), LONGEST_READ):
        fields = [_telegraf_field(row) for row in rows]
        lines += [
            "",
            "  [[inputs.modbus.request]]",
            f"    slave_id = {place.unit}",
            '    byte_order = "ABCD"',
            '    register = "holding"',
            '    measurement = "watthour"',
            "    fields = [",
            *(f"      {field}," for field in fields),
            "    ]",
        ]
    return "\n".join(lines) + "\n"


_TELEGRAF_TYPES = {Type.U16: "UINT16", Type.I16: "INT16", Type.U32: "UINT32", Type.I32: "INT32", Type.U64: "UINT64"}


def _telegraf_field(row: Register) -> str:
    scale = f", scale={_scale(row)}" if row.decimals else ""
    return f'{{ address={row.address}, name="{row.name}", type="{_TELEGRAF_TYPES[row.type]}"{scale} }}'


def home_assistant(place: Place) -> str:
    """Return a hub with its sensors for Home Assistant's Modbus integration, to be included in ``configuration.yaml``."""
    lines = [
        f"# {_NULL}",
        "modbus:",
        "  - name: watthour",
        "    type: tcp",
        f"    host: {json.dumps(place.host)}",
        f"    port: {place.port}",
        "    sensors:",
    ]
    for row in client_rows():
        kind = _HOME_ASSISTANT_CLASSES.get(row.unit)
        is_growing = row.name.endswith(_GROWING)
        lines += [
            f"      - name: {json.dumps(_title(row.name))}",
            f"        unique_id: watthour_{place.unit}_{row.name}",
            f"        device_address: {place.unit}",
            f"        address: {row.address}",
            "        input_type: holding",
            f"        data_type: {_WORDS[row.type]}",
            *([f"        scale: {_scale(row)}"] if row.decimals else []),
            f"        precision: {row.decimals}",
            *([f"        unit_of_measurement: {json.dumps(row.unit, ensure_ascii=False)}"] if row.unit else []),
            *([f"        device_class: {kind}"] if kind else []),
            f"        state_class: {'total_increasing' if is_growing else 'measurement'}",
            "        scan_interval: 10",
        ]
    return "\n".join(lines) + "\n"


_WORDS = {Type.U16: "uint16", Type.I16: "int16", Type.U32: "uint32", Type.I32: "int32", Type.U64: "uint64"}
_HOME_ASSISTANT_CLASSES = {"V": "voltage", "A": "current", "W": "power", "var": "reactive_power", "VA": "apparent_power", "Hz": "frequency", "Wh": "energy"}


def _title(name: str) -> str:
    return f"Meter {name.replace('_', ' ')}"


def prometheus(_place: Place) -> str:
    """Return a module of the Prometheus Modbus exporter; target and sub_target (the unit) stand in the scrape configuration."""
    lines = [f"# {_NULL}", "modules:", '  - name: "watthour"', '    protocol: "tcp/ip"', "    metrics:"]
    for row in client_rows():
        help_text = f"{meaning(row)}, {row.unit}" if row.unit else meaning(row)
        lines += [
            f'      - name: "watthour_{row.name}"',
            f"        help: {json.dumps(help_text, ensure_ascii=False)}",
            f"        address: {_HOLDING}{row.address:05}",
            f"        dataType: {_WORDS[row.type]}",
            "        endianness: big",
            f"        metricType: {'counter' if row.name.endswith(_GROWING) else 'gauge'}",
            *([f"        factor: {_scale(row)}"] if row.decimals else []),
        ]
    return "\n".join(lines) + "\n"


_HOLDING = 3
"""First digit of an exporter's address: the function that reads it, the other five are the address from 0 on."""

_DECODE = """\
const w = msg.payload, at = (n) => w[n], two = (n) => at(n) * 65536 + at(n + 1);
const read = {
  u16: at, i16: (n) => (at(n) << 16) >> 16, u32: two, i32: (n) => two(n) | 0,
  u64: (n) => two(n) * 4294967296 + two(n + 2),
};
const validity = flow.get("validity") || {};
for (const [name, n] of ROWS_OF_VALIDITY) validity[name] = at(n);
flow.set("validity", validity);
const values = {};
for (const [name, n, type, decimals, word, bit] of ROWS) {
  const known = word === null || (validity[word] >> bit) & 1;
  values[name] = known ? read[type](n) / 10 ** decimals : null;
}
msg.payload = values;
return msg;
"""


def node_red(place: Place) -> str:
    """Return a flow for Node-RED with node-red-contrib-modbus: a client, one read a stretch of registers, its values by name, null known."""
    client = {
        "id": "watthour-client", "type": "modbus-client", "name": "watthour", "clienttype": "tcp", "bufferCommands": True,
        "stateLogEnabled": False, "queueLogEnabled": False, "failureLogEnabled": True, "tcpHost": place.host, "tcpPort": str(place.port),
        "tcpType": "DEFAULT", "unit_id": str(place.unit), "commandDelay": "1", "clientTimeout": "3000", "reconnectOnTimeout": True,
        "reconnectTimeout": "2000", "parallelUnitIdsAllowed": True,
    }  # fmt: skip
    nodes: list[dict[str, object]] = [{"id": "watthour", "type": "tab", "label": "watthour", "disabled": False, "info": ""}, client]
    first = sorted(stretches(_with_validity(), LONGEST_READ), key=lambda rows: not any(_is_validity(row) for row in rows))
    for number, rows in enumerate(first):
        nodes += _node_red_read(number, rows, place)
    debug = {"id": "watthour-debug", "type": "debug", "z": "watthour", "name": "values", "active": True, "tosidebar": True,
             "console": False, "tostatus": False, "complete": "payload", "targetType": "msg", "x": 720, "y": 60, "wires": []}  # fmt: skip
    return json.dumps([*nodes, debug], ensure_ascii=False, indent=2) + "\n"


def _is_validity(row: Register) -> bool:
    return row.name.startswith("validity_")


def _node_red_read(number: int, rows: Sequence[Register], place: Place) -> list[dict[str, object]]:
    start, end = rows[0].address, rows[-1].end
    words = [[row.name, row.address - start] for row in rows if _is_validity(row)]
    table = [
        [row.name, row.address - start, row.type.value, row.decimals, *((None, 0) if row.bit is None else validity_place(row.bit))]
        for row in rows
        if not _is_validity(row)
    ]
    code = f"const ROWS_OF_VALIDITY = {json.dumps(words)};\nconst ROWS = {json.dumps(table)};\n{_DECODE}"
    read = {
        "id": f"watthour-read-{number}", "type": "modbus-read", "z": "watthour", "name": f"{start:04X}h", "topic": "", "showStatusActivities": True,
        "logIOActivities": False, "showErrors": True, "showWarnings": True, "unitid": str(place.unit), "dataType": "HoldingRegister", "adr": str(start),
        "quantity": str(end - start), "rate": "10", "rateUnit": "s", "delayOnStart": False, "startDelayTime": "", "server": "watthour-client",
        "useIOFile": False, "ioFile": "", "useIOForPayload": False, "emptyMsgOnFail": False, "x": 160, "y": 60 + 40 * number,
        "wires": [[f"watthour-values-{number}"], []],
    }  # fmt: skip
    values = {
        "id": f"watthour-values-{number}", "type": "function", "z": "watthour", "name": f"values from {start:04X}h", "func": code, "outputs": 1,
        "timeout": 0, "noerr": 0, "initialize": "", "finalize": "", "libs": [], "x": 440, "y": 60 + 40 * number, "wires": [["watthour-debug"]],
    }  # fmt: skip
    return [read, values]


def _host(place: Place) -> str:
    return f"[{place.host}]" if ":" in place.host else place.host


CLIENTS: Mapping[str, Callable[[Place], str]] = MappingProxyType(
    {"telegraf": telegraf, "home-assistant": home_assistant, "node-red": node_red, "prometheus": prometheus}
)
"""Who configurations are written for."""
