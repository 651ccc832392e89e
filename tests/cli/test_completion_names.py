"""TAB completes names from a cache, without waiting for a database, for any characters in a name."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from projects_cli.cli.completion import engine, names
from projects_cli.cli.completion.engine import bash_continuations
from projects_cli.cli.completion.names import path_of
from projects_cli.cli.completion.quoting import continued, unquoted
from projects_cli.cli.options import GLOBAL_OPTIONS
from projects_cli.config.settings import BY_NAME
from tests.terminals import Terminal, put_on_path
from tests.worlds.site import OTHER, Site, empty_site
from tools.built import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from mmap import mmap

    from projects_cli.cli.completion.quoting import Mode
    from tests.conftest import Cli
    from tests.servers import Server

HOSTILE = (
    "x/road signs",
    "x/$(touch oops)",
    "x/`touch oops`",
    "x/it's; touch oops",
    'x/"dq" & touch oops',
    "x/!bang",
    "x/back\\slash",
    "x/new\nline",
    "x/\x1b[31mred",
    "x/\u202elived",
    "x/👩‍👩‍👧 family",
    "x/日本語",
    "x/*?[a]",
    "x/~home",
    "x/#hash",
    "x/k=v",
    "x/a:b",
    "x/x@y",
    "x/{a,b}",
    "x/tab\there",
)
"""Each differs from the others in the third character, so that one more letter and TAB names it."""

LEFT_OUT = {"bash": (), "zsh": (), "fish": ("x/new\nline", "x/tab\there", "x/*?[a]")}
"""Names that a shell can't complete: fish takes lines with tabs for several things, and an escaped * for itself."""

TIMEOUT = 30.0


