"""The configuration of a poll: which meters, how often, where to keep what they say and whom to tell.

In: a TOML file. Out: a `PollPlan`, checked as far as it can be without opening anything. Paths are relative to the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from watthour.errors import ConfigError, UsageError
from watthour.headend.counting import Grid
from watthour.headend.device import Device
from watthour.host.lines.sharing import place_of
from watthour.host.lines.url import BusUrl, TcpUrl, parse_url
from watthour.host.poller.devices import device_of
from watthour.host.poller.secrets import Word, plain
from watthour.host.toml_files import check_toml, read_toml
from watthour.host.toml_lines import line_of
from watthour.units import NANOSECONDS
from watthour.waveform.network.vocabulary import refusal

DAY_S = 86400
DEFAULT_DEVICE = "watthour"
DEFAULT_STORE = "sqlite:///readings.db"
_SQLITE = "sqlite:///"

NO_DEVICE = "an M-Bus meter says itself what it holds; leave device out"
NO_TELEGRAMS = "Modbus has no telegrams; leave it out"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MeterTable(_Table):
    """``[[meter]]``: a place and the meter that stands there now."""

    place: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^/+#\s\x00-\x1f][^/+#\x00-\x1f]*$")] = Field(
        description="name of what is metered; it outlives the meter"
    )
    url: str = Field(description="where the meter is, such as modbus+tcp://192.0.2.7:502?unit=1")
    device: str | None = Field(None, description="what it is: a name, or a file of yours; M-Bus meters need none")
    max_power_w: Annotated[int, Field(gt=0)] | None = Field(None, description="more than this it can never meter")
    telegrams: Annotated[int, Field(ge=1)] | None = Field(None, description="M-Bus: read so many telegrams, not all")


class MetricsTable(_Table):
    """``[metrics]``: a page for Prometheus."""

    address: str = Field(description="HOST:PORT; 127.0.0.1 unless others are to see it")


class MqttTable(_Table):
    """``[mqtt]``: a broker, with discovery for Home Assistant."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    user: Word | None = None
    password: Word | None = None
    tls: bool = False
    prefix: Annotated[str, Field(pattern=r"^[^+#]+$")] = Field("watthour", description="topics begin with it")
    discovery: Annotated[str, Field(pattern=r"^[^+#]*$")] = Field("homeassistant", description="empty: no discovery")
    queue: Annotated[int, Field(ge=0)] = Field(100_000, description="messages kept while the broker is away, the newest win")


