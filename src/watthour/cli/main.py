"""Where the program begins and ends: one exit status, and every mistake in one line.

Nothing heavy is imported before it is needed: ``watthour --version`` answers without the command framework,
and samples are touched by ``run`` alone.
"""

import sys

from watthour import __version__
from watthour.errors import WatthourError

WRONG_USAGE = 2


def main() -> None:
    """Run the program with the arguments it was started with, and exit."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"watthour {__version__}\n")
        return
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    """Run a command and return the exit status."""
    from cyclopts import CycloptsError  # noqa: PLC0415 - see above

    from watthour.cli.commands import app  # noqa: PLC0415

    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as problem:
        return _complain(f"{str(problem).strip().splitlines()[-1]} (watthour --help lists commands and options)", WRONG_USAGE)
    except WatthourError as problem:
        return _complain(str(problem), problem.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return 0


def _complain(text: str, status: int) -> int:
    sys.stderr.write(f"watthour: {text}\n")
    return status
