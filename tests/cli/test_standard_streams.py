"""Empty standard input, closed standard output, and prompts that are declined or cancelled."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.running import PROGRAM, QUESTION, environment_of, on_terminal

if TYPE_CHECKING:
    from tests.worlds.site import Site

EMPTY = "standard input is empty: nothing to do"


@pytest.fixture
def site(site: Site) -> Site:
    site.project("vision/deep")
    return site


# --- an empty standard input --------------------------------------------------------------------------------------

READING = {
    "get": (("get", "-"), {"project": {}}),
    "update": (("update", "-", "-d", "x"), {"updated": 0, "fields": {}}),
    "delete": (("delete", "-"), {"deleted": 0, "disassociated_tasks": 0, "deleted_models": 0, "deleted_tasks": 0}),
    "make-public": (("make-public", "-"), {"updated": 0}),
    "make-private": (("make-private", "-"), {"updated": 0}),
    "metrics": (("metrics", "-"), {"metrics": []}),
    "hyperparams": (("hyperparams", "-"), {"parameters": [], "remaining": 0, "total": 0}),
    "task-tags": (("task-tags", "--project", "-"), {"tags": []}),
    "model-tags": (("model-tags", "--project", "-"), {"tags": []}),
    "call": (("call", "create", "--data", "-"), {}),
    "batch": (("batch", "-"), None),
    "config set": (("config", "set", "company", "-"), None),
}


@pytest.mark.parametrize("text", ["", "\ufeff", "\n", " \r\n\n"])
@pytest.mark.parametrize("command", READING)
def test_an_empty_input_is_nothing_to_do(site: Site, command: str, text: str) -> None:
    words, answer = READING[command]
    if command == "config set" and text:
        return  # an empty line is an empty value
    before = site.everything()
    result = site(*words, stdin=text)
    assert (result.exit_code, result.stdout, EMPTY in result.stderr) == (0, "", True), result.stderr
    if answer is not None:
        assert site.json(*words, stdin=text) == answer
        assert yaml.safe_load(site.text(*words, "-o", "yaml", stdin=text)) == answer
        assert site.text(*words, "-o", "jsonl", stdin=text) == ""
    assert site(*words, "--dry-run", stdin=text).exit_code == 0
    assert site.everything() == before


def test_an_empty_value_of_a_setting_is_refused(site: Site) -> None:
    assert site("config", "set", "company", "-", stdin="\n").exit_code == 2


def test_an_empty_input_beside_names_adds_none(site: Site) -> None:
    assert site.json("delete", "-", "vision/deep", "--yes", stdin="")["deleted"] == 1


# --- a closed standard output -------------------------------------------------------------------------------------

PRINTING = [
    ("--version",),
    ("--help",),
    (),
    ("list", "--help"),
    ("help", "filters"),
    ("completion", "bash"),
    ("schema",),
    ("schema", "create"),
    ("config", "list"),
    ("config", "path"),
    ("profile", "list"),
    ("local", "path"),
    ("list",),
    ("list", "-o", "id"),
    ("list", "--json"),
    ("list", "-o", "csv"),
    ("get", "vision"),
    ("status",),
    ("history",),
    ("metrics",),
    ("call", "get_all"),
    ("call", "get_all", "--skeleton"),
    ("update", "vision", "-d", "x"),
]


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_closed_output_is_an_error(site: Site, words: tuple[str, ...]) -> None:
    ended = closed(site, *words)
    message = json.loads(ended.stderr)["error"]["message"] if "--json" in words else ended.stderr
    assert (ended.returncode, "standard output is closed" in message) == (1, True), ended.stderr


def test_a_closed_output_is_no_error_if_nothing_is_printed(site: Site) -> None:
    assert closed(site, "list", "--name", "nowhere", "-o", "id").returncode == 0


def closed(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program with its standard output closed, and with an empty standard input."""
    return subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, *words],
        env=environment_of(site),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


# --- questions ----------------------------------------------------------------------------------------------------

CANCELLED = "cancelled, nothing was changed"
ASKING = {
    "a yes": ("delete", "vision/deep"),
    "a name": ("delete", "vision"),
    "a list": ("delete", "-i"),
    "a value": ("config", "set", "company", "-"),
}
PROMPT = rf"({QUESTION}|Esc cancels|company: )"


@pytest.mark.parametrize("asked", ASKING)
def test_ctrl_c_at_a_question_says_that_nothing_was_changed_on_a_line_of_its_own(site: Site, asked: str) -> None:
    before = site.everything()
    seen = on_terminal(site, *ASKING[asked], keys=[(PROMPT, "\x03")], controlling=True)
    assert (seen.status, CANCELLED in seen.plain.splitlines()) == (130, True), seen.plain
    assert site.everything() == before


@pytest.mark.parametrize(
    ("answer", "asked"), [("n\n", "a yes"), ("\n", "a yes"), ("visoin\n", "a name"), ("\x04", "a yes")]
)
def test_a_declined_question_is_a_plain_notice(site: Site, answer: str, asked: str) -> None:
    before = site.everything()
    seen = on_terminal(site, *ASKING[asked], keys=[(PROMPT, answer)])
    assert (seen.status, "error:" in seen.plain) == (1, False)
    assert seen.text.splitlines()[-1].startswith("declined: ")
    assert seen.text.endswith("nothing was changed\n")
    assert site.everything() == before
