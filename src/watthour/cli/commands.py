"""The commands a user types, and what each asks of the host.

Each command turns words into records, calls one function, prints. Modules that process samples or open buses
are imported inside the command that needs them.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Console

from watthour import __version__
from watthour.cli.bills import bill
from watthour.cli.control import close_period, reset_partial, seal, set_, unseal
from watthour.cli.evidence import check, log
from watthour.cli.invoices import invoice
from watthour.cli.mbus import mbus
from watthour.cli.polling import check_device, poll, scan
from watthour.cli.readings import readings
from watthour.cli.stopping import Stopping
from watthour.cli.tariffs import tariff
from watthour.cli.tls import tls
from watthour.cli.type_tests import typetest
from watthour.errors import UsageError
from watthour.host.instants import iso, to_ns
from watthour.units import PHASES

if TYPE_CHECKING:
    from watthour.host.lines import Reading

app = App(
    name="watthour",
    help="A three-phase energy meter in software: samples in, trusted kilowatt-hours out.",
    version=f"watthour {__version__}",
)

Json = Annotated[bool, Parameter(negative="")]

_LONGEST_DURATION_S = 1e10
"""Some 300 years: instants stay within the calendar."""
_LONGEST_WATCH_S = 1e6


@app.command
def run(
    *config: Path,
    model: str | None = None,
    source: Path | None = None,
    channels: str | None = None,
    speed: str = "1",
    data: Path | None = None,
    listen: Annotated[list[str] | None, Parameter(negative="")] = None,
    web: str | None = None,
    contacts: Path | None = None,
    pulses: Path | None = None,
    trace: Path | None = None,
    faults: Path | None = None,
    duration: float | None = None,
    hold: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> None:
    """Meter a source: a simulated installation or a recording.

    Parameters
    ----------
    config
        A meter's configuration (TOML); several make several meters. Options win over it.
    model
        Code or name of the model; "watthour models" lists them.
    source
        A recording (.cfg, .cff, .csv, .wav, .flac, .parquet) or a network file (.toml).
    channels
        V1,V2,V3,I1,I2,I3 of a recording, by name or number from 1.
    speed
        Seconds of samples per second: 1, another number, or max.
    data
        Directory that keeps the meter's state.
    listen
        Bus to answer on, such as modbus+tcp://127.0.0.1:1502; may be repeated.
    web
        HOST:PORT of a page that shows the meter in a browser, such as 127.0.0.1:8311.
    contacts
        File or FIFO of lines that say when the contacts at the digital inputs close and open.
    pulses
        Write the pulses of the LEDs and of the pulse output to this file (CSV), one line each.
    trace
        Write what the Modbus lines carry to this file, for tshark and Wireshark (pcap).
    faults
        Script of what shall go wrong on purpose (TOML).
    duration
        Stop at this sample time in seconds, counted from the source's first sample.
    hold
        Go on answering after the source has ended.
    json
        Print the result as one JSON object on the last line.
    """
    stopping = Stopping()  # before what takes a second to import

    from watthour.host.config import Options, plan_from  # noqa: PLC0415
    from watthour.host.faults import read_faults  # noqa: PLC0415
    from watthour.host.metering import Pace  # noqa: PLC0415
    from watthour.host.running import run_meters  # noqa: PLC0415

    if duration is not None and not 0 < duration <= _LONGEST_DURATION_S:
        msg = f"--duration {duration:g}: ask for more than 0 seconds, and at most {_LONGEST_DURATION_S:g}"
        raise UsageError(msg)
    if contacts is not None and len(config) > 1:
        msg = (
            f"--contacts {contacts}: one file closes the contacts of one meter: name it in that configuration, [contacts] file"
        )
        raise UsageError(msg)
    options = Options(
        model=model, source=source, channels=channels, data=data, contacts=contacts, listen=tuple(listen or ()), web=web
    )
    plans = [plan_from(path, options) for path in config or (None,)]
    script = None if faults is None else read_faults(faults)
    run_meters(
        plans,
        Pace(speed=_speed(speed), duration_s=duration, hold=hold),
        stop_asked=stopping.is_asked,
        as_json=json,
        faults=script,
        pulses=pulses,
        trace=trace,
    )


def _speed(text: str) -> float | None:
    """Return a speed as a number; None is as fast as possible."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0 < speed < float("inf"):
        msg = f"--speed {text}: write 1, another number above 0, or max"
        raise UsageError(msg)
    return speed


