"""A meter's state to a record that JSON can write, and back, to the last bit.

Integers stay integers, floats keep every digit, sample arrays travel as bytes with their type. A record that
does not fit is refused, never guessed.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watthour.errors import DamagedRecordError, WatthourError
from watthour.history import ProfileRow
from watthour.meter.once import once_per_settings
from watthour.meter.past import flag, listed, past_from_record, past_to_record, rate_of, six_counts, whole
from watthour.meter.state import Anchor, Mark, MeterState, require_possible
from watthour.meter.switched import switched_from_record, switched_to_record
from watthour.meter.watching import NOTHING, Standing
from watthour.metrology import (
    NO_QUALITY,
    TRACKER,
    WINDOW,
    ChannelHistory,
    Correction,
    LateQuality,
    OpenWindow,
    Quality,
    Rows,
    scratch_for,
)
from watthour.metrology.conditioning import SixFloats
from watthour.parameters import PARAMETER_BY_NAME, Interface, Setting, check_setting, parameter
from watthour.registers import CARRY, Registers
from watthour.samples import SAMPLE_TYPES, Block, Triple

VERSION = 1
_MARK_BEFORE = 2
"""Parts of a mark in records that did not say through which interface it was asked for."""
_TABLES = ("rates", "phases", "remainders")

Json = dict[str, Any]


def state_to_record(state: MeterState, *, asks: bool = True) -> Json:
    """Return the state as an object that JSON can write.

    Parameters
    ----------
    asks : bool
        Whether to find the quality of the last window where nobody has asked for it; else it is null until the next window.
    """
    opened, quality = state.opened, state.quality
    return {
        "version": VERSION,
        "settings": _texts(state.settings),
        "registers": _registers_to_json(state.registers),
        "carry": _text(state.carry),
        "last": _text(state.last),
        "quality": _quality_to_record(quality()) if quality is not None and (asks or quality.is_found) else None,
        "tracker": None if state.tracker is None else _text(state.tracker),
        "opened": None if opened is None else {"tracker": _text(opened.tracker), "pieces": [_piece(p) for p in opened.pieces]},
        "history": None if state.history is None else _history(state.history),
        "anchor": None if state.anchor is None else _anchor(state.anchor),
        "anchors_ahead": [_anchor(anchor) for anchor in state.anchors_ahead],
        "marks": [[mark.sample, mark.rate, mark.interface] for mark in state.marks],
        "position": state.position,
        "samples": state.samples,
        "duration": str(state.duration),
        "operating_ns": state.operating_ns,
        "partial_operating_ns": state.partial_operating_ns,
        "powered": state.powered,
        "power_fail_count": state.power_fail_count,
        "clock_offset_ns": state.clock_offset_ns,
        "down_ns": state.down_ns,
        "time_ns": state.time_ns,
        **past_to_record(state),
        "seal_open": state.seal_open,
        "standings": [_standing(each) for each in state.standings],
        **switched_to_record(state),
    }


@once_per_settings
def _texts(settings: Mapping[str, Setting]) -> Mapping[str, str]:
    """Return settings as they are kept; nobody changes them."""
    return {name: str(value) for name, value in settings.items()}


def _anchor(anchor: Anchor) -> list[float]:
    return [anchor.sample, anchor.time_ns, anchor.rate_hz]


def state_from_record(record: Json, profile: Sequence[ProfileRow] = ()) -> MeterState:
    """Return the state that `state_to_record` wrote.

    Parameters
    ----------
    profile : sequence of ProfileRow
        The newest rows of its load profile, as far as they were kept; `row_from_record` makes them.

    Raises
    ------
    DamagedRecordError
        If the record is of another version or does not hold a state.
    """
    if record.get("version") != VERSION:
        msg = f"state of version {record.get('version')}: this program reads version {VERSION}"
        raise DamagedRecordError(msg)
    try:
        return replace(_state(record), **past_from_record(record, profile), **switched_from_record(record))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, WatthourError) as problem:
        msg = f"the record does not hold a meter's state ({problem})"
        raise DamagedRecordError(msg) from None


def _state(record: Json) -> MeterState:
    anchor = record["anchor"]
    settings = MappingProxyType(_settings(record["settings"]))
    require_possible(settings)
    history = None if record["history"] is None else _history_from(record["history"], record["position"])
    measured_to = record["position"] if history is None else history.next_sample
    return MeterState(
        settings=settings,
        registers=_registers_from_json(record["registers"]),
        carry=_one(record["carry"], CARRY),
        last=_rows(record["last"], WINDOW)[:1],
        quality=None if record["quality"] is None else _quality(record["quality"]),
        tracker=None if record["tracker"] is None else _one(record["tracker"], TRACKER),
        opened=None if record["opened"] is None else _opened(record["opened"], measured_to, anchor[2]),
        history=history,
        anchor=None if anchor is None else _anchor_of(anchor),
        anchors_ahead=tuple(_anchor_of(row) for row in listed(record["anchors_ahead"])),
        marks=tuple(_mark(row) for row in listed(record["marks"])),
        position=None if record["position"] is None else whole(record["position"]),
        samples=whole(record["samples"]),
        duration=Fraction(record["duration"]),
        operating_ns=whole(record["operating_ns"]),
        partial_operating_ns=whole(record["partial_operating_ns"]),
        powered=flag(record["powered"]),
        power_fail_count=whole(record.get("power_fail_count", 0)),
        clock_offset_ns=whole(record.get("clock_offset_ns", 0)),
        down_ns=_instant(record.get("down_ns")),
        time_ns=whole(record["time_ns"]),
        seal_open=flag(record.get("seal_open", False)),
        standings=_standings_from(record["standings"]) if "standings" in record else NOTHING,
    )


def _anchor_of(row: Sequence[Any]) -> Anchor:
    sample, time_ns, rate_hz = row
    if not isinstance(rate_hz, float) or not rate_hz > 0.0:
        msg = f"{rate_hz!r} samples a second"
        raise ValueError(msg)
    return Anchor(sample=whole(sample), time_ns=whole(time_ns), rate_hz=rate_hz)


def _mark(row: Sequence[Any]) -> Mark:
    sample, rate, interface = row if len(row) != _MARK_BEFORE else (*row, "")
    if not isinstance(interface, str):
        msg = f"{interface!r} is no interface"
        raise TypeError(msg)
    return Mark(sample=whole(sample), rate=None if rate is None else rate_of(rate), interface=interface)


def _standing(standing: Standing) -> list[object]:
    return [standing.is_there, standing.since_ns, standing.told_ns, standing.ended_ns, standing.again]


def _standings_from(rows: Sequence[Any]) -> tuple[Standing, ...]:
    """Return how it stands with what is watched."""
    if len(rows) != len(NOTHING):
        msg = f"{len(rows)} conditions of {len(NOTHING)}"
        raise ValueError(msg)
    return tuple(
        Standing(
            is_there=flag(is_there),
            since_ns=whole(since_ns),
            told_ns=_instant(told_ns),
            ended_ns=_instant(ended_ns),
            again=whole(again),
        )
        for is_there, since_ns, told_ns, ended_ns, again in rows
    )


def _instant(time_ns: object) -> int | None:
    return None if time_ns is None else whole(time_ns)


def _settings(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings; one that is newer than the record has its default."""
    unknown = set(texts) - set(PARAMETER_BY_NAME)
    if unknown:
        msg = f"unknown settings {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    kept = {name: check_setting(name, text, Interface.CONFIG) for name, text in texts.items()}
    return {name: kept.get(name, parameter(name).default) for name in PARAMETER_BY_NAME}


