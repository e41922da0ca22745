"""A year of the workshop by the second, through the whole program: its seconds against a minute, and its peak memory.

Rates of the Spanish 3.0TD tariff, load profile, demand and closings included.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

YEAR_S = 365 * 86400
BAR_S = 60
TARIFF = '[tariff]\ncalendar = "es/3.0TD/peninsula"\n'
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def main() -> None:
    """Print how long a year takes on one core."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "year.toml"
        network = EXAMPLES / "workshop.network.toml"
        config.write_text(f'[meter]\nct = "200/5"\n[source]\nnetwork = "{network}"\nphasors = true\n{TARIFF}')
        words = ["run", str(config), "--speed", "max", "--duration", str(YEAR_S), "--json"]
        begun_s = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "watthour", *words], capture_output=True, text=True, check=True)
        wall_s = time.monotonic() - begun_s
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(done.stdout.splitlines()[-1])
    cpu_s = used.ru_utime + used.ru_stime
    print(
        f"a simulated year by phasors: {wall_s:.1f} s, {cpu_s:.1f} s of processor time, bar {BAR_S} s, peak {used.ru_maxrss / 1024:.0f} MB"
    )
    rates = [result["exact"][f"t{n}_import_microwh"] for n in range(1, 9)]
    print(f"rates less total: {sum(rates) - result['exact']['import_microwh']} µWh; ", end="")
    print(", ".join(f"T{n} {micro / 1e9:.3f} kWh" for n, micro in enumerate(rates, 1) if micro))
    print(f"{result['samples']} seconds metered, {result['exact']['import_microwh'] / 1e9:.3f} kWh imported")


if __name__ == "__main__":
    main()
