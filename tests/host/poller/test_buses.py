"""A poll over every kind of bus: the readings are those of the meters, to the last digit that their registers show."""

import asyncio
import json

import pytest

from watthour.host.archive.database import open_archive
from watthour.host.archive.queries import places, values
from watthour.host.certificates import make_ca, make_certificate
from watthour.host.instants import now_ns
from watthour.host.lines.access import DEFAULT_ROLES, LineAccess
from watthour.host.lines.mbus_server import serve_mbus_serial, serve_mbus_tcp
from watthour.host.lines.modbus_server import TcpOptions, serve_modbus_tcp
from watthour.host.lines.serial_server import serve_modbus_rtu
from watthour.host.lines.url import parse_url
from watthour.host.poller.config import plan_poll
from watthour.host.poller.running import Poll
from watthour.host.poller.showing import JsonLines

BEGIN_WH = 4_000_000_000
UNITS = (3, 17)


class Standing:
    """A meter whose clock stands still, and its counters with it."""

    def __init__(self, soak, serial):
        at_ns = now_ns()
        begin_ns = at_ns - 3600 * 10**9
        self.meter = soak.SimulatedMeter(serial=serial, seed=serial, begin_ns=begin_ns, begin_wh=BEGIN_WH, clock=lambda: at_ns)
        self.view = self.meter.view
        self.import_microwh = BEGIN_WH * 10**6 + self.meter.energy_microwh(at_ns)

    def sample_time_s(self):
        return 0.0

    async def ask(self, _):
        raise AssertionError


@pytest.fixture
def meters(soak):
    return [Standing(soak, serial) for serial in (23_612_001, 23_612_002)]


@pytest.fixture
def tls_files(tmp_path):
    ca = make_ca()
    ca.write(tmp_path, "ca")
    make_certificate(ca, "station", hosts=["127.0.0.1"]).write(tmp_path, "station")
    make_certificate(ca, "reader", role="reader").write(tmp_path, "reader")
    return tmp_path


@pytest.fixture
def bus(request, meters):
    """Return what opens a line with two meters, and how each is reached: word of the unit or address, and URL."""

    async def open_line(scheme):
        if scheme == "modbus+rtu":
            pair = request.getfixturevalue("serial_pair")
            url = f"{scheme}://{pair.ours}?baudrate=19200"
            return await serve_modbus_rtu(
                parse_url(url), meters, units=UNITS
            ), f"{scheme}://{pair.theirs}?baudrate=19200&unit={{}}"
        if scheme == "mbus+serial":
            pair = request.getfixturevalue("serial_pair")
            server = await serve_mbus_serial(parse_url(f"{scheme}://{pair.ours}?baudrate=9600"), meters, UNITS, [].append)
            return server, f"{scheme}://{pair.theirs}?baudrate=9600&address={{}}"
        if scheme == "mbus+tcp":
            server = await serve_mbus_tcp(parse_url(f"{scheme}://127.0.0.1:0"), meters, UNITS)
            return server, f"{scheme}://127.0.0.1:{server.address[1]}?address={{}}"
        files = "certificate={0}.pem&key={0}.key&ca=ca.pem"
        url, options, query = parse_url(f"{scheme}://127.0.0.1:0"), TcpOptions(), ""
        if scheme == "modbus+tls":
            folder = request.getfixturevalue("tls_files")
            url = parse_url(f"{scheme}://127.0.0.1:0?{files.format('station')}").within(folder)
            options, query = TcpOptions(access=LineAccess(roles=DEFAULT_ROLES)), "&" + files.format("reader")
        server = await serve_modbus_tcp(url, meters, units=UNITS, options=options)
        return server, f"{scheme}://127.0.0.1:{server.address[1]}?unit={{}}{query}"

    return open_line


@pytest.mark.parametrize("scheme", ["modbus+tcp", "modbus+tls", "modbus+rtuovertcp", "modbus+rtu", "mbus+tcp", "mbus+serial"])
def test_a_poll_reads_what_the_meters_show(scheme, bus, meters, tmp_path):
    async def story():
        server, url = await bus(scheme)
        text = "timeout_s = 5.0\nslot_s = 30.0\n" + "".join(
            f'[[meter]]\nplace = "place {unit}"\nurl = "{url.format(unit)}"\n' for unit in UNITS
        )
        (tmp_path / "poll.toml").write_text(text, "utf-8")
        told = []
        plan = plan_poll(tmp_path / "poll.toml")
        with (tmp_path / "lines").open("w+", encoding="utf-8") as output:
            try:
                whole = await Poll(plan, JsonLines(told.append, output), stop_asked=lambda: False).run(once=True)
            finally:
                await server.close()
            output.seek(0)
            return plan, told, [json.loads(line) for line in output], whole

    plan, told, written, whole = asyncio.run(asyncio.wait_for(story(), 60))
    assert whole, told
    assert len(plan.lines) == 1
    shown = {line["place"]: line["exact"]["import_microwh"] for line in written}
    assert {line["serial"].removeprefix("CIR") for line in written} == {str(each.meter.serial) for each in meters}
    last_digit = 1 if scheme.startswith("modbus") else 10**6
    assert shown == {
        f"place {unit}": each.import_microwh // last_digit * last_digit for unit, each in zip(UNITS, meters, strict=True)
    }
    with open_archive(plan.store) as archive:
        kept = {place.name: next(iter(values(archive, place))).value for place in places(archive)}
    assert kept == shown
