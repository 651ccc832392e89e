"""Unsafe characters become escapes; everything else stays as it is."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects_cli.render.console import Console
from projects_cli.render.escaping import UNSAFE, escape, escape_json
from projects_cli.render.streams import Streams


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("日本語 é😀 א", "日本語 é😀 א"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x00\x07\x1b[31m\x7f", "\\x00\\x07\\x1b[31m\\x7f"),
        ("\x80\x85\x9b\x9f", "\\x80\\x85\\x9b\\x9f"),
        ("\u202a\u202b\u202c\u202d\u202e", "\\u202a\\u202b\\u202c\\u202d\\u202e"),
        ("\u2066\u2067\u2068\u2069\u200e\u200f\u061c", "\\u2066\\u2067\\u2068\\u2069\\u200e\\u200f\\u061c"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ud800", "\\ud800"),
        ("[bold] :smile: \\n", "[bold] :smile: \\n"),
    ],
)
def test_unsafe_characters_are_escaped_and_others_stay(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text(st.characters()))
def test_nothing_unsafe_is_ever_shown(text: str) -> None:
    assert UNSAFE.search(escape(text)) is None


def test_no_unsafe_character_counts_as_printable() -> None:
    """So a printable text needs no search."""
    every = map(chr, range(sys.maxunicode + 1))
    assert [one for one in every if one.isprintable() and UNSAFE.match(one)] == []


@given(st.text(st.characters(codec="utf-8")))
def test_json_means_the_same_with_its_unsafe_characters_escaped(text: str) -> None:
    document = escape_json(json.dumps({"name": text}, ensure_ascii=False))
    assert json.loads(document) == {"name": text}
    assert UNSAFE.search(document) is None


def test_json_keeps_its_own_line_ends() -> None:
    assert escape_json('{\n  "a": "\u202e"\n}') == '{\n  "a": "\\u202e"\n}'


def test_a_warning_waits_with_json_so_that_an_error_stands_alone() -> None:
    err = io.StringIO()
    console = Console(Streams(io.StringIO(), io.StringIO(), err, {}), output="json")
    console.warn("skipped one\nproject")
    assert err.getvalue() == ""
    console.flush_warnings()
    console.flush_warnings()
    assert err.getvalue() == "warning: skipped one\\nproject\n"


def test_a_warning_is_written_at_once_without_json_even_if_quiet() -> None:
    err = io.StringIO()
    Console(Streams(io.StringIO(), io.StringIO(), err, {}), quiet=True).warn("look")
    assert err.getvalue() == "warning: look\n"
