"""A day of an installation in figures: what a picture of it is drawn from.

In: a description. Out: powers and voltages by the minute as a meter at its terminals would see them (primary), the
energy of the day, that of each load, and what happened. Made from phasors by the second.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from watthour.units import SECONDS_PER_HOUR, Ratio
from watthour.waveform.network.conditions import Conditions, Installation
from watthour.waveform.network.description import Network
from watthour.waveform.network.flow import rows_of
from watthour.waveform.network.happenings import Happening
from watthour.waveform.network.parts import parts_of
from watthour.waveform.network.times import DAY_S, HOUR_S, MINUTE_S

Floats = NDArray[np.float64]
MINUTES = DAY_S // MINUTE_S
_ONE = Ratio.parse("1/1")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One load's part in a day; export is positive too.

    Parameters
    ----------
    name, kind : str
    import_wh, export_wh : float
    reactive_varh : float
        Inductive less capacitive.
    highest_w : float
        Largest power of one second, of either sign.
    """

    name: str
    kind: str
    import_wh: float
    export_wh: float
    reactive_varh: float
    highest_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the local clock.

    Parameters
    ----------
    date : datetime.date
    power_w, reactive_var, voltage_v : ndarray, shape (3, 1440)
        Means of each minute at the meter's terminals, times the transformers.
    power_range_w : ndarray, shape (2, 1440)
        Least and most total power of a second, minute by minute.
    seen_import_wh, seen_export_wh : float
        What a meter that adds the phases second by second counts.
    import_wh, export_wh : float
        What it would count if the wiring were right.
    shares : tuple of Share
    happenings : tuple of Happening
        In seconds since the day began.
    """

    date: date
    power_w: Floats
    reactive_var: Floats
    voltage_v: Floats
    power_range_w: Floats
    seen_import_wh: float
    seen_export_wh: float
    import_wh: float
    export_wh: float
    shares: tuple[Share, ...]
    happenings: tuple[Happening, ...]


def day_of(network: Network, number: int = 0) -> Day:
    """Return a day of an installation, midnight to midnight of its own clock.

    Parameters
    ----------
    number : int
        Days after the one that holds the first sample.
    """
    whole = Installation.of(network, ct=_ONE, vt=_ONE)
    days = whole.local_zero_s // DAY_S + number
    first_s = days * DAY_S - whole.local_zero_s
    power, reactive, voltage = _seconds(whole, first_s)
    right = power
    if network.wiring:
        right = _seconds(Installation.of(network.model_copy(update={"wiring": ()}), ct=_ONE, vt=_ONE), first_s)[0]
    total = power.sum(axis=0).reshape(MINUTES, MINUTE_S)
    return Day(
        date=_EPOCH + timedelta(days=days),
        power_w=_by_the_minute(power),
        reactive_var=_by_the_minute(reactive),
        voltage_v=_by_the_minute(voltage),
        power_range_w=np.array([total.min(axis=1), total.max(axis=1)]),
        seen_import_wh=_positive_wh(power.sum(axis=0)),
        seen_export_wh=_positive_wh(-power.sum(axis=0)),
        import_wh=_positive_wh(right.sum(axis=0)),
        export_wh=_positive_wh(-right.sum(axis=0)),
        shares=tuple(_share(network, index, first_s) for index in range(len(network.loads))),
        happenings=_since(whole.diary.happenings(first_s, first_s + DAY_S), first_s),
    )


def _since(happenings: list[Happening], first_s: int) -> tuple[Happening, ...]:
    """Return happenings by the seconds since a day began, no longer than the day."""
    return tuple(
        Happening(
            begin_s=max(each.begin_s - first_s, 0.0),
            end_s=min(each.end_s - first_s, float(DAY_S)),
            what=each.what,
            is_wiring=each.is_wiring,
        )
        for each in happenings
    )


def _seconds(installation: Installation, first_s: int) -> tuple[Floats, Floats, Floats]:
    """Return active power, reactive power and voltage of each phase in each second of a day, shape (3, 86400)."""
    first, last = first_s // HOUR_S, (first_s + DAY_S - 1) // HOUR_S
    parts = [_hour(installation, hour) for hour in installation.conditions(first, last - first + 1)]
    offset = first_s - first * HOUR_S
    power, reactive, voltage = (np.concatenate(rows, axis=1)[:, offset : offset + DAY_S] for rows in zip(*parts, strict=True))
    return power, reactive, voltage


def _hour(installation: Installation, conditions: Conditions) -> tuple[Floats, Floats, Floats]:
    voltages, currents = rows_of(installation, conditions)
    powers = voltages * currents.conj()
    rms = np.sqrt((np.abs(voltages) ** 2).sum(axis=2))
    return powers.real.sum(axis=2).T, powers.imag[:, :, 0].T, rms.T


def _by_the_minute(seconds: Floats) -> Floats:
    return np.asarray(seconds.reshape(3, MINUTES, MINUTE_S).mean(axis=2))


def _positive_wh(power_w: Floats) -> float:
    return float(np.maximum(power_w, 0.0).sum() / SECONDS_PER_HOUR)


def _share(network: Network, index: int, first_s: int) -> Share:
    """Return what one load, rightly wired, does in a day."""
    load = network.loads[index]
    alone = network.model_copy(update={"wiring": ()})
    installation = Installation.of(alone, ct=_ONE, vt=_ONE, parts=tuple(parts_of(load, index)))
    power, reactive, _ = _seconds(installation, first_s)
    total = power.sum(axis=0)
    return Share(
        name=load.name,
        kind=load.kind,
        import_wh=_positive_wh(total),
        export_wh=_positive_wh(-total),
        reactive_varh=float(reactive.sum() / SECONDS_PER_HOUR),
        highest_w=float(total[np.abs(total).argmax()]),
    )
