"""Who may import whom, and who may touch the world: the law, as data, with planted sins that it refuses.

`ALLOWED` is the import table: one row a part of ``src/watthour``, in the order the data flows. A new edge is a
reviewed line here. Everything is read from the sources with `ast`, so that imports inside functions and under
TYPE_CHECKING count too.
"""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from textwrap import dedent

import pytest


def words(row: str) -> frozenset[str]:
    """Return the words of a row."""
    return frozenset(row.split())


PACKAGE = Path(__file__).resolve().parent.parent / "src" / "watthour"

ALLOWED: dict[str, str] = {
    "units": "",
    "errors": "",
    "history": "",
    "samples": "errors",  # a block refuses samples that no meter can use
    "parameters": "units errors",
    "models": "units errors parameters",
    "view": "units errors parameters history",
    "metrology": "units errors samples",
    "registers": "units errors history metrology",  # they make what the view shows of the past
    "tariff": "units errors",
    "journal": "units errors",
    "pulses": "units errors registers",
    "meter": "units errors history samples parameters models view metrology registers tariff pulses journal",
    "waveform": "units errors samples models",
    "diagnosis": "units view",
    "face": "units errors history models parameters view",  # closings are pages too
    "maps": "units history parameters",
    "wire": "errors",
    "station": "units errors history models parameters view maps wire",
    "headend": "units errors history view maps wire diagnosis",
    "billing": "units errors tariff headend",
    "typetest": "units errors history samples models view waveform metrology pulses meter",
    "host": "units errors history samples parameters models view metrology registers tariff journal pulses meter waveform"
    " diagnosis face maps wire station headend billing typetest",
    "cli": "units errors history samples parameters models view metrology registers tariff journal pulses meter waveform"
    " diagnosis face maps wire station headend billing typetest host",
    "__main__": "cli",
}
"""Who may import whom. The root package itself (`__version__`) is open to all."""

STRANGERS = ({"host.terminal", "host.web", "host.poller"},)
"""Sets of subfolders that never import one another."""

WORLDLY = {"host", "cli"}
"""Only these open files and ports, start threads, draw entropy, print, or look at a clock."""

PURE_MODULES = words(
    "abc array base64 binascii bisect calendar cmath collections contextlib copy csv dataclasses datetime decimal enum fnmatch fractions"
    " functools hashlib heapq hmac html io itertools json math numbers operator pathlib re statistics string struct"
    " textwrap tomllib types typing typing_extensions unicodedata warnings zlib zoneinfo"
    " numba numpy orjson pydantic pydantic_core pyarrow scipy soundfile"
)
"""What the rest may import; of these some names are still worldly, see `WORLDLY_NAMES`. A new one is a reviewed word."""

WORLDLY_NAMES = words(
    "builtins.open builtins.print builtins.input builtins.exec builtins.eval builtins.compile builtins.breakpoint"
    " builtins.__import__"
    " datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today"
    " io.open io.open_code io.FileIO"
    " pathlib.Path pathlib.PosixPath pathlib.WindowsPath"
    " numpy.DataSource numpy.fromfile numpy.genfromtxt numpy.load numpy.loadtxt numpy.memmap numpy.save numpy.savetxt"
    " numpy.savez numpy.savez_compressed numpy.lib.format.open_memmap numpy.random"
    " pyarrow.OSFile pyarrow.memory_map pyarrow.input_stream pyarrow.output_stream pyarrow.fs pyarrow.dataset pyarrow.csv"
    " pyarrow.parquet.read_table pyarrow.parquet.read_metadata pyarrow.parquet.read_schema pyarrow.parquet.write_table"
    " soundfile.read soundfile.write soundfile.blocks soundfile.info"
)
"""Names, and all below them, that reach a file, a clock, entropy or a console."""

WORLDLY_METHODS = words("read_text read_bytes write_text write_bytes tofile utcnow")
"""Methods that reach a file or a clock, whatever they are called on."""

SEEDED = {"numpy.random.Generator", "numpy.random.Philox"}
"""The one way to noise: a counter-based generator, `Philox` with an explicit ``key``."""

VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "manager"}
"""Names that say nothing, of folders and of modules."""

BUILTINS = {name.removeprefix("builtins.") for name in WORLDLY_NAMES if name.startswith("builtins.")}


