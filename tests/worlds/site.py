"""A configured site: one database of a real server, what is stored in it, and the command line set to work on it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from projects_cli.config.settings import COMMUNITY_COMPANY
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.database import Database

    from tests.conftest import Cli
    from tests.worlds.world import Deployment

COMPANY = COMMUNITY_COMPANY
OTHER = "another-company"
USER = "the-caller"
LONG_AGO = datetime(2024, 1, 9, 8, tzinfo=UTC)
UNKNOWN = "f" * 32

Document = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """Runs commands on its database, stores what a server would have stored, and looks into it."""

    cli: Cli
    server: Deployment
    name: str

    # --- running commands ---------------------------------------------------------------------------------------------

    def __call__(self, *arguments: str, stdin: str | None = None, **environment: str) -> Any:
        """Run a command on this database; keywords are environment variables."""
        variables = {"PROJECTS_DATABASE": self.name, "PROJECTS_USER": USER, **environment}
        return self.cli(*arguments, uri=self.server.uri, stdin=stdin, **variables)

    def text(self, *arguments: str, stdin: str | None = None, **environment: str) -> str:
        """Return standard output of a command that succeeds."""
        result = self(*arguments, stdin=stdin, **environment)
        assert result.exit_code == 0, result.stderr
        return str(result.stdout)

    def json(self, *arguments: str, stdin: str | None = None, **environment: str) -> Any:
        """Return the document of a command that succeeds with `--json` and prints nothing else."""
        result = self("--json", *arguments, stdin=stdin, **environment)
        assert (result.exit_code, result.stderr) == (0, "")
        return json.loads(result.stdout)

    def error(self, *arguments: str, status: int, stdin: str | None = None, **environment: str) -> Document:
        """Return the error of a command that fails with `--json`: one object on standard error, nothing on the other.

        The database is as it was before.
        """
        before = self.everything()
        result = self("--json", *arguments, stdin=stdin, **environment)
        assert (result.exit_code, result.stdout) == (status, "")
        document: Document = json.loads(result.stderr)
        assert document.keys() == {"error"}
        assert {"code", "subcode", "name", "message", "hint"} <= document["error"].keys()
        assert self.everything() == before
        return dict(document["error"])

    def fault(self, *arguments: str, status: int, stdin: str | None = None) -> tuple[int | None, int | None, str]:
        """Return code, subcode and name of the error."""
        found = self.error(*arguments, status=status, stdin=stdin)
        return found["code"], found["subcode"], found["name"]

    # --- storing ------------------------------------------------------------------------------------------------------

    def project(self, name: str, **fields: Any) -> str:
        """Store a project as a server would have, with the ancestors that it lacks; gives its id."""
        basename = name.rpartition("/")[2]
        company = fields.get("company", COMPANY)
        document: Document = {
            "_id": uuid4().hex,
            "company": company,
            "user": "owner",
            "name": name,
            "basename": basename,
        }
        document |= {"description": "", "created": LONG_AGO, "last_update": LONG_AGO, "tags": [], "system_tags": []}
        document |= {"featured": 9999, "path": []} | self._place(name, company) | fields
        self.documents.project.insert_one(document)
        return str(document["_id"])

    def _place(self, name: str, company: str) -> Document:
        above = name.rpartition("/")[0]
        if not above:
            return {}
        found = self.documents.project.find_one({"name": above, "company": {"$in": [company, COMPANY]}})
        parent = found or self.stored(self.project(above, company=company))
        return {"parent": parent["_id"], "path": [*parent["path"], parent["_id"]]}

    def task(self, project: str | None, **fields: Any) -> str:
        """Store a task of a project."""
        document: Document = {
            "_id": uuid4().hex,
            "company": COMPANY,
            "user": "owner",
            "name": "task",
            "type": "training",
        }
        document |= {"status": "created", "project": project, "tags": [], "system_tags": [], "created": LONG_AGO}
        self.documents.task.insert_one(document | fields)
        return str((document | fields)["_id"])

    def model(self, project: str | None, **fields: Any) -> str:
        """Store a model of a project."""
        document: Document = {
            "_id": uuid4().hex,
            "company": COMPANY,
            "user": "owner",
            "name": "model",
            "project": project,
        }
        document |= {"tags": [], "system_tags": [], "created": LONG_AGO, "uri": "file:///model", "ready": True}
        self.documents.model.insert_one(document | fields)
        return str((document | fields)["_id"])

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def documents(self) -> Database[Document]:
        """The database, for pymongo."""
        return self.server.client[self.name]

    def stored(self, identifier: str) -> Document:
        """Return a project as it is stored."""
        found = self.documents.project.find_one({"_id": identifier})
        assert found is not None
        return found

    def named(self, name: str) -> Document:
        """Return the one project of that name as it is stored."""
        found = list(self.documents.project.find({"name": name}))
        assert len(found) == 1, f"{len(found)} projects are named {name!r}"
        return found[0]

    def names(self) -> list[str]:
        """Return the names of all projects stored, sorted."""
        return sorted(one["name"] for one in self.documents.project.find({}, {"name": 1}))

    def everything(self) -> dict[str, list[Document]]:
        """Return all stored documents, to compare them after a command."""
        return {name: list(self.documents[name].find({}, sort=[("_id", 1)])) for name in ("project", "task", "model")}


@contextmanager
def empty_site(server: Deployment, cli: Cli) -> Iterator[Site]:
    """Yield a site on a database that has its company and nothing else, dropped afterwards."""
    site = Site(cli, server, servers.new_name())
    site.documents.company.insert_one({"_id": COMPANY, "name": "clearml"})
    yield site
    server.drop(site.name)


def metrics(**variants: str) -> Document:
    """Return `last_metrics` as a task has it, of metric=variant."""
    return {
        _hash(metric): {_hash(variant): {"metric": metric, "variant": variant, "value": 0.5}}
        for metric, variant in variants.items()
    }


def _hash(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()
