"""Strategies: databases of three companies, and requests to every endpoint with any existing ids.

Every text of a document of another company contains `feed`, and so does its id. No text of the others does, except
where a server stores the id of another document.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.properties.calling import OWN, Document, Documents
from tests.worlds import random_worlds as worlds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    Requests = SearchStrategy[Document]

MARKER = "feed"
SECOND = "feed" + "1" * 28
"""A second company besides the caller's; OTHER is the first."""

OWNERS = [(OWN, None), (OWN, None), (OWN, OWN), ("", OWN), ("", worlds.OTHER), ("", None)]
OWNERS += [(worlds.OTHER, None), (SECOND, None), (worlds.OTHER, OWN), (SECOND, OWN)]
"""Company and company_origin of a document."""

LONG_AGO = datetime(2023, 3, 1, 8, 0, 0)  # noqa: DTZ001 - as it is stored
SEGMENTS = ("alpha", "beta", ".datasets", ".pipelines")
METRIC, VARIANT = "a" * 32, "b" * 32


def _is_foreign(company: str) -> bool:
    return company not in {OWN, ""}


def _text(company: str, text: str) -> str:
    return f"{MARKER} {text}" if _is_foreign(company) else text


def _identifier(company: str, kind: int, number: int) -> str:
    return f"{MARKER if _is_foreign(company) else 'aaaa'}{kind:04x}{number:024x}"


# --- databases ----------------------------------------------------------------------------------------------------


@st.composite
def databases(draw: st.DrawFn) -> Documents:
    """Draw projects of all owners below each other, with tasks and models of all owners in all of them."""
    projects: list[Document] = []
    for number in range(draw(st.integers(1, 7))):
        drawn = draw(st.tuples(st.sampled_from(OWNERS), st.sampled_from([None, *projects]), _MARKS, _SEGMENT))
        projects.append(_project(number, *drawn, taken=projects))
    places = [one["_id"] for one in projects]
    return {
        "project": projects,
        "task": draw(_contents(2, places, _task)),
        "model": draw(_contents(3, places, _model)),
        "user": [_named(4, number, company) for number, company in enumerate([OWN, "", worlds.OTHER, SECOND])],
        "company": [{"_id": company, "name": _text(company, "inc")} for company in (OWN, worlds.OTHER, SECOND)],
    }


_MARKS = st.sampled_from([[], [], ["hidden"], ["dataset"], ["pipeline"], ["hidden", "dataset"], ["archived"]])
_SEGMENT = st.sampled_from(SEGMENTS)


def _project(
    number: int,
    owner: tuple[str, str | None],
    parent: Document | None,
    marks: list[str],
    segment: str,
    *,
    taken: Sequence[Document],
) -> Document:
    company, origin = owner
    above = f"{parent['name']}/" if parent else ""
    name = f"{above if MARKER not in above or _is_foreign(company) else ''}{_text(company, segment)}"
    if any(one["name"] == name and one["company"] == company for one in taken):
        name += f" {number}"
    found = {
        "_id": _identifier(company, 1, number),
        "company": company,
        "user": _named(4, number % 4, [OWN, "", worlds.OTHER, SECOND][number % 4])["_id"],
        "name": name,
        "basename": name.rpartition("/")[2],
        "description": _text(company, f"about {segment}"),
        "default_output_destination": _text(company, "s3"),
        "tags": [_text(company, "tag"), "-x"] if not _is_foreign(company) else [_text(company, "tag")],
        "system_tags": marks,
        "created": LONG_AGO,
        "last_update": LONG_AGO + timedelta(days=number),
        "path": [*parent["path"], parent["_id"]] if parent else [],
    }
    return found | ({"parent": parent["_id"]} if parent else {}) | ({"company_origin": origin} if origin else {})


def _named(kind: int, number: int, company: str) -> Document:
    return {"_id": _identifier(company, kind, number), "company": company, "name": _text(company, f"person {number}")}