def _registers_to_json(registers: Registers) -> Json:
    return {
        "secondary": registers.secondary,
        "total": registers.total,
        "partial": registers.partial,
        "rates": registers.rates,
        "phases": registers.phases,
        "remainders": registers.remainders,
        "parts": registers.parts,
    }


def _registers_from_json(record: Json) -> Registers:
    new = Registers()
    if whole(record["parts"]) < 1 or any(len(record[name]) != len(getattr(new, name)) for name in _TABLES):
        msg = "registers of another shape"
        raise ValueError(msg)
    return Registers(
        secondary=six_counts(record["secondary"]),
        total=six_counts(record["total"]),
        partial=six_counts(record["partial"]),
        rates=tuple(six_counts(row) for row in record["rates"]),
        phases=tuple(six_counts(row) for row in record["phases"]),
        remainders=tuple(six_counts(row) for row in record["remainders"]),
        parts=record["parts"],
    )


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _rows(text: str, dtype: np.dtype[np.void]) -> Rows:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype).copy()


def _one(text: str, dtype: np.dtype[np.void]) -> Rows:
    rows = _rows(text, dtype)
    if len(rows) != 1:
        msg = f"{len(rows)} rows where there is one"
        raise ValueError(msg)
    return rows


def _quality_to_record(quality: Quality) -> Json:
    """Return a quality as JSON writes it: its tuples of numbers as they are."""
    return {part.name: getattr(quality, part.name) for part in fields(quality)}


