"""A calibration job from its file to what it found: recordings or simulated loads, references, settings as TOML.

In: the path of a job. Out: a report, or one line that names file and line, or load and reason.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from watthour.errors import ConfigError, SourceError, UsageError
from watthour.host.recordings import open_recording
from watthour.host.toml_files import check_toml, read_toml
from watthour.metrology.calibration import Reference
from watthour.models import CurrentRange, current_range_of
from watthour.samples import Block
from watthour.typetest.calibration import CalibrationReport, ReferenceLoad, SineLoad, bench_blocks, run_calibration
from watthour.units import Ratio
from watthour.waveform.front_end import FrontEnd
from watthour.waveform.network.front_end import FrontEndTable
from watthour.waveform.network.vocabulary import refusal

_LONGEST_S = 3600


def _three(given: Any) -> Any:
    """Return one number as that of all three phases."""
    return (given,) * 3 if isinstance(given, int | float) and not isinstance(given, bool) else given


_Size = Annotated[float, Field(ge=0, le=1e6)]
_Any = Annotated[float, Field(ge=-1e9, le=1e9)]
_Sizes = Annotated[tuple[_Size, _Size, _Size], BeforeValidator(_three)]
_Numbers = Annotated[tuple[_Any, _Any, _Any], BeforeValidator(_three)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _MeterTable(_Table):
    ct: str = "5/5"
    vt: str = "1/1"

    @field_validator("ct", "vt")
    @classmethod
    def _is_ratio(cls, text: str) -> str:
        Ratio.parse(text)
        return text

    @field_validator("ct")
    @classmethod
    def _has_range(cls, text: str) -> str:
        try:
            current_range_of(Ratio.parse(text))
        except UsageError as problem:
            raise ValueError(str(problem)) from None
        return text


_OF_RECORDINGS = ("channels", "values", "scale", "begin_s", "power_w", "reactive_var", "voltage_angle_deg")
_OF_BENCH = ("angle_deg", "frequency_hz")


class _LoadTable(_Table):
    name: str = Field(min_length=1)
    voltage_v: _Sizes
    current_a: _Sizes
    uncertainty_percent: float = Field(default=0.0, ge=0, le=5)
    duration_s: float | None = Field(default=None, gt=0, le=_LONGEST_S)
    rate_hz: float | None = Field(default=None, gt=0)
    recording: str | None = None
    channels: list[str | int] | None = None
    values: Literal["primary", "secondary"] | None = None
    scale: Annotated[list[float], Field(min_length=6, max_length=6)] | None = None
    begin_s: float | None = Field(default=None, ge=0)
    power_w: _Numbers | None = None
    reactive_var: _Numbers | None = None
    voltage_angle_deg: _Numbers | None = None
    angle_deg: float | None = Field(default=None, ge=-180, le=180)
    frequency_hz: float | None = Field(default=None, ge=45, le=65)

    @model_validator(mode="after")
    def _whose_words(self) -> "_LoadTable":
        foreign, kind = (_OF_RECORDINGS, "recording") if self.recording is None else (_OF_BENCH, "simulated load")
        for name in foreign:
            if getattr(self, name) is not None:
                raise refusal((name,), f"belongs to a {kind}; leave it out")
        if self.recording is not None and self.power_w is None:
            raise refusal((), "power_w is missing in load; give the true power of each phase")
        if self.recording is None and self.angle_deg is None:
            raise refusal((), "name a recording, or say angle_deg for a simulated load")
        if self.recording is None and (len(set(self.voltage_v)) > 1 or len(set(self.current_a)) > 1):
            raise refusal((), "a simulated load has one voltage and one current for all phases")
        return self

    @property
    def reference(self) -> Reference:
        """Its truth, where it has a recording."""
        return Reference(
            name=self.name,
            voltage_v=self.voltage_v,
            current_a=self.current_a,
            power_w=self.power_w or (0.0, 0.0, 0.0),
            reactive_var=self.reactive_var,
            voltage_angle_deg=self.voltage_angle_deg,
            uncertainty=self.uncertainty_percent / 100.0,
        )


class _Job(_Table):
    meter: _MeterTable = _MeterTable()
    front_end: FrontEndTable | None = None
    load: list[_LoadTable] = Field(min_length=1)

    @model_validator(mode="after")
    def _bench_has_a_front_end(self) -> "_Job":
        simulated = [place for place, row in enumerate(self.load) if row.recording is None]
        if simulated and self.front_end is None:
            raise refusal(("load", simulated[0]), "a simulated load needs a [front_end] to be seen through; add one")
        names = [row.name for row in self.load]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise refusal(("load", place, "name"), "two loads have this name; give each its own")
        return self


def run_job(path: Path, tell: Callable[[str], None]) -> CalibrationReport:
    """Return what the job of a file found.

    Raises
    ------
    ConfigError
        If the file is wrong, naming its line.
    CalibrationError, OutOfRangeError
        If no plausible correction follows from the loads.
    SourceError
        If a recording cannot be read.
    """
    return _carried_out(_read_job(path), path.parent, tell)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedBench:
    """A simulated bench, and what its meter is to be set to.

    Parameters
    ----------
    front_end : FrontEnd
        With its errors.
    current_range : CurrentRange
    settings : dict of str to Decimal
        What calibration found to undo them.
    """

    front_end: FrontEnd
    current_range: CurrentRange
    settings: dict[str, Decimal]


def calibrated_bench(path: Path, tell: Callable[[str], None]) -> CalibratedBench:
    """Return the bench of a job, its meter calibrated by the job's loads.

    Raises
    ------
    ConfigError
        If the file is wrong, or has no front end.
    CalibrationError, OutOfRangeError, SourceError
        As `run_job`.
    """
    job = _read_job(path)
    if job.front_end is None:
        raise ConfigError(str(path), "no [front_end]: a type test needs one to see its loads through; add it")
    front_end = replace(job.front_end.front_end, name=f"{job.front_end.preset}, calibrated by {path.name}")
    settings = dict(_carried_out(job, path.parent, tell).settings)
    return CalibratedBench(front_end=front_end, current_range=current_range_of(Ratio.parse(job.meter.ct)), settings=settings)


def _read_job(path: Path) -> _Job:
    return check_toml(str(path), read_toml(path), _Job)


def _carried_out(job: _Job, folder: Path, tell: Callable[[str], None]) -> CalibrationReport:
    return run_calibration([_load(folder, job, place) for place in range(len(job.load))], tell)


def _load(folder: Path, job: _Job, place: int) -> ReferenceLoad:
    row = job.load[place]
    ct, vt = Ratio.parse(job.meter.ct), Ratio.parse(job.meter.vt)
    if row.recording is not None:
        return ReferenceLoad(reference=row.reference, blocks=partial(_recorded, folder, row, ct, vt))
    assert job.front_end is not None  # noqa: S101 - the job's own check
    sine = SineLoad(
        name=row.name,
        voltage_v=row.voltage_v[0],
        current_a=row.current_a[0],
        angle_deg=row.angle_deg or 0.0,
        frequency_hz=row.frequency_hz or 50.0,
        duration_s=round(row.duration_s or 20),
        uncertainty=row.uncertainty_percent / 100.0,
    )
    table = job.front_end
    make = partial(bench_blocks, sine, table.front_end, current_range_of(ct), rate_hz=round(row.rate_hz or 8000))
    return ReferenceLoad(reference=sine.reference, blocks=partial(make, seed=(table.seed + place) % 2**64))


def _recorded(folder: Path, row: _LoadTable, ct: Ratio, vt: Ratio) -> Iterator[Block]:
    """Yield the part of a recording that a load takes."""
    recording = open_recording(
        folder / str(row.recording),
        channels=row.channels,
        values=row.values,
        ct=ct,
        vt=vt,
        scale=row.scale,
        rate_hz=row.rate_hz,
    )
    first = round((row.begin_s or 0.0) * recording.rate_hz)
    length = None if row.duration_s is None else round(row.duration_s * recording.rate_hz)
    yield from _consecutive(recording.name, recording.blocks(first), first, None if length is None else first + length)


def _consecutive(name: str, blocks: Iterable[Block], first: int, end: int | None) -> Iterator[Block]:
    """Yield blocks up to `end`; a gap in a reference load is refused."""
    position = first
    for block in blocks:
        if end is not None and position >= end:
            return
        if block.first_sample != position:
            msg = f"{name}: samples are missing before sample {block.first_sample}: a reference load has no gaps"
            raise SourceError(msg)
        position = block.end_sample
        yield block if end is None else block.part(0, min(len(block), end - block.first_sample))


def require_new(path: Path) -> None:
    """Refuse a place where no new file can be, before the measuring that would be lost.

    Raises
    ------
    ConfigError
        If the file is there already, or cannot be written.
    """
    _write_new(path, "")
    path.unlink()


def write_snippet(path: Path, report: CalibrationReport) -> None:
    """Write the settings to a new file.

    Raises
    ------
    ConfigError
        If the file is there already, or cannot be written.
    """
    _write_new(path, snippet_of(report))


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(str(path), "it is there already: name a new file") from None
    except OSError as problem:
        raise ConfigError(str(path), f"cannot be written: {problem.strerror}; name another place") from None


def snippet_of(report: CalibrationReport) -> str:
    """Return the settings as a table of a meter's configuration."""
    lines = [f"{name} = {value:f}" for name, value in report.settings.items()]
    return "\n".join(["[meter]", *lines, ""])


def report_as_json(report: CalibrationReport) -> dict[str, object]:
    """Return what ``--json`` prints."""
    found = report.calibration
    rows = zip(
        ("v1", "v2", "v3", "i1", "i2", "i3"),
        found.correction.gain,
        found.gain_uncertainty,
        found.correction.offset,
        found.offset_uncertainty,
        found.correction.delay_s,
        found.delay_uncertainty_s,
        strict=True,
    )
    names = ("channel", "gain", "gain_uncertainty", "offset", "offset_uncertainty", "delay_s", "delay_uncertainty_s")
    return {
        "settings": {name: float(value) for name, value in report.settings.items()},
        "channels": [dict(zip(names, row, strict=True)) for row in rows],
        "errors": [
            {
                "load": error.load,
                "phase": error.phase,
                "quantity": error.quantity,
                "before_percent": error.before_percent,
                "after_percent": error.after_percent,
                "uncertainty_percent": error.scatter_percent,
            }
            for error in report.errors
        ],
    }
