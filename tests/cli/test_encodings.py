"""Text in every locale: machine formats and all input are UTF-8, and text for users fits their encoding."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.running import PROGRAM, Seen, environment_of, on_terminal
from tests.worlds.site import COMPANY, Site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


NAME = "Größe/日本語 🚀/café – e\u0301"
"""Letters of Latin-1, letters beyond it, an emoji beyond U+FFFF, and a decomposed é."""

NO_COERCION = {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
LOCALES: dict[str, dict[str, str]] = {
    "UTF-8": {"LC_ALL": "C.UTF-8"},
    "C": {"LC_ALL": "C"},
    "POSIX": {"LC_ALL": "POSIX"},
    "no locale": {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""},
    "unknown locale": {"LC_ALL": "xx_XX.ISO-8859-1"},
    "ASCII": {"LC_ALL": "C", **NO_COERCION},
    "ASCII by POSIX": {"LC_ALL": "POSIX", **NO_COERCION},
    "ASCII by LANG": {"LC_ALL": "", "LANG": "C", **NO_COERCION},
    "UTF-8 mode off": {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"},
    "stdio latin-1": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1"},
    "stdio ascii": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii"},
    "stdio strict ascii": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii:strict"},
    "stdio utf-16": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-16"},
    "stdio cp1252": {"LC_ALL": "C", "PYTHONIOENCODING": "cp1252", **NO_COERCION},
    "Latin-1": {"LC_ALL": "de_DE.ISO-8859-1"},
    "Latin-1 by LANG": {"LC_ALL": "", "LANG": "de_DE.ISO-8859-1"},
    "Latin-1, stdio ascii": {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONIOENCODING": "ascii"},
    "EUC-JP": {"LC_ALL": "ja_JP.EUC-JP"},
}


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile locales that few machines have; `LOCPATH` makes the C library find them."""
    folder = tmp_path_factory.mktemp("locales")
    for name in ("de_DE.ISO-8859-1", "ja_JP.EUC-JP"):
        language, _, charset = name.partition(".")
        if shutil.which("localedef"):
            command = ["localedef", "-i", language, "-f", charset, str(folder / name)]
            subprocess.run(command, capture_output=True, check=False)
    return folder


EACH_KIND = ("UTF-8", "C", "ASCII", "stdio latin-1", "stdio utf-16", "Latin-1", "EUC-JP")


def _chosen(name: str, locales: Path) -> dict[str, str]:
    chosen = LOCALES[name]
    locale = chosen.get("LC_ALL") or chosen.get("LANG", "")
    if locale.startswith(("de_DE", "ja_JP")) and not (locales / locale).exists():
        pytest.skip(f"this machine cannot compile the locale {locale}")
    return chosen | {"LOCPATH": str(locales)}


@pytest.fixture(params=LOCALES)
def any_locale(request: pytest.FixtureRequest, locales: Path) -> dict[str, str]:
    """Provide the variables of each locale in turn."""
    return _chosen(request.param, locales)


@pytest.fixture(params=EACH_KIND)
def variables(request: pytest.FixtureRequest, locales: Path) -> dict[str, str]:
    """Provide the variables of one locale of each kind in turn."""
    return _chosen(request.param, locales)


def run(
    site: Site, *arguments: str | bytes, variables: dict[str, str], stdin: bytes = b"", **more: str | bytes
) -> subprocess.CompletedProcess[bytes]:
    """Run the program with arguments and variables in UTF-8, or in bytes of any kind."""
    environment = {os.fsencode(name): os.fsencode(value) for name, value in environment_of(site, **variables).items()}
    environment |= {
        name.encode(): value if isinstance(value, bytes) else value.encode() for name, value in more.items()
    }
    words = [word if isinstance(word, bytes) else word.encode() for word in arguments]
    command = [*map(os.fsencode, PROGRAM), *words]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, timeout=60, check=False)


def terminal(site: Site, *arguments: str, variables: dict[str, str]) -> Seen:
    return on_terminal(site, *arguments, answer=None, keys=(), columns=80, lines=50, controlling=False, **variables)


def output(site: Site, *arguments: str, variables: dict[str, str], stdin: bytes = b"", **more: str | bytes) -> str:
    """Return standard output of a run that succeeds, which has to be UTF-8."""
    result = run(site, *arguments, variables=variables, stdin=stdin, **more)
    assert result.returncode == 0, result.stderr
    return result.stdout.decode("utf-8")


