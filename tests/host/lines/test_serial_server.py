"""Meters on a serial line, over ptys: other people's clients, strangers on the line, and a line that goes away."""

import asyncio
import contextlib
import errno
import os
import subprocess
import sys
import termios
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import serialx
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusSerialClient

from watthour.errors import ListenError, NoAnswerError, UsageError
from watthour.host.lines import kept_port, parse_url, read_values, serial_port, serial_server, serve_modbus_rtu
from watthour.host.lines.serial_port import Marks, SerialSettings, fitting, is_pty, mark_damage, trouble
from watthour.parameters import Interface
from watthour.view import Outcome, ResetPartial, Verdict, WriteSettings
from watthour.wire.modbus.rtu_frame import RtuFrame

PATIENCE_S = 5.0


class Meter:
    """A meter that does nothing but answer."""

    def __init__(self, view):
        self.shown = view
        self.asked = []
        self.gate = None
        self.outcome = Outcome(verdict=Verdict.DONE)

    def view(self):
        return self.shown

    async def ask(self, command):
        self.asked.append(command)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def frame(text, unit=1):
    return RtuFrame(unit=unit, pdu=bytes.fromhex(text)).to_bytes()


READ = frame("03 0000 0002")
RESET = frame("10 1300 0001 02 0001")


class Told:
    """What a server tells, and a way to wait for it."""

    def __init__(self):
        self.lines = []
        self._news = asyncio.Event()

    def __call__(self, text):
        self.lines.append(text)
        self._news.set()

    async def next(self):
        await asyncio.wait_for(self._news.wait(), PATIENCE_S)
        self._news.clear()
        return self.lines[-1]


class Bus:
    """The far end of a pty, as somebody at the other end of the cable has it."""

    def __init__(self):
        self.master, slave = os.openpty()
        self.path = os.ttyname(slave)
        self._slave = slave
        os.set_blocking(self.master, False)

    def send(self, data):
        os.write(self.master, data)

    def heard(self):
        try:
            return os.read(self.master, 4096)
        except BlockingIOError:
            return b""

    async def hear(self, size, patience_s=PATIENCE_S):
        """Return the next bytes, as many as asked for, or those that came in time."""
        data, end_s = b"", time.monotonic() + patience_s
        while len(data) < size and time.monotonic() < end_s:
            data += self.heard()
            await asyncio.sleep(0.002)
        return data

    async def hear_nothing(self, for_s=0.15):
        return await self.hear(1, for_s) == b""

    def unplug(self):
        with contextlib.suppress(OSError):
            os.close(self.master)
        with contextlib.suppress(OSError):
            os.close(self._slave)


@pytest.fixture
def bus():
    bus = Bus()
    yield bus
    bus.unplug()


@pytest.fixture
def meter(make_view):
    return Meter(make_view())


def url_of(path, query=""):
    return parse_url(f"modbus+rtu://{path}{query}")


def with_server(story, path, *meters, query="", **options):
    """Run a story beside a server, and stop it whatever happens."""

    async def run():
        server = await serve_modbus_rtu(url_of(path, query), meters, **options)
        try:
            return await asyncio.wait_for(story(server), 60)
        finally:
            await server.close()

    return asyncio.run(run())


class SettableMeter(Meter):
    """A meter whose bus settings can be written."""

    async def ask(self, command):
        self.shown = replace(self.shown, parameters={**self.shown.parameters, **command.settings})
        return await super().ask(command)


def speed_of(bus):
    return termios.tcgetattr(bus.master)[4]


async def until(holds):
    give_up_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_s
        await asyncio.sleep(0.01)


def test_a_changed_baud_rate_is_answered_at_the_old_speed_and_then_holds(bus, make_view):
    meter, told = SettableMeter(make_view()), []

    async def story(_server):
        assert speed_of(bus) == termios.B9600
        write = frame("06 03E9 0001")
        bus.send(write)
        echoed, at_once = await bus.hear(len(write)), speed_of(bus)
        await until(lambda: speed_of(bus) == termios.B19200)
        await asyncio.sleep(0.1)
        bus.send(READ)
        return echoed == write, at_once, await bus.hear(9)

    echoed, at_once, reply = with_server(story, bus.path, meter, tell=told.append)
    assert (echoed, at_once) == (True, termios.B9600)
    assert reply == reply_to_read(meter.shown)
    assert told == [f"{bus.path}: from now on 19200 8N1"]


