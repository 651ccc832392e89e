"""Documents of several companies for exports and imports, some of whose bytes decoding would lose."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import bson
from bson.raw_bson import RawBSONDocument

from tests.worlds.site import COMPANY, OTHER

if TYPE_CHECKING:
    from tests.worlds.site import Site


def fill(site: Site) -> str:
    """Store a tree with tasks and models, and projects of others; return the id of its root."""
    vision = site.project("vision", tags=["a"])
    deep = site.project("vision/detection/deep", description="\x1b[31mé")
    audio = site.project("audio", company="", company_origin=COMPANY)
    site.project("foreign", company=OTHER)
    site.project("example", company="", company_origin=OTHER)
    parent = site.task(vision, name="first")
    site.task(deep, name="second", parent=parent, models={"input": [{"name": "m", "model": "m" * 32}], "output": []})
    site.task(None, name="homeless")
    site.task(vision, name="foreign", company=OTHER)
    site.task(audio, name="shown", company="", company_origin=COMPANY)
    site.model(deep, name="net", _id="m" * 32, task=parent)
    return vision


def odd_task(site: Site, project: str) -> None:
    """Store a task with a date beyond Python's, a repeated field, and text that is not UTF-8."""
    odd = bson.encode(
        {"_id": "odd", "company": COMPANY, "user": "u", "project": project, "when": bson.DatetimeMS(2**60)}
    )
    extra = b"\x02name\0" + struct.pack("<i", 3) + b"a\xff\0" + b"\x10n\0\1\0\0\0" + b"\x12n\0" + b"\2" * 8
    body = odd[4:-1] + extra
    site.documents.task.insert_one(RawBSONDocument(struct.pack("<i", len(body) + 5) + body + b"\0"))


def stored(site: Site, *kinds: str) -> dict[str, list[bytes]]:
    """Return the bytes of the company's own documents, by collection."""
    options: bson.CodecOptions[RawBSONDocument] = bson.CodecOptions(document_class=RawBSONDocument)
    own = {"$or": [{"company": COMPANY}, {"company_origin": COMPANY}]}
    database: Any = site.documents.with_options(codec_options=options)
    return {
        kind: sorted(document.raw for document in database[kind].find(own))
        for kind in kinds or ("project", "task", "model")
    }