@pytest.fixture
def site(standalone: Server, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Provide a site that is the environment's, and put the program on the PATH."""
    put_on_path(tmp_path / "bin", monkeypatch)
    with empty_site(standalone, cli) as site:
        for name, value in {
            "PROJECTS_MONGO_URI": standalone.uri,
            "PROJECTS_DATABASE": site.name,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield site


def fetch(**variables: str) -> None:
    """Fetch the names now."""
    command = [sys.executable, "-m", "projects_cli", "--fetch-names"]
    subprocess.run(command, env={**os.environ, **variables}, check=True, timeout=60)


def completed(*words: str, form: str = "zsh", **variables: str) -> list[str]:
    """Ask as a completion file does; return the values, or for bash the lines of the answer."""
    command = [sys.executable, "-m", "projects_cli", "--complete", form]
    done = subprocess.run(
        command, input=asking(form, *words), capture_output=True, env={**os.environ, **variables}, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.stderr == b""
    return done.stdout.decode().split("\n") if form == "bash" else done.stdout.decode().split("\0")[2::2]


def asking(shell: str, *words: str) -> bytes:
    """Return what a completion file passes to the program."""
    if shell == "bash":
        return "".join(f"{line}\n" for line in [words[-1], " ".join(["projects", *words]), "projects", *words]).encode()
    return "".join(f"{word}\0" for word in words).encode()


def kept() -> list[Path]:
    """Return the files of names."""
    return [path for path in Path(path_of(os.environ)).parent.glob("names-*") if path.suffix != ".lock"]


# --- what is answered ---------------------------------------------------------------------------------------------


def test_names_ids_and_tags_are_completed(site: Site) -> None:
    first = site.project("vision/detector", tags=["prod", "edge"])
    site.project("speech", tags=["prod"], system_tags=["dataset"])
    fetch()
    assert completed("get", "vision/") == ["vision/detector"]
    assert completed("get", "") == ["speech", "vision", "vision/detector"]
    assert completed("get", first[:8]) == [first]
    assert completed("list", "--tag", "p") == ["prod"]
    assert completed("list", "--system-tag", "") == ["dataset"]
    assert completed("tags", "list", "--where-exclude-tag", "") == ["edge", "prod"]
    for command in (["rename"], ["merge", "edge"], ["merge", "edge", "--into"], ["add", "edge"], ["remove"]):
        assert completed("tags", *command, "p") == ["prod"]
    assert completed("task-tags", "--filter-tag", "p") == []
    assert completed("get", "nothing") == []


def test_names_of_other_companies_are_not_cached(site: Site) -> None:
    site.project("ours")
    site.project("theirs", company=OTHER, tags=["secret-tag"])
    site.project("everybody's", company="")
    site.project("hidden one", system_tags=["hidden"])
    fetch()
    assert completed("get", "") == ["everybody's", "ours"]
    (file,) = kept()
    assert b"theirs" not in file.read_bytes()
    assert b"secret-tag" not in file.read_bytes()


def test_names_beyond_the_limit_are_not_cached(site: Site) -> None:
    for name in ("a", "b", "c"):
        site.project(name)
    code = "from projects_cli.cli.completion import fetch; fetch.MAX_PROJECTS = 2; raise SystemExit(fetch.main())"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert completed("get", "") == ["a", "b"]


def test_a_name_like_an_option_is_offered_by_its_id(site: Site) -> None:
    identifier = site.project("--force")
    fetch()
    assert completed("delete", "") == []
    assert completed("delete", identifier[:6]) == [identifier]


def test_a_deceptive_name_is_offered_by_its_id_or_as_an_escape_sequence(site: Site) -> None:
    identifier = site.project("x\u202elived")
    fetch()
    assert completed("get", "x") == []
    assert completed("get", identifier[:6]) == [identifier]
    assert completed("get", "x", form="bash") == ["whole", "=x$'\\xe2\\x80\\xae'lived"]


def test_profiles_and_endpoints_come_from_their_files(site: Site, tmp_path: Path) -> None:
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[profiles.staging]\ndatabase = "a"\n[profiles."pro duction"]\ndatabase = "b"\n')
    config.chmod(0o600)
    assert completed("--profile", "") == ["pro duction", "staging"]
    assert completed("--profile", "st") == ["staging"]
    assert completed("call", "projects.make") == ["projects.make_public", "projects.make_private"]
    schema = tmp_path / "robots.conf"
    schema.write_text('ping { "2.1" { request { type: object } } }')
    assert completed("call", "", PROJECTS_SCHEMA=str(schema)) == ["robots.ping"]
    assert completed("--schema", str(schema), "call", "") == ["robots.ping"]


def test_fields_are_completed_one_by_one_and_an_id_option_gets_only_ids(site: Site) -> None:
    identifier = site.project("vision")
    fetch()
    assert completed("list", "--fields", "sys") == ["system_tags"]
    assert completed("list", "--fields", "id,na") == ["id,name"]
    assert "id,name,id" not in completed("list", "--fields", "id,name,")
    assert completed("list", "--id", "") == [identifier]
    assert completed("list", "--id", "vis") == []


# --- which database -----------------------------------------------------------------------------------------------


def test_the_options_that_choose_the_database_have_their_own_variables() -> None:
    settings = {flag: option.setting for option in GLOBAL_OPTIONS for flag in option.flags}
    assert {flag: BY_NAME[settings[flag]].variable for flag in engine.VARIABLES} == engine.VARIABLES


def test_names_are_those_of_the_company_and_the_database_on_the_line(site: Site) -> None:
    site.project("ours")
    site.project("theirs", company=OTHER)
    fetch()
    fetch(PROJECTS_COMPANY=OTHER)
    assert completed("get", "") == ["ours"]
    assert completed("--company", OTHER, "get", "") == ["theirs"]
    assert completed(f"--company={OTHER}", "get", "") == ["theirs"]
    assert completed("--company", f"'{OTHER}'", "get", "", form="bash") == ["whole", "=theirs"]
    assert completed("get", "--database", "elsewhere", "") == []
    assert completed("--uri-file", "/nowhere", "get", "") == []


def test_a_value_that_only_the_shell_can_expand_completes_and_fetches_nothing(site: Site) -> None:
    site.project("ours")
    fetch()
    before = sorted(Path(path_of(os.environ)).parent.iterdir())
    for words in (("--company", "$MINE"), ("--company=$(mine)",), ("--uri", "`mine`")):
        assert completed(*words, "get", "", form="bash") == [""]
        assert completed(*words, "get", "") == []
    assert completed("get", "$X", form="bash") == [""]
    assert [path for path in sorted(Path(path_of(os.environ)).parent.iterdir()) if path.suffix != ".lock"] == [
        path for path in before if path.suffix != ".lock"
    ]


def test_names_are_invalid_after_a_change_of_the_uri_file(site: Site, tmp_path: Path) -> None:
    site.project("ours")
    file = tmp_path / "uri"
    file.write_text(site.server.uri)
    file.chmod(0o600)
    chosen = {"PROJECTS_MONGO_URI": "", "PROJECTS_MONGO_URI_FILE": str(file)}
    fetch(**chosen)
    assert completed("get", "", **chosen) == ["ours"]
    file.write_text("mongodb://127.0.0.1:1/elsewhere")
    assert completed("get", "", **chosen) == []


@pytest.mark.parametrize("way", ["--uri-file", "--uri-file=", "PROJECTS_MONGO_URI_FILE", "PROJECTS_LOCAL_DIR"])
def test_a_relative_path_means_another_database_in_another_folder(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    site.project("ours")
    monkeypatch.delenv("PROJECTS_MONGO_URI")
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    (tmp_path / "here" / "db.uri").write_text(site.server.uri)
    (tmp_path / "here" / "db.uri").chmod(0o600)
    flags = {"--uri-file": ["--uri-file", "db.uri"], "--uri-file=": ["--uri-file=db.uri"]}.get(way, [])
    variables = {} if flags else {way: "db.uri"}
    monkeypatch.chdir(tmp_path / "here")
    if way == "PROJECTS_LOCAL_DIR":
        assert path_of({**os.environ, **variables}) == path_of({**os.environ, way: str(tmp_path / "here" / "db.uri")})
        here = path_of({**os.environ, **variables})
        monkeypatch.chdir(tmp_path / "there")
        assert path_of({**os.environ, **variables}) != here
        return
    fetch(PROJECTS_MONGO_URI_FILE="db.uri")
    assert completed(*flags, "get", "", **variables) == ["ours"]
    monkeypatch.chdir(tmp_path / "there")
    assert completed(*flags, "get", "", **variables) == []
    monkeypatch.chdir(tmp_path)
    assert completed("--uri-file", "here/db.uri", "get", "") == ["ours"]


# --- the cache ----------------------------------------------------------------------------------------------------


def test_the_first_tab_offers_nothing_and_another_process_fetches_the_names(site: Site) -> None:
    site.project("vision")
    assert completed("get", "") == []
    deadline = time.monotonic() + TIMEOUT
    while not kept() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert completed("get", "") == ["vision"]


def test_tab_does_not_wait_for_a_database_that_does_not_respond(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTS_MONGO_URI", "mongodb://ann:topsecret@10.255.255.1:1")
    code = "import os, sys; from projects_cli.cli.completion.engine import main; print(main(['zsh']))"
    command = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(command, input=b"get\0\0", capture_output=True, check=True, timeout=10)
    assert done.stdout == b"values\x000" + b"0\n"
    (mark,) = Path(path_of(os.environ)).parent.iterdir()
    first = mark.stat().st_mtime_ns
    assert completed("get", "") == []
    assert mark.stat().st_mtime_ns == first  # asked a moment ago: not again
    assert "topsecret" not in mark.name
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"topsecret" not in process.read_bytes()
        except OSError:
            continue


def test_old_names_are_fetched_again_and_very_old_names_are_not_offered(site: Site) -> None:
    site.project("vision")
    fetch()
    (file,) = kept()
    site.project("new one")
    os.utime(file, (time.time() - 2 * names.FRESH_SECONDS,) * 2)
    mark = file.with_name(file.name + ".lock")
    os.utime(mark, (0, 0))
    assert completed("get", "") == ["vision"]
    deadline = time.monotonic() + TIMEOUT
    while completed("get", "") != ["new one", "vision"]:
        assert time.monotonic() < deadline
    os.utime(file, (time.time() - 2 * names.KEPT_SECONDS,) * 2)
    assert completed("get", "") == []


def test_old_names_are_offered_if_new_names_cannot_be_fetched(site: Site) -> None:
    site.project("vision")
    fetch()
    (file,) = kept()
    os.utime(file, (time.time() - 2 * names.FRESH_SECONDS,) * 2)
    mark = file.with_name(file.name + ".lock")
    mark.unlink()
    mark.mkdir()
    os.utime(mark, (0, 0))
    assert completed("get", "") == ["vision"]


def test_the_file_is_private_and_ignored_if_other_users_could_write_it(site: Site) -> None:
    site.project("vision")
    fetch()
    (file,) = kept()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    for path, mode in ((file, 0o620), (file, 0o602), (file.parent, 0o770)):
        was = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        assert completed("get", "") == []
        path.chmod(was)
    assert completed("get", "") == ["vision"]
    content = file.read_bytes()
    for damaged in (
        b"",
        b"\0" * 100,
        content[:30],
        content[: len(content) // 2],
        content.replace(b"projects", b"other"),
    ):
        file.write_bytes(damaged)
        assert completed("get", "vision") in ([], ["vision"])
    file.unlink()
    file.symlink_to("/etc/passwd")
    assert completed("get", "") == []


def test_a_private_database_is_not_started_for_a_tab(cli: Cli, tmp_path: Path) -> None:
    fetch()
    assert completed("get", "") == []
    assert not (tmp_path / "home" / ".local" / "share" / "projects-cli").exists()


def test_old_files_are_removed(site: Site) -> None:
    folder = Path(path_of(os.environ)).parent
    folder.mkdir(parents=True, mode=0o700)
    for number in range(60):
        (folder / f"names-{number}").touch()
        os.utime(folder / f"names-{number}", (number, number))
    fetch()
    assert len(list(folder.iterdir())) <= 40


def test_an_answer_imports_no_heavy_module(site: Site) -> None:
    fetch()
    code = "import sys; from projects_cli.cli.completion.engine import main; main(['bash']); "
    command = [sys.executable, "-c", f"{code} sys.stderr.write(' '.join(sys.modules))"]
    done = subprocess.run(command, input=asking("bash", "get", ""), capture_output=True, check=True)
    loaded = set(done.stderr.decode().split())
    heavy = {"typing", "dataclasses", "re", "json", "pathlib", "subprocess", "typer", "pymongo", "tomllib", "hashlib"}
    assert loaded & heavy == set()


# --- very many ----------------------------------------------------------------------------------------------------


def opened(tmp_path: Path, values: Sequence[str]) -> mmap:
    """Return the text of a names file with these projects, written and read again."""
    tmp_path.chmod(0o700)
    file = tmp_path / "names"
    file.write_bytes(names.content({"projects": [value.encode() for value in values]}))
    file.chmod(0o600)
    cache = names.read(str(file))
    assert cache is not None
    return cache[0]


def test_the_next_level_is_offered_if_very_many_names_match(tmp_path: Path) -> None:
    records = [
        f"{top}/{middle:03}/{low:03}" for top in ("audio", "vision") for middle in range(100) for low in range(250)
    ]
    found = opened(tmp_path, [*records, "vision", "vision/005", "zoo"])
    assert names.matching(found, "projects", b"") == [b"audio/", b"vision", b"vision/", b"zoo"]
    below = [b"vision/00%d/" % number for number in range(10)]
    assert names.matching(found, "projects", b"vision/00") == sorted([*below, b"vision/005"])
    assert names.matching(found, "projects", b"vision/007/12") == [b"vision/007/12%d" % n for n in range(10)]
    assert names.matching(found, "projects", b"vision/007/1234") == []


def test_some_names_and_the_last_are_offered_if_very_many_match_and_there_are_no_levels(tmp_path: Path) -> None:
    found = opened(tmp_path, [f"a{number:06}" for number in range(50_000)] + ["b", "c" * 990])
    some = names.matching(found, "projects", b"")
    assert len(some) == names.MAX_OFFERED + 1
    assert (some[0], some[-1]) == (b"a000000", b"c" * 990)


def test_every_name_is_found_and_no_other(tmp_path: Path) -> None:
    records = sorted({f"{number * 7919 % 100_003:x}" * (number % 97 + 1) for number in range(3_000)})
    records = [record for record in records if len(record) <= names.MAX_RECORD]
    found = opened(tmp_path, records)
    for record in records[:: len(records) // 200]:
        assert record.encode() in names.matching(found, "projects", record.encode())
        wanted = [other.encode() for other in records if other.startswith(record[:3])]
        assert (
            names.matching(found, "projects", record[:3].encode())[: names.MAX_OFFERED] == wanted[: names.MAX_OFFERED]
        )
    assert names.matching(found, "projects", b"zzz") == []


def next_level(records: Sequence[bytes], prefix: bytes) -> list[bytes]:
    """Return the expected completions, computed in the slow way."""
    below = (record for record in records if record.startswith(prefix))
    return list(dict.fromkeys(record[: record.find(b"/", len(prefix)) + 1] or record for record in below))


def test_each_level_is_complete_for_all_sizes_of_names_and_levels(tmp_path: Path) -> None:
    chance = Random(7)
    parts = ["a" * chance.choice((1, 3, 50, 400)) + str(number) for number in range(60)]
    made = {"/".join(chance.choice(parts) for _ in range(chance.randint(1, 4))) for _ in range(20_000)}
    records = sorted(name.encode() for name in made if len(name) <= names.MAX_RECORD)
    found = opened(tmp_path, [record.decode() for record in records])
    prefixes = [b"", b"a", *(record[: chance.randint(1, len(record))] for record in chance.sample(records, 100))]
    for prefix in prefixes:
        below = [record for record in records if record.startswith(prefix)]
        few = len(below) <= names.MAX_OFFERED
        assert names.matching(found, "projects", prefix) == (below if few else next_level(records, prefix))


def test_a_name_that_is_too_long_or_has_a_nul_is_omitted(tmp_path: Path) -> None:
    assert names.matching(opened(tmp_path, ["a" * 1001, "b\0c", "d"]), "projects", b"") == [b"d"]


# --- quoting, for bash --------------------------------------------------------------------------------------------


def as_bash_reads(word: str) -> str:
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_continues_with_the_same_quoting_and_bash_reads_it_literally(name: str, tmp_path: Path) -> None:
    for begun, mode in (("", ""), ("x/", ""), ("'", "'"), ("'x/", "'"), ('"', '"'), ('"x/', '"')):
        word = begun + continued(name[len(begun.lstrip("'\"")) :], mode)  # type: ignore[arg-type]
        assert unquoted(word) == (name, mode)
        assert as_bash_reads(word + mode) == name
        assert word.isprintable() or "\u200d" in word
    assert not Path("oops").exists()


def test_a_word_that_only_the_shell_can_expand_is_not_parsed() -> None:
    for word in ("$HOME", '"$HOME', "a`b", "a$(b)", "a\\", "$'\\q", "$'open", "${a}"):
        assert unquoted(word) is None


def for_bash(typed: str, mode: Mode, *values: str) -> list[str]:
    texts, whole = bash_continuations(typed, mode, values)
    return ["whole" if whole else "part", *(f"={text}" for text in texts)]


def test_the_common_start_of_names_never_ends_inside_an_escape_sequence() -> None:
    modes: tuple[Mode, ...] = ("", '"')
    for mode in modes:
        first, *texts = for_bash("a", mode, "a$b", "a`b", 'a"b')
        assert (first, len(texts), len({text[1] for text in texts}) > 1) == ("whole", 3, True)
        assert [as_bash_reads(f"{mode}a{text[1:]}{mode}") for text in texts] == ["a$b", "a`b", 'a"b']
    assert for_bash("a", "", "a b1", "a b2") == ["whole", "=\\ b1", "=\\ b2"]
    assert for_bash("a", "", "ab c", "ab$c") == ["part", "=b"]
    assert for_bash("a", "", "a", "a b", "a$b") == ["whole", "=", "=\\ b", "=\\$b"]
    assert for_bash("a", "", "a/") == ["part", "=/"]
    assert for_bash("a", "", "a\n", "a\r") == ["whole"]
    assert for_bash("a", "") == ["whole"]


# --- in real shells -----------------------------------------------------------------------------------------------

RECORDER = """
projects() {{ local one; for one; do printf '%s|' "${{one//$'\\n'/<newline>}}" >> log; done; echo >> log; }}
{shell}
source {file}
"""
BASH = "bind -x '\"\\C-xd\": echo done >> log'"
ZSH = """
autoload -Uz compinit && compinit -u -D
LISTMAX=100000
report-done() { BUFFER=''; echo done >> log }
zle -N report-done
bindkey '^Xd' report-done
"""
FISH = """
function projects
    for one in $argv
        printf '%s|' (string join '<newline>' -- (string split \\n -- $one)) >> log
    end
    echo >> log
end
bind \\cxd "commandline ''; echo done >> log"
source {file}
"""

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "projects.bash"),
    "zsh": (["zsh", "-f", "-i"], "_projects"),
    "fish": (["fish", "--no-config", "-i"], "projects.fish"),
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[Terminal]:
    """Provide each shell in turn, on a site with hostile names that are in the cache."""
    command, name = SHELLS[request.param]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    for project in ("visitors", *HOSTILE):
        site.project(project, tags=[project])
    fetch()
    file = shlex.quote(str(CHECKOUT / "completions" / name))
    setup = FISH.format(file=file) if name == "projects.fish" else RECORDER.format(
        file=file, shell=BASH if name == "projects.bash" else ZSH
    )  # fmt: skip
    terminal = Terminal(command, tmp_path, setup)
    yield terminal
    terminal.close()
    assert not (tmp_path / "oops").exists()


def typed(name: str, extra: int) -> str:
    """Return the beginning of a name as a user types it, escaped for the shell."""
    begin = name[: len("x/") + extra]
    return "".join(char if char.isalnum() or char == "/" or not char.isascii() else f"\\{char}" for char in begin)


def test_a_name_a_tag_and_an_id_are_completed(shell: Terminal, site: Site) -> None:
    identifier = str(site.named("visitors")["_id"])
    cases = {
        "projects get vis\t\n": "get|visitors|",
        "projects delete a vis\t--force\n": "delete|a|visitors|--force|",
        "projects list --tag vis\t\n": "list|--tag|visitors|",
        "projects list --tag=vis\t\n": "list|--tag=visitors|",
        "projects list --tag='vis\t\n": "list|--tag=visitors|",
        "projects get nothing\t\n": "get|nothing|",
        f"projects get {identifier[:10]}\t\n": f"get|{identifier}|",
        "projects get 'x/ro\t\n": "get|x/road signs|",
        'projects get "x/ro\t\n': "get|x/road signs|",
        "projects get x/road\\ s\t\n": "get|x/road signs|",
        "projects call projects.get_by\t\n": "call|projects.get_by_id|",
        "projects list --fields id,na\t\n": "list|--fields|id,name|",
        "projects list --time is\t\n": "list|--time|iso|",
    }
    assert {keys: shell.press(keys) for keys in cases} == {keys: [line] for keys, line in cases.items()}


def test_a_hostile_name_is_completed_literally_and_runs_nothing(shell: Terminal) -> None:
    left_out = LEFT_OUT[shell.name]
    lines = {}
    for name in HOSTILE:
        if name[2].isprintable() and name not in left_out:
            lines[name] = shell.press(f"projects get {typed(name, 3 if 'tab' in name else 1)}\t\n")
    assert lines == {name: [f"get|{name.replace(chr(10), '<newline>')}|"] for name in lines}
    assert len(lines) >= len(HOSTILE) - 5
