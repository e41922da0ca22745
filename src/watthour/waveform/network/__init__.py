"""A simulated installation: a description of supply and loads becomes samples, or seconds, at the meter's terminals."""

from watthour.waveform.network.description import Network
from watthour.waveform.network.source import NetworkSource, PhasorSource

__all__ = ["Network", "NetworkSource", "PhasorSource"]
