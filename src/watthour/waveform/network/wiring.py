"""What an installer gets wrong between the installation and the meter's terminals.

In: ``[[wiring]]`` tables. Out: checked records; each turns the three voltages and the three currents by a real
matrix, so that it can be applied to samples and to phasors alike.
"""

from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from watthour.units import Ratio
from watthour.waveform.network.times import Moment
from watthour.waveform.network.vocabulary import PHASE_NAMES, PhaseName, Phases, refusal

Turn = NDArray[np.float64]
"""A real matrix, shape (3, 3)."""

PAIR = 2


class WiringFault(Moment):
    """What all faults have; without `at_s` or `daily_at` it is there from the first sample, without `duration_s` it stays."""

    kind: str

    @property
    def places(self) -> list[int]:
        """Index of each phase it concerns."""
        return [PHASE_NAMES.index(phase) for phase in getattr(self, "phases", PHASE_NAMES)]

    def voltage_turn(self) -> Turn:
        """Return what the terminals see of the voltages."""
        return np.eye(3)

    def current_turn(self) -> Turn:
        """Return what the terminals see of the currents."""
        return np.eye(3)

    def __str__(self) -> str:
        where = f" on {', '.join(self.phases)}" if hasattr(self, "phases") else ""
        return self.kind.replace("_", " ").replace("ct", "CT") + where


def _swapped(places: list[int]) -> Turn:
    order = list(range(3))
    order[places[0]], order[places[1]] = places[1], places[0]
    return np.eye(3)[order]


class ReversedCt(WiringFault):
    """A CT with its two wires exchanged, or looking the wrong way."""

    kind: Literal["ct_reversed"]
    phases: Phases

    def current_turn(self) -> Turn:
        """Return the currents with those of `phases` negative."""
        turn = np.ones(3)
        turn[self.places] = -1
        return np.diag(turn)


class _OfTwo(WiringFault):
    phases: Phases

    @field_validator("phases")
    @classmethod
    def _two(cls, phases: Any) -> Any:
        if len(phases) != PAIR:
            msg = "name the two that are swapped"
            raise ValueError(msg)
        return phases


class SwappedCts(_OfTwo):
    """Two CTs, each at the other's terminals."""

    kind: Literal["cts_swapped"]

    def current_turn(self) -> Turn:
        """Return the currents with two exchanged."""
        return _swapped(self.places)


class MisplacedCt(WiringFault):
    """The CT of one phase's terminals, put round the conductor of another."""

    kind: Literal["ct_on_wrong_phase"]
    phase: PhaseName
    around: PhaseName

    @model_validator(mode="after")
    def _another(self) -> Self:
        if self.phase == self.around:
            raise refusal(["around"], "that is where it belongs; name another phase")
        return self

    def current_turn(self) -> Turn:
        """Return the currents with that of `phase` replaced by that of `around`."""
        turn = np.eye(3)
        turn[PHASE_NAMES.index(self.phase)] = np.eye(3)[PHASE_NAMES.index(self.around)]
        return turn

    def __str__(self) -> str:
        return f"CT of {self.phase} around {self.around}"


class MissingCt(WiringFault):
    """A CT that is open, short-circuited or not there."""

    kind: Literal["ct_missing"]
    phases: Phases

    def current_turn(self) -> Turn:
        """Return the currents with those of `phases` gone."""
        turn = np.ones(3)
        turn[self.places] = 0
        return np.diag(turn)


class WrongCt(WiringFault):
    """A CT of another ratio than the meter is set to.

    Parameters
    ----------
    installed : str
        Its ratio, such as ``"100/5"``.
    instead_of : str
        The ratio that the meter is set to.
    """

    kind: Literal["ct_wrong_ratio"]
    installed: str
    instead_of: str
    phases: Phases = PHASE_NAMES

    @field_validator("installed", "instead_of")
    @classmethod
    def _is_a_ratio(cls, given: str) -> str:
        Ratio.parse(given)
        return given

    def current_turn(self) -> Turn:
        """Return the currents with those of `phases` larger by the ratio of the ratios."""
        turn = np.ones(3)
        turn[self.places] = float(Ratio.parse(self.instead_of).fraction / Ratio.parse(self.installed).fraction)
        return np.diag(turn)

    def __str__(self) -> str:
        return f"CT {self.installed} instead of {self.instead_of} on {', '.join(self.phases)}"


class SwappedVoltages(_OfTwo):
    """Two voltages, each at the other's terminals."""

    kind: Literal["voltages_swapped"]

    def voltage_turn(self) -> Turn:
        """Return the voltages with two exchanged."""
        return _swapped(self.places)


class RotatedVoltages(WiringFault):
    """All three voltages one terminal, or two, further.

    Parameters
    ----------
    by : int
        1: terminal L1 has the voltage of L2, L2 that of L3, L3 that of L1; 2: once more.
    """

    kind: Literal["voltages_rotated"]
    by: Literal[1, 2] = 1

    def voltage_turn(self) -> Turn:
        """Return the voltages, moved on."""
        return np.roll(np.eye(3), self.by, axis=1)


class MissingVoltage(WiringFault):
    """A voltage that does not reach its terminal: a fuse, a loose wire."""

    kind: Literal["voltage_missing"]
    phases: Phases

    def voltage_turn(self) -> Turn:
        """Return the voltages with those of `phases` gone."""
        turn = np.ones(3)
        turn[self.places] = 0
        return np.diag(turn)


AnyWiringFault = Annotated[
    ReversedCt | SwappedCts | MisplacedCt | MissingCt | WrongCt | SwappedVoltages | RotatedVoltages | MissingVoltage,
    Field(discriminator="kind"),
]
