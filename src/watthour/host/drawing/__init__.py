"""Pictures of an installation's day and of a calendar's year, as SVG and as pages of HTML that stand alone."""

from watthour.host.drawing.calendar_page import year_page
from watthour.host.drawing.calendar_year import rate_colours, year_picture
from watthour.host.drawing.page import day_page
from watthour.host.drawing.picture import day_picture
from watthour.host.drawing.writing import write_day, write_year

__all__ = ["day_page", "day_picture", "rate_colours", "write_day", "write_year", "year_page", "year_picture"]
