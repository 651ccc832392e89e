"""A URI in the wrong place is refused, and its password is not quoted."""

from __future__ import annotations

import pytest

from tests.running import run

URIS = ("mongodb://ann:my s3cret@h", "mongodb+srv://ann:s3cret@h/db")
PLACES: dict[str, tuple[str, ...]] = {
    "a command": ("URI",),
    "an argument too many": ("list", "URI"),
    "an output": ("list", "-o", "URI"),
    "a duration": ("list", "--timeout", "URI"),
    "a database": ("list", "--database", "URI"),
    "a profile": ("list", "--profile", "URI"),
    "an endpoint": ("call", "URI"),
    "a setting": ("config", "get", "URI"),
    "a help topic": ("help", "URI"),
    "a file": ("batch", "URI"),
    "a schema": ("schema", "--schema", "URI"),
}


@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize("place", PLACES)
def test_its_password_is_not_shown(place: str, uri: str) -> None:
    arguments = [uri if word == "URI" else word for word in PLACES[place]]
    for more in ((), ("--json",)):
        done = run(None, *more, *arguments)
        assert done.returncode in {2, 3}, done.stderr
        assert "s3cret" not in done.stdout + done.stderr
        assert "error" in done.stderr
