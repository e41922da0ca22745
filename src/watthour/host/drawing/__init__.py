"""Pictures of an installation's day, as SVG and as a page of HTML that stands alone."""

from watthour.host.drawing.page import day_page
from watthour.host.drawing.picture import day_picture
from watthour.host.drawing.writing import write_day

__all__ = ["day_page", "day_picture", "write_day"]
