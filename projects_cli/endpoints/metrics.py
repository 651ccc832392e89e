"""The metrics that tasks report: get_unique_metric_variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projects_cli.endpoints import scanning
from projects_cli.endpoints.hierarchy import scope_of
from projects_cli.messages import Response
from projects_cli.store import pipelines

if TYPE_CHECKING:
    from projects_cli.messages import Request
    from projects_cli.store.collections import Store


def get_unique_metric_variants(request: Request, store: Store) -> Response:
    """Every (metric, variant) pair of the tasks in scope, with its hashes, by metric, then variant."""
    pairs = scanning.everything(store.tasks, scope_of(request, store), pipelines.metric_variants())
    metrics = (
        {
            "metric": pair["_id"]["metric"],
            "metric_hash": pair["metric_hash"],
            "variant": pair["_id"]["variant"],
            "variant_hash": pair["variant_hash"],
        }
        for pair in pairs
    )
    return Response(request.endpoint, {"metrics": metrics})
