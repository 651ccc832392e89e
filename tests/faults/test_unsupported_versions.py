"""A server of another version, as far as it reports that itself: `status` and `doctor` name it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import bson
import pytest

from tests.faults.tampering import Document, Message, lying

if TYPE_CHECKING:
    from tests.worlds.site import Site


@pytest.mark.parametrize(("version", "supported"), [("4.2.24", False), ("8.0.4", True), ("9.0.0-rc1", False)])
def test_an_unsupported_version_is_named(site: Site, version: str, *, supported: bool) -> None:
    def tamper(name: str, _command: Document, reply: Message) -> bytes:
        document = reply.document
        if name == "buildinfo":
            document["version"] = version
        return reply.having(bson.encode(document))

    with lying(site.server.socket, tamper) as liar:  # type: ignore[attr-defined]
        status = site.cli("status", "--json", uri=liar.uri, PROJECTS_DATABASE=site.name)
        doctor = site.cli("doctor", "--json", uri=liar.uri, PROJECTS_DATABASE=site.name)
    server = json.loads(status.stdout)["server"]
    assert (server["version"], server["supported"]) == (version, supported)
    assert (f"MongoDB {version} is not supported" in status.stderr) is not supported
    findings = [list(finding.values()) for finding in json.loads(doctor.stdout)["findings"]]
    assert any("server-version" in values for values in findings) is not supported
