"""``watthour poll`` and ``watthour scan``: a rack of meters read, and who is on a line."""

import json as json_
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from watthour.cli.stopping import Stopping
from watthour.errors import UsageError

if TYPE_CHECKING:
    from watthour.host.poller.config import PollPlan

Flag = Annotated[bool, Parameter(negative="")]


def poll(
    config: Path | None = None,
    /,
    *,
    once: Flag = False,
    dry_run: Flag = False,
    json: Flag = False,
    schema: Flag = False,
) -> int:
    """Read many meters at each boundary of an interval, and keep every interval of each.

    Parameters
    ----------
    config
        Which meters, how often, where to keep them (TOML).
    once
        Read every meter once; exit status 1 where one does not answer.
    dry_run
        Print which reads would be made, and make none.
    json
        Print one JSON object on a line for each reading.
    schema
        Print the JSON Schema of the configuration.
    """
    stopping = Stopping()
    if schema:
        from watthour.host.poller.config import schema as schema_of  # noqa: PLC0415

        sys.stdout.write(json_.dumps(schema_of(), indent=2) + "\n")
        return 0
    if config is None:
        msg = "name a configuration: watthour poll CONFIG.toml (watthour poll --schema prints what may stand in it)"
        raise UsageError(msg)

    from watthour.host.poller.config import plan_poll  # noqa: PLC0415

    plan = plan_poll(config)
    if dry_run:
        Console().print(_plan_table(plan))
        return 0

    from watthour.host.poller.running import run_poll  # noqa: PLC0415
    from watthour.host.poller.showing import JsonLines, LiveTable, Showing  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    if json:
        showing: Showing = JsonLines(say)
    else:
        showing = LiveTable(plan.grid) if sys.stderr.isatty() else Showing(say)
    whole = run_poll(plan, showing, once=once, stop_asked=stopping.is_asked)
    return int(once and not whole)


def _plan_table(plan: "PollPlan") -> Table:
    """Return the reads of a plan as a table."""
    table = Table(box=None, pad_edge=False)
    for heading in ("line", "place", "where", "device", "reads"):
        table.add_column(heading)
    for number, meters in enumerate(plan.lines, 1):
        for meter in meters:
            device, reads = "M-Bus", "telegrams" if meter.telegrams is None else f"{meter.telegrams} telegrams"
            if meter.device is not None:
                device = meter.device.name
                found = "models found first; " if meter.device.models else ""
                asked = ", ".join(f"{read.start:04X}h+{read.count}" for read in meter.device.reads())
                reads = f"{found}{meter.device.function:02d}: {asked}"
            table.add_row(str(number), meter.place, str(meter.url), device, reads)
    return table


def scan(url: str, /, *, units: str | None = None, json: Flag = False) -> int:
    """Tell who is on a line: addresses, serial numbers and what each may be; exit status 1 where nobody is.

    Parameters
    ----------
    url
        A Modbus or M-Bus line, such as modbus+tcp://192.0.2.7:502 or modbus+rtu:///dev/ttyUSB0; without a speed, a serial
        line is asked at each.
    units
        Units or addresses to ask, such as 1-20,33; without it all.
    json
        Print one JSON object on a line for each.
    """
    import asyncio  # noqa: PLC0415
    from dataclasses import asdict  # noqa: PLC0415

    from watthour.host.lines import parse_url  # noqa: PLC0415
    from watthour.host.poller.scan import scan as scan_line  # noqa: PLC0415

    asked = None if units is None else _numbers(units)
    found = asyncio.run(scan_line(parse_url(url), asked, progress=sys.stderr.isatty()))
    if json:
        for station in found:
            sys.stdout.write(json_.dumps(asdict(station)) + "\n")
    elif found:
        table = Table(box=None, pad_edge=False)
        for heading in ("where", "device", "serial", "model", ""):
            table.add_column(heading, overflow="fold")
        for each in found:
            table.add_row(each.url, each.device, each.serial, each.model, each.remark)
        Console().print(table)
    else:
        sys.stderr.write(f"watthour: {url}: nobody answers\n")
    return int(not found)


_UNIT_MAXIMUM = 255


def _numbers(text: str) -> list[int]:
    """Return numbers from a list of numbers and ranges."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True) and int(last or first) <= _UNIT_MAXIMUM):
            msg = f"--units {text}: write numbers and ranges up to {_UNIT_MAXIMUM}, such as 1-20,33"
            raise UsageError(msg)
        found += range(int(first), int(last or first) + 1)
    return found


def check_device(file: Path | None) -> None:
    """Read the file of a device, and say what it describes."""
    from watthour.host.poller.devices import read_device  # noqa: PLC0415

    if file is None:
        msg = "name a device's file: watthour map check FILE.toml"
        raise UsageError(msg)
    device = read_device(file)
    counters = sum(row.is_counter for row in device.rows)
    where = f"SunSpec model {device.models[0]}" if device.models else f"{len(device.reads())} reads"
    sys.stdout.write(f"{file}: {device.title}: {len(device.rows)} registers, {counters} of them counters, {where}\n")
