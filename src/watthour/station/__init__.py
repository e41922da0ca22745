"""The meter as a station on a bus: a message and a view become a reply, or a command to ask."""
