"""`projects report`: the files that it writes, what it refuses, and the page as a browser shows it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from projects_cli.local.sample import load
from projects_cli.store.client import connect
from tests.worlds.site import COMPANY, LONG_AGO
from tools.browser import CHROMIUM, DRIVER, Browser, Medium, browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.worlds.site import Site

HOSTILE = (
    "<script>console.log(1)</script><img src=http://example.com/x.png>",
    "a\"b'c&amp;</title></svg>",
    "@everyone | `code` **bold** [link](http://example.com)",
    "two\nlines \x1b[31m \u202e",
    "日本語 שלום/👨‍👩‍👧",
    "x" * 10_000,
)
SCRIPTS = {"script", "iframe", "img", "object", "embed"}


@pytest.fixture
def busy(site: Site) -> Site:
    """Return a site with the sample, and with projects and users that have hostile names."""
    connection = connect(site.server.uri, site.name, shown="test")
    load(connection, COMPANY)
    connection.close()
    for number, name in enumerate(HOSTILE):
        project = site.project(f"project {number}", user=f"u{number}")
        site.documents.project.update_one({"_id": project}, {"$set": {"name": name}})
        site.documents.user.insert_one({"_id": f"u{number}", "name": name, "company": COMPANY})
        for _ in range(30):
            site.task(project, user=f"u{number}", status="completed", started=LONG_AGO, completed=LONG_AGO)
    return site


# --- the page in a browser ----------------------------------------------------------------------------------------

CONTRAST = """
document.querySelectorAll('details').forEach(item => item.open = true);
const channels = text => text.match(/[\\d.]+/g).map(Number);
const luminance = color => channels(color).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
const background = element => {
    const svg = element.closest('svg');
    if (svg) return getComputedStyle(svg.querySelector('.background')).fill;
    for (let at = element; at; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor;
        if (channels(color)[3] !== 0) return color;
    }
    return 'rgb(255, 255, 255)';
};
const faint = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.localName === 'title') continue;
    const style = getComputedStyle(element);
    const pair = [element.closest('svg') ? style.fill : style.color, background(element)].map(luminance);
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) faint.push(walker.currentNode.data + ': ' + ratio.toFixed(2));
}
return faint;
"""
"""The texts whose contrast with what is behind them is below that of the WCAG (AA)."""

CUT_OFF = """
const root = document.documentElement, cut = [];
if (root.scrollWidth > root.clientWidth) cut.push('the page');
document.querySelectorAll('svg text, td, th, dd, h1').forEach(element => {
    const box = element.getBoundingClientRect(), frame = (element.closest('svg') || root).getBoundingClientRect();
    if (box.width && (box.left < frame.left - 1 || box.right > frame.right + 1)) cut.push(element.textContent);
});
return cut;
"""
"""What is wider than the window, and texts of charts that are partly outside of them."""

MEDIA = (Medium(360), Medium(360, "dark"), Medium(1280), Medium(1280, "dark"), Medium(800, "dark", "print"))


def faults_of(page: Path, shown: Browser, medium: Medium) -> dict[str, list[str]]:
    """Return what is wrong with a page: console messages, requests for anything else, faint and cut off texts."""
    shown.open(page, medium)
    faults = {
        "messages": shown.messages(),
        "requests": [url for url in shown.requests() if url != page.as_uri() and not url.startswith("data:")],
        "faint": shown.run(CONTRAST),
        "cut off": shown.run(CUT_OFF),
    }
    return {kind: found for kind, found in faults.items() if found}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("Chromium and its driver are not installed (Debian: chromium-driver)")
    with browser() as shown:
        yield shown


def test_a_browser_shows_the_page_without_a_message_or_a_request(busy: Site, tmp_path: Path, chromium: Browser) -> None:
    page = tmp_path / "report.html"
    busy.text("report", "--since", "2024-01-08", "--html", str(page))
    for medium in MEDIA:
        assert faults_of(page, chromium, medium) == {}, medium
        assert chromium.run("return document.querySelectorAll('svg.chart').length") == 5
        assert chromium.run(
            "return [...document.querySelectorAll('bdi')].some(x => x.textContent.startsWith('<script>'))"
        )


def test_a_faulty_page_is_noticed(tmp_path: Path, chromium: Browser) -> None:
    page = tmp_path / "faulty.html"
    page.write_text(
        "<!DOCTYPE html><meta name=viewport content='width=device-width'><body style='color:#999;background:#fff'>"
        "<h1 style='width:500px'>wide</h1><script>console.log('x')</script><img src='other.png'>"
        "<svg width=50><rect class=background fill=white /><text x=40 fill=#999>long text</text></svg>"
    )
    assert faults_of(page, chromium, Medium(360)).keys() == {"messages", "requests", "faint", "cut off"}


# --- its files ----------------------------------------------------------------------------------------------------


def test_names_are_text_in_every_file(busy: Site, tmp_path: Path) -> None:
    busy.task(busy.project("odd"), status=HOSTILE[3])
    files = {name: tmp_path / name for name in ("report.html", "largest.svg")}
    busy.text("report", "--html", str(files["report.html"]), "--svg", "largest", str(files["largest.svg"]))
    page = files["report.html"].read_text("utf-8")
    assert not SCRIPTS & set(re.findall(r"<(\w+)", page))
    assert "&lt;script&gt;console.log(1)" in page
    drawing = ET.parse(files["largest.svg"])  # noqa: S314 - our own file
    tags = {str(element.tag).rpartition("}")[2] for element in drawing.iter()}
    assert tags <= {"svg", "title", "style", "g", "rect", "path", "text"}
    for text in (page, files["largest.svg"].read_text("utf-8"), busy.text("report")):
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
        assert "x" * 1000 not in text


def test_markdown_has_no_markup_in_names(busy: Site) -> None:
    lines = busy.text("report", "--since", "2024-01-08").splitlines()
    assert lines[0] == "# Report on `all projects`".replace("`", "")
    everyone = next(line for line in lines if "@everyone" in line)
    # Two backticks around a name with one; its bar does not separate cells.
    assert everyone.startswith("| ``@everyone \\| `code` **bold** [link](http://example.com)`` | 30 |")
    assert lines == busy.text("report", "--format", "markdown", "--since", "2024-01-08").splitlines()


def test_figures_are_those_of_the_stored_tasks(site: Site) -> None:
    vision = site.project("vision")
    for status in ("completed", "failed", "in_progress"):
        site.task(vision, status=status, started=LONG_AGO, completed=LONG_AGO.replace(hour=10))
    site.task(vision, status="created")
    site.task(site.project("other"), started=LONG_AGO)
    site.model(vision)
    text = site.text("report", "vision")
    for line in (
        "Projects: **1**",
        "Tasks: **4**",
        "Running: **1**",
        "Failed: **1**",
        "Models: **1**",
        "in the period: **3**",
    ):
        assert line in text
    assert "| `2024-01-08` | 3 | 1 | 1 | 6 h |" in text
    assert "| `vision` | 3 | 1 | 1 | 6 h |" in text
    data = site.json("report", "vision")
    assert (data["tasks"]["total"], data["activity"]["user_count"], len(data["activity"]["weeks"])) == (4, 1, 27)


def test_many_weeks_are_added_up(site: Site) -> None:
    site.task(site.project("vision"), started=LONG_AGO)
    text = site.text("report", "--since", "2021-01-01")
    weeks = int(re.search(r"## Tasks started in (\d+) weeks", text)[1])  # type: ignore[index]
    assert weeks > 5
    assert site.text("report", "--svg", "weeks", "-", "--since", "2021-01-01").count('class="bar"') <= 3 * 53


@pytest.mark.parametrize("chart", ["weeks", "status", "users", "projects", "largest"])
def test_an_empty_database_has_a_report(site: Site, chart: str) -> None:
    ET.fromstring(site.text("report", "--svg", chart, "-"))  # noqa: S314 - our own file
    assert "<section>" not in site.text("report", "--html", "-")
    assert "Tasks: **0**" in site.text("report")


def test_a_file_is_overwritten_only_on_request(site: Site, tmp_path: Path) -> None:
    page, link = tmp_path / "page.html", tmp_path / "link.html"
    os.umask(mask := os.umask(0o077))
    assert site.json("report", "--html", str(page))["files"] == [{"file": str(page), "size": page.stat().st_size}]
    assert page.stat().st_mode & 0o777 == 0o666 & ~mask
    page.write_text("old")
    page.chmod(0o640)
    link.symlink_to(page)
    for path in (page, link):
        assert site.error("report", "--html", str(path), status=2)["hint"] == "--clobber overwrites it"
        assert page.read_text() == "old"
    site.text("report", "--html", str(link), "--clobber")
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert page.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(file.name for file in tmp_path.iterdir() if file.name != "home") == ["link.html", "page.html"]
    assert "<html" in site.text("report", "--html", "/dev/stdout", "--clobber") + site.text("report", "--html", "-")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--html", "."], "'.' is a folder"),
        (["--html", "\0"], r"cannot write '\x00': not a path"),
        (["--html", "missing/x.html"], "cannot write 'missing/x.html': its folder does not exist"),
        (["--html", "-", "--svg", "weeks", "-"], "two outputs can't be written to '-'"),
        (["--format", "markdown", "--html", "x.html"], "--format can't be used with --html or --svg"),
        (["--since", "soon"], "--since: 'soon'"),
    ],
)
def test_what_can_not_be_written_is_refused(site: Site, arguments: list[str], message: str) -> None:
    assert site.error("report", *arguments, status=2)["message"].startswith(message)


def test_an_unknown_project_leaves_no_file(site: Site, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert site.error("report", "nowhere", "--html", str(page), status=3)
    assert not page.exists()
