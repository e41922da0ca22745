"""The commands about M-Bus: telegrams read, and lines searched."""

import asyncio
import json as json_text
import sys
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from watthour.errors import BadFrameError, NoAnswerError, TelegramError

Json = Annotated[bool, Parameter(negative="")]

mbus = App(name="mbus", help="M-Bus telegrams and lines.")


@mbus.command(name="decode")
def decode_telegram(telegram: str, /, *, json: Json = False) -> None:
    """Show what a wired M-Bus telegram says.

    Parameters
    ----------
    telegram
        Hexadecimal digits of a whole frame, in quotes, or a file that holds them.
    json
        Print one JSON object.
    """
    from watthour.host.telegrams import as_json, bytes_of, placed, response_of  # noqa: PLC0415
    from watthour.host.terminal.telegram import telegram_table  # noqa: PLC0415

    try:
        told = as_json(response_of(bytes_of(telegram)))
    except TelegramError as problem:
        raise placed(telegram, problem) from None
    except BadFrameError as problem:
        msg = f"{telegram[:60]}: {problem}"
        raise BadFrameError(msg) from None
    if json:
        sys.stdout.write(json_text.dumps(told) + "\n")
    else:
        Console().print(telegram_table(told))


@mbus.command
def scan(url: str, /, *, secondary: Annotated[bool, Parameter(negative="")] = False, json: Json = False) -> None:
    """Find the meters on an M-Bus line.

    Parameters
    ----------
    url
        The line, such as mbus+serial:///dev/ttyUSB0?baudrate=2400 or mbus+tcp://127.0.0.1:10001.
    secondary
        Search by secondary address instead of asking each primary address 0 to 250.
    json
        Print one JSON array.
    """
    from watthour.host.lines import parse_url  # noqa: PLC0415
    from watthour.host.scanning import found_as_json, scan_mbus  # noqa: PLC0415
    from watthour.host.terminal.telegram import found_table  # noqa: PLC0415

    found = asyncio.run(scan_mbus(parse_url(url), secondary=secondary))
    told = [found_as_json(one) for one in found]
    if json:
        sys.stdout.write(json_text.dumps(told) + "\n")
    else:
        Console().print(found_table(told))
    if not found:
        msg = f"{url}: no meter answers there"
        raise NoAnswerError(msg)
