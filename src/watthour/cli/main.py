"""Where the program begins and ends: one exit status, and every mistake in one line.

Nothing heavy is imported before it is needed: ``watthour --version`` answers without the command framework,
and samples are touched by ``run`` alone.
"""

import gc
import platform
import sys
from typing import TYPE_CHECKING

from watthour import __version__
from watthour.cli.stopping import end_undisturbed
from watthour.errors import WatthourError

if TYPE_CHECKING:
    from cyclopts import CycloptsError

WRONG_USAGE = 2
_HELP = "watthour --help lists commands and options"


def main() -> None:
    """Run the program with the arguments it was started with, and exit."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"watthour {__version__}\n")
        return
    if sorted(arguments) == ["--verbose", "--version"]:
        sys.exit(_tell_version())
    status = _run(arguments)
    end_undisturbed()
    gc.freeze()  # what is left ends with the process: to search it for cycles would take half a second
    sys.exit(status)


def _tell_version() -> int:
    """Say which software this is, to the line, and on what it runs."""
    from watthour.host.software_identification import own_identification  # noqa: PLC0415 - see above

    try:
        software_id = own_identification()
    except WatthourError as problem:
        return _complain(str(problem), problem.exit_code)
    system = f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    sys.stdout.write(f"watthour {__version__}\nsoftware identification {software_id}\n{system}\n")
    return 0


def _run(arguments: list[str]) -> int:
    """Run a command and return the exit status."""
    from cyclopts import CycloptsError  # noqa: PLC0415 - see above

    from watthour.cli.commands import app  # noqa: PLC0415

    try:
        status = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as problem:
        return _complain(f"{_wrong_words(problem)} ({_HELP})", WRONG_USAGE)
    except WatthourError as problem:
        return _complain(str(problem), problem.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as problem:
        return _complain(f"what was to be printed could not be written: {problem.strerror or problem}", 1)
    return status if isinstance(status, int) else 0


def _wrong_words(problem: "CycloptsError") -> str:
    """Return what the command framework refuses, in one line."""
    from cyclopts import UnusedCliTokensError  # noqa: PLC0415 - see above

    if isinstance(problem, UnusedCliTokensError) and problem.unused_tokens:
        return f"{' '.join(problem.unused_tokens)}: not expected here"
    return str(problem).strip().splitlines()[-1]


def _complain(text: str, status: int) -> int:
    sys.stderr.write(f"watthour: {text}\n")
    return status
