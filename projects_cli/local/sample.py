"""A sample to try things on: what a ClearML server would have stored for a few teams, the same on every machine."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import TYPE_CHECKING, Any

from projects_cli.errors import ExpectedUniqueData
from projects_cli.local.lifecycle import company_document
from projects_cli.local.sample_data import (
    DESCRIPTIONS,
    FRAMEWORKS,
    METADATA,
    METRICS,
    MODELS,
    NOT_FINISHED,
    NOT_STARTED,
    PARAMETERS,
    PROJECTS,
    STATUSES,
    TASK_NAMES,
    TASK_TAGS,
    TYPES,
    USERS,
    WITHOUT_PROJECT,
    Kind,
)
from projects_cli.store import admin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from projects_cli.messages import Document
    from projects_cli.store.client import Connection

SEED = "projects-cli sample 1"
"""Everything follows from it: ids, times, numbers. A new sample gets a new one."""

FIRST_DAY = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
DAYS = 420

SPECIAL = re.compile(r"__|^_|[%.$]")
ESCAPES = {"%": "%%", ".": "%2E", "$": "%24", "__": "%_%_", "_": "%_"}
"""How the server writes a name as a key (data-model.md, `hyperparams`)."""

Documents = dict[str, list[dict[str, Any]]]


def load(connection: Connection, company: str, *, dry_run: bool = False) -> dict[str, dict[str, int]]:
    """Put the sample into a company; gives how many documents of each collection were missing, added, and present.

    Documents of the sample that are there already stay as they are, changed or not; nothing else is touched. A dry run
    adds none.

    Raises:
        ExpectedUniqueData: other projects have names of the sample; nothing was written.
    """
    documents = sample(company)
    missing = {name: _missing(connection, name, rows) for name, rows in documents.items()}
    _refuse_taken_names(connection, company, missing["project"])
    if not dry_run:
        for name, rows in missing.items():
            admin.insert(connection, name, rows)
    lacking = {name: len(rows) for name, rows in missing.items()}
    return {
        "missing": lacking,
        "added": dict.fromkeys(lacking, 0) if dry_run else lacking,
        "present": {name: len(documents[name]) - lacking[name] for name in documents},
    }


def _missing(connection: Connection, collection: str, rows: Iterable[Document]) -> list[Document]:
    rows = list(rows)
    present = admin.present_ids(connection, collection, [row["_id"] for row in rows])
    return [row for row in rows if row["_id"] not in present]


def _refuse_taken_names(connection: Connection, company: str, projects: list[Document]) -> None:
    taken = admin.taken_names(connection, company, [project["name"] for project in projects])
    if taken:
        raise ExpectedUniqueData(
            f"the sample is not loaded: {len(taken)} of its names are taken, such as {taken[0]!r}",
            hint="load it into an empty database (--database NAME)",
        )


def sample(company: str) -> Documents:
    """Give every document of the sample, by collection, in an order in which nothing refers to what comes later."""
    chance = random.Random(SEED)  # noqa: S311 - the same numbers everywhere are the point
    users = [_user(company, name, chance) for name in USERS]
    makers = [user["_id"] for user in users]
    projects = [_project(company, name, kind, makers, chance) for name, kind in PROJECTS.items()]
    tasks = list(_tasks(company, makers, chance))
    models = [_model(company, number, tasks, chance) for number in range(MODELS)]
    return {"company": [company_document(company)], "user": users, "project": projects, "task": tasks, "model": models}


def identity(company: str, kind: str, name: str) -> str:
    """Give the id of a document of the sample; each company has its own."""
    return _digest(f"{SEED}/{company}/{kind}/{name}")


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def escaped(name: str) -> str:
    """Give a name as the server writes it where it is a key of a document."""
    return SPECIAL.sub(lambda found: ESCAPES[found[0]], name)


def _moment(chance: random.Random) -> datetime:
    """Give some time of the sample's days, with millisecond precision."""
    return FIRST_DAY + timedelta(milliseconds=chance.randrange(DAYS * 86_400_000))


def _owner(company: str, kind: Kind) -> Document:
    """Give the fields that say whose a document is; a public one remembers where it came from."""
    return {"company": "", "company_origin": company} if kind.public else {"company": company}


