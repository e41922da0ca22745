"""Data only: which value sits where on a bus, read alike by the station, the head-end and the printed map."""

from watthour.maps.register import Access, Encodable, Register, Status, Type

__all__ = ["Access", "Encodable", "Register", "Status", "Type"]
