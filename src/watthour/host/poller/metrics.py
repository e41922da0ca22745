"""A page for Prometheus: what holds of each place now. What does not hold is not on it, and never 0."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import start_http_server
from prometheus_client.registry import Collector

from watthour.errors import ListenError
from watthour.headend.counting import Grid
from watthour.host.instants import now_ns
from watthour.host.poller.latest import Latest
from watthour.units import MICRO, NANOSECONDS, energy_name

_LABELS = ("place", "serial")


class Newest(Collector):
    """The newest of every place as metrics, made when they are asked for."""

    def __init__(self, latest: Latest, grid: Grid) -> None:
        self._latest = latest
        self._grid = grid

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        at_ns = now_ns()
        up = GaugeMetricFamily("watthour_up", "1 while a meter answers, else 0", labels=["place"])
        read = GaugeMetricFamily("watthour_last_read_timestamp_seconds", "Instant of the last reading", labels=_LABELS)
        events = CounterMetricFamily("watthour_events", "Events since the poll began", labels=["place"])
        gauges: dict[str, GaugeMetricFamily] = {}
        counters: dict[str, CounterMetricFamily] = {}
        for newest in tuple(self._latest.places.values()):
            is_available = newest.is_available(at_ns, self._grid.step_ns)
            up.add_metric([newest.place], int(is_available))
            events.add_metric([newest.place], newest.events)
            if newest.reading is None:
                continue
            labels = (newest.place, newest.reading.serial)
            read.add_metric(labels, newest.reading.time_ns / NANOSECONDS)
            for name, value in newest.reading.values.items() if is_available else ():
                if value is not None and not name.endswith(("_wh", "_varh")):
                    gauge = gauges.setdefault(name, GaugeMetricFamily(f"watthour_{name}", name, labels=_LABELS))
                    gauge.add_metric(labels, float(value))
            for energy, micro in newest.count.total.items() if newest.count is not None else ():
                name = energy_name(energy)
                words = f"Energy of the place since it was first read, {name}"
                family = counters.setdefault(name, CounterMetricFamily(f"watthour_{name}", words, labels=["place"]))
                family.add_metric([newest.place], micro / MICRO)
        yield from (up, read, events, *gauges.values(), *counters.values())


async def serve_metrics(address: tuple[str, int], latest: Latest, grid: Grid) -> Callable[[], None]:
    """Serve the page; return what ends it.

    Raises
    ------
    ListenError
        If the port cannot be had.
    """
    registry = CollectorRegistry()
    registry.register(Newest(latest, grid))
    host, port = address
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as problem:
        msg = f"{host}:{port}: the page for Prometheus cannot be served ({problem.strerror}); name another address in [metrics]"
        raise ListenError(msg) from None

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end
