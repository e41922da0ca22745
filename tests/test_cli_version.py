"""``watthour --version`` answers at once: nothing heavy is imported for it."""

import subprocess
import sys

from watthour import __version__

ASK = """
import sys
sys.argv = ["watthour", "--version"]
from watthour.cli import main
try:
    code = main()
except SystemExit as end:
    code = end.code
print("heavy:", sorted({"cyclopts", "numpy", "numba", "pydantic", "rich"} & set(sys.modules)))
print("exit:", code or 0)
"""


def test_the_version_is_said_without_the_command_framework_numpy_or_numba():
    asked = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False, timeout=60)
    assert asked.stderr == ""
    version, heavy, code = asked.stdout.strip().splitlines()
    assert __version__ in version
    assert heavy == "heavy: []"
    assert code == "exit: 0"
