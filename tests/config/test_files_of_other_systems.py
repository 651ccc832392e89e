"""Files and streams as editors of other systems write them (byte order mark, CRLF), and mounted secrets."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.running import ROOT, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli
    from tests.worlds.site import Site

URI = "mongodb://127.0.0.1:1/other"
MARK = codecs.BOM_UTF8


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def listed(cli: Cli, *arguments: str, **environment: str) -> dict[str, str]:
    result = cli("config", "list", "--json", *arguments, **environment)
    assert result.exit_code == 0, result.stderr
    return {row["key"]: row["value"] for row in json.loads(result.stdout)["settings"]}


@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "marked"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_configuration(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: bytes, end: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "home" / ".config" / "projects" / "config.toml"
    lines = [b"[profiles.site]", b'database = "other"', b""]
    written(file, mark + end.join(lines))
    written(tmp_path / ".projects.toml", mark + b'profile = "site"' + end)
    assert listed(cli)["database"] == "other"
    assert cli("config", "set", "profiles.site.company", "x").exit_code == 0
    assert listed(cli)["company"] == "x"


@pytest.mark.parametrize("content", [f"{URI}\r\n".encode(), MARK + URI.encode(), MARK + f" {URI} \r\n\r\n".encode()])
def test_uri_files_and_uris_on_standard_input(cli: Cli, tmp_path: Path, content: bytes) -> None:
    file = written(tmp_path / "uri", content)
    assert listed(cli, "--uri-file", str(file))["database"] == "other"
    assert cli("config", "set", "uri", "-", stdin=f"{URI}\r\n").exit_code == 0
    assert listed(cli)["uri"] == URI


@pytest.mark.parametrize("name", ["PROJECTS_MONGO_URI", "CLEARML_MONGODB_SERVICE_CONNECTION_STRING"])
@pytest.mark.parametrize("around", [("", "\n"), (" ", " \r\n"), ("\t", "\n\n")])
def test_a_variable_with_blanks_around_the_uri(cli: Cli, name: str, around: tuple[str, str]) -> None:
    assert listed(cli, **{name: URI.join(around)})["uri"] == URI


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_requests_and_names_on_standard_input(site: Site, tmp_path: Path, mark: str, end: str) -> None:
    one, two = site.project("vision"), site.project("audio")
    request = f'{mark}{{"id":{end}["{one}"]}}{end}'
    data = written(tmp_path / "data.json", request.encode())
    for source, stdin in ((f"@{data}", ""), ("-", request)):
        result = run(site, "call", "projects.get_all_ex", "--data", source, "-o", "id", stdin=stdin)
        assert (result.returncode, result.stdout) == (0, f"{one}\n"), result.stderr
    result = run(site, "update", "-", "-d", "x", "--json", stdin=f"{mark}vision{end}")
    assert result.returncode == 0, result.stderr
    result = run(site, "delete", "-", "--yes", stdin=f"{mark}vision{end}{end}{two}\r")
    assert result.returncode == 0, result.stderr
    assert site.names() == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_batch(site: Site, tmp_path: Path, end: bytes) -> None:
    lines = [b'{"id": 1, "endpoint": "projects.get_all"}', b"", b'{"id": 2, "endpoint": "projects.get_all"}', b""]
    file = written(tmp_path / "requests.jsonl", MARK + end.join(lines))
    result = run(site, "batch", str(file))
    assert (result.returncode, [json.loads(line)["id"] for line in result.stdout.splitlines()]) == (0, [1, 2])
    nothing = written(tmp_path / "nothing.jsonl", MARK + end)
    assert run(site, "batch", str(nothing)).stdout == ""


# --- a mounted secret -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o444, 0o440, 0o644])
def test_a_uri_file_that_others_can_read_is_refused_with_the_ways_that_work(
    cli: Cli, tmp_path: Path, mode: int
) -> None:
    file = written(tmp_path / "uri", URI.encode(), mode)
    result = cli("list", "--uri-file", str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    hint = result.stderr.splitlines()[1]
    assert not [way for way in (f"chmod 600 {file}", "read-only", "0400", "PROJECTS_MONGO_URI") if way not in hint]


IN_A_READ_ONLY_MOUNT = """
set -e
mount -t tmpfs secrets "$1"
printf '%s\\n' "$2" > "$1/uri"
chmod "$3" "$1/uri"
mount -o remount,ro "$1"
shift 3
exec "$@"
"""


@pytest.mark.parametrize("mode", [0o444, 0o440, 0o644, 0o400])
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_uri_file_on_a_read_only_mount_is_accepted_with_a_warning(
    site: Site, tmp_path: Path, mode: int, output: str
) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user may mount anything here")
    identifier = site.project("vision")
    folder = tmp_path / "secrets"
    folder.mkdir()
    shell = [unshare, "-rm", "/bin/sh", "-c", IN_A_READ_ONLY_MOUNT, "sh", str(folder), site.server.uri, f"{mode:o}"]
    arguments = ["list", "--uri-file", str(folder / "uri"), "--database", site.name, "-o", output]
    result = subprocess.run(
        [*shell, sys.executable, "-m", "projects_cli", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, identifier in result.stdout) == (0, True), result.stderr
    warned = (
        f"warning: {folder / 'uri'} holds a URI and can be read by others (mode {mode:04o}, on a read-only mount)\n"
    )
    assert result.stderr == ("" if mode == stat.S_IRUSR else warned)