def _lines(text: str, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


FORMATS: dict[str, Callable[[str], Any]] = {
    "json": lambda text: json.loads(text)["projects"],
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "yaml": lambda text: yaml.safe_load(text)["projects"],
    "csv": lambda text: _lines(text, ","),
    "tsv": lambda text: _lines(text, "\t"),
}


# --- output -------------------------------------------------------------------------------------------------------


def test_every_machine_format_is_utf_8_with_names_as_stored(site: Site, any_locale: dict[str, str]) -> None:
    site.documents.project.insert_one({"_id": "Größe-🚀", "company": COMPANY, "name": NAME, "tags": ["日本語"]})
    for format_, parse in FORMATS.items():
        text = output(site, "list", "-o", format_, variables=any_locale)
        assert [(one["id"], one["name"]) for one in parse(text)] == [("Größe-🚀", NAME)], format_
        assert NAME in text, format_
    assert output(site, "list", "-o", "id", variables=any_locale) == "Größe-🚀\n"


def test_what_json_commands_write_is_utf_8(site: Site, variables: dict[str, str]) -> None:
    identifier = site.project(NAME)
    for arguments in (("get", identifier), ("list", "--query", "projects[].name")):
        assert NAME in output(site, *arguments, "--json", variables=variables)
    request = json.dumps({"endpoint": "get_by_id", "params": {"project": identifier}}).encode()
    assert NAME in output(site, "batch", "-", variables=variables, stdin=request)
    result = run(site, "get", "日本語 🚀", "--json", variables=variables)
    assert (result.returncode, result.stdout) == (3, b"")
    assert json.loads(result.stderr.decode("utf-8"))["error"]["message"] == "there is no project '日本語 🚀'"
    assert "日本語 🚀".encode() in result.stderr


def test_people_get_what_their_encoding_can_show(site: Site, variables: dict[str, str]) -> None:
    site.project("Größe 日本語 🚀")
    for arguments in (("list",), ("get", "Größe 日本語 🚀"), ("--help",), ("list", "--help"), ("help", "output")):
        result = run(site, *arguments, variables=variables)
        assert (result.returncode, result.stderr) == (0, b""), arguments
    result = run(site, "get", "日本語", variables=variables)
    assert (result.returncode, b"Traceback" in result.stderr) == (3, False)
    assert terminal(site, "list", variables=variables).status == 0


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("Latin-1", "Größe \\u65e5".encode("latin-1")),
        ("EUC-JP", "Größe 日".encode("euc_jp")),
        ("ASCII", b"Gr\\xf6\\xdfe \\u65e5"),
    ],
)
def test_a_table_is_in_the_encoding_of_the_locale(site: Site, locales: Path, locale: str, shown: bytes) -> None:
    name = LOCALES[locale]["LC_ALL"]
    if "." in name and not (locales / name / "LC_CTYPE").exists():
        pytest.skip("the sources of locales are not installed (Debian: locales)")
    site.project("Größe 日")
    result = run(site, "list", variables=_chosen(locale, locales))
    assert result.stdout.splitlines()[1].split(b"\t")[0] == shown


# --- input --------------------------------------------------------------------------------------------------------


def test_names_make_the_round_trip(site: Site, variables: dict[str, str]) -> None:
    made = json.loads(output(site, "create", NAME, "-d", "ü🚀", "--tag", "日本", "--json", variables=variables))
    stored = site.stored(made["id"])
    assert (stored["name"], stored["description"], stored["tags"]) == (NAME, "ü🚀", ["日本"])
    listed = json.loads(output(site, "list", "--name", f"^{NAME}$", "--json", variables=variables))
    assert [one["name"] for one in listed["projects"]] == [NAME]
    assert output(site, "get", NAME, "-o", "id", variables=variables) == f"{made['id']}\n"
    stdin = f"{NAME}\n".encode()
    assert output(site, "get", "-", "-o", "id", variables=variables, stdin=stdin) == f"{made['id']}\n"
    output(site, "delete", NAME, "--confirm", NAME, variables=variables)
    assert NAME not in site.names()


