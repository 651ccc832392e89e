"""The examples of the help work on the sample that `projects local sample` adds."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from projects_cli.cli.help_format import FIRST_STEPS, Lines, topic_blocks
from projects_cli.cli.registry import TOPICS
from projects_cli.config.settings import COMMUNITY_COMPANY
from projects_cli.local.sample import load
from projects_cli.store.client import connect
from tests.worlds.site import empty_site
from tools.program import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli
    from tests.servers import Server
    from tests.worlds.site import Site

OWNER = "Ana Souza"
"""A user of the sample."""


def _examples() -> list[str]:
    """Return every command line that a help text shows, without what it is piped into."""
    examples = [line for line, _ in FIRST_STEPS]
    examples += [example for command in program().places() for example in command.text.examples]
    blocks = [block for topic in TOPICS for block in topic_blocks(topic) if isinstance(block, Lines)]
    lines = [*examples, *(line for block in blocks for line in block.lines)]
    return sorted({line.partition(" | ")[0] for line in lines if line.startswith("projects ")})


@pytest.fixture
def sample(standalone: Server, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a site with the sample, the profiles `work` and `lab`, and the file that the example of `batch` reads."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requests.jsonl").write_text('{"endpoint": "projects.get_all"}\n', encoding="utf-8")
    config = tmp_path / "home" / ".config" / "projects" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[profiles.work]\ncompany = "acme"\n', encoding="utf-8")
    config.chmod(0o600)
    with empty_site(standalone, cli) as site:
        connection = connect(site.server.uri, site.name, shown="test")
        load(connection, COMMUNITY_COMPANY)
        connection.close()
        lab = f'[profiles.lab]\nuri = "{site.server.uri}"\ndatabase = "{site.name}"\n'
        config.write_text(f"{config.read_text(encoding='utf-8')}{lab}", encoding="utf-8")
        for command in ("update nlp -d x", "undo --yes", "update nlp --add-tag text"):  # something to redo and to undo
            assert site(*command.split()).exit_code == 0
        yield site


# `local` works on a private server, whatever the URI is: tests/local/ tests it.
EXAMPLES = [line for line in _examples() if not line.startswith("projects local")]


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_of_the_help_works_on_the_sample(sample: Site, line: str) -> None:
    variables = {"PROJECTS_DRY_RUN": "1", "PROJECTS_USER": OWNER, "EDITOR": "true"}
    result = sample(*shlex.split(line)[1:], stdin="mongodb://127.0.0.1\n", **variables)
    finds = line.startswith(("projects doctor", "projects lint"))
    assert result.exit_code in ({0, 6} if finds else {0}), result.stderr
