"""Reading a meter once, whatever bus it is on."""

from watthour.host.lines import modbus_client
from watthour.host.lines.mbus_client import read_mbus
from watthour.host.lines.url import BusUrl
from watthour.host.lines.values import Reading


async def read_values(url: BusUrl) -> Reading:
    """Read every value of a meter once.

    Raises
    ------
    NoAnswerError, ExceptionReplyError, BadFrameError
        As `watthour.host.lines.modbus_client.read_values` and `watthour.host.lines.mbus_client.read_mbus`.
    """
    return await (read_mbus(url) if url.is_mbus else modbus_client.read_values(url))
