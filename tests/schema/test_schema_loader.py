"""HOCON files as users write them, loaded as services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from projects_cli.errors import SchemaError
from projects_cli.schema.service import load_service

if TYPE_CHECKING:
    from pathlib import Path


def endpoint(body: str = "", *, name: str = "ping", version: str = '"2.1"') -> str:
    return f"{name} {{ {version} {{ request {{ type: object, properties {{ {body} }} }} }} }}\n"


def write(folder: Path, text: str, name: str = "demo.conf") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def properties(folder: Path, body: str) -> dict[str, Any]:
    service = load_service(write(folder, endpoint("\n" + body + "\n")))
    found: dict[str, Any] = service["endpoints"]["ping"]["versions"]["2.1"]["request"]["properties"]
    return found


# --- the language -------------------------------------------------------------------------------------------------


def test_service_is_named_by_the_stem(tmp_path: Path) -> None:
    assert load_service(write(tmp_path, endpoint(), "tasks.conf"))["name"] == "tasks"


def test_both_kinds_of_comments(tmp_path: Path) -> None:
    body = '// one\n# two\na { type: string // "three\n description: "# no // comment" # {{{\n }'
    assert properties(tmp_path, body) == {"a": {"type": "string", "description": "# no // comment"}}


def test_comment_after_unquoted_text(tmp_path: Path) -> None:
    assert properties(tmp_path, "a { type: string// note\n }") == {"a": {"type": "string"}}


def test_triple_quotes_keep_lines_quotes_and_braces(tmp_path: Path) -> None:
    text = 'one "two"\n  } three { // four'
    assert properties(tmp_path, f'a {{ description: """{text}""" }}')["a"]["description"] == text


def test_escapes_in_quotes(tmp_path: Path) -> None:
    body = r'a { description: "tab\t quote\" slash\\ \u00e9 \u0022 \ud83d\ude00" }'
    assert properties(tmp_path, body)["a"]["description"] == 'tab\t quote" slash\\ é " 😀'


def test_equals_colon_and_plain_braces_are_equivalent(tmp_path: Path) -> None:
    expected = {"type": "string"}
    assert properties(tmp_path, "a { type: string }\nb = { type = string }\nc : { type : string }") == {
        "a": expected,
        "b": expected,
        "c": expected,
    }


def test_values_have_their_types(tmp_path: Path) -> None:
    body = 'a { enum: [ 1, 2.5, true, null, "x", y ], minimum: -3, default: false }'
    found = properties(tmp_path, body)["a"]
    assert found == {"enum": [1, 2.5, True, None, "x", "y"], "minimum": -3, "default": False}
    assert type(found) is dict
    assert {type(item) for item in found["enum"]} == {int, float, bool, type(None), str}


def test_list_over_several_lines_without_commas(tmp_path: Path) -> None:
    text = "ping { 2.1 { request {\ntype: object\nrequired :[\nname\ndescription\n]\n} } }"
    found = load_service(write(tmp_path, text))["endpoints"]["ping"]["versions"]["2.1"]["request"]
    assert found["required"] == ["name", "description"]


def test_json_is_hocon(tmp_path: Path) -> None:
    text = '{"ping": {"2.1": {"description": "d", "request": {"type": "object", "properties": {"a": {}}}}}}'
    version = load_service(write(tmp_path, text))["endpoints"]["ping"]["versions"]["2.1"]
    assert version["request"]["properties"] == {"a": {}}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark(tmp_path: Path, newline: str, mark: str) -> None:
    path = tmp_path / "demo.conf"
    path.write_bytes((mark + endpoint("\na { type: string }\n")).replace("\n", newline).encode())
    assert "ping" in load_service(str(path))["endpoints"]


def test_repeated_objects_merge_and_repeated_values_replace(tmp_path: Path) -> None:
    body = 'a { type: string, description: "first" }\na { description: "second" }'
    assert properties(tmp_path, body) == {"a": {"type": "string", "description": "second"}}


def test_substitution_and_merging(tmp_path: Path) -> None:
    text = """
    _definitions { tags_request { type: object, properties { a { type: string } } } }
    get { "2.1" { request = ${_definitions.tags_request} } }
    get_ex {
      internal: true
      "2.1": ${get."2.1"} { request { properties { b { type: boolean, default: false } } } }
    }
    """
    endpoints = load_service(write(tmp_path, text))["endpoints"]
    assert list(endpoints["get"]["versions"]["2.1"]["request"]["properties"]) == ["a"]
    assert list(endpoints["get_ex"]["versions"]["2.1"]["request"]["properties"]) == ["a", "b"]
    assert (endpoints["get"]["internal"], endpoints["get_ex"]["internal"]) == (False, True)


def test_optional_substitution_without_a_value_vanishes(tmp_path: Path) -> None:
    assert properties(tmp_path, "a { type: string, description: ${?nothing} }") == {"a": {"type": "string"}}


def test_optional_substitution_keeps_the_earlier_value(tmp_path: Path) -> None:
    body = 'a { description: "kept" }\na { description: ${?nothing} }'
    assert properties(tmp_path, body)["a"]["description"] == "kept"


@pytest.mark.parametrize("version", ["2.8", '"2.8"', "2.8:", "2.8 ="])
def test_versions_may_be_unquoted(tmp_path: Path, version: str) -> None:
    assert list(load_service(write(tmp_path, endpoint(version=version)))["endpoints"]["ping"]["versions"]) == ["2.8"]


def test_unquoted_versions_can_be_substituted(tmp_path: Path) -> None:
    text = endpoint("a { type: string }", version="2.8") + "pong { 2.10 = ${ping.2.8} }\n"
    versions = load_service(write(tmp_path, text))["endpoints"]["pong"]["versions"]
    assert list(versions["2.10"]["request"]["properties"]) == ["a"]


def test_versions_are_sorted_as_numbers(tmp_path: Path) -> None:
    text = "".join(endpoint(version=number) for number in ("2.10", "2.9", "10.0", "2.1"))
    assert list(load_service(write(tmp_path, text))["endpoints"]["ping"]["versions"]) == ["2.1", "2.9", "2.10", "10.0"]


def test_required_may_name_a_field_that_is_not_declared(tmp_path: Path) -> None:
    text = "ping { 2.1 { request { type: object, required: [ ghost ], properties { a { type: string } } } } }"
    assert load_service(write(tmp_path, text))["endpoints"]["ping"]["versions"]["2.1"]["request"]["required"] == [
        "ghost"
    ]


# --- no outside world ---------------------------------------------------------------------------------------------


def test_environment_is_never_substituted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_SECRET", "leaked")
    path = write(tmp_path, endpoint('\n\na { description: "x" ${DEMO_SECRET} }'))
    with pytest.raises(SchemaError, match=r"demo\.conf:3:22: \$\{DEMO_SECRET\} is not defined") as caught:
        load_service(path)
    assert "leaked" not in caught.value.message


def test_environment_does_not_fill_an_optional_substitution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_SECRET", "leaked")
    assert properties(tmp_path, "a { type: string, description: ${?DEMO_SECRET} }") == {"a": {"type": "string"}}


def test_environment_does_not_fill_a_reference_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_description", "leaked")
    service = load_service(write(tmp_path, '_description: "x" ${?_description}\n' + endpoint()))
    assert service["description"].strip() == "x"


def test_global_parser_is_left_alone(tmp_path: Path) -> None:
    load_service(write(tmp_path, endpoint()))
    import os

    from pyhocon import config_parser

    assert config_parser.os is os


# --- includes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement", ['include "{}"', 'include file("{}")', 'include required("{}")', 'INCLUDE  "{}" // x']
)
def test_include_is_relative_to_the_file_that_includes(tmp_path: Path, statement: str) -> None:
    write(tmp_path, "_definitions { d { type: string } }", "parts/b.conf")
    write(tmp_path, 'include "b.conf"', "parts/a.conf")
    path = write(tmp_path, statement.format("parts/a.conf") + "\n" + endpoint('a { "$ref": "#/definitions/d" }'))
    assert load_service(path)["definitions"] == {"d": {"type": "string"}}


def test_include_inside_an_object_and_with_braces_around(tmp_path: Path) -> None:
    write(tmp_path, "// braces\n{ a { type: string } } # end", "fields.conf")
    assert properties(tmp_path, 'include "fields.conf"\nb { type: integer }').keys() == {"a", "b"}


def test_later_keys_win_over_included_ones(tmp_path: Path) -> None:
    write(tmp_path, "a { type: string }\nb { type: string }", "fields.conf")
    found = properties(tmp_path, 'b { type: boolean }\ninclude "fields.conf"\na { type: integer }')
    assert found == {"b": {"type": "string"}, "a": {"type": "integer"}}


def test_the_same_file_may_be_included_twice(tmp_path: Path) -> None:
    write(tmp_path, "a { type: string }", "fields.conf")
    text = endpoint('\ninclude "fields.conf"\n') + endpoint('\ninclude "fields.conf"\n', name="pong")
    assert list(load_service(write(tmp_path, text))["endpoints"]) == ["ping", "pong"]


def test_a_field_may_be_called_include(tmp_path: Path) -> None:
    body = "include { type: boolean }\ninclude_system { type: boolean }\n"
    assert list(properties(tmp_path, body)) == ["include", "include_system"]


@pytest.mark.parametrize(
    ("files", "place", "words"),
    [
        ({"demo.conf": '\ninclude "gone.conf"'}, "demo.conf:2:1", "gone.conf can't be read: No such file"),
        ({"demo.conf": 'include "sub"', "sub/x": ""}, "demo.conf:1:1", "Is a directory"),
        ({"demo.conf": 'include "demo.conf"'}, "demo.conf:1:1", "leads back"),
        ({"demo.conf": 'include "a.conf"', "a.conf": '\n\ninclude "demo.conf"'}, "a.conf:3:1", "leads back"),
        ({"demo.conf": 'include "a.conf"', "a.conf": '# x\na: "open\n'}, "a.conf:2:4", "no closing quote"),
        ({"demo.conf": 'include "a.conf"', "a.conf": "\nb {\n c {\n }\n"}, "a.conf:2:3", "never closed"),
        ({"demo.conf": 'include "a.conf"', "a.conf": "\n\nx { = }\n"}, "a.conf:3:5", "not HOCON"),
        ({"demo.conf": 'a: 1\ninclude "a.conf"', "a.conf": "\nd: ${gone}\n"}, "a.conf:2:4", "${…} is not defined"),
        ({"demo.conf": 'include "a.conf"\n\nx { = }', "a.conf": "\n\n\n\n"}, "demo.conf:3:5", "not HOCON"),
        (
            {"demo.conf": 'include "a.conf"', "a.conf": "\np { 2.1 { request {\n type: strung } } }"},
            "a.conf:3:2",
            "unknown type; ",
        ),
        ({"demo.conf": 'include "a.conf"', "a.conf": "[ 1 ]"}, "a.conf:1:1", "not a list"),
        ({"demo.conf": 'include url("http://127.0.0.1:9/a.conf")'}, "demo.conf:1:1", "URL is not allowed"),
        ({"demo.conf": 'include "https://127.0.0.1:9/a.conf"'}, "demo.conf:1:1", "URL is not allowed"),
        ({"demo.conf": 'include "file:///etc/hostname"'}, "demo.conf:1:1", "URL is not allowed"),
        ({"demo.conf": 'include required(url("http://127.0.0.1:9/"))'}, "demo.conf:1:1", "URL is not allowed"),
        ({"demo.conf": 'include package("json:a.conf")'}, "demo.conf:1:1", "not supported"),
        ({"demo.conf": 'include ""'}, "demo.conf:1:1", "file name in quotes"),
        ({"demo.conf": 'include "a.conf" b'}, "demo.conf:1:1", "file name in quotes"),
        ({"demo.conf": 'a: x include url("http://127.0.0.1:9/")'}, "demo.conf:1:6", "inside a value"),
        ({"demo.conf": 'a: [ include "a.conf" ]'}, "demo.conf:1:6", "inside a value"),
    ],
)
def test_broken_includes(tmp_path: Path, files: dict[str, str], place: str, words: str) -> None:
    for name, text in files.items():
        write(tmp_path, text, name)
    with pytest.raises(SchemaError) as caught:
        load_service(str(tmp_path / "demo.conf"))
    assert caught.value.message.startswith(f"{tmp_path}/{place}: ")
    assert words in caught.value.message
    assert_short(caught.value.message)


def test_includes_that_multiply_are_stopped(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path, f'include "{number + 1}.conf"\n' * 2, f"{number}.conf")
    write(tmp_path, "", "30.conf")
    with pytest.raises(SchemaError, match="too many includes"):
        load_service(str(tmp_path / "0.conf"))


# --- broken files -------------------------------------------------------------------------------------------------


def assert_short(message: str) -> None:
    assert "\n" not in message
    assert len(message.rpartition("/")[2]) < 160
    assert "Expected" not in message, "the parser's own grammar"


VERSION = "p {{ 2.1 {{ request {{ {} }} }} }}"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "empty"),
        ("\n \n", "1:1", "empty"),
        ("// only words\n", "1:1", "empty"),
        ('a {\n b: "open\n}', "2:5", "no closing quote"),
        ('a {\n b: """open\n}\n', "2:5", "never ends"),
        ('a {\n b: "x\\"\n}\n', "2:5", "no closing quote"),
        ("a {\n b {\n }\n", "1:3", "the { opened here is never closed"),
        ("a {\n}\n}\n", "3:1", "unmatched }"),
        ("a {\n b: [ 1, 2\n}\n", "3:1", "this } does not match the [ opened on line 2"),
        ("a {\n b: [\n", "2:5", "the [ opened here is never closed"),
        ("\n\na { b: c\\d }", "3:9", "a backslash outside quotes"),
        ("\na { b: $c }", "2:8", "a $ without {name}"),
        ("\na { b: ${c\n}", "2:8", "a $ without {name}"),
        ("\n\nhello there\n", "3:12", "not HOCON"),
        ("a { = 1 }", "1:5", "not HOCON"),
        ("a {\n  b: 1\n  ???\n}", "3:3", "not HOCON"),
        ("[ 1, 2 ]", "1:1", "a list, not an object"),
        ("a: ${b}\n", "1:4", "${b} is not defined"),
        ("x: ${y}\ny: ${x}\n", "1:4", "refers to itself"),
        ("a { x: 1 }\nb: ${a} [ 1 ]\n", "2:14", "can't be joined"),
        ("a\0b", "1:2", "binary"),
        ("p: 5", "1:1", "an endpoint must be an object"),
        ("\np { }", "2:1", "the endpoint has no version"),
        ("p {\n latest { request { type: object } }\n}", "2:2", "a version is a number like 2.8"),
        ("p {\n v2.8 { request { type: object } }\n}", "2:2", "a version is a number like 2.8"),
        ("p {\n 2 { request { type: object } }\n}", "2:2", "a version is a number like 2.8"),
        ("p {\n 2.8: 5\n}", "2:2", "a version must be an object"),
        ("p {\n\n 2.8 { response { type: object } }\n}", "3:2", "the version has no request"),
        ("p {\n 2.8 {\n request: 5 } }", "3:2", "must be an object"),
        ("p {\n internal: maybe\n 2.8 { request { type: object } } }", "2:2", "must be true or false"),
        (VERSION.format("\n\n type: strung "), "3:2", "unknown type 'strung'"),
        (VERSION.format("\n properties {\n a { type: text } }"), "3:6", "unknown type 'text'"),
        (VERSION.format("\n properties {\n a { items {\n type: text } } }"), "4:2", "unknown type 'text'"),
        (VERSION.format("\n properties: [ a ]"), "2:2", "must be an object"),
        (VERSION.format("\n properties { a: 5 }"), "2:15", "a schema must be an object"),
        (VERSION.format("\n required: name"), "2:2", "must be a list of names"),
        (VERSION.format("properties {\n a {\n enum: x } }"), "3:2", "must be a list"),
        (VERSION.format("properties {\n a {\n minimum: low } }"), "3:2", "must be a number"),
        (VERSION.format("properties {\n a {\n multipleOf: 0 } }"), "3:2", "must be more than 0"),
        (VERSION.format('properties { "a\\"b" { type: string } }'), "1:21", "has a quote or a backslash"),
        (VERSION.format('properties {\n a {\n pattern: "(" } }'), "3:2", "not a regular expression"),
        (VERSION.format('properties {\n a { "$ref": "#/definitions/gone" } }'), "2:6", "leads nowhere"),
        (VERSION.format('properties {\n a { "$ref": "http://127.0.0.1:9/x" } }'), "2:6", "leads nowhere"),
        ('_definitions {\n d { "$ref": "#/definitions/d" } }\n' + VERSION.format(""), "2:6", "leads back to itself"),
        ("_definitions {\n d { type: strung } }\n" + VERSION.format(""), "2:6", "unknown type 'strung'"),
        ("a {\n" * 150 + "}\n" * 150, "101:3", "nested deeper than 100 levels"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, place: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SchemaError) as caught:
        load_service(path)
    assert words in caught.value.message
    assert caught.value.message.startswith(f"{path}:{place}: ")
    assert_short(caught.value.message)


def test_duration_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(
        SchemaError, match=r"demo\.conf:\d+:\d+: .*description: this is parsed as a duration; put the text in quotes"
    ):
        properties(tmp_path, "a { description: 5 days }")


def test_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "demo.conf"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(SchemaError, match=r"demo\.conf:2:4: this is not UTF-8"):
        load_service(str(path))


@pytest.mark.parametrize(("name", "words"), [("gone.conf", "No such file"), ("", "Is a directory"), ("a\0b", "null")])
def test_files_that_can_not_be_read(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        load_service(f"{tmp_path}/{name}")


def test_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo.conf"
    with path.open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    with pytest.raises(SchemaError, match="larger than 256 kB"):
        load_service(str(path))
