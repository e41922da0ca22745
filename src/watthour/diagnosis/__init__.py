"""What an installer got wrong, from quantities alone: of one window, or of many that follow one another."""

from watthour.diagnosis.following import Course, follow
from watthour.diagnosis.judging import diagnose
from watthour.diagnosis.terminals import Plate

__all__ = ["Course", "Plate", "diagnose", "follow"]
