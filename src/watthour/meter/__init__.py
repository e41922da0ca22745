"""The instrument: step it with samples, view it, command it. Deterministic, without a clock of its own."""

from watthour.meter.instrument import Meter
from watthour.meter.past import row_from_record, row_to_record
from watthour.meter.snapshot import state_from_record, state_to_record
from watthour.meter.state import MeterState, first_state

__all__ = ["Meter", "MeterState", "first_state", "row_from_record", "row_to_record", "state_from_record", "state_to_record"]
