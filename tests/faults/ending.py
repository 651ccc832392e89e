"""Fail points of the server, and the conditions after any fault: nothing dangles, resume and undo work."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projects_cli import __version__
from tests.changes.processes import run_here
from tests.worlds.world import Content, World, dangling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

DOCUMENTED = frozenset({0, 1, 2, 3, 4, 5, 6, 69, 75, 77, 130, 143})


def after_fault(world: World, status: int, said: str, before: Content, after: Content, random: Random) -> str:
    """Check the documents after a change that met a fault, then end it; gives what became of it.

    `before` and `after` are the documents of an undisturbed run, at its two ends.
    """
    assert "Traceback" not in said, said
    assert "unexpected failure" not in said, said
    assert status in DOCUMENTED, (status, said)
    world.journal["lease"].delete_many({})  # its holder may be this very process, which lives on
    found = world.dump()
    assert not dangling(found), dangling(found)[:3]
    if status == 0:
        assert found == after, said
        ended = "done"
    elif world.interrupted():
        ended = random.choice(("resume", "undo"))
        again, words = run_here(world, *((ended, "--yes") if ended == "undo" else (ended,)))
        assert again == 0, words
        assert world.dump() == (after if ended == "resume" else before), words
    else:
        assert found in (before, after), said
        ended = "untouched" if found == before else "done"
    if world.dump() == after:
        again, words = run_here(world, "undo", "--yes")
        assert again == 0, words
        assert world.dump() == before
    assert not world.interrupted()
    return ended


@dataclass
class Fired:
    """How often a fail point was met, once it is over."""

    times: int = 0


@contextmanager
def failing(world: World, *, mode: Any, **data: Any) -> Iterator[Fired]:
    """Let commands of this program fail; those of the test itself do not."""
    admin = world.server.client.admin
    mine = {**data, "appName": f"projects-cli {__version__}"}
    before = admin.command("configureFailPoint", "failCommand", mode=mode, data=mine)["count"]
    fired = Fired()
    try:
        yield fired
    finally:
        fired.times = admin.command("configureFailPoint", "failCommand", mode="off")["count"] - before