@app.command
def read(url: str, /, *, json: Json = False, watch: float | None = None) -> None:
    """Read a meter's values over its bus.

    Parameters
    ----------
    url
        Where it is, such as modbus+tcp://127.0.0.1:1502?unit=1.
    json
        Print one JSON object a reading.
    watch
        Read again every so many seconds, until interrupted.
    """
    from watthour.host.lines import parse_url, read_values  # noqa: PLC0415

    if watch is not None and not 0 < watch <= _LONGEST_WATCH_S:
        msg = f"--watch {watch:g}: ask for more than 0 seconds, and at most {_LONGEST_WATCH_S:g}"
        raise UsageError(msg)
    address = parse_url(url)
    if watch is None:
        _print_reading(asyncio.run(read_values(address)), as_json=json, again=False)
        return
    with suppress(KeyboardInterrupt):
        while True:
            begun_s = time.monotonic()
            _print_reading(asyncio.run(read_values(address)), as_json=json, again=True)
            time.sleep(max(0.0, begun_s + watch - time.monotonic()))


def _print_reading(reading: "Reading", *, as_json: bool, again: bool) -> None:
    from watthour.host.terminal import reading_tables  # noqa: PLC0415

    if as_json:
        time_text = iso(to_ns(reading.time))
        content = {"url": reading.url, "time": time_text, "serial": reading.serial, "values": dict(reading.values)}
        _print_json(content)
        return
    console = Console()
    if again and console.is_terminal:
        console.clear()
    console.print(reading_tables(reading.url, reading.model, reading.serial, reading.values))


@app.command
def panel(where: str = "modbus+tcp://127.0.0.1:1502", /) -> None:
    """Show a meter as an instrument: display, keys, LEDs, phasors, waves, load curve, registers, events.

    Parameters
    ----------
    where
        A meter's configuration, to be run here; or the URL of any meter, shown as far as its bus tells.
    """
    if "://" in where:
        from watthour.host.lines import parse_url  # noqa: PLC0415
        from watthour.host.terminal.panel.far import show_far_meter  # noqa: PLC0415

        asyncio.run(show_far_meter(parse_url(where)))
        return
    stopping = Stopping()

    from watthour.host.config import Options, plan_from  # noqa: PLC0415
    from watthour.host.metering import Pace  # noqa: PLC0415
    from watthour.host.running import run_meters  # noqa: PLC0415

    plan = plan_from(Path(where), Options())
    run_meters([plan], Pace(hold=True), stop_asked=stopping.is_asked, as_json=False, panel=True)


@app.command
def diagnose(url: str, /, *, generation: bool = True, json: Json = False) -> int:
    """Tell what an installer got wrong, from one reading of a meter over its bus: exit status 1 where something is found.

    Parameters
    ----------
    url
        Where it is, such as modbus+tcp://127.0.0.1:1502?unit=1.
    generation
        Whether the plant may export; with --no-generation a current the wrong way round is no export.
    json
        Print one JSON object.
    """
    from watthour.diagnosis import Plate, diagnose  # noqa: PLC0415
    from watthour.host.lines import parse_url, read_values  # noqa: PLC0415
    from watthour.host.terminal import findings_table  # noqa: PLC0415

    reading = asyncio.run(read_values(parse_url(url)))
    plate = Plate(ct_primary_a=reading.ct_primary_a or _highest_current(reading), generates=generation)
    findings = diagnose(reading.values, plate)
    if json:
        found = [asdict(finding) for finding in findings]
        _print_json({"url": reading.url, "time": iso(to_ns(reading.time)), "serial": reading.serial, "findings": found})
    else:
        Console().print(f"[bold]{reading.model}[/bold]  serial {reading.serial}  {reading.url}\n")
        Console().print(findings_table(findings))
    return int(bool(findings))


def _highest_current(reading: "Reading") -> float:
    """Return what stands in for the CTs' rating where a meter does not say it."""
    return max((float(reading.values.get(f"current_{phase}_a") or 0.0) for phase in PHASES), default=0.0)


@app.command
def models(*, json: Json = False) -> None:
    """List the models of the range.

    Parameters
    ----------
    json
        Print them as one JSON array.
    """
    from watthour.host.terminal import models_table  # noqa: PLC0415
    from watthour.models import MODELS, RATINGS  # noqa: PLC0415

    if json:
        _print_json([{**asdict(model), **asdict(RATINGS)} for model in MODELS])
    else:
        Console().print(models_table())


