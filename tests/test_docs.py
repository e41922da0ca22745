"""Documents that hold: links lead somewhere, the nomenclature is in step, the product's text names no machine."""

import dataclasses
import importlib
import pkgutil
import re
import runpy
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from watthour.units import VALUES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
NOMENCLATURE = (DOCS / "nomenclature.md").read_text("utf-8")

FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)


def prose(text: str) -> str:
    """Return a page without its code."""
    return CODE.sub("", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings."""
    plain = (re.sub(r"[^\w\- ]", "", heading.replace("`", "")).lower() for heading in HEADING.findall(FENCE.sub("", text)))
    return {heading.replace(" ", "-") for heading in plain}


def broken_links(page: Path, root: Path) -> Iterator[str]:
    """Yield each relative link of a page that leads nowhere, or out of `root`."""
    for target in LINK.findall(prose(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(root) or not file.exists():
            yield f"{page.name}: {target} leads nowhere"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text("utf-8")):
            yield f"{page.name}: {target} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    assert list(broken_links(page, DOCS if page.is_relative_to(DOCS) else ROOT)) == []


def test_a_broken_link_is_seen(tmp_path):
    (tmp_path / "other.md").write_text("# One `heading`\n", "utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#one-heading) [c](https://example.org/x) `[d](code.md)`\n```\n[e](fence.md)\n```\n"
        "[f](missing.md) [g](other.md#two) [h](../outside.md)",
        "utf-8",
    )
    assert list(broken_links(page, tmp_path)) == [
        "page.md: missing.md leads nowhere",
        "page.md: other.md#two has no such heading",
        "page.md: ../outside.md leads nowhere",
    ]


def test_every_page_is_in_the_navigation_once_and_every_entry_is_a_page():
    named = re.findall(r"^\s+- .*?: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS))


def test_every_decision_is_whole_and_in_the_index():
    index = (DOCS / "decisions" / "index.md").read_text("utf-8")
    decisions = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    assert [page.name[:4] for page in decisions] == [f"{n:04}" for n in range(1, len(decisions) + 1)]
    for page in decisions:
        headings = HEADING.findall(page.read_text("utf-8"))
        assert headings[0].startswith(f"{page.name[:4]}: "), page.name
        assert headings[1:] == ["Context", "Choice", "Refused", "Consequence"], page.name
        assert f"({page.name})" in index


def test_the_changelog_has_an_unreleased_section():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = HEADING.findall(text)
    assert headings[:2] == ["Changelog", "Unreleased"]
    assert re.search(r"^- \S", text.partition("## Unreleased")[2], re.MULTILINE)


def test_the_nomenclature_is_in_step_with_the_sources():
    assert runpy.run_path(str(ROOT / "tools" / "nomenclature.py"))["page"]() == NOMENCLATURE, "make docs prints it anew"


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.name)
def test_each_value_stands_in_the_nomenclature_with_its_unit(value):
    assert f"| `{value.name}` | {value.symbol} | {value.unit} |" in NOMENCLATURE


def map_rows() -> Iterator[tuple[str, object]]:
    """Yield module and row of every register that a map serves; what is only planned has no name yet."""
    package = importlib.import_module("watthour.maps")
    for info in pkgutil.walk_packages(package.__path__, "watthour.maps."):
        module = importlib.import_module(info.name)
        for member in vars(module).values():
            rows = member if isinstance(member, tuple) else ()
            yield from ((info.name, row) for row in rows if dataclasses.is_dataclass(row) and hasattr(row, "address"))


def unlisted(rows: Iterable[tuple[str, object]], page: str) -> list[str]:
    """Return the names that stand on a map and are served, and not on the page."""
    return sorted({f"{module}: {r.name}" for module, r in rows if r.status != "planned" and f"| `{r.name}` |" not in page})


def test_every_name_on_a_map_is_in_the_nomenclature():
    rows = list(map_rows())
    assert len(rows) > len(VALUES)
    assert unlisted(rows, NOMENCLATURE) == []


def test_a_name_that_the_nomenclature_lacks_is_seen():
    rows = list(map_rows())
    assert any(line.endswith(": power_w") for line in unlisted(rows, NOMENCLATURE.replace("| `power_w` |", "")))


MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home|opt)/|pypi|\bfind-links\b|index-url\s*=|pythonhosted", re.IGNORECASE)
"""Paths of somebody's machine, and where packages come from: neither is the product's business."""

TEXTS = sorted(
    file
    for pattern in (
        "*.md",
        "*.toml",
        "*.yml",
        "*.lock",
        "docs/**/*.md",
        "examples/**/*",
        "src/**/*.py",
        "bench/**/*.py",
        ".ci/*",
    )
    for file in ROOT.glob(pattern)
    if file.is_file()
)


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_text_names_a_machine_or_a_package_host(file):
    assert MACHINE.findall(file.read_text("utf-8")) == []


def test_a_machine_and_a_package_host_are_seen():
    assert MACHINE.search("see /root/x")
    assert MACHINE.search("--find-links wheels")
    assert not MACHINE.search("DATA/SERIAL and ../shared/data, /dev/ttyUSB0")


def test_the_lock_holds_versions_and_hashes_and_nothing_else():
    line = re.compile(r"[a-z0-9.-]+(\[[a-z0-9,.-]+\])?==\S+( ; [\w\s.<>=!'()]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [text for text in (ROOT / "requirements.lock").read_text("utf-8").splitlines() if not line.fullmatch(text)] == []


def test_the_lock_has_every_dependency_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *(d for group in project["dependency-groups"].values() for d in group)]
    locked = set(re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert {re.match(r"[A-Za-z0-9._-]+", text)[0].lower().replace("_", "-") for text in wanted} <= locked


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_first_pages_say_what_is_not_claimed(page):
    text = " ".join((ROOT / page).read_text("utf-8").split())
    assert re.search(r"not affiliated with CIRCUTOR", text)
    assert re.search(r"MID", text)


def torn_rows(text: str) -> list[str]:
    """Return the rows of tables that have not as many cells as the row above them."""
    counted = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in text.splitlines()]
    return [
        line
        for line, have, before in zip(text.splitlines()[1:], counted[1:], counted, strict=False)
        if have and before and have != before
    ]


@pytest.mark.parametrize("file", [f for f in TEXTS if f.suffix == ".md"], ids=lambda file: str(file.relative_to(ROOT)))
def test_no_table_is_torn(file):
    assert torn_rows(file.read_text("utf-8")) == []


def test_a_torn_table_is_seen():
    assert torn_rows("| a | b |\n| --- | --- |\n| 1 |\n") == ["| 1 |"]
