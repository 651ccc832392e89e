"""The builder of a run: settings, schema, database and console, each made when it is first asked for."""

from __future__ import annotations

import sys
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects_cli.config.resolution import resolve
from projects_cli.config.settings import Settings, login_name
from projects_cli.errors import ProjectsError, UnknownCompany, UsageError
from projects_cli.messages import Request
from projects_cli.render.console import Console
from projects_cli.render.escaping import check_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.changes.records import Operation
    from projects_cli.changes.runner import Runner
    from projects_cli.config.connection import Target
    from projects_cli.render.output import Output
    from projects_cli.render.prompts import Prompts
    from projects_cli.render.streams import Streams
    from projects_cli.schema.model import Catalog, Version
    from projects_cli.store.client import Connection
    from projects_cli.store.collections import Store
    from projects_cli.store.journal import JournalStore

VARIABLES = ("PROJECTS_", "CLEARML_", "TRAINS_", "MONGODB_")
"""The beginnings of the names of variables that hold settings."""

WITH_USER = frozenset({"projects.create"})
"""Endpoints that write who called them; only for these the user is looked up."""


class Context:
    """Everything that a command needs of the outside world."""

    def __init__(self, streams: Streams) -> None:
        """Start with the streams and no flags; the options of the command line fill `flags` in.

        A command that is about the private database sets `private_is_chosen`: then its use needs no notice. One that
        only reads the journal sets `only_reads_journal`: then an error asks for no more than that right.
        """
        self.streams = streams
        self.flags: dict[str, Any] = {}
        self.private_is_chosen = False
        self.only_reads_journal = False
        self._owners: dict[str, str] = {}
        self._company_is_known = False

    @cached_property
    def settings(self) -> Settings:
        """Return the settings in effect; a ConfigError is raised at their first use.

        Raises:
            UsageError: a variable of this program, or of a ClearML server, is not valid UTF-8.
        """
        for name, value in self.streams.environment.items():
            if name.startswith(VARIABLES):
                check_utf8(value, name)
        return resolve(self.flags, self.streams.environment, _working_folder())

    @cached_property
    def given(self) -> Settings:
        """Give the settings of flags and environment alone, for what has to work on files that can't be used."""
        return resolve(self.flags, self.streams.environment, None)

    @cached_property
    def console(self) -> Console:
        """Return the writer of messages."""
        settings = self.readable
        return Console(self.streams._replace(colour=not settings.no_color), settings.output, quiet=settings.quiet)

    @cached_property
    def output(self) -> Output:
        """Return the printer of responses."""
        from projects_cli.render.output import Output

        settings = self.readable
        return Output(
            self.console,
            format=settings.output,
            fields=settings.fields or (),
            query=settings.query,
            heading=not settings.no_header,
            csv_safe=settings.csv_safe,
            times=settings.time,
            pager=not settings.no_pager,
        )

    @cached_property
    def prompts(self) -> Prompts:
        """Return the questions to the user."""
        from projects_cli.render.prompts import Prompts

        settings = self.readable
        production = settings.profile if settings.production else None
        allowed = not settings.no_input
        return Prompts(self.console.streams, settings.output, allowed=allowed, production=production)

    @cached_property
    def readable(self) -> Settings:
        """Return the settings, without those of files if a file can't be used, else the defaults in JSON or a table."""
        for name in ("settings", "given"):
            with suppress(ProjectsError):
                settings: Settings = getattr(self, name)
                return settings
        return resolve({"output": "json"} if self.flags.get("output") == "json" else {}, {}, None)

    @cached_property
    def catalog(self) -> Catalog:
        """Give the schema: the shipped one, or what `--schema` names."""
        from projects_cli.schema.cache import load

        catalog = load(self.settings.schema)
        if self.settings.verbose:
            self.console.notice(f"schema: {self.settings.schema or 'the shipped one'}")
        return catalog

    @cached_property
    def store(self) -> Store:
        """Give the collections, as the company may see them."""
        connection = self.connection
        from projects_cli.store.collections import open_store

        return open_store(connection, self.settings.company)

    @cached_property
    def reading(self) -> Store:
        """Give the same collections, read where the read preference says: for answers, not for changes."""
        connection = self.connection
        from projects_cli.store.collections import open_store

        return open_store(connection, self.settings.company, reading=True)

    def store_for(self, endpoint: str) -> Store:
        """Give the collections that an endpoint works on."""
        from projects_cli.endpoints import CHANGES

        return self.store if endpoint in CHANGES else self.reading

    @cached_property
    def target(self) -> Target:
        """Return the database to work on, and where it was named."""
        from projects_cli.config.connection import target

        return target(self.settings)

    @cached_property
    def connection(self) -> Connection:
        """Connect to the site's database, or to the private one, which is started if it does not run."""
        from projects_cli.config.redaction import shown_uri

        target = self.target
        for warning in (*self.settings.warnings, *target.warnings):
            self.console.warn(warning)
        uri = target.uri or self._private_uri()
        shown = shown_uri(target.uri) if target.uri else "the private database"
        if self.settings.verbose:
            self.console.notice(f"database: {shown}, {target.name}; company {self.settings.company}")
        # The driver is slow to import: this comes last, once the request is known to be valid (bars.md).
        from projects_cli.store.client import connect

        return connect(
            uri,
            target.name,
            shown=shown,
            timeout=self.settings.timeout,
            read_preference=self.settings.read_preference,
            warn=self.console.warn,
            notice=self.console.notice,
        )

    def _private_uri(self) -> str:
        """Start the private server unless it runs; announce it if it is used only because nothing is configured."""
        from projects_cli.local import server

        if not self.private_is_chosen and not self.settings.quiet:
            words = f"no database is configured: using the private database in {server.path(self.settings)}"
            # With --json notices are dropped, but a script without its environment must not go unnoticed either.
            (self.console.warn if self.console.output == "json" else self.console.notice)(words)
        return server.ensure(self.settings)

    @cached_property
    def runner(self) -> Runner:
        """Return the entry point for every change."""
        connection = self.connection
        from projects_cli.changes.journal import Author
        from projects_cli.changes.runner import Runner
        from projects_cli.config.redaction import redacted_command
        from projects_cli.store import deployment

        user = deployment.user(connection)
        return Runner(
            store=self.store,
            stored=self._journal_store(),
            author=Author(by=login_name() or "?", command=redacted_command(sys.argv), database_user=user),
            database=self.target.name,
            clock=_now,
            lock_wait=self.settings.lock_wait,
            progress=self.console.progress,
        )

    def _journal_store(self) -> JournalStore | None:
        if self.settings.no_journal:
            return None
        from projects_cli.store.journal import JournalStore

        return JournalStore(self.connection, self.settings.journal_db, only_read=self.only_reads_journal)

    @cached_property
    def interrupted(self) -> list[Operation]:
        """Return the interrupted operations, if there is a journal; looked up once in a run."""
        return [] if self.settings.no_journal else self.runner.operations.interrupted()

    @cached_property
    def unreadable(self) -> list[str]:
        """Return why unfinished records of the journal can't be read; looked up once in a run."""
        return [] if self.settings.no_journal else self.runner.operations.unreadable()

    @property
    def is_connected(self) -> bool:
        """Tell whether a connection was made."""
        return "connection" in self.__dict__

    def close(self) -> None:
        """Close the connection, if one was made."""
        if self.is_connected:
            self.connection.close()

    def version(self, endpoint: str, asked: str | None = None) -> Version:
        """Give an endpoint in the version asked for, else in that of `--api-version`."""
        return self.catalog.version(endpoint, asked or self.settings.api_version)

    def request(
        self, version: Version, params: Mapping[str, Any], user: str | None = None, *, ask: bool = False
    ) -> Request:
        """Return the request of parameters that were validated.

        `user` is the owner of a new project, by name or id; without it, the setting. With `ask` a user at a terminal
        picks the owner if it is uncertain.

        Raises:
            UnknownCompany, UsageError: see `_check_company` and `_owner`.
        """
        _check_unicode(user)
        if version.endpoint in WITH_USER:
            self._check_company()
        return Request(
            endpoint=version.endpoint,
            version=version.number,
            params=params,
            company=self.settings.company,
            user=self._owner(user, ask=ask) if version.endpoint in WITH_USER else user or "",
            now=_now(),
            new_id=_new_id,
        )

    def _check_company(self) -> None:
        """Refuse to create a project for a company that the database does not know, unless `--new-company` is given.

        All other changes are about documents that the company has.

        Raises:
            UnknownCompany: the company has no document of its own, and no project, user or task.
        """
        if self._company_is_known or self.settings.new_company:
            return
        store = self.store
        from projects_cli.store import tenancy

        self._company_is_known = tenancy.is_known(store)
        if self._company_is_known:
            return
        company, source = self.settings.company, self.settings.sources["company"]
        database = f"the database {self.target.name!r}"
        fault = f"the company {company!r} is unknown in {database}: no company document, project, user or task"
        if tenancy.is_empty(store):
            fault = f"{database} has no company, project, user or task"
        origins = [f"--database is set by {self.target.name_source}"] if self.target.name_source else []
        origins += [f"--company is set by {source}"] if source else []
        hint = "; ".join(["see projects status", *origins, "to change it all the same: --new-company"])
        raise UnknownCompany(fault, hint=hint)

    def _owner(self, user: str | None, *, ask: bool) -> str:
        """Return the id of the user that new projects get; each is looked up once in a run.

        Raises:
            UsageError: the user is not Unicode text, or unknown, or it is uncertain which one is meant.
        """
        source = "user" if user else self.settings.sources["user"]
        user = user or self.settings.user or ""
        _check_unicode(user)
        if user not in self._owners:
            self._owners[user] = self._named_owner(user, source) if user else self._default_owner(ask=ask)
        return self._owners[user]

    def _named_owner(self, user: str, source: str) -> str:
        store = self.store
        from projects_cli.endpoints.owner import named_owner

        return named_owner(user, source, store)

    def _default_owner(self, *, ask: bool) -> str:
        login, store = login_name(), self.store
        _check_unicode(login)
        from projects_cli.endpoints.owner import default_owner, some_users

        owner = default_owner(login, store)
        if owner is not None:
            return owner
        if ask and self.prompts.can_pick:
            from projects_cli.cli.project_picker import pick_owner

            return pick_owner(self)
        if users := some_users(store):
            hint = f"name the owner with --user NAME, or in the request of a batch; users: {users}"
            raise UsageError(f"the owner is uncertain: no user has the OS login {login!r} as its id or name", hint=hint)
        raise UsageError("the owner is uncertain: the OS login has no name", hint="name the owner with --user NAME")


def _check_unicode(user: str | None) -> None:
    """Refuse a user that MongoDB could not store.

    Raises:
        UsageError: it is not Unicode text.
    """
    from projects_cli.schema.validate import has_surrogate

    if user and has_surrogate(user):
        raise UsageError(f"the user {user!r} is not Unicode text: it has a lone surrogate")


def _working_folder() -> Path:
    """Return the working folder; one that was removed has no absolute path, and nothing is found in it."""
    try:
        return Path.cwd()
    except OSError:
        return Path()


def _now() -> datetime:
    """Give the time in UTC, to the millisecond that MongoDB keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _new_id() -> str:
    return uuid.uuid4().hex
