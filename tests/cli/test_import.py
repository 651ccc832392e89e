"""`projects import`: what an export has comes back byte for byte, as one change, and only if the file is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.site import COMPANY, OTHER, Site
from tests.worlds.transfers import fill, odd_task, stored

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = ("project", "task", "model")


def exported(site: Site, path: Path, *arguments: str) -> str:
    """Export to a file, and return its path."""
    site.json("export", *arguments, "--with", "tasks,models", "--to", str(path))
    return str(path)


def emptied(site: Site) -> None:
    for name in EVERYTHING:
        site.documents[name].delete_many({})


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_an_import_into_an_empty_database_restores_every_byte_and_undo_removes_it(
    each_site: Site, tmp_path: Path, ending: str
) -> None:
    odd_task(each_site, fill(each_site))
    before = stored(each_site)
    path = exported(each_site, tmp_path / f"x.{ending}")
    emptied(each_site)
    answer = each_site.json("import", path, "--yes")
    assert answer == {"projects": 4, "tasks": 5, "models": 1, "updated": 0}
    assert stored(each_site) == before
    preview = each_site.json("undo", "--yes", "--dry-run")
    assert not preview["skipped"]
    assert each_site.json("undo", "--yes")["state"] == "undone"
    assert stored(each_site) == {name: [] for name in EVERYTHING}


def test_an_undo_leaves_a_project_that_others_use_since(site: Site, tmp_path: Path) -> None:
    fill(site)
    path = exported(site, tmp_path / "x.jsonl", "vision")
    emptied(site)
    site.json("import", path, "--yes")
    late = site.task(site.named("vision/detection")["_id"], name="late")
    result = site("undo", "--yes", "--json")
    assert result.exit_code == 5
    assert site.names() == ["vision", "vision/detection"]
    assert [task["_id"] for task in site.documents.task.find()] == [late]


def test_a_project_with_a_task_that_was_edited_since_is_not_removed_for_a_moment(site: Site, tmp_path: Path) -> None:
    fill(site)
    path = exported(site, tmp_path / "x.jsonl", "vision")
    emptied(site)
    site.json("import", path, "--yes")
    task = site.documents.task.find_one({})
    assert task is not None
    site.documents.task.update_one({"_id": task["_id"]}, {"$set": {"name": "edited"}})
    holder = site.stored(task["project"])["name"]
    preview = site("undo", "--yes", "--dry-run")
    assert f"stays as it is: {holder}" in preview.stderr
    result = site("undo", "--yes", "--json")
    assert result.exit_code == 5
    skipped = {one["name"]: one["why"] for one in json.loads(result.stdout)["skipped"]}
    assert skipped[holder] == "it holds tasks now"


def test_a_file_that_is_damaged_changes_nothing(site: Site, tmp_path: Path) -> None:
    fill(site)
    lines = site.text("export", "--with", "tasks,models", "-q").splitlines(keepends=True)
    emptied(site)
    bent = {
        "its end is missing": lines[:-1],
        "a line is missing": lines[:2] + lines[3:],
        "a line is cut": [*lines[:-1], lines[-1][:-5]],
        "a line is not JSON": [*lines[:3], "{\n", *lines[3:]],
        "a value is changed": [
            *lines[:2],
            lines[2].replace('"audio"', '"aud10"').replace('"vision', '"v1sion'),
            *lines[3:],
        ],
        "lines are exchanged": [lines[0], lines[-2], *lines[1:-2], lines[-1]],
        "there is more": [*lines, lines[1]],
        "its head is missing": lines[1:],
        "it is empty": [],
        "it is of a newer version": [lines[0].replace('"format":1', '"format":2'), *lines[1:]],
        "it is something else": ['{"a": 1}\n'],
        "line 2: its end was changed to that of Windows": [lines[0], *(line[:-1] + "\r\n" for line in lines[1:])],
        "line 2: it is not JSON, from its character 2 on": [lines[0], '{"project":{1}}\n', *lines[2:]],
        "line 2: it is nested too deeply": [lines[0], '{"project":' + '{"a":' * 9_999 + "1" + "}" * 10_000 + "\n"],
        "line 2: it has a value that is not canonical": [lines[0], '{"project":{"a":{"$numberDecimal":"x"}}}\n'],
    }
    bent |= {
        f"line 2: its document has no valid _id{' ' * number}": [lines[0], f'{{"project":{{{field}"name":"audio"}}}}\n']
        for number, field in enumerate(
            (
                "",
                '"_id":[1],',
                '"_id":{"$undefined":true},',
                '"_id":{"$regularExpression":{"pattern":"a","options":""}},',
            )
        )
    }
    for name, content in bent.items():
        path = tmp_path / "x.jsonl"
        path.write_bytes("".join(content).encode())
        error = site.error("import", str(path), "--yes", status=2)
        assert error["name"] == "DamagedFile", name
        assert name.strip() in error["message"] or not name.startswith("line 2"), name
    good = tmp_path / "x.jsonl.gz"
    site.json("export", "--to", str(good))
    good.write_bytes(good.read_bytes()[:-10])
    assert site.error("import", str(good), "--yes", status=2)["name"] == "DamagedFile"
    assert site.error("import", str(tmp_path / "missing"), status=2)["name"] == "UsageError"


def test_what_exists_is_refused_skipped_updated_or_renamed(site: Site, tmp_path: Path) -> None:
    vision = fill(site)
    path = exported(site, tmp_path / "x.jsonl", "vision")
    before = site.everything()
    error = site.error("import", path, "--yes", status=4)
    assert error["name"] == "ImportConflict"
    assert {problem["path"] for problem in error["problems"]} >= {"vision", "vision/detection"}
    assert site("import", path, "--yes", "--on-conflict", "skip", "--json").exit_code == 0
    assert site.everything() == before

    site.documents.project.update_one({"_id": vision}, {"$set": {"description": "later", "extra": 1}})
    site.documents.task.update_one({"name": "first"}, {"$set": {"comment": "later"}})
    site.documents.task.delete_one({"name": "second"})
    answer = site.json("import", path, "--yes", "--on-conflict", "update")
    assert answer == {"projects": 0, "tasks": 1, "models": 0, "updated": 2}
    assert site.everything() == before
    site.json("undo", "--yes")
    assert (site.stored(vision)["description"], site.documents.task.find_one({"name": "second"})) == ("later", None)

    before = site.everything()
    answer = site.json("import", path, "--yes", "--on-conflict", "rename")
    assert (answer["projects"], answer["tasks"], answer["models"]) == (3, 2, 1)
    assert [name for name in site.names() if name.startswith("vision-2")] == [
        "vision-2", "vision-2/detection", "vision-2/detection/deep",
    ]  # fmt: skip
    deep = site.named("vision-2/detection/deep")
    assert deep["path"] == [site.named("vision-2")["_id"], site.named("vision-2/detection")["_id"]]
    second = site.documents.task.find_one({"project": deep["_id"]})
    first = site.documents.task.find_one({"project": site.named("vision-2")["_id"]})
    net = site.documents.model.find_one({"project": deep["_id"]})
    assert second is not None
    assert first is not None
    assert net is not None
    assert (second["parent"], second["models"]["input"][0]["model"], net["task"]) == (
        first["_id"],
        net["_id"],
        first["_id"],
    )
    site.json("undo", "--yes")
    assert site.everything() == before


def test_a_null_id_is_what_no_reference_refers_to(site: Site, tmp_path: Path) -> None:
    vision = site.project("vision")
    own = {"company": COMPANY, "tags": []}
    site.documents.project.insert_one({"_id": None, "name": "odd", "basename": "odd", "path": [], **own})
    site.documents.model.insert_one({"_id": None, "name": "odd", "project": vision, **own})
    lists: list[dict[str, Any]] = [{}, {"project": None}, {"project": vision, "parent": None}]
    lists += [{"project": vision, "models": {"input": [one]}} for one in ("m1", {"name": "n"}, {"model": None})]
    for number, fields in enumerate(lists):
        site.documents.task.insert_one({"_id": f"{number}" * 32, "name": f"task {number}", **own, **fields})
    before = site.everything()
    path = str(tmp_path / "x.jsonl")
    assert "import refuses this file" in site("export", "--with", "tasks,models", "--to", path).stderr
    site.json("import", path, "--yes", "--on-conflict", "rename")  # with other ids
    copies = site.documents.task.find({"name": {"$gte": "task 2"}, "project": site.named("vision-2")["_id"]})
    renewed = [{name: task.get(name) for name in ("parent", "models")} for task in copies.sort("name")]
    assert renewed == [{name: fields.get(name) for name in ("parent", "models")} for fields in lists[2:]]
    site.json("undo", "--yes")
    assert site.everything() == before


def test_new_ids_replace_references_and_no_text(site: Site, tmp_path: Path) -> None:
    """Ids in values of the user's, and the queue, stay as they are."""
    vision = fill(site)
    first = site.documents.task.find_one({"name": "first"})
    assert first is not None
    old = {"hyperparams": {"Args": {"task": {"value": first["_id"]}}}, "runtime": {"task": first["_id"]}}
    old |= {"configuration": {"Pipeline": {"value": vision}}, "execution": {"queue": "q", "model": "m" * 32}}
    site.task(vision, name="text", parent=first["_id"], **old)
    path = exported(site, tmp_path / "x.jsonl", "vision")
    site.json("import", path, "--yes", "--on-conflict", "rename")
    copy = site.documents.task.find_one({"name": "text", "project": site.named("vision-2")["_id"]})
    assert copy is not None
    assert copy["parent"] != first["_id"]
    assert {name: copy[name] for name in old} == old


