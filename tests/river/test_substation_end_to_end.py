"""A stranger's recording, metered by the program as a user starts it, read by a stranger's client, judged by a stranger's decoder."""

import json
import queue
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from watthour.units import round_half_up

PATIENCE_S = 120.0
RATE_HZ = 1200.0
ROW = np.dtype([("sample", "<u4"), ("stamp", "<u4"), ("analog", "<f4", (23,)), ("digital", "<u2", (9,))])
WATTHOUR = (sys.executable, "-m", "watthour", "run")
CONFIG = """\
[meter]
serial = 132
ct = "200/1"
vt = "132000/110"
[source]
recording = "{recording}"
channels = [6, 7, 8, 1, 2, 3]
values = "primary"
"""


@pytest.fixture(scope="module")
def power_w(shared_data):
    """The plain sum of u·i of each sample, primary."""
    raw = (shared_data / "waveforms" / "substation_60hz.dat").read_bytes()
    analog = np.frombuffer(raw, ROW)["analog"].astype(np.float64)
    return (analog[:, [5, 6, 7]] * analog[:, [0, 1, 2]]).sum(axis=1)


@pytest.fixture(scope="module")
def config(shared_data, tmp_path_factory):
    path = tmp_path_factory.mktemp("substation") / "substation.toml"
    path.write_text(CONFIG.format(recording=shared_data / "waveforms" / "substation_60hz.cfg"))
    return path


