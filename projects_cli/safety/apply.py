"""Applying a plan, step by step, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from projects_cli.messages import Outcome, Response

if TYPE_CHECKING:
    from projects_cli.messages import Document, Plan, Step
    from projects_cli.store.collections import Store


def apply(plan: Plan, store: Store) -> Response:
    """Make the change, and give the endpoint's response."""
    outcome = Outcome([_take(step, store) for step in plan.steps])
    return Response(plan.endpoint, plan.answer(outcome))


def _take(step: Step, store: Store) -> int:
    """Make one step; gives how many documents it changed."""
    collection = store.named(step.collection)
    if step.action == "insert":
        collection.insert(cast("Document", step.change))
        return 1
    if step.action == "delete":
        return collection.delete(step.filter)
    return collection.update(step.filter, step.change)
