"""The options of `projects update` that depend on what is stored, or that set a field to nothing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from projects_cli.messages import Plan, Request
    from projects_cli.store.collections import Store


def edit(
    arguments: Mapping[str, Any],
    *,
    add_tags: Sequence[str] | None,
    remove_tags: Sequence[str] | None,
    clear: Mapping[str, bool],
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Give the function that completes the request of an update, once the options go together.

    `arguments` are the fields that are set, null where they are not; `clear` tells which are to be set to nothing.

    Raises:
        UsageError: options contradict each other; nothing was asked of the database yet.
    """
    cleared = [field for field, wanted in clear.items() if wanted]
    for field in cleared:
        if arguments[field] is not None:
            raise UsageError(f"{field} can't be set and cleared at once")
    if (add_tags or remove_tags) and (arguments["tags"] is not None or "tags" in cleared):
        raise UsageError("--add-tag and --remove-tag go without --tag and --clear-tags")

    def complete(given: dict[str, Any]) -> dict[str, Any]:
        given |= dict.fromkeys(cleared)
        if add_tags or remove_tags:
            given["tags"] = [*(add_tags or ())]  # to be checked like others; `tag_editor` adds those there are
        return given

    return complete


def tag_editor(add: Sequence[str] | None, remove: Sequence[str] | None) -> Callable[[Request, Store], Plan] | None:
    """Give the function that plans an update which edits the tags; None where there is nothing to edit."""
    if not add and not remove:
        return None
    from projects_cli.endpoints.tags import edit_tags

    return partial(edit_tags, add=add or (), remove=remove or ())
