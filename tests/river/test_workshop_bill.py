"""The workshop from phasors to an invoice: metered, read by the head-end over Modbus at each quarter of an hour, kept, billed, checked.

A February of it. Everything is the program's own but the clock: meter, TCP port, lines of the poll, store, bill and verdict; the simulated
quarter-hours only pass faster. One night nobody polls, and the load profile fills it.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pymodbus.client import AsyncModbusTcpClient
from tests.billing.supplier import EXAMPLES as CONTRACTS
from tests.billing.supplier import PLANT, metered, received

from watthour.cli.commands import app
from watthour.headend.counting import Grid, wanted_profile
from watthour.headend.reading import Quality
from watthour.host.archive.database import open_archive
from watthour.host.archive.queries import intervals as kept_intervals
from watthour.host.archive.queries import places
from watthour.host.archive.recording import Observation, counts, record
from watthour.host.billing.readings import read_intervals
from watthour.host.calendars import read_calendar
from watthour.host.lines import parse_url
from watthour.host.lines.modbus_server import serve_modbus_tcp
from watthour.host.networks import open_phasors
from watthour.host.poller.config import PolledMeter
from watthour.host.poller.devices import device_of
from watthour.host.poller.line import Line
from watthour.host.poller.modbus import Stretch
from watthour.meter import Meter, first_state
from watthour.units import ENERGIES, Ratio

WORKSHOP = Path(__file__).resolve().parent.parent.parent / "examples" / "workshop.network.toml"
DAYS = 28
FIRST = date(2026, 2, 1)
SPAN = (FIRST, FIRST + timedelta(days=DAYS - 1))
BEGIN_NS = int(datetime(2026, 2, 1, tzinfo=ZoneInfo("Europe/Madrid")).timestamp()) * 10**9
QUARTER_NS = 900 * 10**9
GRID = Grid(step_ns=QUARTER_NS, tolerance_ns=5 * 10**9)
UNPOLLED = range(96 + 8, 96 + 20)  # two to five in the second night
IMPORT_WH = 0x0000
"""Of the CEM family, two registers."""


class Port:
    """A meter that is stepped by the quarter of an hour, as lines see it."""

    def __init__(self, source):
        settings = {"ct": "200/5", "serial": 23612001, "calendar": "es/6.1TD/peninsula"}
        state = replace(first_state(settings), time_ns=BEGIN_NS)
        self.meter = Meter(state, read_calendar("es/6.1TD/peninsula"))
        self.now_ns = BEGIN_NS
        self._pieces = (hour.part(at, at + 900) for hour in source.blocks() for at in range(0, 3600, 900))
        self._view = self.meter.view()

    def pass_a_quarter(self):
        self.meter.step(next(self._pieces), self.now_ns)
        self.now_ns += QUARTER_NS
        self._view = self.meter.view()

    def view(self):
        return self._view

    def sample_time_s(self):
        return (self.now_ns - BEGIN_NS) / 10**9

    async def ask(self, command):
        return self.meter.command(command, self.now_ns)


@dataclass
class Metered:
    """What a month left behind: the store, the exact registers at its ends, and what a stranger's client read there."""

    store: str
    registers: list
    rates: list
    shown_wh: list


async def polled(folder, url_of):
    """Meter some days and read the meter at each boundary as the poll does."""
    source = open_phasors(WORKSHOP, ct=Ratio.parse("200/5"), vt=Ratio.parse("1/1"), start_ns=BEGIN_NS, faults=None)
    port = Port(source)
    server = await serve_modbus_tcp(parse_url("modbus+tcp://127.0.0.1:0?unit=1"), [port])
    url = url_of(*server.address)
    meter = PolledMeter(place="workshop", url=parse_url(url), device=device_of("watthour", folder))
    line = Line([meter], timeout_s=10, slot_s=30, now_ns=lambda: port.now_ns)
    stranger = AsyncModbusTcpClient(server.address[0], port=server.address[1])
    await stranger.connect()
    found = Metered(store=f"sqlite:///{folder / 'readings.db'}", registers=[], rates=[], shown_wh=[])

    async def note():
        registers = port.meter.state.registers
        found.registers.append(dict(zip(ENERGIES, registers.total, strict=True)))
        found.rates.append([six[0] for six in registers.rates])
        answer = await stranger.read_holding_registers(IMPORT_WH, count=2, device_id=1)
        found.shown_wh.append((answer.registers[0] << 16) + answer.registers[1])

    try:
        with open_archive(found.store) as archive:
            await note()
            waiting = []
            for number in range(96 * DAYS + 1):
                if number:
                    port.pass_a_quarter()
                if number in UNPOLLED:
                    continue
                observation = await read_once(line, archive, number == UNPOLLED.stop, waiting)
                waiting.append(observation)
                if number % 96 == 0:
                    record(archive, waiting, GRID)
                    waiting.clear()
            await note()
    finally:
        stranger.close()
        await line.close()
        await server.close()
    return found