def result_of(*arguments):
    done = subprocess.run([*WATTHOUR, *arguments, "--json"], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def whole(config):
    return result_of(config, "--speed", "max")


@pytest.fixture(scope="module")
def first_second(config):
    return result_of(config, "--speed", "max", "--duration", "1")


def energy_wh(power_w):
    return float(power_w.sum()) / RATE_HZ / 3600


def net_wh(result):
    return result["values"]["import_wh"] - result["values"]["export_wh"]


def test_net_energy_is_the_plain_sum_of_voltage_times_current(whole, power_w):
    assert whole["samples"] == len(power_w) == 7200
    assert whole["duration_s"] == 6.0
    assert net_wh(whole) == pytest.approx(energy_wh(power_w), abs=1.0)
    exact_wh = (whole["exact"]["import_microwh"] - whole["exact"]["export_microwh"]) / 1e6
    # a step of the secondary count is 0.24 Wh of this primary: half a step at each end, a phase
    assert exact_wh == pytest.approx(energy_wh(power_w), abs=3 * 0.24)


def test_the_options_alone_meter_the_same_energy(shared_data, power_w):
    recording = shared_data / "waveforms" / "substation_60hz.cfg"
    alone = result_of("--source", recording, "--channels", "6,7,8,1,2,3", "--speed", "max")
    assert alone["samples"] == 7200
    assert net_wh(alone) == pytest.approx(energy_wh(power_w), abs=1.0)


def test_the_first_second_has_the_voltages_and_the_energy_of_a_loaded_line(first_second, power_w):
    values = first_second["values"]
    for phase, voltage_kv in (("l1", 130.4), ("l2", 130.7), ("l3", 130.4)):
        assert values[f"voltage_{phase}_v"] / 1000 == pytest.approx(voltage_kv, abs=0.05)
    assert first_second["samples"] == 1200
    assert first_second["duration_s"] == 1.0
    assert net_wh(first_second) == pytest.approx(17_660, abs=5)
    assert net_wh(first_second) == pytest.approx(energy_wh(power_w[:1200]), abs=1.0)
    assert 59.8e6 <= values["power_w"] <= 68.7e6
    assert values["frequency_hz"] == pytest.approx(60.0, abs=0.1)


def test_next_to_nothing_flows_after_the_breaker_opens(whole, config, power_w):
    loaded = result_of(config, "--speed", "max", "--duration", "1.5")
    assert abs(net_wh(whole) - net_wh(loaded)) < 5
    assert net_wh(whole) - net_wh(loaded) == pytest.approx(energy_wh(power_w[1800:]), abs=2.0)


def test_the_instant_is_that_of_the_recording(first_second):
    assert first_second["time"].startswith("2023-07-2")
    assert first_second["time"].endswith("Z")


@dataclass
class Relay:
    """Carries bytes between one client after the other and a port, and keeps what went by."""

    port: int
    segments: list[tuple[int, bool, bytes]] = field(default_factory=list)

    def __post_init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE_S)
        self.own_port = self.listener.getsockname()[1]

    def carry_one(self):
        """Carry one connection in the background."""
        carrying = threading.Thread(target=self._carry, daemon=True)
        carrying.start()
        return carrying

    def _carry(self):
        client, (_, client_port) = self.listener.accept()
        with client, socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as meter:
            client.settimeout(PATIENCE_S)
            back = threading.Thread(target=self._pump, args=(meter, client, client_port), daemon=True)
            back.start()
            self._pump(client, meter, client_port, is_request=True)
            back.join(PATIENCE_S)

    def _pump(self, source, sink, client_port, *, is_request=False):
        while data := source.recv(4096):
            self.segments.append((client_port, is_request, data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

    def to_pcap(self, path, server_port):
        """Write what went by as TCP segments between two addresses (libpcap file format, raw IPv4)."""
        sent = {}
        with path.open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
            for time_us, (client_port, is_request, data) in enumerate(self.segments):
                here, there = sent.get((client_port, is_request), 1), sent.get((client_port, not is_request), 1)
                sent[client_port, is_request] = here + len(data)
                ports = (client_port, server_port) if is_request else (server_port, client_port)
                tcp = struct.pack(">HHIIBBHHH", *ports, here, there, 5 << 4, 0x18, 65535, 0, 0)
                hosts = (b"\x0a\0\0\1", b"\x0a\0\0\2") if is_request else (b"\x0a\0\0\2", b"\x0a\0\0\1")
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0, *hosts)
                packet = ip + tcp + data
                file.write(struct.pack("<IIII", 0, time_us, len(packet), len(packet)) + packet)


WRONG = ("_ws.malformed", "_ws.expert.message")


class Running:
    """A meter started as a user starts it, and stopped by the signal a user sends."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*WATTHOUR, *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.told = queue.Queue()
        self._reading = threading.Thread(target=self._listen, daemon=True)
        self._reading.start()

    def _listen(self):
        for line in self.process.stderr:
            self.told.put(line)

    def port(self):
        while True:
            found = re.search(r"listening on modbus\+tcp://127\.0\.0\.1:(\d+)", self.told.get(timeout=PATIENCE_S))
            if found:
                return int(found[1])

    def stop(self, number):
        self.process.send_signal(number)
        try:
            out = self.process.stdout.read()
            status = self.process.wait(PATIENCE_S)
        finally:
            self.end()
        return status, json.loads(out.splitlines()[-1])

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def held(config, require_program, whole):
    """What mbpoll read of the meter held after the end of the recording, what the meter said of itself, and what went by."""
    mbpoll = require_program("mbpoll")
    running = Running(config, "--speed", "max", "--hold", "--listen", "modbus+tcp://127.0.0.1:0")
    try:
        relay = Relay(running.port())
        with relay.listener:
            wait_until_metered(mbpoll, relay.port, whole["values"]["import_wh"])
            read = {start: poll(mbpoll, relay, start, count) for start, count in ((0, 6), (0x732, 3), (0x746, 4))}
            refused = poll(mbpoll, relay, 0x744, 1)
            written = poll(mbpoll, relay, 0xB0, 1, "1500")
        status, result = running.stop(signal.SIGTERM)
    finally:
        running.end()
    assert refused == []
    assert written == []
    assert status == 0
    return read, result, relay


def mbpoll_once(mbpoll, port, start, count, *written):
    options = ["-m", "tcp", "-p", str(port), "-a", "1", "-0", "-r", str(start), "-t", "4:int", "-B", "-1", "-o", "10"]
    options += [] if written else ["-c", str(count)]
    done = subprocess.run(
        [mbpoll, *options, "127.0.0.1", *written], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    return [int(value) for value in re.findall(r"^\[\d+\]:\s+(-?\d+)", done.stdout, re.MULTILINE)]


def poll(mbpoll, relay, start, count, *written):
    carrying = relay.carry_one()
    try:
        return mbpoll_once(mbpoll, relay.own_port, start, count, *written)
    finally:
        carrying.join(PATIENCE_S)


def wait_until_metered(mbpoll, port, import_wh):
    """Poll until the recording is over: kernels may be compiled first."""
    for _ in range(int(PATIENCE_S)):
        if mbpoll_once(mbpoll, port, 0, 1) == [import_wh]:
            return
        threading.Event().wait(1.0)
    pytest.fail("the meter did not reach the end of its recording")


def test_a_strangers_client_reads_the_same_numbers(held, whole):
    read, result, _ = held
    values = result["values"]
    assert result["exact"] == whole["exact"]
    assert read[0] == [values[name] for name in ("import_wh", "export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh")]
    assert read[0x732] == [round_half_up(values[f"voltage_{phase}_v"] * 10) for phase in ("l1", "l2", "l3")]
    assert read[0x746] == [round_half_up(values[name]) for name in ("power_l1_w", "power_l2_w", "power_l3_w", "power_w")]


def test_a_write_of_a_strangers_client_takes_effect(held):
    _, result, _ = held
    assert result["values"]["cost_per_kwh"] == 0.15
    assert result["values"]["partial_cost"] == pytest.approx(result["values"]["partial_import_wh"] / 1000 * 0.15, abs=1e-3)


def decoded(tshark, path):
    """Return function, exception, registers, protocols, and what is wrong with each packet, as tshark sees it."""
    fields = ("modbus.func_code", "modbus.exception_code", "modbus.regval_uint16", "frame.protocols", *WRONG)
    command = [tshark, "-r", path, "-o", "mbtcp.tcp.port:1502", "-T", "fields", *(f"-e{name}" for name in fields)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_a_strangers_decoder_calls_every_frame_well_formed(held, require_program, tmp_path):
    read, _, relay = held
    relay.to_pcap(tmp_path / "held.pcap", 1502)
    packets = decoded(require_program("tshark"), tmp_path / "held.pcap")
    assert [(function, exception) for function, exception, *_ in packets] == [
        ("3", ""), ("3", ""), ("3", ""), ("3", ""), ("3", ""), ("3", ""), ("3", ""), ("3", "2"), ("16", ""), ("16", ""),
    ]  # fmt: skip
    assert {protocols for _, _, _, protocols, *_ in packets} == {"raw:ip:tcp:mbtcp:modbus"}
    assert {what for *_, malformed, warning in packets for what in (malformed, warning)} == {""}
    energies = [int(word) for word in packets[1][2].split(",")]
    assert [high << 16 | low for high, low in zip(energies[::2], energies[1::2], strict=True)] == read[0]


def test_the_decoder_tells_a_frame_that_is_not_well_formed(held, require_program, tmp_path):
    _, _, relay = held
    *_, request, (client, is_request, reply) = relay.segments
    short = reply[:4] + struct.pack(">H", 4) + reply[6:-2]  # a reply to a write without its count
    broken = Relay(0)
    with broken.listener:
        broken.segments = [request, (client, is_request, short)]
        broken.to_pcap(tmp_path / "broken.pcap", 1502)
    *_, malformed, _ = decoded(require_program("tshark"), tmp_path / "broken.pcap")[1]
    assert malformed
