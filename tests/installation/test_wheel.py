"""The wheel, installed in environments of its own at unusual paths."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from projects_cli import __version__
from tools.manual import manual_pages
from tools.program import program

CHECKOUT = Path(__file__).parents[2]
SOURCES = ("projects_cli", "schema", "completions", "tools", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE")
SHARED = {
    "share/bash-completion/completions/projects",
    "share/zsh/site-functions/_projects",
    "share/fish/vendor_completions.d/projects.fish",
    *(f"share/man/man1/{page}" for page in manual_pages(program())),
}


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a source distribution of a copy, because the build writes into its source tree."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        path = CHECKOUT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__", "shipped"))
        else:
            shutil.copy2(path, source)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(target)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (archive,) = target.glob("*.tar.gz")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(archive))
    return next(target.glob("*.whl"))


@pytest.mark.xdist_group("wheel")
def test_the_wheel_has_the_manuals_the_completion_files_and_no_generator(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        texts = {name: archive.read(name) for name in names if "/data/share/man/" in name}
    assert {name.partition(".data/data/")[2] for name in names if ".data/data/" in name} == SHARED
    assert all(text.startswith(b'.\\" generated') for text in texts.values())
    assert "projects_cli/cli/completion/commands.tsv" in names
    assert "projects_cli/cli/completion/files/projects.bash" in names
    assert not [name for name in names if name.startswith("tools/")]


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
