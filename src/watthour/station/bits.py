"""A view as coils and discrete inputs.

In: the rows of one model and a view. Out: the state of each bit, and the command that switching a coil asks for. What a request
may ask is not known here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from watthour.maps.modbus import BITS
from watthour.maps.register import Bit, BitTable
from watthour.models import has_feature, model_of
from watthour.parameters import Interface
from watthour.units import RATES
from watthour.view import ClosePeriod, Command, ResetPartial, SelectRate, View


@dataclass(frozen=True, slots=True, kw_only=True)
class BitLayout:
    """The bits of one table that a model has, by their addresses."""

    rows: Mapping[int, Bit]

    def states(self, view: View, start: int, count: int) -> tuple[bool, ...] | None:
        """Return the states of bits that follow one another; None where one of them does not exist."""
        wanted = [self.rows.get(address) for address in range(start, start + count)]
        return None if None in wanted else tuple(_READERS[row.name](view) for row in wanted if row is not None)


@cache
def bits_of(model: str, table: BitTable) -> BitLayout:
    """Return the bits of a model, by its code or name."""
    having = model_of(model)
    rows = {row.address: row for row in BITS if row.table is table and has_feature(having, row.needs)}
    return BitLayout(rows=MappingProxyType(rows))


def command_of(row: Bit) -> Command:
    """Return what a coil that is switched on asks for."""
    return _COMMANDS[row.name]


def _selected(rate: int) -> Callable[[View], bool]:
    return lambda view: view.selected_rate == rate


_SELECTS = {f"select_{name}": rate for rate, name in enumerate(RATES, 1)}

_READERS: Mapping[str, Callable[[View], bool]] = MappingProxyType(
    {
        "partial_reset": lambda _: False,
        "close_period": lambda _: False,
        "input1_closed": lambda view: bool(view.values.get("input1_closed")),
        "input2_closed": lambda view: bool(view.values.get("input2_closed")),
        "warning": lambda view: bool(view.warnings),
        "finding": lambda view: bool(view.diagnosis),
        **{name: _selected(rate) for name, rate in _SELECTS.items()},
    }
)

_COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "partial_reset": ResetPartial(interface=Interface.BUS),
        "close_period": ClosePeriod(interface=Interface.BUS),
        **{name: SelectRate(rate=rate, interface=Interface.BUS) for name, rate in _SELECTS.items()},
    }
)
