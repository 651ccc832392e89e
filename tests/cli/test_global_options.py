"""The options that every command understands: where they stand, which wins, and what they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from projects_cli import __version__
from projects_cli.cli.options import GLOBAL_OPTIONS, SHORT_FORMS, GlobalOption
from projects_cli.cli.registry import COMMANDS
from projects_cli.config.settings import BY_NAME
from projects_cli.schema.cache import shipped_file
from tests import servers
from tests.worlds.site import COMPANY, OTHER, Site

if TYPE_CHECKING:
    from tests.conftest import Cli

PRIVATE = ("start", "stop", "status", "reset", "path", "sample")


def error_of(result: Any, status: int = 2) -> dict[str, Any]:
    assert (result.exit_code, result.stdout) == (status, "")
    found: dict[str, Any] = json.loads(result.stderr)["error"]
    return found


# --- where they stand ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "id", "list"),
        ("list", "-o", "id"),
        ("--output", "id", "list"),
        ("list", "--output=id"),
        ("list", "-oid"),
        ("--json", "list", "-o", "id"),
        ("-o", "csv", "list", "--json", "-o", "id"),
    ],
)
def test_an_option_stands_before_or_after_and_the_later_wins(site: Site, arguments: tuple[str, ...]) -> None:
    identifier = site.project("vision")
    assert site.text(*arguments) == f"{identifier}\n"


def test_json_wins_where_it_comes_later(site: Site) -> None:
    assert json.loads(site.text("list", "-o", "id", "--json")) == {"projects": []}


@pytest.mark.parametrize("arguments", [("-n", "create", "vision", "-d", "x"), ("create", "-n", "vision", "-d", "x")])
def test_a_switch_stands_before_or_after(site: Site, arguments: tuple[str, ...]) -> None:
    site.text(*arguments)
    assert site.names() == []


def test_a_commands_own_option_keeps_its_meaning_where_a_global_one_has_it_too(site: Site) -> None:
    site.project("vision", description="Road signs")
    assert "vision" in site.text("list", "--description", "signs", "--no-tags")


PROMISED = {
    "--uri": "PROJECTS_MONGO_URI",
    "--uri-file": "PROJECTS_MONGO_URI_FILE",
    "--database": "PROJECTS_DATABASE",
    "--company": "PROJECTS_COMPANY",
    "--user": "PROJECTS_USER",
    "--profile": "PROJECTS_PROFILE",
    "--schema": "PROJECTS_SCHEMA",
    "--api-version": "PROJECTS_API_VERSION",
    "--output": "PROJECTS_OUTPUT",
    "-o": "PROJECTS_OUTPUT",
    "--json": "PROJECTS_OUTPUT",
    "--fields": "PROJECTS_FIELDS",
    "--query": "PROJECTS_QUERY",
    "--no-color": "PROJECTS_NO_COLOR",
    "--quiet": "PROJECTS_QUIET",
    "-q": "PROJECTS_QUIET",
    "--verbose": "PROJECTS_VERBOSE",
    "-v": "PROJECTS_VERBOSE",
    "--timeout": "PROJECTS_TIMEOUT",
    "--yes": "PROJECTS_YES",
    "-y": "PROJECTS_YES",
    "--confirm": "PROJECTS_CONFIRM",
    "--dry-run": "PROJECTS_DRY_RUN",
    "-n": "PROJECTS_DRY_RUN",
    "--no-input": "PROJECTS_NO_INPUT",
    "--read-only": "PROJECTS_READ_ONLY",
    "--lock-wait": "PROJECTS_LOCK_WAIT",
    "--no-journal": "PROJECTS_NO_JOURNAL",
    "--journal-db": "PROJECTS_JOURNAL_DB",
    "--read-preference": "PROJECTS_READ_PREFERENCE",
    "--fail-if-empty": "PROJECTS_FAIL_IF_EMPTY",
    "--log-file": "PROJECTS_LOG_FILE",
    "--progress": "PROJECTS_PROGRESS",
}
"""The global options and their variables, which users rely on: neither may disappear."""


def test_every_promised_option_is_there_with_its_variable() -> None:
    there = {flag: BY_NAME[option.setting].variable for option in GLOBAL_OPTIONS for flag in option.flags}
    assert {flag: there.get(flag) for flag in PROMISED} == PROMISED


SAMPLES = {"profile": "lab", "uri": "mongodb://host", "uri_file": "/some/file", "schema": "/some/file"}
SAMPLES |= {
    "timeout": "7",
    "lock_wait": "7",
    "read_preference": "nearest",
    "time": "absolute",
    "progress": "none",
    "log_file": "/dev/null",
}
MIRRORED = [option for option in GLOBAL_OPTIONS if option.setting not in {"output", "fields", "query"}]
"""All but those that change how an answer looks, `config get`'s too."""


