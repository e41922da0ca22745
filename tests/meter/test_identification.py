"""The software identification: every byte of the legally relevant part, and nothing else, in one digest."""

import runpy
import subprocess
from pathlib import Path

import pytest

from watthour.meter.identification import LEGALLY_RELEVANT, is_legally_relevant, software_identification

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "src" / "watthour"
SOURCES = {"units.py": b"A = 1\n", "meter/state.py": b"B = 2\n"}


def test_it_covers_the_meter_and_all_that_it_may_import():
    allowed = runpy.run_path(str(ROOT / "tests" / "test_architecture.py"))["ALLOWED"]
    reached, todo = set(), ["meter"]
    while todo:
        part = todo.pop()
        reached.add(part)
        todo += [name for name in allowed[part].split() if name not in reached]
    assert sorted(reached) == list(LEGALLY_RELEVANT)


def test_sha256sum_finds_the_same():
    sources = {str(path.relative_to(PACKAGE)): path.read_bytes() for path in PACKAGE.rglob("*.py")}
    names = [name for name in (*LEGALLY_RELEVANT, *(f"{part}.py" for part in LEGALLY_RELEVANT)) if (PACKAGE / name).exists()]
    script = f"find {' '.join(names)} -name '*.py' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    told = subprocess.run(["sh", "-c", script], cwd=PACKAGE, capture_output=True, text=True, check=True, timeout=60)
    assert software_identification(sources) == told.stdout.split()[0]


@pytest.mark.parametrize("path", sorted(SOURCES))
def test_a_changed_byte_changes_it(path):
    changed = {**SOURCES, path: SOURCES[path] + b"#"}
    assert software_identification(changed) != software_identification(SOURCES)


def test_a_file_more_or_of_another_name_changes_it():
    found = {
        software_identification(SOURCES),
        software_identification({**SOURCES, "meter/more.py": b""}),
        software_identification({"units.py": b"A = 1\n", "meter/other.py": b"B = 2\n"}),
        software_identification({"units.py": b"B = 2\n", "meter/state.py": b"A = 1\n"}),
    }
    assert len(found) == 4


def test_order_line_ends_and_what_is_not_legally_relevant_change_nothing():
    other = {"host/config.py": b"x", "meter/notes.txt": b"x", "meter/state.py": b"B = 2\r\n", "units.py": b"A = 1\n"}
    assert software_identification(other) == software_identification(SOURCES)


def test_a_name_that_only_begins_alike_is_another_part():
    assert not is_legally_relevant("metering/x.py")
    assert not is_legally_relevant("unitsx.py")
