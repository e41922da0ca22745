"""The other end of the bus: what any meter's registers say, and what becomes of the energy of a place between two reads."""
