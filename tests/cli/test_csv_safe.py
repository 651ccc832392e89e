"""`--csv-safe`: text that a spreadsheet would treat as a formula is quoted, and nothing else."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from bson import Int64

from projects_cli.render.encode import safe_cell

if TYPE_CHECKING:
    from tests.worlds.site import Site

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "-", "-x, y"]
HARMLESS = ["vision", " =1", "a=b", "'=1", "1-1", ""]


def cells(site: Site, *arguments: str, **environment: str) -> list[list[str]]:
    """Return the cells of a list as csv."""
    return list(csv.reader(io.StringIO(site.text("list", "-o", "csv", *arguments, **environment))))


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_begins_like_a_formula_is_quoted_in_every_column(site: Site, text: str) -> None:
    site.project("vision", description=text, tags=[text], featured=-1)
    fields = ("--fields", "description,tags,featured,name")
    assert cells(site, *fields)[1] == [text, text, "-1", "vision"]
    safe = [f"'{text}", f"'{text}", "-1", "vision"]
    assert cells(site, *fields, "--csv-safe")[1] == safe
    assert cells(site, *fields, PROJECTS_CSV_SAFE="1")[1] == safe
    assert site.text("list", "-o", "tsv", "--no-header", "--csv-safe", *fields) == "\t".join(safe) + "\n"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(site: Site, text: str) -> None:
    site.project("vision", description=text)
    assert cells(site, "--fields", "description", "--csv-safe")[1:] == ([[text]] if text else [[""]])


def test_other_formats_and_headings_of_a_query(site: Site) -> None:
    site.project("vision", description="=1")
    for output in ("json", "jsonl", "yaml", "table"):
        words = ("list", "-o", output, "--fields", "description")
        assert site.text(*words, "--csv-safe") == site.text(*words)
    query = ("--query", 'projects[].{"=A": description}')
    assert cells(site, *query, "--csv-safe") == [["'=A"], ["'=1"]]


def test_control_characters_that_begin_a_formula_are_shown_escaped() -> None:
    assert [safe_cell(text) for text in ("\t=1", "\r=1", "\n=1")] == ["\\t=1", "\\r=1", "\\n=1"]


@pytest.mark.parametrize("number", [-1, -1.5, Int64(-7), 1e-7])
def test_numbers_are_not_quoted(number: float) -> None:
    assert safe_cell(number) == str(number)
