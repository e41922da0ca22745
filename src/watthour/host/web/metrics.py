"""What Prometheus is told: each value under its own name, and energies that never roll over as counters."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from watthour.host.lines import MeterPort
from watthour.units import ENERGIES, MICRO, REGISTER_SETS, VALUE_BY_NAME, energy_name, exact_name

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_HARMONIC = "_h"
_ENERGIES = {energy_name(energy, prefix): exact_name(energy, prefix) for prefix in REGISTER_SETS for energy in ENERGIES}


class MeterCollector(Collector):
    """A meter's values as metrics."""

    def __init__(self, port: MeterPort) -> None:
        self._port = port

    def collect(self) -> Iterator[Metric]:
        """Yield a metric for each value that is known; harmonics order by order are left to ``/api/v1``."""
        view = self._port.view()
        labels = [str(view.serial), view.model]
        for name in view.values:
            if f"{_HARMONIC}" in name.removeprefix("voltage").removeprefix("current") and name.endswith("_percent"):
                continue
            value = view.values[name]
            row = VALUE_BY_NAME[name]
            help_text = f"{row.meaning}, {row.unit}"
            if name in _ENERGIES and _ENERGIES[name] in view.exact:
                counter = CounterMetricFamily(f"watthour_{name}", help_text, labels=["serial", "model"])
                counter.add_metric(labels, view.exact[_ENERGIES[name]] / MICRO)
                yield counter
            elif value is not None:
                gauge = GaugeMetricFamily(f"watthour_{name}", help_text, labels=["serial", "model"])
                gauge.add_metric(labels, float(value))
                yield gauge
        powered = GaugeMetricFamily("watthour_powered", "1 with voltage on any phase", labels=["serial", "model"])
        powered.add_metric(labels, int(view.powered))
        yield powered


def metrics_of(port: MeterPort) -> bytes:
    """Return a meter's values in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MeterCollector(port))
    return generate_latest(registry)
