"""The fault script: what shall go wrong on purpose, when, and for how long.

In: a TOML file. Out: the faults of the buses, checked, and the rows of the plant as they stand, for the source to read. Times
are seconds of sample time since the source's first sample, so that a test with the same script is the same again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from watthour.errors import ConfigError, UsageError
from watthour.host.lines.sharing import place_of
from watthour.host.lines.url import BusUrl, SerialUrl, parse_url
from watthour.host.toml_files import check_toml, read_toml
from watthour.host.toml_lines import line_of
from watthour.wire.modbus.faults import BusFault, FaultInjector, FaultKind

OWN_WORDS: Mapping[str, frozenset[FaultKind]] = MappingProxyType(
    {
        "delay_s": frozenset({FaultKind.DELAY}),
        "code": frozenset({FaultKind.EXCEPTION}),
        "as_unit": frozenset({FaultKind.WRONG_UNIT}),
        "bytes": frozenset({FaultKind.TRUNCATED, FaultKind.NOISE}),
    }
)
"""Words of a row that belong to some kinds alone."""


class _BusRow(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    at_s: Annotated[float, Field(ge=0)]
    duration_s: Annotated[float, Field(gt=0)]
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    unit: Annotated[int, Field(ge=0, le=255)] | None = None
    listener: str | None = None
    delay_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    code: Annotated[int, Field(ge=1, le=255)] | None = None
    as_unit: Annotated[int, Field(ge=0, le=255)] | None = None
    size: Annotated[int, Field(ge=1, le=260)] | None = Field(default=None, alias="bytes")

    @field_validator("listener")
    @classmethod
    def _is_an_address(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                parse_url(text)
            except UsageError as problem:
                raise ValueError(str(problem)) from None
        return text

    @model_validator(mode="after")
    def _words_fit(self) -> "_BusRow":
        given = {"delay_s": self.delay_s, "code": self.code, "as_unit": self.as_unit, "bytes": self.size}
        for word, kinds in OWN_WORDS.items():
            if given[word] is not None and self.kind not in kinds:
                msg = f"{word} belongs to {' and '.join(sorted(kinds))}, not to {self.kind}"
                raise ValueError(msg)
        if self.kind is FaultKind.DELAY and self.delay_s is None:
            msg = "a delay says how long: add delay_s"
            raise ValueError(msg)
        return self

    def fault(self) -> BusFault:
        """Return the row as the bus knows it."""
        own = {"delay_s": self.delay_s, "code": self.code, "as_unit": self.as_unit, "size": self.size}
        words: dict[str, Any] = {name: word for name, word in own.items() if word is not None}
        return BusFault(
            kind=self.kind,
            at_s=self.at_s,
            duration_s=self.duration_s,
            probability=self.probability,
            unit=self.unit,
            **words,
        )


class _ScriptFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: Annotated[int, Field(ge=0)] = 0
    bus: list[_BusRow] = Field(default_factory=list)
    plant: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultScript:
    """What shall go wrong.

    Parameters
    ----------
    file : str
        As the user named it.
    bus : tuple of BusFault
        In the order of the file.
    listeners : tuple of BusUrl or None
        The line that each of them befalls; None: every line.
    plant : tuple of mapping
        The rows of the plant, as they stand in the file.
    """

    file: str
    seed: int
    bus: tuple[BusFault, ...] = ()
    listeners: tuple[BusUrl | None, ...] = ()
    plant: tuple[Mapping[str, Any], ...] = ()
    text: str = ""

    @property
    def line_of_plant(self) -> int | None:
        """Line of the file where the rows of the plant begin."""
        return line_of(self.text, ("plant", 0))

    def injector(self, line: Sequence[BusUrl], *, has_crc: bool) -> FaultInjector | None:
        """Return the faults of the line that some addresses share; None where there are none."""
        places = {place_of(url) for url in line}
        mine = [
            fault if at is None or place_of(at) in places else None for fault, at in zip(self.bus, self.listeners, strict=True)
        ]
        return FaultInjector(mine, self.seed, has_crc=has_crc) if any(mine) else None

    def remarks(self, urls: Sequence[BusUrl]) -> list[str]:
        """Return what a user should know of faults that strike nothing where meters listen on these addresses.

        Raises
        ------
        ConfigError
            If a fault names a line that is none of these, with its line in the file.
        """
        places = {place_of(url) for url in urls}
        for row, at in enumerate(self.listeners):
            if at is not None and place_of(at) not in places:
                line = line_of(self.text, ("bus", row, "listener"))
                raise ConfigError(self.file, f"no meter listens on {at}; leave listener out to mean every line", line)
        if self.bus and not urls:
            return [f"{self.file}: no meter listens, so the faults of the bus strike nothing"]
        if any(fault.kind is FaultKind.WRONG_CRC for fault in self.bus) and not any(isinstance(url, SerialUrl) for url in urls):
            return [f"{self.file}: wrong_crc strikes serial lines only, and no meter listens on one"]
        return []


def read_faults(path: Path) -> FaultScript:
    """Return what a fault script asks for.

    Raises
    ------
    ConfigError
        Naming file, line and what is wrong.
    """
    content = read_toml(path)
    script = check_toml(str(path), content, _ScriptFile)
    return FaultScript(
        file=str(path),
        seed=script.seed,
        bus=tuple(row.fault() for row in script.bus),
        listeners=tuple(None if row.listener is None else parse_url(row.listener) for row in script.bus),
        plant=tuple(script.plant),
        text=content.decode(),
    )