def sample_of(option: GlobalOption) -> str:
    return "true" if option.constant is not None else SAMPLES.get(option.setting, "some-value")


@pytest.mark.parametrize("option", MIRRORED, ids=lambda option: option.setting)
def test_an_option_holds_before_and_after_the_command_and_as_a_variable(
    cli: Cli, config: Path, option: GlobalOption
) -> None:
    config.write_text("[profiles.lab]\n")
    setting = BY_NAME[option.setting]
    seen = sample_of(option) + "\n"
    for flag in option.flags:
        words = [flag] if option.constant is not None else [flag, sample_of(option)]
        assert cli(*words, "config", "get", setting.key).stdout == seen
        assert cli("config", "get", setting.key, *words).stdout == seen
        assert cli("config", *words, "get", setting.key).stdout == seen
    assert cli("config", "get", setting.key, **{str(setting.variable): sample_of(option)}).stdout == seen


# --- where they come from -----------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the user's configuration, which is empty."""
    path = tmp_path / "home" / ".config" / "projects" / "config.toml"
    path.parent.mkdir(parents=True)
    path.touch(0o600)
    return path


def test_flag_then_environment_then_profile_of_the_folder_then_of_the_user(
    site: Site, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    companies = ("by-flag", "by-variable", "by-folder", "by-user")
    for company in companies:
        site.project(f"seen {company}", company=company)
    config.write_text(
        'profile = "user"\n[profiles.user]\ncompany = "by-user"\n[profiles.folder]\ncompany = "by-folder"\n'
    )

    def seen(*arguments: str, **environment: str) -> list[str]:
        return [one["name"] for one in site.json("list", *arguments, **environment)["projects"]]

    monkeypatch.chdir(tmp_path)
    assert seen() == ["seen by-user"]
    Path(".projects.toml").write_text('profile = "folder"')
    assert seen() == ["seen by-folder"]
    assert seen("--profile", "user") == ["seen by-user"]
    assert seen(PROJECTS_COMPANY="by-variable") == ["seen by-variable"]
    assert seen("--company", "by-flag", PROJECTS_COMPANY="by-variable") == ["seen by-flag"]


def test_a_folder_can_not_redirect_a_change(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".projects.toml").write_text('uri = "mongodb://elsewhere"')
    error = site.error("create", "vision", "-d", "x", status=2)
    assert (error["name"], "'uri' is not allowed here" in error["message"]) == ("ConfigError", True)


def test_a_uri_comes_from_flag_file_variable_or_profile(site: Site, cli: Cli, config: Path, tmp_path: Path) -> None:
    identifier = site.project("vision")
    uri = site.server.uri
    file = tmp_path / "uri"
    file.write_text(uri + "\n")
    file.chmod(0o600)
    config.write_text(f'[profiles.site]\nuri = "{uri}"\n')
    places: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (("--uri", uri), {}),
        (("--uri", uri), {"PROJECTS_MONGO_URI": "mongodb://127.0.0.1:1"}),
        (("--uri-file", str(file)), {}),
        (("--profile", "site"), {}),
        ((), {"PROJECTS_MONGO_URI": uri}),
        ((), {"PROJECTS_MONGO_URI_FILE": str(file)}),
        ((), {"PROJECTS_PROFILE": "site"}),
        ((), {"CLEARML_MONGODB_SERVICE_CONNECTION_STRING": uri}),
        (("--profile", "site"), {"CLEARML_MONGODB_SERVICE_CONNECTION_STRING": "mongodb://127.0.0.1:1"}),
    ]
    for arguments, environment in places:
        result = cli("list", "-o", "id", *arguments, PROJECTS_DATABASE=site.name, **environment)
        assert (result.exit_code, result.stdout) == (0, f"{identifier}\n"), (arguments, result.stderr)


def test_a_database_in_the_uri_is_not_the_one_that_is_used(site: Site, cli: Cli) -> None:
    site.project("vision")
    base, _, options = site.server.uri.partition("/?")
    result = cli("list", "-o", "id", uri=f"{base}/{site.name}?{options}", PROJECTS_DATABASE=servers.new_name())
    assert (result.exit_code, result.stdout) == (0, "")


