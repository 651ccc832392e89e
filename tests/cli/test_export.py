"""`projects export`: what is in the file, that it is of one moment, and that a broken export leaves the old file."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument

from projects_cli.store.extended_reader import document_of
from projects_cli.transfer.archive import zstd_module
from projects_cli.transfer.replacement import replacement
from tests.running import start
from tests.worlds.site import COMPANY, empty_site
from tests.worlds.transfers import fill, odd_task, stored

if TYPE_CHECKING:
    from tests.conftest import Cli
    from tests.servers import Server
    from tests.worlds.site import Site


def lines(text: str) -> list[tuple[str, Any]]:
    """Return the lines of an export, each its kind and its content."""
    return [next(iter(json.loads(line).items())) for line in text.splitlines()]


def names(text: str, *kinds: str) -> list[str]:
    return [content["name"] for kind, content in lines(text) if kind in kinds]


def test_an_export_has_every_byte_of_the_companys_own_documents(each_site: Site) -> None:
    odd_task(each_site, fill(each_site))
    before = stored(each_site)
    text = each_site.text("export", "--with", "models,tasks", "-q")
    documents: dict[str, list[bytes]] = {"project": [], "task": [], "model": []}
    body = text.splitlines(keepends=True)
    for line in body[1:-1]:
        kind, content = line[:-2].removeprefix('{"').split('":', 1)
        documents[kind].append(document_of(content.encode()))
    assert {kind: sorted(raws) for kind, raws in documents.items()} == before == stored(each_site)
    header, trailer = json.loads(body[0])["export"], json.loads(body[-1])["end"]
    counts = {"projects": 4, "tasks": 5, "models": 1}
    assert header["counts"] == trailer["counts"] == counts
    assert header["company"] == COMPANY
    assert trailer["sha256"] == hashlib.sha256("".join(body[:-1]).encode()).hexdigest()


def test_no_reader_of_the_lines_obeys_a_name(site: Site) -> None:
    hostile = "a\x1b[31m\x9b2J\x7f\u200e\u2028\u202e日本"
    site.project(hostile, description=hostile)
    text = site.text("export", hostile, "-q")
    assert all(character == "\n" or character.isprintable() for character in text)
    assert (names(text, "project"), lines(text)[0][1]["roots"], "日本" in text) == ([hostile], [hostile], True)


def test_projects_are_exported_with_all_below_and_their_parents_marked(site: Site) -> None:
    fill(site)
    text = site.text("export", "vision/detection", "--with", "tasks", "-q")
    assert names(text, "parent") == ["vision"]
    assert names(text, "project") == ["vision/detection", "vision/detection/deep"]
    assert names(text, "task") == ["second"]
    assert lines(text)[0][1]["roots"] == ["vision/detection"]
    both = site.text("export", "-", "-q", stdin="vision/detection\nvision\naudio\n")
    assert names(both, "parent") == []
    assert names(both, "project") == ["audio", "vision", "vision/detection", "vision/detection/deep"]


def test_what_belongs_to_others_is_refused_and_an_empty_input_exports_nothing(site: Site, tmp_path: Path) -> None:
    fill(site)
    assert site.error("export", "example", status=4)["name"] == "NoWritePermission"
    assert site.error("export", "foreign", status=3)["name"] == "ProjectNotFound"
    assert site.error("export", "--with", "users", status=2)["hint"] == "use tasks, models"
    assert site.error("export", "--query", "x", status=2)["hint"] == "use --to FILE"
    result = site("export", "-", "--to", str(tmp_path / "x.jsonl"), stdin="\n")
    assert (result.exit_code, (tmp_path / "x.jsonl").exists()) == (0, False)


def test_a_snapshot_is_reported_in_the_header_and_its_absence_by_a_notice(each_site: Site) -> None:
    each_site.project("vision")
    has_snapshots = "setName" in each_site.server.client.admin.command("hello")
    result = each_site("export")
    assert lines(result.stdout)[0][1]["snapshot"] is has_snapshots
    assert ("without a snapshot" in result.stderr) is not has_snapshots
    assert lines(each_site.text("export", "--no-snapshot"))[0][1]["snapshot"] is False


def test_an_export_on_a_replica_set_is_of_one_moment(replica_set: Server, cli: Cli) -> None:
    with empty_site(replica_set, cli) as site:
        vision = site.project("vision")
        for number in range(3000):
            site.task(vision, _id=f"{number:05}")
        with start(site, "export", "--with", "tasks") as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            # The pipe holds less than the export: the program waits in the middle of it.
            site.documents.task.delete_many({})
            rest = process.stdout.read()
        assert process.returncode == 0
        assert json.loads(first)["export"]["counts"]["tasks"] == 3000
        assert json.loads(rest.splitlines()[-1])["end"]["counts"]["tasks"] == 3000


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_a_file_is_private_compressed_by_its_name_and_replaced_as_a_whole(
    site: Site, tmp_path: Path, ending: str
) -> None:
    fill(site)
    path = tmp_path / f"x.{ending}"
    path.write_text("older")
    path.chmod(0o644)
    answer = site.json("export", "--to", str(path))
    assert answer == {"file": str(path), "snapshot": False, "counts": {"projects": 4}}
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    if ending == "jsonl.gz":
        content = gzip.decompress(content)
    elif ending == "jsonl.zst":
        with zstd_module().open(path) as stream:
            content = stream.read()
    assert names(content.decode(), "project") == ["audio", "vision", "vision/detection", "vision/detection/deep"]
    assert list(tmp_path.glob(".x*")) == []


def test_a_failed_export_leaves_the_old_file_and_the_next_one_removes_what_a_killed_one_left(
    site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "x[1].jsonl"
    path.write_text("good")
    assert site.error("export", "nothing", "--to", str(path), status=3)["name"] == "ProjectNotFound"
    assert path.read_text() == "good"
    left = tmp_path / ".x[1].jsonl.new-killed"
    left.write_text("half")
    with replacement(str(path)) as running:
        assert not left.exists()
        running.write(b"x")
        site.json("export", "--to", str(path))  # the file of the running one is locked, so it stays
        written = path.read_text()
        assert len(list(tmp_path.glob(".x*"))) == 1
    assert written.startswith('{"export":')
    assert path.read_text() == "x"


@pytest.mark.parametrize("name", ["projects.zip", "projects.tar", "PROJECTS.XZ"])
def test_a_name_of_another_type_of_archive_is_refused(site: Site, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    error = site.error("export", "--to", str(file), status=2)
    assert (error["message"], ".gz or .zst" in error["hint"]) == (
        f"--to '{file}': unsupported archive format",
        True,
    )
    assert not file.exists()


def test_a_device_or_a_folder_is_not_replaced(site: Site, tmp_path: Path) -> None:
    for path in ("/dev/null", str(tmp_path), str(tmp_path / "missing" / "x"), "\0"):
        assert site.error("export", "--to", path, status=2)["message"].startswith(f"cannot write '{path}'")
    assert Path("/dev/null").is_char_device()


def test_an_export_that_import_refuses_says_so(site: Site, tmp_path: Path) -> None:
    own = {"company": COMPANY, "tags": [], "path": []}
    site.documents.project.insert_one({"_id": 1.5, "name": "number", "basename": "number", **own})
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert "refuses" not in site("export", "--with", "tasks", "--to", str(first)).stderr
    site.documents.task.insert_one({"_id": None, "name": "task", **own})
    site.documents.project.insert_one({"_id": None, "name": "null", "basename": "null", **own})
    broken = bson.encode({"_id": "BROKEN!!", "name": "broken", "basename": "broken", **own})
    site.documents.project.insert_one(RawBSONDocument(broken.replace(b"BROKEN", b"\xff" * 6)))
    result = site("export", "--with", "tasks", "--to", str(second))
    assert (result.exit_code, "import refuses this file: ids that are null, or not UTF-8 text: 3" in result.stderr) == (
        0,
        True,
    )
    for name in ("project", "task"):
        site.documents[name].delete_many({})
    assert site("import", str(second), "--yes").exit_code == 2
    assert site.json("import", str(first), "--yes")["projects"] == 1
