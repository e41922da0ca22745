"""What a line needs: of a meter its newest view, the time since its source began, and somewhere to ask; of a place its address."""

from typing import Protocol

from watthour.view import Command, Outcome, View


class MeterPort(Protocol):
    """A meter as lines and pages see it."""

    def view(self) -> View:
        """Return the newest view; the same object as long as there is no newer one."""

    def sample_time_s(self) -> float:
        """Return the sample time of the newest view, counted from the source's first sample."""

    async def ask(self, command: Command) -> Outcome:
        """Carry a command to the meter and return its outcome."""


class HostAndPort(Protocol):
    """A place on a network to listen at."""

    @property
    def host(self) -> str:
        """Name or address."""

    @property
    def port(self) -> int:
        """Number of the port."""
