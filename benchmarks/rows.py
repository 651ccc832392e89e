"""The rows of the table: the commands, their baselines, and the bars."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import agreement
from benchmarks.data import WORDS, load
from benchmarks.timing import Command, Measure
from projects_cli.config.settings import COMMUNITY_COMPANY
from projects_cli.store.index_definitions import EXTRAS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pymongo import MongoClient

    from benchmarks.agreement import Agreement
    from benchmarks.installed import Programs
    from benchmarks.sizes import Shape, Size

Document = dict[str, Any]

BASELINES = Path(__file__).with_name("baselines")
CHECKOUT = Path(__file__).resolve().parents[1]
JOURNAL = "bench_journal"
QUICK = 3
"""Factor for the rounds of a row whose processes take a fraction of a second."""

COVERING = next(extra.index for extra in EXTRAS if extra.commands == ("list --stats",))
TAGS = next(extra.index for extra in EXTRAS if extra.commands == ("task-tags",))

VALIDATE = (
    "from projects_cli.schema.cache import load; "
    "load({path!r}, cache_dir={cache!r}).version('projects.get_all').validate({{'name': '^vision', 'page_size': 5}})"
)


@dataclass(frozen=True, slots=True)
class Site:
    """The place of a run: programs, server, size of the data, folder, environment of the commands."""

    programs: Programs
    uri: str
    client: MongoClient[Document]
    size: Size
    folder: Path
    environment: Mapping[str, str]

    def program(self, *arguments: str, shape: Shape | None = None, **how: Any) -> Command:
        """Return a command line of the program, on the database of a shape if it needs one."""
        environment = {} if shape is None else self.database(shape)
        return Command([str(self.programs.projects), *arguments], environment, **how)

    def database(self, shape: Shape) -> dict[str, str]:
        """Return the variables that name the database of a shape."""
        return {"PROJECTS_MONGO_URI": self.uri, "PROJECTS_DATABASE": self.made(shape)}

    def python(self, code: str, **how: Any) -> Command:
        """Return a command line of the interpreter."""
        return Command([str(self.programs.python), "-c", code], **how)

    def baseline(self, name: str, shape: Shape, *arguments: str, **how: Any) -> Command:
        """Return a command line of one of the baseline scripts."""
        script = str(BASELINES / f"{name}.py")
        return Command([str(self.programs.python), script, self.uri, self.made(shape), *arguments], **how)

    def made(self, shape: Shape) -> str:
        """Return the name of the database of a shape, created if it does not exist."""
        return load(self.client, shape).name


@dataclass(frozen=True, slots=True)
class Bar:
    """The highest allowed ratio of the medians of a measure."""

    measure: Measure
    limit: float


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    `sides` gives the program's command and the baseline's; `index` is one that the tasks of `shape` get for this row.
    """

    name: str
    what: str
    against: str
    bars: Sequence[Bar]
    sides: Callable[[Site], tuple[Command, Command]]
    same: Agreement | None = None
    rounds: int = 1
    index: Document | None = None
    shape: Callable[[Size], Shape] | None = None


def bars(**limits: float) -> list[Bar]:
    """Return the bars of a row."""
    names: Mapping[str, Measure] = {"wall": "wall", "cpu": "cpu", "memory": "memory", "first_line": "first line"}
    return [Bar(names[name], limit) for name, limit in limits.items()]


# --- start-up -----------------------------------------------------------------------------------------------------


def _start(*arguments: str) -> Callable[[Site], tuple[Command, Command]]:
    return lambda site: (site.program(*arguments), site.python("pass"))


def _completion(site: Site) -> tuple[Command, Command]:
    return _tab(site, ("list", "--or")), site.python("pass")


def _tab(site: Site, words: Sequence[str], **how: Any) -> Command:
    """Return the command that the completion file of bash runs at a TAB behind these words."""
    lines = site.folder / f"{'-'.join(words)}.tab"
    lines.write_text("".join(f"{line}\n" for line in (words[-1], " ".join(("projects", *words)), "projects", *words)))
    return Command([str(site.programs.projects), "--complete", "bash"], stdin=str(lines), **how)


