"""The interface for programs, ``/api/v1``: every value, every record, every command, described by ``openapi.json``.

Names are those of the nomenclature. A command answers with the meter's verdict: 200 done, 403 read-only, 409 refused, 422 out of
range, 423 sealed, 507 not kept.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from watthour import __version__
from watthour.face import Key
from watthour.host.instants import iso
from watthour.host.instrument import Shown
from watthour.host.readings import MeterProfile, export_csv, rows_between
from watthour.host.web import showing
from watthour.host.web.showing import Json
from watthour.parameters import Interface
from watthour.units import RATES, VALUE_BY_NAME
from watthour.view import ClosePeriod, Command, Outcome, ResetPartial, SelectRate, Verdict, WriteSettings

_STATUS = {
    Verdict.DONE: 200,
    Verdict.READ_ONLY: 403,
    Verdict.REFUSED: 409,
    Verdict.OUT_OF_RANGE: 422,
    Verdict.SEALED: 423,
    Verdict.NOT_KEPT: 507,
}
_EVENTS_A_PAGE = 200
_FIRST_YEAR, _LAST_YEAR = 1970, 2254
_LONGEST_HOLD_S = 60.0
_LARGEST_NUMBER = 2**31 - 1


class CsvResponse(PlainTextResponse):
    """A table to be saved."""

    media_type = "text/csv"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _whole(given: object) -> object:
    """Return 1.0 as 1: in JSON they are one number."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _day(given: object) -> object:
    """Refuse a day that is not written as one: a bare number is no day."""
    if isinstance(given, str) and not _DAY.fullmatch(given):
        msg = "write YYYY-MM-DD"
        raise ValueError(msg)
    return given


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Press(_Body):
    """A key that was pressed; from 3 s on it is a long press."""

    key: Annotated[int, Field(ge=1, le=2), BeforeValidator(_whole)]
    held_s: Annotated[float, Field(ge=0, le=_LONGEST_HOLD_S)] = 0.1


class Contact(_Body):
    """A contact at a digital input."""

    input: Annotated[int, Field(ge=1, le=2), BeforeValidator(_whole)]
    closed: bool


class Rate(_Body):
    """A rate to count from now on, where the bus is the rate source."""

    rate: Annotated[int, Field(ge=1, le=len(RATES)), BeforeValidator(_whole)]


class Settings(_Body):
    """Settings to change: all of them, or none."""

    settings: Annotated[dict[str, str | int | float | bool], Field(min_length=1, max_length=50)]


class Answer(BaseModel):
    """How a command ended."""

    verdict: Verdict
    message: str


class Problem(BaseModel):
    """Why there is no answer."""

    detail: Any


_COMMAND: dict[int | str, dict[str, Any]] = {
    status: {"model": Answer} for status in sorted({*_STATUS.values()} - {200, 422})
} | {422: {"model": Answer | Problem}}  # type: ignore[dict-item]
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}


def api_of(shown: Shown) -> FastAPI:
    """Return the interface of a meter."""
    api = FastAPI(
        title="watthour",
        version=__version__,
        description=__doc__,
        docs_url=None,
        redoc_url=None,
        responses={400: {"model": Problem}},
    )
    _add_values(api, shown)
    _add_signals(api, shown)
    _add_records(api, shown)
    _add_commands(api, shown)
    return api


def _add_values(api: FastAPI, shown: Shown) -> None:
    """Add what the meter shows now."""

    @api.get("/meter")
    async def meter() -> Json:
        """Return what the meter is and has."""
        return showing.plate(shown)

    @api.get("/values")
    async def values() -> Json:
        """Return every value, and the exact integers behind the energies."""
        view = shown.port.view()
        return {"time": iso(view.time_ns), "serial": view.serial, "values": dict(view.values), "exact": dict(view.exact)}

    @api.get("/values.csv", response_class=CsvResponse)
    async def values_csv() -> Response:
        """Return every value with its unit as CSV."""
        view = shown.port.view()
        rows = [(name, "" if value is None else value, VALUE_BY_NAME[name].unit) for name, value in view.values.items()]
        return _file(_csv(["name", "value", "unit"], rows), f"values-{view.serial}.csv")

    @api.get("/values/{name}", responses=_MISSING)
    async def value(name: Annotated[str, Path(pattern="^[a-z0-9_]{1,80}$")]) -> Json:
        """Return one value with its unit."""
        view = shown.port.view()
        if name not in view.values:
            raise HTTPException(404, f"this meter has no value {name}")
        row = VALUE_BY_NAME[name]
        return {"name": name, "value": view.values[name], "unit": row.unit, "meaning": row.meaning, "time": iso(view.time_ns)}

    @api.get("/live")
    async def live() -> Json:
        """Return what the stream at ``/events`` sends with each window."""
        return showing.live(shown.port.view(), shown.instrument.glass())

    @api.get("/settings")
    async def settings() -> list[Json]:
        """Return every setting with its range."""
        return showing.settings_of(shown.port.view())