def _quality(record: Json) -> LateQuality:
    """Return a quality that was found before, refusing what has another shape."""
    found = Quality(**{name: _known_tuple(record[name]) for name in record})
    if any(_shape(getattr(found, field.name)) != _shape(getattr(NO_QUALITY, field.name)) for field in fields(Quality)):
        msg = "a quality of another shape"
        raise ValueError(msg)
    return LateQuality(lambda: found)


def _known_tuple(value: Any) -> Any:
    """Return lists as tuples, numbers as floats, null as None."""
    if isinstance(value, list | tuple):
        return tuple(_known_tuple(part) for part in value)
    if value is not None and type(value) is not float:
        msg = f"{value!r} is no number"
        raise TypeError(msg)
    return value


def _shape(value: Any) -> Any:
    return tuple(_shape(part) for part in value) if isinstance(value, tuple) else None


def _piece(block: Block) -> Json:
    return {
        "type": block.voltages.dtype.name,
        "voltages": _text(block.voltages),
        "currents": _text(block.currents),
        "rate_hz": block.rate_hz,
        "first_sample": block.first_sample,
        "scales": [block.voltage_scale, block.voltage_offset, block.current_scale, block.current_offset],
    }


def _history(history: ChannelHistory) -> Json:
    return {
        "samples": _text(history.samples),
        "first_sample": history.first_sample,
        "next_sample": history.next_sample,
        "rate_hz": history.rate_hz,
        "correction": [history.correction.gain, history.correction.offset, history.correction.delay_s],
    }


def _history_from(record: Json, position: int) -> ChannelHistory:
    gain, offset, delay_s = (_six_floats(row) for row in record["correction"])
    history = ChannelHistory(
        samples=np.frombuffer(base64.b64decode(record["samples"], validate=True), np.float64).reshape(6, -1).copy(),
        first_sample=whole(record["first_sample"]),
        next_sample=whole(record["next_sample"]),
        rate_hz=record["rate_hz"],
        correction=Correction(gain=gain, offset=offset, delay_s=delay_s),
    )
    if history.end_sample != position or not history.first_sample <= history.next_sample <= position:
        msg = f"samples of late channels up to {history.end_sample}, not all of those up to {position}"
        raise ValueError(msg)
    return history


def _six_floats(row: Sequence[object]) -> SixFloats:
    v1, v2, v3, i1, i2, i3 = (float(number) for number in row if isinstance(number, int | float))
    return v1, v2, v3, i1, i2, i3


def _opened(record: Json, position: int, rate_hz: float) -> OpenWindow:
    tracker = _one(record["tracker"], TRACKER)
    pieces = tuple(_block(piece) for piece in record["pieces"])
    ends = [piece.end_sample for piece in pieces]
    if [piece.first_sample for piece in pieces[1:]] != ends[:-1] or ends[-1] != position or pieces[-1].rate_hz != rate_hz:
        msg = f"open samples up to {ends[-1]} at {pieces[-1].rate_hz} a second, not all of those up to {position}"
        raise ValueError(msg)
    return OpenWindow(tracker=tracker, pieces=pieces, scratch=scratch_for(rate_hz))


def _block(record: Json) -> Block:
    if record["type"] not in SAMPLE_TYPES:
        msg = f"samples of type {record['type']}"
        raise ValueError(msg)
    voltage_scale, voltage_offset, current_scale, current_offset = (_triple(row) for row in record["scales"])
    return Block(
        voltages=_samples(record["voltages"], record["type"]),
        currents=_samples(record["currents"], record["type"]),
        rate_hz=record["rate_hz"],
        first_sample=whole(record["first_sample"]),
        voltage_scale=voltage_scale,
        voltage_offset=voltage_offset,
        current_scale=current_scale,
        current_offset=current_offset,
    )


def _triple(row: Sequence[object]) -> Triple:
    first, second, third = (float(number) for number in row if isinstance(number, int | float))
    return first, second, third


def _samples(text: str, name: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text, validate=True), np.dtype(name)).reshape(3, -1).copy()
