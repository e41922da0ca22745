"""Meters made wrong on purpose and calibrated: the error of their registers over the current, 60 s a point.

Three standard uncertainties are added to each error: a figure is what nearly any seed of the noise stays within. What
counting in whole microwatt-hours takes, up to one of each phase, is shown beside it and left out of the verdict.
"""

import sys
from dataclasses import replace

from watthour.models import CURRENT_RANGES
from watthour.typetest.calibrated import CalibratedPoint, measure_point
from watthour.typetest.calibration import ReferenceLoad, SineLoad, bench_blocks, run_calibration
from watthour.waveform.front_end import FRONT_ENDS

RANGE = CURRENT_RANGES[0]
WRONG = {
    "gain": (1.03, 0.97, 1.03, 1.03, 0.97, 1.03),
    "offset": (0.005, -0.005, 0.005, 0.005, -0.005, 0.005),
    "delay_s": (0.0, 12e-6, -12e-6, 12e-6, -12e-6, 12e-6),
}
FREQUENCY_HZ = 49.97
POINT_S = 60
BARS = (
    # front end, currents in amperes, angle in degrees, bar in percent
    ("16 bit", (6.0, 5.0, 1.0, 0.25, 0.05, 0.02, 0.01, 0.006), 0.0, 0.1),
    ("16 bit", (6.0, 5.0, 1.0, 0.25, 0.05, 0.02, 0.01, 0.006), 60.0, 0.2),
    ("24 bit", (6.0, 1.0, 0.05, 0.01, 0.006, 0.003, 0.0012), 0.0, 0.02),
)


def sine(current_a: float, angle_deg: float, duration_s: int) -> SineLoad:
    name = f"{current_a:g} A at {angle_deg:g} degrees"
    return SineLoad(
        name=name,
        voltage_v=230.0,
        current_a=current_a,
        angle_deg=angle_deg,
        frequency_hz=FREQUENCY_HZ,
        duration_s=duration_s,
    )


def calibrated(name: str):  # noqa: ANN201 - a mapping of settings
    front_end = replace(FRONT_ENDS[name], **WRONG)
    loads = []
    for seed, load in enumerate((sine(5.0, 0.0, 20), sine(5.0, 60.0, 20))):
        blocks = lambda load=load, seed=seed: bench_blocks(load, front_end, RANGE, seed=seed)  # noqa: E731
        loads.append(ReferenceLoad(reference=load.reference, blocks=blocks))
    return front_end, run_calibration(loads, lambda _: None).settings


def line(point: CalibratedPoint, bar: float) -> str:
    verdict = "inside" if point.reach_percent <= bar else "OUTSIDE"
    return (
        f"  {point.load.current_a * 1e3:6.1f} mA: error {point.error_percent:+.4f} %, standard uncertainty {point.scatter_percent:.4f} % "
        f"(worst phase alone {point.phase_scatter_percent:.4f} %), whole counts up to {point.quantum_percent:.4f} %; three uncertainties reach {point.reach_percent:.4f} %: {verdict} {bar} %"
    )


def main() -> int:
    """Print every point and return 1 if one is outside its bar."""
    found = {name: calibrated(name) for name in dict.fromkeys(row[0] for row in BARS)}
    outside = 0
    for name, currents, angle_deg, bar in BARS:
        front_end, settings = found[name]
        print(f"{name}, {'PF 1' if angle_deg == 0 else 'PF 0.5 ind'}, balanced, 8000 samples/s, {POINT_S} s a point")
        for seed, current_a in enumerate(currents, start=100):
            point = measure_point(sine(current_a, angle_deg, POINT_S), front_end, RANGE, settings, seed=seed)
            print(line(point, bar), flush=True)
            outside += point.reach_percent > bar
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
