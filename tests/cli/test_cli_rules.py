"""The rules of the command line, in a readable order, each tested on the real program.

Other files test each of them in depth. This file lists the guarantees.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from rich.cells import cell_len

from projects_cli import __version__
from projects_cli.changes.lease import Lease, key_of
from projects_cli.cli.options import GLOBAL_OPTIONS
from projects_cli.cli.registry import COMMANDS
from projects_cli.config.settings import BY_NAME
from projects_cli.errors import STATUS_MEANINGS, ExitStatus
from projects_cli.store.client import connect
from projects_cli.store.journal import JournalStore
from tests import servers
from tests.running import on_terminal, run, start
from tests.worlds.site import COMPANY, OTHER, UNKNOWN, Site, empty_site, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.servers import Server

ID = "0123456789abcdef0123456789abcdef"
NOWHERE = "mongodb://127.0.0.1:1"


@pytest.fixture
def site(site: Site) -> Site:
    """Provide a site with a little of everything."""
    site.project("vision/detector", _id=ID, tags=["prod", "gpu"], description="Road signs")
    site.project("audio")
    site.task(ID, status="completed", hyperparams={"Args": {"lr": {}}}, last_metrics=metrics(loss="train"))
    return site


@pytest.fixture
def two(standalone: Server, cli: Cli) -> Iterator[Site]:
    """Provide a site with two projects and nothing in them."""
    with empty_site(standalone, cli) as site:
        site.project("vision", _id=ID)
        site.project("audio")
        yield site


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Provide the user's configuration, with a profile."""
    path = tmp_path / "home" / ".config" / "projects" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('profile = "lab"\n[profiles.lab]\ncompany = "by-profile"\nproduction = true\n')
    path.chmod(0o600)
    return path


def names(site: Site, *arguments: str) -> list[str]:
    return [one["name"] for one in site.json(*arguments)["projects"]]


# === Commands =====================================================================================================

ENDPOINT_OF = {
    "create": "create",
    "get": "get_by_id",
    "list": "get_all",
    "update": "update",
    "delete": "delete",
    "move": "move",
    "merge": "merge",
    "metrics": "get_unique_metric_variants",
    "hyperparams": "get_hyper_parameters",
    "task-tags": "get_task_tags",
    "hyperparam-values": "get_hyperparam_values",
    "model-metadata-keys": "get_model_metadata_keys",
    "model-metadata-values": "get_model_metadata_values",
    "task-parents": "get_task_parents",
    "users": "get_user_names",
    "model-tags": "get_model_tags",
    "project-tags": "get_project_tags",
    "make-public": "make_public",
    "make-private": "make_private",
}


def test_every_endpoint_is_a_subcommand_by_a_short_name_and_by_its_own(cli: Cli) -> None:
    for short, endpoint in ENDPOINT_OF.items():
        words = (short, endpoint.replace("_", "-"), endpoint, f"projects.{endpoint}")
        assert len({cli(word, "--help").stdout.partition("\n")[2] for word in words}) == 1, short
    listed = cli("--help").stdout
    assert "get_all" not in listed
    assert [short for short in ENDPOINT_OF if f"\n  {short} " not in listed] == []


def test_an_endpoint_or_option_that_the_version_lacks_is_2_and_names_the_version_that_has_it(site: Site) -> None:
    error = site.error("hyperparams", "--api-version", "2.1", status=2)
    assert "2.9" in error["message"]


def test_versions_compare_as_numbers_and_999_means_the_newest(site: Site) -> None:
    assert site.error("hyperparams", "--api-version", "2.2", status=2)["name"] == "UnknownEndpoint"
    assert site.json("hyperparams", "--api-version", "2.10")["total"] == 1
    assert site.json("hyperparams", "--api-version", "999.0")["total"] == 1


