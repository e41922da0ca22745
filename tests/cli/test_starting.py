"""A meter whose state takes long to come back: every bus answers that it is busy, and nobody ever reads a zero."""

import json
import signal
import socket
import sys
import threading
import time

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU

BUSY = 6
SLOWLY = """
import sys, time
from pathlib import Path
from watthour.cli import main
from watthour.host.store import DataDirectory

gate, load = Path(sys.argv.pop(1)), DataDirectory.load

def slow(self):
    gate.with_suffix(".reached").touch()
    while not gate.exists():
        time.sleep(0.01)
    return load(self)

DataDirectory.load = slow
main()
"""


@pytest.fixture
def kept_wh(config, tmp_path, result_of, ask):
    """The import total that the small meter keeps: in its last event, without the window that is still open."""
    result_of(config, "--data", tmp_path / "state", "--speed", "max", "--duration", "30")
    _, out, _ = ask("log", tmp_path / "state", "--json")
    return int(json.loads(out[-1])["detail"]["import_microwh"]) // 10**6


class Slowly:
    """The program, made to restore nothing before its gate is open."""

    def __init__(self, start, folder):
        self._start, self._folder, self._gate = start, folder, folder / "gate"

    def begin(self, *words):
        """Start it, and wait until it begins to restore."""
        file = self._folder / "slowly.py"
        file.write_text(SLOWLY)
        program = self._start(*words, program=(sys.executable, str(file), str(self._gate)))
        give_up_s = time.monotonic() + 120
        while not self._gate.with_suffix(".reached").exists():
            assert time.monotonic() < give_up_s
            time.sleep(0.01)
        return program

    def open_gate(self):
        self._gate.touch()


@pytest.fixture
def slowly(start, tmp_path):
    return Slowly(start, tmp_path)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def watch(port, answers, stop):
    """Ask for the import total without a pause, and take down each different answer."""

    def note(answer):
        if not answers or answers[-1] != answer:
            answers.append(answer)

    while not stop.is_set():
        client = ModbusTcpClient("127.0.0.1", port=port, timeout=5, retries=0)
        try:
            if not client.connect():
                note("nobody there")
                time.sleep(0.005)
                continue
            while not stop.is_set():
                reply = client.read_holding_registers(0, count=2, device_id=1)
                wh = None if reply.isError() else client.convert_from_registers(reply.registers, client.DATATYPE.UINT32)
                note(f"exception {reply.exception_code}" if reply.isError() else wh)
        except ModbusException:
            note("nobody there")
        finally:
            client.close()


def test_whoever_polls_a_meter_that_starts_is_told_that_it_is_busy_and_never_reads_a_zero(kept_wh, config, tmp_path, slowly):
    assert kept_wh > 0
    port, answers, stop = free_port(), [], threading.Event()
    watching = threading.Thread(target=watch, args=(port, answers, stop))
    watching.start()
    try:
        program = slowly.begin(
            "run", config, "--data", tmp_path / "state", "--listen", f"modbus+tcp://127.0.0.1:{port}?unit=1", "--json"
        )
        client = ModbusTcpClient("127.0.0.1", port=port, timeout=30, retries=0)
        assert client.connect()
        asked = [
            client.read_holding_registers(0, count=2, device_id=1),
            client.read_input_registers(0x1000, count=4, device_id=1),
            client.read_discrete_inputs(0, count=1, device_id=1),
            client.write_registers(0x1300, [1], device_id=1),
            client.read_device_information(device_id=1),
        ]
        assert [reply.exception_code for reply in asked] == [BUSY] * len(asked)
        client.close()
        slowly.open_gate()
        program.hear("listening on")
        until_s = time.monotonic() + 60
        while not isinstance(answers[-1], int) or answers[-1] == kept_wh:
            assert time.monotonic() < until_s
            time.sleep(0.05)
    finally:
        stop.set()
        watching.join()
    status, out = program.end(signal.SIGINT)
    assert status == 0
    numbers = [answer for answer in answers if isinstance(answer, int)]
    assert [answer for answer in answers if not isinstance(answer, int)] == ["nobody there", f"exception {BUSY}"]
    assert answers[:2] == ["nobody there", f"exception {BUSY}"]
    assert numbers[0] == kept_wh
    assert numbers == sorted(numbers)
    assert json.loads(out.splitlines()[-1])["values"]["import_wh"] >= numbers[-1]


def test_a_meter_on_m_bus_tells_that_it_is_busy_and_acknowledges_nothing_that_it_cannot_do(config, tmp_path, slowly, result_of):
    config.write_text(config.read_text().replace("[meter]", '[meter]\nmodel = "Q23622"'))
    result_of(config, "--data", tmp_path / "state", "--speed", "max", "--duration", "30")
    port = free_port()
    program = slowly.begin(
        "run", config, "--data", tmp_path / "state", "--listen", f"mbus+tcp://127.0.0.1:{port}?address=1", "--json"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(bytes.fromhex("10 40 01 41 16"))  # SND_NKE
        assert line.recv(300) == b"\xe5"
        line.sendall(bytes.fromhex("10 7B 01 7C 16"))  # REQ_UD2
        assert line.recv(300) == bytes.fromhex("68 04 04 68 08 01 70 08 81 16")  # application error 8: busy
        line.sendall(bytes.fromhex("68 04 04 68 73 01 51 7A 3F 16"))  # SND_UD, checksum of another: no frame
        line.sendall(bytes.fromhex("68 06 06 68 73 01 51 01 7A 02 42 16"))  # SND_UD: another address
        line.settimeout(0.5)
        with pytest.raises(TimeoutError):
            line.recv(300)
        slowly.open_gate()
        program.hear("listening on")
        line.settimeout(30)
        line.sendall(bytes.fromhex("10 5B 01 5C 16"))
        telegram = line.recv(300)
        assert telegram[6] == 0x72
        assert int.from_bytes(telegram[21:27], "little") > 0  # its first record: the import total, 6 bytes
    assert program.end(signal.SIGINT)[0] == 0


def rtu(text):
    data = bytes.fromhex(text)
    return data + FramerRTU.compute_CRC(data).to_bytes(2)


@pytest.mark.parametrize("case", [("&unit=7&framing=8N1", True), ("&framing=8N1", False)], ids=["said", "not said"])
def test_a_serial_line_is_busy_where_the_url_says_who_is_meant_and_silent_else(config, tmp_path, slowly, serial_pair, case):
    import serial  # noqa: PLC0415 - what stands at the other end

    where, is_there = case
    config.write_text(config.read_text().replace("[meter]", "[meter]\nbus_address = 7"))
    url = f"modbus+rtu://{serial_pair.ours}?baudrate=19200{where}"
    program = slowly.begin("run", config, "--data", tmp_path / "state", "--listen", url, "--json")
    with serial.Serial(serial_pair.theirs, 19200, timeout=30 if is_there else 0.5) as line:
        line.write(rtu("07 03 00 00 00 02"))
        assert line.read(5) == (rtu("07 83 06") if is_there else b"")
        line.reset_input_buffer()
        slowly.open_gate()
        program.hear("listening on")
        line.timeout = 30
        line.write(rtu("07 03 00 00 00 02"))
        assert line.read(3) == bytes.fromhex("07 03 04")
    assert program.end(signal.SIGINT)[0] == 0
