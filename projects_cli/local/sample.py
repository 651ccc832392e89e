"""A sample to experiment with: what a ClearML server would have stored for a few teams, the same on every machine."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import TYPE_CHECKING

from projects_cli.errors import ExpectedUniqueData
from projects_cli.local import sample_data as data
from projects_cli.local.lifecycle import company_document
from projects_cli.store import admin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projects_cli.messages import Document
    from projects_cli.store.client import Connection

SEED = "projects-cli sample 1"
"""Ids, times and numbers follow from it; a changed sample needs a new one."""

FIRST_DAY = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
DAYS = 420

SPECIAL = re.compile(r"__|^_|[%.$]")
ESCAPES = {"%": "%%", ".": "%2E", "$": "%24", "__": "%_%_", "_": "%_"}
"""How the server escapes a name that is the key of a document (docs/data-model.md, `hyperparams`)."""

LEGACY_FIELDS = frozenset({"_id", "company", "user", "name", "basename", "description", "created"})
"""Fields of a project that old versions of the server wrote."""


def load(connection: Connection, company: str, *, dry_run: bool = False) -> dict[str, dict[str, int]]:
    """Insert the sample into a company; return how many documents of each collection were missing, added and present.

    Documents of the sample that exist, changed or not, and all other documents are left alone. A dry run adds none.

    Raises:
        ExpectedUniqueData: other projects have names of the sample; nothing was written.
    """
    documents = sample(company)
    missing = {}
    for name, rows in documents.items():
        present = admin.present_ids(connection, name, [row["_id"] for row in rows])
        missing[name] = [row for row in rows if row["_id"] not in present]
    taken = admin.taken_names(connection, company, [project["name"] for project in missing["project"]])
    # Names are unique in a company, and without these projects the sample would have dangling references.
    if taken:
        raise ExpectedUniqueData(
            f"the sample is not loaded: {len(taken)} of its names are taken, such as {taken[0]!r}",
            hint="load it into an empty database (--database NAME)",
        )
    if not dry_run:
        for name, rows in missing.items():
            admin.insert(connection, name, rows)
    counts = {name: len(rows) for name, rows in missing.items()}
    return {
        "missing": counts,
        "added": dict.fromkeys(counts, 0) if dry_run else counts,
        "present": {name: len(documents[name]) - counts[name] for name in documents},
    }


def sample(company: str) -> dict[str, list[Document]]:
    """Return all documents of the sample by collection, in an order in which references point backwards."""
    return _Generator(company).documents()


def escaped(name: str) -> str:
    """Return a name as the server writes it as the key of a document."""
    return SPECIAL.sub(lambda match: ESCAPES[match[0]], name)


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


class _Generator:
    """The documents of one company; every draw depends on those before it, so their order must not change."""

    def __init__(self, company: str) -> None:
        self.company = company
        self.random = random.Random(SEED)  # noqa: S311 - the same numbers on every machine are the purpose
        self.users: list[str] = []

    def documents(self) -> dict[str, list[Document]]:
        users: list[Document] = [
            {
                "_id": self.identifier("user", name),
                "company": self.company,
                "name": name,
                "preferences": "",
                "created": self.moment(),
            }
            for name in data.USERS
        ]
        self.users = [user["_id"] for user in users]
        projects = [self.project(name, kind) for name, kind in data.PROJECTS.items()]
        tasks = list(self.tasks())
        models = [self.model(number, tasks) for number in range(data.MODELS)]
        companies = [company_document(self.company)]
        return {"company": companies, "user": users, "project": projects, "task": tasks, "model": models}

    def identifier(self, kind: str, name: str) -> str:
        """Return the id of a document of the sample, which is another one in each company."""
        return _digest(f"{SEED}/{self.company}/{kind}/{name}")

    def moment(self) -> datetime:
        """Draw a time, with millisecond precision as in MongoDB."""
        return FIRST_DAY + timedelta(milliseconds=self.random.randrange(DAYS * 86_400_000))

    def tenant(self, kind: data.Kind) -> Document:
        """Return the fields of the company; a public document keeps the one that it is from."""
        return {"company": "", "company_origin": self.company} if kind.public else {"company": self.company}

    def weighted(self, weights: Mapping[str, int]) -> str:
        return self.random.choices(tuple(weights), tuple(weights.values()))[0]

    def some(self, words: tuple[str, ...], limit: int = 3) -> list[str]:
        """Draw up to `limit` different words, in any order."""
        return self.random.sample(words, self.random.randrange(min(limit, len(words)) + 1))

    def project(self, name: str, kind: data.Kind) -> Document:
        parts = name.split("/")
        path = [self.identifier("project", "/".join(parts[:depth])) for depth in range(1, len(parts))]
        created = self.moment()
        project = {
            "_id": self.identifier("project", name),
            **self.tenant(kind),
            "user": self.random.choice(self.users),
            "name": name,
            "basename": parts[-1],
            "description": self.random.choice(data.DESCRIPTIONS),
            "created": created,
            "tags": sorted(kind.tags),
            "system_tags": sorted(kind.system_tags),
            "last_update": created + timedelta(milliseconds=self.random.randrange(90 * 86_400_000)),
            "featured": self.random.choice((9999, 9999, 9999, 1)),
            "path": path,
            # A server leaves the field out at the top level.
            **({"parent": path[-1]} if path else {}),
        }
        if self.random.random() < 1 / 8:
            project["default_output_destination"] = f"s3://experiments/{_digest(name)[:6]}"
        return {field: value for field, value in project.items() if not kind.legacy or field in LEGACY_FIELDS}

    def tasks(self) -> Iterator[Document]:
        for name, kind in data.PROJECTS.items():
            earlier: list[str] = []
            for number in range(kind.tasks):
                task = self.task(f"{name}:{number}", kind)
                task["project"] = self.identifier("project", name)
                if earlier and self.random.random() < 1 / 4:
                    task["parent"] = self.random.choice(earlier)
                earlier.append(task["_id"])
                yield task
        for number in range(data.WITHOUT_PROJECT):
            yield self.task(f":{number}", data.Kind())

    def task(self, key: str, kind: data.Kind) -> Document:
        """Return a task without its project; its id follows from `key`."""
        status = self.weighted(data.STATUSES)
        # A task that has not run has reported nothing.
        metrics = {} if status in data.NOT_STARTED else self.metrics()
        user = self.random.choice(self.users)
        return {
            "_id": self.identifier("task", key),
            **self.tenant(kind),
            "user": user,
            "name": f"{self.random.choice(data.TASK_NAMES)} {self.random.randrange(1, 100)}",
            "type": kind.task_type or self.weighted(data.TYPES),
            **({"status": status} if status else {}),
            **data.TASK_CONSTANTS,
            **self.times(status),
            "tags": self.some(data.TASK_TAGS),
            "system_tags": self.task_system_tags(kind),
            "last_iteration": self.random.randrange(20_000) if metrics else 0,
            "last_metrics": metrics,
            "unique_metrics": sorted(
                f"{value['metric']}/{value['variant']}" for variants in metrics.values() for value in variants.values()
            ),
            "hyperparams": {
                escaped(section): {
                    escaped(name): {
                        "section": section,
                        "name": name,
                        "value": self.random.choice(values),
                        "type": "str",
                    }
                    for name, values in data.PARAMETERS[section].items()
                    if self.random.random() < 3 / 4
                }
                for section in self.some(tuple(data.PARAMETERS))
            },
            "models": {"input": [], "output": []},
            "last_changed_by": user,
        }

    def times(self, status: str) -> Document:
        """Return the times of a task's events, as far as it got according to its status."""
        last = created = self.moment()
        times: Document = {"created": created}
        if status not in data.NOT_STARTED:
            last = times["started"] = created + timedelta(milliseconds=self.random.randrange(1, 3_600_000))
        if status not in data.NOT_FINISHED:
            seconds = self.random.randrange(60, 200_000)
            last = times["completed"] = last + timedelta(seconds=seconds)
            times["active_duration"] = seconds
        if status == "published":
            times["published"] = last
        return times | {"last_update": last, "last_change": last, "status_changed": last}

    def task_system_tags(self, kind: data.Kind) -> list[str]:
        tags = list(data.SYSTEM_TAGS_BY_TYPE.get(kind.task_type, ()))
        if self.random.random() < 1 / 10:
            tags.append("archived")
        elif not tags and self.random.random() < 1 / 8:
            tags.append("development")
        return tags

    def metrics(self) -> Document:
        """Return the last values of some metrics, by the MD5 of their names as the server stores them."""
        names = self.some(tuple(data.METRICS), limit=len(data.METRICS))
        return {_digest(n): {_digest(v): self.metric_value(n, v) for v in data.METRICS[n][1]} for n in names}

    def metric_value(self, metric: str, variant: str) -> Document:
        # Three draws in order: the smallest is the minimum, the largest the maximum.
        low, last, high = sorted(round(self.random.uniform(0, data.METRICS[metric][0]), 4) for _ in range(3))
        count = self.random.randrange(10, 2_000)
        return {
            "metric": metric,
            "variant": variant,
            "value": last,
            "min_value": low,
            "min_value_iteration": self.random.randrange(count),
            "max_value": high,
            "max_value_iteration": self.random.randrange(count),
            "first_value": high,
            "first_value_iteration": 0,
            "count": count,
            "mean_value": round((low + high) / 2, 4),
        }

    def model(self, number: int, tasks: list[Document]) -> Document:
        """Return a model, and add it to the output models of the task that created it."""
        task = self.random.choice([task for task in tasks if task["type"] == "training" and "completed" in task])
        name = f"{task['name']} - {self.random.choice(('best', 'last', 'checkpoint'))} {number}"
        created: datetime = task["completed"]
        model: Document = {
            "_id": self.identifier("model", str(number)),
            **{field: task[field] for field in ("company", "company_origin", "user", "project") if field in task},
            "name": name,
            "created": created,
            "task": task["_id"],
            "tags": self.some(data.TASK_TAGS),
            "system_tags": ["archived"] if self.random.random() < 1 / 8 else [],
            "uri": f"s3://models/{task['_id']}/{number}.bin",
            "framework": self.random.choice(data.FRAMEWORKS),
            "design": {},
            "labels": {"background": 0, "object": 1} if self.random.random() < 1 / 3 else {},
            "ready": self.random.random() < 1 / 3,
            "last_update": created,
            "last_change": created,
            "last_changed_by": task["user"],
            "ui_cache": {},
            "metadata": {
                escaped(key): {"key": key, "type": "str", "value": self.random.choice(values)}
                for key, values in data.METADATA.items()
                if self.random.random() < 1 / 2
            },
            **{field: task[field] for field in ("last_iteration", "last_metrics", "unique_metrics")},
        }
        # Servers store the reference on both sides.
        task["models"]["output"].append({"name": name, "model": model["_id"], "updated": created})
        return model
