"""TLS: a server with a certificate of a test authority, and every possible mismatch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.faults.nodes import Node, one_node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a folder of certificates: two authorities, a server, and clients of each authority."""
    folder = tmp_path_factory.mktemp("papers")
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(folder / "ours.pem")
    theirs.cert_pem.write_to_path(folder / "theirs.pem")
    for name, authority in {"server": ours, "client": ours, "stranger": theirs}.items():
        issued = authority.issue_cert("127.0.0.1", common_name=name)
        issued.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")
    (folder / "empty.pem").write_text("nothing\n")
    return folder


@pytest.fixture(scope="module")
def server(papers: Path) -> Iterator[Node]:
    """Run a server that wants TLS, and a certificate of the client too."""
    options = [f"--tlsCertificateKeyFile={papers / 'server.pem'}", f"--tlsCAFile={papers / 'ours.pem'}"]
    with one_node(["--tlsMode=requireTLS", *options]) as node:
        yield node


def ask(cli: Cli, server: Node, papers: Path, options: str, host: str | None = None) -> Any:
    options = options.format(papers=papers)
    return cli("list", "--timeout", "1.5s", uri=f"mongodb://{host or '127.0.0.1'}:{server.port}/?{options}")


UNTRUSTED = "the server's certificate is not signed by a trusted authority"
OTHER_NAME = "127.1"
"""Reaches 127.0.0.1, but counts as a host name. `localhost` has no address where /etc/hosts is missing."""

GOOD = "tls=true&tlsCAFile={papers}/ours.pem&tlsCertificateKeyFile={papers}/client.pem"


def test_the_right_papers_work(cli: Cli, server: Node, papers: Path) -> None:
    result = ask(cli, server, papers, GOOD)
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("options", "host", "words", "hint"),
    [
        (GOOD.replace("ours.pem", "theirs.pem"), None, UNTRUSTED, "tlsCAFile=FILE"),
        (GOOD.replace("tlsCAFile={papers}/ours.pem&", ""), None, UNTRUSTED, "tlsCAFile=FILE"),
        (GOOD, OTHER_NAME, "the server's certificate is for another host name", "check the name"),
        (GOOD.replace("client.pem", "stranger.pem"), None, "no answer from", "tlsCertificateKeyFile=FILE"),
        ("tls=true&tlsCAFile={papers}/ours.pem", None, "no answer from", "tlsCertificateKeyFile=FILE"),
        ("", None, "no answer from", "whether it requires TLS (tls=true)"),
    ],
    ids=["wrong authority", "no authority", "wrong name", "wrong client", "no client", "no TLS"],
)
def test_wrong_papers_are_69(
    cli: Cli, server: Node, papers: Path, options: str, host: str | None, words: str, hint: str
) -> None:
    result = ask(cli, server, papers, options, host)
    assert (result.exit_code, result.stdout) == (69, ""), result.stderr
    error, advice = result.stderr.splitlines()
    assert error.startswith("error: no answer from mongodb://")
    assert "within 1.5 s" in error
    assert words in error
    assert hint in advice


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (GOOD.replace("ours.pem", "missing.pem"), "cannot read {papers}/missing.pem (tlsCAFile in the MongoDB URI): "),
        (
            GOOD.replace("client.pem", "no.pem"),
            "cannot read {papers}/no.pem (tlsCertificateKeyFile in the MongoDB URI): ",
        ),
        (GOOD.replace("/ours.pem", ""), "cannot read {papers} (tlsCAFile in the MongoDB URI): "),
        (GOOD.replace("ours.pem", "empty.pem"), "the TLS files in the MongoDB URI are not valid PEM files"),
        (GOOD.replace("client.pem", "ours.pem"), "tlsCertificateKeyFile has no certificate with its private key"),
    ],
    ids=["missing authority", "missing certificate", "a folder", "no certificate", "no key"],
)
def test_unusable_tls_files_are_2(cli: Cli, server: Node, papers: Path, options: str, words: str) -> None:
    result = ask(cli, server, papers, options)
    assert (result.exit_code, result.stdout) == (2, "")
    error, advice = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert words.format(papers=papers) in error
    assert advice.startswith("hint: tlsCAFile=FILE")
