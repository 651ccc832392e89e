"""The program as a process: signals, pipes, secrets, imports, and its behaviour on a terminal."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from tests.running import PROGRAM, TIMEOUT, environment_of, on_terminal, run, start

if TYPE_CHECKING:
    from tests.worlds.site import Site

UNSPOKEN = "topsecret"
NOWHERE = f"mongodb://ann:{UNSPOKEN}@127.0.0.1:1"


def shell(site: Site, script: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell where `projects` is the program."""
    script = f'projects() {{ {shlex.join(PROGRAM)} "$@"; }}; {script}'
    environment = environment_of(site)
    return subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def many(site: Site, count: int) -> None:
    names = [f"project {number:05}" for number in range(count)]
    company = site.stored(site.project("vision"))["company"]
    site.documents.project.insert_many(
        [{"_id": f"{name[8:]:0>32}", "name": name, "company": company} for name in names]
    )


# --- a process that works -----------------------------------------------------------------------------------------


def test_the_main_job_works_as_a_process(site: Site) -> None:
    made = run(site, "create", "vision/b c/日本語", "--description", "x", "--json")
    assert (made.returncode, made.stderr) == (0, "")
    identifier = json.loads(made.stdout)["id"]
    assert site.stored(identifier)["name"] == "vision/b c/日本語"
    assert run(site, "list", "-o", "id", "--name", "日本").stdout == f"{identifier}\n"
    assert run(site, "delete", identifier, "--force", "--json").returncode == 0
    assert site.names() == ["vision", "vision/b c"]


def test_a_name_in_bytes_that_are_no_utf_8_is_refused_without_a_traceback(site: Site) -> None:
    command = [*map(os.fsencode, PROGRAM), b"create", b"caf\xe9", b"-d", b"x"]
    result = subprocess.run(command, env=environment_of(site), capture_output=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"argument 2 is not valid UTF-8: byte 0xe9 at offset 3" in result.stderr
    assert site.names() == []


def test_a_stream_that_is_no_utf_8_gets_escapes(site: Site) -> None:
    site.project("日本語")
    result = run(site, "get", "日本語", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, "")
    assert "\\u65e5\\u672c\\u8a9e" in result.stdout


# --- pipes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["table", "json", "yaml", "id"])
def test_a_reader_that_goes_away_is_no_failure(site: Site, output: str) -> None:
    many(site, 2000)
    result = shell(site, f"projects list -o {output} | head -1; echo ${{PIPESTATUS[0]}}")
    assert (result.stderr, len(result.stdout.splitlines()), result.stdout.splitlines()[-1]) == ("", 2, "0")


def test_a_reader_of_batch_that_goes_away_is_no_failure(site: Site) -> None:
    lines = '{"endpoint": "get_all"}\\n' * 200
    result = shell(site, f"printf '{lines}' | projects batch - | head -1; echo ${{PIPESTATUS[1]}}")
    assert (result.stderr, result.stdout.splitlines()[1:]) == ("", ["0"])


def test_a_disk_that_is_full_is_told_without_a_traceback(site: Site) -> None:
    many(site, 10)
    result = shell(site, "projects list > /dev/full; echo $?")
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
    assert (result.stdout, "No space left" in result.stderr) == ("1\n", True)


def test_talk_about_an_answer_comes_behind_it_where_both_go_to_one_file(site: Site) -> None:
    project = site.project("vision")
    task = {"_id": "1" * 32, "company": site.stored(project)["company"], "project": project}
    values = {name: {"section": "Args", "name": name, "value": "1"} for name in ("depth", "rate", "seed")}
    site.documents.task.insert_one({**task, "hyperparams": {"Args": values}})
    result = shell(site, "projects hyperparams --page-size 2 2>&1")
    assert result.stdout.splitlines()[1:3] == ["Args\tdepth", "Args\trate"]
    assert result.stdout.splitlines()[3].startswith("1 more of 3")


def test_a_change_that_can_not_be_reported_is_not_made_or_says_so(site: Site, tmp_path: Path) -> None:
    site.project("first")
    for output in (">&-", ">/dev/full"):
        assert shell(site, f"projects -q create audio -o id {output}; echo $? >&2").stderr.splitlines()[-1] == "1"
    assert site.documents.project.count_documents({}) == 1
    result = shell(site, f"(ulimit -f 0; projects -q create vision -o id > {tmp_path}/answer); echo $?")
    assert (result.stdout, site.named("vision")["name"]) == ("1\n", "vision")
    assert "hint: the change was made all the same: create the project 'vision'" in result.stderr


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("projects get nowhere", 3),
        ("projects list", 0),
        ("projects update audio -d x", 0),
        ("projects list --nonsense", 2),
    ],
)
def test_messages_that_can_not_be_written_change_no_status(site: Site, command: str, status: int) -> None:
    site.project("audio")
    for target in ("2>/dev/full", "2>&-", "2>&1 >/dev/null | true"):
        result = shell(site, f"{command} {target}; echo ${{PIPESTATUS[0]}}")
        assert result.stdout.splitlines()[-1] == str(status), target


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_messages_for_a_full_pipe_that_does_not_block_are_dropped(site: Site, unbuffered: str) -> None:
    site.project("vision")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    environment = {**environment_of(site), "PYTHONUNBUFFERED": unbuffered}
    for words, status in ((("get", "nowhere"), 3), (("update", "vision", "-d", "new"), 0), (("list", "--nonsense"), 2)):
        done = subprocess.run([*PROGRAM, *words], env=environment, stderr=writing, stdout=subprocess.PIPE, check=False)
        assert done.returncode == status, words
    assert site.named("vision")["description"] == "new"
    os.close(reading)
    os.close(writing)


