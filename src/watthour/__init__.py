"""watthour: a three-phase energy meter in software, from samples to a checked invoice."""

__version__ = "0.1.0"
