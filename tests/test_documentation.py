"""Links and citations lead to pages and sections that exist, and the module map is fresh."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tools import module_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

CHECKOUT = Path(__file__).parents[1]
SOURCE_FOLDERS = ("projects_cli", "tests", "tools", "benchmarks")
SOURCES = [
    *(file for folder in SOURCE_FOLDERS for file in (CHECKOUT / folder).rglob("*.py")),
    CHECKOUT / "hatch_build.py",
]
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), *(CHECKOUT / "tests").glob("*.md")])

LINK = re.compile(r"\]\(([^()\s]+)\)")
PAGE = re.compile(r"(?<![\w/.-])(?:[\w-]+/)*[\w-]+\.md\b")
CITATION = re.compile(r"((?:[\w-]+/)*[\w-]+\.md) \(([^)]+)\)|\(((?:[\w-]+/)*[\w-]+\.md), ([^):]+)[):]")
"""A page with a section, as in `docs/semantics.md (create)` or `(docs/semantics.md, differs on purpose, 5)`."""


def texts_of(source: str) -> Iterator[str]:
    """Yield the docstrings of a module, those of attributes included, and its comments."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
    comments = [
        token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    yield "\n".join(comments)


def plain(text: str) -> str:
    return " ".join(text.lower().replace("`", "").replace("*", "").split())


@cache
def sections(page: Path) -> tuple[str, ...]:
    """Return the headings of a page, and the words in bold type that begin a paragraph or an item."""
    found = re.findall(r"^#+ (.+)$|^\s*(?:[-*]|\d+\.)?\s*\*\*(.+?)\*\*", page.read_text("utf-8"), re.MULTILINE)
    return tuple(plain(heading or words) for heading, words in found)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_citations(text: str) -> list[str]:
    """Return the pages that a docstring or a comment cites and that do not exist, and the sections that they lack."""
    text = " ".join(text.split())
    broken = [page for page in PAGE.findall(text) if not (CHECKOUT / page).is_file()]
    for match in CITATION.finditer(text):
        page, words = filter(None, match.groups())
        section = plain(re.sub(r",?\s*\d*$", "", words))
        if (CHECKOUT / page).is_file() and not any(section in heading for heading in sections(CHECKOUT / page)):
            broken.append(f"{page}, {section}")
    return broken


def broken_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    text = re.sub(r"^```.*?^```|`[^`\n]+`", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in LINK.findall(text):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


def test_pages_that_docstrings_and_comments_cite_exist_with_their_sections() -> None:
    broken: dict[str, list[str]] = {}
    for file in SOURCES:
        if "shipped" not in file.parts:
            citations = [citation for text in texts_of(file.read_text("utf-8")) for citation in broken_citations(text)]
            broken |= {str(file.relative_to(CHECKOUT)): citations} if citations else {}
    assert broken == {}


def test_links_of_pages_lead_somewhere() -> None:
    broken = {str(page.relative_to(CHECKOUT)): broken_links(page) for page in PAGES}
    assert {page: links for page, links in broken.items() if links} == {}


def test_a_broken_citation_is_noticed() -> None:
    assert broken_citations("Known (docs/semantics.md, Common): docs/semantics.md (create) has the checks") == []
    assert broken_citations("The message names them (docs/semantics.md, differs on\n    purpose, 5).") == []
    assert broken_citations("Generated, as docs/semantics.md, from the source") == []
    assert broken_citations("see semantics" + ".md, and docs/gone" + ".md") == [
        "semantics" + ".md",
        "docs/gone" + ".md",
    ]
    assert broken_citations("docs/semantics.md (another service)") == ["docs/semantics.md, another service"]


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Two words\n[a](#two-words) [b](#other) [c](gone.md) [d](https://e.example) `[e](f.md)`\n", "utf-8"
    )
    assert broken_links(page) == ["#other", "gone.md"]


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    pending = [CHECKOUT / "README.md"]
    while pending:
        page = pending.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text("utf-8")) if "://" not in link)
        pending += [(page.parent / link).resolve() for link in links if link and (page.parent / link).is_file()]
    assert [str(page.relative_to(CHECKOUT)) for page in PAGES if page not in reached] == []


def test_the_module_map_is_fresh() -> None:
    assert module_map.main(["--check"]) == 0, "run: make docs"


def test_a_stale_module_map_is_reported_and_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = tmp_path / "projects_cli" / "store"
    package.mkdir(parents=True)
    (tmp_path / "projects_cli" / "errors.py").write_text('"""Errors."""\n')
    (package / "client.py").write_text('"""The connection."""\n\nfrom projects_cli.errors import Fault\n')
    page = tmp_path / module_map.PAGE
    page.parent.mkdir()
    page.write_text(f"Before\n{module_map.START}\n{module_map.END}\nAfter\n")
    assert module_map.main(["--check"], tmp_path) == 1
    assert "make docs" in capsys.readouterr().out
    assert module_map.main([], tmp_path) == 0
    assert module_map.main(["--check"], tmp_path) == 0
    text = page.read_text()
    assert "### `store/`\n\nImports: `errors`.\n" in text
    assert "| `store.client` | The connection. |" in text
    assert text.startswith("Before\n")
    assert text.endswith("\nAfter\n")


def test_the_readme_is_short_and_leaves_the_rest_to_the_pages() -> None:
    """The table of commands is docs/commands/README.md, formats and exit statuses are in docs/scripting.md."""
    text = (CHECKOUT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 150
    assert re.findall("^## (.+)$", text, re.MULTILINE) == ["Install", "Tour", "Documentation"]
