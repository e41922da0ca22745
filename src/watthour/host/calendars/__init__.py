"""Calendars by name or by file: those of the package, people's own in TOML, and the DLMS shape in JSON."""

from watthour.host.calendars.naming import bundled_names, is_file_name, read_calendar
from watthour.host.calendars.writing import as_dlms_json, as_toml, write_calendar

__all__ = ["as_dlms_json", "as_toml", "bundled_names", "is_file_name", "read_calendar", "write_calendar"]