def test_a_speed_that_the_url_gives_stays_whatever_is_written(bus, make_view):
    meter = SettableMeter(make_view())

    async def story(_server):
        bus.send(frame("06 03E9 0002"))
        await bus.hear(8)
        await asyncio.sleep(0.5)
        bus.send(READ)
        return speed_of(bus), await bus.hear(9)

    speed, reply = with_server(story, bus.path, meter, query="?baudrate=19200")
    assert speed == termios.B19200
    assert reply == reply_to_read(meter.shown)


def test_a_line_of_several_meters_moves_when_the_last_of_them_is_set(bus, make_view):
    meters = [SettableMeter(make_view(parameters={"bus_address": unit})) for unit in (1, 2)]

    async def story(_server):
        bus.send(frame("06 03E9 0001"))
        await bus.hear(8)
        await asyncio.sleep(0.4)
        between = speed_of(bus)
        bus.send(frame("06 03E9 0001", unit=2))
        await bus.hear(8)
        await until(lambda: speed_of(bus) == termios.B19200)
        return between

    assert with_server(story, bus.path, *meters) == termios.B9600


def test_a_changed_address_is_answered_from_the_old_one_and_then_holds(bus, make_view):
    meter = SettableMeter(make_view())

    async def story(_server):
        bus.send(frame("06 03E8 0011"))
        echoed = await bus.hear(8)
        bus.send(READ)
        silent = await bus.hear_nothing()
        bus.send(frame("03 0000 0002", unit=17))
        return echoed, silent, await bus.hear(9)

    echoed, silent, reply = with_server(story, bus.path, meter)
    assert (echoed, silent) == (frame("06 03E8 0011"), True)
    assert reply == reply_to_read(meter.shown, unit=17)


def reply_to_read(view, unit=1):
    return RtuFrame(unit=unit, pdu=b"\3\4" + view.values["import_wh"].to_bytes(4, "big")).to_bytes()


def test_a_meter_answers_and_keeps_a_silence_before_it(bus, meter):
    async def story(_server):
        bus.send(READ)
        began = time.monotonic()
        return await bus.hear(9), time.monotonic() - began

    reply, took_s = with_server(story, bus.path, meter)
    assert reply == reply_to_read(meter.shown)
    assert took_s >= 0.004


def test_strangers_and_broken_frames_get_silence_and_the_next_request_its_reply(bus, meter):
    async def story(_server):
        for burst in (
            frame("03 0000 0002", unit=2),
            frame("41 00", unit=9),
            READ[:-1] + b"\0",
            b"\xff" * 300,
            frame("03 0000 0002", unit=0),
        ):
            bus.send(burst)
            assert await bus.hear_nothing(0.06)
        bus.send(READ)
        return await bus.hear(9)

    assert with_server(story, bus.path, meter) == reply_to_read(meter.shown)


def test_the_talk_of_others_right_before_a_request_does_not_cost_it(bus, meter):
    async def story(_server):
        bus.send(frame("03 0000 0002", unit=9) + frame("03 04 00000001", unit=9) + READ)
        return await bus.hear(9)

    assert with_server(story, bus.path, meter) == reply_to_read(meter.shown)


def test_a_broadcast_write_is_done_by_all_and_answered_by_none(bus, make_view):
    meters = [Meter(make_view()), Meter(make_view()), Meter(make_view(powered=False))]
    meters[0].outcome = Outcome(verdict=Verdict.SEALED)

    async def story(_server):
        bus.send(frame("10 1300 0001 02 0001", unit=0))
        return await bus.hear_nothing()

    assert with_server(story, bus.path, *meters, units=[1, 2, 3])
    assert [[type(command) for command in meter.asked] for meter in meters] == [[ResetPartial], [ResetPartial], []]


def test_a_broadcast_that_fails_at_one_meter_is_told_and_done_by_the_others(bus, make_view, caplog):
    meters = [Meter(make_view()), Meter(make_view())]
    meters[0].outcome = RuntimeError("broken")

    async def story(_server):
        bus.send(frame("10 1300 0001 02 0001", unit=0))
        assert await bus.hear_nothing()
        bus.send(frame("03 0000 0002", unit=2))
        return await bus.hear(9)

    assert with_server(story, bus.path, *meters, units=[1, 2]) == reply_to_read(meters[1].shown, unit=2)
    assert len(meters[1].asked) == 1
    assert "could not be carried" in caplog.text


def test_requests_that_come_while_a_command_is_on_its_way_are_answered_behind_it(bus, meter):
    async def story(_server):
        meter.gate = asyncio.Event()
        bus.send(RESET)
        assert await bus.hear_nothing(0.05)
        bus.send(READ)
        assert await bus.hear_nothing(0.05)
        meter.gate.set()
        return await bus.hear(17)

    assert with_server(story, bus.path, meter) == frame("10 1300 0001") + reply_to_read(meter.shown)