def test_what_only_a_loaded_schema_has_goes_through_call_and_is_not_implemented(site: Site, tmp_path: Path) -> None:
    (tmp_path / "projects.conf").write_text('invent { "2.1" { request { type: object } } }')
    schema = ("--schema", str(tmp_path / "projects.conf"))
    assert site.error("call", "invent", *schema, status=2)["name"] == "EndpointNotImplemented"
    assert site("invent", *schema).exit_code == 2
    assert site.json("schema", *schema)["endpoints"][0]["endpoint"] == "projects.invent"


def test_internal_endpoints_have_no_command_of_their_own_name_in_the_help(cli: Cli) -> None:
    assert "get-all-ex" not in cli("--help").stdout


def test_list_counts_tasks_with_stats_or_state(site: Site) -> None:
    assert "stats" not in site.json("list")["projects"][0]
    for option in (("--stats",), ("--state", "archived"), ("--state", "all")):
        assert "stats" in site.json("list", *option)["projects"][0]
    site.project("shared", company="", company_origin=OTHER)
    assert names(site, "list", "--non-public") == ["audio", "vision", "vision/detector"]


def test_any_and_all_look_into_fields(site: Site) -> None:
    assert names(site, "list", "--any", "name,tags=PROD") == ["vision/detector"]
    assert names(site, "list", "--all", "name,description=r") == ["vision/detector"]


def test_tags_of_tasks_and_models_can_be_filtered(site: Site) -> None:
    site.task(ID, tags=["a", "x"])
    site.task(ID, tags=["z"], system_tags=["s"])
    site.model(ID, tags=["a", "m"], system_tags=["t"])
    assert site.json("task-tags", "--filter-tag", "a")["tags"] == ["a", "x"]
    assert site.json("task-tags", "--filter-system-tag", "s")["tags"] == ["z"]
    assert site.json("model-tags", "--filter-tag", "a", "--filter-system-tag", "t")["tags"] == ["a", "m"]


def test_tags_of_an_update_are_added_removed_cleared(site: Site) -> None:
    for option, left in ((("--add-tag", "a"), 3), (("--remove-tag", "gpu"), 2), (("--clear-tags",), 0)):
        assert len(site.json("update", ID, *option)["fields"]["tags"]) == left
    assert site.json("update", ID, "--clear-description")["fields"] == {"description": None}


def test_create_without_a_description_is_refused_by_the_first_schema(site: Site) -> None:
    assert site.error("create", "new-one", "--api-version", "2.1", status=2)["name"] == "ValidationError"
    identifier = site.json("create", "new-one")["id"]
    assert site.stored(identifier)["description"] == ""


def test_list_is_ordered_by_name_by_default(site: Site) -> None:
    assert names(site, "list") == ["audio", "vision", "vision/detector"]
    assert names(site, "list", "--order-by", "-name") == ["vision/detector", "vision", "audio"]


@pytest.mark.parametrize("project", [ID, "vision/detector", ID[:8], ID[:31], "-"])
def test_a_project_is_an_id_a_full_name_or_the_beginning_of_an_id_or_read_from_standard_input(
    site: Site, project: str
) -> None:
    assert site.json("get", project, stdin="vision/detector\n")["project"]["id"] == ID


def test_an_ambiguous_or_unknown_project_suggests_similar_ones(site: Site) -> None:
    site.project("other", _id=ID[:10] + "f" * 22)
    assert "vision/detector" in site.error("get", ID[:8], status=2)["message"]
    assert "'vision/detector'" in site.error("get", "vision/detectr", status=3)["hint"]


def test_list_parameters_repeat_and_are_not_split(site: Site) -> None:
    site.json("update", ID, "--tag", "a", "--tags", "b,c")
    assert site.stored(ID)["tags"] == ["a", "b,c"]


def test_call_prints_the_response_of_a_request(site: Site, tmp_path: Path) -> None:
    request, file = json.dumps({"project": ID}), tmp_path / "request.json"
    file.write_text(request)
    for data in (request, f"@{file}", "-"):
        assert site.json("call", "projects.get_by_id", "--data", data, stdin=request)["project"]["id"] == ID
    assert json.loads(site.text("call", "get_by_id", "--skeleton")).keys() == {"project"}


