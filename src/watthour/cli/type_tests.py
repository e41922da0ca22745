"""``watthour typetest``: the meter driven through its accuracy class."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from watthour.errors import WatthourError


def typetest(
    *,
    json: Path | None = None,
    report: Path | None = None,
    quick: Annotated[bool, Parameter(negative="")] = False,
    model: Annotated[list[str] | None, Parameter(negative="")] = None,
    range: Annotated[list[int] | None, Parameter(negative="")] = None,  # noqa: A002
    front_end: str = "24 bit",
    rate: float = 8000.0,
    seconds: int = 60,
    gain_error: float = 0.0,
    calibration: Path | None = None,
    jobs: Annotated[int | None, Parameter(validator=Number(gte=1, lte=256))] = None,
) -> None:
    """Drive the meter through its accuracy class; exit 1 when a point fails.

    Parameters
    ----------
    json
        Write every point and check to this file.
    report
        Write the report to this file: one page of HTML that stands alone.
    quick
        The part that takes about a minute on two processors.
    model
        Code or name of a model; may be repeated. Without it: one MID and one IEC model.
    range
        5 or 1, the transformers' secondary amperes; may be repeated. Without it: both.
    front_end
        What stands before the meter: ideal, "16 bit" or "24 bit".
    rate
        Samples per second.
    seconds
        Length of a record.
    gain_error
        Plant a fault: the voltage channels are off by this many percent.
    calibration
        Calibration job (TOML) of a simulated bench: its front end with its errors, its range, the meter calibrated by its loads first.
    jobs
        Processes; without it as many as there are processors.
    """
    from watthour.host.typetest import Wish, report_page, run_type_test, summary_lines, write_results  # noqa: PLC0415
    from watthour.host.typetest.results import require_writable  # noqa: PLC0415
    from watthour.host.typetest.running import DEFAULT_MODELS  # noqa: PLC0415

    for path in (json, report):
        if path is not None:
            require_writable(path)
    test = run_type_test(
        Wish(
            models=model or DEFAULT_MODELS,
            ranges=range or (5, 1),
            front_end=front_end,
            rate_hz=rate,
            seconds=seconds,
            quick=quick,
            gain_error_percent=gain_error,
            calibration=calibration,
            jobs=jobs,
        )
    )
    write_results(test, json_file=json, report=report, draw=report_page)
    sys.stdout.write("".join(f"{line}\n" for line in summary_lines(test)))
    sys.stdout.flush()
    if not test.passed:
        msg = f"the type test failed: {len(test.failures)} of {len(test.findings)}"
        raise WatthourError(msg)
