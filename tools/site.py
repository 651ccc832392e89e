"""Build the site of the documentation from the pages of the checkout: `python -m tools.site [FOLDER]`.

MkDocs takes its pages from one folder, but those of the checkout are in several: README.md is beside docs/. They are
copied with the files that they link to, in their places: links work in the checkout, on GitHub and in the site.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECKOUT = Path(__file__).resolve().parents[1]
TOPICS = "projects_cli/cli/topics"
LINK = re.compile(r"\]\(([^()\s#]+)(?:#[^()\s]*)?\)")

SECTIONS = {
    "Start": ("README.md", "docs/getting-started.md", "docs/connecting.md", "docs/configuration.md"),
    "Use": (
        "docs/recipes.md",
        "docs/scripting.md",
        "docs/report.md",
        "docs/policies.md",
        "docs/backup.md",
        "docs/automation.md",
    ),
    "Trust": ("docs/safety.md", "docs/reliability.md", "docs/security.md", "docs/platforms.md", "docs/upgrading.md"),
}
"""The sections of the navigation and their first pages; `_section` places all others."""


def pages() -> list[Path]:
    """Return all pages of the documentation, relative to the checkout."""
    patterns = ("*.md", "docs/**/*.md", "tests/*.md", f"{TOPICS}/*.md")
    return sorted(page.relative_to(CHECKOUT) for pattern in patterns for page in CHECKOUT.glob(pattern))


def _linked_files(page: Path) -> Iterator[Path]:
    """Yield the files other than pages that a page links to, relative to the checkout."""
    for link in LINK.findall((CHECKOUT / page).read_text("utf-8")):
        file = (CHECKOUT / page.parent / link).resolve()
        if "://" not in link and file.is_file() and file.suffix != ".md":
            yield file.relative_to(CHECKOUT)


def _section(page: Path) -> str:
    for section, names in SECTIONS.items():
        if str(page) in names:
            return section
    folders = {"docs/commands": "Commands", TOPICS: "Topics", "docs": "Reference"}
    return folders.get(str(page.parent), "Develop")


def navigation() -> list[dict[str, Any]]:
    """Return the navigation: every page once, in its section."""
    sections: dict[str, list[str]] = {name: [] for name in (*SECTIONS, "Commands", "Topics", "Reference", "Develop")}
    order = [name for names in SECTIONS.values() for name in names]
    for page in sorted(pages(), key=lambda page: (order.index(str(page)) if str(page) in order else len(order), page)):
        sections[_section(page)].append(str(page))
    # The index of a folder comes first.
    sections["Commands"].sort(key=lambda name: not name.endswith("README.md"))
    return [{section: names} for section, names in sections.items()]


def copy(folder: Path) -> None:
    """Copy the pages, and what they link to, into an empty folder."""
    for page in pages():
        for file in {page, *_linked_files(page)}:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CHECKOUT / file, folder / file)


def build(target: Path) -> None:
    """Build the site into a folder.

    Raises:
        Abort: a page is not in the navigation, or a link leads nowhere.
    """
    # The generator announces its successor: docs/dependencies.md has the reason for this one.
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config

    # A folder of its own, since two builds may run at the same time.
    with tempfile.TemporaryDirectory() as pages_folder:
        copy(Path(pages_folder))
        options: dict[str, Any] = {
            "docs_dir": pages_folder,
            "site_dir": str(target),
            "nav": navigation(),
            "strict": True,
        }
        build_site(load_config(str(CHECKOUT / "mkdocs.yml"), **options))


def main(arguments: Sequence[str]) -> int:
    """Build the site into the folder that is named, or into `site`; warnings are printed, and fail the build."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    build(Path(arguments[0] if arguments else CHECKOUT / "site").absolute())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
