"""The wheel, installed in environments of its own at unusual paths."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from projects_cli import __version__

CHECKOUT = Path(__file__).parents[2]
SOURCES = ("projects_cli", "schema", "completions", "docs", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE")


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, because the build writes into its source tree."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        path = CHECKOUT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__", "shipped"))
        else:
            shutil.copy2(path, source)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(source))
    return next(target.glob("*.whl"))


@pytest.mark.xdist_group("wheel")
@pytest.mark.parametrize("place", ["a folder with spaces", "deep"])
def test_the_program_starts_in_any_folder(wheel: Path, tmp_path: Path, place: str) -> None:
    """A kernel reads at most 127 or 255 bytes of a script's first line, and splits it at a space."""
    missing = 220 - len(str(tmp_path))
    environment = tmp_path / ("x" * (missing - 1) if place == "deep" else place)
    venv.create(environment)
    python, program = environment / "bin" / "python", environment / "bin" / "projects"
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"projects {__version__}\n", "")
    shutil.rmtree(environment)
