"""`projects apply`, `diff`, `edit` and `export --as-manifest`: projects as files describe them."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from projects_cli.errors import EditedMeanwhile
from projects_cli.manifests.comparison import Manifest
from projects_cli.manifests.reading import Parsed
from projects_cli.manifests.wanted import Wanted
from projects_cli.messages import Request
from projects_cli.store.client import connect
from projects_cli.store.collections import open_store
from tests.worlds.site import COMPANY, LONG_AGO, Site

YAML = """\
# the projects of the team
projects:
  - name: vision
    description: Pictures
    tags: [prod, team-a]
    projects:
      - name: detection
        default_output_destination: "s3://bucket/vision "
      - name: 2024 archive
        tags: [1.10, yes]
  - name: audio/speech
    visibility: public
"""

TREE = {
    "projects": [
        {
            "name": "vision",
            "description": "Pictures",
            "tags": ["prod", "team-a"],
            "projects": [
                {"name": "detection", "default_output_destination": "s3://bucket/vision "},
                {"name": "2024 archive", "tags": ["1.10", "yes"]},
            ],
        },
        {"name": "audio/speech", "visibility": "public"},
    ]
}

HOCON = """\
projects = [
  { name: vision, description: Pictures, tags: [prod, team-a]
    projects = [
      { name: detection, default_output_destination: "s3://bucket/vision " }
      { name: "2024 archive", tags: ["1.10", "yes"] }
    ] }
  { name: "audio/speech", visibility: public }
]
"""

CSV = """\
name,description,tags,default_output_destination,visibility
vision,Pictures,prod; team-a,,
vision/detection,,,s3://bucket/vision ,
vision/2024 archive,,1.10;yes,,
audio/speech,,,,public
"""

FORMS = {"yaml": YAML, "json": json.dumps(TREE), "conf": HOCON, "csv": CSV}


def written(folder: Path, text: str, name: str = "projects.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("form", FORMS)
def test_missing_projects_are_created_and_a_second_run_changes_nothing(site: Site, tmp_path: Path, form: str) -> None:
    path = written(tmp_path, FORMS[form], f"projects.{form}")
    assert site.json("apply", "-f", path, "--yes") == {"created": 5, "updated": 0, "deleted": 0}
    assert site.names() == ["audio", "audio/speech", "vision", "vision/2024 archive", "vision/detection"]
    vision, detection, speech = (site.named(name) for name in ("vision", "vision/detection", "audio/speech"))
    assert (vision["description"], vision["tags"], vision["user"]) == ("Pictures", ["prod", "team-a"], "the-caller")
    assert (detection["path"], detection["default_output_destination"]) == ([vision["_id"]], "s3://bucket/vision")
    assert (speech["company"], speech["company_origin"]) == ("", COMPANY)
    assert site.named("vision/2024 archive")["tags"] == ["1.10", "yes"]
    before = site.everything()
    assert site.json("apply", "-f", path, "--yes") == {"created": 0, "updated": 0, "deleted": 0}
    assert site("diff", "-f", path).exit_code == 0
    assert site.everything() == before
    site.json("undo", "--yes")
    assert site.names() == []


def test_200_projects_come_from_a_csv_file_by_one_command_and_a_second_run_changes_nothing(
    site: Site, tmp_path: Path
) -> None:
    lines = [f"team {number // 10}/project {number},number {number},a;b" for number in range(200)]
    path = written(tmp_path, "\n".join(["name,description,tags", *lines]), "projects.csv")
    assert site.json("apply", "-f", path, "--yes") == {"created": 220, "updated": 0, "deleted": 0}
    created = [site.named(line.split(",")[0]) for line in lines]
    assert [project["description"] for project in created] == [f"number {number}" for number in range(200)]
    assert {tuple(project["tags"]) for project in created} == {("a", "b")}
    before = site.everything()
    again = site("apply", "-f", path, "--yes")
    assert (again.exit_code, "nothing to change" in again.stderr or again.stderr) == (0, True)
    assert site.everything() == before
    assert [run["summary"] for run in site.json("history")["runs"]] == ["create 220 projects"]
    site.json("undo", "--yes")
    assert site.names() == []


def test_only_what_a_file_mentions_is_changed_and_diff_shows_it(site: Site, tmp_path: Path) -> None:
    vision = site.project("vision", description="old", tags=["kept"], featured=3)
    site.project("other")
    path = written(tmp_path, "projects: [{name: vision, description: null, projects: [{name: newest}]}]")
    result = site("diff", "-f", path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["changes"] == [
        {"action": "update", "name": "vision", "field": "description", "old": "old", "new": ""},
        {"action": "create", "name": "vision/newest", "field": "", "old": None, "new": None},
    ]
    shown = site("apply", "-f", path, "--yes")
    assert "update vision: description 'old' → ''" in shown.stderr
    stored = site.stored(vision)
    assert (stored["description"], stored["tags"], stored["featured"]) == ("", ["kept"], 3)
    assert stored["last_update"] > LONG_AGO.replace(tzinfo=None)
    assert site("apply", "-f", path, stdin="").exit_code == 0  # nothing to ask about


def test_several_files_and_a_folder_are_one_plan_and_one_question(site: Site, tmp_path: Path) -> None:
    written(tmp_path, "projects: [{name: audio}]", "b.yml")
    written(tmp_path, "name,tags\nvision/deep,a\n", "a.csv")
    written(tmp_path, "not a manifest", "README.md")
    refused = site("apply", "-f", str(tmp_path))
    assert (refused.exit_code, site.names()) == (2, [])
    site.json("apply", "-f", str(tmp_path), "-f", "-", "--yes", stdin="projects: [{name: third}]")
    assert site.names() == ["audio", "third", "vision", "vision/deep"]
    assert len(site.json("history")["runs"]) == 1
    error = site.error("apply", "-f", str(tmp_path), "-f", "-", status=2, stdin="projects: [{name: audio}]")
    assert error["message"] == "standard input:1:12: 'audio' occurs twice"


def test_prune_deletes_what_has_the_tag_and_is_no_longer_in_the_files(site: Site, tmp_path: Path) -> None:
    site.project("mine", tags=["x"])
    first = written(tmp_path, "projects: [{name: vision, projects: [{name: deep}]}, {name: audio, tags: [a]}]")
    site.json("apply", "-f", first, "--prune", "managed", "--yes")
    assert site.named("audio")["tags"] == ["a", "managed"]
    assert site.json("apply", "-f", first, "--prune", "managed") == {"created": 0, "updated": 0, "deleted": 0}
    fewer = written(tmp_path, "projects: [{name: audio, tags: [a]}]", "fewer.yaml")
    assert site.json("apply", "-f", fewer, "--yes") == {"created": 0, "updated": 1, "deleted": 0}  # the tag goes
    site.json("undo", "--yes")
    task = site.task(site.named("vision/deep")["_id"])
    refused = site.error("apply", "-f", fewer, "--prune", "managed", "--yes", status=2)
    assert refused["message"].startswith("'vision' is not in the files, and can't be deleted")
    site.documents.task.delete_one({"_id": task})
    below = site.project("vision/deep/by hand")
    refused = site.error("apply", "-f", fewer, "--prune", "managed", "--yes", status=2)
    assert "'vision/deep/by hand' below it has to stay" in refused["message"]
    site.documents.project.delete_one({"_id": below})
    assert site.json("apply", "-f", fewer, "--prune", "managed", "--yes")["deleted"] == 2
    assert site.names() == ["audio", "mine"]
    site.json("undo", "--yes")
    assert site.names() == ["audio", "mine", "vision", "vision/deep"]


INVALID = {
    "projects: [{nam: x}]": "1:13: unknown key 'nam': did you mean 'name'?",
    "projects:\n  - name: vision\n    tags: a\n": "3:5: 'tags' should be a list of texts",
    "projects:\n  - name: vision\n    tags: ['']\n": "3:5: '' can't be a tag",
    "projects:\n- name: ab\n": "2:3: each segment of a name needs at least 3 characters, not 'ab'",
    "projects: {}": "1:1: 'projects' should be a list",
    "projects: [x]": "1:12: a project should have keys, at least 'name'",
    "projects: [{description: x}]": "1:12: a project needs a name",
    "projects: [{name: vision, visibility: secret}]": "1:27: 'visibility' should be private or public",
    "projects: [{name: vision, name: other}]": "1:27: the key 'name' occurs twice",
    "projects: [{name: vision}, {name: vision}]": "1:28: 'vision' occurs twice",
    "projects: [\n": "2:1: invalid YAML",
    "{}": "1:1: a file should have the key 'projects' and nothing else",
    "projects:\n": "1:1: 'projects' should be a list, [] if there are none",
    "others: 1": "1:1: a file should have the key 'projects' and nothing else",
    "a: &a [x]\nb: [*c]": "2:5: invalid YAML",
}


@pytest.mark.parametrize("text", INVALID)
def test_an_error_has_its_file_line_and_column(site: Site, text: str) -> None:
    error = site.error("apply", "-f", "-", "--yes", status=2, stdin=text)
    assert error["name"] == "ManifestError"
    assert error["message"].startswith(f"standard input:{INVALID[text]}")


WRONG_FILES = {
    "json": {
        '{"projects": [\n  {"nam": "x"}]}': "2:4: unknown key 'nam': did you mean 'name'?",
        '{"projects": [{"name": "vision", "name": "x"}]}': "1:34: the key 'name' occurs twice",
        '{"projects": [\n {"name": "vision",\n  "projects": [{"name": ""}]}]}': "3:17: a project needs a name",
        '{"projects": {}}': "1:2: 'projects' should be a list",
        '{"projects": [}': "1:15: invalid JSON",
    },
    "csv": {
        "name\nvision\nab\n": "3:1: each segment of a name needs at least 3 characters, not 'ab'",
        "name,name\n": "1:1: a column occurs twice",
        "": "1:1: the first row should name the columns, one of which is 'name'",
        "vision,audio\n": "1:1: the first row should name the columns, one of which is 'name'",
        "name,visibility\naudio,\n\nvision,secret\n": "4:8: 'visibility' should be private or public",
        'description,name,tags\n"two,\nlines",vision,a;__$x\n': "3:15: '__$x' can't be a tag",
        ",name,descr\n,vision,x\n": "2:9: unknown key 'descr': did you mean 'description'?",
        "name\nvision,x\n": "2:1: the row has more cells than the heading",
    },
    "conf": {
        "projects = [\n {nam: x}]": "2:3: unknown key 'nam': did you mean 'name'?",
        "projects = [{name = vision}\n  # no tags\n  {name = audio, tags = a}]": "3:18: 'tags' should be a list",
        "projects = [{name = vision, projects = [\n\t{name = deep}\n\t{name = flat\n\t\tvisibility = secret}]}]": (
            "4:3: 'visibility' should be private or public"
        ),
        "projects = [{ name = vision }, { name = vision }]": "1:32: 'vision' occurs twice",
        "projects = [x]": "1:13: a project should have keys, at least 'name'",
        "projects {\n name = vision\n}": "1:1: 'projects' should be a list",
        "\nothers = 1": "2:1: a file should have the key 'projects' and nothing else",
        "projects = [\n  { name = vision, description = 5 days }]": (
            "2:20: projects.0.description: this is parsed as a duration; put the text in quotes"
        ),
        "base = [{name = vision}]\nprojects = ${base} [{nam = x}]": "1:1: a file should have the key 'projects'",
        "projects = [{name = vision}] [{nam = audio}]": "1:1: unknown key 'nam': did you mean 'name'?",
        "projects = [ = ]": "1:14: not HOCON: can't be parsed near 'projects = [ = ]'",
        "\tprojects = [\t{ name = x\t??? }\t]": "1:26: not HOCON",
        "projects = [\n { name = ${gone} }]": "2:11: ${gone} is not defined in this file",
        "projects = [\n {": "2:2: the { opened here is never closed",
        'projects = [{name = "vision\n"}]': "1:21: the text that starts here has no closing quote on its line",
        "": "1:1: the file is empty",
        "[1]": "1:1: the file holds a list, not an object with keys",
    },
    "yaml": {
        "projects: " + "[" * 150 + "]" * 150: "1:111: the file is nested too deeply, or has too many values",
        "a: &a [x,x,x]\n"
        + "".join(
            f"{chr(98 + number)}: &{chr(98 + number)} [{','.join([f'*{chr(97 + number)}'] * 9)}]\n"
            for number in range(9)
        ): "1:",
    },
}


@pytest.mark.parametrize("form", WRONG_FILES)
def test_an_error_in_each_format_has_its_line_and_column(site: Site, tmp_path: Path, form: str) -> None:
    for text, message in WRONG_FILES[form].items():
        path = written(tmp_path, text, f"x.{form}")
        error: Any = site.error("diff", "-f", path, status=2)
        assert error["message"].startswith(f"{path}:{message}"), error


def test_files_that_are_not_text_or_not_there_are_refused(site: Site, tmp_path: Path) -> None:
    deep = written(tmp_path, "projects: " + "[" * 5000, "x.yaml")
    # Versions of the parser differ in where they give up: at the last bracket or behind it.
    assert re.match(rf"{re.escape(deep)}:[12]:\d+: invalid YAML", site.error("diff", "-f", deep, status=2)["message"])
    binary = tmp_path / "x.yaml"
    binary.write_bytes("projects:\n- name: é".encode() + b"\xff\n")
    assert site.error("diff", "-f", str(binary), status=2)["message"] == f"{binary}:2:10: byte 0xff is not UTF-8"
    assert site.error("diff", "-f", str(tmp_path / "missing.yaml"), status=2)["name"] == "ManifestError"
    assert site.error("diff", "-f", str(tmp_path / "x.txt"), status=2)["message"].endswith("No such file or directory")
    (tmp_path / "x.txt").touch()
    assert site.error("diff", "-f", str(tmp_path / "x.txt"), status=2)["message"].endswith("unknown format")


def test_a_manifest_of_what_is_there_describes_it(site: Site, tmp_path: Path) -> None:
    site.project("vision/détection", description="#1: \x1b[31mred", tags=["b", "a"])
    site.project("audio", company="", company_origin=COMPANY, default_output_destination="s3://x")
    site.project("secret", system_tags=["hidden"])
    path = tmp_path / "projects.yaml"
    site.json("export", "--as-manifest", "--to", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert site("diff", "-f", str(path)).exit_code == 0
    part = site.text("export", "vision", "--as-manifest", "-q")
    before = {project["name"]: project["description"] for project in site.documents.project.find()}
    site.documents.project.delete_many({"company": COMPANY, "system_tags": []})
    site.json("apply", "-f", str(path), "--yes")
    assert {project["name"]: project["description"] for project in site.documents.project.find()} == before
    assert site("diff", "-f", "-", stdin=part).exit_code == 0


def test_edit_applies_what_the_editor_changed(site: Site, tmp_path: Path) -> None:
    vision = site.project("vision", tags=["a"])
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/description: .*/description: new/; s/- a$/- b/" "$1"\n')
    editor.chmod(0o755)
    assert site.json("edit", "vision", "--yes", EDITOR=str(editor))["updated"] == 1
    assert (site.stored(vision)["description"], site.stored(vision)["tags"]) == ("new", ["b"])
    before = site.everything()
    assert site.json("edit", "vision", EDITOR="true")["updated"] == 0
    for script in ("s/name: vision/name: audio/", "s/tags/tag/"):
        editor.write_text(f"#!/bin/sh\nsed -i '{script}' \"$1\"\n")
        assert site("edit", "vision", "--yes", EDITOR=str(editor)).exit_code == 2
    assert site("edit", "vision", EDITOR="false").exit_code == 1
    error = site.error("edit", "vision", EDITOR="", VISUAL="", status=2)
    assert error["hint"] == "use: projects update PROJECT"
    assert site.everything() == before


def test_edit_keeps_what_others_changed_while_the_editor_was_open(site: Site, tmp_path: Path) -> None:
    vision = site.project("vision", tags=["a"])
    editor = tmp_path / "editor"

    def edits(old: str, new: str, **theirs: str) -> str:
        """Return an editor that changes the file, while another program changes the description, or other fields."""
        editor.write_text(
            f"#!{sys.executable}\n"
            "import pathlib, pymongo, sys\n"
            f"projects = pymongo.MongoClient({site.server.uri!r})[{site.name!r}].project\n"
            f"projects.update_one({{'name': 'vision'}}, {{'$set': {theirs or {'description': 'theirs'}!r}}})\n"
            "file = pathlib.Path(sys.argv[1])\n"
            f"file.write_text(file.read_text().replace({old!r}, {new!r}))\n"
        )
        editor.chmod(0o755)
        return str(editor)

    assert site.json("edit", "vision", "--yes", EDITOR=edits("- a", "- b"))["updated"] == 1
    assert (site.stored(vision)["description"], site.stored(vision)["tags"]) == ("theirs", ["b"])
    site.documents.project.update_one({"_id": vision}, {"$set": {"description": "before"}})
    result = site("edit", "vision", "--yes", EDITOR=edits("description: before", "description: mine"))
    assert (result.exit_code, "changed by others while it was edited: description" in result.stderr) == (4, True)
    kept = Path(re.findall(r"the edited text is in (\S+)", result.stderr)[0])
    assert "description: mine" in kept.read_text()
    kept.unlink()
    assert site.stored(vision)["description"] == "theirs"
    result = site("edit", "vision", "--yes", EDITOR=edits("- b", "- c", name="renamed", basename="renamed"))
    assert (result.exit_code, "renamed or deleted while it was edited" in result.stderr) == (4, True)
    assert site.names() == ["renamed"]


def test_edit_keeps_what_others_changed_while_it_asked(site: Site) -> None:
    """The plan is made again under the lease, when the user has answered."""
    stored = site.stored(site.project("vision", description="old"))
    wanted = Wanted("vision", {"description": "mine"}, Parsed("x.yaml", None, lambda _: None), ())
    request = Request("apply", "2.13", {}, COMPANY, "user", datetime.now(UTC), str)
    manifest = Manifest({"vision": wanted}, request, edited=stored)
    connection = connect(site.server.uri, site.name, shown="test")
    try:
        store = open_store(connection, COMPANY)
        assert len(manifest.plan(store).steps) == 1
        site.documents.project.update_one({}, {"$set": {"tags": ["theirs"]}})
        assert len(manifest.plan(store).steps) == 1
        site.documents.project.update_one({}, {"$set": {"description": "theirs"}})
        with pytest.raises(EditedMeanwhile, match="by others while it was edited: description"):
            manifest.plan(store)
    finally:
        connection.close()


def test_substitutions_that_multiply_are_refused(site: Site, tmp_path: Path) -> None:
    lines = ["a = aaaaaaaaaa", *(f"{chr(98 + n)} = {f'${{{chr(97 + n)}}}' * 10}" for n in range(11))]
    file = written(tmp_path, "\n".join([*lines, "projects = [{name: ${l}}]"]), "bomb.conf")
    error = site.error("diff", "-f", file, status=2)
    assert error["message"] == f"{file}: it takes too long to read, or too much memory"
