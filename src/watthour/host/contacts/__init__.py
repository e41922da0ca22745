"""What closes the digital inputs of a meter: schedules, files and FIFOs of lines, the pulse outputs of other meters."""

from watthour.host.contacts.feed import ContactFeed
from watthour.host.contacts.fifo import ContactFifo, is_fifo
from watthour.host.contacts.replayed import ScheduledContacts, WrittenContacts, read_contacts
from watthour.host.contacts.wire import KEPT_IN, Wire, kept_starts
from watthour.host.contacts.wiring import Wiring, wiring_of

__all__ = [
    "KEPT_IN",
    "ContactFeed",
    "ContactFifo",
    "ScheduledContacts",
    "Wire",
    "Wiring",
    "WrittenContacts",
    "is_fifo",
    "kept_starts",
    "read_contacts",
    "wiring_of",
]