def test_database_is_the_option(site: Site, cli: Cli) -> None:
    identifier = site.project("vision")
    result = cli("list", "-o", "id", "--database", site.name, uri=site.server.uri, PROJECTS_DATABASE="elsewhere")
    assert result.stdout == f"{identifier}\n"


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [(("-o", "xml"), "PROJECTS_OUTPUT"), (("--timeout", "soon"), "PROJECTS_TIMEOUT")],
)
def test_a_value_that_can_not_be_read_is_refused(site: Site, arguments: tuple[str, str], variable: str) -> None:
    for result in (site("list", *arguments), site("list", **{variable: arguments[1]})):
        assert (result.exit_code, result.stdout) == (2, "")
        assert repr(arguments[1]) in result.stderr
        assert "Traceback" not in result.stderr


def test_an_unknown_key_of_the_configuration_is_named(site: Site, config: Path) -> None:
    config.write_text('databse = "x"')
    error = site.error("list", status=2)
    assert (error["name"], error["hint"]) == ("ConfigError", "did you mean 'database'?")


@pytest.mark.parametrize(
    "arguments", [("--json", "list"), ("list", "--json"), ("list", "-o", "json"), ("list", "-ojson")]
)
def test_a_wrong_setting_is_told_as_json_where_json_was_asked_for(site: Site, arguments: tuple[str, ...]) -> None:
    assert error_of(site(*arguments, PROJECTS_TIMEOUT="soon"))["name"] == "ConfigError"


# --- what they do -------------------------------------------------------------------------------------------------


def test_read_only_from_the_environment_holds(site: Site) -> None:
    error = site.error("create", "vision", "-d", "x", status=4, PROJECTS_READ_ONLY="1")
    assert (error["name"], error["message"]) == ("ReadOnly", "read-only mode is on (set by PROJECTS_READ_ONLY)")


def test_read_only_of_a_profile_holds_until_the_variable_says_otherwise(site: Site, config: Path) -> None:
    config.write_text("[profiles.lab]\nread-only = true\n")
    error = site.error("create", "vision", "-d", "x", "--profile", "lab", status=4)
    assert error["message"] == f"read-only mode is on (set by {config} [profiles.lab])"
    site.json("create", "vision", "-d", "x", "--profile", "lab", PROJECTS_READ_ONLY="0")


def test_dry_run_from_the_environment_holds(site: Site) -> None:
    assert site.json("create", "vision", "-d", "x", PROJECTS_DRY_RUN="1")["plan"].startswith("create ")
    assert site.names() == []


def test_no_input_never_asks(site: Site) -> None:
    site.project("vision")
    assert site.error("delete", "vision", "--no-input", status=2)["name"] == "ConfirmationNeeded"


def test_quiet_says_nothing_but_data_and_errors(site: Site) -> None:
    result = site("list", "--quiet")
    assert (result.stdout, result.stderr) == ("NAME\tTAGS\tUPDATED\tID\n", "")
    assert site("get", "nothing", "-q").stderr.startswith("error: ")


def test_verbose_says_which_database(site: Site) -> None:
    result = site("list", "-v")
    assert f"{site.name}; company {COMPANY}" in result.stderr


def test_verbose_says_which_schema(site: Site, tmp_path: Path) -> None:
    assert "schema: the shipped one\n" in site("list", "-v").stderr
    (tmp_path / "projects.conf").write_text(Path(shipped_file()).read_text("utf-8"))
    chosen = str(tmp_path / "projects.conf")
    assert f"schema: {chosen}\n" in site("list", "-v", "--schema", chosen).stderr
    assert "schema:" not in site("list", "--schema", chosen).stderr


def test_verbose_hides_the_password(site: Site) -> None:
    result = site.cli("list", "-v", "--timeout", "1", uri="mongodb://ann:topsecret@127.0.0.1:1")
    assert result.exit_code == 69
    assert "ann:***@127.0.0.1:1" in result.stderr
    assert "topsecret" not in result.stderr + result.stdout


def test_fail_if_empty_ends_with_6(site: Site) -> None:
    result = site("list", "--fail-if-empty")
    assert (result.exit_code, result.stdout) == (6, "NAME\tTAGS\tUPDATED\tID\n")
    assert site("task-tags", PROJECTS_FAIL_IF_EMPTY="1").exit_code == 6
    site.project("vision")
    assert site("list", "--fail-if-empty").exit_code == 0


