"""Who may see projects: make_public, make_private."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from projects_cli.endpoints import hierarchy
from projects_cli.errors import ExpectedUniqueData, InvalidProjectId, Problem, ValidationError
from projects_cli.extended_json import id_text
from projects_cli.messages import Count, Plan, Sample, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store


def make_public(request: Request, store: Store) -> Plan[Step]:
    """Plan to show projects of the company to every company; answers `{updated}`.

    Raises:
        ValidationError: no ids. InvalidProjectId: one is not the company's own. ExpectedUniqueData: a name is taken.
    """
    own: Document = {"company": store.company}
    change: Document = {"$set": {"company": "", "company_origin": store.company}}
    return _change(request, store, own, change, other_side="", word="public")


def make_private(request: Request, store: Store) -> Plan[Step]:
    """Plan to take public projects back that the company made public; answers `{updated}`.

    Raises:
        ValidationError: no ids. InvalidProjectId: one did not originate here. ExpectedUniqueData: a name is taken.
    """
    eligible: Document = {"company": "", "company_origin": store.company}
    change: Document = {"$set": {"company": store.company}, "$unset": {"company_origin": 1}}
    return _change(request, store, eligible, change, other_side=store.company, word="private")


def _change(
    request: Request, store: Store, eligible: Document, change: Document, *, other_side: str, word: str
) -> Plan[Step]:
    """Plan to change projects that are on one side to the other; `last_update` and contents stay."""
    named = list(dict.fromkeys(request.params.get("ids") or ()))
    if not named:
        raise ValidationError("params.ids: name at least one project", problems=[Problem("params.ids", "is empty")])
    found = {one["_id"]: one for one in store.projects.find({"_id": {"$in": named}, **eligible}, {"name": 1})}
    others = hierarchy.ids_of_other_types([text for text in named if text not in found], store)
    for text, identifier in others.items():
        one = store.projects.find_one({"_id": identifier, **eligible}, {"name": 1})
        found |= {text: one} if one else {}
    _check_all_found(named, found, word)
    names = {text: hierarchy.shown_name(found[text]) for text in named}
    texts = [
        name for name in (found[text].get("name") for text in named) if type(name) is str
    ]  # bson.Code is a str too
    _check_names_free(texts, other_side, store)
    return Plan(
        endpoint=request.endpoint,
        summary=f"make {len(named)} project{'s' if len(named) > 1 else ''} {word}",
        steps=[
            Step(
                "project", "update", {"_id": found[one]["_id"], **eligible}, change, why=f"make {word}", name=names[one]
            )
            for one in named
        ],
        answer={"updated": Count("project", "update")},
        counts={"projects": len(named)},
        samples=[Sample(id_text(found[text]["_id"]), names[text]) for text in named],
        name=names[named[0]] if len(named) == 1 else f"{len(named)} projects",
    )


def _check_all_found(ids: Sequence[str], found: dict[str, Document], word: str) -> None:
    missing = [identifier for identifier in ids if identifier not in found]
    if missing:
        raise InvalidProjectId(
            f"can't be made {word} by this company: {', '.join(repr(one) for one in missing[:5])}",
            hint="own projects can be made public; public ones can be made private by the company they came from",
        )


def _check_names_free(names: Sequence[str], other_side: str, store: Store) -> None:
    found = store.projects.find({"name": {"$in": list(names)}, "company": other_side}, {"name": 1})
    taken = {str(one["name"]) for one in found}
    twice = {name for name, count in Counter(names).items() if count > 1}
    if taken or twice:
        raise ExpectedUniqueData(f"the name is taken on the other side: {', '.join(map(repr, sorted(taken | twice)))}")
