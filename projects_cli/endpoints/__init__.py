"""What each endpoint of the service means; `HANDLERS` finds one by its name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from projects_cli.errors import EndpointNotImplemented

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.messages import Plan, Request, Response
    from projects_cli.store.collections import Store

    Handler = Callable[[Request, Store], Response | Plan]

HANDLERS: dict[str, str] = {
    "projects.create": "lifecycle",
    "projects.get_by_id": "catalog",
    "projects.get_all": "catalog",
    "projects.get_all_ex": "catalog",
    "projects.update": "lifecycle",
    "projects.delete": "lifecycle",
    "projects.get_unique_metric_variants": "distinct_values",
    "projects.get_hyper_parameters": "distinct_values",
    "projects.get_task_tags": "distinct_values",
    "projects.get_model_tags": "distinct_values",
    "projects.make_public": "visibility",
    "projects.make_private": "visibility",
}
"""Endpoint -> the module of this room that has it, loaded on use; the function is named as the endpoint."""

CHANGES = frozenset(f"projects.{name}" for name in ("create", "update", "delete", "make_public", "make_private"))
"""Endpoints that give a plan: what they read has to be what is stored now, never what a lagging secondary has."""


def handler(endpoint: str) -> Handler:
    """Give the function of an endpoint.

    Raises:
        EndpointNotImplemented: a loaded schema may have endpoints that this program lacks.
    """
    module = HANDLERS.get(endpoint)
    if module is None:
        raise EndpointNotImplemented(
            f"{endpoint} is in the schema, but this program does not implement it",
            hint="see what it does implement: projects schema",
        )
    found: Handler = getattr(import_module(f"{__name__}.{module}"), endpoint.partition(".")[2])
    return found