class PollFile(_Table):
    """A poll."""

    interval_s: Annotated[int, Field(ge=1, le=DAY_S)] = Field(900, description="length of an interval; a day has whole ones")
    tolerance_s: Annotated[float, Field(gt=0)] | None = Field(
        None, description="a read so near to a boundary is a read at it; without it a hundredth of the interval, at most 5 s"
    )
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(1.0, description="for each answer")
    slot_s: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="no meter keeps its line longer than this; without it five times timeout_s, at most a quarter of the interval",
    )
    store: Word = Field(DEFAULT_STORE, description="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    archive: str = Field("archive", description="folder of the Parquet history")
    metrics: MetricsTable | None = None
    mqtt: MqttTable | None = None
    meter: Annotated[list[MeterTable], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole_days(self) -> "PollFile":
        if DAY_S % self.interval_s:
            msg = "a day has no whole number of such intervals; write 900, 1800, 3600 or the like"
            raise refusal(("interval_s",), msg)
        if self.tolerance_s is not None and self.tolerance_s > self.interval_s / 4:
            raise refusal(("tolerance_s",), f"at most a quarter of the interval, {self.interval_s / 4:g} s")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledMeter:
    """A meter that is to be read.

    Parameters
    ----------
    device : Device, optional
        None on M-Bus.
    """

    place: str
    url: BusUrl
    device: Device | None
    max_power_w: int | None = None
    telegrams: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where messages go."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    prefix: str
    discovery: str
    queue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PollPlan:
    """What to poll.

    Parameters
    ----------
    lines : tuple
        The meters of each line, which are read in turn.
    metrics : tuple of str and int, optional
        Where Prometheus asks.
    """

    grid: Grid
    timeout_s: float
    slot_s: float
    store: str
    archive: Path
    lines: tuple[tuple[PolledMeter, ...], ...]
    metrics: tuple[str, int] | None = None
    broker: Broker | None = None
    places: tuple[str, ...] = field(default=())


def plan_poll(path: Path) -> PollPlan:
    """Return what a configuration asks for.

    Raises
    ------
    ConfigError
        With file and line, where it cannot be done.
    UsageError
        If a secret is not where it says.
    """
    content = read_toml(path)
    table = check_toml(str(path), content, PollFile)
    text, folder = content.decode(), path.parent
    meters = [_meter(str(path), text, number, each, folder) for number, each in enumerate(table.meter)]
    _check_places(str(path), text, meters)
    tolerance_s = table.tolerance_s or min(5.0, max(table.interval_s / 100, 0.2))
    return PollPlan(
        grid=Grid(
            step_ns=table.interval_s * NANOSECONDS, tolerance_ns=round(min(tolerance_s, table.interval_s / 4) * NANOSECONDS)
        ),
        timeout_s=table.timeout_s,
        slot_s=table.slot_s or min(5 * table.timeout_s, table.interval_s / 4),
        store=store_url(plain(table.store, folder), folder),
        archive=folder / table.archive,
        lines=_lines(str(path), text, meters),
        metrics=None if table.metrics is None else _address(str(path), text, table.metrics.address),
        broker=None if table.mqtt is None else _broker(table.mqtt, folder),
        places=tuple(meter.place for meter in meters),
    )


def store_url(url: str, folder: Path) -> str:
    """Return a store's URL with an SQLite file counted from a folder."""
    if not url.startswith(_SQLITE):
        return url
    return f"{_SQLITE}{(folder / url.removeprefix(_SQLITE)).absolute()}"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "watthour poll", **PollFile.model_json_schema()}


def _meter(file: str, text: str, number: int, table: MeterTable, folder: Path) -> PolledMeter:
    def at(key: str) -> int | None:
        return line_of(text, ["meter", number, key])

    try:
        url = parse_url(table.url)
    except UsageError as problem:
        raise ConfigError(file, str(problem), at("url")) from None
    url = url.within(folder) if isinstance(url, TcpUrl) else url
    if url.is_mbus:
        if table.device is not None:
            raise ConfigError(file, NO_DEVICE, at("device"))
        return PolledMeter(place=table.place, url=url, device=None, max_power_w=table.max_power_w, telegrams=table.telegrams)
    if table.telegrams is not None:
        raise ConfigError(file, NO_TELEGRAMS, at("telegrams"))
    try:
        device = device_of(table.device or DEFAULT_DEVICE, folder)
    except ConfigError:
        raise
    except UsageError as problem:
        raise ConfigError(file, str(problem), at("device")) from None
    return PolledMeter(place=table.place, url=url, device=device, max_power_w=table.max_power_w)


def _check_places(file: str, text: str, meters: Sequence[PolledMeter]) -> None:
    seen: set[str] = set()
    for number, meter in enumerate(meters):
        if meter.place in seen:
            problem = f"place {meter.place!r} is named twice; give each meter a place of its own"
            raise ConfigError(file, problem, line_of(text, ["meter", number, "place"]))
        seen.add(meter.place)
        same = next((other.place for other in meters[:number] if str(other.url) == str(meter.url)), None)
        if same is not None:
            problem = f"{meter.url} is read for {same!r} already; each meter stands once"
            raise ConfigError(file, problem, line_of(text, ["meter", number, "url"]))


def _lines(file: str, text: str, meters: Sequence[PolledMeter]) -> tuple[tuple[PolledMeter, ...], ...]:
    """Return the meters by line, in the order of the file."""
    lines: dict[object, list[PolledMeter]] = {}
    for number, meter in enumerate(meters):
        line = lines.setdefault(place_of(meter.url), [])
        if line and line[0].url.scheme != meter.url.scheme:
            problem = f"{line[0].place} has {line[0].url.scheme} there: a line has one protocol"
            raise ConfigError(file, problem, line_of(text, ["meter", number, "url"]))
        if line and _way(line[0].url) != _way(meter.url):
            problem = (
                f"{line[0].place} has {line[0].url} there: all meters of a line are reached alike, but for unit and address"
            )
            raise ConfigError(file, problem, line_of(text, ["meter", number, "url"]))
        line.append(meter)
    return tuple(tuple(line) for line in lines.values())


def _way(url: BusUrl) -> BusUrl:
    """Return what opens a line: speed, framing, certificates, but not whom to ask on it."""
    return replace(url, unit=None, address=None, secondary=None)


def _address(file: str, text: str, address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) <= 65535):  # noqa: PLR2004 - the largest port
        problem = f"address = {address!r}: write HOST:PORT, such as 127.0.0.1:9311"
        raise ConfigError(file, problem, line_of(text, ["metrics", "address"]))
    return host.strip("[]"), int(port)


def _broker(table: MqttTable, folder: Path) -> Broker:
    return Broker(
        host=table.host,
        port=table.port,
        user=None if table.user is None else plain(table.user, folder),
        password=None if table.password is None else plain(table.password, folder),
        tls=table.tls,
        prefix=table.prefix,
        discovery=table.discovery,
        queue=table.queue,
    )
