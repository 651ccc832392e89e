"""`--dry-run` and `--read-only` with the commands of the private server: its data is kept, and it runs on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests import servers

if TYPE_CHECKING:
    from tests.conftest import Cli
    from tests.local.conftest import Private


def test_the_private_database_is_unchanged(private: Private, cli: Cli) -> None:
    variables = {"PROJECTS_LOCAL_DIR": str(private.folder)}
    variables |= {"PROJECTS_MONGOD": servers.MONGOD} if servers.MONGOD else {}

    def local(*arguments: str, status: int = 0) -> Any:
        done = cli("local", *arguments, "--json", **variables)
        assert done.exit_code == status, done.stderr
        return json.loads(done.stdout or done.stderr)

    def names() -> str:
        return str(cli("list", "-o", "id", **variables).stdout)

    assert local("start", "--dry-run")["running"] is False
    assert not private.folder.exists()
    pid = local("start")["pid"]
    assert local("start", "--dry-run")["pid"] == pid
    assert local("stop", "--dry-run") == {"stopped": False}
    would = local("sample", "--dry-run", "--read-only")
    assert would["missing"]["project"] > 50
    assert set(would["added"].values()) == {0}
    assert local("sample", "--read-only", status=4)["error"]["name"] == "ReadOnly"
    assert names() == ""
    assert local("sample")["added"] == would["missing"]
    loaded = names()
    assert len(loaded.splitlines()) > 50
    assert local("reset", "--yes", "--dry-run", "--read-only")["removed"] is False
    assert local("reset", "--yes", "--read-only", status=4)["error"]["name"] == "ReadOnly"
    assert (local("status")["pid"], names()) == (pid, loaded)