def test_a_meter_without_voltage_is_silent(bus, make_view):
    async def story(_server):
        bus.send(READ)
        return await bus.hear_nothing()

    assert with_server(story, bus.path, Meter(make_view(powered=False)))


def test_one_byte_at_a_time_is_answered(bus, meter):
    async def story(_server):
        for byte in READ:
            bus.send(bytes([byte]))
            await asyncio.sleep(0.003)
        return await bus.hear(9)

    assert with_server(story, bus.path, meter, query="?gap_ms=200") == reply_to_read(meter.shown)


# ---------------------------------------------------------------- other people's clients


def test_mbpoll_reads_two_meters_each_for_itself_and_no_third(serial_pair, make_view, require_program):
    meters = [Meter(make_view(values={"import_wh": 123_456_789})), Meter(make_view(values={"import_wh": 987_654_321}))]
    program = require_program("mbpoll")

    def ask(unit):
        options = [
            "-m",
            "rtu",
            "-b",
            "9600",
            "-P",
            "none",
            "-a",
            str(unit),
            "-0",
            "-r",
            "0",
            "-c",
            "1",
            "-t",
            "4:int",
            "-B",
            "-1",
            "-o",
            "0.5",
        ]
        return subprocess.run([program, *options, serial_pair[1]], capture_output=True, text=True, timeout=30, check=False)

    async def story(_server):
        return [await asyncio.to_thread(ask, unit) for unit in (1, 2, 3)]

    first, second, third = with_server(story, serial_pair[0], *meters, units=[1, 2])
    assert "[0]: \t123456789" in first.stdout
    assert "[0]: \t987654321" in second.stdout
    assert "timed out" in third.stdout + third.stderr


def with_pymodbus(story, path):
    """Run a story with somebody else's client on the other end of the line."""

    async def run(_server):
        client = AsyncModbusSerialClient(path, framer=FramerType.RTU, baudrate=9600, timeout=0.5, retries=0)
        assert await client.connect()
        try:
            return await story(client)
        finally:
            client.close()

    return run


def test_pymodbus_reads_writes_and_hears_exceptions(serial_pair, meter):
    async def story(client):
        values = await client.read_holding_registers(0, count=12, device_id=1)
        written = await client.write_registers(0x1300, [1], device_id=1)
        hole = await client.read_input_registers(0x0744, count=2, device_id=1)
        unknown = await client.write_coils(0x1300, [True], device_id=1)
        with pytest.raises(ModbusException, match="No response"):
            await client.read_holding_registers(0, count=2, device_id=9)
        again = await client.read_holding_registers(0, count=2, device_id=1)
        return values, written, hole, unknown, again

    values, written, hole, unknown, again = with_server(with_pymodbus(story, serial_pair[1]), serial_pair[0], meter)
    assert values.registers[0] << 16 | values.registers[1] == meter.shown.values["import_wh"]
    assert not written.isError()
    assert (hole.exception_code, unknown.exception_code) == (2, 1)
    assert again.registers == values.registers[:2]
    assert len(meter.asked) == 1


def test_our_own_reader_reads_a_meter_whole(serial_pair, meter):
    async def story(_server):
        return await read_values(url_of(serial_pair[1]))

    reading = with_server(story, serial_pair[0], meter)
    assert reading.serial == 23612001
    assert reading.values["import_wh"] == meter.shown.values["import_wh"]
    assert reading.url == f"modbus+rtu://{serial_pair[1]}"


def test_our_own_reader_says_that_nobody_answers(serial_pair, meter):
    async def story(_server):
        with pytest.raises(NoAnswerError, match=r"no answer within 0.3 s$"):
            await read_values(url_of(serial_pair[1], "?unit=9"), timeout_s=0.3)

    with_server(story, serial_pair[0], meter)


# ---------------------------------------------------------------- ports


def test_a_pty_is_known_from_other_files(bus, tmp_path):
    (tmp_path / "link").symlink_to(bus.path)
    assert is_pty(bus.path)
    assert is_pty(str(tmp_path / "link"))
    assert not is_pty("/dev/null")
    assert not is_pty(str(tmp_path / "missing"))
    assert not is_pty(str(tmp_path))


@pytest.mark.parametrize(("framing", "plain"), [("8E1", "8N1"), ("8O2", "8N2")])
def test_a_pty_is_opened_without_parity_and_that_is_said(bus, meter, framing, plain):
    told = []

    async def story(server):
        bus.send(READ)
        return server.settings.framing, await bus.hear(9)

    opened, reply = with_server(story, bus.path, meter, query=f"?framing={framing}", tell=told.append)
    assert (opened, reply) == (plain, reply_to_read(meter.shown))
    assert told == [f"{bus.path}: a pty has no parity: opened with {plain} instead of {framing}"]