def test_the_company_of_the_caller_is_the_only_one_seen(site: Site) -> None:
    site.project("vision")
    theirs = site.project("theirs", company=OTHER)
    assert site.text("list", "-o", "id", "--company", OTHER) == f"{theirs}\n"


def limits(site: Site, *arguments: str) -> dict[str, int]:
    """Run a command; gives the limit (ms) of the last of each of its kinds of commands, from the server's profiler."""
    site.documents.command("profile", 2)
    site.text(*arguments)
    site.documents.command("profile", 0)
    ours = {"appName": {"$regex": "^projects-cli"}}
    noted = [one["command"] for one in site.documents["system.profile"].find(ours)]
    site.documents.drop_collection("system.profile")
    return {next(iter(command)): int(command.get("maxTimeMS", 0)) for command in noted}


def test_timeout_limits_one_command_of_the_server_and_an_aggregation_only_where_it_is_given(site: Site) -> None:
    site.task(site.project("vision"), tags=["a"])
    assert 29_000 < limits(site, "get", "vision")["find"] <= 30_000
    assert 4_000 < limits(site, "get", "vision", "--timeout", "5")["find"] <= 5_000
    assert limits(site, "hyperparams")["aggregate"] == 0, "there is no limit"
    assert 50_000 < limits(site, "hyperparams", "--timeout", "1m")["aggregate"] <= 60_000


@pytest.mark.parametrize("company", ["", " "])
def test_nobody_acts_as_the_company_of_what_is_public(site: Site, company: str) -> None:
    site.project("vision", company="")
    error = site.error("delete", "vision", "--force", "--company", company, status=2)
    assert error["message"] == "--company: the id of a company cannot be empty: that marks public documents"


# --- help, versions, mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("words", [(), *((entry.name,) for entry in COMMANDS), *(("local", name) for name in PRIVATE)])
def test_help_is_everywhere(cli: Cli, words: tuple[str, ...], flag: str) -> None:
    result = cli(*words, flag)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Usage: {' '.join(['projects', *words])} ")


def test_a_bare_group_prints_its_help_with_status_0(cli: Cli) -> None:
    result = cli("local")
    assert result.exit_code == 0
    assert "start" in result.stdout + result.stderr


def test_help_shows_text_as_people_should_type_it(cli: Cli) -> None:
    text = cli("list", "--help").stdout
    assert "\\$" not in text
    assert "__$all" in text


def test_version_is_told(cli: Cli) -> None:
    result = cli("--version")
    assert (result.exit_code, result.stdout) == (0, f"projects {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("get",), "name it, or select it from a list with --interactive"),
        (("create",), "see: projects create --help"),
        (("get", "a", "b"), "see: projects get --help"),
        (("list", "--page", "x"), "see: projects list --help"),
    ],
)
def test_wrong_usage_is_status_2(cli: Cli, arguments: tuple[str, ...], hint: str) -> None:
    error = error_of(cli(*arguments, "--json"))
    assert (error["name"], error["code"], error["subcode"]) == ("UsageError", None, None)
    assert error["hint"] == hint


def test_api_version_restricts_the_endpoints(site: Site) -> None:
    identifier = site.project("vision")
    for arguments, first in ((("task-tags",), "2.8"), (("hyperparams",), "2.9"), (("make-public", identifier), "2.9")):
        error = site.error(*arguments, "--api-version", "2.7", status=2)
        assert error["name"] == "UnknownEndpoint"
        assert first in error["message"]
    assert site.json("task-tags", "--api-version", "2.8") == {"tags": []}
    assert site.json("make-public", identifier, "--api-version", "2.10") == {"updated": 1}