def test_batch_answers_each_line_in_order_and_never_asks(site: Site) -> None:
    lines = [
        json.dumps({"id": 1, "endpoint": "projects.get_all", "params": {"name": "^vision$"}}),
        "no json",
        json.dumps({"id": [2], "endpoint": "delete", "version": "999.0", "params": {"project": ID, "force": True}}),
        json.dumps({"id": 3, "endpoint": "get_all", "params": {"page": "x"}}),
    ]
    result = site("batch", "-", stdin="\n".join(lines))
    first, second, third, fourth = map(json.loads, result.stdout.splitlines())
    assert (first["id"], first["ok"], len(first["data"]["projects"])) == (1, True, 1)
    assert (second["id"], second["ok"]) == (None, False)
    assert third == {
        "id": [2],
        "ok": True,
        "data": {"deleted": 1, "disassociated_tasks": 1, "deleted_models": 0, "deleted_tasks": 0},
    }
    assert (fourth["error"]["code"], fourth["error"]["problems"][0]["path"]) == (400, "params.page")
    assert result.exit_code == 5
    assert site("batch", "-", stdin=lines[0]).exit_code == 0


def test_batch_keeps_read_only_and_dry_run_and_a_record_for_each(site: Site) -> None:
    line = json.dumps({"endpoint": "update", "params": {"project": ID, "description": "x"}})
    for option in ("--read-only", "--dry-run"):
        before = site.everything()
        site("batch", "-", option, stdin=line)
        assert site.everything() == before
    site.text("batch", "-", stdin=f"{line}\n{line}")
    assert [run["operations"] for run in site.json("history", "--project", ID)["runs"]] == [2]


# === Global options ===============================================================================================


def test_global_options_are_accepted_before_and_after_the_subcommand(two: Site) -> None:
    assert two.text("-o", "id", "list") == two.text("list", "-o", "id") == two.text("list", "--output=id")


def test_each_global_option_has_its_variable(two: Site) -> None:
    for option in GLOBAL_OPTIONS:
        assert BY_NAME[option.setting].variable
    assert two.text("list", PROJECTS_OUTPUT="id") == two.text("list", "-o", "id")
    assert two.error("update", ID, "-d", "x", status=4, PROJECTS_READ_ONLY="1")["name"] == "ReadOnly"


def test_variables_of_a_clearml_server_are_read(two: Site, cli: Cli) -> None:
    variables = {"CLEARML_MONGODB_SERVICE_CONNECTION_STRING": two.server.uri, "PROJECTS_DATABASE": two.name}
    assert "audio" in cli("list", **variables).stdout


def test_a_bare_number_of_a_duration_is_seconds_and_nonsense_is_refused(cli: Cli) -> None:
    began = time.monotonic()
    assert cli("list", "--timeout", "0.3", uri=NOWHERE).exit_code == 69
    assert time.monotonic() - began < 10
    assert cli("list", "--timeout", "soon", uri=NOWHERE).exit_code == 2


def test_host_and_port_of_a_clearml_server_rank_below_a_profile(cli: Cli, config: Path) -> None:
    variables = {"CLEARML_MONGODB_SERVICE_HOST": "127.0.0.1", "CLEARML_MONGODB_SERVICE_PORT": "1"}
    at_once = ("list", "--timeout", "0.3")
    found = cli(*at_once, **variables)
    assert (found.exit_code, "127.0.0.1:1" in found.stderr) == (69, True)
    config.write_text('[profiles.lab]\nuri = "mongodb://127.0.0.1:2"\n')
    found = cli(*at_once, "--profile", "lab", **variables)
    assert (found.exit_code, "127.0.0.1:2" in found.stderr, "127.0.0.1:1" in found.stderr) == (69, True, False)


