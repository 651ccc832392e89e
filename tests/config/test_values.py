"""How the text of a setting becomes its value."""

from __future__ import annotations

import pytest

from projects_cli.config.values import boolean, database, duration, file_path, patience, uri


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "on", " On "])
def test_words_that_mean_yes(text: str) -> None:
    assert boolean(text) is True


@pytest.mark.parametrize("text", ["0", "false", "No", "off", ""])
def test_words_that_mean_no(text: str) -> None:
    assert boolean(text) is False


@pytest.mark.parametrize("text", ["2", "y e s", "maybe", "None"])
def test_other_words_are_no_switch(text: str) -> None:
    with pytest.raises(ValueError, match="is neither true nor false"):
        boolean(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("1.5s", 1.5), ("45s", 45), ("15m", 900), ("1h30m", 5400), (" 2m ", 120), ("0.5", 0.5), ("1d", 86400)],
)
def test_a_duration_is_seconds_a_bare_number_too(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5", "5 parsecs", "inf", "nan", "1e400"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; write 30, 45s, 15m or 1h30m"):
        duration(text)


@pytest.mark.parametrize("text", ["0", "0s", "0.0", "-0"])
def test_0_is_a_time_to_wait_and_no_other_duration(text: str) -> None:
    assert patience(text) == 0
    with pytest.raises(ValueError, match="leaves no time at all; write 30, 45s, 15m or 1h30m"):
        duration(text)


def test_a_time_to_wait_is_a_duration() -> None:
    assert patience("1.5s") == 1.5
    with pytest.raises(ValueError, match="is no duration"):
        patience("-1")


def test_a_path_is_no_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert str(file_path("~/x")) == "/home/ann/x"
    with pytest.raises(ValueError, match="a path is wanted here, and this is a URI"):
        file_path("mongodb://ann:secret@host")
    with pytest.raises(ValueError, match="no path has a NUL"):
        file_path("a\0b")
    with pytest.raises(ValueError, match="half a surrogate pair"):
        file_path("\ud800")


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a.b", "$x", "a\0", "\ud800", "x" * 64, "é" * 32, '"', "a:b"])
def test_what_can_be_no_database_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="can't be the name of a database"):
        database(text)


def test_a_database_has_63_bytes_at_most() -> None:
    assert database("é" * 31 + "x") == "é" * 31 + "x"


@pytest.mark.parametrize("text", ["", " ", "localhost", "http://ann:secret@host", "mongodb:/host"])
def test_what_is_no_uri_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a URI begins with mongodb:// or mongodb\+srv://$"):
        uri(text)
