"""The folder of the private server, and folders that it refuses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from projects_cli.config.resolution import resolve
from projects_cli.errors import NoPrivateServer
from projects_cli.local import server
from projects_cli.local.paths import LONGEST_SOCKET, make_private, server_paths
from tests.servers import answers

if TYPE_CHECKING:
    from tests.local.conftest import Private


def test_the_data_folder_of_the_user() -> None:
    found = server_paths(resolve({}, {"HOME": "/home/ada"}, Path("/")))
    assert found.folder == Path("/home/ada/.local/share/projects-cli/local")
    found = server_paths(resolve({}, {"HOME": "/home/ada", "XDG_DATA_HOME": "/srv/ada"}, Path("/")))
    assert found.folder == Path("/srv/ada/projects-cli/local")
    found = server_paths(resolve({}, {"HOME": "/home/ada", "XDG_DATA_HOME": "relative"}, Path("/")))
    assert found.folder == Path("/home/ada/.local/share/projects-cli/local")


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "a:b", "with space", "日本語"])
def test_a_path_that_is_unusable_for_a_socket_is_replaced(short_folder: Path, name: str) -> None:
    runtime = short_folder / "run"
    runtime.mkdir()
    environment = {"XDG_RUNTIME_DIR": str(runtime)}
    found = server_paths(resolve({"local_dir": short_folder / name}, environment, Path("/")))
    assert found.folder == short_folder / name
    assert found.socket.parent.parent == runtime
    assert len(os.fsencode(found.socket)) <= LONGEST_SOCKET
    other = server_paths(resolve({"local_dir": short_folder / (name + "2")}, environment, Path("/")))
    assert found.socket != other.socket


@pytest.mark.parametrize("name", ["Capital LETTERS", "CAPITAL"])
def test_unusual_folder_names_work(private: Private, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Below a link, too, which is followed."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    top = private.folder.parent
    monkeypatch.setenv("TMPDIR", str(top))
    (top / "real").mkdir(mode=0o700)
    (top / "link").symlink_to("real")
    private.folder = top / "link" / name
    assert answers(private.use())
    assert private.status()["folder"] == str(top / "real" / name)


def test_a_running_server_is_found_though_the_temporary_folder_changed(
    private: Private, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = private.folder.parent
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    private.folder = top / ("L" * 100)
    for name in ("one", "two"):
        (top / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(top / "one"))
    first = private.use()
    assert answers(first)
    monkeypatch.setenv("TMPDIR", str(top / "two"))
    assert private.use() == first
    server.stop(private.settings())
    assert private.use() != first


def test_a_folder_that_is_a_link_is_refused(private: Private) -> None:
    target = private.folder.parent / "target"
    target.mkdir(mode=0o700)
    private.folder.symlink_to(target)
    with pytest.raises(NoPrivateServer, match="symbolic link"):
        server.ensure(private.settings())
    assert not list(target.iterdir())


@pytest.mark.parametrize("name", ["data", "in-use", "running", "starting"])
def test_a_link_inside_the_folder_is_refused(private: Private, name: str) -> None:
    make_private(private.folder)
    (private.folder / name).symlink_to(private.folder.parent / "elsewhere")
    with pytest.raises(NoPrivateServer, match=name):
        server.ensure(private.settings())
    (private.folder / name).unlink()
    assert not (private.folder.parent / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777, 0o701])
def test_a_folder_that_is_open_to_others_is_refused(private: Private, mode: int) -> None:
    private.folder.mkdir()
    private.folder.chmod(mode)
    with pytest.raises(NoPrivateServer, match="open to others") as caught:
        server.ensure(private.settings())
    assert caught.value.hint == f"chmod 700 {private.folder}"
    assert private.folder.stat().st_mode & 0o777 == mode, "it is not ours to change"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(private: Private) -> None:
    private.folder.mkdir(mode=0o700)
    os.chown(private.folder, 12345, 12345)
    with pytest.raises(NoPrivateServer, match="another user"):
        server.ensure(private.settings())


def test_a_file_instead_of_the_folder_is_refused(private: Private) -> None:
    private.folder.write_text("x")
    with pytest.raises(NoPrivateServer, match="not a folder"):
        server.ensure(private.settings())
    private.folder.unlink()


def test_a_socket_folder_that_is_open_to_others_is_refused(private: Private, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", str(private.folder.parent))
    private.folder = private.folder.parent / ("L" * 100)
    prepared = server_paths(private.settings()).socket.parent
    prepared.mkdir()
    prepared.chmod(0o777)
    with pytest.raises(NoPrivateServer, match="open to others"):
        server.ensure(private.settings())


def test_a_folder_that_cannot_be_created_is_named(private: Private) -> None:
    private.folder = Path("/proc/nowhere/local")
    with pytest.raises(NoPrivateServer, match="/proc/nowhere"):
        server.ensure(private.settings())
