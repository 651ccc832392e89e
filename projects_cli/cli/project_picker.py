"""`--interactive`: the projects of a command are picked from a list instead of named."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from projects_cli.errors import ConfirmationNeeded, ProjectNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.cli.context import Context


def with_picked(context: Context, endpoint: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments with the project, or the projects, that the person picks."""
    name = next(name for name in ("project", "ids") if name in arguments)
    if arguments[name]:
        raise UsageError("--interactive picks the project: name none besides")
    found = pick(context, endpoint, several=name == "ids")
    return {**arguments, name: found if name == "ids" else found[0]}


def pick(context: Context, endpoint: str, *, several: bool) -> list[str]:
    """Let the person pick from the projects that the endpoint is for; gives their ids.

    Raises:
        ConfirmationNeeded: there is no terminal to pick at. ProjectNotFound: there is nothing to pick from.
        Declined: the person left.
    """
    if not context.prompts.can_pick:
        raise ConfirmationNeeded("there is nobody to pick a project: that takes a terminal", hint="name the project")
    from projects_cli.endpoints.address import choices

    options = choices(endpoint, context.store_for(endpoint))
    if not options:
        raise ProjectNotFound("there is no project to pick")
    picked = context.prompts.pick(options, title="Projects" if several else "Project", several=several)
    for label in picked.values():
        context.console.notice(f"picked: {label}")
    return list(picked)


def pick_owner(context: Context) -> str:
    """Let the user at the terminal pick the owner of new projects, and show how to keep the choice.

    Raises:
        Declined: the user left.
    """
    from projects_cli.endpoints.owner import choices

    profile = context.settings.profile
    picked = context.prompts.pick(choices(context.store), title="Owner of the project", several=False)
    [(owner, name)] = picked.items()
    key = f"profiles.{profile}.user" if profile else "user"
    context.console.notice(f"owner: {name}; to keep this choice: projects config set {key} {shlex.quote(owner)}")
    return owner
