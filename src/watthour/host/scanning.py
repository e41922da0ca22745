"""Who is on an M-Bus line: a search with its progress on the screen."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from watthour.errors import UsageError
from watthour.host.lines.mbus_client import Found, open_master, scan_primary, scan_secondary
from watthour.host.lines.url import BusUrl
from watthour.host.telegrams import header_as_json
from watthour.wire.mbus.message import PRIMARY

SCAN_ANSWER_S = 0.3
"""Time for an answer where silence is what most addresses give; over TCP, where a gateway waits for the line."""


async def scan_mbus(url: BusUrl, *, secondary: bool) -> list[Found]:
    """Return the meters on a line.

    Raises
    ------
    UsageError
        If it is no M-Bus line.
    NoAnswerError
        If it cannot be opened.
    """
    if not url.is_mbus:
        msg = f"{url}: no M-Bus line: name mbus+tcp://HOST:PORT or mbus+serial:///dev/ttyUSB0"
        raise UsageError(msg)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]} found"), TimeElapsedColumn())
    timeout_s = SCAN_ANSWER_S if url.scheme == "mbus+tcp" else None
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None if secondary else len(PRIMARY), count=0)
        async with open_master(url, timeout_s=timeout_s) as master:
            if secondary:
                return await scan_secondary(
                    master, lambda mask, count: progress.update(task, description=f"identification {mask}", count=count)
                )
            return await scan_primary(
                master,
                PRIMARY,
                lambda address, count: progress.update(task, description=f"address {address}", completed=address, count=count),
            )


def found_as_json(found: Found) -> dict[str, object]:
    """Return a meter that was found, as JSON can write it."""
    header = {} if found.header is None else header_as_json(found.header)
    told = {
        "address": found.address,
        **{name: header.get(name) for name in ("identification", "manufacturer", "version", "medium")},
    }
    return {**told, "remark": found.remark} if found.remark else told
