"""Hostile values, and command lines and requests built from them; reproducible by seed."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import typer

from projects_cli.cli.app import app
from projects_cli.cli.registry import COMMANDS
from projects_cli.endpoints import HANDLERS
from projects_cli.schema.cache import load
from projects_cli.schema.refs import resolve

if TYPE_CHECKING:
    from random import Random

MEGABYTE = 1_000_000

TEXTS = (
    "", " ", "-", "--", "-1", "0", "1", "7", "true", "null", "None", "nan", "inf", "1e400", "9" * 400, "0x10", "½",
    "\0", "a\0b", "\ud800", "\udcff", "a\nb", "a\r\nb", "\t", "\x1b[31mred\x1b[0m", "\x9b2J", "\x1b]0;title\x07",
    "\u202egnp.exe", "\u2066x\u2069", "[bold]x[/bold]", "[/]", "{}", "[]", "%s%n", "${HOME}", "$(id)", "`id`", "'; --",
    "$where", "$ne", "{$ne: null}", "a.b", ".", "..", "../../etc/passwd", "/", "//", "a/b/c/d/e/f/g/h/i/j/k/l",
    "__$not", "__$all", "__$any", "__$nop", "__$what", "-__$not", "(a+)+$", "(", "[", "\\", "(?R)", "(?{1})", "*", "^v",
    "vision", "vision/deep", "VISION", "x" * 10_000, "日本語", "é" * 300, "projects.get_all", "get_all", "2.13", "999",
    "@text_score", "-name", "name,description=x", "name=(", "=", "id", "@/nowhere", "@", "30s", "1d", "99999999999999d",
)  # fmt: skip
"""Texts that have broken programs: numbers that are none, controls, markup, operators, patterns that explode."""


def text(random: Random) -> str:
    """Return a text: mostly one of the table, otherwise noise, and rarely a very long one."""
    kind = random.random()
    if kind < 0.8:
        return random.choice(TEXTS)
    if kind < 0.998:
        return "".join(chr(random.randrange(0x20 if random.random() < 0.5 else 1, 0x3000)) for _ in range(5))
    return random.choice(("x", "é", "a/", "(")) * MEGABYTE


def value(random: Random, depth: int = 0) -> Any:
    """Return any JSON value."""
    kind = random.randrange(12 if depth < 4 else 8)
    if kind < 4:
        return text(random)
    plain = (None, True, False, 0, -1, 3, 2**31, 2**63, -(2**70), 0.5, 1e308, 10**30)
    if kind < 8:
        return random.choice(plain)
    if kind < 10:
        return [value(random, depth + 1) for _ in range(random.randrange(4))]
    return {text(random): value(random, depth + 1) for _ in range(random.randrange(4))}


# --- requests ---------------------------------------------------------------------------------------------------------

ENDPOINTS = (*HANDLERS, "get_all", "projects.nothing", "tasks.get_all", "", "Projects.Get_All")


@cache
def request_schema(endpoint: str) -> dict[str, Any]:
    """Return the schema of an endpoint's request in its newest version."""
    return load(None).version(endpoint, None).request_schema if endpoint in HANDLERS else {}


def fitting(random: Random, schema: dict[str, Any], ids: list[str], definitions: dict[str, Any]) -> Any:
    """Return a value of the type that the schema wants, hostile all the same."""
    schema = resolve(schema, definitions)
    if "enum" in schema:
        return random.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "string":
        return random.choice((*ids, text(random)))
    if kind in {"integer", "number"}:
        return random.choice((0, 1, -1, 5, 500, 2**31, 2**63))
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "array":
        items = schema.get("items", {"type": "string"})
        return [
            None if random.random() < 0.1 else fitting(random, items, ids, definitions)
            for _ in range(random.randrange(4))
        ]
    inner = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict):
        inner |= dict.fromkeys(("tags", "parent", text(random)), schema["additionalProperties"])
    fields = {name: part for name, part in inner.items() if random.random() < 0.6}
    return {name: fitting(random, part, ids, definitions) for name, part in fields.items()} or value(random)


