"""What a recorded number stands for at the meter's terminals, as the factors of a block.

In: the six channels, what the user says of them, and the transformers' ratios. Out: gain and offset per input in
secondary volts and amperes. The samples themselves are never touched: they keep their type.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from watthour.errors import RecordingError
from watthour.samples import Triple
from watthour.units import Ratio
from watthour.waveform.channels import TERMINALS, Channel, Side, quantity_of

_LARGEST = 1e30


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Volts and amperes at the terminals per recorded step, and at step 0."""

    voltage_scale: Triple
    voltage_offset: Triple
    current_scale: Triple
    current_offset: Triple


def scaling_of(
    file: str,
    six: Sequence[Channel],
    *,
    values: Side | None,
    ct: Ratio,
    vt: Ratio,
    scale: Sequence[float] | None = None,
) -> tuple[Scaling, tuple[str, ...]]:
    """Return the factors of six channels, and remarks on what was taken on trust.

    Terminals see secondary values. A channel whose numbers are primary is divided by `vt` or `ct`: exactly the ratio
    by which the registers will multiply again. Whether they are primary is said by `values`; without it by the
    header's own P/S flag; without that they are secondary. The user's word wins over the flag, because recorders
    often leave it at its default; a remark tells of the contradiction. The transformer ratios that a header may carry
    are the recorder's and are not used.

    Parameters
    ----------
    scale : six floats, optional
        Volts or amperes per step (per 1.0 of a float), instead of the header's factors, offset and unit.

    Raises
    ------
    RecordingError
        If `scale` is not six usable numbers, or a unit is not that of its input.
    """
    if scale is not None:
        six = _rescaled(file, six, scale)
    gains, offsets, remarks = [], [], []
    for terminal, channel in zip(TERMINALS, six, strict=True):
        side = values or channel.side or "secondary"
        ratio = (vt if terminal[0] == "V" else ct).fraction if side == "primary" else Fraction(1)
        unit = _unit_factor(file, terminal, channel)
        gains.append(float(channel.gain * unit / ratio))
        offsets.append(float(channel.offset * unit / ratio))
        if not channel.unit:
            remarks.append(f"{file}: {channel} names no unit: taken as {_unit_of(terminal)}")
    remarks += _contradictions(file, six, values)
    return _scaling(gains, offsets), tuple(remarks)


def require_scale(file: str, scale: Sequence[float] | None) -> None:
    """Refuse integers of which nobody says what a step is.

    Raises
    ------
    RecordingError
        If `scale` is None.
    """
    if scale is None:
        example = "scale = [0.01, 0.01, 0.01, 0.001, 0.001, 0.001]"
        raise RecordingError(file, f"its integers have no unit: say {example} in [source], in volts and amperes per step")


def _scaling(gains: Sequence[float], offsets: Sequence[float]) -> Scaling:
    return Scaling(
        voltage_scale=(gains[0], gains[1], gains[2]),
        voltage_offset=(offsets[0], offsets[1], offsets[2]),
        current_scale=(gains[3], gains[4], gains[5]),
        current_offset=(offsets[3], offsets[4], offsets[5]),
    )


def _rescaled(file: str, six: Sequence[Channel], scale: Sequence[float]) -> tuple[Channel, ...]:
    if len(scale) != len(TERMINALS):
        raise RecordingError(file, f"scale has {len(scale)} numbers: give six, for {', '.join(TERMINALS)}")
    for terminal, number in zip(TERMINALS, scale, strict=True):
        if not math.isfinite(number) or not 0 < abs(number) < _LARGEST:
            raise RecordingError(file, f"scale of {terminal} is {number:g}: give volts or amperes per step")
    return tuple(
        Channel(
            number=channel.number,
            name=channel.name,
            unit=_unit_of(terminal),
            gain=Fraction(str(number)),  # as it is written: 0.01 is a hundredth, as in a header
            side=channel.side,
            skew_us=channel.skew_us,
        )
        for terminal, channel, number in zip(TERMINALS, six, scale, strict=True)
    )


def _unit_of(terminal: str) -> str:
    return "V" if terminal[0] == "V" else "A"


def _unit_factor(file: str, terminal: str, channel: Channel) -> Fraction:
    """Return volts or amperes in the channel's unit; a blank unit is taken as volts or amperes."""
    if not channel.gain:
        raise RecordingError(file, f"{channel} has multiplier 0: choose another channel or say scale in [source]")
    if not channel.unit:
        return Fraction(1)
    quantity = quantity_of(channel.unit)
    if quantity is None:
        raise RecordingError(file, f"{channel} is in {channel.unit!r}: say scale in [source], in volts and amperes")
    if quantity[0] != _unit_of(terminal):
        expected = ",".join(TERMINALS)
        raise RecordingError(file, f"{channel} is in {channel.unit} and cannot be {terminal}: the order is {expected}")
    return quantity[1]


def _contradictions(file: str, six: Sequence[Channel], values: Side | None) -> list[str]:
    flagged = {channel.side for channel in six if channel.side is not None}
    if values is None or not flagged - {values}:
        return []
    other = "secondary" if values == "primary" else "primary"
    return [f"{file}: its header flags {other} values, the settings say {values}: taken as {values}"]
