"""What a page and a program are told of a meter, as plain objects that JSON can write.

In: a view and its glass. Out: dictionaries. Nothing is found here that the view does not have; late values are asked for only
by `waves` and `distortion`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from watthour.face import Lcd, leds, trace
from watthour.history import Closing, ProfileRow, RowFlag
from watthour.host.drawing.calendar_year import colour_of, rate_colours, rate_words
from watthour.host.instants import iso
from watthour.host.instrument import Shown
from watthour.models import RATINGS, has_feature, model_of
from watthour.parameters import PARAMETERS
from watthour.tariff import NO_TIME, Calendar, day_start_ns, local_day, year_of, zone_of
from watthour.units import (
    ENERGIES,
    HARMONIC_ORDERS,
    LATE_NAMES,
    MICRO,
    NANOSECONDS,
    PHASES,
    RATES,
    SECONDS_PER_HOUR,
    exact_name,
)
from watthour.view import Event, View

Json = dict[str, Any]

_LATE = frozenset(LATE_NAMES)
_CELLS_A_DAY = 48
_UTC = "UTC"


def plate(shown: Shown) -> Json:
    """Return what does not change while a meter runs: what it is, and what it has."""
    view = shown.port.view()
    model = model_of(view.model)
    settings = view.parameters
    return {
        "model": model.code,
        "name": model.name,
        "serial": view.serial,
        "source": shown.source,
        "ct": str(settings["ct"]),
        "vt": str(settings["vt"]),
        "inputs": model.digital_inputs,
        "pulse_outputs": model.pulse_outputs,
        "bus": model.bus,
        "imp_per_kwh": RATINGS.pulse_constant_per_kwh,
        "software_id": view.software_id,
        "rates": rates_of(shown.calendar),
        "zone": zone_name(shown.calendar),
    }


def zone_name(calendar: Calendar | None) -> str:
    """Return the time zone whose days a page shows."""
    return _UTC if calendar is None else calendar.zone


def rates_of(calendar: Calendar | None) -> list[Json]:
    """Return name and colour of each rate."""
    if calendar is None:
        colours = rate_colours(len(RATES))
        return [{"rate": n, "name": f"T{n}", "colour": colour} for n, colour in enumerate(colours, 1)]
    count = len(calendar.rates)
    names = [rate_words(calendar, n) for n in range(1, count + 1)]
    return [{"rate": n, "name": name, "colour": rate_colours(count)[n - 1]} for n, name in enumerate(names, 1)]


def glass_of(lcd: Lcd) -> Json:
    """Return what the glass shows."""
    return {
        "page": lcd.page,
        "title": lcd.title,
        "place": lcd.place,
        "places": lcd.places,
        "legend": lcd.legend,
        "unit": lcd.unit,
        "text": lcd.text,
        "words": lcd.words,
        "cells": [[cell.segments, int(cell.point)] for cell in lcd.cells],
        "symbols": sorted(symbol.name.lower() for symbol in lcd.symbols),
        "cursor": str(lcd.cursor),
        "cursor_cell": lcd.cursor_cell,
        "lit": lcd.lit,
    }


def live(view: View, lcd: Lcd) -> Json:
    """Return what changes with each window."""
    return {
        "serial": view.serial,
        "time": iso(view.time_ns),
        "time_ms": view.time_ns // 1_000_000,
        "powered": view.powered,
        "seal_open": view.seal_open,
        "lcd": glass_of(lcd),
        "leds": asdict(leds(view)),
        "values": {name: view.values[name] for name in view.values if name not in _LATE},
        "rate_source": str(view.parameters["rate_source"]),
        "warnings": standing(view),
        "diagnosis": [asdict(finding) for finding in view.diagnosis],
        "counts": {"events": len(view.events), "profile": len(view.profile), "closings": len(view.closings)},
    }


def standing(view: View) -> list[str]:
    """Return what a person should know, besides the wiring."""
    kept = ["what is metered is not kept as it should be"] if view.storage_fault else []
    fresh = ["the registers began anew: those before were lost"] if view.registers_fresh else []
    return [*view.warnings, *kept, *fresh]


def waves(view: View) -> Json | None:
    """Return the last cycles of each channel; None where there are no samples."""
    if view.waves is None:
        return None
    frequency_hz = view.values.get("frequency_hz")
    return asdict(trace(view.waves(), None if frequency_hz is None else float(frequency_hz)))


def distortion(view: View) -> Json:
    """Return THD and harmonics of each channel, percent."""
    channels = [(stem, phase) for stem in ("voltage", "current") for phase in PHASES]
    return {
        "orders": list(HARMONIC_ORDERS),
        "channels": [
            {
                "channel": f"{stem}_{phase}",
                "thd_percent": view.values[f"thd_{stem}_{phase}_percent"],
                "harmonics_percent": [view.values[f"{stem}_{phase}_h{h}_percent"] for h in HARMONIC_ORDERS],
            }
            for stem, phase in channels
        ],
        "unbalance_percent": view.values["voltage_unbalance_percent"],
    }


def profile_day(view: View, calendar: Calendar | None, day: date | None) -> Json:
    """Return the intervals of a day, of the newest where none is named, and which days there are."""
    clock = zone_of(zone_name(calendar))
    rows = [*view.profile.since(0), *([] if view.open_row is None else [view.open_row])]
    first = local_day(clock, rows[0].start_ns) if rows else None
    today = local_day(clock, rows[-1].start_ns) if rows else local_day(clock, view.time_ns)
    day = day or today
    begin_ns, end_ns = day_start_ns(clock, day), day_start_ns(clock, day + timedelta(days=1))
    return {
        "day": day.isoformat(),
        "first_day": None if first is None else first.isoformat(),
        "last_day": today.isoformat(),
        "zone": zone_name(calendar),
        "begin": iso(begin_ns),
        "hours": (end_ns - begin_ns) / NANOSECONDS / SECONDS_PER_HOUR,
        "rows": [interval(row, begin_ns) for row in rows if begin_ns <= row.start_ns < end_ns],
    }


def interval(row: ProfileRow, begin_ns: int) -> Json:
    """Return a row of the load profile: mean powers over what was metered, energies in watt-hours."""
    hours = row.metered_ns / NANOSECONDS / SECONDS_PER_HOUR
    return {
        "start": iso(row.start_ns),
        "begin_h": (row.start_ns - begin_ns) / NANOSECONDS / SECONDS_PER_HOUR,
        "end_h": (row.end_ns - begin_ns) / NANOSECONDS / SECONDS_PER_HOUR,
        **{name: amount / MICRO for name, amount in zip(_ROW_NAMES, row.energies, strict=True)},
        "import_w": row.energies[0] / MICRO / hours if hours else None,
        "export_w": row.energies[1] / MICRO / hours if hours else None,
        "demand_w": None if row.demand_microw is None else row.demand_microw / MICRO,
        "rates": list(row.rates),
        "flags": _flags(row.flags),
    }


def _flags(flags: RowFlag) -> list[str]:
    return [flag.name.lower() for flag in RowFlag if flag in flags and flag.name]


_ROW_NAMES = tuple(exact_name(energy).replace("micro", "") for energy in ENERGIES)


def event(number: int, happened: Event) -> Json:
    """Return an event of the log with its number."""
    return {"number": number, "time": iso(happened.time_ns), "kind": str(happened.kind), "detail": dict(happened.detail)}


def closing(number: int, closed: Closing) -> Json:
    """Return a closed period, exact."""
    return {
        "number": number,
        "time": iso(closed.time_ns),
        "cause": str(closed.cause),
        "total": _six(closed.total),
        "rates": [_six(row) for row in closed.rates],
        "maximum": _maximum(closed.maximum),
        "rate_maxima": [_maximum(each) for each in closed.rate_maxima],
        "flags": _flags(closed.flags),
    }


def _six(row: Sequence[int]) -> Json:
    return {exact_name(energy): amount for energy, amount in zip(ENERGIES, row, strict=True)}


def _maximum(found: Any) -> Json | None:
    return None if found is None else {"demand_w": found.demand_microw / MICRO, "time": iso(found.time_ns)}


def rate_map(calendar: Calendar | None, year: int) -> Json:
    """Return which rate holds in each half hour of a year: for each day, runs of [first cell, cells, rate]; 0 is none."""
    if calendar is None:
        return {
            "year": year,
            "name": "flat",
            "title": "one rate: all energy is in T1",
            "cells": _CELLS_A_DAY,
            "rates": [],
            "days": [],
        }
    drawn = year_of(calendar, year)
    grid = drawn.by_cells(_CELLS_A_DAY)
    rates = range(1, len(drawn.time_s))
    return {
        "year": year,
        "name": calendar.name,
        "title": calendar.title,
        "cells": _CELLS_A_DAY,
        "rates": [
            {"rate": n, "name": rate_words(calendar, n), "colour": colour_of(drawn, n),
             "hours": round(int(drawn.time_s[n].sum()) / SECONDS_PER_HOUR, 2)}
            for n in rates
        ],
        "days": [_runs(row.tolist()) for row in grid],
    }  # fmt: skip


def _runs(cells: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for place, cell in enumerate(cells):
        rate = 0 if cell == NO_TIME else cell
        if runs and runs[-1][2] == rate:
            runs[-1][1] += 1
        else:
            runs.append([place, 1, rate])
    return runs


def settings_of(view: View) -> list[Json]:
    """Return every setting of the meter with its range and who may write it."""
    model = model_of(view.model)
    return [
        {
            "name": row.name,
            "value": str(view.parameters[row.name]),
            "unit": row.unit,
            "kind": str(row.kind),
            "minimum": None if row.minimum is None else float(row.minimum),
            "maximum": None if row.maximum is None else float(row.maximum),
            "choices": list(row.choices),
            "sealed": row.sealed,
            "meaning": row.meaning,
        }
        for row in PARAMETERS
        if has_feature(model, row.needs)
    ]