def test_an_import_below_another_project_moves_the_named_projects_there(site: Site, tmp_path: Path) -> None:
    fill(site)
    path = exported(site, tmp_path / "x.jsonl", "vision/detection")
    emptied(site)
    site.json("import", path, "--yes", "--into", "restored/here")
    assert site.names() == ["restored", "restored/here", "restored/here/detection", "restored/here/detection/deep"]
    deep = site.named("restored/here/detection/deep")
    above = [site.named(name)["_id"] for name in ("restored", "restored/here", "restored/here/detection")]
    assert (deep["path"], deep["parent"], deep["basename"]) == (above, above[-1], "deep")


def test_a_missing_parent_is_created_and_an_existing_one_is_used(site: Site, tmp_path: Path) -> None:
    fill(site)
    path = exported(site, tmp_path / "x.jsonl", "vision/detection")
    original = site.named("vision")
    emptied(site)
    site.json("import", path, "--yes")
    assert site.named("vision") == original
    site.json("undo", "--yes")
    other = site.project("vision", tags=["mine"])
    site.json("import", path, "--yes")
    assert site.stored(other)["tags"] == ["mine"]
    assert site.named("vision/detection/deep")["path"] == [other, site.named("vision/detection")["_id"]]


def test_companies_and_users_are_mapped(site: Site, tmp_path: Path) -> None:
    fill(site)
    path = exported(site, tmp_path / "x.jsonl")
    private = exported(site, tmp_path / "private.jsonl", "vision")
    emptied(site)
    site.documents.company.insert_one({"_id": OTHER, "name": "other"})
    error = site.error("import", path, "--yes", "--company", OTHER, status=2)
    assert error["hint"] == f"import it for this company: --map-company {COMPANY}={OTHER}"
    site.json(
        "import", path, "--yes", "--company", OTHER, "--map-company", f"{COMPANY}={OTHER}", "--map-user", "owner=ada"
    )
    assert {task["company"] for task in site.documents.task.find()} == {OTHER, ""}
    assert site.named("audio")["company_origin"] == OTHER
    assert {project["user"] for project in site.documents.project.find()} == {"ada"}
    mapped = ("--company", "third", "--new-company", "--map-company", f"{COMPANY}=third")
    assert site.error("import", private, "--yes", *mapped, status=4)["hint"].endswith("--on-conflict rename")
    assert site.json("import", private, "--yes", *mapped, "--on-conflict", "rename")["projects"] == 3
    assert site.error("import", path, "--map-user", "x", status=2)["message"] == "--map-user 'x' is not OLD=NEW"


