"""Recordings on disk, opened and read in blocks as sources of samples."""

from watthour.host.recordings.opening import open_recording
from watthour.host.recordings.recording import Recording

__all__ = ["Recording", "open_recording"]
