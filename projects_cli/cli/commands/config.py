"""`projects config`: show and change settings.

Commands that change the file, or only locate it, work even if the file is invalid: they read no setting from it.
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from projects_cli.cli.app import GroupedCommand, command_group
from projects_cli.cli.flow import expect, perform, show
from projects_cli.cli.request import nothing_to_do
from projects_cli.config.redaction import shown_uri
from projects_cli.config.settings import BY_NAME, SETTINGS, is_file, user_config_file
from projects_cli.errors import ConfigError, Declined, UsageError
from projects_cli.messages import Plan, Response

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope
    from projects_cli.config.connection import Target
    from projects_cli.config.editor import Key as SettingKey
    from projects_cli.config.settings import Setting
    from projects_cli.messages import Document

USE_SET = "use: projects config set KEY VALUE"

NEW_FILE = b"""# Settings of `projects`; to list all of them: projects config list
# profile = "work"               # the default profile
#
# [profiles.work]
# uri-file = "~/.config/projects/work.uri"
# production = true              # stricter confirmation: projects help safety
"""
"""What `config edit` shows if there is no configuration yet."""

app = command_group("Show and change settings, with their origins.\n\nExample: projects config list")

Key = Annotated[
    str,
    typer.Argument(metavar="KEY", help="A long option without its dashes; profiles.NAME.KEY in a profile."),
]


@app.command("list", cls=GroupedCommand)
def list_(ctx: typer.Context) -> None:
    """List every setting with its value and the origin of the value.

    Example: projects config list --profile work
    """
    context: Context = ctx.obj
    expect(context, "config.list")
    # The address is resolved once: it may be that of a server's variables or in a file of its own.
    target = _target(context)
    rows = [_effective(context, setting, target) for setting in SETTINGS]
    show(context, Response("config.list", {"settings": rows}))


@app.command(cls=GroupedCommand)
def get(ctx: typer.Context, key: Key) -> None:
    """Print the value of a setting, without secrets.

    Example: projects config get database
    """
    context: Context = ctx.obj
    expect(context, "config.get")
    from projects_cli.config.editor import parse_key, setting_at

    place = parse_key(key)
    # A key of the top shows the value in effect, one of a profile what the file has.
    if place.profile is None:
        setting = BY_NAME.get(key.replace("-", "_")) or setting_at(place)
        row = _effective(context, setting, _target(context) if setting.name in {"uri", "database"} else None)
    else:
        setting = setting_at(place)
        values = user_file(context).profile(place.profile)
        is_set = setting.name in values
        row = {
            "key": str(place),
            "value": printable(values.get(setting.name)),
            "origin": "user file" if is_set else "default",
            "source": f"{user_path(context)} [profiles.{place.profile}]" if is_set else "",
        }
    show(context, Response("config.get", row))


@app.command("set", cls=GroupedCommand)
def set_(
    ctx: typer.Context,
    key: Key,
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="The value; - reads it from standard input, a URI unseen.")
    ],
) -> None:
    """Write a setting into the file. Comments are kept, invalid values are refused.

    Example: projects config set profiles.work.uri-file ~/work.uri
    """
    context: Context = ctx.obj
    expect(context, "config.change")
    from projects_cli.config.editor import parse_key, setting_at

    place = parse_key(key)
    _check_profile_option(context, place.name)
    setting = setting_at(place)
    # A URI may hold a password, so it is read without an echo, and warned of on the command line.
    secret = setting.name == "uri"
    if value == "-":
        line = context.prompts.read_value(f"{place}: ", hidden=secret)
        # The end of the input is not a value: a script whose command failed must not empty a setting.
        if line is None:
            unchanged = {"key": str(place), "value": None, "changed": False, "file": str(user_path(context))}
            nothing_to_do(context, Response("config.change", unchanged))
        value = line
    elif secret and shown_uri(value) != value:
        context.console.warn(f"the shell's history may keep the password; next time: projects config set {key} -")
    change_file(context, place, setting.stored(value, str(place)))


@app.command(cls=GroupedCommand)
def unset(ctx: typer.Context, key: Key) -> None:
    """Remove a setting, or a whole profile (profiles.NAME), from the file.

    Example: projects config unset profiles.work.company
    """
    context: Context = ctx.obj
    expect(context, "config.change")
    from projects_cli.config.editor import parse_key

    place = parse_key(key)
    _check_profile_option(context, place.name)
    change_file(context, place, None)


@app.command(cls=GroupedCommand)
def path(ctx: typer.Context) -> None:
    """Print the path of the file.

    Example: projects config path
    """
    context: Context = ctx.obj
    expect(context, "config.path")
    file = user_path(context)
    context.output.show(Response("config.path", {"path": str(file), "exists": is_file(file)}))


@app.command(cls=GroupedCommand)
def edit(ctx: typer.Context) -> None:
    """Open the file in $VISUAL or $EDITOR, and check it before saving.

    Example: projects config edit
    """
    perform(ctx.obj, Editing())


# --- what `profile` uses too --------------------------------------------------------------------------------------


def user_path(context: Context) -> Path:
    """Return the path of the user's configuration."""
    return user_config_file(context.streams.environment)


