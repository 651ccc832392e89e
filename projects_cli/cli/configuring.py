"""What the commands about the configuration do: `config` and `profile`.

What changes the file, or only finds it, works on a file that can't be used too: it asks for no setting that files have.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects_cli.cli.flow import expect, show
from projects_cli.cli.request import nothing_to_do
from projects_cli.config.connection import shown_uri
from projects_cli.config.settings import BY_NAME, SETTINGS, is_there, user_config_file
from projects_cli.errors import ConfigError, Declined, UsageError
from projects_cli.messages import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projects_cli.cli.context import Context
    from projects_cli.config.connection import Target
    from projects_cli.config.settings import Setting, Settings
    from projects_cli.messages import Document

_BEGINNING = b"""# Settings of `projects`; what can be set, and what holds: projects config list
# profile = "work"               # the profile to use where nothing else chooses one
#
# [profiles.work]
# uri-file = "~/.config/projects/work.uri"
# production = true              # asked more carefully
"""
"""What a person finds who edits a configuration that is not there yet."""


# --- looking ------------------------------------------------------------------------------------------------------


def list_settings(context: Context) -> None:
    """Show every setting, and where its value comes from."""
    expect(context, "config.list")
    found = _target(context)
    rows = [_row(context.settings, setting, found) for setting in SETTINGS]
    show(context, Response("config.list", {"settings": rows}))


def get_setting(context: Context, key: str) -> None:
    """Show one setting: the value that holds, or what a profile says."""
    expect(context, "config.get")
    from projects_cli.config.writing import key_of, setting_at

    place = key_of(key)
    if place.profile is not None:
        setting = setting_at(place)
        values = _file(context).profile(place.profile)
        source = f"{_path(context)} [profiles.{place.profile}]" if setting.name in values else ""
        origin = "user file" if source else "default"
        row = {"key": str(place), "value": _shown(values.get(setting.name)), "origin": origin, "source": source}
    else:
        found = BY_NAME.get(key.replace("-", "_"))
        setting = found or setting_at(place)
        row = _row(context.settings, setting, _target(context) if setting.name in {"uri", "database"} else None)
    show(context, Response("config.get", row))


def show_path(context: Context) -> None:
    """Print the path of the configuration, and whether it is there."""
    expect(context, "config.path")
    path = _path(context)
    context.console.show(Response("config.path", {"path": str(path), "exists": is_there(path)}))


def _target(context: Context) -> Target | None:
    """Return the database that the settings and the environment name; warn if one of them cannot be used."""
    try:
        return context.target
    except ConfigError as error:
        context.console.warn(error.message)
        return None


def _row(settings: Settings, setting: Setting, target: Target | None) -> Document:
    value, origin, source = (
        getattr(settings, setting.name),
        settings.origins[setting.name],
        settings.sources[setting.name],
    )
    if target is not None and origin == "default":
        origin_of_uri = settings.origins["uri_file" if settings.uri_file else "uri"]
        named = "environment" if origin_of_uri == "default" else origin_of_uri
        if setting.name == "database" and target.name_source:
            value, origin, source = target.name, named, target.name_source
        elif setting.name == "uri" and target.uri and not settings.uri_file:
            value, origin, source = target.uri, named, target.source
    return {"key": setting.key, "value": _shown(value), "origin": origin, "source": source}


def _shown(value: object) -> object:
    """Give a value as it may be shown: a path as text, whole seconds as such, a URI without its secrets."""
    if isinstance(value, str) and "://" in value:
        return shown_uri(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def _path(context: Context) -> Path:
    return user_config_file(context.streams.environment)


def _file(context: Context) -> Any:
    from projects_cli.config.files import user_file

    return user_file(_path(context))


# --- changing -----------------------------------------------------------------------------------------------------


def set_value(context: Context, key: str, value: str) -> None:
    """Write a setting into the file; `-` reads the value from standard input."""
    expect(context, "config.change")
    from projects_cli.config.writing import as_stored, key_of, setting_at, with_value

    place = key_of(key)
    _check_no_profile(context, place.name)
    setting = setting_at(place)
    secret = setting.name == "uri"
    if value == "-":
        read = context.console.line(f"{place}: ", hidden=secret)
        if read is None:
            unchanged = {"key": str(place), "value": None, "changed": False, "file": str(_path(context))}
            nothing_to_do(context, Response("config.change", unchanged))
        value = read
    elif secret and shown_uri(value) != value:
        context.console.warn(f"the shell's history may keep the password; next time: projects config set {key} -")
    stored = as_stored(setting, value, str(place))
    changed = _rewrite(context, lambda text: with_value(text, place, stored))
    _tell(context, str(place), stored, changed=changed)


def unset_value(context: Context, key: str) -> None:
    """Take a setting, or a whole profile, out of the file."""
    expect(context, "config.change")
    from projects_cli.config.writing import key_of, without

    place = key_of(key)
    _check_no_profile(context, place.name)
    changed = _rewrite(context, lambda text: without(text, place))
    _tell(context, str(place), None, changed=changed)


def _check_no_profile(context: Context, name: str | None) -> None:
    """Refuse `--profile` where it could be meant as the profile to change; there is one way to name that."""
    chosen = context.flags.get("profile")
    if chosen is not None:
        raise UsageError(
            "--profile says which profile is used, not which is changed",
            hint=f"name it in the key: profiles.{chosen}.{name or 'KEY'}",
        )


def _rewrite(context: Context, change: Callable[[str], str]) -> bool:
    from projects_cli.config.writing import rewrite

    return rewrite(_path(context), change, dry_run=context.given.dry_run)


def _tell(context: Context, key: str, value: object, *, changed: bool) -> None:
    """Say what was changed, or would be."""
    path = _path(context)
    if context.given.dry_run:
        context.console.notice(f"would change {path}" if changed else f"{path} is like that already")
    else:
        context.console.notice(f"changed {path}" if changed else f"{path} was like that already")
    done = changed and not context.given.dry_run
    answer = {"key": key, "value": _shown(value), "changed": done, "file": str(path)}
    context.console.show(Response("config.change", answer))


# --- the editor ---------------------------------------------------------------------------------------------------


def edit(context: Context) -> None:
    """Open the file in the person's editor; what comes back is checked before it takes the file's place."""
    from projects_cli.config import writing

    path = _path(context)
    if context.given.dry_run:
        context.console.notice(f"would open {path} in {_editor(context)}")
        return
    before = writing.current(path)
    draft = writing.draft(path, before or _BEGINNING)
    try:
        after = _edited(context, draft, path)
        if after == (before or _BEGINNING):
            context.console.notice("nothing was changed")
            return
        writing.replace(path, after, instead_of=before)
    finally:
        draft.unlink(missing_ok=True)
    context.console.notice(f"changed {path}")


def _edited(context: Context, draft: Path, path: Path) -> bytes:
    """Give what the person made of the draft, once it can be used; they may try again, or give up."""
    from projects_cli.config.writing import check

    while True:
        _run_editor(context, draft)
        text = draft.read_bytes()
        try:
            check(text, path)
        except ConfigError as error:
            if not context.console.can_ask:
                raise
            context.console.error(error)
            context.console.ask("Edit it again?")
        else:
            return text


def _run_editor(context: Context, file: Path) -> None:
    editor = _editor(context)
    try:
        with _interrupts_left_to_the_child():
            ended = subprocess.run([*shlex.split(editor), str(file)], check=False)  # noqa: S603 - the person's own editor
    except (OSError, ValueError) as error:
        raise UsageError(f"the editor {editor!r} can't be started: {error}", hint="name one: EDITOR=nano") from error
    if ended.returncode or not file.exists():
        raise Declined(f"the editor ended with status {ended.returncode}: nothing was changed")


def _editor(context: Context) -> str:
    """Name the person's editor; without a terminal one that they have chosen, since `vi` would wait for ever.

    Raises:
        UsageError: there is neither.
    """
    environment = context.streams.environment
    editor = environment.get("VISUAL") or environment.get("EDITOR") or ("vi" if context.console.can_ask else "")
    if not editor:
        raise UsageError("there is no terminal for an editor", hint="use: projects config set KEY VALUE")
    return editor


@contextmanager
def _interrupts_left_to_the_child() -> Iterator[None]:
    """Let Ctrl-C be a key of the editor: a handler that does nothing is, unlike "ignore", not inherited by it."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --- profiles -----------------------------------------------------------------------------------------------------


