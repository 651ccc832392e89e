"""The distributions: reproducible, and installed in environments of their own at unusual paths."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

import pytest

from projects_cli import __version__
from tests import servers
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


def build(source: Path, target: Path, *targets: str) -> None:
    """Build distributions of a source tree, with another hash seed each time, as a new process has it."""
    options = [argument for name in targets for argument in ("--target", name)]
    command = [sys.executable, "-m", "hatchling", "build", *options, "--directory", str(target)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    subprocess.run(command, cwd=source, check=True, capture_output=True, env=environment)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution of a copy without git, because the build writes into its source tree."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("sdist")
    for name in SOURCES:
        path = CHECKOUT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__", "shipped"))
        else:
            shutil.copy2(path, source)
    build(source, target, "sdist")
    return next(target.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the source distribution, as pip does if there is no wheel."""
    target = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(target), str(sdist))
    return next(target.glob("*.whl"))


@pytest.mark.xdist_group("wheel")
def test_a_second_build_has_the_same_bytes(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    """Of the unpacked source distribution, in another folder and with other times."""
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.2 of Debian 12 lacks it
        archive.extractall(tmp_path / "unpacked")  # noqa: S202 - our own archive
    (source,) = (tmp_path / "unpacked").iterdir()
    for file in source.rglob("*"):
        os.utime(file)
    build(source, tmp_path / "dist", "sdist", "wheel")
    assert {file.name for file in (tmp_path / "dist").iterdir()} == {sdist.name, wheel.name}
    for first in (sdist, wheel):
        assert (tmp_path / "dist" / first.name).read_bytes() == first.read_bytes()


@pytest.mark.xdist_group("wheel")
def test_the_wheel_has_the_manuals_the_completion_files_and_no_generator(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        texts = {name: archive.read(name) for name in names if "/data/share/man/" in name}
    assert {name.partition(".data/data/")[2] for name in names if ".data/data/" in name} == SHARED
    assert all(text.startswith(b'.\\" generated') for text in texts.values())
    assert {"projects_cli/cli/completion/commands.tsv", "projects_cli/cli/root_help.py"} <= set(names)
    assert "projects_cli/cli/completion/files/projects.bash" in names
    assert not [name for name in names if name.startswith("tools/")]


@pytest.mark.xdist_group("wheel")
@pytest.mark.parametrize("place", ["a folder with spaces", "deep"])
def test_the_program_starts_in_any_folder_and_leaves_nothing_behind(wheel: Path, tmp_path: Path, place: str) -> None:
    """A kernel reads at most 127 or 255 bytes of a script's first line, and splits it at a space."""
    missing = 220 - len(str(tmp_path))
    environment = tmp_path / ("x" * (missing - 1) if place == "deep" else place)
    venv.create(environment)
    python, program = environment / "bin" / "python", environment / "bin" / "projects"
    before = {path for path in environment.rglob("*") if path.is_file()}
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"projects {__version__}\n", "")
    pip("--python", str(python), "uninstall", "--yes", "projects-cli")
    assert {path for path in environment.rglob("*") if path.is_file()} == before
    shutil.rmtree(environment)


@pytest.mark.xdist_group("wheel")
def test_an_installed_program_passes_the_smoke_test(wheel: Path, tmp_path: Path) -> None:
    """With the dependencies of this interpreter: `make smoke` installs them."""
    environment = tmp_path / "environment"
    venv.create(environment)
    pip("--python", str(environment / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel))
    packages = sysconfig.get_path("purelib", vars={"base": str(environment)})
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    home = Path(tempfile.mkdtemp(prefix="ps-"))  # short, for the socket's path
    mongod = {"PROJECTS_MONGOD": servers.MONGOD} if servers.MONGOD else {}
    command = ["sh", str(CHECKOUT / "packaging" / "smoke.sh"), str(environment / "bin" / "projects")]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"HOME": str(home), "PATH": os.defpath, **mongod}
    )
    shutil.rmtree(home)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("smoke test passed\n")
