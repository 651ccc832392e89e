"""Charts as SVG, drawn by pygal, of which only the shapes and the texts are kept: no script, no style of its own.

An SVG takes its colours from `style()`, which the page or the file around it includes, so that it has a light and a
dark scheme. Texts must be free of control characters, which XML does not have (`escaping.escape`).
"""

from __future__ import annotations

import re
import sys
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 360
"""Units of the drawing, of which a phone has as many pixels: its texts are readable there, and larger elsewhere."""

FONT_SIZE = 12
BAR = 26
"""Units from one horizontal bar to the next."""

LONG_NUMBER = re.compile(r"\d+\.\d{2,}")

MARKED = 4
"""Columns that have a label: more would overlap."""

LIGHT = {"text": "#1f2328", "muted": "#59636e", "line": "#d1d9e0", "surface": "#ffffff"}
DARK = {"text": "#f0f6fc", "muted": "#9ea7b3", "line": "#3d444d", "surface": "#151b23"}
LIGHT |= {"series-0": "#2563ab", "series-1": "#b8500c", "series-2": "#8b949e"}
DARK |= {"series-0": "#6cb6ff", "series-1": "#f0883e", "series-2": "#6e7681"}
"""The colours of both schemes; series are numbered. Blue and orange differ for colour-blind readers too."""

RULES = """\
.chart { font: 12px system-ui, sans-serif }
.chart .background { fill: %(surface)s }
.chart text { fill: %(text)s }
.chart .guide, .chart .line { stroke: %(line)s; fill: none }
.chart .axis.y text { text-anchor: end }
.chart .axis.x text { text-anchor: middle }
.chart .color-0 { fill: %(series-0)s }
.chart .color-1 { fill: %(series-1)s }
.chart .color-2 { fill: %(series-2)s }
"""
"""The classes are those of pygal."""

ROOM = 1.2
"""The length of the axis compared with the longest bar, behind which its value is written."""


class Chart(NamedTuple):
    """What a chart shows: a bar for each label, to the right or upwards, with the values of each series stacked."""

    title: str
    labels: Sequence[str]
    series: Sequence[tuple[str, Sequence[int]]]
    kind: Literal["bars", "columns"] = "bars"


def draw(chart: Chart) -> ET.Element:
    """Return a chart as an `svg` element."""
    if not chart.labels:  # pygal has no layout for nothing
        chart = chart._replace(labels=["none"], series=[(name, [0]) for name, _ in chart.series])
    import pygal
    from pygal.etree import etree

    # Its importer of plugins is of an old kind, of which Python warns at every later import.
    sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("pygal")]

    etree.to_etree()  # its elements would be those of lxml if that happens to be installed
    sizes = dict.fromkeys(
        (f"{part}_font_size" for part in ("label", "major_label", "value", "legend", "no_data")), FONT_SIZE
    )
    options: dict[str, Any] = {
        "style": pygal.style.Style(**sizes),  # the layout follows the sizes of texts
        "js": [],
        "css": [],
        "no_prefix": True,
        "width": WIDTH,
        "margin": 4,
        "max_scale": 6,
        "truncate_label": -1,
        "show_legend": len(chart.series) > 1,
        "legend_at_bottom": True,
        "legend_box_size": FONT_SIZE,
        "formatter": "{:,}".format,
    }
    if chart.kind == "columns":
        marked = {"x_labels_major_every": max(1, -(-len(chart.labels) // MARKED)), "show_minor_x_labels": False}
        drawing = pygal.StackedBar(height=200, margin_right=40, legend_at_bottom_columns=3, **marked, **options)
        order = slice(None)
    else:
        axes = {"show_x_labels": False, "show_x_guides": False, "show_y_guides": False}
        values = {"print_values": True, "print_values_position": "top"}
        height = BAR * len(chart.labels) + 8
        longest = max(chain([1], *(numbers for _, numbers in chart.series)))
        drawing = pygal.HorizontalBar(height=height, range=(0, longest * ROOM), **axes, **values, **options)
        order = slice(None, None, -1)  # pygal draws the first bar at the bottom
    drawing.x_labels = chart.labels[order]
    for name, numbers in chart.series:
        drawing.add(name, numbers[order])
    return _plain(drawing.render_tree(), chart.title)


def file_of(chart: Chart) -> str:
    """Return a chart as an SVG file of its own."""
    svg = draw(chart)
    sheet = ET.Element("style")
    sheet.text = style()
    svg.insert(1, sheet)  # after the title
    return ET.tostring(svg, encoding="unicode") + "\n"


def style() -> str:
    """Return the style sheet of charts, with colours in place: many programs that read SVG do not know variables."""
    return f"{RULES % LIGHT}@media screen and (prefers-color-scheme: dark) {{\n{RULES % DARK}}}\n"


def _plain(svg: ET.Element, title: str) -> ET.Element:
    """Keep the shapes and the texts of a drawing; the description of a bar becomes a tooltip without a script."""
    svg.attrib |= {"class": "chart", "role": "img"}
    for element in list(svg.iter()):
        element.attrib.pop("id", None)  # the same in each drawing
        for name, value in element.attrib.items():
            element.set(name, LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", value))
        if element.get("class") == "value":
            element.attrib |= {"text-anchor": "start"}  # pygal has it in the middle, half on the bar
        described = {description.get("class"): description.text for description in element.findall("desc")}
        for child in list[Any](element):  # the tag of a comment is a function
            if child.tag in {"defs", "desc"} or child.tag is ET.Comment or child.get("class") == "tooltip":
                element.remove(child)
        if described:
            tooltip = ET.Element("title")
            tooltip.text = f"{described.get('x_label')}: {described.get('value')}"
            element.insert(0, tooltip)
    svg.findall("title")[0].text = title
    return svg