def test_a_database_in_the_uri_is_the_authentication_source_only(two: Site, cli: Cli) -> None:
    uri = two.server.uri.replace("/?", "/elsewhere?")
    assert uri != two.server.uri
    assert cli("list", "-o", "id", "--name", "vision", uri=uri, PROJECTS_DATABASE=two.name).stdout == f"{ID}\n"
    assert cli("list", "-o", "id", uri=uri).stdout == ""


def test_the_owner_is_the_only_user_else_the_one_that_has_the_login_name(two: Site) -> None:
    def made_by(name: str, *arguments: str) -> str:
        two.text("create", name, "-d", "x", *arguments, PROJECTS_USER="", LOGNAME="mary")
        return str(two.named(name)["user"])

    assert made_by("one") == "mary"
    two.documents.user.insert_one({"_id": "ann", "company": COMPANY})
    two.documents.user.insert_one({"_id": "eve", "company": "another"})
    assert made_by("two") == "ann"
    two.documents.user.insert_one({"_id": "0m", "name": "mary", "company": COMPANY})
    assert made_by("three") == "0m"
    assert made_by("four", "--user", "ann") == "ann"


def test_an_aggregation_has_no_limit_unless_it_is_given(two: Site) -> None:
    def limit(*arguments: str) -> int:
        two.documents.command("profile", 2)
        two.text("metrics", *arguments)
        two.documents.command("profile", 0)
        noted = list(two.documents["system.profile"].find({"command.aggregate": {"$exists": True}}))
        two.documents.drop_collection("system.profile")
        assert noted
        return max(int(one["command"].get("maxTimeMS", 0)) for one in noted)

    two.task(ID, last_metrics=metrics(loss="train"))
    assert limit() == 0
    assert 50_000 < limit("--timeout", "1m") <= 60_000


def test_without_a_journal_there_is_no_record_and_no_lock_and_0_does_not_wait_for_one(two: Site) -> None:
    change = ("update", ID, "--name", "sight")
    holder = {"owner": "x", "by": "ann", "host": "elsewhere", "pid": 1, "command": "projects delete vision"}
    connection = connect(two.server.uri, two.name, shown="", timeout=5)
    with Lease(JournalStore(connection, "projects_cli"), key_of(two.name, COMPANY), holder, 1):
        began = time.monotonic()
        assert two.error(*change, "--lock-wait", "0", status=75)["name"] == "LockHeld"
        assert time.monotonic() - began < 9, "it would wait for 10 seconds"
        assert two.json(*change, "--no-journal")["updated"] == 1
    connection.close()
    assert two.json("history", "--project", ID)["runs"] == []


# === What wins over what ==========================================================================================


def test_flag_then_environment_then_profile_then_default_each_with_its_origin(cli: Cli, config: Path) -> None:
    def company(*arguments: str, **environment: str) -> tuple[str, str]:
        found = json.loads(cli("config", "get", "company", "--json", *arguments, **environment).stdout)
        return found["value"], found["origin"]

    assert company("--company", "by-flag", PROJECTS_COMPANY="by-variable") == ("by-flag", "flag")
    assert company(PROJECTS_COMPANY="by-variable") == ("by-variable", "environment")
    assert company() == ("by-profile", "user file")
    config.unlink()
    assert company() == (COMPANY, "default")