def _completion_of_names(site: Site) -> tuple[Command, Command]:
    """Query as a shell does. The names cache is kept fresh; otherwise TAB starts a process to refresh it."""
    database = site.database(site.size.listed)
    fetch = [str(site.programs.projects), "--fetch-names"]

    def fetched() -> None:
        subprocess.run(fetch, env={**site.environment, **database}, check=True)

    return _tab(site, ("get", "vision"), environment=database, before=fetched), site.python("pass")


def _without_database(*arguments: str) -> Callable[[Site], tuple[Command, Command]]:
    return lambda site: (site.program(*arguments), site.python("import typer"))


def _get(site: Site) -> tuple[Command, Command]:
    shape = site.size.listed
    site.made(shape)
    middle = site.client[shape.name]["project"].find({"company": COMMUNITY_COMPANY}).sort("_id", 1)
    project = middle.skip(shape.projects // 2)[0]["_id"]
    return site.program("get", project, "--json", shape=shape), site.baseline("get", shape, COMMUNITY_COMPANY, project)


def _schema(site: Site, name: str, before: Callable[[], object] = lambda: None) -> Command:
    """Return a command that loads a schema that is not shipped and validates a request."""
    copied = site.folder / "schema" / "projects.conf"
    copied.parent.mkdir(exist_ok=True)
    shutil.copyfile(CHECKOUT / "schema" / "projects.conf", copied)
    return site.python(VALIDATE.format(path=str(copied), cache=str(site.folder / name)), before=before)


def _schema_warm(site: Site) -> tuple[Command, Command]:
    return _schema(site, "cache-warm"), site.python("pass")


def _schema_shipped(site: Site) -> tuple[Command, Command]:
    code = VALIDATE.format(path=None, cache=str(site.folder / "cache-warm"))
    return site.python(code), site.python("pass")


def _schema_cold(site: Site) -> tuple[Command, Command]:
    def forget() -> None:
        shutil.rmtree(site.folder / "cache-cold", ignore_errors=True)

    return _schema(site, "cache-warm"), _schema(site, "cache-cold", before=forget)


# --- lists --------------------------------------------------------------------------------------------------------


def _list(site: Site) -> tuple[Command, Command]:
    shape = site.size.listed
    return site.program("list", "-o", "jsonl", shape=shape), site.baseline("listing", shape, COMMUNITY_COMPANY)


def _list_growth(site: Site) -> tuple[Command, Command]:
    more, less = site.size.listed_more, site.size.listed
    return site.program("list", "-o", "jsonl", shape=more), site.program("list", "-o", "jsonl", shape=less)


def _first_line(site: Site) -> tuple[Command, Command]:
    program = site.program("list", "-o", "jsonl", shape=site.size.listed, reads_first_line=True)
    return program, site.python("import pymongo, typer")


def _table(site: Site) -> tuple[Command, Command]:
    shape, rows = site.size.listed, str(site.size.table_rows)
    return site.program("list", "-L", rows, shape=shape), site.program("list", "-L", rows, "-o", "tsv", shape=shape)


# --- statistics ---------------------------------------------------------------------------------------------------

STATISTICS = ("list", "--stats", "--state", "active", "-o", "jsonl", "--only-fields", "id,name")


def _statistics(site: Site) -> tuple[Command, Command]:
    shape = site.size.statistics
    return site.program(*STATISTICS, shape=shape), site.baseline("statistics", shape, COMMUNITY_COMPANY)


def _statistics_page(site: Site) -> tuple[Command, Command]:
    shape, page = site.size.paged, str(site.size.page)
    program = site.program(*STATISTICS, "--order-by=-last_update", "--page-size", page, shape=shape)
    return program, site.baseline("statistics_page", shape, COMMUNITY_COMPANY, page)


def _listed_with(option: str, baseline: str) -> Callable[[Site], tuple[Command, Command]]:
    words = ("list", option, "-o", "jsonl", "--only-fields", "id,name")
    return lambda site: (
        site.program(*words, shape=site.size.paged),
        site.baseline(baseline, site.size.paged, COMMUNITY_COMPANY),
    )


def _statistics_growth(site: Site) -> tuple[Command, Command]:
    more, less = site.size.statistics, site.size.statistics_less
    return site.program(*STATISTICS, shape=more), site.program(*STATISTICS, shape=less)


def _first_line_of(*words: str) -> Callable[[Site], tuple[Command, Command]]:
    """Return the sides of a summary of all projects, against the list with statistics of the same data."""
    listing = ("list", "--stats", "-o", "jsonl")
    return lambda site: (
        site.program(*words, shape=site.size.paged, reads_first_line=True),
        site.program(*listing, shape=site.size.paged, reads_first_line=True),
    )


def _summary_growth(*words: str) -> Callable[[Site], tuple[Command, Command]]:
    """Return the sides of a summary of the same projects with ten times the tasks."""
    return lambda site: (
        site.program(*words, shape=site.size.examined),
        site.program(*words, shape=site.size.examined_less),
    )


# --- distinct values ----------------------------------------------------------------------------------------------


def _tags(site: Site) -> tuple[Command, Command]:
    shape = site.size.tags
    return site.program("task-tags", "--json", shape=shape), site.baseline("tags", shape, COMMUNITY_COMPANY)


def _hyperparams(site: Site) -> tuple[Command, Command]:
    program = site.program("hyperparams", "--page", "0", "--page-size", "20", "--json", shape=site.size.values)
    return program, site.baseline("hyperparams", site.size.values, COMMUNITY_COMPANY)


def _hyperparam_values(site: Site) -> tuple[Command, Command]:
    shape, key = site.size.values, ("Args", f"{WORDS[0]}_0")
    program = site.program("hyperparam-values", *key, "--page-size", "100000", "--json", shape=shape)
    return program, site.baseline("hyperparam_values", shape, COMMUNITY_COMPANY, *key)


def _metrics(site: Site) -> tuple[Command, Command]:
    shape = site.size.values
    return site.program("metrics", "--json", shape=shape), site.baseline("metrics", shape, COMMUNITY_COMPANY)


# --- the doctor ---------------------------------------------------------------------------------------------------


def _doctor(site: Site) -> tuple[Command, Command]:
    shape = site.size.examined
    return site.program("doctor", "--json", shape=shape), site.baseline("doctor", shape, COMMUNITY_COMPANY)


def _doctor_growth(site: Site) -> tuple[Command, Command]:
    more, less = site.size.examined, site.size.examined_less
    return site.program("doctor", "--json", shape=more), site.program("doctor", "--json", shape=less)


# --- backup ---------------------------------------------------------------------------------------------------------


def _export(site: Site) -> tuple[Command, Command]:
    shape = site.size.paged  # those of more tasks are several GB, all of which the comparison holds
    program = site.program("export", "--with", "tasks,models", shape=shape)
    return program, site.baseline("export", shape, COMMUNITY_COMPANY)


# --- manifests ------------------------------------------------------------------------------------------------------


def _apply(site: Site) -> tuple[Command, Command]:
    """Apply a manifest with all projects of a company, none of which differs."""
    shape = site.size.paged
    stored = site.client[site.made(shape)]["project"].find({"company": COMMUNITY_COMPANY})
    fields = ("name", "description", "tags")
    wanted = [{name: project[name] for name in fields if name in project} for project in stored]
    path = site.folder / "projects.json"
    path.write_text(json.dumps({"projects": wanted}))
    program = site.program("apply", "-f", str(path), "--yes", "--json", shape=shape)
    return program, site.program("list", "-o", "jsonl", shape=shape)


# --- writes -------------------------------------------------------------------------------------------------------


def _delete(site: Site) -> tuple[Command, Command]:
    database = site.client[site.made(site.size.deleted)]
    restore = Deleted(database, site.client).restore
    restore()
    root = database["project"].find_one({"path": []}, ["_id"]) or {}
    program = site.program(
        "delete", root["_id"], "--force", "--yes", "--json", "--journal-db", JOURNAL,
        shape=site.size.deleted, before=restore,
    )  # fmt: skip
    return program, site.baseline("delete", site.size.deleted, root["_id"], before=restore)


def _move(site: Site) -> tuple[Command, Command]:
    return _relocation(site, "move", DESTINATION["name"])


def _merge(site: Site) -> tuple[Command, Command]:
    return _relocation(site, "merge", DESTINATION["_id"])


def _relocation(site: Site, name: str, destination: str) -> tuple[Command, Command]:
    """Return the commands that move or merge the root of a tree to a project at the top level."""
    shape = site.size.relocated
    database = site.client[site.made(shape)]
    restore = Deleted(database, site.client, DESTINATION).restore
    restore()
    root = database["project"].find_one({"path": [], "_id": {"$ne": DESTINATION["_id"]}}, ["_id"]) or {}
    words = (name, root["_id"], destination, "--yes", "--json", "--journal-db", JOURNAL)
    program = site.program(*words, shape=shape, before=restore)
    return program, site.baseline(name, shape, root["_id"], DESTINATION["_id"], before=restore)


DESTINATION: Document = {
    "_id": "f" * 32,
    "name": "archive of old projects",
    "basename": "archive of old projects",
    "company": COMMUNITY_COMPANY,
    "user": "owner",
    "path": [],
    "tags": [],
    "system_tags": [],
}
"""The project to which the tree is moved, or into which it is merged."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """The database whose project is deleted, moved or merged, and restored.

    The field `home` of a task is its original project. `destination` is a further project, if one is needed.
    """

    database: Any
    client: MongoClient[Document]
    destination: Document | None = None
    projects: list[Document] = field(default_factory=list)

    def restore(self) -> None:
        """Restore everything, and drop the journal."""
        if not self.projects:
            # A tree with public projects can't be moved.
            own = {"company": COMMUNITY_COMPANY} if self.destination else {}
            self.projects.extend(project | own for project in self._kept())
        for collection in ("task", "model"):
            moved = {"project": {"$in": [None, DESTINATION["_id"]]}}
            self.database[collection].update_many(moved, [{"$set": {"project": "$home"}}])
        self.database["project"].delete_many({})
        self.database["project"].insert_many(self.projects)
        if self.destination:
            self.database["project"].insert_one(dict(self.destination))
        self.client.drop_database(JOURNAL)

    def _kept(self) -> list[Document]:
        """Return the original projects; a copy is kept in case a run is interrupted."""
        kept = self.database["kept"]
        if not kept.estimated_document_count():
            kept.insert_many(list(self.database["project"].find()))
        return list(kept.find())


OLD_TAG, NEW_TAG = "to be renamed", "was renamed"


def _retag(site: Site) -> tuple[Command, Command]:
    """Return the commands that rename a tag which every task has, beside up to three others."""
    shape = site.size.retagged
    database = site.client[site.made(shape)]

    def restore() -> None:
        other = {"$filter": {"input": "$tags", "cond": {"$not": [{"$in": ["$$this", [OLD_TAG, NEW_TAG]]}]}}}
        database["task"].update_many({}, [{"$set": {"tags": {"$concatArrays": [other, [OLD_TAG]]}}}])
        site.client.drop_database(JOURNAL)

    words = ("tags", "rename", OLD_TAG, NEW_TAG, "--of", "tasks", "--yes", "--json", "--journal-db", JOURNAL)
    program = site.program(*words, shape=shape, before=restore)
    return program, site.baseline("retag", shape, COMMUNITY_COMPANY, OLD_TAG, NEW_TAG, before=restore)


# --- the table ----------------------------------------------------------------------------------------------------

NOTHING = "python -c pass"
SUMMARIES: dict[str, tuple[str, ...]] = {
    "summary": ("stats", "--json"),
    "top": ("top", "--by", "runtime", "-o", "jsonl"),
    "activity": ("activity", "--since", "2000-01-01", "--by", "project", "-o", "jsonl"),
    "tree": ("tree", "--stats", "-o", "jsonl"),
    "report": ("report", "--since", "2000-01-01", "--html", "-"),
}
"""Row -> the command line of a summary of all projects."""

TEN_LINES = "pymongo and orjson, ten lines"

ROWS: tuple[Row, ...] = (
    Row("version", "projects --version", NOTHING, bars(wall=1.3), _start("--version"), rounds=QUICK),
    Row("help", "projects --help", NOTHING, bars(wall=1.3), _start("--help"), rounds=QUICK),
    Row(
        "completion", "the answer to a TAB: an option", NOTHING, bars(wall=1.3), _completion, agreement.offered,
        rounds=QUICK,
    ),
    Row(
        "completion-names", "the answer to a TAB: cached names", NOTHING, bars(wall=1.3), _completion_of_names,
        agreement.offered, rounds=QUICK,
    ),
    Row(
        "no-database",
        "projects schema create",
        'python -c "import typer"',
        bars(wall=1.25),
        _without_database("schema", "create"),
        rounds=QUICK,
    ),
    Row(
        "no-database-config",
        "projects config list",
        'python -c "import typer"',
        bars(wall=1.25),
        _without_database("config", "list"),
        rounds=QUICK,
    ),
    Row(
        "get", "projects get ID --json", "find_one, to its exit", bars(wall=0.4), _get, agreement.project, rounds=QUICK
    ),
    Row("schema-shipped", "load and validate, shipped", NOTHING, bars(wall=1.7), _schema_shipped, rounds=QUICK),
    Row("schema-warm", "load and validate, from the cache", NOTHING, bars(wall=1.7), _schema_warm, rounds=QUICK),
    Row("schema-cold", "the same", "without the cache", bars(wall=1 / 20), _schema_cold),
    Row("list", "list -o jsonl", TEN_LINES, bars(wall=0.85, cpu=1.1, memory=0.4), _list, agreement.listing),
    Row("list-growth", "list -o jsonl, of many", "of few", bars(memory=1.15), _list_growth),
    Row(
        "first-line", "first line of a list", 'python -c "import pymongo, typer"', bars(first_line=2), _first_line,
        rounds=2,
    ),
    Row("table", "table of 10,000 rows to a file", "-o tsv", bars(wall=2), _table, agreement.lines),
    Row(
        "stats-covering", "list --stats, with a covering index", "$group, roll-up in Python", bars(wall=0.7),
        _statistics, agreement.statistics, index=COVERING, shape=lambda size: size.statistics,
    ),
    Row(
        "stats", "list --stats, the server's indexes", "$group, roll-up in Python", bars(wall=1.15),
        _statistics, agreement.statistics,
    ),
    Row(
        "stats-page", "list --stats, a page of 500", "page, sub-projects, $group", bars(wall=0.45),
        _statistics_page, agreement.statistics,
    ),
    Row(
        "stats-own", "list --own-stats", "$group", bars(wall=1.15),
        _listed_with("--own-stats", "statistics_own"), agreement.statistics,
    ),
    Row(
        "dataset-stats", "list --dataset-stats", "$sort, $group", bars(wall=1.15),
        _listed_with("--dataset-stats", "dataset_sizes"), agreement.sizes,
    ),
    Row("stats-growth", "list --stats, ten times the tasks", "a tenth", bars(wall=12), _statistics_growth, rounds=1),
    Row("apply", "apply of unchanged projects", "list -o jsonl", bars(wall=2), _apply, agreement.unchanged),
    Row(
        "export", "export --with tasks,models", "pymongo and bson.json_util, ten lines", bars(wall=1.3, memory=1.3),
        _export, agreement.exported,
    ),
    *(
        Row(name, " ".join(words), "first line of list --stats", bars(first_line=2), _first_line_of(*words), rounds=2)
        for name, words in SUMMARIES.items()
    ),
    *(
        Row(f"{name}-growth", f"{name}, ten times the tasks", "a tenth", bars(memory=1.15), _summary_growth(*words))
        for name, words in SUMMARIES.items()
    ),
    Row(
        "tags-index", "task-tags, with an index on tags", "$unwind, $group", bars(wall=0.1),
        _tags, agreement.tags, index=TAGS, shape=lambda size: size.tags,
    ),
    Row("tags", "task-tags, the server's indexes", "$unwind, $group", bars(wall=0.8), _tags, agreement.tags),
    Row(
        "hyperparams", "hyperparams, a page with totals", "two $unwind", bars(wall=0.6), _hyperparams,
        agreement.parameters,
    ),
    Row(
        "hyperparam-values", "hyperparam-values", "$match, $group", bars(wall=0.6), _hyperparam_values,
        agreement.values,
    ),
    Row("metrics", "metrics", "two $unwind", bars(wall=0.6), _metrics, agreement.metrics),
    Row("doctor", "doctor", "a scan of projects and tasks", bars(wall=3), _doctor, agreement.doctor),
    Row("doctor-growth", "doctor, ten times the tasks", "a tenth", bars(memory=1.15), _doctor_growth),
    Row(
        "delete", "delete --force, with journal", "update_many, delete_many", bars(wall=2), _delete, agreement.change
    ),
    Row("move", "move, with journal", "update_many", bars(wall=2), _move, agreement.change),
    Row("retag", "tags rename, with journal", "one update_many", bars(wall=2), _retag, agreement.change),
    Row("merge", "merge, with journal", "update_many, delete_one", bars(wall=2), _merge, agreement.change),
)  # fmt: skip
