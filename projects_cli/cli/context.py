"""What a command needs of the outside world: settings, schema, database and console, each created at its first use."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects_cli.config.resolution import resolve
from projects_cli.config.settings import Settings, login_name
from projects_cli.errors import ProjectsError, UsageError
from projects_cli.render.console import Console
from projects_cli.render.escaping import check_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator

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
"""Prefixes of the variables that hold settings."""

PLACE = frozenset({"uri", "uri_file", "database", "company", "profile"})
"""Settings that choose the database and the company."""


class Context:
    """The outside world of a run. Only this class opens a store."""

    def __init__(self, streams: Streams) -> None:
        """Start with the streams and no flags. The options of the command line are added to `flags`.

        A command for the private database sets `private_is_chosen`: its use is not announced then. A command that only
        reads the journal sets `only_reads_journal`: errors mention only the privilege to read it then. `users` are the
        ids of the users that were looked up or picked, by name or "": a person is asked once, not for each project.
        `company_is_known` is set once the company was found, for all lines of a batch. `made` is the summary of the
        last change that was made: if its answer can't be printed, the error says that it was made.
        """
        self.streams = streams
        self.flags: dict[str, Any] = {}
        self.private_is_chosen = False
        self.only_reads_journal = False
        self.users: dict[str, str] = {}
        self.company_is_known = False
        self.made = ""

    def add_flag(self, setting: str, value: Any) -> None:
        """Add an option of a command that sets a setting, also if the settings were read before, as for the log."""
        self.flags[setting] = value
        # Cached properties: they are read again, with the flag.
        for name in ("settings", "given", "readable"):
            self.__dict__.pop(name, None)

    @cached_property
    def settings(self) -> Settings:
        """Return the settings in effect.

        Raises:
            ConfigError: a setting is invalid.
            UsageError: a variable of this program, or of a ClearML server, is not valid UTF-8.
        """
        for name, value in self.streams.environment.items():
            if name.startswith(VARIABLES):
                check_utf8(value, name)
        try:
            folder = Path.cwd()
        except OSError:  # it was removed: no file is found in a relative path
            folder = Path()
        return resolve(self.flags, self.streams.environment, folder)

    def for_profile(self, name: str) -> Context:
        """Return the context of another profile, which alone names the other database.

        The flags of this run hold for both, except those that choose a database, as do variables.

        Raises:
            ConfigError, UsageError: there is no such profile, or it has no URI.
        """
        kept = {flag: value for flag, value in self.flags.items() if flag not in PLACE}
        variables = {f"PROJECTS_{flag.upper()}" for flag in PLACE} | {"PROJECTS_MONGO_URI"}
        environment = {
            variable: value
            for variable, value in self.streams.environment.items()
            if variable not in variables and not variable.startswith(("CLEARML_", "TRAINS_", "MONGODB_"))
        }
        other = Context(self.streams._replace(environment=environment))
        other.flags = {**kept, "profile": name}
        # From the root folder: a project file below it may name the database of this context.
        other.settings = resolve(other.flags, environment, Path("/"))
        if other.target.uri is None:
            raise UsageError(
                f"the profile {name!r} has no URI", hint=f"projects config set profiles.{name}.uri-file FILE"
            )
        return other

    @cached_property
    def given(self) -> Settings:
        """Return the settings of flags and environment alone, for commands that have to work if a file is invalid."""
        return resolve(self.flags, self.streams.environment, None)

    @cached_property
    def console(self) -> Console:
        """Return the writer of messages."""
        settings = self.readable
        streams = self.streams._replace(colour=not settings.no_color)
        return Console(streams, settings.format, quiet=settings.quiet, shown_progress=settings.progress)

    def open_log(self) -> None:
        """Begin the log, if there is to be one.

        Raises:
            UsageError: the file can't be opened.
        """
        if self.readable.log_file is None:
            return
        from projects_cli.config.redaction import redacted_command
        from projects_cli.process_identity import dated_id
        from projects_cli.render.log import Log

        # The run begins here by this machine's clock, so that all lines of it have the id that the journal has.
        self.console.log = Log(str(self.readable.log_file), f"r{dated_id(utc_now())}")
        self.console.record("info", f"started: {redacted_command(sys.argv)}")

    @cached_property
    def output(self) -> Output:
        """Return the printer of responses."""
        from projects_cli.render.output import Output

        settings = self.readable
        return Output(
            self.console,
            format=self.console.output,
            wide=settings.output == "wide",
            aligned=settings.origins["output"] != "default",
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
        return Prompts(self.console.streams, settings.format, allowed=allowed, production=production)

    @cached_property
    def readable(self) -> Settings:
        """Return the settings; without those of files if a file is invalid; else the defaults, for JSON or a table."""
        for name in ("settings", "given"):
            with suppress(ProjectsError):
                settings: Settings = getattr(self, name)
                return settings
        return resolve({"output": "json"} if self.flags.get("output") == "json" else {}, {}, None)

    @cached_property
    def catalog(self) -> Catalog:
        """Return the schema: the one that `--schema` names, else the shipped one."""
        from projects_cli.schema.cache import load

        catalog = load(self.settings.schema)
        if self.settings.verbose:
            self.console.notice(f"schema: {self.settings.schema or 'the shipped one'}")
        return catalog

    @cached_property
    def store(self) -> Store:
        """Return the collections of the company, for changes."""
        connection = self.connection
        from projects_cli.store.collections import open_store

        return open_store(connection, self.settings.company)

    @cached_property
    def reading(self) -> Store:
        """Return the same collections, read with the read preference: for answers, not for changes."""
        connection = self.connection
        from projects_cli.store.collections import open_store

        return open_store(connection, self.settings.company, reading=True)

    @contextmanager
    def snapshot(self, *, wanted: bool = True) -> Iterator[tuple[Store, bool]]:
        """Yield `reading` as it is at one moment, without a time limit, and whether that is so.

        A standalone has no snapshots, and they may be not `wanted`: then each document is as it is when it is read.
        """
        connection = self.connection
        from projects_cli.store import transactions
        from projects_cli.store.collections import open_store

        with connection.unlimited(), transactions.snapshot(connection, wanted=wanted) as session:
            yield open_store(connection, self.settings.company, session, reading=True), session is not None

    def store_for(self, endpoint: str) -> Store:
        """Return the collections for an endpoint."""
        from projects_cli.endpoints import CHANGES

        return self.store if endpoint in CHANGES else self.reading

    @cached_property
    def target(self) -> Target:
        """Return the database in use, with its origin."""
        from projects_cli.config.connection import target

        return target(self.settings)

    @cached_property
    def connection(self) -> Connection:
        """Connect to the configured database, or to the private one, which is started if necessary."""
        from projects_cli.config.redaction import shown_uri

        target = self.target
        for warning in (*self.settings.warnings, *target.warnings):
            self.console.warn(warning)
        uri = target.uri or self._private_uri()
        shown = shown_uri(target.uri) if target.uri else "the private database"
        if self.settings.verbose:
            self.console.notice(f"database: {shown}, {target.name}; company {self.settings.company}")
        # The driver is slow to import, so this comes last, after the request was validated (docs/performance.md).
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
        """Return the URI of the private server, which is started if necessary.

        It is announced if it is used only because no database is configured.
        """
        from projects_cli.local import server
        from projects_cli.local.paths import server_paths

        if not self.private_is_chosen and not self.settings.quiet:
            words = f"no database is configured: using the private database in {server_paths(self.settings).folder}"
            # Notices are dropped with --json, but a script that runs without its environment must be noticed.
            (self.console.warn if self.console.output == "json" else self.console.notice)(words)
        return server.ensure(self.settings)

    @cached_property
    def runner(self) -> Runner:
        """Return the engine that makes every change."""
        connection = self.connection
        from projects_cli.changes.journal import Author, Run
        from projects_cli.changes.runner import Runner
        from projects_cli.config.redaction import redacted_command
        from projects_cli.store import deployment

        stored: JournalStore | None = None
        if not self.settings.no_journal:
            from projects_cli.store.journal import JournalStore

            stored = JournalStore(connection, self.settings.journal_db, only_read=self.only_reads_journal)
        user = deployment.user(connection)
        run = Run() if self.console.log is None else Run(self.console.log.run)
        return Runner(
            store=self.store,
            stored=stored,
            author=Author(by=login_name() or "?", command=redacted_command(sys.argv), database_user=user, run=run),
            database=self.target.name,
            clock=utc_now,
            lock_wait=self.settings.lock_wait,
            progress=self.console.progress,
        )

    @cached_property
    def unfinished(self) -> tuple[list[Operation], list[str]]:
        """Return the interrupted operations, and why other records can't be read. They are read once in a run."""
        return ([], []) if self.settings.no_journal else self.runner.operations.unfinished()

    @property
    def is_logging(self) -> bool:
        """Return whether a log was begun."""
        return "console" in self.__dict__ and self.console.log is not None

    @property
    def is_connected(self) -> bool:
        """Return whether a connection was made."""
        return "connection" in self.__dict__

    def close(self) -> None:
        """Close the connection, if one was made."""
        if self.is_connected:
            self.connection.close()

    def version(self, endpoint: str, number: str | None = None) -> Version:
        """Return an endpoint in the version with this number, else in that of `--api-version`."""
        return self.catalog.endpoint(endpoint).version(number or self.settings.api_version)


def utc_now() -> datetime:
    """Return the time in UTC, to the millisecond, which is what MongoDB stores."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
