"""The rules of the options and variables that every command understands, and of what wins over what.

Beside test_cli_rules.py; other files test each of them in depth.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from projects_cli.cli.options import GLOBAL_OPTIONS
from projects_cli.config.settings import BY_NAME
from projects_cli.safety.locks import Lease, key_of
from projects_cli.store.client import connect
from projects_cli.store.journal import JournalStore
from tests.config.site import COMPANY, Site, empty_site, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.servers import Server

ID = "0123456789abcdef0123456789abcdef"
NOWHERE = "mongodb://127.0.0.1:1"


@pytest.fixture
def site(standalone: Server, cli: Cli) -> Iterator[Site]:
    """Give a site with two projects."""
    with empty_site(standalone, cli) as site:
        site.project("vision", _id=ID)
        site.project("audio")
        yield site


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Give the user's configuration, with a profile."""
    path = tmp_path / "home" / ".config" / "projects" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('profile = "lab"\n[profiles.lab]\ncompany = "by-profile"\nproduction = true\n')
    path.chmod(0o600)
    return path


def test_they_are_understood_before_and_after_the_subcommand(site: Site) -> None:
    assert site.text("-o", "id", "list") == site.text("list", "-o", "id") == site.text("list", "--output=id")


def test_each_has_its_variable(site: Site) -> None:
    for option in GLOBAL_OPTIONS:
        assert BY_NAME[option.setting].variable
    assert site.text("list", PROJECTS_OUTPUT="id") == site.text("list", "-o", "id")
    assert site.error("update", ID, "-d", "x", status=4, PROJECTS_READ_ONLY="1")["name"] == "ReadOnly"


def test_the_server_s_own_variables_are_understood(site: Site, cli: Cli) -> None:
    variables = {"CLEARML_MONGODB_SERVICE_CONNECTION_STRING": site.server.uri, "PROJECTS_DATABASE": site.name}
    assert "audio" in cli("list", **variables).stdout


def test_a_bare_number_of_a_duration_is_seconds_and_nonsense_is_refused(cli: Cli) -> None:
    began = time.monotonic()
    assert cli("list", "--timeout", "0.3", uri=NOWHERE).exit_code == 69
    assert time.monotonic() - began < 10
    assert cli("list", "--timeout", "soon", uri=NOWHERE).exit_code == 2


def test_the_server_s_own_host_and_port_are_understood_and_rank_below_a_profile(cli: Cli, config: Path) -> None:
    variables = {"CLEARML_MONGODB_SERVICE_HOST": "127.0.0.1", "CLEARML_MONGODB_SERVICE_PORT": "1"}
    at_once = ("list", "--timeout", "0.3")
    found = cli(*at_once, **variables)
    assert (found.exit_code, "127.0.0.1:1" in found.stderr) == (69, True)
    config.write_text('[profiles.lab]\nuri = "mongodb://127.0.0.1:2"\n')
    found = cli(*at_once, "--profile", "lab", **variables)
    assert (found.exit_code, "127.0.0.1:2" in found.stderr, "127.0.0.1:1" in found.stderr) == (69, True, False)


def test_a_database_in_the_uri_is_the_authentication_source_only(site: Site, cli: Cli) -> None:
    uri = site.server.uri.replace("/?", "/elsewhere?")
    assert uri != site.server.uri
    assert cli("list", "-o", "id", "--name", "vision", uri=uri, PROJECTS_DATABASE=site.name).stdout == f"{ID}\n"
    assert cli("list", "-o", "id", uri=uri).stdout == ""


def test_the_user_is_the_company_s_only_one_else_the_login_name(site: Site) -> None:
    def made_by(name: str, *arguments: str) -> str:
        site.text("create", name, "-d", "x", *arguments, PROJECTS_USER="", LOGNAME="mary")
        return str(site.named(name)["user"])

    assert made_by("one") == "mary"
    site.documents.user.insert_one({"_id": "ann", "company": COMPANY})
    site.documents.user.insert_one({"_id": "eve", "company": "another"})
    assert made_by("two") == "ann"
    site.documents.user.insert_one({"_id": "bob", "company": COMPANY})
    assert made_by("three") == "mary"
    assert made_by("four", "--user", "joe") == "joe"


def test_an_aggregation_has_no_limit_unless_it_is_given(site: Site) -> None:
    def limit(*arguments: str) -> int:
        site.documents.command("profile", 2)
        site.text("metrics", *arguments)
        site.documents.command("profile", 0)
        noted = list(site.documents["system.profile"].find({"command.aggregate": {"$exists": True}}))
        site.documents.drop_collection("system.profile")
        assert noted
        return max(int(one["command"].get("maxTimeMS", 0)) for one in noted)

    site.task(ID, last_metrics=metrics(loss="train"))
    assert limit() == 0
    assert 50_000 < limit("--timeout", "1m") <= 60_000


def test_without_a_journal_there_is_no_record_and_no_lock_and_0_does_not_wait_for_one(site: Site) -> None:
    change = ("update", ID, "--name", "sight")
    holder = {"owner": "x", "by": "ann", "host": "elsewhere", "pid": 1, "command": "projects delete vision"}
    connection = connect(site.server.uri, site.name, shown="", timeout=5)
    with Lease(JournalStore(connection, "projects_cli"), key_of(site.name, COMPANY), holder, 1):
        began = time.monotonic()
        assert site.error(*change, "--lock-wait", "0", status=75)["name"] == "LockHeld"
        assert time.monotonic() - began < 9, "it would wait for 10 seconds"
        assert site.json(*change, "--no-journal")["updated"] == 1
    connection.close()
    assert site.json("history", "--project", ID)["operations"] == []


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
