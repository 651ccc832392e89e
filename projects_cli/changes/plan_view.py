"""Show a plan: its response in a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.extended_json import compact, id_text
from projects_cli.messages import Response

if TYPE_CHECKING:
    from projects_cli.messages import Document, Plan, Step


def described(plan: Plan[Step]) -> Response:
    """Return the whole plan as a response: what it touches, and each step with its filter and change."""
    names = {sample.id: sample.name for sample in plan.samples}
    steps: list[Document] = []
    for step in plan.steps:
        single = id_text(step.filter.get("_id")) if step.collection == "project" and step.tags is None else None
        described: Document = {
            "action": step.action,
            "collection": step.collection,
            "documents": step.count,
            "id": single,
            "name": (step.name or names.get(single)) if single else None,
            "why": ": ".join(filter(None, (step.why, _differences(step)))),
            "filter": step.filter,
            "change": step.change,
        }
        steps.append(described | ({"before": step.old} if step.old else {}))
    return Response(
        "plan",
        {
            "plan": plan.summary,
            "endpoint": plan.endpoint,
            "counts": dict(plan.counts),
            "samples": [{"id": sample.id, "name": sample.name} for sample in plan.samples],
            "notes": list(plan.notes),
            "steps": steps,
        },
    )


SHOWN = 60
"""Characters of a value that the reason of a step shows; the change and the old values have all of it."""


def _differences(step: Step) -> str:
    """Return the old and the new value of each field that changes: `description: old → new`."""
    if step.tags is not None:
        return " ".join([*(f"-{tag}" for tag in sorted(step.tags.remove)), *(f"+{tag}" for tag in step.tags.add)])
    new = step.change.get("$set", {})
    return "; ".join(f"{name}: {_shortened(old)} → {_shortened(new.get(name))}" for name, old in step.old.items())


def _shortened(value: object) -> str:
    text = "none" if value is None or value == [] else "''" if value == "" else compact(value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        text = ", ".join(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
