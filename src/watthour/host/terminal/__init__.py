"""What people see in a terminal: the live meter, progress, tables, and one line for each thing that happens."""

from watthour.host.terminal.calendar_year import calendar_list, calendar_year
from watthour.host.terminal.calibration import calibration_tables
from watthour.host.terminal.live import Scene, Watching, watched
from watthour.host.terminal.log import event_line, say
from watthour.host.terminal.network import network_day
from watthour.host.terminal.tables import (
    findings_table,
    map_table,
    mbus_table,
    models_table,
    rack_table,
    reading_tables,
    value_tables,
    view_tables,
)

__all__ = [
    "Scene",
    "Watching",
    "calendar_list",
    "calendar_year",
    "calibration_tables",
    "event_line",
    "findings_table",
    "map_table",
    "mbus_table",
    "models_table",
    "network_day",
    "rack_table",
    "reading_tables",
    "say",
    "value_tables",
    "view_tables",
    "watched",
]
