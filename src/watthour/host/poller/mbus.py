"""Reading meters of any maker over M-Bus: one open line, its meters in turn."""

from collections.abc import Callable

from watthour.errors import BadFrameError, NoAnswerError
from watthour.headend.device import DEFAULT_MAX_W
from watthour.headend.reading import Reading
from watthour.headend.telegrams import counters_of
from watthour.host.lines.mbus_client import MBusMaster, mask_of
from watthour.host.lines.mbus_values import values_of
from watthour.host.lines.url import BusUrl
from watthour.wire.mbus.message import EVERYONE, SELECTED, ResetLink
from watthour.wire.mbus.telegram import ApplicationError, Telegram, manufacturer_letters


async def read_telegrams(
    master: MBusMaster, url: BusUrl, most: int | None, now_ns: Callable[[], int]
) -> tuple[list[Telegram], int, int]:
    """Return the telegrams of a meter, the instant half way between asking for the first and having it, and half of that time.

    Raises
    ------
    NoAnswerError, BadFrameError
        As `watthour.host.lines.mbus_client.read_mbus`; and where another meter answers than was asked.
    """
    address = EVERYONE if url.address is None else url.address
    if url.secondary is not None:
        await master.exchange(ResetLink(address=SELECTED).to_frame())
        if not await master.select(mask_of(url.secondary)):
            msg = f"{url}: no meter has this secondary address, or several have"
            raise NoAnswerError(msg)
        address = SELECTED
    elif not await master.reset(address):
        msg = f"{url}: no answer from address {address}"
        raise NoAnswerError(msg)
    found: list[Telegram] = []
    time_ns = within_ns = 0
    fcb = True
    while most is None or len(found) < most:
        asked_ns = now_ns()
        response = await master.telegram(address, fcb=fcb)
        if not found:
            within_ns = max(0, now_ns() - asked_ns) // 2
            time_ns = asked_ns + within_ns
        if isinstance(response, ApplicationError):
            msg = f"{url}: the meter answers: {response.text}"
            raise BadFrameError(msg)
        if address not in {EVERYONE, SELECTED, response.address}:
            msg = f"{url}: address {response.address} answers in its place"
            raise BadFrameError(msg)
        found.append(response)
        if not response.content.more_follow:
            break
        fcb = not fcb
    return found, time_ns, within_ns


async def read_meter(
    master: MBusMaster, url: BusUrl, *, most: int | None, max_power_w: int | None, now_ns: Callable[[], int]
) -> Reading:
    """Read a meter once.

    Raises
    ------
    NoAnswerError, BadFrameError
        As `read_telegrams`; and where the meter does not say who it is.
    """
    telegrams, time_ns, within_ns = await read_telegrams(master, url, most, now_ns)
    header = telegrams[0].header
    if header is None:
        msg = f"{url}: the meter tells no identification"
        raise BadFrameError(msg)
    counters = counters_of(telegrams)
    if not counters:
        msg = f"{url}: the meter tells no energy"
        raise BadFrameError(msg)
    maker = manufacturer_letters(header.manufacturer)
    return Reading(
        time_ns=time_ns,
        within_ns=within_ns,
        serial=f"{maker}{header.serial}",
        counters=counters,
        values=values_of(telegrams),
        model=f"{maker} version {header.version}",
        max_power_w=max_power_w or DEFAULT_MAX_W,
    )
