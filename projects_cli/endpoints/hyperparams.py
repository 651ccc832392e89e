"""The hyper-parameters that tasks use: get_hyper_parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from projects_cli.endpoints import scanning
from projects_cli.endpoints.hierarchy import scope_of
from projects_cli.messages import Response
from projects_cli.store import pipelines

if TYPE_CHECKING:
    from projects_cli.messages import Request
    from projects_cli.store.collections import Store

_ESCAPED = re.compile("%(%|2E|24|_)")
_MEANING = {"%": "%", "2E": ".", "24": "$", "_": "_"}


def get_hyper_parameters(request: Request, store: Store) -> Response:
    """Every (section, name) pair that tasks use, in stored order, shown unescaped, with true totals."""
    pairs = [
        pair["_id"]
        for pair in scanning.everything(store.tasks, scope_of(request, store), pipelines.distinct_parameters())
    ]
    size = max(1, request.params["page_size"])
    start = max(0, request.params["page"]) * size
    shown = [
        {"section": unescaped(pair["section"]), "name": unescaped(pair["name"])} for pair in pairs[start : start + size]
    ]
    remaining = max(0, len(pairs) - start - size)
    return Response(request.endpoint, {"parameters": shown, "remaining": remaining, "total": len(pairs)})


def unescaped(key: str) -> str:
    """Give a key as people wrote it (data-model.md, `task`: `%%`, `%2E`, `%24` and `%_` stand for `% . $ _`)."""
    return _ESCAPED.sub(lambda match: _MEANING[match.group(1)], key)