def test_a_real_port_keeps_its_parity():
    settings = SerialSettings(device="/dev/null", baudrate=9600, framing="8E1")
    assert fitting(settings) == (settings, ())


def test_where_the_url_is_silent_the_meters_settings_hold(bus, make_view):
    meter = Meter(make_view(parameters={"bus_baudrate": "38400", "bus_framing": "8N2", "bus_address": 7}))

    async def story(server):
        bus.send(frame("03 0000 0002", unit=7))
        return server.settings, await bus.hear(9)

    settings, reply = with_server(story, bus.path, meter, query="?gap_ms=30")
    assert settings == SerialSettings(device=bus.path, baudrate=38400, framing="8N2", gap_s=0.03)
    assert settings.timing.gap_s == 0.03
    assert reply[0] == 7
    flags = termios.tcgetattr(bus._slave)
    assert flags[4] == flags[5] == termios.B38400
    assert flags[2] & termios.CSTOPB


def test_a_device_that_is_not_there_is_said(tmp_path, meter):
    with pytest.raises(ListenError, match=r"tty9: no such device: is it plugged in\?"):
        with_server(None, tmp_path / "tty9", meter)
    with pytest.raises(NoAnswerError, match=r"tty9: no such device"):
        asyncio.run(read_values(url_of(tmp_path / "tty9")))


def test_a_file_that_is_no_port_is_said(tmp_path, meter):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ListenError, match="no serial port: name a tty or a pty"):
        with_server(None, tmp_path / "file", meter)
    with pytest.raises(ListenError, match="no serial port: name a tty or a pty"):
        with_server(None, tmp_path, meter)


def test_a_line_that_is_in_use_is_said(bus, meter):
    async def story(_server):
        with pytest.raises(ListenError, match="in use: stop the program that has it open"):
            await serve_modbus_rtu(url_of(bus.path), [meter])

    with_server(story, bus.path, meter)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EACCES, "dialout"), (errno.EINVAL, "baudrate="), (errno.ENODEV, "plugged in")]
)
def test_every_trouble_has_its_remedy(number, words):
    assert words in trouble(OSError(number, "whatever"))


def test_a_trouble_without_a_remedy_keeps_its_words():
    assert trouble(OSError(errno.ENOSPC, "No space left")) == "No space left"
    assert trouble(ValueError("odd")) == "odd"


@pytest.mark.parametrize(("units", "words"), [([1, 1], "unit 1 stands for more than one meter"), ([0, 1], "1 to 247, not 0")])
def test_units_that_cannot_be_are_refused(bus, meter, units, words):
    with pytest.raises(UsageError, match=words):
        with_server(None, bus.path, meter, meter, units=units)


def test_a_line_that_goes_away_is_told_once_and_found_again(tmp_path, meter, monkeypatch):
    monkeypatch.setattr(kept_port, "RETRY_S", 0.05)
    first, second, told = Bus(), Bus(), Told()
    link = tmp_path / "line"
    link.symlink_to(first.path)

    async def story(_server):
        first.send(READ)
        assert await first.hear(9) == reply_to_read(meter.shown)
        link.unlink()
        first.unplug()
        gone = await told.next()
        await asyncio.sleep(0.3)
        assert told.lines == [gone]
        link.symlink_to(second.path)
        await told.next()
        second.send(READ)
        return await second.hear(9)

    try:
        assert with_server(story, link, meter, tell=told) == reply_to_read(meter.shown)
    finally:
        first.unplug()
        second.unplug()
    assert told.lines[0].startswith(f"{link}: the line is gone (")
    assert told.lines[0].endswith("trying again until it is back")
    assert told.lines[1] == f"{link}: the line is back"


def test_a_server_whose_line_is_gone_closes(meter):
    bus, told = Bus(), Told()

    async def story(_server):
        bus.unplug()
        return await told.next()

    assert "the line is gone" in with_server(story, bus.path, meter, tell=told)
    assert len(told.lines) == 1


def test_a_reader_whose_line_goes_away_says_so():
    bus = Bus()

    async def run():
        asyncio.get_running_loop().call_later(0.2, bus.unplug)
        await read_values(url_of(bus.path), timeout_s=PATIENCE_S)

    with pytest.raises(NoAnswerError, match=r"the connection broke: the other end of this pty|closed the connection"):
        asyncio.run(run())
    assert serial_port.is_pty("/dev/tty") is False