def module_name(path: Path, root: Path) -> str:
    """Return ``watthour.wire.modbus`` for the file of that module or package below `root`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(("watthour", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def imported(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of each thing imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = module.split(".")[: len(module.split(".")) + is_package - node.level]
                base = ".".join((*up, base) if base else up)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def wrong_edges(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """Return a line for each import of a module that the table does not allow."""
    part = module.split(".")[1] if "." in module else ""
    found = []
    for line, name in imported(ast.parse(source), module, is_package=is_package):
        top, _, below = name.partition(".")
        target = below.split(".")[0]
        if top != "watthour" or target in {part, ""} or target.startswith("__"):
            continue
        if target not in words(ALLOWED.get(part, "")):
            found.append(f"{module}:{line}: {part or 'the root package'} may not import {target}")
    return found + estranged_edges(source, module, is_package=is_package)


def estranged_edges(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """Return a line for each import between subfolders that are to know nothing of one another."""
    own = ".".join(module.split(".")[1:3])
    names = [
        (line, ".".join(name.split(".")[1:3])) for line, name in imported(ast.parse(source), module, is_package=is_package)
    ]
    return [
        f"{module}:{line}: {own} and {other} never import each other"
        for strangers in STRANGERS
        for line, other in names
        if own in strangers and other in strangers - {own}
    ]


def bindings(tree: ast.AST) -> dict[str, str]:
    """Return what each imported local name stands for: ``{"np": "numpy", "dt": "datetime.datetime"}``."""
    known = {name: f"builtins.{name}" for name in BUILTINS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            known |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return known


def dotted(node: ast.expr, known: dict[str, str]) -> str:
    """Return the full name a chain of attributes stands for, ``""`` where its root is no imported name."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    base = dotted(node.value, known) if isinstance(node, ast.Attribute) else ""
    return f"{base}.{node.attr}" if base and isinstance(node, ast.Attribute) else ""


def is_worldly(name: str) -> bool:
    """Say whether a full name is, or lies below, a worldly one."""
    steps = name.split(".")
    return name not in SEEDED and any(".".join(steps[:n]) in WORLDLY_NAMES for n in range(1, len(steps) + 1))


def is_unseeded(call: ast.Call, known: dict[str, str]) -> bool:
    """Say whether a call makes a Philox without a key, or asks numpy for the clock."""
    name = dotted(call.func, known)
    if name == "numpy.random.Philox":
        keys = [k.value for k in call.keywords if k.arg == "key"]
        return not keys or (isinstance(keys[0], ast.Constant) and keys[0].value is None)
    first = call.args[0] if call.args else None
    return name == "numpy.datetime64" and isinstance(first, ast.Constant) and first.value in {"now", "today"}


