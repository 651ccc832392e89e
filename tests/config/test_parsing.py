"""The parsers of settings."""

from __future__ import annotations

import pytest

from projects_cli.config.settings import (
    parse_boolean,
    parse_count,
    parse_database,
    parse_duration,
    parse_path,
    parse_uri,
    parse_wait,
)


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "on", " On "])
def test_words_for_true(text: str) -> None:
    assert parse_boolean(text) is True


@pytest.mark.parametrize("text", ["0", "false", "No", "off", ""])
def test_words_for_false(text: str) -> None:
    assert parse_boolean(text) is False


@pytest.mark.parametrize("text", ["2", "y e s", "maybe", "None"])
def test_other_words_are_refused_as_a_switch(text: str) -> None:
    with pytest.raises(ValueError, match="is neither true nor false"):
        parse_boolean(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("1.5s", 1.5),
        ("45s", 45),
        ("15m", 900),
        ("1h30m", 5400),
        (" 2m ", 120),
        ("0.5", 0.5),
        ("1d", 86400),
        ("2D", 172800),
        ("1w", 604800),
        ("1h 30m", 5400),
    ],
)
def test_a_duration_is_parsed_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "-5", "-5s", "5 parsecs", "inf", "nan", "1e400", "m", "1m1m", "1s2m", "1:30", "1h30"]
)
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write 30, 45s, 15m, 1h30m or 2d"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0", "0s", "0.0", "-0"])
def test_0_is_a_wait_but_not_a_duration(text: str) -> None:
    assert parse_wait(text) == 0
    with pytest.raises(ValueError, match="a duration must be greater than zero"):
        parse_duration(text)


def test_a_wait_is_a_duration() -> None:
    assert parse_wait("1.5s") == 1.5
    with pytest.raises(ValueError, match="is not a duration"):
        parse_wait("-1")


def test_an_invalid_path_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert str(parse_path("~/x")) == "/home/ann/x"
    with pytest.raises(ValueError, match="expected a path, not a URI"):
        parse_path("mongodb://ann:secret@host")
    with pytest.raises(ValueError, match="a path cannot contain a NUL"):
        parse_path("a\0b")
    with pytest.raises(ValueError, match="a lone surrogate"):
        parse_path("\ud800")


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a.b", "$x", "a\0", "\ud800", "x" * 64, "é" * 32, '"', "a:b"])
def test_an_invalid_database_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a database"):
        parse_database(text)


def test_a_database_has_63_bytes_at_most() -> None:
    assert parse_database("é" * 31 + "x") == "é" * 31 + "x"


@pytest.mark.parametrize("text", ["", " ", "localhost", "http://ann:secret@host", "mongodb:/host"])
def test_an_invalid_uri_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a URI begins with mongodb:// or mongodb\+srv://$"):
        parse_uri(text)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "many"])
def test_a_count_is_a_non_negative_integer(text: str) -> None:
    assert parse_count(" 12 ") == 12
    with pytest.raises(ValueError, match="is not a non-negative integer"):
        parse_count(text)
