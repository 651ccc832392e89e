"""A report as one HTML file, which fetches nothing and runs no script.

The page is built as a tree of elements, so that every text is escaped when it is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from projects_cli import __version__
from projects_cli.render import svg

if TYPE_CHECKING:
    from projects_cli.render.report import Report, Section

STYLE = Path(__file__).with_name("page.css")

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The browser's own guarantee that the page loads and runs nothing."""


def page(report: Report) -> str:
    """Return a report as an HTML document."""
    title = f"Report on {report.name or 'all projects'}"
    sheet = _element("style", STYLE.read_text("utf-8") + svg.style())
    head = _element(
        "head",
        _element("meta", charset="utf-8"),
        _element("meta", {"http-equiv": "Content-Security-Policy"}, content=POLICY),
        _element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _element("meta", name="color-scheme", content="light dark"),
        _element("meta", name="robots", content="noindex"),
        _element("link", rel="icon", href="data:,"),  # without it a server is asked for an icon
        _element("title", title),
        sheet,
    )
    figures = [_element("div", _element("dt", label), _element("dd", figure)) for label, figure in report.figures]
    header = _element(
        "header",
        _element("h1", "Report on ", _element("bdi", report.name or "all projects")),
        _element("p", report.period),
    )
    sections = [_section(section) for section in report.sections.values() if section.table.rows]
    footer = _element("footer", f"Created {report.created} by projects {__version__}.")
    body = _element("body", header, _element("dl", *figures), _element("main", *sections), footer)
    return "<!DOCTYPE html>\n" + ET.tostring(_element("html", head, body, lang="en"), encoding="unicode", method="html")


def _section(section: Section) -> ET.Element:
    head = _element("tr", *(_element("th", title, scope="col") for title in section.table.heading))
    rows = [
        _element(
            "tr",
            _element("th", _element("bdi", name), scope="row"),
            *(_element("td", figure) for figure in figures),
        )
        for name, *figures in section.table.rows
    ]
    table = _element("table", _element("thead", head), _element("tbody", *rows))
    if section.table.rest:
        table = _element("div", table, _element("p", f"{section.table.rest:,} more"))
    if section.folded:
        table = _element("details", _element("summary", "Figures"), table)
    drawing = [] if section.chart is None else [svg.draw(section.chart)]
    return _element("section", _element("h2", section.title), *drawing, table)


def _element(tag: str, /, *content: ET.Element | str | dict[str, str], **attributes: str) -> ET.Element:
    """Return an element with texts and elements in it."""
    element = ET.Element(tag, attributes)
    last: ET.Element | None = None
    for item in content:
        if isinstance(item, dict):
            element.attrib |= item
        elif not isinstance(item, str):
            element.append(item)
            last = item
        elif last is None:
            element.text = (element.text or "") + item
        else:
            last.tail = (last.tail or "") + item
    return element
