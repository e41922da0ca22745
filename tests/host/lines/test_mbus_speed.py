"""Another speed by bus, over a line of two ptys that carries nothing but noise between ends of different speeds."""

import asyncio
import contextlib
import os
import select
import termios
import threading
import time

import pytest

from watthour.errors import BadFrameError, NoAnswerError
from watthour.host.lines import kept_port, mbus_server
from watthour.host.lines.mbus_client import open_master
from watthour.host.lines.mbus_server import serve_mbus_serial
from watthour.host.lines.url import parse_url
from watthour.meter import Meter, first_state
from watthour.wire.mbus.message import BAUD_CODES, RequestData, ResetLink, SendData

SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)}
PATIENCE_S = 5.0
FALL_BACK_S = 0.6


class Line:
    """Two ends and what lies between: a character arrives where both ends have the same speed, and is noise where they do not."""

    def __init__(self):
        self._fds = [*os.openpty(), *os.openpty()]
        self.ours, self.theirs = os.ttyname(self._fds[1]), os.ttyname(self._fds[3])
        self.noise = 0
        self._is_cut = False
        for fd in self._fds[::2]:
            os.set_blocking(fd, False)
        self._carrying = threading.Thread(target=self._carry, daemon=True)
        self._carrying.start()

    @property
    def speeds(self):
        return tuple(SPEEDS[termios.tcgetattr(fd)[4]] for fd in self._fds[::2])

    def _carry(self):
        here, there = self._fds[::2]
        while not self._is_cut:
            for end in select.select([here, there], [], [], 0.02)[0]:
                data = os.read(end, 4096)
                ours, theirs = self.speeds
                if ours != theirs:
                    self.noise += len(data)
                    data = bytes(byte ^ 0x55 for byte in data)
                os.write(there if end == here else here, data)

    def cut(self):
        self._is_cut = True
        self._carrying.join(PATIENCE_S)
        for fd in self._fds:
            with contextlib.suppress(OSError):
                os.close(fd)


class OneMeter:
    """A meter without a thread, as a line asks it."""

    def __init__(self):
        self.meter = Meter(first_state({"model": "Q23622", "serial": 23_622_001}))

    def view(self):
        return self.meter.view()

    def sample_time_s(self):
        return 0.0

    async def ask(self, command):
        return self.meter.command(command, 0)

    @property
    def baudrate(self):
        return self.view().parameters["mbus_baudrate"]


@pytest.fixture
def line():
    line = Line()
    yield line
    line.cut()


def with_server(line, port, story):
    """Run a story beside a slave on the line; return what was told, without that a pty has no parity."""

    async def scenario():
        told = []
        server = await serve_mbus_serial(parse_url(f"mbus+serial://{line.ours}"), [port], [None], told.append)
        try:
            await asyncio.wait_for(story(), 60)
        finally:
            await server.close()
        return [text for text in told if "no parity" not in text]

    return asyncio.run(scenario())


@contextlib.asynccontextmanager
async def master_at(line, baudrate):
    async with open_master(parse_url(f"mbus+serial://{line.theirs}?baudrate={baudrate}"), timeout_s=0.4) as master:
        yield master


async def ask_for(master, baudrate):
    return await master.acknowledged(SendData(address=1, ci=BAUD_CODES[baudrate]).to_frame())


async def until(holds):
    give_up_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_s
        await asyncio.sleep(0.01)


async def is_there(line, baudrate):
    """Tell whether a master at a speed gets a telegram."""
    async with master_at(line, baudrate) as master:
        try:
            return (await master.telegram(1, fcb=True, retries=0)).header.serial == "23622001"
        except (NoAnswerError, BadFrameError):
            return False


@pytest.mark.parametrize("baudrate", [300, 600, 1200, 4800, 9600, 19200, 38400])
def test_a_speed_asked_for_is_acknowledged_at_the_old_one_and_holds_once_something_valid_is_heard(line, monkeypatch, baudrate):
    monkeypatch.setattr(mbus_server, "FALL_BACK_S", FALL_BACK_S)
    port = OneMeter()

    async def story():
        assert line.speeds[0] == 2400
        async with master_at(line, 2400) as master:
            assert await ask_for(master, baudrate), "at the old speed"
        await until(lambda: line.speeds[0] == baudrate)
        assert await is_there(line, baudrate)
        await asyncio.sleep(1.5 * FALL_BACK_S)
        assert line.speeds[0] == baudrate, "it does not fall back"
        assert not await is_there(line, 2400)

    assert with_server(line, port, story) == []
    assert port.baudrate == (str(baudrate) if baudrate <= 9600 else "2400"), "kept where it is one of the meter's own"


def test_where_nothing_valid_is_heard_at_the_new_speed_it_goes_back(line, monkeypatch):
    monkeypatch.setattr(mbus_server, "FALL_BACK_S", FALL_BACK_S)
    port = OneMeter()

    async def story():
        async with master_at(line, 2400) as master:
            assert await ask_for(master, 9600)
            await until(lambda: line.speeds[0] == 9600)
            for frame in (ResetLink(address=1), RequestData(address=1)):
                assert not await master.acknowledged(frame.to_frame()), "noise is nothing valid"
        assert line.noise > 0
        await until(lambda: line.speeds[0] == 2400)
        assert await is_there(line, 2400)

    assert with_server(line, port, story) == [f"{line.ours}: nothing heard at 9600 Bd: back to 2400 Bd"]
    assert port.baudrate == "2400"


def test_it_goes_back_to_the_last_speed_that_was_right(line, monkeypatch):
    monkeypatch.setattr(mbus_server, "FALL_BACK_S", FALL_BACK_S)
    port = OneMeter()

    async def story():
        async with master_at(line, 2400) as master:
            assert await ask_for(master, 9600)
        await until(lambda: line.speeds[0] == 9600)
        async with master_at(line, 9600) as master:
            assert await ask_for(master, 4800)
        await until(lambda: line.speeds[0] == 4800)
        await until(lambda: line.speeds[0] == 9600)
        assert await is_there(line, 9600)

    assert with_server(line, port, story) == [f"{line.ours}: nothing heard at 4800 Bd: back to 9600 Bd"]
    assert port.baudrate == "9600"


def test_a_line_that_is_gone_while_it_changes_speed_comes_back_at_the_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_port, "RETRY_S", 0.05)
    first, second, link = Line(), Line(), tmp_path / "line"
    link.symlink_to(first.ours)

    async def scenario():
        told = []
        server = await serve_mbus_serial(parse_url(f"mbus+serial://{link}"), [OneMeter()], [None], told.append)
        try:
            link.unlink()
            async with master_at(first, 2400) as master:
                assert await ask_for(master, 9600)
            await until(lambda: any("no such device" in text for text in told))
            link.symlink_to(second.ours)
            await until(lambda: told[-1].endswith("the line is back"))
            return second.speeds[0], await is_there(second, 9600), told[1:]
        finally:
            await server.close()

    try:
        speed, there, told = asyncio.run(asyncio.wait_for(scenario(), 60))
    finally:
        first.cut()
        second.cut()
    assert (speed, there) == (9600, True)
    assert [text.rpartition(": ")[2] for text in told] == ["trying again until it does", "the line is back"]
