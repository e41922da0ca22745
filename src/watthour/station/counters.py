"""What a station counts of its serial line, for function 08 (Application Protocol V1.1b3, 6.8; Serial Line V1.02, annex A).

In: what the line carried, and what was answered. Out: a diagnostic's reply. Counts are modulo 2^16, as they travel.
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from watthour.wire.modbus.about import Diagnostic, DiagnosticMessage

_MODULUS = 0x1_0000

SHARED: Mapping[int, str] = MappingProxyType(
    {Diagnostic.BUS_MESSAGES: "bus messages", Diagnostic.BUS_COMMUNICATION_ERRORS: "communication errors"}
)
"""What every station on a line counts alike: frames with a right CRC, whoever is meant, and bytes that were none."""


class LineCounters:
    """The counts of the stations on one line."""

    def __init__(self, stations: int) -> None:
        self._line: Counter[int] = Counter()
        self._own: list[Counter[int]] = [Counter() for _ in range(stations)]

    def heard(self, what: Diagnostic) -> None:
        """Count what the line carried: a frame, or damage."""
        self._line[what] += 1

    def count(self, station: int, what: Diagnostic) -> None:
        """Count what concerned one station."""
        self._own[station][what] += 1

    def clear(self, station: int) -> None:
        """Begin all counts of a station again at 0."""
        self._own[station] = Counter({what: -self._line[what] for what in SHARED})

    def answer(self, station: int, request: DiagnosticMessage) -> DiagnosticMessage:
        """Return the reply to a diagnostic, carried out."""
        if request.sub == Diagnostic.RETURN_QUERY_DATA:
            return request
        if request.sub == Diagnostic.CLEAR_COUNTERS:
            self.clear(station)
            return request
        number = self._own[station][request.sub] + (self._line[request.sub] if request.sub in SHARED else 0)
        return DiagnosticMessage(sub=request.sub, data=(number % _MODULUS).to_bytes(2, "big"))
