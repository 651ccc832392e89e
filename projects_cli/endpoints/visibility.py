"""The endpoints make_public and make_private."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from projects_cli.endpoints import hierarchy
from projects_cli.errors import ExpectedUniqueData, InvalidProjectId, Problem, ValidationError
from projects_cli.extended_json import id_text
from projects_cli.messages import Count, Plan, Sample, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projects_cli.messages import Document, Request
    from projects_cli.store.collections import Store


def make_public(request: Request, store: Store) -> Plan[Step]:
    """Plan to make projects of the company visible to every company. The response is `{updated}`.

    Raises:
        ValidationError: there are no ids. InvalidProjectId: a project is not the company's own.
        ExpectedUniqueData: a public project has the name of one of them.
    """
    own: Document = {"company": store.company}
    change: Document = {"$set": {"company": "", "company_origin": store.company}}
    return _change(request, store, own, change, other_side="", word="public")


def make_private(request: Request, store: Store) -> Plan[Step]:
    """Plan to make projects private again that the company made public. The response is `{updated}`.

    Raises:
        ValidationError: there are no ids. InvalidProjectId: another company made a project public.
        ExpectedUniqueData: a project of the company has the name of one of them.
    """
    eligible: Document = {"company": "", "company_origin": store.company}
    change: Document = {"$set": {"company": store.company}, "$unset": {"company_origin": 1}}
    return _change(request, store, eligible, change, other_side=store.company, word="private")


def _change(
    request: Request, store: Store, eligible: Document, change: Document, *, other_side: str, word: str
) -> Plan[Step]:
    """Plan to change the company of `eligible` projects to `other_side`. Contents and `last_update` are kept."""
    ids = list(dict.fromkeys(request.params.get("ids") or ()))
    if not ids:
        raise ValidationError("params.ids: name at least one project", problems=[Problem("params.ids", "is empty")])
    query: Document = {"_id": {"$in": ids}, **eligible}
    projects = {project["_id"]: project for project in store.projects.find(query, {"name": 1})}
    # An id in a request is text. Other tools store ids of other types, which are looked up one by one.
    others = hierarchy.ids_of_other_types([text for text in ids if text not in projects], store)
    for text, identifier in others.items():
        project = store.projects.find_one({"_id": identifier, **eligible}, {"name": 1})
        projects |= {text: project} if project else {}
    if missing := [identifier for identifier in ids if identifier not in projects]:
        raise InvalidProjectId(
            f"can't be made {word} by this company: {', '.join(_refused(missing[: hierarchy.SHOWN], word, store))}"
            + (f" and {len(missing) - hierarchy.SHOWN} more" if len(missing) > hierarchy.SHOWN else ""),
            hint="own projects can be made public; public ones can be made private by the company they came from",
        )
    _check_names_free([projects[identifier].get("name") for identifier in ids], other_side, store)
    names = {identifier: hierarchy.shown_name(projects[identifier]) for identifier in ids}
    return Plan(
        endpoint=request.endpoint,
        summary=f"make {len(ids)} project{'s' if len(ids) > 1 else ''} {word}",
        steps=[
            Step(
                "project",
                "update",
                {"_id": projects[identifier]["_id"], **eligible},
                change,
                why=f"make {word}",
                name=names[identifier],
            )
            for identifier in ids
        ],
        answer={"updated": Count("project", "update")},
        counts={"projects": len(ids)},
        samples=[Sample(id_text(projects[identifier]["_id"]), names[identifier]) for identifier in ids],
        name=names[ids[0]] if len(ids) == 1 else f"{len(ids)} projects",
    )


def _refused(ids: Sequence[str], word: str, store: Store) -> Iterator[str]:
    """Yield projects that can't be made public or private, each with the reason."""
    stored = {each["_id"]: each for each in store.projects.find({"_id": {"$in": list(ids)}}, {"name": 1, "company": 1})}
    for identifier in ids:
        project = stored.get(identifier)
        if project is None:
            yield f"{identifier!r} does not exist"
            continue
        now = "private" if project["company"] else "public"
        why = f"is {now} already" if now == word else "was made public by another company"
        yield f"'{hierarchy.shown_name(project)}' ({identifier}) {why}"


def _check_names_free(names: Sequence[object], other_side: str, store: Store) -> None:
    """Refuse names that occur twice among the projects, or on the other side: a company's names are unique.

    A name that is not text (`bson.Code` is a subclass of str, and is not) can't be equal to another one.
    """
    texts = Counter(name for name in names if isinstance(name, str) and type(name) is str)
    projects = store.projects.find({"name": {"$in": list(texts)}, "company": other_side}, {"name": 1})
    taken = {str(project["name"]) for project in projects} | {name for name, count in texts.items() if count > 1}
    if taken:
        raise ExpectedUniqueData(f"the name is taken on the other side: {', '.join(map(repr, sorted(taken)))}")