def test_variables_and_files_are_read_as_utf_8(site: Site, variables: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "Größe 日本 🚀"
    folder.mkdir()
    request, lines, schema = folder / "é.json", folder / "日.jsonl", folder / "ü.conf"
    request.write_text(json.dumps({"name": "aus Datei ß🚀", "description": ""}, ensure_ascii=False), encoding="utf-8")
    user = "Jürgen 日本"
    made = output(site, "call", "create", "--data", f"@{request}", "--json", variables=variables, PROJECTS_USER=user)
    stored = site.stored(json.loads(made)["id"])
    assert (stored["name"], stored["user"]) == ("aus Datei ß🚀", user)
    line = {"endpoint": "create", "params": {"name": "aus Zeile 日", "description": ""}, "user": "ß🚀"}
    lines.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    output(site, "batch", str(lines), variables=variables)
    assert site.named("aus Zeile 日")["user"] == "ß🚀"
    properties = 'name { type: string, description: "Größe 日本 🚀" }'
    schema.write_text(f'get_all {{ "2.1" {{ request {{ type: object, properties {{ {properties} }} }} }} }}', "utf-8")
    shown = output(site, "--schema", str(schema), "schema", "ü.get_all", "--json", variables=variables)
    assert "Größe 日本 🚀" in shown


def test_standard_input_is_read_as_utf_8(site: Site, variables: dict[str, str]) -> None:
    data = json.dumps({"name": NAME, "description": ""}, ensure_ascii=False).encode()
    output(site, "call", "create", "--data", "-", "--json", variables=variables, stdin=data)
    line = json.dumps({"endpoint": "create", "params": {"name": "ß🚀日本", "description": ""}}, ensure_ascii=False)
    output(site, "batch", "-", variables=variables, stdin=line.encode())
    assert {NAME, "ß🚀日本"} <= set(site.names())


# --- what is not UTF-8 --------------------------------------------------------------------------------------------

INVALID = {
    "Latin-1": b"caf\xe9",
    "EUC-JP": b"caf\xc6\xfc",
    "half a character": b"caf\xf0\x9f",
    "surrogate": b"caf\xed\xa0\x80",
}


@pytest.mark.parametrize("invalid", INVALID.values(), ids=INVALID)
def test_bytes_of_any_other_encoding_are_refused(site: Site, invalid: bytes) -> None:
    _check_refused(site, (b"get", b"%s"), invalid)


@pytest.mark.parametrize(
    "arguments",
    [
        (b"create", b"%s", b"-d", b"x"),
        (b"create", b"vision", b"-d", b"%s"),
        (b"create", b"vision", b"-d", b"x", b"--user", b"%s"),
        (b"create", b"vision", b"-d", b"x", b"--tag=%s"),
        (b"get", b"%s"),
        (b"list", b"--name", b"%s"),
        (b"list", b"--tag", b"%s"),
        (b"delete", b"vision", b"--confirm", b"%s"),
        (b"call", b"create", b"--data", b'{"name": "%s", "description": ""}'),
        (b"%s",),
    ],
)
def test_an_argument_that_is_not_utf_8_is_refused(site: Site, arguments: tuple[bytes, ...]) -> None:
    _check_refused(site, arguments, INVALID["Latin-1"])


def _check_refused(site: Site, arguments: tuple[bytes, ...], invalid: bytes) -> None:
    for variables in (LOCALES["UTF-8"], LOCALES["ASCII"]):
        words = [word.replace(b"%s", invalid) for word in arguments]
        result = run(site, *words, variables=variables)
        position = next(number for number, word in enumerate(words, 1) if invalid in word)
        offset = words[position - 1].index(invalid) + 3
        assert (result.returncode, result.stdout) == (2, b"")
        assert result.stderr.decode("utf-8").splitlines()[0] == (
            f"error: argument {position} is not valid UTF-8: byte 0x{invalid[3]:02x} at offset {offset}"
        )
    assert site.names() == []


def test_input_that_is_not_utf_8_is_refused_in_every_locale(
    site: Site, variables: dict[str, str], tmp_path: Path
) -> None:
    site.project("vision")
    before = site.everything()
    request = b'{"name": "caf\xe9", "description": ""}'
    file = tmp_path / "request.json"
    file.write_bytes(request)
    create: tuple[str, ...] = ("call", "create", "--data")
    place = "byte 0xe9 at offset"
    inputs: list[tuple[tuple[str | bytes, ...], bytes, str]] = [
        (("get", b"caf\xe9"), b"", f"argument 3 is not valid UTF-8: {place} 3"),
        (("get", "-"), b"caf\xe9\n", f"line 1 of standard input is not valid UTF-8: {place} 3"),
        (("delete", "-", "--yes"), b"vision\n\xe9\n", f"line 2 of standard input is not valid UTF-8: {place} 0"),
        ((*create, "-"), request, f"the JSON is not valid UTF-8: {place} 13"),
        ((*create, f"@{file}"), b"", f"the JSON is not valid UTF-8: {place} 13"),
        ((*create, request), b"", f"argument 5 is not valid UTF-8: {place} 13"),
    ]
    for arguments, stdin, message in inputs:
        result = run(site, "--json", *arguments, variables=variables, stdin=stdin)
        assert (result.returncode, result.stdout) == (2, b"")
        assert json.loads(result.stderr)["error"]["message"] == message
    assert site.everything() == before


def test_a_line_of_a_batch_that_is_not_utf_8_is_answered(site: Site, variables: dict[str, str]) -> None:
    good = '{"id": 2, "endpoint": "create", "params": {"name": "ß🚀日", "description": ""}}'.encode()
    stdin = b'{"id": 1, "endpoint": "create", "params": {"name": "caf\xe9"}}\n' + good
    result = run(site, "batch", "-", variables=variables, stdin=stdin)
    bad, made = (json.loads(line) for line in result.stdout.decode("utf-8").splitlines())
    assert (result.returncode, bad["ok"], made["ok"]) == (5, False, True)
    assert bad["error"]["message"] == "line 1 of the input: the JSON is not valid UTF-8: byte 0xe9 at offset 55"
    assert site.names() == ["ß🚀日"]


@pytest.mark.parametrize("name", ["PROJECTS_USER", "PROJECTS_COMPANY", "PROJECTS_DATABASE", "PROJECTS_MONGO_URI"])
def test_a_variable_that_is_not_utf_8_is_refused(site: Site, name: str) -> None:
    for variables in (LOCALES["UTF-8"], LOCALES["ASCII"]):
        result = run(site, "create", "vision", "-d", "x", "--json", variables=variables, **{name: b"secret\xe9"})
        assert (result.returncode, result.stdout) == (2, b"")
        message = json.loads(result.stderr)["error"]["message"]
        assert message == f"{name} is not valid UTF-8: byte 0xe9 at offset 6"
    assert site.names() == []


def test_a_login_name_that_is_not_utf_8_stops_nothing(site: Site) -> None:
    result = run(site, "create", "vision", "-d", "x", variables=LOCALES["UTF-8"], LOGNAME=b"jos\xe9")
    assert (result.returncode, site.names()) == (0, ["vision"])


def test_a_file_that_is_not_utf_8_is_named(site: Site, tmp_path: Path) -> None:
    settings, uri, schema = tmp_path / "home/.config/projects/config.toml", tmp_path / "uri", tmp_path / "x.conf"
    settings.parent.mkdir()
    uri.write_bytes(b"mongodb://caf\xe9/\n")
    uri.chmod(0o600)
    schema.write_bytes(b'get_all { "2.1" { description: "\xe9" } }')
    error = site.error("list", "--uri-file", str(uri), status=2, PROJECTS_MONGO_URI="")
    assert error["message"] == f"the URI file {uri} is not valid UTF-8"
    assert site.error("list", "--schema", str(schema), status=2)["message"] == f"{schema}:1:33: this is not UTF-8 text"
    settings.write_bytes(b'output = "caf\xe9"\n')
    result = site("list")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"error: {settings} is not valid UTF-8: byte 0xe9 at offset 13"


# --- the restart --------------------------------------------------------------------------------------------------


def test_the_program_starts_again_with_the_same_words(site: Site) -> None:
    """Options of Python, a `-c` program and an empty argument survive."""
    program = "import sys; sys.argv[0] = 'projects'; from projects_cli.__main__ import main; main()"
    command = [sys.executable, "-X", "utf8=0", "-c", program, "create", "ü🚀日", "--description", "", "--json"]
    environment = environment_of(site, **LOCALES["ASCII"])
    result = subprocess.run(
        [os.fsencode(word) for word in command], env=environment, capture_output=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert site.names() == ["ü🚀日"]
