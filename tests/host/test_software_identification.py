"""The identification of this program: the same from the sources and from a wheel, and said where it is asked."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from watthour.errors import StoreError
from watthour.host import software_identification as module
from watthour.meter.identification import software_identification

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def own():
    return module.own_identification()


def test_a_wheel_has_the_same_as_the_sources(own, tmp_path):
    build = "from hatchling.builders.wheel import WheelBuilder; import sys; print(*WheelBuilder(sys.argv[1]).build(directory=sys.argv[2]))"
    subprocess.run([sys.executable, "-c", build, ROOT, tmp_path], check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        sources = {
            name.removeprefix("watthour/"): packed.read(name) for name in packed.namelist() if name.startswith("watthour/")
        }
    assert software_identification(sources) == own


def test_version_verbose_says_it(own):
    asked = subprocess.run(
        [sys.executable, "-m", "watthour", "--version", "--verbose"], capture_output=True, text=True, check=True, timeout=60
    )
    assert f"software identification {own}\n" in asked.stdout
    assert re.fullmatch("[0-9a-f]{64}", own)


def test_an_installation_without_a_part_is_refused(monkeypatch, tmp_path):
    (tmp_path / "meter").mkdir()
    (tmp_path / "meter" / "state.py").write_text("x = 1\n")
    monkeypatch.setattr(module, "files", lambda _: tmp_path)
    with pytest.raises(StoreError, match=r"lacks the sources of errors, history, journal, metrology"):
        module.own_identification.__wrapped__()