@app.command(name="map")
def map_(
    bus: Literal["modbus", "mbus", "check"],
    file: Path | None = None,
    /,
    *,
    format: Literal["table", "markdown", "csv", "json"] = "table",  # noqa: A002
    client: Annotated[Literal["telegraf", "home-assistant", "node-red", "prometheus"] | None, Parameter(name="--for")] = None,
    url: str = "modbus+tcp://127.0.0.1:1502?unit=1",
) -> None:
    """Print the register map, what a client needs to read it, or check a device's file: "watthour map check FILE".

    Parameters
    ----------
    bus
        modbus or mbus; or check.
    file
        A device's file (TOML), to be checked.
    format
        How to print it.
    client
        Print a configuration for this client instead: telegraf, home-assistant, node-red, prometheus.
    url
        Where the client is to find the meter.
    """
    if bus == "check":
        check_device(file)
        return
    if file is not None:
        msg = f"{file}: only watthour map check takes a file"
        raise UsageError(msg)
    from watthour.host.terminal import map_table, mbus_table  # noqa: PLC0415
    from watthour.maps import mbus_sheet, sheet  # noqa: PLC0415

    if client is not None:
        _print_for(client, bus, url)
        return
    pages = sheet if bus == "modbus" else mbus_sheet
    written = {"markdown": pages.as_markdown, "csv": pages.as_csv, "json": pages.as_json}
    if format == "table":
        Console().print(map_table(bus) if bus == "modbus" else mbus_table())
    else:
        sys.stdout.write(written[format]())


def _print_for(client: str, bus: str, url: str) -> None:
    """Print the configuration of a client."""
    from watthour.host.lines import TcpUrl, parse_url  # noqa: PLC0415
    from watthour.maps.clients import CLIENTS, Place  # noqa: PLC0415

    address = parse_url(url)
    if bus != "modbus" or not isinstance(address, TcpUrl) or address.is_rtu or address.is_tls or address.is_mbus:
        msg = f"--for {client}: it is written for Modbus TCP: watthour map modbus --for {client} --url modbus+tcp://HOST:PORT?unit=1"
        raise UsageError(msg)
    unit = 1 if address.unit is None else address.unit
    sys.stdout.write(CLIENTS[client](Place(host=address.host, port=address.port, unit=unit)))


@app.command
def calibrate(job: Path, /, *, json: Json = False, write: Path | None = None) -> None:
    """Find gain, offset and delay of each channel from reference loads.

    Parameters
    ----------
    job
        The loads with their true values (TOML).
    json
        Print the result as one JSON object on the last line.
    write
        New file that takes the settings, as a [meter] table; or a data directory whose meter, its seal open, takes them at once.
    """
    from watthour.host.calibrating import report_as_json, require_new, run_job, snippet_of, write_snippet  # noqa: PLC0415
    from watthour.host.terminal import calibration_tables, say  # noqa: PLC0415

    if write is not None and not write.is_dir():
        require_new(write)
    report = run_job(job, say)
    if write is not None and write.is_dir():
        from watthour.host.control import Request, ask_meter, done_or_raise, meter_directory  # noqa: PLC0415

        settings = {name: f"{value:f}" for name, value in report.settings.items()}
        done_or_raise(ask_meter(meter_directory(write), Request(do="set", settings=settings)))
    elif write is not None:
        write_snippet(write, report)
    if json:
        _print_json(report_as_json(report))
        return
    Console().print(calibration_tables(report))
    if write is None:
        sys.stdout.write(snippet_of(report))
    else:
        say(f"settings written to {write}")


network = App(name="network", help="Simulated installations.")
app.command(network)
app.command(seal)
app.command(unseal)
app.command(set_, name="set")
app.command(reset_partial)
app.command(close_period)
app.command(log)
app.command(check)
app.command(poll)
app.command(scan)
app.command(readings)
app.command(bill)
app.command(invoice)
app.command(tariff)
app.command(tls)
app.command(typetest)


@network.command
def show(
    file: Path,
    /,
    *,
    day: int = 1,
    html: Path | None = None,
    svg: Path | None = None,
    faults: Path | None = None,
) -> None:
    """Draw a day of a simulated installation.

    Parameters
    ----------
    file
        The network file (.toml).
    day
        Which day: 1 is the one that holds the first sample.
    html
        Write a page that stands alone, instead of drawing here.
    svg
        Write the picture alone.
    faults
        A fault script whose plant faults are drawn too.
    """
    from watthour.host.drawing import write_day  # noqa: PLC0415
    from watthour.host.networks import read_network  # noqa: PLC0415
    from watthour.host.terminal import network_day  # noqa: PLC0415
    from watthour.waveform.network import day_of  # noqa: PLC0415

    read = read_network(file, faults=faults)
    drawn = day_of(read.network, day - 1)
    name = file.name.removesuffix(".toml").removesuffix(".network")
    if html is None and svg is None:
        Console().print(network_day(drawn, name))
    else:
        write_day(drawn, name, html=html, svg=svg)


app.command(mbus)


def _print_json(content: object) -> None:
    """Print a value on one line, at once."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()
