"""Schema files that are crafted to exhaust time or memory, to block, or to disclose other files."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from projects_cli.errors import SchemaError
from projects_cli.limits import cpu_limit
from projects_cli.schema import cache, custom
from projects_cli.schema.cache import load
from projects_cli.schema.model import MAX_FILE_SIZE
from tests.running import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEPTH = 40
ENDPOINT = 'ping {{ "2.1" {{ request {{ properties {{ a {{ {} }} }} }} }} }}\n'
PLAIN = ENDPOINT.format("type: string")


def doubling(first: str, following: str) -> str:
    """Write a file in which each line refers twice to the one before."""
    return first + "".join(following.format(n=number + 1, x=f"${{x{number}}}") for number in range(DEPTH)) + PLAIN


EXPLODING = {
    "texts": doubling('x0: "aaaaaaaaaaaaaaaa"\n', "x{n}: {x}{x}\n"),
    "a text by itself": "x: aaaaaaaa\n" + "x: ${x}${x}\n" * DEPTH + PLAIN,
    "joined lists": doubling("x0: [ 1, 2 ]\n", "x{n}: {x} {x}\n"),
    "objects": doubling("x0 { a: 1 }\n", "x{n} {{ a: {x}, b: {x} }}\n"),
    "nested lists": doubling("x0: [ 1 ]\n", "x{n}: [ {x}, {x} ]\n"),
    "definitions": "_definitions { d0 { type: string }\n"
    + "".join(
        f"d{n + 1} {{ properties {{ a: ${{_definitions.d{n}}}, b: ${{_definitions.d{n}}} }} }}\n" for n in range(DEPTH)
    )
    + "}\n"
    + ENDPOINT.format(f'"$ref": "#/definitions/d{DEPTH}"'),
    "braces": "a {" * 90 + "}" * 90,
    "brackets": "a: " + "[" * 50_000 + "]" * 50_000,
    "one long key": ".".join("a" * 100_000) + ": 1\n",
    "many lines": "a: 1\n" * 40_000 + PLAIN,
    "words": "a: " + "b " * 100_000 + "\n" + PLAIN,
    "a pattern of groups": ENDPOINT.format(f'pattern: "{"(" * 20_000 + ")" * 20_000}"'),
    "a pattern that repeats too often": ENDPOINT.format('pattern: "a{99999999999}"'),
    "a pattern of names": ENDPOINT.format('patternProperties { "(": { type: string } }'),
}


@pytest.mark.parametrize("kind", EXPLODING)
def test_a_file_that_explodes_is_refused_soon(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_COMPILING_SECONDS", 1.5)
    path = tmp_path / "demo.conf"
    path.write_text(EXPLODING[kind])
    started = time.process_time()
    with pytest.raises(SchemaError) as caught:
        load(path, cache_dir=tmp_path / "cache")
    small = len(EXPLODING[kind]) < 10_000
    allowed = 2 if small else cache.READING_SECONDS + cache.MAX_COMPILING_SECONDS
    assert time.process_time() - started < allowed + 1.5
    assert str(path) in caught.value.message
    assert len(caught.value.message) < len(str(path)) + 300


@pytest.mark.parametrize("size", [MAX_FILE_SIZE + 1, 2_000_000_000], ids=["a little", "sparse"])
def test_a_huge_file_is_not_read(tmp_path: Path, size: int) -> None:
    for name, text in (("demo.conf", 'include "huge.conf"'), ("huge.conf", "")):
        (tmp_path / name).write_text(text)
    os.truncate(tmp_path / "huge.conf", size)
    for name in ("demo.conf", "huge.conf"):
        with pytest.raises(SchemaError, match="larger than 256 kB"):
            load(tmp_path / name, cache_dir=tmp_path / "cache")


def test_includes_are_limited_together(tmp_path: Path) -> None:
    (tmp_path / "demo.conf").write_text('include "a.conf"\n' * 10)
    (tmp_path / "a.conf").write_text("# " + "x" * (MAX_FILE_SIZE // 5))
    with pytest.raises(SchemaError, match="its includes are larger than 256 kB"):
        load(tmp_path / "demo.conf", cache_dir=tmp_path / "cache")


def linked_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


SPECIAL: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a link to a pipe": linked_pipe,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "standard input": lambda path: path.symlink_to("/dev/stdin"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a folder": os.mkdir,
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("way", ["included", "named"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str, way: str) -> None:
    """By a process of its own, since a program that opens a pipe waits for ever."""
    SPECIAL[kind](tmp_path / "special.conf")
    (tmp_path / "demo.conf").write_text('\ninclude "special.conf"\n')
    path = tmp_path / ("demo.conf" if way == "included" else "special.conf")
    done = run(None, "schema", "--schema", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    place = f"{tmp_path}/demo.conf:2:1: the included file" if way == "included" else str(path)
    assert done.stderr.startswith(f"error: {place}"), done.stderr
    assert "unexpected" not in done.stderr


SECRET = "SECRET"  # noqa: S105
PRIVATE_FILES = {
    "a line of passwd": f"{SECRET}:$6${SECRET}:19000:0:99999:7:::\n",
    "settings": f"{SECRET}_KEY = {SECRET}_VALUE\n",
    "an open list": f"{SECRET}_KEY = [{SECRET}\n",
    "an open quote": f'{SECRET}_KEY = "{SECRET}\n',
    "an object": f"{SECRET}_KEY {{ {SECRET}: {SECRET} }}\n",
    "no HOCON": f"{SECRET} {SECRET}\n",
    "an include": f'include "{SECRET}"\n',
    "an include of a URL": f'include url("http://{SECRET}")\n',
    "a substitution": f"a: ${{{SECRET}}}\n",
    "a cycle": f"{SECRET}: ${{{SECRET}}}x\n",
    "a duration": f"{SECRET}: 5 days\n",
    "a key": f"-----BEGIN {SECRET} KEY-----\n{SECRET}=\n-----END {SECRET} KEY-----\n",
    "words": f"{SECRET}: 1\n{SECRET} and so on\n",
    "not UTF-8": f"{SECRET}: \udcff\n",
    "a binary file": f"{SECRET}\0\n",
    "a quote in a name": f'"a\\"{SECRET}": 1\n',
}
USES = {
    "at the top": 'include "private"\n' + PLAIN,
    "among definitions": '_definitions {\ninclude "private"\n}\n' + PLAIN,
    "as a type": f'_definitions {{\ninclude "private"\n}}\n{ENDPOINT.format(f"type: ${{_definitions.{SECRET}_KEY}}")}',
    "as a schema": f'other {{\ninclude "private"\n}}\n{ENDPOINT.format("properties: ${other}")}',
    "as a reference": f'_x {{\ninclude "private"\n}}\n{ENDPOINT.format(f"$ref: ${{_x.{SECRET}_KEY}}")}'.replace(
        "$ref", '"$ref"'
    ),
    "as a pattern": f'_x {{\ninclude "private"\n}}\n{ENDPOINT.format(f"pattern: (${{_x.{SECRET}_KEY}}")}',
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", PRIVATE_FILES)
def test_an_error_shows_nothing_of_an_included_file(tmp_path: Path, kind: str, use: str) -> None:
    (tmp_path / "private").write_bytes(PRIVATE_FILES[kind].encode("utf-8", "surrogateescape"))
    (tmp_path / "demo.conf").write_text(USES[use])
    try:
        load(tmp_path / "demo.conf", cache_dir=tmp_path / "cache")
    except SchemaError as error:
        shown = f"{error.message} {error.hint}"
        assert SECRET not in shown.replace(f"_x.{SECRET}_KEY", "").replace(f"_definitions.{SECRET}_KEY", "")
        assert f"{tmp_path}/" in shown


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ('pattern: "(a+)+$"', "a" * 60 + "!"),
        ('pattern: "(a|aa)+$"', "a" * 60 + "!"),
        ('pattern: "(.*)*x"', "a" * 60),
        ('type: array, items { pattern: "(a+)+$" }', ["a" * 60 + "!"]),
        ('patternProperties { "(a+)+$" { type: string } }', {"a" * 60 + "!": "x"}),
        ('type: object, properties { b { pattern: "^(([a-z])+.)+[A-Z]([a-z])+$" } }', {"b": "a" * 60}),
    ],
)
def test_a_pattern_that_explodes_is_stopped(
    tmp_path: Path, schema: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom, "VALIDATION_SECONDS", 0.25)
    path = tmp_path / "demo.conf"
    path.write_text(ENDPOINT.format(schema))
    version = load(path, cache_dir=tmp_path / "cache").version("ping")
    started = time.process_time()
    with pytest.raises(SchemaError, match=r"demo\.ping 2\.1: matching the patterns .* takes too long"):
        version.validate({"a": value})
    assert time.process_time() - started < custom.VALIDATION_SECONDS + 2


def test_a_limit_holds_though_its_first_signal_is_dropped() -> None:
    """Python drops an exception that comes while it runs a destructor, as those of a parser's grammar are."""

    def stubborn() -> None:
        dropped = False
        while True:
            try:
                while not dropped:
                    pass
            except BaseException:  # noqa: BLE001 - as in a destructor
                dropped = True

    with pytest.raises(SchemaError), cpu_limit(0.05, lambda: SchemaError("too slow")):
        stubborn()


class Slow:
    """Its destructor takes longer than the limit."""

    def __del__(self) -> None:
        started = time.process_time()
        while time.process_time() - started < 0.2:
            pass


def test_a_limit_that_ends_in_a_destructor_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def destroy_and_go_on() -> None:
        Slow()
        while True:
            pass

    with pytest.raises(SchemaError), cpu_limit(0.05, lambda: SchemaError("too slow")):
        destroy_and_go_on()
    assert capfd.readouterr().err == ""
