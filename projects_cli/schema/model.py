"""A service as its callers see it: endpoints, the choice of a version, parameters, an example to fill in.

This module is on the way of every command: it imports nothing that isn't loaded anyway.
"""

from __future__ import annotations

from projects_cli.schema.refs import resolved
from projects_cli.schema.validate import allows_null, shown, validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from projects_cli.errors import UnknownEndpoint

    Schema = dict[str, Any]
    Record = Mapping[str, Any]
    """One version, compiled: description, internal, request, response, shape, check."""

    Records = Callable[[str], Mapping[str, Record]]
    """Loads the versions of one endpoint."""

DEFAULT_SERVICE = "projects"
LONGEST_NUMBER = 9
PLACEHOLDERS: dict[str, Any] = {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}, "null": None}


# --- versions -----------------------------------------------------------------------------------------------------


def is_version(text: str) -> bool:
    """Whether the text is a version: whole numbers with dots between."""
    parts = text.split(".")
    return text.isascii() and all(part.isdecimal() and len(part) <= LONGEST_NUMBER for part in parts)


def version_key(text: str) -> tuple[int, ...]:
    """What versions are compared by: number by number, so that 2.10 is after 2.9, and 2 is 2.0."""
    numbers = [int(part) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _asked(version: str) -> tuple[int, ...]:
    if is_version(version):
        return version_key(version)
    from projects_cli.errors import UsageError  # only where something is wrong

    raise UsageError(f"{shown(version)} is not a version", hint="a version is a number like 2.8")


# --- parameters ---------------------------------------------------------------------------------------------------


class Parameter:
    """A field of a request, for people: what it is called, what it takes, what it is for.

    `type` and `item_type` are JSON's type names (`string|null` when there are several, `any` when none is given);
    `default`, `minimum` and `enum` are null where there is none; `fields` are those of an object.
    """

    __slots__ = ("default", "description", "enum", "fields", "item_type", "minimum", "name", "required", "type")

    def __init__(
        self, name: str, schema: Any, definitions: Mapping[str, Any], *, required: bool, depth: int = 0
    ) -> None:
        """Read it off its schema, references followed."""
        found: Any = resolved(schema, definitions)
        found = found if isinstance(found, dict) else {}
        items: Any = resolved(found.get("items"), definitions)
        description = found.get("description", "")
        self.name = name
        self.type = _type_of(found)
        self.item_type: str | None = _type_of(items) if isinstance(items, dict) else None
        self.required = required
        self.default: Any = found.get("default")
        self.enum: tuple[Any, ...] | None = tuple(found["enum"]) if "enum" in found else None
        self.minimum: float | None = found.get("minimum")
        self.description = " ".join(description.split()) if isinstance(description, str) else ""
        self.fields: tuple[Parameter, ...] = parameters_of(found, definitions, depth + 1)

    def __repr__(self) -> str:
        """The name and the type."""
        return f"Parameter({self.name!r}, {self.type!r})"


def _type_of(schema: Schema) -> str:
    named: Any = schema.get("type", "any")
    return "|".join(str(name) for name in named) if isinstance(named, list) else str(named)


def parameters_of(schema: Schema, definitions: Mapping[str, Any], depth: int = 0) -> tuple[Parameter, ...]:
    """The fields of an object schema, in their own order; a definition that holds itself is followed a few levels."""
    if depth > 3:  # noqa: PLR2004 - enough for people to read
        return ()
    required = schema.get("required", ())
    return tuple(
        Parameter(name, inner, definitions, required=name in required, depth=depth)
        for name, inner in schema.get("properties", {}).items()
    )


# --- service, endpoint, version -----------------------------------------------------------------------------------


class Version:
    """One version of an endpoint: its schemas, and the validator of its requests."""

    __slots__ = ("_record", "endpoint", "number")

    def __init__(self, endpoint: str, number: str, record: Record) -> None:
        """`endpoint` is the full name, `record` the compiled form."""
        self.endpoint = endpoint
        self.number = number
        self._record = record

    @property
    def internal(self) -> bool:
        """Whether the schema marks it as not meant for everyday use."""
        return bool(self._record["internal"])

    @property
    def description(self) -> str:
        """What the endpoint does, in a line."""
        return str(self._record["description"])

    @property
    def request_schema(self) -> Schema:
        """The request as a JSON Schema that stands by itself, with the definitions that it needs."""
        document: Schema = self._record["request"]
        return document

    @property
    def response_schema(self) -> Schema:
        """The response, likewise."""
        document: Schema = self._record["response"]
        return document

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The request's fields, in the file's order."""
        request = self.request_schema
        definitions = request.get("definitions", {})
        return parameters_of(resolved(request, definitions), definitions)

    def skeleton(self) -> dict[str, Any]:
        """A valid request to fill in: required fields as placeholders, defaults, and null for what may be left out.

        Where null would be a value of its own (update), the field is left out.
        """
        whole: Schema = self._record["shape"]
        definitions = whole.get("definitions", {})
        shape = resolved(whole, definitions)
        required = shape.get("required", ())
        properties = shape.get("properties", {})
        properties = {**properties, **{name: {} for name in required if name not in properties}}
        return {
            name: _example(name, inner, definitions, required=name in required)
            for name, inner in properties.items()
            if name in required or "default" in inner or not allows_null(inner)
        }

    def validate(self, params: Any) -> dict[str, Any]:
        """The request's parameters, checked and with defaults filled in: a new dict.

        Raises:
            ValidationError: with every problem and its path.
        """
        return validate(self._record["check"], self._record["shape"], params)


def _example(name: str, schema: Any, definitions: Mapping[str, Any], *, required: bool) -> Any:
    """What a skeleton shows for one field."""
    found: Any = resolved(schema, definitions)
    if not isinstance(found, dict):
        return None
    if "default" in found:
        return found["default"]
    if not required:
        return None
    if "enum" in found:
        return found["enum"][0]
    kind = _type_of(found).split("|", 1)[0]
    if kind == "object":
        needed = found.get("required", ())
        inner = found.get("properties", {})
        return {key: _example(key, inner.get(key), definitions, required=True) for key in needed}
    return found.get("minimum", PLACEHOLDERS.get(kind)) if kind in PLACEHOLDERS else f"<{name}>"


class Endpoint:
    """An endpoint: its versions from the oldest to the newest, and its place in the help."""

    __slots__ = ("_kind", "_records", "_short", "description", "internal", "name", "versions")

    def __init__(
        self, service: str, name: str, summary: Mapping[str, Any], records: Records, kind: type[Version] = Version
    ) -> None:
        """Keep the summary; `records` loads the compiled versions on demand, `kind` is the class of each version."""
        self.name = f"{service}.{name}"
        self._short = name
        self.versions: tuple[str, ...] = tuple(summary["versions"])
        self.internal = bool(summary["internal"])
        self.description = str(summary["description"])
        self._records = records
        self._kind = kind

    def chosen(self, asked: str | None = None) -> str:
        """The newest version that is not newer than the asked one; the newest of all when none is asked.

        Raises:
            UnknownEndpoint: there are only newer ones.
            UsageError: the asked one is no version.
        """
        limit = None if asked is None else _asked(asked)
        fitting = [number for number in self.versions if limit is None or version_key(number) <= limit]
        if fitting:
            return fitting[-1]
        raise _unknown(f"{self.name} is not in version {asked}: it came with {self.versions[0]}")

    def version(self, asked: str | None = None) -> Version:
        """The chosen version, loaded."""
        number = self.chosen(asked)
        return self._kind(self.name, number, self._records(self._short)[number])


class Service:
    """The endpoints of one schema file."""

    __slots__ = ("description", "endpoints", "name")

    def __init__(self, index: Mapping[str, Any], records: Records, kind: type[Version] = Version) -> None:
        """Make the endpoints: `index` has their summaries, `records` loads one endpoint's versions.

        `kind` is the class of those versions.
        """
        self.name = str(index["name"])
        self.description = str(index["description"])
        self.endpoints: dict[str, Endpoint] = {
            name: Endpoint(self.name, name, summary, records, kind) for name, summary in index["endpoints"].items()
        }


class Catalog:
    """The services of a schema by name, each loaded on demand; names without a service are those of the default one.

    A server's own folder has files for a dozen services, and a command needs one of them: the others cost nothing, and
    a fault in one of them stops nothing.
    """

    __slots__ = ("_loaded", "_loaders", "default_name")

    def __init__(self, loaders: Mapping[str, Callable[[], Service]]) -> None:
        """Keep how each service is loaded; the default service is `projects`, else the first."""
        self._loaders = loaders
        self._loaded: dict[str, Service] = {}
        self.default_name: str = DEFAULT_SERVICE if DEFAULT_SERVICE in loaders else next(iter(loaders))

    @property
    def services(self) -> dict[str, Service]:
        """Return every service, the default one first."""
        names = (self.default_name, *(name for name in self._loaders if name != self.default_name))
        return {name: self._service(name) for name in names}

    @property
    def default(self) -> Service:
        """Return the default service."""
        return self._service(self.default_name)

    def endpoints(self) -> list[Endpoint]:
        """Return all endpoints in the order of their files, those of the default service first."""
        return [endpoint for service in self.services.values() for endpoint in service.endpoints.values()]

    def has(self, name: str) -> bool:
        """Return whether there is an endpoint of that name."""
        return self._known(name) is not None

    def endpoint(self, name: str) -> Endpoint:
        """Return the endpoint of that name, with or without the service's.

        Raises:
            UnknownEndpoint: with the nearest names.
        """
        known = self._known(name)
        if known is not None:
            return known
        raise _unknown(f"no endpoint {shown(name)}{_nearest(name, list(self._usable()))}")

    def version(self, name: str, asked: str | None = None) -> Version:
        """Return the version of an endpoint to use: see `Endpoint.chosen`."""
        return self.endpoint(name).version(asked)

    def _known(self, name: str) -> Endpoint | None:
        prefix, _, short = name.rpartition(".")
        if prefix and not (short and prefix in self._loaders):
            return None
        return self._service(prefix or self.default_name).endpoints.get(short.replace("-", "_"))

    def _usable(self) -> Iterator[Service]:
        """Yield the services whose files have no fault."""
        from projects_cli.errors import SchemaError  # only where something is wrong

        for name in self._loaders:
            try:
                yield self._service(name)
            except SchemaError:
                continue

    def _service(self, name: str) -> Service:
        if name not in self._loaded:
            self._loaded[name] = self._loaders[name]()
        return self._loaded[name]


def _unknown(message: str) -> UnknownEndpoint:
    from projects_cli.errors import UnknownEndpoint  # only where something is wrong

    return UnknownEndpoint(message, hint="see what there is: projects schema")


def _nearest(name: str, services: Sequence[Service]) -> str:
    """`; did you mean projects.get_all?`, or nothing when no name is near."""
    from projects_cli.errors import nearest  # only where something is wrong

    short = name[:80].rpartition(".")[2].replace("-", "_")
    near = [service.endpoints[found].name for service in services for found in nearest(short, service.endpoints)]
    return f"; did you mean {' or '.join(near[:3])}?" if near else ""