def _user(company: str, name: str, chance: random.Random) -> Document:
    number = identity(company, "user", name)
    return {"_id": number, "company": company, "name": name, "preferences": "", "created": _moment(chance)}


# --- projects -----------------------------------------------------------------------------------------------------


def _project(company: str, name: str, kind: Kind, makers: list[str], chance: random.Random) -> Document:
    parts = name.split("/")
    above = [identity(company, "project", "/".join(parts[:depth])) for depth in range(1, len(parts))]
    created = _moment(chance)
    project = {
        "_id": identity(company, "project", name),
        **_owner(company, kind),
        "user": chance.choice(makers),
        "name": name,
        "basename": parts[-1],
        "description": chance.choice(DESCRIPTIONS),
        "created": created,
        "tags": sorted(kind.tags),
        "system_tags": sorted(kind.system_tags),
        "last_update": created + timedelta(milliseconds=chance.randrange(90 * 86_400_000)),
        "featured": chance.choice((9999, 9999, 9999, 1)),
        "path": above,
        **({"parent": above[-1]} if above else {}),
    }
    if chance.random() < 1 / 8:
        project["default_output_destination"] = f"s3://experiments/{_digest(name)[:6]}"
    return _as_long_ago(project) if kind.legacy else project


def _as_long_ago(project: Document) -> Document:
    """Leave out what old versions of the server did not write."""
    kept = {"_id", "company", "user", "name", "basename", "description", "created"}
    return {field: value for field, value in project.items() if field in kept}


# --- tasks --------------------------------------------------------------------------------------------------------


def _tasks(company: str, makers: list[str], chance: random.Random) -> Iterator[Document]:
    for name, kind in PROJECTS.items():
        earlier: list[str] = []
        for number in range(kind.tasks):
            task = _task(company, f"{name}:{number}", kind, makers, chance)
            task["project"] = identity(company, "project", name)
            if earlier and chance.random() < 1 / 4:
                task["parent"] = chance.choice(earlier)
            earlier.append(task["_id"])
            yield task
    for number in range(WITHOUT_PROJECT):
        yield _task(company, f":{number}", Kind(), makers, chance)


def _task(company: str, key: str, kind: Kind, makers: list[str], chance: random.Random) -> Document:
    """Give one task, without its place in a project; `key` makes its id."""
    status = _drawn(STATUSES, chance)
    metrics = {} if status in NOT_STARTED else _metrics(chance)
    user = chance.choice(makers)
    return {
        "_id": identity(company, "task", key),
        **_owner(company, kind),
        "user": user,
        "name": f"{chance.choice(TASK_NAMES)} {chance.randrange(1, 100)}",
        "type": kind.task_type or _drawn(TYPES, chance),
        **({"status": status} if status else {}),
        **_constant_parts(),
        **_times(status, chance),
        "tags": _some(TASK_TAGS, chance),
        "system_tags": _task_system_tags(kind, chance),
        "last_iteration": chance.randrange(20_000) if metrics else 0,
        "last_metrics": metrics,
        "unique_metrics": sorted(_series(metrics)),
        "hyperparams": _parameters(chance),
        "models": {"input": [], "output": []},
        "last_changed_by": user,
    }


def _constant_parts() -> Document:
    """Give the large parts of a task that are the same in the whole sample."""
    return {
        "report_assets": [],
        "output": {},
        "execution": {"test_split": 0, "parameters": {}, "model_desc": {}, "model_labels": {}, "artifacts": {}},
        "script": {
            "binary": "python",
            "repository": "https://git.example.com/ml/experiments.git",
            "entry_point": "train.py",
            "branch": "main",
            "requirements": {"pip": "torch==2.2.1\nclearml==1.14.4\n"},
        },
        "metric_stats": {},
        "configuration": {},
        "runtime": {},
        "container": {},
    }


def _times(status: str, chance: random.Random) -> Document:
    """Give when things happened to a task, as far as its status says that they did."""
    created = _moment(chance)
    times: Document = {"created": created}
    last = created
    if status not in NOT_STARTED:
        last = times["started"] = created + timedelta(milliseconds=chance.randrange(1, 3_600_000))
    if status not in NOT_FINISHED:
        seconds = chance.randrange(60, 200_000)
        last = times["completed"] = last + timedelta(seconds=seconds)
        times["active_duration"] = seconds
    if status == "published":
        times["published"] = last
    return times | {"last_update": last, "last_change": last, "status_changed": last}


