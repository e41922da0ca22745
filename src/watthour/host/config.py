"""A meter's configuration file and the command line's words, made into one plan of what to run.

In: a TOML file and options. Out: a `Plan`, checked as far as it can be without opening anything. The command
line wins over the file; paths in the file are relative to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from watthour.errors import ConfigError, ParameterError, UsageError, WatthourError
from watthour.host.calendars import read_calendar
from watthour.host.instants import to_ns
from watthour.host.lines import BusUrl, LineAccess, parse_url
from watthour.host.streams import NAME_EACH, STANDARD_INPUT
from watthour.host.toml_files import check_toml, read_toml
from watthour.host.toml_lines import line_of
from watthour.host.web.address import WebAddress, parse_address
from watthour.models import current_range_of, model_of, require_bus, require_feature, require_settable
from watthour.parameters import DEFAULTS, Interface, Setting, check_setting
from watthour.pulses import INPUTS
from watthour.station.rights import READABLE, WRITABLE, rights_of, unmatched
from watthour.units import Ratio
from watthour.waveform.channels import TERMINALS, terminals_among
from watthour.waveform.network.vocabulary import refusal

_RECORDINGS = (".cfg", ".cff", ".dat", ".csv")
StreamFormat = Literal["int16", "int32", "float32"]
"""What the numbers of a raw stream are, little endian."""

_OF_RECORDINGS = ("channels", "values", "rate_hz", "scale")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _SourceTable(_Table):
    network: str | None = None
    phasors: bool | None = None
    recording: str | None = None
    stream: Annotated[str, Field(min_length=1)] | None = None
    format: StreamFormat | None = None
    channels: Annotated[list[str | int], Field(min_length=6)] | None = None
    values: Literal["primary", "secondary"] | None = None
    start: AwareDatetime | None = None
    rate_hz: Annotated[float, Field(gt=0)] | None = None
    scale: Annotated[list[float], Field(min_length=6, max_length=6)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "_SourceTable":
        if self.phasors is not None and self.network is None:
            raise refusal(("phasors",), "this is for a network; a recording has samples")
        if sum(source is not None for source in (self.network, self.recording, self.stream)) != 1:
            msg = "name one source: network = FILE, recording = FILE or stream = FIFO"
            raise ValueError(msg)
        for name in _OF_RECORDINGS:
            if self.network is not None and getattr(self, name) is not None:
                raise refusal((name,), "this is for a recording; a network file says everything itself")
        return self

    @model_validator(mode="after")
    def _words_of_a_stream(self) -> "_SourceTable":
        if self.stream is None and self.format is not None:
            raise refusal(["format"], "belongs to a stream; leave it out")
        if self.stream is not None and self.format is None:
            raise refusal(["stream"], 'say what its numbers are: format = "int16", "int32" or "float32"')
        if self.stream is not None and self.rate_hz is None:
            raise refusal(["stream"], "say how many rows a second it has, such as rate_hz = 8000")
        if self.stream is not None and self.scale is None and self.format != "float32":
            raise refusal(["stream"], "say scale, six numbers: volts and amperes per step of its integers")
        return self

    @model_validator(mode="after")
    def _channels_of_a_source(self) -> "_SourceTable":
        if self.channels is not None:
            problem = _wrong_channels(self.channels, is_stream=self.stream is not None)
            if problem:
                raise refusal(["channels"], problem)
        return self


def _wrong_channels(channels: Sequence[str | int], *, is_stream: bool) -> str:
    """Return what is wrong with the channels that a source is given; nothing if they may be."""
    if is_stream:
        return "" if terminals_among(channels) else NAME_EACH
    return "" if len(channels) == len(TERMINALS) else f"name six, {','.join(TERMINALS)}, not {len(channels)}"


class _TariffTable(_Table):
    calendar: Annotated[str, Field(min_length=1)] | None = None
    source: Literal["calendar", "inputs", "bus"] | None = None


class _RoleTable(_Table):
    name: Annotated[str, Field(min_length=1, max_length=127)]
    read: list[str] = Field(default_factory=list)
    write: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_that_exist(self) -> "_RoleTable":
        for word, patterns, names in (("read", self.read, READABLE), ("write", self.write, WRITABLE)):
            for pattern in unmatched(patterns, names):
                raise refusal(
                    (word,), f"{pattern!r} is no name of the register map that a bus can {word}; * stands for any letters"
                )
        return self


class _ContactsTable(_Table):
    file: Annotated[str, Field(min_length=1)] | None = None
    input1_wired_to: Annotated[str, Field(min_length=1)] | None = None
    input2_wired_to: Annotated[str, Field(min_length=1)] | None = None


class _ListenTable(_Table):
    url: str
    writable: bool = False
    role: Annotated[list[_RoleTable], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _words_of_its_bus(self) -> "_ListenTable":
        if self.role is not None and not self.url.startswith("modbus+tls:"):
            raise refusal(("role",), "roles stand in certificates: this is for modbus+tls alone")
        if self.writable and not self.url.startswith(("modbus+tcp:", "modbus+rtuovertcp:")):
            raise refusal(
                ("writable",), "this is for plain Modbus over TCP; in TLS the roles say it, a serial line is always writable"
            )
        names = [role.name for role in self.role or ()]
        if len(set(names)) < len(names):
            raise refusal(("role",), "one table a role: a name stands twice")
        return self

    def access(self) -> LineAccess:
        """Return who may do what there."""
        if self.role is None:
            return LineAccess(writable=self.writable)
        return LineAccess(roles=tuple(rights_of(role.name, role.read, role.write) for role in self.role))


class _WebTable(_Table):
    address: str
    token: Annotated[str, Field(min_length=16)] | None = None


class _DiagnosisTable(_Table):
    generation: bool = True


class _MeterFile(_Table):
    data: str | None = None
    meter: dict[str, Any] = Field(default_factory=dict)
    source: _SourceTable | None = None
    tariff: _TariffTable | None = None
    contacts: _ContactsTable | None = None
    listen: list[_ListenTable] = Field(default_factory=list)
    web: _WebTable | None = None
    diagnosis: _DiagnosisTable = Field(default_factory=_DiagnosisTable)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWish:
    """Where samples shall come from, before anything is opened.

    Parameters
    ----------
    path : Path
        Of a network file, a recording or a FIFO; `STANDARD_INPUT`.
    is_network : bool
        Whether the file describes a simulated installation.
    phasors : bool
        Meter a network by the second instead of by the sample.
    faults : Path, optional
        Script of plant faults for a network.
    format : StreamFormat, optional
        Of a raw stream; None for a file.
    """

    path: Path
    is_network: bool = False
    phasors: bool = False
    faults: Path | None = None
    format: StreamFormat | None = None
    channels: tuple[str | int, ...] | None = None
    values: Literal["primary", "secondary"] | None = None
    start_ns: int | None = None
    rate_hz: float | None = None
    scale: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Parameters
    ----------
    name : str
        What messages call the meter: its configuration as the user named it.
    settings : mapping of str to Setting
        Settings the user gave; the others have their defaults.
    folder : Path
        What the path of a calendar file is relative to.
    data : Path, optional
        Directory that keeps the meter's state; None: it lives in memory.
    listen : tuple of BusUrl
    access : mapping of BusUrl to LineAccess
        Who may do what there; the others have `OPEN`.
    web : WebAddress, optional
        Where its page is to be; None: it has none.
    web_token : str
        Demanded where others than this machine reach the page; empty: one is made up.
    contacts : Path, optional
        File or FIFO whose lines say what the contacts at the inputs do.
    wired : mapping of int to Path
        Configuration of the meter whose pulse output is wired to the input of this number.
    generates : bool
        Whether the plant may export, for its diagnosis.
    """

    name: str = "this meter"
    settings: Mapping[str, Setting] = field(default_factory=dict)
    source: SourceWish | None = None
    listen: tuple[BusUrl, ...] = ()
    access: Mapping[BusUrl, LineAccess] = field(default_factory=dict)
    folder: Path = Path()
    data: Path | None = None
    web: WebAddress | None = None
    web_token: str = ""
    contacts: Path | None = None
    wired: Mapping[int, Path] = field(default_factory=dict)
    generates: bool = True

    def setting(self, name: str) -> Setting:
        """Return a setting as this plan has it."""
        return self.settings.get(name, DEFAULTS[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; None or empty: nothing."""

    model: str | None = None
    source: Path | None = None
    channels: str | None = None
    data: Path | None = None
    contacts: Path | None = None
    listen: Sequence[str] = ()
    web: str | None = None


def plan_from(config: Path | None, options: Options) -> Plan:
    """Return the plan of a run.

    Raises
    ------
    ConfigError
        If the file is wrong, naming its line.
    UsageError
        If the two together name no source, or ask what the model cannot do.
    """
    plan = Plan() if config is None else read_config(config)
    plan = _with_options(plan, options)
    if plan.source is None and config is not None:
        raise ConfigError(str(config), "no [source] in it: add one, or --source FILE")
    if plan.source is None:
        msg = "no source: name a configuration, or --source FILE with --channels V1,V2,V3,I1,I2,I3"
        raise UsageError(msg)
    return plan


def read_config(path: Path) -> Plan:
    """Return what a configuration file asks for.

    Raises
    ------
    ConfigError
        Naming file, line and remedy.
    """
    if path.suffix.lower() in _RECORDINGS:
        raise ConfigError(str(path), "a recording is no configuration: name it with --source FILE")
    content = read_toml(path)
    table = check_toml(str(path), content, _MeterFile)
    text = content.decode()
    settings = {**_settings(str(path), text, table.meter), **_tariff(path, text, table.tariff)}
    plan = Plan(name=str(path), settings=settings, source=_source(path.parent, table.source), folder=path.parent)
    listen: list[BusUrl] = []
    access: dict[BusUrl, LineAccess] = {}
    for place, row in enumerate(table.listen):
        try:
            listen += _listeners(plan, [row.url], path.parent)
        except UsageError as problem:
            raise ConfigError(str(path), str(problem), line_of(text, ("listen", place, "url"))) from None
        access[listen[-1]] = row.access()
    plan = _with_web(plan, text, table.web)
    plan = _with_contacts(plan, text, table.contacts)
    data = None if table.data is None else path.parent / table.data
    return replace(plan, listen=tuple(listen), access=access, data=data, generates=table.diagnosis.generation)


def _with_web(plan: Plan, text: str, table: _WebTable | None) -> Plan:
    if table is None:
        return plan
    try:
        return replace(plan, web=parse_address(table.address), web_token=table.token or "")
    except UsageError as problem:
        raise ConfigError(plan.name, str(problem), line_of(text, ("web", "address"))) from None


def _with_contacts(plan: Plan, text: str, table: _ContactsTable | None) -> Plan:
    """Return the plan with what closes its inputs, if the model has any."""
    if table is None:
        return plan
    try:
        require_feature(model_of(str(plan.setting("model"))), "digital_inputs")
    except UsageError as problem:
        raise ConfigError(plan.name, str(problem), line_of(text, ("contacts",))) from None
    wired = {number: plan.folder / other for number in INPUTS if (other := getattr(table, f"input{number}_wired_to"))}
    return replace(plan, contacts=None if table.file is None else plan.folder / table.file, wired=wired)


def _settings(file: str, text: str, given: Mapping[str, Any]) -> dict[str, Setting]:
    settings = {}
    for name, value in given.items():
        try:
            known = model_of(str(value)).code if name == "model" else value
            settings[name] = check_setting(name, known, Interface.CONFIG)
            if name == "ct":
                current_range_of(Ratio.parse(str(value)))
        except (ParameterError, UsageError) as problem:
            raise ConfigError(file, str(problem), line_of(text, ("meter", name))) from None
    return settings


def _tariff(path: Path, text: str, table: _TariffTable | None) -> dict[str, Setting]:
    """Return the settings of the tariff, its calendar read once to see that it can be."""
    settings: dict[str, Setting] = {}
    if table is not None and table.calendar is not None:
        try:
            settings["calendar"] = check_setting("calendar", table.calendar, Interface.CONFIG)
            read_calendar(table.calendar, folder=path.parent)
        except ConfigError:
            raise
        except WatthourError as problem:
            raise ConfigError(str(path), str(problem), line_of(text, ("tariff", "calendar"))) from None
    if table is not None and table.source is not None:
        settings["rate_source"] = table.source
    return settings


def _source(folder: Path, table: _SourceTable | None) -> SourceWish | None:
    if table is None:
        return None
    file = table.network or table.recording or table.stream or ""
    return SourceWish(
        path=STANDARD_INPUT if table.stream == str(STANDARD_INPUT) else folder / file,
        is_network=table.network is not None,
        phasors=bool(table.phasors),
        format=table.format,
        channels=None if table.channels is None else tuple(table.channels),
        values=table.values,
        start_ns=None if table.start is None else to_ns(table.start),
        rate_hz=table.rate_hz,
        scale=None if table.scale is None else tuple(table.scale),
    )


def _listeners(plan: Plan, urls: Sequence[str], folder: Path = Path()) -> tuple[BusUrl, ...]:
    """Return the addresses to listen on, each on a bus that the model has; files they name are relative to a folder."""
    require_buses(str(plan.setting("model")), urls)
    return tuple(parse_url(url).within(folder) for url in urls)


def require_buses(model: str, urls: Sequence[str]) -> None:
    """Refuse addresses on a bus that the model lacks.

    Raises
    ------
    UsageError
        Naming the models that have it.
    """
    for url in urls:
        if url.startswith(("modbus", "mbus")):
            require_bus(model_of(model), "mbus" if url.startswith("mbus") else "modbus")


def _with_options(plan: Plan, options: Options) -> Plan:
    """Return the plan with the command line's words in force."""
    if options.model is not None:
        plan = replace(plan, settings={**plan.settings, "model": model_of(options.model).code})
    plan = replace(plan, source=_source_with(plan.source, options))
    if options.data is not None:
        plan = replace(plan, data=options.data)
    if options.web is not None:
        plan = replace(plan, web=parse_address(options.web))
    if options.contacts is not None:
        require_feature(model_of(str(plan.setting("model"))), "digital_inputs")
        plan = replace(plan, contacts=options.contacts)
    require_settable(str(plan.setting("model")), plan.settings)
    urls = options.listen or [str(url) for url in plan.listen]
    return replace(plan, listen=_listeners(plan, urls))


def _source_with(wish: SourceWish | None, options: Options) -> SourceWish | None:
    """Return the source with the command line's words in force; of another recording, what the file says of it still holds."""
    if options.source == STANDARD_INPUT:
        msg = '--source -: a stream needs its format and rate: say stream = "-" in [source] of a configuration'
        raise UsageError(msg)
    if options.source is not None:
        is_network = options.source.suffix.lower() == ".toml"
        if wish is None or is_network or wish.is_network or wish.format is not None:
            wish = SourceWish(path=options.source, is_network=is_network)
        wish = replace(wish, path=options.source)
    if options.channels is None:
        return wish
    if wish is None:
        msg = "--channels says nothing without a source: add --source FILE"
        raise UsageError(msg)
    if wish.is_network:
        msg = f"--channels are for a recording; {wish.path} is a simulated installation and has its own"
        raise UsageError(msg)
    return replace(wish, channels=_channels(options.channels, is_stream=wish.format is not None))


def _channels(text: str, *, is_stream: bool) -> tuple[str, ...]:
    channels = tuple(part.strip() for part in text.split(","))
    problem = _wrong_channels(channels, is_stream=is_stream)
    if problem:
        msg = f"--channels {text}: {problem}"
        raise UsageError(msg)
    return channels
