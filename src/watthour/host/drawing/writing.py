"""Pictures as files."""

from pathlib import Path

from watthour.errors import UsageError
from watthour.host.drawing.page import day_page
from watthour.host.drawing.picture import day_picture
from watthour.waveform.network import Day


def write_day(day: Day, name: str, *, html: Path | None, svg: Path | None) -> None:
    """Write a day as a page, as a picture, or both.

    Raises
    ------
    UsageError
        If a file cannot be written.
    """
    for path, draw in ((html, day_page), (svg, day_picture)):
        if path is not None:
            try:
                path.write_text(draw(day, name), "utf-8")
            except OSError as problem:
                msg = f"{path}: cannot be written: {problem.strerror}; name another place"
                raise UsageError(msg) from None