async def read_once(line, archive, has_gap, waiting):
    """Read the meter, with its load profile where reads were missed."""
    (read,) = [each async for each in line.read_round(lambda: 60.0)]
    assert read.reading is not None, read.problem
    if not has_gap:
        return Observation(place="workshop", reading=read.reading)
    record(archive, waiting, GRID)
    waiting.clear()
    count = counts(archive, ["workshop"])["workshop"]
    begin_ns, end_ns = wanted_profile(count, read.reading, GRID)
    stretch = Stretch(begin_ns=begin_ns, end_ns=end_ns, step_ns=GRID.step_ns)
    while not stretch.is_whole:
        await line.profile_window(read.meter, stretch)
    return Observation(place="workshop", reading=read.reading, profile=stretch.sums)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workshop")
    return asyncio.run(polled(folder, lambda host, port: f"modbus+tcp://{host}:{port}?unit=1"))


@pytest.fixture(scope="module")
def grown(workshop):
    """By how much each exact register of the meter grew."""
    first, last = workshop.registers
    return {name: last[name] - first[name] for name in ENERGIES}


def run(capsys, *words):
    status = app([str(word) for word in words], result_action="return_value", exit_on_error=False)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def bill(capsys, workshop):
    end = SPAN[1] + timedelta(days=1)
    words = ("bill", CONTRACTS / "plant.contract.toml", "--from", FIRST, "--to", end, "--readings", workshop.store, "--json")
    _, out, err = run(capsys, *words)
    return json.loads(out), err


def test_every_interval_was_read_and_the_unpolled_night_is_the_meter_s_own_profile(workshop):
    with open_archive(workshop.store) as archive:
        found = list(kept_intervals(archive, places(archive)[0]))
    assert [each.start_ns for each in found] == [BEGIN_NS + QUARTER_NS * n for n in range(96 * DAYS)]
    by_profile = [n for n, each in enumerate(found) if each.quality is Quality.PROFILE]
    assert by_profile == list(range(UNPOLLED.start - 1, UNPOLLED.stop))
    assert {each.quality for each in found} == {Quality.MEASURED, Quality.PROFILE}


def test_the_energy_on_the_bill_is_the_difference_of_the_meter_s_registers(workshop, grown, capsys):
    made, err = bill(capsys, workshop)
    billed_kwh = sum(Fraction(line["quantity"]) for line in made["lines"] if line["charge"] == "energy")
    assert billed_kwh * 10**9 == grown["import"]
    assert err == ""  # no gap, no estimate
    first_wh, last_wh = workshop.shown_wh
    assert abs(billed_kwh * 1000 - (last_wh - first_wh)) < 1  # what a stranger's client read, in whole watt-hours
    intervals = read_intervals(workshop.store).intervals
    assert {name: int(values.sum()) for name, values in intervals.energies.items()} == grown


def test_the_energy_of_each_period_is_that_of_the_meter_s_rate(workshop, capsys):
    made, _ = bill(capsys, workshop)
    billed = {line["period"]: Fraction(line["quantity"]) for line in made["lines"] if line["charge"] == "energy"}
    first, last = workshop.rates
    metered_kwh = {f"P{rate}": Fraction(b - a, 10**9) for rate, (a, b) in enumerate(zip(first, last, strict=True), 1) if b > a}
    assert billed == metered_kwh


def written_down(invoice, file):
    """Write an invoice as somebody types it."""
    lines = [
        f'number = "{invoice.number}"',
        f'supplier = "{invoice.supplier}"',
        f'supply = "{invoice.supply}"',
        f"issued = {invoice.issued}",
        f"first_day = {invoice.first_day}",
        f"last_day = {invoice.last_day}",
        f"days = {invoice.days}",
        f"total = {invoice.total}",
        f'contract = "{CONTRACTS / "plant.contract.toml"}"',
    ]
    for line in invoice.lines:
        cells = {"quantity": line.quantity, "price": line.price, "days": line.days, "amount": line.amount}
        lines += ["[[line]]", f'charge = "{line.charge}"', f'unit = "{line.price_unit}"']
        lines += [f'period = "{line.period}"'] if line.period else []
        lines += [
            f"{key} = {value:f}" if key != "days" else f"{key} = {value}" for key, value in cells.items() if value is not None
        ]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


@pytest.mark.parametrize(
    ("error", "verdict"),
    [({"gain": 0.4, "by_load": 0.1, "offset_s": 20, "seed": 9}, (0, [])), ({"gain": 25}, (1, ["CT ratio"]))],
    ids=["another meter of its class", "a wrong ratio"],
)
def test_the_supplier_s_invoice_is_checked_against_what_was_polled(workshop, tmp_path, capsys, error, verdict):
    theirs = metered(read_intervals(workshop.store).intervals, **error)
    invoice = written_down(received(PLANT, theirs, SPAN), tmp_path / "february.toml")
    status, out, _ = run(capsys, "invoice", "check", invoice, "--readings", workshop.store, "--json")
    likely = [each["cause"] for each in json.loads(out)["causes"] if each["likelihood"] == "likely"]
    assert (status, likely) == verdict, out
