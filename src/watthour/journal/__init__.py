"""What must survive a stop, as records that are not believed blindly."""

from watthour.journal.record import from_bytes, to_bytes

__all__ = ["from_bytes", "to_bytes"]
