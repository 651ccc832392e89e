"""The acknowledgement of writes that a URI may configure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.worlds.site import Site


def _with(site: Site, option: str) -> str:
    """Return the site's URI with another option."""
    return f"{site.server.uri}{'&' if '?' in site.server.uri else '/?'}{option}"


@pytest.mark.parametrize("option", ["w=0", "W=0", "w=0&journal=false", "w=%30", "journal=false&w=0&wtimeoutMS=5"])
def test_a_uri_whose_writes_nobody_acknowledges_is_refused(site: Site, option: str) -> None:
    """How a change ended could not be known, so nothing is begun."""
    for arguments in (("list",), ("create", "vision", "-d", "x"), ("doctor",)):
        error = site.error(*arguments, "--uri", _with(site, option), status=2)
        assert error["name"] == "ConfigError"
        assert error["message"] == "the MongoDB URI sets w=0: it would be unknown whether a change was made"
        assert "w=majority" in error["hint"]


@pytest.mark.parametrize("option", ["w=1", "journal=false", "w=1&journal=false", "w=majority"])
def test_a_uri_may_say_how_writes_are_acknowledged(site: Site, option: str) -> None:
    flags = ("--uri", _with(site, option))
    site.text("create", "vision", "-d", "x", *flags)
    assert site.json("delete", "vision", "--force", *flags)["deleted"] == 1
    site.text("undo", "--yes", *flags)
    assert site.named("vision")