def test_the_project_file_s_profile_ranks_between_variables_and_the_user_s_file(
    cli: Cli, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def profile(*arguments: str, **environment: str) -> tuple[str, str]:
        found = json.loads(cli("config", "get", "profile", "--json", *arguments, **environment).stdout)
        return found["value"], found["origin"]

    names = ("lab", "here", "said", "flagged")
    config.write_text('profile = "lab"\n' + "".join(f"[profiles.{name}]\n" for name in names))
    monkeypatch.chdir(tmp_path)
    assert profile() == ("lab", "user file")
    (tmp_path / ".projects.toml").write_text('profile = "here"\n')
    assert profile() == ("here", "project file")
    assert profile(PROJECTS_PROFILE="said") == ("said", "environment")
    assert profile("--profile", "flagged", PROJECTS_PROFILE="said") == ("flagged", "flag")


def test_config_list_has_every_setting_with_its_origin(cli: Cli, config: Path) -> None:
    config.write_text('timeout = "1m"\n')
    listed = cli("config", "list", "--json", "--company", "x", PROJECTS_USER="ann").stdout
    found = {row["key"]: (row["origin"], row["source"]) for row in json.loads(listed)["settings"]}
    assert found.keys() == {setting.key for setting in BY_NAME.values()}
    assert found["company"] == ("flag", "--company")
    assert found["user"] == ("environment", "PROJECTS_USER")
    assert found["timeout"] == ("user file", str(config))
    assert found["database"][0] == "default"


# === Output =======================================================================================================


def test_each_format(site: Site) -> None:
    chosen = ("list", "--name", "detector")
    assert site.text(*chosen).splitlines()[0] == "NAME\tTAGS\tUPDATED\tID"
    assert json.loads(site.text(*chosen, "-o", "json")).keys() == {"projects"}
    assert json.loads(site.text(*chosen, "-o", "jsonl"))["id"] == ID
    assert yaml.safe_load(site.text(*chosen, "-o", "yaml"))["projects"][0]["id"] == ID
    assert next(csv.DictReader(io.StringIO(site.text(*chosen, "-o", "csv"))))["tags"] == "gpu, prod"
    assert "description" in site.text(*chosen, "-o", "tsv").splitlines()[0].split("\t")
    assert site.text(*chosen, "-o", "id") == f"{ID}\n"


def test_fields_query_no_header_and_time(site: Site) -> None:
    assert site.text("list", "--fields", "name,id", "--no-header", "--name", "detector") == f"vision/detector\t{ID}\n"
    assert site.json("list", "--query", "projects[].name") == ["audio", "vision", "vision/detector"]
    assert site.text("get", ID, "--fields", "created", "--no-header", "--time", "absolute") == "2024-01-09 08:00Z\n"


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_a_table_in_a_terminal_fits_its_width_and_never_cuts_an_id(site: Site, columns: int) -> None:
    site.project("x" * 150, tags=["t" * 50])
    for arguments in (("list",), ("get", ID)):
        seen = on_terminal(site, *arguments, columns=columns)
        assert seen.status == 0
        assert [line for line in seen.plain.splitlines() if cell_len(line) > columns] == []
        assert (ID[:8] if arguments == ("list",) else ID) in seen.plain


def test_a_long_table_goes_through_the_pager_and_quitting_early_is_not_a_failure(site: Site) -> None:
    for number in range(40):
        site.project(f"project {number:02}")

    def seen(*arguments: str, pager: str) -> Any:
        return on_terminal(site, "list", *arguments, lines=20, NO_COLOR="1", PROJECTS_PAGER=pager)

    assert "PROJECT 39" in seen(pager="tr a-z A-Z").plain
    assert "project 39" in seen("--no-pager", pager="tr a-z A-Z").plain
    assert seen(pager="true").status == 0


def test_off_a_terminal_nothing_is_cut_and_nothing_coloured(site: Site) -> None:
    site.project("x" * 300)
    result = run(site, "list", TERM="xterm-256color", COLUMNS="40")
    assert "x" * 300 in result.stdout
    assert "\x1b" not in result.stdout


def test_data_on_standard_output_everything_else_on_the_other(site: Site) -> None:
    result = site("delete", ID, "--force")
    assert result.stdout == "deleted\t1\ndisassociated tasks\t1\ndeleted models\t0\ndeleted tasks\t0\n"
    assert result.stderr == "done: delete the project 'vision/detector' (1 project, 1 task, 0 models)\n"


def test_jsonl_and_id_are_a_record_per_line_and_a_closed_pipe_is_not_a_failure(site: Site) -> None:
    for number in range(2000):
        site.documents.project.insert_one({"_id": f"{number:032}", "name": f"p{number}", "company": COMPANY})
    for output, line in (("jsonl", rf'.*"id":"{ID}".*'), ("id", ID)):
        assert len(site.text("list", "-o", output).splitlines()) == 2003
        assert re.fullmatch(line, site.text("list", "--name", "detector", "-o", output).rstrip("\n"))
        with start(site, "list", "-o", output) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == ""
        assert process.returncode == 0


def test_progress_is_shown_on_a_terminal_only_and_after_a_second(site: Site) -> None:
    def stall() -> None:
        data = {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 1500}
        data["appName"] = f"projects-cli {__version__}"
        site.server.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=data)

    for command in (("get", ID), ("list",), ("list", "--stats")):
        stall()
        assert "asking the database: 1s" in on_terminal(site, *command).plain, command
    stall()
    assert run(site, "get", ID).stderr == ""
    assert "asking" not in on_terminal(site, "get", ID).plain


