"""What a calibration found, as tables: the correction of each channel, and each load's error before and after."""

from rich.console import Group, RenderableType

from watthour.host.terminal.tables import empty_table
from watthour.metrology.calibration import CHANNELS
from watthour.typetest.calibration import CalibrationReport


def calibration_tables(report: CalibrationReport) -> RenderableType:
    """Return the tables of a calibration; what follows ± is a standard uncertainty."""
    found = report.calibration
    channels = empty_table("Correction", "", "gain", "±ppm", "offset", "±", "delay μs", "±")
    for place, name in enumerate(CHANNELS):
        unit = name[0].replace("I", "A")
        channels.add_row(
            name,
            f"{found.correction.gain[place]:.7f}",
            f"{1e6 * found.gain_uncertainty[place]:.2f}",
            f"{found.correction.offset[place]:.6f} {unit}",
            f"{found.offset_uncertainty[place]:.1g}",
            f"{1e6 * found.correction.delay_s[place]:.4f}",
            f"{1e6 * found.delay_uncertainty_s[place]:.4f}",
        )
    loads = empty_table("Error in percent", "load", "", "quantity", "before", "after", "±", left=3)
    for error in report.errors:
        loads.add_row(
            error.load,
            error.phase,
            error.quantity,
            f"{error.before_percent:+.4f}",
            f"{error.after_percent:+.5f}",
            f"{error.scatter_percent:.5f}",
        )
    return Group(channels, "", loads, "")
