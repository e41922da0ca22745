"""A simulated installation: a description of supply and loads becomes samples, or seconds, at the meter's terminals."""

from watthour.waveform.network.contacts import Schedule, Switching
from watthour.waveform.network.day import Day, day_of
from watthour.waveform.network.description import Network
from watthour.waveform.network.plant import PlantScript, with_plant_faults
from watthour.waveform.network.source import NetworkSource, PhasorSource

__all__ = [
    "Day",
    "Network",
    "NetworkSource",
    "PhasorSource",
    "PlantScript",
    "Schedule",
    "Switching",
    "day_of",
    "with_plant_faults",
]
