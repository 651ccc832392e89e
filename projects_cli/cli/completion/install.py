"""What `projects completion` does: it prints the file for a shell, or puts it where that shell looks for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from projects_cli.cli.flow import show
from projects_cli.errors import UsageError
from projects_cli.messages import Response
from projects_cli.private_files import replace, xdg_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.cli.context import Context

FOLDERS = (Path(__file__).with_name("files"), Path(__file__).resolve().parents[3] / "completions")
"""Where the files are: in an installed package, in a checkout."""

MARK = "completion for projects:"
"""In the first two lines of our own files: any other file is not replaced."""


class Shell(StrEnum):
    """A shell that a completion file is there for."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


@dataclass(frozen=True, slots=True)
class Place:
    """The file for a shell, where it goes (below the folder that a variable names), and what is left to do.

    `home` is that folder where the variable is not set, below the person's own.
    """

    source: str
    variable: str
    home: str
    below: str
    next: str


PLACES: dict[Shell, Place] = {
    Shell.bash: Place(
        "projects.bash",
        "XDG_DATA_HOME",
        ".local/share",
        "bash-completion/completions/projects",
        "open a new shell; it needs the package bash-completion",
    ),
    Shell.zsh: Place(
        "_projects",
        "XDG_DATA_HOME",
        ".local/share",
        "zsh/site-functions/_projects",
        "in ~/.zshrc, before compinit: fpath+=({folder})",
    ),
    Shell.fish: Place(
        "projects.fish", "XDG_CONFIG_HOME", ".config", "fish/completions/projects.fish", "open a new shell"
    ),
}


def complete(context: Context, shell: Shell, *, install: bool) -> None:
    """Print the file for a shell, or install it and tell where; no other file is touched."""
    text = _shipped(PLACES[shell].source)
    if install:
        show(context, Response("completion", _installed(context, shell, text)))
    else:
        context.streams.stdout.write(text)


def _shipped(name: str) -> str:
    found = next(folder / name for folder in FOLDERS if (folder / name).is_file())
    return found.read_text("utf-8")


def _installed(context: Context, shell: Shell, text: str) -> Mapping[str, str]:
    """Put the file in its place, unless it is there already or nothing is to be done."""
    place = PLACES[shell]
    path = Path(xdg_folder(context.streams.environment, place.variable, place.home), place.below)
    target = path.resolve()  # a person may keep such files elsewhere, and a link to them here
    there = _content(target)
    state = "there already"
    if there != text:
        if there is not None and MARK not in "".join(there.splitlines()[:2]):
            raise UsageError(f"{path} is there, and not made by this program", hint="move it away first")
        state = "would be written" if context.settings.dry_run else "written"
        if not context.settings.dry_run:
            target.parent.mkdir(parents=True, exist_ok=True)
            replace(str(target), text.encode())
            target.chmod(0o644)
    following = place.next.format(path=path, folder=path.parent)
    return {"shell": str(shell), "path": str(path), "state": state, "next": following}


def _content(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return None
