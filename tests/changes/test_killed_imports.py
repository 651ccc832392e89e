"""An import is killed by SIGKILL at each of its writes: it can be resumed without its file, undone, and made again."""

from __future__ import annotations

import io
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import pytest

from projects_cli.changes import edits
from projects_cli.changes.engine import SMALL
from projects_cli.messages import Request
from projects_cli.transfer.archive import Archive
from projects_cli.transfer.imports import Import, Options
from tests.changes.processes import run_here
from tests.worlds.world import (
    ALONE,
    COMPANY,
    DETECTOR,
    ENDINGS,
    NOW,
    SITE,
    VISION,
    YOLO,
    Content,
    World,
    check_point,
    content_of,
    dangling,
    identifier,
    member,
    points,
    resume,
    undo,
    world_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from projects_cli.changes.runner import Runner
    from tests.worlds.world import Deployment, Document

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

LARGE = "x" * 1_000
BYTES = 1_500
"""What fits into a batch of the engine, instead of 4 MB: two large documents do not, and take two writes."""

NET, INPUT = identifier(90), identifier(91)
TASKS = [
    member(80, VISION, large=LARGE, models={"input": [{"name": "in", "model": INPUT}], "output": []}),
    member(81, YOLO, large=LARGE, parent=identifier(80), models={"output": [{"name": "out", "model": NET}]}),
    member(82, DETECTOR, parent=identifier(81)),
]
MODELS = [member(90, YOLO, task=identifier(81), large=LARGE), member(91, VISION, large=LARGE, parent=NET)]
EXPORTED: dict[str, list[Document]] = {**SITE, "task": TASKS, "model": MODELS}
OTHERS: dict[str, list[Document]] = {
    "project": [document for document in SITE["project"] if document["name"].partition("/")[0] != "vision"],
    "task": [member(25, ALONE)],
    "user": SITE["user"],
}
"""A site without what is imported."""

CHANGED = {
    **EXPORTED,
    "project": [
        document | {"description": "changed since", "x_new": 1} if document in (VISION, YOLO) else document
        for document in SITE["project"]
        if document["name"] != "vision/detector/.reports"
    ],
    "task": [TASKS[0] | {"name": "changed since"}, *TASKS[2:]],
    "model": [MODELS[1] | {"tags": []}],
}
"""A site in which all that is imported exists, is another or is missing."""


class Case(NamedTuple):
    """An import: the documents before, its options, and how many writes it has at least."""

    before: Content
    options: Options
    writes: int


CASES = {
    "plain": Case(content_of(OTHERS), Options(), 10),
    "into": Case(content_of(OTHERS), Options(location="alone/new place"), 10),
    "update": Case(content_of(CHANGED), Options("update"), 12),
    "rename": Case(content_of(EXPORTED), Options("rename"), 10),
}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "BYTES", BYTES)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def path(standalone: Deployment, tmp_path: Path) -> str:
    """Export the tree with its tasks and models."""
    file = str(tmp_path / "vision.jsonl.gz")
    with world_on(standalone, content_of(EXPORTED)) as source:
        status, printed = run_here(source, "export", "vision", "--with", "tasks,models", "--to", file)
        assert status == 0, printed
    return file


def importing(path: str, options: Options) -> Callable[[Runner], object]:
    """Return the command `import`, whose new ids and times are always the same, so that its result is one."""

    def command(runner: Runner) -> object:
        numbers = count(0xC000)
        request = Request("import", "2.13", {}, COMPANY, "the-caller", NOW, lambda: f"{next(numbers):032x}")
        with Archive.opened(path, io.BytesIO()) as archive:
            header = archive.check(lambda _done, _all: None)
            change = Import(archive, header, options, request)
            return runner.apply(change, change.plan(runner.store))

    return command


def imported(world: World, command: Callable[[Runner], object], before: Content, small: int) -> Content:
    """Return the documents after an undisturbed import."""
    world.load(before)
    command(world.runner(small=small))
    after = world.dump()
    assert after != before
    assert not dangling(after)
    return after


@pytest.mark.parametrize("flow", ["standalone", "transaction", "steps"])
def test_an_import_killed_at_every_write(
    case: Case, flow: str, path: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """After one write it is undone, before another it is resumed; the file is not needed for either."""
    command = importing(path, case.options)
    server, small = ("standalone" if flow == "standalone" else "replica_set"), (0 if flow == "steps" else SMALL)
    with world_on(request.getfixturevalue(server)) as world:
        after = imported(world, command, case.before, small)
        seen = 0
        for point in points(world, command, lambda: world.load(case.before), small):
            seen += 1
            check_point(world, command, after, ENDINGS[point.when], point, case.before)
        assert seen >= (2 * case.writes if flow != "transaction" else 10)
        record_property("kill points", seen)


@pytest.mark.parametrize("case", [CASES["update"], CASES["rename"]], ids=["update", "rename"])
@pytest.mark.parametrize("ending", [resume, undo])
def test_the_ending_of_an_import_killed_at_every_write(
    case: Case, ending: Callable[[Runner], object], path: str, standalone: Deployment
) -> None:
    """`resume` and `undo` of a half-made import die too, and are run again."""
    command = importing(path, case.options)
    with world_on(standalone) as world:
        after = imported(world, command, case.before, SMALL)
        half = halfway(world, command, case)
        seen = 0
        for point in points(world, ending, lambda: world.load(*half), SMALL):
            seen += 1
            if world.interrupted():
                ending(world.runner())
            assert world.dump() == (after if ending is resume else case.before), point
            assert not world.interrupted(), point
        assert seen >= 6


def halfway(world: World, command: Callable[[Runner], object], case: Case) -> tuple[Content, Content]:
    """Return documents and journal as left by a process that died when only some of its tasks were written."""
    for _ in points(world, command, lambda: world.load(case.before), SMALL):
        crashed = world.dump()
        if crashed["task"] != case.before["task"]:
            return crashed, world.dump_journal()
    raise AssertionError("no task was written")


def test_the_same_import_again_reports_the_killed_one(path: str, lone: World) -> None:
    """What the killed one created is in its way; with `update` it makes the same of it."""
    plain, updating = ("import", path, "--yes"), ("import", path, "--yes", "--on-conflict", "update")
    before = content_of(OTHERS)
    lone.load(before)
    assert run_here(lone, *plain)[0] == 0
    after = lone.dump()
    half = halfway(lone, lambda _: run_here(lone, *plain), CASES["plain"])
    identifier = lone.interrupted()[0].id
    status, printed = run_here(lone, *plain)
    assert status == 4
    assert f"operation {identifier} was interrupted" in printed
    assert f"projects resume {identifier}" in printed
    assert (lone.dump(), lone.dump_journal()) == half
    assert run_here(lone, *updating)[0] == 0
    assert lone.dump() == after
    lone.load(*half)
    assert run_here(lone, "resume")[0] == 0
    assert lone.dump() == after
    assert run_here(lone, "undo", "--yes")[0] == 0
    assert lone.dump() == before
