"""What must survive a stop, as records that are not believed blindly, and the chain of what happened."""

from watthour.journal.chain import Entry, Head, after, anchor_fault, append, beginning, chain_faults, link
from watthour.journal.record import from_bytes, row_from_bytes, row_to_bytes, to_bytes

__all__ = [
    "Entry",
    "Head",
    "after",
    "anchor_fault",
    "append",
    "beginning",
    "chain_faults",
    "from_bytes",
    "link",
    "row_from_bytes",
    "row_to_bytes",
    "to_bytes",
]
