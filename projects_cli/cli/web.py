"""Addresses of projects in the ClearML web UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projects_cli.errors import UsageError

if TYPE_CHECKING:
    from projects_cli.cli.context import Context


def web_url(context: Context) -> str:
    """Return the address of the web UI, without a slash at its end.

    Raises:
        UsageError: it is not configured.
    """
    url = context.settings.web_url
    if url is None:
        raise UsageError(
            "--web: the address of the web UI is not configured",
            hint="set PROJECTS_WEB_URL, or: projects config set web-url https://app.example.com",
        )
    return url


def address(url: str, identifier: Any) -> str:
    """Return the address of a project's page."""
    from urllib.parse import quote

    from projects_cli.extended_json import id_text

    return f"{url}/projects/{quote(id_text(identifier), safe='')}"
