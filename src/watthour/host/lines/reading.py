"""Reading a meter once, whatever bus it is on."""

from watthour.host.lines import modbus_client
from watthour.host.lines.mbus_client import read_mbus
from watthour.host.lines.url import BusUrl
from watthour.host.lines.values import Reading
from watthour.wire.modbus.link import ANSWER_TIMEOUT_S


async def read_values(url: BusUrl, *, timeout_s: float = ANSWER_TIMEOUT_S) -> Reading:
    """Read every value of a meter once.

    Parameters
    ----------
    timeout_s : float
        Time for the connection and for each answer, over Modbus; M-Bus has times of its own.

    Raises
    ------
    NoAnswerError, ExceptionReplyError, BadFrameError
        As `watthour.host.lines.modbus_client.read_values` and `watthour.host.lines.mbus_client.read_mbus`.
    """
    return await (read_mbus(url) if url.is_mbus else modbus_client.read_values(url, timeout_s=timeout_s))
