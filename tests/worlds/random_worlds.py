"""Strategies: what databases hold, and what callers ask."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.properties import model
from tests.properties.calling import NOW, OWN, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    Drawn = SearchStrategy[Document]

OTHER = "feed" + "0" * 28
"""Another company, that has projects of its own and public ones."""

PLACE = NOW.replace(tzinfo=None)
ABSENT: Any = object()
"""Drawn for a field that a document does not have."""

# Letters whose upper and lower case Python and PCRE pair alike.
LETTERS = "aAbBkéÉжЖ日🙂 .-_$%|(['\"\\{*+?^"
TEXT = st.text(LETTERS, max_size=6)
TAGS = st.sampled_from(["a", "b", "c", "A", "-a", "-", "", " a", "a.b", "é", "🙂", "hidden", "__$all", "__$x", "ab"])
SYSTEM_TAGS = st.sampled_from(["archived", "dataset", "pipeline", "-a", "Hidden", "reports", "archived", "a", "hidden"])
DATES = st.sampled_from([datetime(2024, 1, day, 10, 0, 0, day * 1000) for day in (1, 2, 3)])  # noqa: DTZ001
USERS = ("user one", "user two", "feeduser", "gone")


def document(**fields: SearchStrategy[Any]) -> Drawn:
    """Draw a document; what is drawn as `ABSENT` is not in it."""
    return st.fixed_dictionaries(fields).map(
        lambda drawn: {name: value for name, value in drawn.items() if value is not ABSENT}
    )


def maybe(values: SearchStrategy[Any], *others: Any) -> SearchStrategy[Any]:
    """Draw a value, or an absent or null one."""
    return st.one_of(values, st.sampled_from([ABSENT, None, *others]))


def stored_tags(tags: SearchStrategy[str]) -> SearchStrategy[Any]:
    """Draw a list of tags as servers store it: unsorted, with duplicates, null, or not at all."""
    return maybe(st.lists(tags, max_size=4))


COMPANIES = st.sampled_from([OWN, OWN, OWN, "", OTHER])


# --- projects for the filters -------------------------------------------------------------------------------------

LINES = st.text(LETTERS + "\n/", max_size=6)
_PROJECT = document(
    company=COMPANIES,
    company_origin=maybe(st.sampled_from([OWN, OTHER])),
    user=maybe(st.sampled_from(USERS)),
    name=LINES,
    basename=maybe(TEXT),
    description=maybe(LINES, "", ""),
    parent=maybe(st.sampled_from([f"{number:032x}" for number in range(6)])),
    path=maybe(st.lists(st.sampled_from([f"{number:032x}" for number in range(6)]), max_size=2)),
    created=maybe(DATES),
    last_update=maybe(DATES),
    tags=stored_tags(TAGS),
    system_tags=stored_tags(SYSTEM_TAGS),
    default_output_destination=maybe(TEXT),
    featured=maybe(st.sampled_from([1, 2, 9999])),
    logo_url=maybe(TEXT),
    logo_blob=maybe(TEXT),
    unknown=maybe(TEXT),
)


def _numbered(documents: Sequence[Document]) -> list[Document]:
    """Return the projects their ids, in a random order, and names that are unique."""
    count = len(documents)
    places = sorted(range(count), key=lambda place: place * 7 % 13)
    return [
        one | {"_id": f"{place:032x}", "name": one["name"] + f"-{number}"}
        for number, (one, place) in enumerate(zip(documents, places, strict=True))
    ]


PROJECTS = st.lists(_PROJECT, max_size=12).map(_numbered)
PEOPLE: dict[str, list[Document]] = {
    "user": [
        {"_id": "user one", "name": "One", "company": OWN},
        {"_id": "user two", "company": "", "name": "Two"},
        {"_id": "feeduser", "company": OTHER, "name": "feedname"},
    ],
    "company": [{"_id": OWN, "name": "ours"}, {"_id": OTHER, "name": "feedcompany"}],
}


# --- requests of listings -----------------------------------------------------------------------------------------

OPERATORS = st.sampled_from([*model.JOINERS, *model.NEGATIONS])


def tag_list(tags: SearchStrategy[str]) -> SearchStrategy[list[str | None]]:
    """Draw a list of values with operators, seldom a faulty one."""
    item = st.one_of(tags, tags.map("-{}".format), OPERATORS, tags, st.none(), st.sampled_from(["a", "b", "-b", "c"]))
    clean = st.one_of(st.lists(item, max_size=5), _parts(tags)).filter(lambda drawn: not model.wanted(drawn).faulty)
    faulty = st.lists(st.one_of(item, st.sampled_from(["__$bad", "__$", "-"])), max_size=4)
    return st.one_of(clean, clean, clean, faulty).filter(lambda drawn: not model.ambiguous(drawn))


def _parts(tags: SearchStrategy[str]) -> SearchStrategy[list[str | None]]:
    """Draw a list of two or three parts, each with its operator and values."""
    operator = st.sampled_from(["__$all", "__$and", "__$any", "__$or", "__$not", "__$nop", "__Snot"])
    value: SearchStrategy[str | None] = st.one_of(tags, tags, tags, tags, tags.map("-{}".format), st.none())
    part = st.tuples(operator, st.lists(value, min_size=1, max_size=2)).map(lambda drawn: [drawn[0], *drawn[1]])
    return st.lists(part, min_size=2, max_size=3).map(lambda parts: [item for some in parts for item in some])


_LITERAL = st.text(LETTERS, min_size=1, max_size=3).map(re.escape)
_SOUND = st.one_of(
    _LITERAL,
    _LITERAL.map("^{}".format),
    st.integers(0, 12).map("-{}$".format),
    st.tuples(_LITERAL, _LITERAL).map("|".join),
    st.tuples(_LITERAL, _LITERAL).map(".*".join),
    _LITERAL.map("(?i){}".format),
    st.sampled_from(["", ".", "^$", "[ab]", "a.", "[^-]a", "^a?b", "(a|b)-", "^", "-0|-1"]),
)
PATTERNS = st.one_of(_SOUND, _SOUND, _SOUND, _SOUND, _SOUND, _SOUND, st.sampled_from(["(", "[a", "*", "a)", "a\\"]))

_FIELD = st.sampled_from(model.FIELDS)
_SEARCHED = st.one_of(
    st.sampled_from(["name", "id", "tags", "description", "system_tags"]), _FIELD, st.sampled_from(["nam", "a.b"])
)
_KEY = st.one_of(_FIELD, _FIELD, st.sampled_from(["name", "tags", "description", "featured", "parent", "created"]))
_ORDER_ITEM = st.one_of(_KEY, _KEY, _KEY.map("-{}".format), _KEY.map("-{}".format))
_BAD_ORDER = st.sampled_from(["@text_score", "-@text_score", "", "--name", "nobody", "parent.name", "_id"])
_ORDER = st.one_of(
    st.lists(_ORDER_ITEM, max_size=3), st.lists(_ORDER_ITEM, max_size=3), st.lists(st.one_of(_KEY, _BAD_ORDER))
).filter(lambda keys: sum(key.removeprefix("-") in model.LISTS for key in keys) < 2)

MOSTLY_NOT_NULL = 0.9


def several_fields() -> Drawn:
    """Draw what `_all_` and `_any_` take."""
    return st.fixed_dictionaries(
        {}, optional={"fields": st.lists(_SEARCHED, max_size=3), "pattern": st.one_of(PATTERNS, PATTERNS, st.none())}
    )


def _only_fields(*, extended: bool) -> SearchStrategy[list[str]]:
    shown = [name for name in model.FIELDS if name not in model.REFERENCES] if extended else model.FIELDS
    plain = st.sampled_from(shown)
    left_out = st.sampled_from([f"-{name}" for name in model.FIELDS])
    nested = st.sampled_from([f"{name}.{rest}" for name in model.REFERENCES for rest in ("name", "*")] + ["*"])
    bad = st.sampled_from(["", "-", "nobody", "-nobody", "tags.x", "_id", "--name"])
    any_of = [st.lists(plain, max_size=4), st.lists(left_out, max_size=4), st.lists(st.one_of(plain, left_out))]
    any_of += [st.lists(st.one_of(plain, bad, nested), max_size=3)]
    return st.one_of(*any_of, st.lists(st.one_of(plain, nested), max_size=4) if extended else any_of[0])


IDS = st.one_of(st.integers(0, 12).map("{:032x}".format), st.sampled_from(["", "no such id"]))


_BOUND = st.sampled_from([None, "2024-01-02", "2024-01-01T10:00:00.001Z", "2024-01-03T10:00:00.002+00:00"])


def list_filter(values: SearchStrategy[str]) -> Drawn:
    """Draw a filter `{any, all, op}`, with conditions on none of its parts, on some, or on all."""
    lists = st.lists(st.one_of(values, values, values, st.none()), max_size=3)
    part = st.fixed_dictionaries({}, optional={"include": lists, "exclude": lists})
    return st.fixed_dictionaries({}, optional={"any": part, "all": part, "op": st.sampled_from(["and", "or"])})


_LIST_FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "tags": list_filter(TAGS),
        "system_tags": list_filter(SYSTEM_TAGS),
        **dict.fromkeys(("id", "parent", "path"), list_filter(IDS)),
    },
)
FILTERS = st.one_of(*[_LIST_FILTERS] * 6, st.just({"name": {}}))


def listing(*, extended: bool) -> Drawn:
    """Draw a request of get_all, or of get_all_ex; each parameter is mostly left out."""
    parameters: dict[str, SearchStrategy[Any]] = {
        "id": tag_list(IDS),
        "name": PATTERNS,
        "description": PATTERNS,
        "tags": tag_list(TAGS),
        "system_tags": tag_list(SYSTEM_TAGS),
        "_all_": several_fields(),
        "_any_": several_fields(),
        "order_by": _ORDER,
        "page": st.sampled_from([0, 1, 2, 3, 1.0, 10**15, 2**62]),
        "page_size": st.sampled_from([1, 2, 3, 5, 4.0, 2**31, 2**40, 2**62]),
        "only_fields": _only_fields(extended=extended),
        "search_text": st.just(""),
        "basename": PATTERNS,
        "shallow_search": st.booleans(),
        "parent": tag_list(st.integers(0, 6).map("{:032x}".format)),
        "_and_": several_fields(),
        "_or_": several_fields(),
        "search_hidden": st.booleans(),
        "filters": FILTERS,
        "last_update": st.lists(_BOUND, min_size=2, max_size=2),
    }
    if extended:
        parameters |= {"non_public": st.booleans(), "allow_public": st.booleans()}
    return chosen(parameters)


def chosen(parameters: dict[str, SearchStrategy[Any]], most: int = 4) -> Drawn:
    """Draw some of the parameters, seldom null."""
    names = st.lists(st.sampled_from(sorted(parameters)), max_size=most, unique=True)
    return names.flatmap(
        lambda some: st.fixed_dictionaries({
            name: st.one_of(*[parameters[name]] * 6, st.none()) for name in some
        })
    )  # fmt: skip


# --- trees of projects, tasks, models -----------------------------------------------------------------------------


@st.composite
def trees(draw: st.DrawFn, *, mixed: bool, most: int = 8) -> list[Document]:
    """Draw projects below each other; `mixed`: whatever a company sees may lie below what it does not see."""
    projects: list[Document] = []
    for number in range(draw(st.integers(0, most))):
        parent = draw(st.sampled_from([None, *projects]))
        company = draw(COMPANIES)
        if parent and parent["company"] == OTHER and not mixed:
            company = OTHER
        projects.append(_below(parent, number, company, draw(_MARKS), draw(st.integers(0, 99))))
    return projects


_MARKS = st.sampled_from([ABSENT, None, [], ["archived"], ["hidden"], ["hidden", "dataset"], ["x"]])


def _below(parent: Document | None, number: int, company: str, marks: Any, order: int) -> Document:
    place = {"path": [*(parent.get("path") or ()), parent["_id"]], "parent": parent["_id"]} if parent else {}
    if not parent and order % 3:
        place = {"path": [] if order % 3 == 1 else None}
    seen = {} if marks is ABSENT else {"system_tags": marks}
    # The name says nothing about the place: what comes by name is told from what comes by the tree.
    name = f"{order:02d}é-{number}"
    return {"_id": f"{number:032x}", "name": name, "basename": name, "company": company, **place, **seen}


def _moments() -> SearchStrategy[Any]:
    since = PLACE - timedelta(hours=24)
    steps = [timedelta(), timedelta(milliseconds=1), timedelta(milliseconds=999), timedelta(seconds=61)]
    around = [moment + sign * step for moment in (since, PLACE) for step in steps for sign in (1, -1)]
    dates = st.sampled_from([*around, datetime(2020, 2, 29), datetime(2031, 1, 1)])  # noqa: DTZ001 - as they are stored
    return st.one_of(
        dates,
        dates,
        st.sampled_from([ABSENT, None, "2024-05-01T00:00:00", 1_714_000_000, []]),
    )


MOMENTS = _moments()


def tasks(projects: Sequence[Document], **fields: SearchStrategy[Any]) -> SearchStrategy[list[Document]]:
    """Draw tasks (or models) of these projects, of one that is gone, and of none."""
    places = [*(one["_id"] for one in projects)] * 2
    drawn = document(company=COMPANIES, project=st.sampled_from([*places, *places, None, "", "gone", ABSENT]), **fields)
    return st.lists(drawn, max_size=10).map(
        lambda found: [one | {"_id": f"t{number}"} for number, one in enumerate(found)]
    )