# ---------------------------------------------------------------- damaged characters, direction control


@pytest.mark.parametrize("size", range(1, 9))
def test_marks_are_taken_out_wherever_a_port_cuts_them(size):
    marked = bytes.fromhex("01 FFFF 02 FF0041 03 FF0000 FF00FF FFFF 04")
    marks, found = Marks(are_set=True), []
    for at in range(0, len(marked), size):
        found += marks.split(marked[at : at + size])
    joined = b"".join(b"<damaged>" if piece is None else piece for piece in found)
    assert joined == b"\x01\xff\x02<damaged>\x03<damaged><damaged>\xff\x04"


def test_a_character_with_a_wrong_parity_spoils_its_frame_and_not_the_next(bus, meter, monkeypatch):
    monkeypatch.setattr(serial_server, "mark_damage", lambda _settings: True)

    async def story(_server):
        bus.send(READ[:3] + bytes.fromhex("FF 00 00") + READ[4:])
        silent = await bus.hear_nothing()
        bus.send(READ)
        return silent, await bus.hear(9)

    assert with_server(story, bus.path, meter) == (True, reply_to_read(meter.shown))


def test_a_pty_is_not_asked_to_mark_and_a_device_that_is_gone_cannot(bus):
    assert not mark_damage(SerialSettings(device=bus.path, baudrate=9600, framing="8E1"))
    assert not mark_damage(SerialSettings(device="/dev/nothere", baudrate=9600, framing="8E1"))
    assert not mark_damage(SerialSettings(device="/dev/null", baudrate=9600, framing="8E1"))


def test_a_port_with_parity_is_open_with_marks_and_a_true_ff_comes_through_them(bus, meter, monkeypatch):
    """A pty takes the flags of a port with parity, though not the parity, and doubles a true FF as a port does."""
    settle = serialx.create_serial_connection

    def without_parity(*args, **options):
        return settle(*args, **options | {"parity": serialx.Parity.NONE})

    monkeypatch.setattr(serialx, "create_serial_connection", without_parity)
    monkeypatch.setattr(serial_port, "is_pty", lambda _device: False)
    select = RtuFrame(unit=1, pdu=bytes.fromhex("10 00B0 0002 04 0000 FFFF")).to_bytes()

    async def story(server):
        flags = termios.tcgetattr(bus._slave)[0]
        bus.send(select)
        return flags, server.settings.framing, await bus.hear(8)

    flags, framing, heard = with_server(story, bus.path, meter, query="?framing=8E1")
    assert framing == "8E1"
    assert flags & termios.INPCK
    assert flags & termios.PARMRK
    assert not flags & termios.IGNPAR
    assert heard == RtuFrame(unit=1, pdu=bytes.fromhex("10 00B0 0002")).to_bytes()
    assert meter.asked == [WriteSettings(settings={"cost_per_kwh": Decimal("6.5535")}, interface=Interface.BUS)]


def test_a_driver_is_asked_to_switch_the_transmitter_before_the_port_is_opened(bus, meter, monkeypatch):
    asked = []

    def ioctl(opened, request, argument):
        asked.append((str(Path(f"/proc/self/fd/{opened}").readlink()), request, argument))
        return 0

    monkeypatch.setattr(serial_port.fcntl, "ioctl", ioctl)

    async def story(_server):
        bus.send(READ)
        return await bus.hear(9)

    with pytest.raises(ListenError, match="no such device"):
        with_server(story, "/dev/nothere", meter, query="?rs485=on")
    assert not asked
    assert with_server(story, bus.path, meter, query="?rs485=on") == reply_to_read(meter.shown)
    device, request, argument = asked[0]
    assert (device, request) == (bus.path, 0x542F), "TIOCSRS485"
    assert argument == (3).to_bytes(4, sys.byteorder) + bytes(28), "enabled, RTS on while sending, no delays, padding"


def test_a_driver_without_direction_control_is_told_in_one_line(bus, meter):
    async def story(_server):
        pytest.fail("opened")

    with pytest.raises(ListenError, match="does not switch an RS-485 transmitter"):
        with_server(story, bus.path, meter, query="?rs485=on")
    with pytest.raises(ListenError, match="no such device"):
        with_server(story, "/dev/nothere", meter, query="?rs485=on")
    assert str(url_of("/dev/ttyS1", "?rs485=on")) == "modbus+rtu:///dev/ttyS1?rs485=on"
    with pytest.raises(UsageError, match="rs485 is on"):
        url_of("/dev/ttyS1", "?rs485=off")
