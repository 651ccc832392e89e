"""Show a plan: its response in a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.extended_json import id_text
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.messages import Document, Plan, Step


def described(plan: Plan[Step]) -> Response:
    """Return the whole plan as a response: what it touches, and each step with its filter and change."""
    names = {sample.id: sample.name for sample in plan.samples}
    return Response(
        "plan",
        {
            "plan": plan.summary,
            "endpoint": plan.endpoint,
            "counts": dict(plan.counts),
            "samples": [{"id": sample.id, "name": sample.name} for sample in plan.samples],
            "notes": list(plan.notes),
            "steps": [_described(step, names) for step in plan.steps],
        },
    )


def _described(step: Step, names: dict[str, str]) -> Document:
    identifier = step.filter.get("_id")
    single = id_text(identifier) if step.collection == "project" else None
    return {
        "action": step.action,
        "collection": step.collection,
        "documents": step.count,
        "id": single,
        "name": names.get(single) if single else None,
        "why": step.why,
        "filter": step.filter,
        "change": step.change,
    }
