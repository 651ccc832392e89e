"""Edits of a project's tags: some are added, some removed, the others are kept as they are stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from projects_cli.endpoints import hierarchy, lifecycle
from projects_cli.errors import FieldsValueError
from projects_cli.store.bson_codec import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.messages import Document, Plan, Request, Step
    from projects_cli.store.collections import Store


def edit_tags(request: Request, store: Store, *, add: Sequence[str], remove: Sequence[str]) -> Plan[Step]:
    """Plan the update of a project whose stored tags are kept, but for those that are added and removed.

    The change is made only if the tags are still as they were read. Otherwise it is planned again. Stored tags are not
    checked: another tool may have stored what this one refuses.

    Raises:
        ServiceError: see `lifecycle.update`.
    """
    lifecycle.check_tags(request.params)
    project = hierarchy.writable_project(request.params["project"], store)
    return plan_edit(project, request, store, add=add, remove=remove)


def plan_edit(
    project: Document, request: Request, store: Store, *, add: Sequence[str], remove: Sequence[str]
) -> Plan[Step]:
    """Plan the edit likewise, of a project that was read already, by a request whose tags were checked.

    Raises:
        ServiceError: see `lifecycle.update`; or a stored tag is not UTF-8 text.
    """
    stored = project.get("tags")
    single = [] if stored is None or stored == "" else [stored]  # stored without a list
    kept = [tag for tag in (stored if isinstance(stored, list) else single) if tag not in remove]
    if any(isinstance(tag, str) and UNREADABLE in tag for tag in kept):
        raise FieldsValueError(
            f"tags of '{hierarchy.shown_name(project)}': a stored tag is not UTF-8 text, and would be lost",
            hint="set them all: --tag TAG",
        )
    edited = request._replace(params={**request.params, "tags": [*kept, *add]})
    plan = lifecycle.plan_for(project, edited, store, skip_unchanged=True)
    if not plan.steps:
        return plan
    # The tags are computed from the stored ones: a change of these in between must not be lost.
    own = replace(plan.steps[0], expects={"tags": stored})
    return replace(plan, steps=[own, *plan.steps[1:]], computed=True)