def _add_signals(api: FastAPI, shown: Shown) -> None:
    """Add what is found from the samples of the last window."""

    @api.get("/waves", responses=_MISSING)
    async def waves() -> Json:
        """Return the last cycles of voltages and currents."""
        found = showing.waves(shown.port.view())
        if found is None:
            raise HTTPException(404, "no samples yet")
        return found

    @api.get("/distortion")
    async def distortion() -> Json:
        """Return THD and harmonics of each channel, percent."""
        return showing.distortion(shown.port.view())

    @api.get("/diagnosis")
    async def diagnosis() -> Json:
        """Return what the wiring diagnosis finds, and standing warnings."""
        told = showing.live(shown.port.view(), shown.instrument.glass())
        return {"findings": told["diagnosis"], "warnings": told["warnings"]}


def _add_records(api: FastAPI, shown: Shown) -> None:
    """Add what the meter keeps of the past."""

    @api.get("/profile")
    async def profile(day: Annotated[date | None, BeforeValidator(_day)] = None) -> Json:
        """Return the intervals of a day of the load profile, the newest day where none is named."""
        try:
            return showing.profile_day(shown.port.view(), shown.calendar, day)
        except (OverflowError, ValueError):
            raise HTTPException(422, f"{day} is no day that a meter knows") from None

    @api.get("/profile.csv", response_class=CsvResponse)
    async def profile_csv() -> Response:
        """Return the whole load profile as CSV."""
        view = shown.port.view()
        output = io.StringIO()
        export_csv(rows_between([MeterProfile(serial=view.serial, rows=view.profile.since(0))], None, None), output)
        return _file(output.getvalue(), f"profile-{view.serial}.csv")

    @api.get("/closings")
    async def closings() -> list[Json]:
        """Return the closed billing periods that are kept, the oldest first."""
        kept = shown.port.view().closings
        return [showing.closing(number, each) for number, each in enumerate(kept.since(0), kept.oldest)]

    @api.get("/log")
    async def log(
        before: Annotated[int | None, Query(ge=0, le=_LARGEST_NUMBER)] = None,
        limit: Annotated[int, Query(ge=1, le=_EVENTS_A_PAGE)] = 50,
    ) -> Json:
        """Return events, the newest first, those before a number where one is given."""
        kept = shown.port.view().events
        last = len(kept) if before is None else min(before, len(kept))
        first = max(kept.oldest, last - limit)
        return {
            "count": len(kept),
            "oldest": kept.oldest,
            "events": [showing.event(number, kept[number]) for number in range(last - 1, first - 1, -1)],
        }

    @api.get("/log.csv", response_class=CsvResponse)
    async def log_csv() -> Response:
        """Return all events that are held as CSV."""
        view = shown.port.view()
        rows = [(iso(each.time_ns), str(each.kind), json.dumps(dict(each.detail))) for each in view.events]
        return _file(_csv(["time", "kind", "detail"], rows), f"events-{view.serial}.csv")

    @api.get("/rate-map")
    async def rate_map(year: Annotated[int | None, Query(ge=_FIRST_YEAR, le=_LAST_YEAR)] = None) -> Json:
        """Return which rate holds in each half hour of a year, the present one where none is named."""
        present = int(iso(shown.port.view().time_ns)[:4])
        return showing.rate_map(shown.calendar, year or present)


def _add_commands(api: FastAPI, shown: Shown) -> None:
    """Add what may be asked of the meter."""

    async def ask(command: Command) -> Response:
        return _answer(await shown.port.ask(command))

    @api.post("/keys")
    async def keys(press: Press) -> Json:
        """Press a key, and return what the glass shows then."""
        return showing.glass_of(await shown.instrument.press(Key(press.key), press.held_s))

    @api.post("/contacts", response_model=Answer, responses=_COMMAND)
    async def contacts(contact: Contact) -> Response:
        """Close or open the contact at a digital input."""
        return _answer(await shown.switch(contact.input, contact.closed))

    @api.patch("/settings", response_model=Answer, responses=_COMMAND)
    async def write_settings(wanted: Settings) -> Response:
        """Change settings."""
        return await ask(WriteSettings(settings=wanted.settings, interface=Interface.WEB))

    @api.post("/commands/reset-partial", response_model=Answer, responses=_COMMAND)
    async def reset_partial() -> Response:
        """Begin the partial counters again at 0."""
        return await ask(ResetPartial(interface=Interface.WEB))

    @api.post("/commands/close-period", response_model=Answer, responses=_COMMAND)
    async def close_period() -> Response:
        """Close the billing period now."""
        return await ask(ClosePeriod(interface=Interface.WEB))

    @api.post("/commands/select-rate", response_model=Answer, responses=_COMMAND)
    async def select_rate(rate: Rate) -> Response:
        """Select the rate that counts, where the rate source is the bus."""
        return await ask(SelectRate(rate=rate.rate, interface=Interface.WEB))


def _answer(outcome: Outcome) -> Response:
    return JSONResponse({"verdict": str(outcome.verdict), "message": outcome.message}, _STATUS[outcome.verdict])


def _file(text: str, name: str) -> Response:
    return CsvResponse(text, headers={"content-disposition": f'attachment; filename="{name}"'})


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return output.getvalue()