def test_json_is_one_valid_document_even_when_empty(site: Site) -> None:
    assert site.json("list", "--name", "nothing") == {"projects": []}


@pytest.mark.parametrize(
    "command", ["list", "metrics", "history", "resume", "status", "doctor", "schema", "config list"]
)
def test_json_is_a_document_of_every_command(site: Site, command: str) -> None:
    assert isinstance(json.loads(site("--json", *command.split()).stdout), dict)


def test_on_failure_standard_output_stays_empty_and_the_error_is_one_object(site: Site) -> None:
    error = site.error("get", UNKNOWN, status=3)
    assert (error["code"], error["subcode"], error["name"]) == (400, 401, "InvalidProjectId")
    ours = site.error("get", "nothing", status=3)
    assert (ours["code"], ours["subcode"]) == (None, None)
    assert site.error("call", "get_all", "--data", '{"page": "x"}', status=2)["problems"]


def test_responses_of_several_projects_are_summed_and_failures_reported_with_status_5(site: Site) -> None:
    result = site("delete", "audio", "nowhere", ID, "--force", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        5,
        {"deleted": 2, "disassociated_tasks": 1, "deleted_models": 0, "deleted_tasks": 0},
    )
    assert [one["project"] for one in json.loads(result.stderr)["error"]["failures"]] == ["nowhere"]


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "yaml", "csv", "tsv"])
def test_control_characters_and_overrides_are_escaped_in_every_format(site: Site, output: str) -> None:
    site.project("a\x1b[31m\x9b\u202e\u2066b")
    assert not {"\x1b", "\x9b", "\u202e", "\u2066"} & set(site.text("list", "-o", output))


def test_markup_in_data_is_never_interpreted(site: Site) -> None:
    site.project("[red]a[/red] :smile:")
    assert "[red]a[/red] :smile:" in on_terminal(site, "list", columns=120).plain


def test_colour_only_on_a_capable_terminal_and_if_not_disabled(site: Site) -> None:
    assert "\x1b[" in on_terminal(site, "list").text
    assert "\x1b[" in on_terminal(site, "list", NO_COLOR="").text
    assert "\x1b" not in on_terminal(site, "list", NO_COLOR="1").text
    assert "\x1b" not in on_terminal(site, "list", TERM="dumb").text
    assert "\x1b" not in on_terminal(site, "list", "--no-color").text


def test_times_are_relative_on_a_terminal_and_absolute_elsewhere(site: Site) -> None:
    assert re.search(r"\d+ years ago", on_terminal(site, "list", columns=120).plain)
    assert "2024-01-09T08:00:00+00:00" in site.text("list")


# === Runner =======================================================================================================


