"""What meters have kept, taken out of their data directories as tables."""

from watthour.host.readings.directories import MeterProfile, read_profiles
from watthour.host.readings.export import export_csv, export_parquet, rows_between

__all__ = ["MeterProfile", "export_csv", "export_parquet", "read_profiles", "rows_between"]