def worldly_uses(source: str, module: str) -> list[str]:
    """Return a line for each clock, file, port, thread, console or entropy that a source reaches for."""
    tree = ast.parse(source)
    known = bindings(tree)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [
        (line, name)
        for line, name in imported(tree, module, is_package=False)
        if not name.startswith("watthour") and (name.split(".")[0] not in PURE_MODULES or is_worldly(name))
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in inner:
            name = dotted(node, known)
            method = node.attr if isinstance(node, ast.Attribute) and id(node) in called else ""
            if is_worldly(name) or method in WORLDLY_METHODS:
                found.append((node.lineno, name or f"….{method}()"))
            elif name == "numpy.random.Philox" and id(node) not in called:
                found.append((node.lineno, f"{name}, not called with its key"))
        elif isinstance(node, ast.Call) and is_unseeded(node, known):
            found.append((node.lineno, f"{dotted(node.func, known)} without a key, or with the clock"))
    return [f"{module}:{line}: {name} is for host and cli alone" for line, name in sorted(set(found))]


def is_bare(node: ast.stmt) -> bool:
    """Say whether a statement may stand in an ``__init__.py``: docstring, imports, `__all__`, `__version__`."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else [None]
    names = {target.id if isinstance(target, ast.Name) else "" for target in targets}
    return names <= {"__all__", "__version__"} and isinstance(getattr(node, "value", None), ast.Constant | ast.List | ast.Tuple)


def wrong_init(source: str, module: str) -> list[str]:
    """Return a line for each statement of an ``__init__.py`` that is logic, and one for a missing docstring."""
    tree = ast.parse(source)
    found = [f"{module}:{node.lineno}: logic in an __init__.py" for node in tree.body if not is_bare(node)]
    return found if ast.get_docstring(tree) else [f"{module}:1: an __init__.py says what the folder is", *found]


def wrong_names(path: Path, root: Path) -> list[str]:
    """Return a line for a part that the table lacks, and for each folder or module whose name says nothing."""
    relative = path.relative_to(root)
    words = [part.removesuffix(".py") for part in relative.parts]
    found = [f"{relative}: {word!r} says nothing" for word in words if word in VAGUE]
    if words[0] != "__init__" and words[0] not in ALLOWED:
        found.append(f"{relative}: {words[0]} has no row in the import table")
    return found


def faults(root: Path) -> list[str]:
    """Return everything below `root` that breaks the law."""
    folders = sorted({path.parent for path in root.rglob("*.py")} - {root})
    found = [f"{folder.relative_to(root)}: no __init__.py" for folder in folders if not (folder / "__init__.py").exists()]
    for path in sorted(root.rglob("*.py")):
        source, module = path.read_text("utf-8"), module_name(path, root)
        is_package = path.name == "__init__.py"
        found += wrong_names(path, root) + wrong_edges(source, module, is_package=is_package)
        if is_package:
            found += wrong_init(source, module)
        if (module.split(".")[1:] or [""])[0] not in WORLDLY:
            found += worldly_uses(source, module)
    return found


def test_the_sources_keep_the_law():
    assert faults(PACKAGE) == []


def test_the_walk_sees_the_real_edges():
    source = (PACKAGE / "models.py").read_text("utf-8")
    targets = {
        name.split(".")[1] for _, name in imported(ast.parse(source), "watthour.models", is_package=False) if "watthour" in name
    }
    assert {"units", "errors"} <= targets <= words(ALLOWED["models"])


def test_the_table_flows_one_way_and_names_only_its_own_rows():
    edges = {part: words(row) for part, row in ALLOWED.items()}
    assert set().union(*edges.values()) <= set(edges)
    assert set(TopologicalSorter(edges).static_order()) == set(edges)


def test_the_head_end_reads_any_meter_and_so_never_imports_ours():
    reached, todo = set(), ["headend"]
    while todo:
        todo += [part for part in words(ALLOWED[todo.pop()]) if part not in reached and not reached.add(part)]
    assert "meter" not in reached


UPSTREAM = {
    "plain": ("watthour.metrology.sums", "import watthour.registers.counter"),
    "from": ("watthour.metrology.sums", "from watthour.meter.instrument import Meter"),
    "from the root": ("watthour.wire.modbus.frame", "from watthour import maps"),
    "relative": ("watthour.units", "from . import errors"),
    "relative from deeper": ("watthour.wire.modbus.frame", "from ...station import answer"),
    "inside a function": ("watthour.headend.poll", "def f():\n    from watthour.meter import Meter"),
    "for types only": ("watthour.face.pages", "if TYPE_CHECKING:\n    from watthour.meter import Meter"),
    "host imports cli": ("watthour.host.metering.loop", "import watthour.cli"),
    "terminal imports web": ("watthour.host.terminal.table", "from watthour.host.web import pages"),
    "web imports poller": ("watthour.host.web.pages", "from watthour.host import poller"),
    "poller imports terminal": ("watthour.host.poller", "from .terminal import table"),
    "a part without a row": ("watthour.novelty", "from watthour.units import MICRO"),
}


@pytest.mark.parametrize(("module", "source"), UPSTREAM.values(), ids=UPSTREAM)
def test_a_planted_upstream_import_is_refused(module, source):
    assert len(wrong_edges(source, module)) == 1


DOWNSTREAM = {
    "plain": ("watthour.registers.counter", "import watthour.metrology.sums"),
    "from the root": ("watthour.station.answer", "from watthour import maps, units"),
    "own folder": ("watthour.wire.modbus.frame", "from watthour.wire.modbus import message\nfrom . import link"),
    "the version": ("watthour.meter.identity", "from watthour import __version__"),
    "terminal imports metering": ("watthour.host.terminal.table", "from watthour.host.metering import loop"),
    "cli imports host": ("watthour.cli", "def run():\n    from watthour.host.metering import loop"),
    "a library": ("watthour.metrology.sums", "import numpy as np"),
}


@pytest.mark.parametrize(("module", "source"), DOWNSTREAM.values(), ids=DOWNSTREAM)
def test_a_downstream_import_is_accepted(module, source):
    assert wrong_edges(source, module) == []


def test_a_package_imports_relative_to_itself():
    assert wrong_edges("from .frame import Frame", "watthour.wire.modbus", is_package=True) == []
    assert len(wrong_edges("from ...meter import Meter", "watthour.wire.modbus", is_package=True)) == 1


WORLD = {
    "clock": "import time",
    "clock, monotonic": "from time import monotonic",
    "clock, inside a function": "def f():\n    import time\n    return time.time()",
    "clock, datetime": "from datetime import datetime\nnow = datetime.now()",
    "clock, datetime in UTC": "import datetime as d\nnow = d.datetime.now(d.UTC)",
    "clock, alias": "from datetime import datetime as dt\nclock = dt.utcnow",
    "clock, date": "import datetime\ntoday = datetime.date.today()",
    "clock, numpy": "import numpy as np\nnow = np.datetime64('now')",
    "file, builtin": "def f(name):\n    return open(name)",
    "file, builtin by reference": "opener = open",
    "file, io": "import io\nf = io.open('x')",
    "file, path": "from pathlib import Path",
    "file, path by module": "import pathlib\np = pathlib.Path('x')",
    "file, any path's method": "def f(p):\n    return p.read_bytes()",
    "file, os": "import os",
    "file, numpy": "import numpy as np\na = np.memmap('x')",
    "file, tofile": "def f(a, name):\n    a.tofile(name)",
    "file, pyarrow": "import pyarrow as pa\nf = pa.memory_map('x')",
    "file, parquet": "from pyarrow.parquet import read_table",
    "file, soundfile": "import soundfile\nx = soundfile.read('x')",
    "file, comtrade": "import comtrade\nr = comtrade.load('x')",
    "port": "import socket",
    "thread": "from threading import Thread",
    "loop": "import asyncio",
    "process": "import subprocess",
    "entropy": "import secrets",
    "entropy, random": "from random import random",
    "entropy, os": "from os import urandom",
    "entropy, numpy": "import numpy as np\nr = np.random.default_rng(7)",
    "entropy, numpy's module": "from numpy import random\nx = random.normal()",
    "entropy, numpy's alias": "import numpy as np\nr = np.random",
    "entropy, Philox without a key": "import numpy as np\nr = np.random.Generator(np.random.Philox())",
    "entropy, Philox with a seed of None": "from numpy.random import Philox\nr = Philox(key=None)",
    "entropy, Philox by reference": "from numpy.random import Philox\nmake = Philox",
    "console": "print(1)",
    "by the back door": "m = __import__('time')",
    "by the other back door": "import importlib",
    "a library nobody reviewed": "import requests",
}


@pytest.mark.parametrize("source", WORLD.values(), ids=WORLD)
def test_a_planted_reach_into_the_world_is_refused(source):
    assert worldly_uses(source, "watthour.metrology.planted") != []


PURE = {
    "time of day as a value": "from datetime import UTC, datetime, time, timedelta\nx = datetime.fromtimestamp(0, UTC)",
    "now as an argument": "def due(now):\n    return now + 1",
    "an open file": "from typing import BinaryIO\ndef f(file: BinaryIO):\n    return file.read(4)",
    "a sound in an open file": "import soundfile\ndef f(file):\n    return soundfile.SoundFile(file)",
    "bytes as a file": "import io\nf = io.BytesIO(b'')",
    "keyed noise": "import numpy as np\nr = np.random.Generator(np.random.Philox(key=7, counter=3))",
    "keyed noise, imported": "from numpy.random import Generator, Philox\nr = Generator(Philox(key=(1, 2)))",
    "a type": "import numpy as np\ndef f(r: np.random.Generator):\n    return r.standard_normal(3)",
    "a pure path": "from pathlib import PurePosixPath",
    "compiling a pattern": "import re\nP = re.compile('x')",
    "a method named now": "def f(clockless):\n    return clockless.now",
}


@pytest.mark.parametrize("source", PURE.values(), ids=PURE)
def test_what_is_pure_is_accepted(source):
    assert worldly_uses(source, "watthour.waveform.planted") == []


def plant(root: Path, files: dict[str, str]) -> list[str]:
    for name, source in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(source), "utf-8")
    return faults(root)


def test_a_planted_tree_is_refused_fault_by_fault(tmp_path):
    found = plant(
        tmp_path,
        {
            "units.py": "from watthour.meter import Meter",
            "registers/__init__.py": '"""Counters."""\nimport time',
            "meter/__init__.py": "X = 1",
            "wire/utils/crc.py": "",
            "wire/__init__.py": '"""Bytes."""',
            "novelty/__init__.py": '"""Nobody drew it."""',
        },
    )
    assert found == [
        "wire/utils: no __init__.py",
        "watthour.meter:1: an __init__.py says what the folder is",
        "watthour.meter:1: logic in an __init__.py",
        "novelty/__init__.py: novelty has no row in the import table",
        "watthour.registers:2: time is for host and cli alone",
        "watthour.units:1: units may not import meter",
        "wire/utils/crc.py: 'utils' says nothing",
    ]


def test_a_planted_tree_that_keeps_the_law_is_accepted(tmp_path):
    files = {
        "__init__.py": '"""The root."""\n__version__ = "0"',
        "meter/__init__.py": '"""The meter."""\nfrom watthour.meter.one import Meter\n__all__ = ["Meter"]',
        "host/__init__.py": '"""All side effects."""',
        "host/clock.py": "import time\nfrom watthour.meter import Meter\nnow = time.time_ns()",
        "cli.py": "print(open('x').read())",
    }
    assert plant(tmp_path, files) == []


LOGIC = {
    "a function": "def __getattr__(name): ...",
    "a condition": "if True:\n    import x",
    "another name": "LIMIT = 3",
    "a computed __all__": "__all__ = sorted(['a'])",
    "a call": "print(1)",
}


@pytest.mark.parametrize("source", LOGIC.values(), ids=LOGIC)
def test_logic_in_an_init_is_refused(source):
    assert len(wrong_init(f'"""Docstring."""\n{source}', "watthour.wire")) == 1