def params(random: Random, endpoint: str, ids: list[str]) -> Any:
    """Return parameters: some of the endpoint's, with valid or invalid values, and some that it does not have."""
    if random.random() < 0.05:
        return value(random)
    schema = request_schema(endpoint)
    properties = schema.get("properties", {})
    # About three parameters: with more of them hardly any request is valid, and reaches the endpoint.
    chosen = [name for name in properties if random.random() < min(0.35, 3 / len(properties))]
    chosen += [name for name in schema.get("required", ()) if random.random() < 0.8]
    made = {
        name: fitting(random, properties[name], ids, schema.get("definitions", {}))
        if random.random() < 0.7
        else value(random)
        for name in chosen
    }
    if random.random() < 0.15:
        made[text(random)] = value(random)
    if endpoint == "projects.create" and random.random() < 0.5:
        made |= {"name": random.choice(TEXTS), "description": random.choice(TEXTS)}
    if "project" in properties and random.random() < 0.5:
        made["project"] = random.choice(ids)
    return made


def request(random: Random, ids: list[str]) -> bytes:
    """Return a line for `batch`: a request, or something else."""
    endpoint = random.choice(ENDPOINTS)
    entry: dict[str, Any] = {"id": value(random, 3), "endpoint": endpoint, "params": params(random, endpoint, ids)}
    if random.random() < 0.1:
        entry["version"] = random.choice(("2.1", "2.9", "2.13", "2.17", "2.26", "999.0"))
    if random.random() < 0.1:
        entry[random.choice(("version", "user", "endpoint", text(random)))] = value(random)
    line = json.dumps(entry).encode()
    kind = random.random()
    if kind < 0.02:
        line = line[: random.randrange(1, len(line))]
    elif kind < 0.04:
        place = random.randrange(len(line))
        line = line[:place] + random.randbytes(3).replace(b"\n", b"") + line[place:]
    elif kind < 0.05:
        deep = random.choice((50, 600, 5_000, 100_000))
        line = b'{"id": 1, "endpoint": "projects.get_all", "params": ' + b'{"a":' * deep + b"1" + b"}" * (deep + 1)
    elif kind < 0.06:
        line = line.replace(b"null", b"NaN").replace(b"true", b"Infinity")
    return line


# --- command lines ----------------------------------------------------------------------------------------------------

LEFT_OUT = frozenset({"local"})
"""Commands whose faults would start servers: they have tests of their own."""

HELD = frozenset({"--uri", "--database", "--journal-db", "--company", "--timeout", "--lock-wait", "--local-dir"})
"""Options that would lead elsewhere, or end a change in the middle: they get values that are none only."""

NONE_AT_ALL = (
    "",
    "\0",
    "a/b",
    "a.b",
    "a b",
    "$x",
    "\ud800",
    "x" * 200,
    '"',
    "nan",
    "-5",
    "soon",
    "http://x",
    "mongodb://",
)


@cache
def commands() -> dict[str, list[Any]]:
    """Return the parameters of each command, `config get` and the like too."""
    root = typer.main.get_command(app)
    context = typer.Context(root)
    found: dict[str, list[Any]] = {}
    for entry in COMMANDS:
        if entry.name not in LEFT_OUT:
            command = root.get_command(context, entry.name)  # type: ignore[attr-defined]
            found[entry.name] = command.params
            for name, below in getattr(command, "commands", {}).items():
                found[f"{entry.name} {name}"] = below.params
    return found


def arguments(random: Random, ids: list[str]) -> list[str]:
    """Return a command line."""
    name = random.choice(list(commands()))
    words = name.split()
    for parameter in commands()[name]:
        if parameter.param_type_name == "argument":
            if random.random() < 0.8:
                words.append(random.choice((*ids, text(random))))
        elif random.random() < 0.06:
            words += _option(random, parameter)
    if random.random() < 0.1:
        words.append(random.choice((text(random), "--nothing", "-x", "--json=1", "-ojson", "--help")))
    if random.random() < 0.1:
        random.shuffle(words)
    if "delete" in words and random.random() < 0.5:
        words.append("--force")
    return words


def _option(random: Random, parameter: Any) -> list[str]:
    flag = random.choice(parameter.opts)
    if parameter.is_flag:
        return [flag]
    if HELD & set(parameter.opts):
        return [flag, random.choice(NONE_AT_ALL)]
    choices = getattr(parameter.type, "choices", None)
    chosen = random.choice([str(getattr(one, "value", one)) for one in choices]) if choices else text(random)
    return [flag, chosen if random.random() < 0.7 else text(random)]