def user_file(context: Context) -> Any:
    """Return the content of the user's configuration."""
    from projects_cli.config.files import user_file

    return user_file(user_path(context))


def printable(value: object) -> object:
    """Return a value as JSON: a path as text, whole seconds as an integer, a URI without its password."""
    if isinstance(value, str) and "://" in value:
        return shown_uri(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def change_file(context: Context, key: SettingKey, value: object) -> None:
    """Set a value in the user's configuration, or remove it (None), and report what was changed or would be."""
    context.output.show(perform(context, FileChange(key, value)))


# --- changes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileChange:
    """A setting that gets another value in the file, or that is removed from it (None)."""

    key: SettingKey
    value: object
    view: str = "config.change"
    scope: Scope = "files"

    def plan(self, context: Context) -> Plan[Path]:
        """Return the file as the only step, or no step if it would stay as it is."""
        file = user_path(context)
        # The dry run also checks the changed text, so that an invalid value is refused before anything else.
        return Plan(self.view, f"change {file}", [file] if self._rewrite(file, dry_run=True) else [])

    def preview(self, context: Context, plan: Plan[Path]) -> Response:
        """Return that nothing was changed, and report whether it would be."""
        file = user_path(context)
        context.console.notice(f"would change {file}" if plan.steps else f"{file} already has this value")
        return self._response(file, changed=False)

    def apply(self, context: Context, plan: Plan[Path]) -> Response:
        """Write the file."""
        (file,) = plan.steps
        changed = self._rewrite(file, dry_run=False)
        context.console.notice(f"changed {file}")
        return self._response(file, changed=changed)

    def _rewrite(self, file: Path, *, dry_run: bool) -> bool:
        from projects_cli.config.editor import rewrite, with_value, without

        def edit(text: str) -> str:
            return without(text, self.key) if self.value is None else with_value(text, self.key, self.value)

        return rewrite(file, edit, dry_run=dry_run)

    def _response(self, file: Path, *, changed: bool) -> Response:
        data = {"key": str(self.key), "value": printable(self.value), "changed": changed, "file": str(file)}
        return Response(self.view, data)


@dataclass(frozen=True, slots=True)
class Editing:
    """The file opened in the user's editor."""

    view: str = ""
    scope: Scope = "files"

    def plan(self, context: Context) -> Plan[Path]:
        """Return the file as the only step."""
        file = user_path(context)
        return Plan("config.change", f"edit {file}", [file])

    def preview(self, context: Context, plan: Plan[Path]) -> Response:
        """Report what would be opened, and by which editor."""
        context.console.notice(f"would open {plan.steps[0]} in {_editor(context, USE_SET)}")
        return Response("config.change", {})

    def apply(self, context: Context, plan: Plan[Path]) -> Response:
        """Run the editor on a draft, and replace the file with it once it is valid."""
        from projects_cli.config import editor

        (file,) = plan.steps
        # Compared again when the file is replaced: another process may change it while the editor is open.
        before = editor.current(file)
        draft = editor.draft(file, before or NEW_FILE)
        try:
            # The editor gets a copy: a file that is half written or invalid never takes effect.
            after = _edited(context, draft, file)
            if after == (before or NEW_FILE):
                context.console.notice("nothing was changed")
                return Response("config.change", {})
            editor.replace(file, after, instead_of=before)
        finally:
            draft.unlink(missing_ok=True)
        context.console.notice(f"changed {file}")
        return Response("config.change", {})


# --- private ------------------------------------------------------------------------------------------------------


def _target(context: Context) -> Target | None:
    """Return the database that the settings and the environment name. Warn if one of them is invalid."""
    try:
        return context.target
    except ConfigError as error:
        context.console.warn(error.message)
        return None


def _effective(context: Context, setting: Setting, target: Target | None) -> Document:
    """Return a setting's effective value and its origin, which may be a variable of a ClearML server."""
    settings, name = context.settings, setting.name
    value, origin, source = getattr(settings, name), settings.origins[name], settings.sources[name]
    # What the environment of a ClearML server sets is not a setting of this program, but has its effect.
    if target is not None and origin == "default":
        origin_of_uri = settings.origins["uri_file" if settings.uri_file else "uri"]
        named = "environment" if origin_of_uri == "default" else origin_of_uri
        if name == "database" and target.name_source:
            value, origin, source = target.name, named, target.name_source
        elif name == "uri" and target.uri and not settings.uri_file:
            value, origin, source = target.uri, named, target.source
    return {"key": setting.key, "value": printable(value), "origin": origin, "source": source}


def _check_profile_option(context: Context, name: str | None) -> None:
    """Refuse `--profile`, which could be mistaken for the profile to change; the key alone names that."""
    profile = context.flags.get("profile")
    if profile is not None:
        raise UsageError(
            "--profile chooses the profile in use, not the one to change",
            hint=f"name it in the key: profiles.{profile}.{name or 'KEY'}",
        )


def _edited(context: Context, draft: Path, file: Path) -> bytes:
    """Return the edited draft once it is valid; a user at a terminal may edit it again."""
    from projects_cli.config.editor import check

    while True:
        run_editor(context, draft, hint=USE_SET)
        text = draft.read_bytes()
        try:
            check(text, file)
        except ConfigError as error:
            # A script would get the same mistake again and again.
            if not context.prompts.can_ask:
                raise
            context.console.error(error)
            context.prompts.confirm("Edit it again?")
        else:
            return text


def run_editor(context: Context, draft: Path, *, hint: str) -> None:
    """Run the user's editor on a file; `hint` is what to do where there is none.

    Raises:
        UsageError: there is no editor. Declined: it failed, or removed the file.
    """
    from projects_cli.render.pager import interrupts_left_to_the_child

    editor = _editor(context, hint)
    try:
        with interrupts_left_to_the_child():
            # The variable may have arguments, as in EDITOR="code --wait".
            done = subprocess.run([*shlex.split(editor), str(draft)], check=False)  # noqa: S603 - the user's editor
    except (OSError, ValueError) as error:
        hint = "name another editor: EDITOR=nano"
        raise UsageError(f"cannot start the editor {editor!r}: {error}", hint=hint) from error
    if done.returncode or not draft.exists():
        raise Declined(f"the editor ended with status {done.returncode}: nothing was changed")


def _editor(context: Context, hint: str) -> str:
    """Return the user's editor; without a terminal only a configured one, since `vi` would wait forever.

    Raises:
        UsageError: there is neither.
    """
    environment = context.streams.environment
    editor = environment.get("VISUAL") or environment.get("EDITOR") or ("vi" if context.prompts.can_ask else "")
    if not editor:
        raise UsageError("cannot start an editor without a terminal", hint=hint)
    return editor
