"""One update of several projects, as the command makes it: one plan, and one operation in the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from projects_cli.endpoints import hierarchy, lifecycle
from projects_cli.endpoints.tags import plan_edit
from projects_cli.errors import InvalidProjectId, NoWritePermission, Problem
from projects_cli.extended_json import id_text
from projects_cli.messages import Count, Plan, Sample, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store

PROJECTS = 1000
"""Projects that one query reads."""

NAMED = 5
"""Projects that a refusal names."""

FIELDS = dict.fromkeys((*lifecycle.UPDATABLE, "company"), 1)


def update_all(
    request: Request, ids: Sequence[str], store: Store, tags: tuple[Sequence[str], Sequence[str]] | None
) -> Plan[Step]:
    """Plan the same update of several projects; those that have the values already are left out.

    `tags` are those to add and those to remove. If one of the projects can't be changed, none is.

    Raises:
        ServiceError: see `lifecycle.update`.
    """
    lifecycle.check_tags(request.params)
    projects = _own_projects(ids, store)
    if tags is None:
        plans = [lifecycle.plan_for(project, request, store, skip_unchanged=True) for project in projects]
    else:
        plans = [plan_edit(project, request, store, add=tags[0], remove=tags[1]) for project in projects]
    # A project that a server changes meanwhile does not keep the others from being changed.
    steps = [replace(step, essential=False) for plan in plans for step in plan.steps]
    unchanged = sum(not plan.steps for plan in plans)
    sent = {name: value for name, value in plans[0].answer["fields"].items() if name != "tags" or tags is None}
    fields = dict.fromkeys(name for step in steps for name in step.change["$set"] if name != "last_update")
    number = "1 project" if len(steps) == 1 else f"{len(steps)} projects"
    return Plan(
        endpoint=request.endpoint,
        summary=f"update {', '.join(fields)} of {number}"
        if steps
        else "nothing to change: the projects have these values",
        steps=steps,
        answer={"updated": Count("project", "update"), "fields": sent},
        counts={"projects": len(steps)},
        samples=[Sample(id_text(step.filter["_id"]), step.name) for step in steps],
        notes=[f"{unchanged} of {len(plans)} projects have these values already"] if unchanged and steps else [],
        question="yes",
        name=number,
        structural=False,
        computed=tags is not None,
    )


def _own_projects(ids: Sequence[str], store: Store) -> list[Document]:
    """Return the projects with these ids, in their order.

    Raises:
        InvalidProjectId: some do not exist. NoWritePermission: some are public.
    """
    stored: dict[str, Document] = {}
    for start in range(0, len(ids), PROJECTS):
        some = list(ids[start : start + PROJECTS])
        stored |= {project["_id"]: project for project in store.projects.find({"_id": {"$in": some}}, FIELDS)}
    for text, identifier in hierarchy.ids_of_other_types(set(ids) - stored.keys(), store).items():
        project = store.projects.find_one({"_id": identifier}, FIELDS)
        stored |= {text: project} if project else {}
    if missing := [text for text in ids if text not in stored]:
        raise InvalidProjectId(
            f"{len(missing)} of {len(ids)} projects do not exist: {', '.join(map(repr, missing[:NAMED]))}",
            problems=[Problem(text, "there is no project with this id") for text in missing],
        )
    projects = [stored[text] for text in ids]
    if public := [project for project in projects if project["company"] != store.company]:
        names = ", ".join(f"'{hierarchy.shown_name(project)}'" for project in public[:NAMED])
        raise NoWritePermission(
            f"public, so that they can't be changed: {len(public)} of {len(ids)} projects: {names}",
            hint=hierarchy.private_hint(public, store),
        )
    return projects
