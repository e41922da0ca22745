"""The pulse output of a meter whose pulses others of the same run count.

In: pulses as the meter gives them. Out: the same on each wire. Where the meter keeps its state they are written to a file
beside it first, and are on the disk before the state that has counted them: a meter that was stopped far behind finds there
what it has missed, and nothing comes twice.
"""

from collections.abc import Sequence

from watthour.errors import StoreError
from watthour.host.contacts import KEPT_IN, Wire, kept_starts
from watthour.host.metering.pulse_file import OUTPUT, PulseFile, Train, pulses_counted
from watthour.host.store import DataDirectory
from watthour.meter import Meter, MeterState
from watthour.meter.pulsing import pulse_shape

_NS_PER_MS = 10**6


class Outlet:
    """An output and the wires on it.

    Parameters
    ----------
    wires : sequence of Wire
    store : DataDirectory or None
        Where the meter keeps its state.
    """

    def __init__(self, wires: Sequence[Wire], store: DataDirectory | None) -> None:
        self._wires = wires
        self._kept = None if store is None else PulseFile(store.path / KEPT_IN)

    def begin(self, state: MeterState) -> None:
        """Give the pulses that the meter has given before.

        Raises
        ------
        StoreError, UsageError
            If its file cannot be used.
        """
        if self._kept is not None:
            self._kept.begin({OUTPUT: pulses_counted(state)[OUTPUT]})
            try:
                starts = kept_starts(self._kept.path)
            except (OSError, ValueError) as problem:
                msg = f"{self._kept.path}: the pulses kept here cannot be read ({problem}): move the file away"
                raise StoreError(msg) from None
            self._give(starts, state)

    def give(self, train: Train, meter: Meter) -> None:
        """Pass on pulses, and how far the meter has come."""
        if self._kept is not None:
            self._kept.write([train])
        self._give(train.time_ns, meter.state)

    def sync(self) -> None:
        """Bring the pulses to the disk."""
        if self._kept is not None:
            self._kept.sync()

    def end(self) -> None:
        """Tell the others that no more will come."""
        for wire in self._wires:
            wire.end()

    def close(self) -> None:
        """Let go of the file."""
        self.end()
        if self._kept is not None:
            self._kept.close()

    def _give(self, starts_ns: Sequence[int], state: MeterState) -> None:
        width_ns = pulse_shape(state.settings).width_ms * _NS_PER_MS
        for wire in self._wires:
            wire.give(starts_ns, width_ns=width_ns, reached_ns=state.time_ns)
