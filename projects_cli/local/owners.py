"""The company and the user that every private database has, as a server of its own would have made them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from projects_cli.config.settings import COMMUNITY_COMPANY, login_name

if TYPE_CHECKING:
    from projects_cli.messages import Document


def company(identifier: str) -> Document:
    """Return the document of a company."""
    return {"_id": identifier, "name": "clearml", "defaults": {"stats_option": {"enabled": False}}}


def owners() -> dict[str, Document]:
    """Return the company and its user, by collection; the user is the one at the machine."""
    name = login_name() or "user"
    user = {"_id": name, "company": COMMUNITY_COMPANY, "name": name, "preferences": "", "created": datetime.now(UTC)}
    return {"company": company(COMMUNITY_COMPANY), "user": user}