def test_a_prompt_without_a_terminal_fails_and_names_the_option(site: Site) -> None:
    error = site.error("delete", "audio", status=2)
    assert (error["name"], "--yes" in error["hint"]) == ("ConfirmationNeeded", True)


def test_deletion_of_an_empty_project_asks_yes_or_no(site: Site) -> None:
    assert "[y/N]" in on_terminal(site, "delete", "audio", answer="n").plain
    assert on_terminal(site, "delete", "audio", answer="y").status == 0
    assert "audio" not in site.names()


def test_deletion_of_contents_shows_them_and_asks_for_the_name(site: Site) -> None:
    site.documents.task.update_many({}, {"$set": {"system_tags": ["archived"]}})
    seen = on_terminal(site, "delete", "vision", answer="y")
    assert (seen.status, f"{ID}  vision/detector" in seen.plain, "2 projects, 1 task" in seen.plain) == (1, True, True)
    assert on_terminal(site, "delete", "vision", answer="vision").status == 0


def test_confirm_answers_one_prompt_and_yes_answers_all(site: Site) -> None:
    site.project("one/deep")
    site.project("two/deep")
    assert site.json("delete", "one", "--confirm", "one")["deleted"] == 2
    assert site.json("delete", "two", "--yes")["deleted"] == 2


def test_several_projects_have_one_plan_and_one_prompt(site: Site) -> None:
    site.project("one/deep")
    seen = on_terminal(site, "delete", "one", "audio", answer="3 projects")
    assert (seen.status, seen.plain.count("to continue:")) == (0, 1)


def test_force_deletes_although_there_are_tasks_and_answers_the_prompt(site: Site) -> None:
    assert site.error("delete", ID, "--yes", status=4)["name"] == "ProjectHasTasks"
    assert site.json("delete", ID, "--force")["disassociated_tasks"] == 1


CHANGES = [
    ("create", "new-one", "-d", "x"),
    ("update", ID, "-d", "x"),
    ("delete", ID, "--force"),
    ("make-public", ID),
    ("undo",),
    ("call", "update", "--data", json.dumps({"project": ID, "description": "x"})),
]


@pytest.mark.parametrize("command", CHANGES, ids=lambda command: command[0])
def test_a_dry_run_shows_ids_names_and_counts_and_changes_nothing(site: Site, command: tuple[str, ...]) -> None:
    site.json("update", ID, "-d", "before")
    before = site.everything()
    plan = site.json(*command, "--dry-run")
    assert site.everything() == before
    assert plan["counts"]["projects"] == 1
    assert {"id", "name"} == plan["samples"][0].keys()


@pytest.mark.parametrize("command", CHANGES[:4], ids=lambda command: command[0])
def test_every_change_reports_what_changed(site: Site, command: tuple[str, ...]) -> None:
    result = site(*command)
    assert (result.exit_code, {len(line.split("\t")) for line in result.stdout.splitlines()}) == (0, {2})
    assert result.stderr.startswith("done: ")


# === Exit statuses ================================================================================================


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("list",), 0),
        (("list", "--nonsense"), 2),
        (("list", "--page", "-1"), 2),
        (("list", "--order-by", "nmae"), 2),
        (("list", "--name", "["), 2),
        (("list", "--query", "["), 2),
        (("list", "--fields", "nmae"), 2),
        (("delete", "audio"), 2),
        (("get", "nothing"), 3),
        (("get", UNKNOWN), 3),
        (("undo", "nothing"), 3),
        (("delete", ID, "--yes"), 4),
        (("create", "audio", "-d", "x"), 4),
        (("create", "/".join("abcdefghijk"), "-d", "x"), 4),
        (("update", ID, "-d", "x", "--read-only"), 4),
        (("delete", "vision", "--force", "--max-delete", "1"), 4),
        (("delete", "audio", "nothing", "--yes"), 5),
        (("list", "--name", "nothing", "--fail-if-empty"), 6),
    ],
)
def test_statuses(site: Site, arguments: tuple[str, ...], status: int) -> None:
    result = site(*arguments)
    assert (result.exit_code, "Traceback" in result.stderr) == (status, False)


