"""Faults of the plant in a script: wiring faults, dips, swells and interruptions laid over an installation.

In: the ``[[plant]]`` rows of a fault script, the same tables that stand in ``[[wiring]]`` and ``[[supply.event]]`` of a
network file. Out: the description with them in it. The ``[[bus]]`` rows of the same script are somebody else's.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from watthour.waveform.network.description import Network
from watthour.waveform.network.supply import SupplyEvent
from watthour.waveform.network.vocabulary import Table, as_tuple
from watthour.waveform.network.wiring import AnyWiringFault

PlantFault = Annotated[SupplyEvent | AnyWiringFault, Field(discriminator="kind")]


class PlantScript(Table):
    """A fault script as far as it concerns the plant.

    Parameters
    ----------
    seed : int
        Of what the script leaves to chance, on the bus.
    plant : rows of events and wiring faults
        Times are seconds since the source's first sample.
    bus : rows
        Not looked at.
    """

    seed: int = Field(default=0, ge=0, lt=2**64)
    plant: Annotated[tuple[PlantFault, ...], BeforeValidator(as_tuple)] = ()
    bus: Any = ()


def with_plant_faults(network: Network, faults: Sequence[SupplyEvent | Any]) -> Network:
    """Return a description to whose events and wiring faults those of a script are added, after its own."""
    events = tuple(row for row in faults if isinstance(row, SupplyEvent))
    wiring = tuple(row for row in faults if not isinstance(row, SupplyEvent))
    supply = network.supply.model_copy(update={"events": (*network.supply.events, *events)})
    return network.model_copy(update={"supply": supply, "wiring": (*network.wiring, *wiring)})
