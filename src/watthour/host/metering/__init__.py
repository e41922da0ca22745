"""A meter at work: its source opened, its thread running, its state kept."""

from watthour.host.metering.pulse_file import PulseFile
from watthour.host.metering.thread import MeteringThread, Pace, Progress
from watthour.host.metering.warming import warm
from watthour.host.metering.work import Work, begin_work

__all__ = ["MeteringThread", "Pace", "Progress", "PulseFile", "Work", "begin_work", "warm"]
