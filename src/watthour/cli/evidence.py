"""``watthour log`` and ``watthour check``: what a data directory tells, and whether it can be believed."""

import json as json_
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def log(directory: Path, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Print the chain of events of each meter in a data directory; it only reads, also beside a running meter.

    Parameters
    ----------
    directory
        What --data named, or the directory of one meter in it.
    json
        Print one JSON object an event, one a line.
    """
    from watthour.host.evidence import entries_of, entry_line, entry_record, read_meters  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    meters = read_meters(directory)
    for meter in meters:
        if len(meters) > 1 and not json:
            sys.stdout.write(f"{meter.path}\n")
        for numbered in entries_of(meter):
            line = json_.dumps(entry_record(meter, numbered)) if json else entry_line(numbered)
            sys.stdout.write(line + "\n")
        if meter.loaded.faults:
            say(f"{meter.path}: not all of it can be read: watthour check {meter.path} says why")


def check(directory: Path, /, *, anchor: str | None = None) -> int:
    """Prove what meters have kept: exit status 1 where anything does not agree; it only reads, also beside a running meter.

    Parameters
    ----------
    directory
        What --data named, or the directory of one meter in it.
    anchor
        A head of the chain that was noted earlier, from the display, a bus or this command: it has to be in the chain still.
    """
    from watthour.host.evidence import faults_of, head_of, read_meters, wanted_anchor  # noqa: PLC0415
    from watthour.host.terminal import say  # noqa: PLC0415

    wanted = None if anchor is None else wanted_anchor(anchor)
    meters = read_meters(directory)
    if wanted is not None and len(meters) > 1:
        say(f"{directory}: {len(meters)} meters: the anchor has to be in the chain of each; name one, such as {meters[0].path}")
    is_whole = True
    for meter in meters:
        faults = faults_of(meter, wanted)
        for fault in faults:
            say(f"{meter.path}: {fault}")
        if not faults:
            head = head_of(meter)
            sys.stdout.write(f"{meter.path}: all agrees; {head.count} events, head {head.digest}\n")
        is_whole &= not faults
    return int(not is_whole)
