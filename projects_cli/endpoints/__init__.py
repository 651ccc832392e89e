"""The endpoints of the service, one function each; `HANDLERS` has the module of each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from projects_cli.errors import EndpointNotImplemented

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects_cli.messages import Plan, Request, Step
    from projects_cli.store.collections import Store

    Handler = Callable[[Request, Store], Any]
    """Returns a Response, or the Plan of a change."""

HANDLERS: dict[str, str] = {
    "projects.create": "lifecycle",
    "projects.get_by_id": "catalog",
    "projects.get_all": "catalog",
    "projects.get_all_ex": "catalog",
    "projects.update": "lifecycle",
    "projects.delete": "deletion",
    "projects.validate_delete": "deletion",
    "projects.move": "relocation",
    "projects.merge": "relocation",
    "projects.get_unique_metric_variants": "distinct_values",
    "projects.get_hyper_parameters": "distinct_values",
    "projects.get_hyperparam_values": "distinct_values",
    "projects.get_model_metadata_keys": "distinct_values",
    "projects.get_model_metadata_values": "distinct_values",
    "projects.get_task_tags": "distinct_tags",
    "projects.get_model_tags": "distinct_tags",
    "projects.get_project_tags": "distinct_tags",
    "projects.get_task_parents": "references",
    "projects.get_user_names": "references",
    "projects.make_public": "visibility",
    "projects.make_private": "visibility",
}
"""Endpoint -> its module in this package, imported on use; the function has the endpoint's name."""

CHANGES = frozenset(
    f"projects.{name}" for name in ("create", "update", "delete", "move", "merge", "make_public", "make_private")
)
"""Endpoints that return a plan: they must read what is stored now, never what a lagging secondary has."""


def handler(endpoint: str) -> Handler:
    """Return the function of an endpoint.

    Raises:
        EndpointNotImplemented: a loaded schema may have endpoints that this program lacks.
    """
    module = HANDLERS.get(endpoint)
    if module is None:
        raise EndpointNotImplemented(
            f"{endpoint} is in the schema, but this program does not implement it",
            hint="see what it does implement: projects schema",
        )
    function: Handler = getattr(import_module(f"{__name__}.{module}"), endpoint.partition(".")[2])
    return function


class Call(NamedTuple):
    """A call of a changing endpoint: it can be planned at any time, and again."""

    request: Request

    def plan(self, store: Store) -> Plan[Step]:
        """Return the endpoint's plan.

        Raises:
            ServiceError: the endpoint refuses the request.
        """
        plan: Plan[Step] = handler(self.request.endpoint)(self.request, store)
        return plan