def test_1_declined_by_the_user(site: Site) -> None:
    assert on_terminal(site, "delete", "audio", answer="n").status == 1


def test_4_public(site: Site) -> None:
    site.project("shared", company="", company_origin=OTHER)
    assert site("update", "shared", "-d", "x").exit_code == 4


def test_6_findings(site: Site) -> None:
    site.documents.project.update_one({"_id": ID}, {"$set": {"parent": "f" * 32}})
    assert site("doctor").exit_code == 6


def test_69_no_database(cli: Cli) -> None:
    assert cli("list", "--timeout", "0.3", uri=NOWHERE).exit_code == 69
    assert cli("list", PROJECTS_MONGOD="/nowhere/mongod").exit_code == 69


def test_75_another_run_holds_the_lock(site: Site) -> None:
    holder = {"owner": "x", "by": "ann", "host": "elsewhere", "pid": 1, "command": "projects delete vision"}
    connection = connect(site.server.uri, site.name, shown="", timeout=5)
    with Lease(JournalStore(connection, "projects_cli"), key_of(site.name, COMPANY), holder, 1):
        assert site("create", "new-one", "-d", "x", "--lock-wait", "0.2").exit_code == 75
    connection.close()


def test_77_the_database_refused_the_credentials_or_the_right(cli: Cli) -> None:
    with servers.running(replica_set=False, options=["--auth"]) as server:
        assert cli("list", uri=server.uri).exit_code == 77
        assert cli("list", uri=server.uri.replace("mongodb://", "mongodb://ann:wrong@")).exit_code == 77


@pytest.mark.parametrize(("number", "status"), [(2, 130), (15, 143)])
def test_130_and_143_interrupted_and_terminated(site: Site, number: int, status: int) -> None:
    with start(site, "batch", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write('{"endpoint": "get_all"}\n')
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == status


def test_these_are_all_statuses() -> None:
    assert {status.value for status in ExitStatus} == {0, 1, 2, 3, 4, 5, 6, 69, 75, 77, 130, 143}
    assert "over `--max-delete`" in STATUS_MEANINGS[ExitStatus.REFUSED]


def test_help_of_every_command_has_status_0(cli: Cli) -> None:
    for entry in COMMANDS:
        assert cli(entry.name, "-h").exit_code == 0, entry.name


# === Help, configuration, completion ==============================================================================


def test_a_bare_command_prints_short_help_and_typos_suggest(cli: Cli) -> None:
    bare = cli()
    assert (bare.exit_code, len(bare.stdout.splitlines()) < 30) == (0, True)
    assert "did you mean 'list'" in cli("lsit").stderr
    for topic in ("exit-codes", "output", "environment", "filters", "safety", "config"):
        assert cli("help", topic).exit_code == 0


def test_a_password_is_hidden_and_its_file_must_be_private(cli: Cli, config: Path) -> None:
    config.write_text('uri = "mongodb://ann:topsecret@db"\n')
    assert "topsecret" not in cli("config", "list").output
    config.chmod(0o644)
    assert cli("list").exit_code == 2


def test_a_folder_may_only_choose_a_profile(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".projects.toml").write_text('company = "x"')
    assert cli("list").exit_code == 2


def test_on_production_yes_needs_the_profile_on_the_command_line(site: Site, config: Path) -> None:
    config.write_text('profile = "lab"\n[profiles.lab]\nproduction = true\n')
    assert site.error("delete", "audio", "--yes", status=2)["name"] == "ConfirmationNeeded"
    assert site.json("delete", "audio", "--yes", "--profile", "lab")["deleted"] == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_file_of_a_shell(cli: Cli, shell: str) -> None:
    result = cli("completion", shell)
    assert (result.exit_code, "projects" in result.stdout) == (0, True)