def _contents(kind: int, places: Sequence[str], made: Any) -> SearchStrategy[list[Document]]:
    drawn = st.tuples(
        st.sampled_from(OWNERS),
        st.sampled_from([*places, *places, *places, None, ""]),
        st.sampled_from([[], [], ["archived"]]),
        st.sampled_from(["controller", "training", "report"]),
    )
    return st.lists(drawn, min_size=2, max_size=10).map(
        lambda found: [
            # The parent is another task (model) of any company.
            _content(kind, number, *one)
            | {"parent": _identifier(found[number // 2][0][0], kind, number // 2)}
            | made(number, *one)
            for number, one in enumerate(found)
        ]
    )


def _content(
    kind: int, number: int, owner: tuple[str, str | None], place: str | None, marks: list[str], _type: str
) -> Document:
    company = owner[0]
    return {
        **_named(kind, number, company),
        "user": _named(4, number % 4, [OWN, "", worlds.OTHER, SECOND][number % 4])["_id"],
        "project": place,
        "tags": [_text(company, f"tag {number % 3}"), "b"][: 1 if _is_foreign(company) else 2],
        "system_tags": [*marks, *([_text(company, "mark")] if _is_foreign(company) else [])],
        "last_update": LONG_AGO,
    }


def _task(number: int, owner: tuple[str, str | None], _place: str | None, _marks: list[str], type_: str) -> Document:
    word = _text(owner[0], f"word {number % 3}")
    metric = {"metric": word, "variant": word, "value": 1}
    return {
        "type": type_,
        "status": ["created", "completed", "failed"][number % 3],
        "started": LONG_AGO,
        "completed": worlds.PLACE + timedelta(seconds=number),
        "hyperparams": {
            word: {word: {"section": word, "name": word, "value": "1"}},
            "Args": {"lr": {"section": "Args", "name": "lr", "value": word}},
        },
        "last_metrics": {METRIC: {VARIANT: metric}} if number % 2 else {METRIC + word: {VARIANT: metric}},
    }


def _model(number: int, owner: tuple[str, str | None], *_drawn: Any) -> Document:
    word = _text(owner[0], f"word {number % 3}")
    return {
        "uri": _text(owner[0], "s3"),
        "framework": _text(owner[0], "tf"),
        "ready": bool(number % 2),
        "metadata": {word: {"key": word, "value": word}, "key": {"key": "key", "value": word}},
        "last_metrics": {METRIC: {VARIANT: {"metric": word, "variant": word}}},
    }


def split(documents: Documents) -> tuple[Documents, Documents]:
    """Part a database into what the caller may see, and the other companies' documents."""
    seen = {name: [one for one in every if not is_foreign(name, one)] for name, every in documents.items()}
    rest = {name: [one for one in every if is_foreign(name, one)] for name, every in documents.items()}
    return seen, rest


def is_foreign(collection: str, document: Document) -> bool:
    """Return whether a document is another company's."""
    return _is_foreign(document["_id"] if collection == "company" else document["company"])


# --- requests -----------------------------------------------------------------------------------------------------


def requests(endpoint: str, documents: Documents) -> Requests:
    """Draw requests to an endpoint, valid and half-valid; an endpoint without a strategy is a KeyError."""
    valid = STRATEGIES[endpoint](documents)
    return st.one_of(valid, valid, valid, valid, valid.flatmap(_spoilt))


def _spoilt(params: Document) -> Requests:
    """Draw the request with something wrong, or more: a parameter lost, of another type, or unknown."""
    junk = st.sampled_from([None, 0, True, "", "feed", [], {}, ["feed"], [None], {"$ne": None}, {"$gt": ""}])
    names = st.sampled_from([*params, "company", "$where"])
    changed = st.tuples(names, junk).map(lambda change: {**params, change[0]: change[1]})
    return st.one_of(changed, names.map(lambda lost: {key: params[key] for key in params if key != lost}))


def _ids(documents: Documents) -> SearchStrategy[str]:
    every = st.sampled_from([one["_id"] for one in documents["project"]])
    odd = st.sampled_from(["gone", "", OWN, worlds.OTHER])
    return st.one_of(every, every, _ids_of(OWN, documents), _ids_of(OWN, documents), odd)


def _ids_of(company: str, documents: Documents) -> SearchStrategy[str]:
    """Draw the id of a project of a company (`""`: a public one), if there is any."""
    return st.sampled_from([one["_id"] for one in documents["project"] if one["company"] == company] or ["none"])


def _names(documents: Documents) -> SearchStrategy[str]:
    every = [one["name"] for one in documents["project"]]
    known = st.sampled_from(every)
    segment = st.sampled_from([*SEGMENTS, "x", "feed alpha", "fresh", " ", ""])
    below = st.tuples(known, segment).map("/".join)
    beside = st.tuples(known, segment).map(lambda both: f"{both[0].rpartition('/')[0]}/{both[1]}")
    deep = known.map(lambda name: name + "/abc/def")
    return st.one_of(known, below, beside, segment, deep, st.just("/".join(["abc"] * 11)))


TEXTS = st.sampled_from(["", "feed", "new text", " s3 "])
TAG_LISTS = st.one_of(
    st.lists(st.sampled_from(["feed", "z", "a", "z"]), max_size=3), st.sampled_from([["__$all"], ["feed tag"]])
)


def _create(documents: Documents) -> Requests:
    optional = {"tags": TAG_LISTS, "system_tags": TAG_LISTS, "default_output_destination": TEXTS}
    return st.fixed_dictionaries({"name": _names(documents), "description": TEXTS}, optional=optional)


def _update(documents: Documents) -> Requests:
    maybe_tags = st.one_of(TAG_LISTS, st.none())
    texts = st.one_of(TEXTS, st.none())
    optional: dict[str, SearchStrategy[Any]] = {"name": _names(documents), "tags": maybe_tags}
    optional |= {"description": texts, "default_output_destination": texts, "system_tags": maybe_tags}
    return st.fixed_dictionaries({"project": _ids(documents)}, optional=optional)


def _one(documents: Documents) -> Requests:
    return st.fixed_dictionaries({"project": _ids(documents)})


def _delete(documents: Documents) -> Requests:
    forced = st.sampled_from([True, True, True, False])
    optional = {"force": forced, "delete_contents": st.booleans()}
    return st.fixed_dictionaries({"project": _ids(documents)}, optional=optional)


def _move(documents: Documents) -> Requests:
    locations = st.one_of(_names(documents), st.none())
    return st.fixed_dictionaries({"project": _ids(documents)}, optional={"new_location": locations})


def _merge(documents: Documents) -> Requests:
    destinations = st.one_of(_ids(documents), st.none())
    return st.fixed_dictionaries({"project": _ids(documents)}, optional={"destination_project": destinations})


def _several(documents: Documents) -> Requests:
    one = st.one_of(_ids_of("", documents), _ids(documents)).map(lambda identifier: [identifier])
    return st.fixed_dictionaries({"ids": st.one_of(one, one, st.lists(_ids(documents), max_size=3))})


WORDS = st.sampled_from(["feed", "f", "alpha", "^feed", ".", "aaaa", "-x", "b$", "(?i)FEED"])
FIELDS = st.sampled_from(["id", "name", "description", "company", "company_origin", "user", "parent", "path", "tags"])
ONLY = st.sampled_from(["user.name", "parent.name", "company.name", "name", "path", "company_origin", "-name"])


def _listing(documents: Documents) -> dict[str, SearchStrategy[Any]]:
    several = st.fixed_dictionaries({"fields": st.lists(FIELDS, max_size=3), "pattern": WORDS})
    listed = st.sampled_from(["feed tag", "tag", "-feed tag", "hidden", "-hidden", "__$all", "__$any", None, "__$not"])
    return {
        "id": st.lists(st.one_of(_ids(documents), _ids(documents).map("-{}".format)), max_size=4),
        "name": WORDS,
        "description": WORDS,
        "tags": st.lists(listed, max_size=4),
        "system_tags": st.lists(listed, max_size=4),
        "_any_": several,
        "_all_": several,
        "order_by": st.lists(FIELDS.flatmap(lambda name: st.sampled_from([name, f"-{name}", "@text_score"]))),
        "page": st.integers(0, 3),
        "page_size": st.integers(1, 4),
        "search_text": st.sampled_from(["feed", "alpha", "feed alpha", "about", "-feed about", '"feed about"']),
        "only_fields": st.lists(ONLY, max_size=4),
    }


def _get_all(documents: Documents) -> Requests:
    return worlds.chosen(_listing(documents))


def _get_all_ex(documents: Documents) -> Requests:
    more = {
        "include_stats": st.sampled_from([True, True, False]),
        "stats_for_state": st.sampled_from(["active", "archived", None]),
        "non_public": st.booleans(),
    }
    plain = worlds.chosen(_listing(documents) | more)
    figures = plain.map(lambda params: params | {"include_stats": True, "stats_for_state": None})
    references = st.sampled_from([{"only_fields": ["user.name", "parent.name", "company.name"], "id": []}])
    every = st.lists(_ids(documents), max_size=4).map(lambda ids: {"only_fields": ["user.*", "parent.*"], "id": ids})
    return st.one_of(plain, figures, references, every)


PAGES = {"page": st.integers(-1, 2), "page_size": st.integers(0, 5)}
KEYS = st.sampled_from(["key", "word 1", "feed word 1", "Args"])


def _contents_of(documents: Documents, **more: SearchStrategy[Any]) -> Requests:
    """Draw a request that chooses the contents of projects, or of one project."""
    several = st.lists(st.one_of(_ids(documents), _ids(documents), st.none()), max_size=3)
    return worlds.chosen({"projects": several, "include_subprojects": st.booleans(), **more})


def _of_one(documents: Documents, **more: SearchStrategy[Any]) -> Requests:
    return worlds.chosen({"project": _ids(documents), "include_subprojects": st.booleans(), **more})


def _metrics(documents: Documents) -> Requests:
    ids = st.sampled_from([one["_id"] for name in ("task", "model") for one in documents[name]])
    return _of_one(documents, model_metrics=st.booleans(), ids=st.lists(ids, max_size=3))


def _values(documents: Documents, *keys: str) -> Requests:
    optional = _contents_of(documents, allow_public=st.booleans(), **PAGES)
    return st.tuples(optional, st.fixed_dictionaries(dict.fromkeys(keys, KEYS))).map(lambda parts: parts[0] | parts[1])


def _hyperparam_values(documents: Documents) -> Requests:
    exact = {"section": "Args", "name": "lr"}
    plain = _values(documents, "section", "name")
    return st.one_of(plain, plain.map(lambda params: params | exact), st.just(exact | {"pattern": "feed"}))


def _parents(documents: Documents) -> Requests:
    state = st.sampled_from(["active", "archived"])
    return _contents_of(documents, tasks_state=state, task_name=st.sampled_from(["feed", "person", "[12]"]))


def _users(documents: Documents) -> Requests:
    return _contents_of(documents, entity=st.sampled_from(["task", "model"]))


def _tags(documents: Documents) -> Requests:
    listed = st.lists(st.sampled_from(["feed tag 0", "tag 0", "tag 1", "-b", "__$not", "__Snot", None]), max_size=3)
    filters = worlds.chosen({"tags": listed, "system_tags": listed})
    projects = st.lists(_ids(documents), max_size=3)
    return worlds.chosen({"projects": projects, "include_system": st.booleans(), "filter": filters})


STRATEGIES = {
    "projects.create": _create,
    "projects.get_by_id": _one,
    "projects.get_all": _get_all,
    "projects.get_all_ex": _get_all_ex,
    "projects.update": _update,
    "projects.delete": _delete,
    "projects.validate_delete": _one,
    "projects.move": _move,
    "projects.merge": _merge,
    "projects.get_unique_metric_variants": _metrics,
    "projects.get_hyper_parameters": lambda documents: _of_one(documents, **PAGES),
    "projects.get_hyperparam_values": _hyperparam_values,
    "projects.get_model_metadata_keys": lambda documents: _of_one(documents, **PAGES),
    "projects.get_model_metadata_values": lambda documents: _values(documents, "key"),
    "projects.get_task_parents": _parents,
    "projects.get_user_names": _users,
    "projects.get_project_tags": _tags,
    "projects.get_task_tags": _tags,
    "projects.get_model_tags": _tags,
    "projects.make_public": _several,
    "projects.make_private": _several,
}
"""What is asked of each endpoint; test_tenancy.py demands one for every endpoint of the schema."""
