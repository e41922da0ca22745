"""Reaching the other end of a line, as whoever asks: open streams, or one line that says why there are none."""

import asyncio
import socket
import ssl
from typing import Any

from watthour.errors import ListenError, NoAnswerError
from watthour.host.lines.secure import client_context, tls_trouble
from watthour.host.lines.serial_port import SerialSettings, open_port
from watthour.host.lines.url import TcpUrl

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def reach_tcp(url: TcpUrl, timeout_s: float) -> Streams:
    """Open a connection.

    Raises
    ------
    NoAnswerError
        If nobody is there within the time.
    """
    try:
        words: dict[str, Any] = {"ssl": client_context(url)} if url.is_tls else {}
        return await asyncio.wait_for(asyncio.open_connection(url.host, url.port, **words), timeout_s)
    except TimeoutError:
        reason = f"no answer within {timeout_s:g} s"
    except ConnectionRefusedError:
        reason = "connection refused: nothing listens there; is the meter running?"
    except ssl.SSLError as problem:
        reason = tls_trouble(problem)
    except socket.gaierror:
        reason = f"no such host as {url.host}"
    except OSError as problem:
        reason = problem.strerror or str(problem) or "it closed the connection before TLS was agreed on: does it speak TLS?"
    msg = f"{url}: {reason}"
    raise NoAnswerError(msg)


async def reach_serial(settings: SerialSettings) -> Streams:
    """Open a serial port or a pty.

    Raises
    ------
    NoAnswerError
        If it cannot be opened.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    try:
        transport, protocol = await open_port(settings, lambda: asyncio.StreamReaderProtocol(reader, loop=loop))
    except ListenError as problem:
        raise NoAnswerError(str(problem)) from None
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
