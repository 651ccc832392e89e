"""The options of `projects update` that depend on what is stored, or that set a field to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.errors import FieldsValueError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from projects_cli.endpoints import Handler
    from projects_cli.messages import Plan, Request
    from projects_cli.store.collections import Store


def edit(
    arguments: Mapping[str, Any],
    *,
    add_tags: Sequence[str] | None,
    remove_tags: Sequence[str] | None,
    clear: Mapping[str, bool],
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the function that completes the request of an update, after a check of the options.

    `arguments` are the fields to set, None if they were not given; `clear` has the fields to set to nothing.

    Raises:
        UsageError: options contradict each other. FieldsValueError: a tag is empty.
    """
    cleared = [field for field, wanted in clear.items() if wanted]
    for field in cleared:
        if arguments[field] is not None:
            raise UsageError(f"{field} can't be both set and cleared")
    if "" in (remove_tags or ()):
        raise FieldsValueError("--remove-tag: a tag must not be empty", hint="remove all tags with --clear-tags")
    if (add_tags or remove_tags) and (arguments["tags"] is not None or "tags" in cleared):
        raise UsageError("--add-tag and --remove-tag go without --tag and --clear-tags")

    def complete(given: dict[str, Any]) -> dict[str, Any]:
        given |= dict.fromkeys(cleared)
        if add_tags or remove_tags:
            given["tags"] = [*(add_tags or ())]  # to be checked like others; `planner` adds the stored tags
        return given

    return complete


def planner(add_tags: Sequence[str] | None, remove_tags: Sequence[str] | None) -> Handler:
    """Return the function that plans an update as the command makes it: only if something changes."""

    def plan(request: Request, store: Store) -> Plan:
        from projects_cli.endpoints import lifecycle, tags  # they import the driver

        if add_tags or remove_tags:
            return tags.edit_tags(request, store, add=add_tags or (), remove=remove_tags or ())
        return lifecycle.update(request, store, skip_unchanged=True)

    return plan
