"""Naming rules: which projects of a listing break them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from projects_cli.endpoints.hierarchy import path_of, shown_name
from projects_cli.extended_json import identity
from projects_cli.store import filters

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from projects_cli.messages import Document
    from projects_cli.store.collections import Store


class Rules(NamedTuple):
    """The rules: a pattern of full names, tags that every project has, and the levels that there may be."""

    pattern: str | None = None
    required_tags: Sequence[str] = ()
    max_depth: int | None = None


def has_any(condition: Document, store: Store) -> bool:
    """Return whether any of the company's own projects matches."""
    own = filters.all_of([condition, {"company": store.company}])
    return store.projects.find_one(own, {"_id": 1}) is not None


def findings(rules: Rules, condition: Document, store: Store) -> Iterator[Document]:
    """Yield what breaks the rules among the company's own projects that match, as `{rule, name, message, id}`, by name.

    Names that differ only in case are a finding under any rules: of two such names one is usually a typing error.
    """
    own = filters.all_of([condition, {"company": store.company}])
    unmatched: set[Hashable] = set()
    if rules.pattern:
        # The server matches, with the patterns of `list --name`; it ends a pattern that explodes.
        other = filters.all_of([own, {"name": {"$not": {"$regex": rules.pattern}}}])
        unmatched = {identity(project["_id"]) for project in store.projects.scan(other, {"_id": 1})}
    spellings: dict[str, set[str]] = defaultdict(set)
    for project in store.projects.scan({}, {"name": 1}):
        name = shown_name(project)
        spellings[name.casefold()].add(name)
    projects = store.projects.scan(own, {"name": 1, "tags": 1, "path": 1})
    for name, project in sorted(((shown_name(each), each) for each in projects), key=lambda pair: pair[0]):
        for rule, message in _broken(rules, name, project, spellings[name.casefold()]):
            yield {"rule": rule, "name": name, "message": message, "id": project["_id"]}
        if identity(project["_id"]) in unmatched:
            message = f"does not match {rules.pattern}"
            yield {"rule": "pattern", "name": name, "message": message, "id": project["_id"]}


def _broken(rules: Rules, name: str, project: Document, spellings: set[str]) -> Iterator[tuple[str, str]]:
    depth = len(path_of(project)) + 1
    if rules.max_depth is not None and depth > rules.max_depth:
        yield "max-depth", f"is at level {depth}"
    tags = project.get("tags")
    missing = [tag for tag in rules.required_tags if not isinstance(tags, list) or tag not in tags]
    if missing:
        yield "required-tag", f"lacks the tag{'' if len(missing) == 1 else 's'} {', '.join(missing)}"
    others = sorted(spellings - {name})
    if others:
        yield "case", f"differs only in case from {', '.join(others)}"
