"""What a type test found, as a whole, and as the JSON object that is written.

In: findings. Out: the verdict, and the documented object.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from watthour.errors import UsageError
from watthour.typetest import Bench, Checked, Finding, Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTest:
    """A whole type test.

    Parameters
    ----------
    benches : sequence of Bench
        One for each current range.
    findings : sequence of Judged and Checked
    software_id : str
    time : str
        When it was carried out, ISO 8601.
    quick : bool
        Whether it was the quick part.
    planted : str
        The fault that was planted, in words; empty: none.
    """

    benches: Sequence[Bench]
    findings: Sequence[Finding]
    software_id: str
    time: str
    quick: bool
    planted: str = ""

    @property
    def points(self) -> list[Judged]:
        """What is judged in percent."""
        return [finding for finding in self.findings if isinstance(finding, Judged)]

    @property
    def checks(self) -> list[Checked]:
        """The rest."""
        return [finding for finding in self.findings if isinstance(finding, Checked)]

    @property
    def failures(self) -> list[Finding]:
        """What did not pass."""
        return [finding for finding in self.findings if not finding.passed]

    @property
    def passed(self) -> bool:
        """Whether everything passed, and there was something to pass."""
        return bool(self.findings) and not self.failures


def result_of(test: TypeTest) -> dict[str, object]:
    """Return the object that ``--json`` writes."""
    return {
        "passed": test.passed,
        "software_id": test.software_id,
        "points": [
            {
                "test": each.test,
                "condition": each.condition,
                "quantity": each.quantity,
                "front_end": each.front_end,
                "error_percent": each.error_percent,
                "limit_percent": each.limit_percent,
                "passed": each.passed,
            }
            for each in test.points
        ],
        "checks": [
            {
                "test": each.test,
                "condition": each.condition,
                "observed": each.observed if math.isfinite(each.observed) else None,
                "limit": each.limit,
                "passed": each.passed,
            }
            for each in test.checks
        ],
    }


def require_writable(path: Path) -> None:
    """Refuse a place that cannot be written, before the work that would be lost.

    Raises
    ------
    UsageError
    """
    existed = path.exists()
    try:
        with path.open("a", encoding="utf-8"):
            pass
        if not existed:
            path.unlink()
    except OSError as problem:
        raise _unwritable(path, problem) from None


def write_results(test: TypeTest, *, json_file: Path | None, report: Path | None, draw: Callable[[TypeTest], str]) -> None:
    """Write the object, the page, or both.

    Raises
    ------
    UsageError
        If a file cannot be written.
    """
    for path, write in ((json_file, lambda found: json.dumps(result_of(found), indent=1) + "\n"), (report, draw)):
        if path is not None:
            try:
                path.write_text(write(test), "utf-8")
            except OSError as problem:
                raise _unwritable(path, problem) from None


def _unwritable(path: Path, problem: OSError) -> UsageError:
    return UsageError(f"{path}: cannot be written: {problem.strerror}; name another place")