def test_an_output_that_is_cut_is_an_error_without_a_buffer_too(site: Site, tmp_path: Path) -> None:
    many(site, 300)
    result = shell(site, f"(ulimit -f 2; PYTHONUNBUFFERED=1 projects list --json > {tmp_path}/list); echo $?")
    assert (result.stdout, "File too large" in result.stderr) == ("1\n", True)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_stream_that_is_closed_brings_no_traceback(site: Site, closed: str) -> None:
    result = shell(site, f"projects list {closed}; echo $? >&2")
    assert "Traceback" not in result.stderr
    assert int(result.stderr.splitlines()[-1]) in {0, 1}


# --- signals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_quietly_with_its_status(site: Site, number: signal.Signals, status: int) -> None:
    with start(site, "batch", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write('{"id": 1, "endpoint": "get_all"}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["ok"]
        process.send_signal(number)
        rest, said = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, rest) == (status, "")
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 1


# --- a database that does not answer, and secrets -----------------------------------------------------------------


def test_an_unreachable_database_is_69_with_one_clear_line_within_the_timeout() -> None:
    began = time.monotonic()
    result = run(None, "list", "--timeout", "1", PROJECTS_MONGO_URI="mongodb://127.0.0.1:1")
    assert time.monotonic() - began < 5
    assert (result.returncode, result.stdout) == (69, "")
    error, hint = result.stderr.splitlines()
    refused = "127.0.0.1:1: [Errno 111] Connection refused"
    assert error == f"error: no answer from mongodb://127.0.0.1:1 within 1 s: {refused}"
    assert hint.startswith("hint: check the address")


def places_of_a_uri(folder: Path) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Return each place from which a URI may come, as arguments and variables."""
    file = folder / "uri"
    file.write_text(NOWHERE)
    config = folder / "projects" / "config.toml"
    config.parent.mkdir()
    config.write_text(f'[profiles.site]\nuri = "{NOWHERE}"\n')
    for path in (file, config):
        path.chmod(0o600)
    return {
        "variable": ((), {"PROJECTS_MONGO_URI": NOWHERE}),
        "file": (("--uri-file", str(file)), {}),
        "profile": (("--profile", "site"), {"XDG_CONFIG_HOME": str(folder)}),
        "clearml": ((), {"CLEARML_MONGODB_SERVICE_CONNECTION_STRING": NOWHERE}),
    }


@pytest.mark.parametrize("place", ["variable", "file", "profile", "clearml"])
def test_a_password_appears_nowhere(tmp_path: Path, place: str) -> None:
    arguments, variables = places_of_a_uri(tmp_path)[place]
    with start(None, "list", "-v", "--timeout", "0.5", *arguments, **variables) as process:
        seen = set()
        while process.poll() is None:
            with suppress(FileNotFoundError, ProcessLookupError):
                seen.add(Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8"))
            time.sleep(0.02)
        out, said = process.communicate()
    assert process.returncode == 69
    assert "ann:***@127.0.0.1:1" in said
    assert any("--timeout" in one for one in seen)
    assert [text for text in (out, said, *seen) if UNSPOKEN in text] == []


def test_an_option_of_the_uri_that_the_driver_does_not_know_brings_no_noise(site: Site) -> None:
    result = run(site, "list", "--json", PROJECTS_MONGO_URI=f"{site.server.uri}&nonsense=1")
    assert "Warning" not in result.stderr
    assert "site-packages" not in result.stderr
    if result.returncode:
        assert result.returncode == 2
        assert json.loads(result.stderr)["error"]["name"] == "ConfigError"


def test_a_value_of_the_uri_that_the_driver_ignores_is_a_warning(site: Site) -> None:
    result = run(site, "list", PROJECTS_MONGO_URI=f"{site.server.uri}&readPreference=nonsense")
    assert "UserWarning" not in result.stderr
    assert result.stderr.startswith("warning: option 'readPreference' in the MongoDB URI has an invalid value")
    assert result.returncode == 0


# --- imports ------------------------------------------------------------------------------------------------------

IMPORTED = """
import sys
from projects_cli.cli.app import run
run(sys.argv[1:])
sys.stderr.write(" ".join(sys.modules))
"""


@pytest.mark.parametrize(
    "arguments", [("--help",), (), ("list", "--help"), ("delete", "-h"), ("--version",), ("list", "--nmae"), ("lst",)]
)
def test_help_and_mistakes_import_no_heavy_library(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", IMPORTED, *arguments]
    result = subprocess.run(command, env=environment_of(None), capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in result.stderr.split()}
    assert "typer" in loaded
    assert loaded & {"pymongo", "bson", "pyhocon", "rich", "yaml", "jmespath", "fastjsonschema", "orjson"} == set()


@pytest.mark.parametrize("arguments", [("config", "list"), ("config", "get", "database"), ("profile", "list")])
def test_settings_are_looked_at_without_any_heavy_library(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('database = "x"\n[profiles.lab]\n')
    command = [sys.executable, "-c", IMPORTED, *arguments]
    result = subprocess.run(command, env=environment_of(None), capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in result.stderr.split()}
    assert "tomllib" in loaded
    assert loaded & {"tomlkit", "pymongo", "bson", "pyhocon", "rich", "yaml", "jmespath", "orjson"} == set()


def test_a_list_in_json_imports_neither_pyhocon_nor_rich(site: Site) -> None:
    command = [sys.executable, "-c", IMPORTED, "list", "--json"]
    result = subprocess.run(command, env=environment_of(site), capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(result.stdout) == {"projects": []}
    loaded = {name.partition(".")[0] for name in result.stderr.split()}
    assert "pymongo" in loaded
    assert loaded & {"pyhocon", "rich", "yaml", "jmespath", "fastjsonschema", "humanize", "prompt_toolkit"} == set()


# --- a terminal ---------------------------------------------------------------------------------------------------


@pytest.fixture
def full(site: Site) -> Site:
    """Names that are long, wide, and hostile."""
    for name in ("short", "x" * 150, "日本語" * 30, "with spaces " * 12, "evil\x1b[31m\u202e name\nof two lines"):
        site.task(site.project(name, tags=["a-tag", "another-tag", "日本"], description=name))
    return site


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize(
    "arguments", [("list",), ("list", "--stats"), ("list", "--only-fields", "id,name,description")]
)
def test_a_table_fits_the_screen_and_never_cuts_an_id(full: Site, columns: int, arguments: tuple[str, ...]) -> None:
    seen = on_terminal(full, *arguments, columns=columns)
    assert seen.status == 0
    lines = seen.plain.splitlines()
    assert [line for line in lines if cell_len(line) > columns] == []
    ids = [str(one["_id"]) for one in full.documents.project.find({}, {"_id": 1})]
    # Its first digits name the project: none of these has the same.
    assert [one for one in ids if not re.search(rf"\b{one[:8]}\b", seen.plain)] == []


@pytest.mark.parametrize("columns", [80, 200])
def test_one_project_fits_the_screen(full: Site, columns: int) -> None:
    seen = on_terminal(full, "get", "x" * 150, columns=columns)
    assert [line for line in seen.plain.splitlines() if cell_len(line) > columns] == []
    identifier = full.named("x" * 150)["_id"]
    assert re.search(rf"\bid +{identifier} *$", seen.plain, re.MULTILINE)


def test_nothing_of_a_long_name_is_lost(full: Site) -> None:
    seen = on_terminal(full, "list", "--name", "^x", columns=80)
    assert sum(line.count("x") for line in seen.plain.splitlines()) >= 150


def test_a_terminal_takes_nothing_of_a_name_for_an_order(full: Site) -> None:
    for arguments in (("list",), ("get", "evil\x1b[31m\u202e name\nof two lines")):
        seen = on_terminal(full, *arguments, "--no-color")
        assert "\x1b" not in seen.text
        assert "\u202e" not in seen.text
        assert "\\x1b[31m" in seen.text.replace("\n", "") or "\\x1b" in seen.text


def test_colour_is_there_on_a_terminal_only(full: Site) -> None:
    assert "\x1b[" in on_terminal(full, "list").text
    assert "\x1b[" not in run(full, "list", TERM="xterm-256color").stdout
    assert "\x1b[" in on_terminal(full, "get", "nothing").text
    assert "\x1b[" not in run(full, "get", "nothing", TERM="xterm-256color").stderr


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"PROJECTS_NO_COLOR": "true"}])
def test_colour_can_be_refused(full: Site, variables: dict[str, Any]) -> None:
    seen = on_terminal(full, "list", "--state", "active", **variables)
    assert (seen.status, "\x1b" in seen.text) == (0, False)


def test_an_empty_no_color_refuses_nothing(full: Site) -> None:
    assert "\x1b[" in on_terminal(full, "list", NO_COLOR="").text


def test_markup_in_a_name_is_never_interpreted(site: Site) -> None:
    site.project("[bold]a[bold] :smile: [link=x]")
    assert "[bold]a[bold] :smile: [link=x]" in on_terminal(site, "list", columns=200).plain


def test_json_on_a_terminal_is_one_document(full: Site) -> None:
    assert len(json.loads(on_terminal(full, "list", "--json").text)["projects"]) == 5


# --- questions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "left"), [("y", 0, []), ("yes", 0, []), ("n", 1, ["vision"]), ("", 1, ["vision"])]
)
def test_an_empty_project_asks_for_a_yes(site: Site, answer: str, status: int, left: list[str]) -> None:
    site.project("vision")
    seen = on_terminal(site, "delete", "vision", answer=answer)
    assert "Delete the project 'vision'? [y/N] " in seen.plain
    assert (seen.status, site.names()) == (status, left)
    assert ("nothing was changed" in seen.plain) == bool(left)


@pytest.mark.parametrize(("answer", "status"), [("vision", 0), ("y", 1), ("Vision", 1)])
def test_a_full_project_asks_for_its_name(site: Site, answer: str, status: int) -> None:
    deep = site.project("vision/deep")
    seen = on_terminal(site, "delete", "vision", answer=answer)
    assert f"{deep}  vision/deep" in seen.plain
    assert "2 projects, 0 tasks, 0 models" in seen.plain
    assert (seen.status, site.names()) == (status, [] if status == 0 else ["vision", "vision/deep"])


def test_several_projects_are_shown_as_one_plan_and_asked_about_once(site: Site) -> None:
    deep, two = site.project("one/deep"), site.project("two")
    site.task(two, system_tags=["archived"])
    seen = on_terminal(site, "delete", "one", "two", "one/deep", answer="3 projects")
    assert [f"{identifier}  {name}" in seen.plain for identifier, name in ((deep, "one/deep"), (two, "two"))] == [
        True
    ] * 2
    assert "Delete 2 projects: 3 projects, 1 task, 0 models. Type '3 projects' to continue: " in seen.plain
    assert seen.plain.count("to continue") == 1
    assert (seen.status, site.names()) == (0, [])


def test_several_empty_projects_ask_for_one_yes(site: Site) -> None:
    names = [f"project {number:02}" for number in range(12)]
    for name in names:
        site.project(name)
    assert on_terminal(site, "delete", *names, answer="n").status == 1
    seen = on_terminal(site, "delete", *names, answer="y")
    assert (seen.plain.count("[y/N]"), "… and 2 more" in seen.plain) == (1, True)
    assert (seen.status, site.names()) == (0, [])


def test_no_input_never_asks_at_a_terminal(site: Site) -> None:
    site.project("vision")
    seen = on_terminal(site, "delete", "vision", "--no-input")
    assert (seen.status, "--yes" in seen.plain, site.names()) == (2, True, ["vision"])


def test_the_end_of_input_is_no_answer(site: Site) -> None:
    site.project("vision")
    seen = on_terminal(site, "delete", "vision", answer="\x04")
    assert (seen.status, site.names()) == (1, ["vision"])


def test_a_question_shows_names_as_they_are(site: Site) -> None:
    site.project("Vision/ResNet/Deep")
    seen = on_terminal(site, "delete", "Vision/ResNet", answer="Vision/ResNet")
    assert (seen.status, site.names()) == (0, ["Vision"])
    assert "Delete the project 'Vision/ResNet': " in " ".join(seen.plain.split())
    assert "Delete the project 'Vision'? [y/N] " in on_terminal(site, "delete", "Vision", answer="y").plain


def test_pruning_the_history_is_asked_about(site: Site) -> None:
    site.json("create", "vision", "-d", "x")
    prune = ("history", "prune", "--older-than", "0.01")
    seen = on_terminal(site, *prune, answer="n")
    assert (seen.status, len(site.json("history")["runs"])) == (1, 1)
    assert f"Remove 1 operation older than 0.01 from the journal of '{site.name}'? " in seen.plain
    assert on_terminal(site, *prune, answer="y").status == 0
    assert site.json("history")["runs"] == []


@pytest.mark.parametrize(("no_color", "red"), [("", True), ("1", False)])
def test_a_production_profile_is_named_in_red_in_every_question(
    site: Site, tmp_path: Path, no_color: str, red: bool
) -> None:
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('profile = "lab"\n[profiles.lab]\nproduction = true\n')
    site.project("vision")
    seen = on_terminal(site, "delete", "vision", answer="y", NO_COLOR=no_color)
    assert (seen.status, site.names()) == (0, [])
    assert "PRODUCTION lab: Delete the project 'vision'? [y/N] " in seen.plain
    assert ("\x1b[1;38;5;160mPRODUCTION lab: \x1b[0m" in seen.text) == red


def test_a_uri_is_typed_without_being_shown(tmp_path: Path) -> None:
    seen = on_terminal(None, "config", "set", "profiles.lab.uri", "-", answer=NOWHERE)
    assert seen.status == 0
    assert UNSPOKEN not in seen.text
    assert UNSPOKEN in (tmp_path / "home" / ".config" / "projects" / "config.toml").read_text()


def test_an_edit_that_can_not_be_used_may_be_mended(tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ngrep -q databse "$1" && echo "timeout = 5" > "$1" || echo "databse = 1" > "$1"\n')
    editor.chmod(0o755)
    seen = on_terminal(None, "config", "edit", answer="y", EDITOR=str(editor))
    assert "unknown key 'databse'" in seen.plain
    assert "Edit it again? [y/N] " in seen.plain
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    assert (seen.status, config.read_text()) == (0, "timeout = 5\n")
    seen = on_terminal(None, "config", "edit", answer="n", EDITOR=str(editor))
    assert (seen.status, config.read_text()) == (1, "timeout = 5\n")
    assert list(config.parent.iterdir()) == [config]


def test_the_end_of_input_is_no_uri(tmp_path: Path) -> None:
    seen = on_terminal(None, "config", "set", "profiles.lab.uri", "-", answer="\x04")
    assert (seen.status, "nothing to do" in seen.plain) == (0, True)  # as an empty standard input is
    assert not (tmp_path / "home" / ".config" / "projects").exists()


# --- the pager ----------------------------------------------------------------------------------------------------


def test_a_table_longer_than_the_screen_goes_through_the_pager(site: Site) -> None:
    many(site, 40)
    seen = on_terminal(site, "list", lines=24, PROJECTS_PAGER="tr a-z A-Z", NO_COLOR="1")
    assert (seen.status, seen.text.count("PROJECT 000"), "project" in seen.text) == (0, 40, False)
    assert "project 00000" in on_terminal(site, "list", lines=60, PROJECTS_PAGER="tr a-z A-Z").text


def test_a_pager_that_is_left_early_is_no_failure(site: Site) -> None:
    many(site, 3000)
    seen = on_terminal(site, "list", lines=24, PROJECTS_PAGER="head -n 1", NO_COLOR="1")
    assert (seen.status, len(seen.text.splitlines())) == (0, 1)


def test_without_its_pager_a_table_is_just_printed(site: Site) -> None:
    many(site, 40)
    seen = on_terminal(site, "list", lines=24, PROJECTS_PAGER="no-such-pager", NO_COLOR="1")
    assert (seen.status, seen.text.count("project 000")) == (0, 40)
