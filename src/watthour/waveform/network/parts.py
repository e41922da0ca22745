"""What each load consists of: powers that rise and fall together.

In: the loads of a description. Out: parts, each with its powers, its harmonics, when it draws (a level and, inside
the second, a gate), and what it does when the voltage changes. From here on nothing knows the kinds.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from watthour.waveform.network.levels import Always, Gate, Habit, Level, Running, Sunshine
from watthour.waveform.network.loads import (
    AnyLoad,
    CapacitorLoad,
    ConstantLoad,
    HeaterLoad,
    MotorLoad,
    PhotovoltaicLoad,
    ProfileLoad,
    RectifierLoad,
    Response,
    ScheduledLoad,
    TimedConsumer,
    WelderLoad,
)
from watthour.waveform.network.times import on_times, second_of_day, week_curve
from watthour.waveform.network.vocabulary import Harmonic, PhaseName, reactive_of
from watthour.waveform.network.weather import Panels

STREAMS_PER_LOAD = 2
"""Each load has one stream of chance for its habit, one for its use."""

WELDING_CYCLES = 1500
"""A welder is used or not for about half a minute at a time (ours)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Powers of one load that share a level.

    Parameters
    ----------
    powers_va : mapping of phase to complex
        P + jQ of the fundamental at the supply's written voltages and level 1.
    harmonics : rows
        Of the current.
    level : Level
    gate : Gate, optional
    response : str
        ``"power"`` or ``"impedance"``.
    """

    powers_va: Mapping[PhaseName, complex]
    harmonics: Sequence[Harmonic]
    level: Level
    gate: Gate | None = None
    response: Response = "power"


def parts_of(load: AnyLoad, number: int) -> Iterator[Part]:
    """Yield the parts of a load; `number` is its place in the file, and chooses its streams of chance."""
    stream = STREAMS_PER_LOAD * number
    match load:
        case ConstantLoad():
            yield Part(powers_va=load.powers_va, harmonics=load.spectrum, level=Always(), response=load.response)
        case MotorLoad():
            yield from _motor(load, stream)
        case HeaterLoad():
            yield _heater(load, stream)
        case WelderLoad():
            yield _welder(load, stream)
        case CapacitorLoad():
            level = Always() if load.on is None else Habit(on=on_times(load.on))
            yield Part(powers_va=load.powers_va, harmonics=load.spectrum, level=level, response="impedance")
        case PhotovoltaicLoad():
            yield Part(powers_va=load.powers_va, harmonics=load.spectrum, level=Sunshine(panels=_panels(load)))
        case ScheduledLoad() | ProfileLoad():
            level = _habit(load, stream)
            yield Part(powers_va=load.powers_va, harmonics=load.spectrum, level=level, response=load.response)
        case RectifierLoad():
            yield Part(powers_va=load.powers_va, harmonics=load.spectrum, level=_habit(load, stream))


def _habit(load: TimedConsumer, stream: int) -> Habit:
    return Habit(
        on=None if load.on is None else on_times(load.on),
        curve=None if load.profile is None else week_curve(load.profile),
        varies=load.varies_percent / 100,
        stream=stream,
    )


def _motor(load: MotorLoad, stream: int) -> Iterator[Part]:
    """Yield the running motor, and its starting current."""
    level = Running(habit=_habit(load, stream), run_s=load.run_s or 1, rest_s=load.rest_s or 0, starting_s=load.starting_s)
    yield Part(powers_va=load.powers_va, harmonics=load.spectrum, level=level)
    starting = Running(habit=level.habit, run_s=level.run_s, rest_s=level.rest_s, starting_s=level.starting_s, starting=True)
    powers = {phase: _starting(load, abs(power)) for phase, power in load.powers_va.items()}
    yield Part(powers_va=powers, harmonics=(), level=starting, response="impedance")


def _starting(load: MotorLoad, running_va: float) -> complex:
    """Return P + jQ of a start."""
    reactive = reactive_of(1.0, load.starting_cos_phi)
    return complex(1.0, reactive) / math.hypot(1.0, reactive) * load.starting_current * running_va


def _heater(load: HeaterLoad, stream: int) -> Part:
    on_cycles = round(load.setting_percent / 100 * load.pattern_cycles)
    gate = Gate(on_cycles=on_cycles, pattern_cycles=load.pattern_cycles)
    return Part(powers_va=load.powers_va, harmonics=load.spectrum, level=_habit(load, stream), gate=gate, response="impedance")


def _welder(load: WelderLoad, stream: int) -> Part:
    pattern_cycles = load.weld_cycles + load.pause_cycles
    gate = Gate(
        on_cycles=load.weld_cycles,
        pattern_cycles=pattern_cycles,
        share=load.busy_percent / 100,
        together=max(1, round(WELDING_CYCLES / pattern_cycles)),
        stream=stream + 1,
    )
    return Part(powers_va=load.powers_va, harmonics=load.spectrum, level=_habit(load, stream), gate=gate, response="impedance")


def _panels(load: PhotovoltaicLoad) -> Panels:
    return Panels(
        latitude_rad=math.radians(load.latitude_deg),
        tilt_rad=math.radians(load.tilt_deg),
        noon_s=second_of_day(load.solar_noon),
        cloudiness=load.clouds_percent / 100,
    )