def list_profiles(context: Context) -> None:
    """Show the profiles of the configuration; the one in use is marked."""
    expect(context, "profile.list")
    file = _file(context)
    rows = [_profile_row(context, name, file.profile(name)) for name in sorted(file.tables)]
    show(context, Response("profile.list", {"profiles": rows}))


def show_profile(context: Context, name: str | None) -> None:
    """Show what a profile says: the one named, else the one in use."""
    expect(context, "profile.show")
    chosen = name or context.settings.profile
    if chosen is None:
        raise UsageError("no profile is in use", hint="name one: projects profile list")
    values = _file(context).profile(chosen)
    rows = [{"key": BY_NAME[one].key, "value": _shown(value)} for one, value in values.items()]
    show(context, Response("profile.show", {"profile": chosen, "settings": rows}))


def use_profile(context: Context, name: str) -> None:
    """Make a profile the default, and tell where something stronger chooses another one."""
    from projects_cli.config.writing import Key, with_value

    file = _file(context)
    file.profile(name)
    changed = _rewrite(context, lambda text: with_value(text, Key(None, "profile"), name))
    _tell(context, "profile", name, changed=changed)
    stronger = context.settings.sources["profile"]
    if context.settings.profile != name and not context.given.dry_run:
        context.console.warn(f"{stronger} chooses {context.settings.profile!r} here, which is stronger")


def _profile_row(context: Context, name: str, values: Document) -> Document:
    return {
        "name": name,
        "in_use": name == context.settings.profile,
        "production": values.get("production", False),
        "uri": _shown(values.get("uri")),
        "uri_file": _shown(values.get("uri_file")),
        "database": values.get("database"),
        "company": values.get("company"),
    }
