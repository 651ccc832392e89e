"""`projects completion`: print the completion file of a shell, or install it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from projects_cli.cli.app import TYPER_OPTIONS, GroupedCommand
from projects_cli.cli.flow import perform, show
from projects_cli.errors import UsageError
from projects_cli.messages import Plan, Response
from projects_cli.private_files import replace, xdg_folder

if TYPE_CHECKING:
    from projects_cli.cli.context import Context
    from projects_cli.cli.flow import Scope

FOLDERS = (
    Path(__file__).parents[1] / "completion" / "files",
    Path(__file__).resolve().parents[3] / "completions",
)
"""Folders of the completion files: in an installed package, in a checkout."""

MARK = "completion for projects:"
"""In the first two lines of our own files. Any other file is not replaced."""


class Shell(StrEnum):
    """A supported shell."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


class Location(NamedTuple):
    """Where a shell looks for completions: `path` below the folder in `variable`, or `default` below the home."""

    source: str
    variable: str
    default: str
    path: str
    next: str


LOCATIONS: dict[Shell, Location] = {
    Shell.bash: Location(
        "projects.bash",
        "XDG_DATA_HOME",
        ".local/share",
        "bash-completion/completions/projects",
        "open a new shell; the package bash-completion is required",
    ),
    Shell.zsh: Location(
        "_projects",
        "XDG_DATA_HOME",
        ".local/share",
        "zsh/site-functions/_projects",
        "in ~/.zshrc, before compinit: fpath+=({folder})",
    ),
    Shell.fish: Location(
        "projects.fish", "XDG_CONFIG_HOME", ".config", "fish/completions/projects.fish", "open a new shell"
    ),
}

app = typer.Typer(**TYPER_OPTIONS)


@app.command(cls=GroupedCommand)
def completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    install: Annotated[
        bool, typer.Option("--install", help="Write the file to the shell's folder, and print its path.")
    ] = False,
) -> None:
    """Print or install the file for a shell's completion of commands, options and names.

    Names of projects and tags come from a cache that a background process fills. TAB never waits for the database, so
    the first TAB may offer no names.

    Example: projects completion bash --install
    """
    context: Context = ctx.obj
    if install:
        show(context, perform(context, Installation(shell)))
    else:
        context.streams.stdout.write(_shipped(shell))


def _shipped(shell: Shell) -> str:
    source = LOCATIONS[shell].source
    return next(folder / source for folder in FOLDERS if (folder / source).is_file()).read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Installation:
    """The completion file in the folder where the shell looks for it. No other file is touched."""

    shell: Shell
    view: str = "completion"
    scope: Scope = "files"

    def path(self, context: Context) -> Path:
        """Return the path of the file."""
        location = LOCATIONS[self.shell]
        return Path(xdg_folder(context.streams.environment, location.variable, location.default), location.path)

    def plan(self, context: Context) -> Plan[Path]:
        """Return the file as the only step if it is missing or outdated.

        Raises:
            UsageError: there is a file of another origin.
        """
        path = self.path(context)
        target = path.resolve()  # users who keep such files elsewhere have a link here
        current = target.read_text("utf-8", "replace") if target.exists() else None
        # A file of an older release is ours too, and replaced.
        outdated = current != _shipped(self.shell)
        if outdated and current is not None and MARK not in "".join(current.splitlines()[:2]):
            raise UsageError(f"{path} exists and was not created by this program", hint="move it away first")
        return Plan(self.view, f"write {path}", [target] if outdated else [])

    def preview(self, context: Context, plan: Plan[Path]) -> Response:
        """Return whether the file would be written."""
        return self._response(context, "would be written" if plan.steps else "unchanged")

    def apply(self, context: Context, plan: Plan[Path]) -> Response:
        """Write the file."""
        (target,) = plan.steps
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(str(target), _shipped(self.shell).encode())
        # Like any other completion file: `replace` creates private files.
        target.chmod(0o644)
        return self._response(context, "written")

    def _response(self, context: Context, state: str) -> Response:
        path = self.path(context)
        following = LOCATIONS[self.shell].next.format(folder=path.parent)
        data = {"shell": str(self.shell), "path": str(path), "state": state, "next": following}
        return Response(self.view, data)
