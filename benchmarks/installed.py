"""The program as users have it: a wheel of this checkout, installed and byte-compiled in a virtual environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PARTS = (
    "projects_cli",
    "schema",
    "completions",
    "tools",
    "pyproject.toml",
    "hatch_build.py",
    "README.md",
    "LICENSE",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """The measured programs: an interpreter, and the launcher of `projects` beside it."""

    python: Path
    projects: Path

    @classmethod
    def of(cls, interpreter: str | Path) -> Programs:
        """Return the programs of the venv that an interpreter belongs to."""
        return cls(Path(interpreter), Path(interpreter).with_name("projects"))


def install(folder: Path) -> Programs:
    """Install the checkout in its present state, unless that is installed already.

    The dependencies are those of the interpreter that runs this; the baselines run in the same venv, so the same
    search path costs both the same.
    """
    environment = folder / "venv"
    programs = Programs.of(environment / "bin" / "python")
    stamp = environment / "state"
    state = _state()
    if stamp.exists() and stamp.read_text() == state:
        return programs
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    _copy(source)
    venv.create(environment, clear=True, with_pip=False)
    _lend_dependencies(environment)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder / "wheel"), str(source))
    wheel = max((folder / "wheel").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    _pip("--python", str(programs.python), "install", "--no-deps", "--compile", "--force-reinstall", str(wheel))
    stamp.write_text(state)
    return programs


def _state() -> str:
    """Return a digest of everything that goes into the wheel, and of the interpreter."""
    digest = hashlib.sha256(f"{sys.version} {sys.prefix}".encode())
    for path in _files():
        digest.update(str(path.relative_to(CHECKOUT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _files() -> list[Path]:
    found = [path for part in PARTS for path in (CHECKOUT / part, *(CHECKOUT / part).rglob("*")) if path.is_file()]
    return sorted(path for path in found if not {"__pycache__", "shipped"} & set(path.parts))


def _copy(target: Path) -> None:
    """Copy the files of the wheel, so that the build writes nothing into the checkout."""
    for path in _files():
        copied = target / path.relative_to(CHECKOUT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied)


def _lend_dependencies(environment: Path) -> None:
    """Make the packages of this interpreter visible in the venv, except its editable installs."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = environment / "lib" / version / "site-packages"
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")


def _pip(*arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