def test_documents_of_another_company_in_a_file_are_refused(site: Site, tmp_path: Path) -> None:
    site.project("vision")
    path = tmp_path / "x.jsonl"
    text = site.text("export", "-q")
    head, body, _ = text.splitlines(keepends=True)
    body = body.replace(COMPANY, OTHER)
    from hashlib import sha256

    end = {"end": {"counts": {"projects": 1}, "sha256": sha256((head + body).encode()).hexdigest()}}
    path.write_text(head + body + json.dumps(end, separators=(",", ":")) + "\n")
    emptied(site)
    assert site.error("import", str(path), "--yes", status=2)["name"] == "DamagedFile"


def test_an_import_asks_and_a_large_one_is_made_in_steps(each_site: Site, tmp_path: Path) -> None:
    vision = each_site.project("vision")
    each_site.documents.task.insert_many(
        {"_id": f"{number:05}", "company": COMPANY, "user": "u", "project": vision, "n": number}
        for number in range(1500)
    )
    before = stored(each_site)
    text = each_site.text("export", "--with", "tasks", "-q")
    emptied(each_site)
    refused = each_site("import", "-", stdin=text)
    assert refused.exit_code == 2
    assert stored(each_site, "task") == {"task": []}
    plan: Any = each_site.json("import", "-", "--dry-run", stdin=text)
    assert [step["documents"] for step in plan["steps"]] == [1, 1500]
    assert each_site.json("import", "-", "--yes", stdin=text)["tasks"] == 1500
    assert stored(each_site) == before
    assert each_site.json("history")["runs"][0]["counts"]["tasks"] == 1500


def test_an_interrupted_import_is_finished_without_its_file(site: Site, tmp_path: Path) -> None:
    fill(site)
    path = exported(site, tmp_path / "x.jsonl")
    before = stored(site)
    emptied(site)
    site.json("import", path, "--yes")
    # As if the process had been killed in the middle: the record has not ended, and a part is not there.
    site.server.client["projects_cli"]["operation"].update_many(
        {"database": site.name}, {"$set": {"state": "applying"}}
    )
    site.documents.task.delete_many({"name": {"$in": ["first", "homeless"]}})
    site.documents.model.delete_many({})
    site.documents.project.delete_one({"name": "vision/detection/deep"})
    (tmp_path / "x.jsonl").unlink()
    assert site.json("resume")["state"] == "done"
    assert stored(site) == before
    site.json("undo", "--yes")
    assert stored(site) == {name: [] for name in EVERYTHING}
