"""Who shares a line with whom, and who cannot."""

import asyncio
import os

import pytest

from watthour.errors import UsageError
from watthour.host.lines import Listener, lines_of, open_line, parse_url, read_values
from watthour.host.lines.sharing import place_of


class Meter:
    def __init__(self, view):
        self.shown = view

    def view(self):
        return self.shown


@pytest.fixture
def listener(make_view):
    def make(owner, url, **parameters):
        return Listener(owner=owner, url=parse_url(url), port=Meter(make_view(parameters=parameters)))

    return make


def owners(lines):
    return [[listener.owner for listener in line] for line in lines]


def test_the_same_port_is_one_line_whatever_the_unit(listener):
    lines = lines_of([
        listener("a", "modbus+tcp://127.0.0.1:1502?unit=1"),
        listener("b", "modbus+tcp://127.0.0.1:1503"),
        listener("c", "modbus+tcp://127.0.0.1:1502?unit=2"),
    ])  # fmt: skip
    assert owners(lines) == [["a", "c"], ["b"]]


def test_the_same_tty_is_one_line_by_whatever_name(listener, tmp_path):
    (tmp_path / "link").symlink_to("/dev/null")
    lines = lines_of([
        listener("a", "modbus+rtu:///dev/null?unit=1"),
        listener("b", f"modbus+rtu://{tmp_path}/link?unit=2&baudrate=9600"),
        listener("c", "modbus+rtu:///dev/zero"),
    ])  # fmt: skip
    assert owners(lines) == [["a", "b"], ["c"]]


STARTING = [
    ("modbus+tcp://127.0.0.1:1502", False),
    ("mbus+tcp://127.0.0.1:1502", False),
    ("modbus+rtu:///dev/null?unit=1&baudrate=9600&framing=8N1", False),
    ("modbus+rtu:///dev/null?unit=1&baudrate=9600", True),
    ("modbus+rtu:///dev/null?unit=1&framing=8N1", True),
    ("modbus+rtu:///dev/null?baudrate=9600&framing=8N1", True),
    ("mbus+serial:///dev/null?address=1&baudrate=2400", False),
    ("mbus+serial:///dev/null?address=1", True),
    ("mbus+serial:///dev/null?baudrate=2400", True),
]


@pytest.mark.parametrize(("url", "waits"), STARTING)
def test_a_serial_line_waits_for_what_is_kept_where_its_url_does_not_say_it(make_view, url, waits):
    starting = Listener(owner="a", url=parse_url(url), port=Meter(make_view(starting=True)))
    assert starting.waits is waits
    assert Listener(owner="a", url=parse_url(url), port=Meter(make_view())).waits is False


def test_numbers_that_are_kept_collide_when_they_are_known(make_view):
    meters = [Meter(make_view(starting=True)) for _ in range(2)]
    listeners = [
        Listener(owner=name, url=parse_url("modbus+tcp://127.0.0.1:1502"), port=meter)
        for name, meter in zip("ab", meters, strict=True)
    ]
    assert len(lines_of(listeners)) == 1
    for meter in meters:
        meter.shown = make_view()
    with pytest.raises(UsageError, match="unit 1 is wanted by a and b"):
        lines_of(listeners)


def test_a_port_that_the_system_chooses_is_shared_with_nobody(listener):
    url = "modbus+tcp://127.0.0.1:0"
    assert owners(lines_of([listener("a", url), listener("b", url)])) == [["a"], ["b"]]
    assert place_of(parse_url(url)) != place_of(parse_url(url))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("?unit=7", {}), ("?unit=7", {})),
        (("", {}), ("?unit=1", {})),
        (("", {"bus_address": 9}), ("", {"bus_address": 9})),
    ],
)
def test_the_same_unit_twice_is_refused_naming_both(listener, first, second):
    url = "modbus+tcp://127.0.0.1:1502"
    both = [listener(name, url + query, **parameters) for name, (query, parameters) in (("a.toml", first), ("b.toml", second))]
    with pytest.raises(UsageError, match=r"unit [179] is wanted by a\.toml and b\.toml: give each its own, with \?unit="):
        lines_of(both)


def test_one_meter_twice_on_a_line_is_refused(listener):
    url = "modbus+tcp://127.0.0.1:1502"
    with pytest.raises(UsageError, match=r"unit 1 is wanted by a\.toml twice"):
        lines_of([listener("a.toml", url), listener("a.toml", url)])


def test_one_meter_may_be_there_under_two_units(listener):
    lines = lines_of([listener("a", "modbus+tcp://127.0.0.1:1502?unit=1"), listener("a", "modbus+tcp://127.0.0.1:1502?unit=2")])
    assert owners(lines) == [["a", "a"]]


def test_a_tty_wanted_in_two_ways_is_refused_naming_both(listener):
    with pytest.raises(UsageError, match=r"a\.toml and b\.toml want the line at 19200 8N1 and at 9600 8E1"):
        lines_of([
            listener("a.toml", "modbus+rtu:///dev/null?unit=1", bus_baudrate="19200"),
            listener("b.toml", "modbus+rtu:///dev/null?unit=2&framing=8E1"),
        ])  # fmt: skip


def tell_nobody(_text):
    raise AssertionError


def test_an_open_port_says_where_each_of_its_meters_is(listener):
    async def run():
        pair = [listener("a", "modbus+tcp://127.0.0.1:0?unit=5", serial=1), listener("b", "modbus+tcp://127.0.0.1:0", serial=2)]
        line = await open_line(pair, tell=tell_nobody)
        try:
            return line.urls, await read_values(parse_url(line.urls[0]))
        finally:
            await line.server.close()

    urls, reading = asyncio.run(run())
    port = urls[0].split(":")[2].split("?")[0]
    assert urls == (f"modbus+tcp://127.0.0.1:{port}?unit=5", f"modbus+tcp://127.0.0.1:{port}")
    assert reading.serial == 23612001


def test_an_open_tty_says_how_it_is_open(listener):
    master, slave = os.openpty()
    path = os.ttyname(slave)

    async def run():
        pair = [listener("a", f"modbus+rtu://{path}?framing=8E1"), listener("b", f"modbus+rtu://{path}?framing=8E1&unit=9")]
        line = await open_line(pair, tell=told.append)
        await line.server.close()
        return line.urls

    told = []
    try:
        urls = asyncio.run(run())
    finally:
        os.close(master)
        os.close(slave)
    assert urls == tuple(f"modbus+rtu://{path}?baudrate=9600&framing=8N1{unit}" for unit in ("", "&unit=9"))
    assert len(told) == 1