def _task_system_tags(kind: Kind, chance: random.Random) -> list[str]:
    """Give the system tags of a task: what its project is for, and whether it is archived."""
    own = {"data_processing": ["dataset"], "controller": ["pipeline"], "report": ["hidden", "reports"]}
    tags = list(own.get(kind.task_type, []))
    if chance.random() < 1 / 10:
        tags.append("archived")
    elif not tags and chance.random() < 1 / 8:
        tags.append("development")
    return tags


def _metrics(chance: random.Random) -> Document:
    """Give the last values of some metrics, under the MD5 of their names as the server keeps them."""
    return {
        _digest(metric): {_digest(variant): _value(metric, variant, chance) for variant in METRICS[metric][1]}
        for metric in _some(tuple(METRICS), chance, most=len(METRICS))
    }


def _value(metric: str, variant: str, chance: random.Random) -> Document:
    low, last, high = sorted(round(chance.uniform(0, METRICS[metric][0]), 4) for _ in range(3))
    count = chance.randrange(10, 2_000)
    return {
        "metric": metric,
        "variant": variant,
        "value": last,
        "min_value": low,
        "min_value_iteration": chance.randrange(count),
        "max_value": high,
        "max_value_iteration": chance.randrange(count),
        "first_value": high,
        "first_value_iteration": 0,
        "count": count,
        "mean_value": round((low + high) / 2, 4),
    }


def _series(metrics: Mapping[str, Any]) -> Iterator[str]:
    for variants in metrics.values():
        for value in variants.values():
            yield f"{value['metric']}/{value['variant']}"


def _parameters(chance: random.Random) -> Document:
    """Give the hyper-parameters of a task: some sections, in each some names."""
    sections = _some(tuple(PARAMETERS), chance)
    return {escaped(section): _section(section, chance) for section in sections}


def _section(section: str, chance: random.Random) -> Document:
    return {
        escaped(name): {"section": section, "name": name, "value": chance.choice(values), "type": "str"}
        for name, values in PARAMETERS[section].items()
        if chance.random() < 3 / 4
    }


# --- models -------------------------------------------------------------------------------------------------------


def _model(company: str, number: int, tasks: list[Document], chance: random.Random) -> Document:
    """Give one model, and note it in the task that made it."""
    task = chance.choice([task for task in tasks if task["type"] == "training" and "completed" in task])
    name = f"{task['name']} - {chance.choice(('best', 'last', 'checkpoint'))} {number}"
    made: datetime = task["completed"]
    model: Document = {
        "_id": identity(company, "model", str(number)),
        **{field: task[field] for field in ("company", "company_origin", "user", "project") if field in task},
        "name": name,
        "created": made,
        "task": task["_id"],
        "tags": _some(TASK_TAGS, chance),
        "system_tags": ["archived"] if chance.random() < 1 / 8 else [],
        "uri": f"s3://models/{task['_id']}/{number}.bin",
        "framework": chance.choice(FRAMEWORKS),
        "design": {},
        "labels": {"background": 0, "object": 1} if chance.random() < 1 / 3 else {},
        "ready": chance.random() < 1 / 3,
        "last_update": made,
        "last_change": made,
        "last_changed_by": task["user"],
        "ui_cache": {},
        "metadata": _metadata(chance),
        "last_iteration": task["last_iteration"],
        "last_metrics": task["last_metrics"],
        "unique_metrics": task["unique_metrics"],
    }
    task["models"]["output"].append({"name": name, "model": model["_id"], "updated": made})
    return model


def _metadata(chance: random.Random) -> Document:
    return {
        escaped(key): {"key": key, "type": "str", "value": chance.choice(values)}
        for key, values in METADATA.items()
        if chance.random() < 1 / 2
    }


# --- chance -------------------------------------------------------------------------------------------------------


def _drawn(weights: Mapping[str, int], chance: random.Random) -> str:
    return chance.choices(tuple(weights), tuple(weights.values()))[0]


def _some(words: tuple[str, ...], chance: random.Random, most: int = 3) -> list[str]:
    """Give up to `most` different words, in no order."""
    return chance.sample(words, chance.randrange(min(most, len(words)) + 1))
