"""The projects that manifests want, checked: each with its full name and the fields that its file mentions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projects_cli.endpoints import hierarchy
from projects_cli.errors import ServiceError, did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projects_cli.manifests.reading import Location, Parsed

FIELDS = ("description", "tags", "default_output_destination", "visibility")
KEYS = ("name", *FIELDS, "projects")
VISIBILITIES = ("private", "public")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A project of a file: its full name, the fields that are mentioned, and where it is."""

    name: str
    fields: dict[str, Any]
    file: Parsed
    location: Location


def wanted_projects(files: Iterable[Parsed]) -> dict[str, Wanted]:
    """Return the wanted projects by their full names, parents before what is below them.

    Raises:
        ManifestError: a file has something else than projects, or a project occurs twice.
    """
    projects: dict[str, Wanted] = {}
    for file in files:
        tree = file.tree
        if not isinstance(tree, dict) or set(tree) != {"projects"}:
            odd = next((key for key in tree if key != "projects"), None) if isinstance(tree, dict) else None
            message = "a file should have the key 'projects' and nothing else"
            raise file.error((odd,) if odd is not None else (), message)
        if tree["projects"] is None:  # what was meant is not known, and --prune would delete all others
            raise file.error(("projects",), "'projects' should be a list, [] if there are none")
        for project in _projects(file, tree["projects"], ("projects",), ""):
            other = projects.get(project.name)
            if other is not None:
                raise file.error(project.location, f"'{project.name}' occurs twice")
            projects[project.name] = project
    # The name of a parent is the beginning of its children's names, so it sorts before them.
    return dict(sorted(projects.items()))


def _projects(file: Parsed, value: Any, location: Location, above: str) -> Iterator[Wanted]:
    if value is None:
        return
    if not isinstance(value, list):
        raise file.error(location, "'projects' should be a list")
    for number, item in enumerate(value):
        place = (*location, number)
        if not isinstance(item, dict):
            raise file.error(place, "a project should have keys, at least 'name'")
        for key in item:
            if key not in KEYS:
                hint = did_you_mean(nearest(str(key), KEYS), f"a project may have: {', '.join(KEYS)}")
                raise file.error((*place, key), f"unknown key {key!r}: {hint}")
        name = _name(file, item, place, above)
        fields = {key: _field(file, key, item[key], (*place, key)) for key in FIELDS if key in item}
        yield Wanted(name, fields, file, place)
        yield from _projects(file, item.get("projects"), (*place, "projects"), name)


def _name(file: Parsed, item: dict[str, Any], place: Location, above: str) -> str:
    text = item.get("name")
    if not isinstance(text, str) or not text.strip():
        raise file.error((*place, "name"), "a project needs a name, which is text")
    name = f"{above}/{text}" if above else text
    try:
        parts = hierarchy.segments(name)
        name.encode()
    except (ServiceError, UnicodeEncodeError) as error:
        raise file.error((*place, "name"), getattr(error, "message", "the name is not Unicode text")) from error
    if len(parts) > hierarchy.MAX_DEPTH:
        raise file.error(
            (*place, "name"), f"'{name}' has {len(parts)} levels: at most {hierarchy.MAX_DEPTH} are allowed"
        )
    return "/".join(parts)


def _field(file: Parsed, key: str, value: Any, place: Location) -> Any:
    """Return the value of a field as it is stored; null empties it."""
    if key == "tags":
        tags = [] if value is None else value
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise file.error(place, "'tags' should be a list of texts")
        for tag in tags:
            if not tag or tag.startswith("__$"):
                raise file.error(place, f"{tag!r} can't be a tag")
        return sorted(set(tags))
    if not isinstance(value, str) and value is not None:
        raise file.error(place, f"{key!r} should be text")
    if key == "visibility" and value not in VISIBILITIES:
        raise file.error(place, f"'visibility' should be {' or '.join(VISIBILITIES)}")
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        raise file.error(place, f"{key!r} is not Unicode text") from error
    return (value or "").strip() if key == "default_output_destination" else value or ""
