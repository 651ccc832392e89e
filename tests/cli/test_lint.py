"""`projects lint`: naming rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bson import Regex

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds.site import Site


@pytest.fixture
def named(site: Site) -> Site:
    """Return a site with names and tags of all kinds."""
    site.project("vision/deep/deeper", tags=["team"])
    site.project("Vision", tags=["team", "x"])
    site.project("speech", tags="team")
    site.project("VISION", company="")
    odd = site.project("odd", tags=[1])
    site.documents.project.update_one({"_id": odd}, {"$set": {"name": Regex("^v")}})
    site.project("unseen", system_tags=["hidden"])
    return site


def found(site: Site, *options: str, **environment: str) -> list[tuple[str, str, str]]:
    """Return the findings; the status has to agree."""
    import json

    result = site("--json", "lint", *options, **environment)
    rows: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
    assert result.exit_code == (6 if rows else 0), result.stderr
    return [(row["rule"], row["name"], row["message"]) for row in rows]


CASE = [
    ("case", "Vision", "differs only in case from VISION, vision"),
    ("case", "vision", "differs only in case from VISION, Vision"),
]


def test_each_rule_has_its_findings(named: Site) -> None:
    assert found(named) == CASE
    odd = '{"$regularExpression":{"pattern":"^v","options":""}}'
    assert found(named, "--pattern", "^[a-z/]+$", "--name", "^[Vs]") == [
        CASE[0],
        ("pattern", "Vision", "does not match ^[a-z/]+$"),
    ]
    assert ("pattern", odd, "does not match ^[a-z/]+$") in found(named, "--pattern", "^[a-z/]+$")
    assert found(named, "--max-depth", "2", "--under", "vision/deep") == [
        ("max-depth", "vision/deep/deeper", "is at level 3")
    ]
    missing = [name for rule, name, _ in found(named, "--required-tag", "team", "--hidden") if rule == "required-tag"]
    assert missing == sorted(["vision", "vision/deep", "speech", odd, "unseen"])
    assert found(named, "--required-tag", "a", "--required-tag", "team", "--name", "deeper") == [
        ("required-tag", "vision/deep/deeper", "lacks the tag a")
    ]


def test_the_rules_may_be_in_a_file(named: Site, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('max-depth = 2\nrequired-tag = "team"\nname = "deeper"\n')
    assert [rule for rule, _, _ in found(named, "--policy-file", str(rules))] == ["max-depth"]
    assert found(named, "--policy-file", str(rules), "--max-depth", "3") == []
    rules.write_text("max-depht = 2\n")
    fault = named.error("lint", "--policy-file", str(rules), status=2)
    assert (fault["message"], fault["hint"]) == (f"{rules}: unknown key 'max-depht'", "did you mean max-depth?")
    for path in (str(tmp_path), "a\0b"):
        assert named.error("lint", "--policy-file", path, status=2)["message"].startswith(f"{path}: ")


def test_a_pattern_that_is_invalid_is_a_usage_error(named: Site) -> None:
    named.error("lint", "--pattern", "(", status=2)
