"""`projects delete --delete-contents`: what is removed, cleared, handed over and listed, and how all of it returns."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.endpoints import deletion
from projects_cli.messages import Request
from projects_cli.store.client import connect
from projects_cli.store.collections import open_store
from tests.worlds.site import COMPANY, LONG_AGO, OTHER, USER, Site

if TYPE_CHECKING:
    from pathlib import Path

DELETED = "__DELETED__"


def artifacts(*uris: str, mode: str = "output") -> dict[str, Any]:
    return {"artifacts": {f"a{number}": {"mode": mode, "uri": uri} for number, uri in enumerate(uris)}}


def models(*identifiers: str) -> list[dict[str, Any]]:
    return [{"name": "m", "model": identifier} for identifier in identifiers]


def stocked(site: Site) -> dict[str, str]:
    """Store a tree with contents, and tasks and models elsewhere that refer to them; return ids by short names."""
    old, deep, home = site.project("old"), site.project("old/deep", system_tags=["hidden"]), site.project("home")
    ids = {"old": old, "home": home}
    external = artifacts("s3://b/1", "file:///a", "https://x/y", "")
    ids["run"] = site.task(old, system_tags=["archived"], execution=external, name="run")
    ids["open"] = site.task(deep, company="", execution=artifacts("gs://in", mode="input"))
    ids["foreign"] = site.task(deep, company=OTHER)
    for name, fields in {
        "published": {"status": "published"},
        "bare": {"status": "published"},
        "draft": {"status": "completed"},
        "plain": {},
    }.items():
        ids[name] = site.task(home, **fields)
    for maker in ("published", "bare", "draft", "plain"):
        uri = "azure://c/m" if maker == "draft" else f"file:///{maker}"
        ids[f"model of {maker}"] = site.model(deep, task=ids[maker], uri=uri)
    ids["kept model"] = site.model(home, task=ids["run"], uri="s3://kept")
    first, kept = ids["model of draft"], ids["kept model"]
    both = {"input": models(first, kept), "output": models(kept, first), "x": 1}
    for name in ("published", "draft"):
        site.documents.task.update_one({"_id": ids[name]}, {"$set": {"models": both}})
    ids["child"] = site.task(None, parent=ids["open"], models=both, last_changed_by="someone")
    ids["foreign child"] = site.task(home, company=OTHER, parent=ids["run"], models=both)
    return ids


def by_id(site: Site) -> dict[str, dict[str, Any]]:
    return {one["_id"]: one for documents in site.everything().values() for one in documents}


def test_contents_are_removed_and_references_from_elsewhere_are_cleared(site: Site, tmp_path: Path) -> None:
    ids = stocked(site)
    before, everything = by_id(site), site.everything()
    stays = site.documents.url_to_delete.insert_one({"url": "s3://b/1", "company": OTHER, "status": "failed"})
    again = {"url": "azure://c/m", "company": before[ids["old"]]["company"], "status": "failed", "_id": "again"}
    site.documents.url_to_delete.insert_one({**again, "last_failure_reason": "x", "storage_type": "azure"})
    urls = list(site.documents.url_to_delete.find())
    file = tmp_path / "urls"
    answer = site.json("delete", "old", "--force", "--delete-contents", "--urls-file", str(file))
    assert answer == {
        "deleted": 2,
        "disassociated_tasks": 0,
        "deleted_models": 4,
        "deleted_tasks": 2,
        "urls": {
            "model_urls": ["file:///bare", "file:///plain", "file:///published"],
            "artifact_urls": ["file:///a", "https://x/y"],
            "event_urls": [],
        },
    }
    assert file.read_text().splitlines() == sorted(answer["urls"]["model_urls"] + answer["urls"]["artifact_urls"])
    after = by_id(site)
    gone = {ids[name] for name in ids if name in ("old", "run", "open") or name.startswith("model of")}
    assert before.keys() - after.keys() == gone | {site_id for site_id in before if before[site_id].get("path")}
    marked = {"input": models(DELETED, ids["kept model"]), "output": models(ids["kept model"], DELETED), "x": 1}
    pulled = {**marked, "output": models(ids["kept model"])}
    only_input = {**marked, "output": models(ids["kept model"], ids["model of draft"])}
    cleared: dict[str, dict[str, Any]] = {
        "published": {"models": marked, "last_changed_by": USER},
        "bare": {},
        "draft": {"models": pulled, "last_changed_by": USER},
        "plain": {"last_changed_by": USER},
        "child": {"models": only_input, "parent": None, "last_changed_by": USER},
        "kept model": {"task": None, "last_changed_by": USER},
        "foreign child": {},
        "foreign": {},
    }
    for name, fields in cleared.items():
        document = after[ids[name]]
        assert ("last_change" in document) == bool(fields), name
        document.pop("last_change", None)
        assert document == before[ids[name]] | fields, name
    handed = {one["url"]: one for one in site.documents.url_to_delete.find({"company": again["company"]})}
    assert set(handed) == {"s3://b/1", "azure://c/m"}
    assert handed["azure://c/m"]["_id"] == "again"
    for url, storage in (("s3://b/1", "s3"), ("azure://c/m", "azure")):
        expected = {"status": "created", "retry_count": 0, "task": ids["old"], "user": USER, "storage_type": storage}
        assert expected.items() <= handed[url].items()
        assert "last_failure_reason" not in handed[url]
    assert site.documents.url_to_delete.count_documents({"_id": stays.inserted_id, "status": "failed"}) == 1
    undone = site.json("undo", "--yes")
    assert (undone["skipped"], undone["projects"], undone["urls"]) == ([], 2, 2)
    assert site.everything() == everything
    assert list(site.documents.url_to_delete.find()) == urls


def test_external_urls_are_listed_if_they_are_not_handed_over(site: Site) -> None:
    ids = stocked(site)
    line = {"endpoint": "delete", "params": {"project": ids["old"], "force": True, "delete_contents": True}}
    dry = json.loads(site.text("batch", "-", "--dry-run", stdin=json.dumps({**line, "version": "2.13"})))
    assert [step["collection"] for step in dry["data"]["steps"]][-1] == "url_to_delete"
    answer = site.json("delete", "old", "--force", "--delete-contents", "--no-delete-external-artifacts")
    assert answer["urls"]["artifact_urls"] == ["file:///a", "https://x/y", "s3://b/1"]
    assert answer["urls"]["model_urls"] == ["azure://c/m", "file:///bare", "file:///plain", "file:///published"]
    assert site.documents.url_to_delete.count_documents({}) == 0


def test_undo_leaves_what_the_clean_up_job_has_begun_and_what_others_changed(site: Site) -> None:
    ids = stocked(site)
    before = by_id(site)
    site.json("delete", "old", "--force", "--delete-contents")
    site.documents.url_to_delete.update_one({"url": "s3://b/1"}, {"$set": {"status": "retrying"}})
    site.documents.task.update_one({"_id": ids["child"]}, {"$set": {"parent": ids["plain"]}})
    preview = json.loads(site("undo", "--dry-run", "--json").stdout)
    assert len(preview["skipped"]) == 2
    result = site("undo", "--yes", "--json")
    assert result.exit_code == 5
    answer = json.loads(result.stdout)
    assert {(row["id"], row["name"]) for row in answer["skipped"]} >= {(ids["child"], "task")}
    assert "clean-up job has begun" in str(answer["skipped"])
    after = by_id(site)
    assert {key: value for key, value in after.items() if key != ids["child"]} == {
        key: value for key, value in before.items() if key != ids["child"]
    }
    assert [one["status"] for one in site.documents.url_to_delete.find()] == ["retrying"]


def test_the_size_of_the_journal_and_what_remains_are_reported_before_the_question(site: Site) -> None:
    stocked(site)
    result = site("delete", "old", "--delete-contents")
    assert result.exit_code == 4
    result = site("delete", "old", "--delete-contents", "--force", "--dry-run")
    assert re.search(r"the journal needs [1-9]\d* kB for the tasks and models", result.stderr)
    assert "events in Elasticsearch and stored files are not touched; URLs that remain: 5" in result.stderr
    assert "URLs of external storage that the server's clean-up job gets: 2;" in result.stderr


@pytest.mark.parametrize("existing", ["file", "link"])
def test_the_file_of_urls_is_never_overwritten(site: Site, tmp_path: Path, existing: str) -> None:
    stocked(site)
    file = tmp_path / "urls"
    file.write_text("mine") if existing == "file" else file.symlink_to(tmp_path / "nowhere")
    error = site.error("delete", "old", "--force", "--delete-contents", "--urls-file", str(file), status=2)
    assert "exists already" in error["message"]
    assert existing != "file" or file.read_text() == "mine"
    assert "needs --delete-contents" in site.error("delete", "old", "--urls-file", "x", status=2)["message"]
    missing = str(tmp_path / "none" / "urls")
    for options in (["--force"], ["--force", "--dry-run"]):
        error = site.error("delete", "old", *options, "--delete-contents", "--urls-file", missing, status=2)
        assert "its folder does not exist" in error["message"]
    long = str(tmp_path / ("u" * 300))
    error = site.error("delete", "old", "--force", "--delete-contents", "--urls-file", long, status=2)
    assert "nothing was deleted" in error["message"]


def test_several_projects_share_a_file_of_urls(site: Site, tmp_path: Path) -> None:
    for name in ("one", "two"):
        site.task(site.project(name), execution=artifacts(f"file:///{name}", "file:///a\nb"), system_tags=["archived"])
    file = tmp_path / "urls"
    arguments = ("delete", "one", "two", "--delete-contents", "--urls-file", str(file))
    site.text(*arguments, "--dry-run")
    assert not file.exists()
    answer = site.json(*arguments, "--yes")
    assert answer["urls"]["artifact_urls"] == ["file:///a\nb", "file:///one", "file:///two"]
    assert sorted(file.read_text().splitlines()) == ["file:///a%0Ab", "file:///a%0Ab", "file:///one", "file:///two"]


def test_archived_contents_go_and_others_refuse(site: Site) -> None:
    project, deep = site.project("vision"), site.project("vision/deep")
    archived = [site.task(project, system_tags=["archived"]), site.task(deep, system_tags=["archived"])]
    site.model(deep, system_tags=["archived"])
    active = site.task(deep)
    assert site.error("delete", "vision", "--archived-contents", "--yes", status=4)["name"] == "ProjectHasTasks"
    assert site.error("delete", "vision", "--archived-contents", "--force", status=2)["name"] == "UsageError"
    site.documents.task.delete_one({"_id": active})
    before = site.everything()
    plan = site.json("delete", "vision", "--archived-contents", "-n", PROJECTS_QUIET="1")
    assert plan["plan"] == "delete the project 'vision' with its archived tasks and models"
    answer = json.loads(site("delete", "vision", "--archived-contents", "--yes", "-q", "--json").stdout)
    assert [answer[name] for name in ("deleted", "deleted_tasks", "deleted_models", "disassociated_tasks")] == [
        2,
        2,
        1,
        0,
    ]
    assert site.documents.task.count_documents({"_id": {"$in": archived}}) == 0
    site("undo", "--yes")
    assert site.everything() == before


def test_a_task_that_comes_before_archived_contents_are_deleted_is_kept(site: Site) -> None:
    project = site.project("vision")
    site.task(project, system_tags=["archived"])
    connection = connect(site.server.uri, site.name, shown="test")
    store = open_store(connection, COMPANY)
    params = {"project": project, "delete_contents": True, "delete_external_artifacts": True}
    request = Request("projects.delete", "2.14", params, COMPANY, USER, LONG_AGO, str)
    plan = deletion.delete(request, store, only_archived=True)
    late = site.task(project)
    steps = [step for step in plan.steps if step.collection == "task" and step.action == "delete"]
    stored = [task["_id"] for step in steps for task in store.tasks.find(step.filter, {"_id": 1})]
    connection.close()
    assert (len(stored), late in stored) == (1, False)
