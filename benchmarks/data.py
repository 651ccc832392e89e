"""Generated databases: the same documents for the same parameters, with the indexes of a server."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from hashlib import md5
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

import bson
from bson.raw_bson import RawBSONDocument

from projects_cli.config.settings import COMMUNITY_COMPANY
from projects_cli.store.index_definitions import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pymongo import MongoClient
    from pymongo.database import Database

    from benchmarks.sizes import Shape

Document = dict[str, Any]

GENERATION = 4
"""To be incremented if the generator changes: data of an older version is discarded."""

SEED = 20_240_229
BATCH = 2_000
PENDING = 4
USER = "f" * 32
LONG_AGO = datetime(2023, 1, 1)  # noqa: DTZ001 - MongoDB's dates are UTC without a zone
AHEAD = datetime(2099, 1, 1)  # noqa: DTZ001
"""Dates after now count as the last 24 hours, whenever the data is used."""

_COMMON = ("completed",) * 50 + ("failed",) * 14 + ("stopped",) * 12 + ("published",) * 8
STATUSES = (*_COMMON, *("in_progress",) * 6, *("created",) * 6, *("queued",) * 4)
NOT_STARTED = frozenset({"created", "queued"})
TYPES = ("training",) * 7 + ("testing", "inference", "data_processing")
WORDS = ("vision", "speech", "ranking", "churn", "detector", "baseline", "ablation", "sweep", "export", "nightly")
TAGS = tuple(f"{word}-{number}" for word in WORDS for number in range(20))
VARIANTS = 64
"""Number of different sub-documents of each kind. They are encoded once and reused as bytes."""


def load(client: MongoClient[Document], shape: Shape) -> Database[Document]:
    """Return the database of a shape, created if it does not exist."""
    database = client[shape.name]
    if database["made"].find_one({"_id": "whole", "generation": GENERATION}):
        return database
    client.drop_database(shape.name)
    random = Random(SEED)  # noqa: S311 - reproducible data, not security
    projects = list(project_documents(shape, random))
    database["company"].insert_one({"_id": COMMUNITY_COMPANY, "name": "clearml"})
    database["user"].insert_one({"_id": USER, "name": "Ana Souza", "company": COMMUNITY_COMPANY})
    insert(database, "project", projects)
    insert(database, "task", task_documents(shape, projects, random))
    insert(database, "model", model_documents(shape, projects, random))
    for collection, indexes in SERVER.items():
        database.command("createIndexes", collection, indexes=list(indexes))
    database["made"].insert_one({"_id": "whole", "generation": GENERATION})
    return database


def insert(database: Database[Document], collection: str, documents: Iterable[Document]) -> None:
    """Insert documents at full speed: the next batch is generated while the server stores the last."""
    rows = iter(documents)
    pending: deque[Future[object]] = deque()
    with ThreadPoolExecutor(2) as pool:
        while batch := list(islice(rows, BATCH)):
            pending.append(pool.submit(_insert, database, collection, batch))
            if len(pending) > PENDING:
                pending.popleft().result()
        for future in pending:
            future.result()


def _insert(database: Database[Document], collection: str, batch: Sequence[Document]) -> None:
    database[collection].insert_many(batch, ordered=False, bypass_document_validation=True)


def _new_id(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"


def _company(random: Random) -> str:
    """Return the company, or rarely none: a public document."""
    return COMMUNITY_COMPANY if random.random() > 0.005 else ""  # noqa: PLR2004 - one of 200


# --- projects -----------------------------------------------------------------------------------------------------


def project_documents(shape: Shape, random: Random) -> Iterator[Document]:
    """Yield a forest of projects, parents before children; every fiftieth is hidden."""
    roots = shape.roots or max(1, shape.projects // 50)
    places: list[tuple[str, str, list[str]]] = []
    for number in range(shape.projects):
        above = None if number < roots else _parent(places, shape, random)
        document = _project(number, above, random)
        places.append((document["_id"], document["name"], document["path"]))
        yield document


def _parent(places: Sequence[tuple[str, str, list[str]]], shape: Shape, random: Random) -> tuple[str, str, list[str]]:
    while True:
        found = places[int(random.random() * len(places))]
        if len(found[2]) < shape.depth - 1:
            return found


def _project(number: int, above: tuple[str, str, list[str]] | None, random: Random) -> Document:
    basename = f"{WORDS[number % len(WORDS)]} {number}"
    created = LONG_AGO + timedelta(seconds=random.randrange(60_000_000))
    document: Document = {
        "_id": _new_id(random),
        "company": _company(random) if above else COMMUNITY_COMPANY,
        "user": USER,
        "name": f"{above[1]}/{basename}" if above else basename,
        "basename": basename,
        "description": f"What was tried with {basename}, and what came of it " * random.randrange(3),
        "created": created,
        "last_update": created + timedelta(milliseconds=random.randrange(40_000_000_000)),
        "tags": sorted(set(random.choices(TAGS, k=random.randrange(3)))),
        "system_tags": ["hidden"] if number % 50 == 49 else [],  # noqa: PLR2004
        "featured": 9999,
        "path": [*above[2], above[0]] if above else [],
    }
    if above:
        document["parent"] = above[0]
    return document


# --- tasks and models ---------------------------------------------------------------------------------------------


def task_documents(shape: Shape, projects: Sequence[Document], random: Random) -> Iterator[Document]:
    """Yield tasks of about the given size; a few projects have many, every tenth task is archived."""
    if not shape.tasks:
        return
    parameters = [_encoded(_parameters(random)) for _ in range(VARIANTS)]
    metrics = [_encoded(_metrics(random)) for _ in range(VARIANTS)]
    scripts = [_encoded(_script(shape.document - 1850, random)) for _ in range(VARIANTS)]
    for number in range(shape.tasks):
        home = projects[int(random.random() ** 1.5 * len(projects))]["_id"]
        document = _task(number, home, random)
        document["hyperparams"] = random.choice(parameters)
        document["last_metrics"] = random.choice(metrics)
        document["script"] = random.choice(scripts)
        yield document


def _task(number: int, home: str, random: Random) -> Document:
    status = random.choice(STATUSES)
    base = AHEAD if number % 97 == 0 else LONG_AGO
    created = base + timedelta(seconds=random.randrange(60_000_000))
    document: Document = {
        "_id": _new_id(random),
        "company": COMMUNITY_COMPANY,  # one company, as the bar of task-tags assumes
        "user": USER,
        "name": f"{random.choice(WORDS)} {number}",
        "type": random.choice(TYPES),
        "status": status,
        "project": home,
        "home": home,  # not a field of a server: it serves to undo a measured deletion
        "tags": sorted(set(random.choices(TAGS, k=random.randrange(4)))),
        "system_tags": ["archived"] if number % 10 == 0 else [],
        "created": created,
        "last_update": created,
        "runtime": {"ds_file_count": number, "ds_total_size": number * 1000} if number % 7 == 0 else {},
    }
    if status not in NOT_STARTED:
        document["started"] = created + timedelta(seconds=random.randrange(3_600))
        document["last_update"] = document["started"] + timedelta(milliseconds=random.randrange(90_000_000))
        if status != "in_progress":
            document["completed"] = document["last_update"]
    return document


def model_documents(shape: Shape, projects: Sequence[Document], random: Random) -> Iterator[Document]:
    """Yield models."""
    for number in range(shape.models):
        home = projects[number % len(projects)]["_id"]
        yield {
            "_id": _new_id(random),
            "company": COMMUNITY_COMPANY,
            "user": USER,
            "name": f"model {number}",
            "project": home,
            "home": home,
            "tags": [],
            "system_tags": [],
            "created": LONG_AGO,
            "last_update": LONG_AGO,
        }


def _encoded(document: Document) -> RawBSONDocument:
    return RawBSONDocument(bson.encode(document))


def _parameters(random: Random) -> Document:
    """Return six hyper-parameters of three sections, out of sixty."""
    return {
        section: {
            name: {"section": section, "name": name, "value": f"{random.random():.4f}", "type": "float"}
            for name in (f"{word}_{random.randrange(2)}" for word in random.sample(WORDS, 2))
        }
        for section in ("Args", "General", "Hydra%2Emain")
    }


def _metrics(random: Random) -> Document:
    """Return four variants of two metrics, out of fifty."""
    return {
        _hash(metric): {
            _hash(variant): {
                "metric": metric,
                "variant": variant,
                "value": random.random(),
                "min_value": 0.0,
                "max_value": 1.0,
            }
            for variant in random.sample(("train", "validation", "test", "top1", "top5"), 2)
        }
        for metric in random.sample(WORDS, 2)
    }


def _hash(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def _script(size: int, random: Random) -> Document:
    """Return a script whose diff pads the document to its size."""
    words = " ".join(random.choices(WORDS, k=max(0, size) // 7 + 1))[: max(0, size)]
    return {"repository": "https://example.com/models.git", "entry_point": "train.py", "branch": "main", "diff": words}