@pytest.mark.parametrize("arguments", [("-h", "--api-version", "2.4"), ("--api-version=2.4", "--help")])
def test_help_leaves_out_the_options_of_newer_versions(cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    request = "request { properties { %s { type: string } } }"
    versions = {"2.1": request % "description", "2.5": request % "name"}
    file = tmp_path / "projects.conf"
    file.write_text("get_all { " + " ".join(f'"{number}" {{ {text} }}' for number, text in versions.items()) + " }")
    schema = {"PROJECTS_SCHEMA": str(file)}
    restricted = cli("list", *arguments, **schema).stdout
    assert ("--description" in restricted, "--name REGEX" in restricted, "--page N" in restricted) == (
        True,
        False,
        True,
    )
    assert cli("list", "--help", **schema, PROJECTS_API_VERSION="2.4").stdout == restricted
    assert "--name REGEX" in cli("list", "--help", **schema).stdout


def test_help_leaves_out_other_forms_of_newer_parameters(cli: Cli) -> None:
    for flag, parameter in SHORT_FORMS.items():
        command = {"include_subprojects": "metrics", "delete_contents": "delete"}.get(parameter, "list")
        assert f"  {flag} " in cli(command, "--help").stdout
        assert f"  {flag} " not in cli(command, "--help", "--api-version", "2.1").stdout


def test_help_works_if_the_version_lacks_the_command_or_is_invalid(cli: Cli) -> None:
    full = cli("hyperparams", "--help").stdout
    lacking = cli("hyperparams", "--help", "--api-version", "2.1").stdout
    message = "Not available: projects.get_hyper_parameters is not in version 2.1: it was added in 2.9."
    assert message in " ".join(lacking.split())
    assert cli("hyperparams", "--help", "--api-version", "x").stdout == full


def test_versions_compare_as_numbers(site: Site) -> None:
    assert site.json("hyperparams", "--api-version", "2.10")["total"] == 0
    assert site.error("hyperparams", "--api-version", "2.8.9", status=2)["name"] == "UnknownEndpoint"


@pytest.mark.parametrize("version", ["x", "2.x", "", "-1", "2."])
def test_what_is_no_version_is_refused(site: Site, version: str) -> None:
    assert site.error("list", "--api-version", version, status=2)["name"] == "UsageError"


def test_an_option_that_the_loaded_schema_lacks_names_the_version_that_has_it(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "projects.conf"
    old = '"2.1" { request { type: object, properties { order_by { type: array, items { type: string } } } } }'
    new = old.replace('"2.1"', '"2.5"').replace("order_by {", "name { type: string }, order_by {")
    file.write_text(f"get_all {{ {old}, {new} }}")
    error = site.error("list", "--name", "x", "--schema", str(file), "--api-version", "2.4", status=2)
    assert (error["name"], "version 2.5 has it" in error["message"]) == ("UsageError", True)
    assert site.json("list", "--name", "x", "--schema", str(file)) == {"projects": []}
    error = site.error("list", "--tag", "x", "--schema", str(file), status=2)
    assert "no version of the loaded schema has it" in error["message"]


def test_a_command_whose_endpoint_the_loaded_schema_lacks_is_refused(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "projects.conf"
    file.write_text('get_all { "2.1" { request { type: object } } }')
    error = site.error("create", "vision", "-d", "x", status=2, PROJECTS_SCHEMA=str(file))
    assert error["name"] == "UnknownEndpoint"


# --- a database that does not answer ------------------------------------------------------------------------------


def test_an_unreachable_database_is_69(cli: Cli) -> None:
    result = cli("list", "--json", "--timeout", "0.5", uri="mongodb://ann:topsecret@127.0.0.1:1")
    error = error_of(result, 69)
    assert (error["name"], error["code"]) == ("DatabaseUnavailable", None)
    assert error["message"].startswith("no answer from mongodb://ann:***@127.0.0.1:1 within 0.5 s: ")
    assert "\n" not in error["message"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("ann:topsecret@host", "PROJECTS_MONGO_URI: a URI begins with mongodb://"),
        ("http://ann:topsecret@host", "PROJECTS_MONGO_URI: a URI begins with mongodb://"),
        ("mongodb://", "the MongoDB URI can't be used: "),
        ("mongodb://ann:topsecret@host:port", "the MongoDB URI can't be used: "),
        ("mongodb://ann:top@secret@host", "the MongoDB URI can't be used: "),
        ("MongoDB://ann:topsecret@host", "the MongoDB URI can't be used: "),
    ],
)
def test_a_uri_that_is_none_is_refused_without_its_password(cli: Cli, uri: str, words: str) -> None:
    result = cli("list", "-v", "--timeout", "1", uri=uri)
    assert result.exit_code == 2
    assert f"error: {words}" in result.stderr
    assert "secret" not in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_an_empty_uri_does_not_lead_to_the_private_database(cli: Cli) -> None:
    """A script's variable that was not set would."""
    result = cli("list", "--uri", "", PROJECTS_MONGOD="/nowhere/mongod")
    assert (result.exit_code, result.stderr) == (2, "error: --uri: a URI begins with mongodb:// or mongodb+srv://\n")


@pytest.mark.parametrize("timeout", ["99999999999999d", "1e300"])
def test_a_timeout_beyond_all_bounds_is_no_limit(site: Site, timeout: str) -> None:
    assert site.text("list", "-o", "id", "--timeout", timeout) == ""
