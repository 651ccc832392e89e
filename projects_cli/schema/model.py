"""A service as its callers see it: endpoints, their versions, parameters, an example to fill in.

Every command imports this module, so it loads nothing that is not loaded in any case.
"""

from __future__ import annotations

from projects_cli.schema.refs import resolve
from projects_cli.schema.validate import allows_null, quote, validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from projects_cli.errors import UnknownEndpoint

    Schema = dict[str, Any]
    Record = Mapping[str, Any]
    """One version, compiled: description, internal, request, response, shape, elsewhere, check."""

    Records = Callable[[str, str], Record]
    """Loads a version of an endpoint, by name and number."""

    MakeVersion = Callable[[str, str, Record], "Version"]
    """Makes a version of an endpoint's name, the number and the compiled form."""

DEFAULT_SERVICE = "projects"

MAX_FILE_SIZE = 256 * 1024
"""Bytes of a schema file and all that it includes; the largest one of a ClearML server has 90 kB."""

MAX_DIGITS = 9
MAX_DEPTH = 3
"""Levels of fields in fields that are described: a definition may contain itself."""

PLACEHOLDERS: dict[str, Any] = {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}, "null": None}


# --- versions -----------------------------------------------------------------------------------------------------


def is_version(text: str) -> bool:
    """Return whether the text is a version: whole numbers with dots between them."""
    # The limit on digits keeps int() fast, and within what it accepts.
    parts = text.split(".")
    return text.isascii() and all(part.isdecimal() and len(part) <= MAX_DIGITS for part in parts)


def version_key(text: str) -> tuple[int, ...]:
    """Return the numbers of a version, for comparisons: 2.10 is after 2.9, and 2 is 2.0."""
    numbers = [int(part) for part in text.split(".")]
    # So that 2 and 2.0 are the same key.
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def module_name(endpoint: str, number: str) -> str:
    """Return the name of the compiled module of a version; two underscores, because a name may end like a version."""
    return f"{endpoint}__{number.replace('.', '_')}"


# --- parameters ---------------------------------------------------------------------------------------------------


class Parameter:
    """The description of a field of a request.

    `type` and `item_type` are JSON's type names: `string|null` if there are several, `any` if there is none. `default`,
    `minimum` and `enum` are None if the schema has none. `fields` are those of an object.
    """

    __slots__ = ("default", "description", "enum", "fields", "item_type", "minimum", "name", "required", "type")

    def __init__(
        self, name: str, schema: Any, definitions: Mapping[str, Any], *, required: bool, depth: int = 0
    ) -> None:
        """Read the schema of the field, following its references."""
        schema = resolve(schema, definitions)
        schema = schema if isinstance(schema, dict) else {}
        items: Any = resolve(schema.get("items"), definitions)
        description = schema.get("description", "")
        self.name = name
        self.type = _type_of(schema)
        self.item_type: str | None = _type_of(items) if isinstance(items, dict) else None
        self.required = required
        self.default: Any = schema.get("default")
        self.enum: tuple[Any, ...] | None = tuple(schema["enum"]) if "enum" in schema else None
        self.minimum: float | None = schema.get("minimum")
        self.description = " ".join(description.split()) if isinstance(description, str) else ""
        self.fields: tuple[Parameter, ...] = parameters_of(schema, definitions, depth + 1)

    def __repr__(self) -> str:
        """Return the name and the type."""
        return f"Parameter({self.name!r}, {self.type!r})"


def _type_of(schema: Schema) -> str:
    types: Any = schema.get("type", "any")
    return "|".join(str(name) for name in types) if isinstance(types, list) else str(types)


def parameters_of(schema: Schema, definitions: Mapping[str, Any], depth: int = 0) -> tuple[Parameter, ...]:
    """Return the fields of an object schema, in the order of the file."""
    if depth > MAX_DEPTH:
        return ()
    required = schema.get("required", ())
    return tuple(
        Parameter(name, inner, definitions, required=name in required, depth=depth)
        for name, inner in schema.get("properties", {}).items()
    )


# --- service, endpoint, version -----------------------------------------------------------------------------------


class Version:
    """One version of an endpoint: its schemas, and the validator of its requests.

    `endpoint` is the full name. The schemas are JSON Schema with the definitions that they need. An `internal` version
    is not meant for everyday use. `elsewhere` has the parameters that only other versions have, with the first of them.
    """

    __slots__ = (
        "_record",
        "description",
        "elsewhere",
        "endpoint",
        "internal",
        "number",
        "request_schema",
        "response_schema",
    )

    def __init__(self, endpoint: str, number: str, record: Record) -> None:
        """Take the name, the number and the compiled form."""
        self.endpoint = endpoint
        self.number = number
        self.internal = bool(record["internal"])
        self.description = str(record["description"])
        self.request_schema: Schema = record["request"]
        self.response_schema: Schema = record["response"]
        self.elsewhere: Mapping[str, str] = record["elsewhere"]
        self._record = record

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The request's fields, in the order of the file."""
        definitions = self.request_schema.get("definitions", {})
        return parameters_of(resolve(self.request_schema, definitions), definitions)

    def skeleton(self) -> dict[str, Any]:
        """Return a valid request to fill in: placeholders for required fields, defaults, and null for optional fields.

        An optional field for which null is a value of its own (as in update) is left out.
        """
        root: Schema = self._record["shape"]
        definitions = root.get("definitions", {})
        shape = resolve(root, definitions)
        required = shape.get("required", ())
        properties = shape.get("properties", {})
        # A schema may require a field that it does not declare.
        properties = {**properties, **{name: {} for name in required if name not in properties}}
        return {
            name: _example(name, inner, definitions, required=name in required)
            for name, inner in properties.items()
            if name in required or "default" in inner or not allows_null(inner)
        }

    def validate(self, params: Any) -> dict[str, Any]:
        """Return the request's parameters, checked and with defaults, as a new dict.

        Raises:
            ValidationError: with every problem and its path.
        """
        return validate(self._record["check"], self._record["shape"], params, self.elsewhere)


def _example(name: str, schema: Any, definitions: Mapping[str, Any], *, required: bool) -> Any:
    """Return the value of one field in a skeleton."""
    schema = resolve(schema, definitions)
    if not isinstance(schema, dict):
        return None
    if "default" in schema or not required:
        return schema.get("default")
    if "enum" in schema:
        return schema["enum"][0]
    kind = _type_of(schema).split("|", 1)[0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {
            key: _example(key, properties.get(key), definitions, required=True) for key in schema.get("required", ())
        }
    return schema.get("minimum", PLACEHOLDERS.get(kind)) if kind in PLACEHOLDERS else f"<{name}>"


class Endpoint:
    """An endpoint: its versions from the oldest to the newest, and its description."""

    __slots__ = ("_make_version", "_records", "_short", "description", "internal", "name", "versions")

    def __init__(
        self, service: str, name: str, summary: Mapping[str, Any], records: Records, make_version: MakeVersion = Version
    ) -> None:
        """Take the summary from the index; `records` loads a compiled version on demand."""
        self.name = f"{service}.{name}"
        self.versions: tuple[str, ...] = tuple(summary["versions"])
        self.internal = bool(summary["internal"])
        self.description = str(summary["description"])
        self._short = name
        self._records = records
        self._make_version = make_version

    def up_to(self, limit: str | None) -> tuple[str, ...]:
        """Return the versions that are not newer than the limit; without a limit, all.

        Raises:
            UsageError: the limit is not a version.
        """
        if limit is None:
            return self.versions
        if not is_version(limit):
            from projects_cli.errors import UsageError

            raise UsageError(f"{quote(limit)} is not a version", hint="a version is a number like 2.8")
        return tuple(number for number in self.versions if version_key(number) <= version_key(limit))

    def version(self, limit: str | None = None) -> Version:
        """Return the newest version that is not newer than the limit; without a limit, the newest.

        Raises:
            UnknownEndpoint: all versions are newer.
            UsageError: the limit is not a version.
        """
        fitting = self.up_to(limit)
        if not fitting:
            raise _unknown(f"{self.name} is not in version {limit}: it was added in {self.versions[0]}")
        return self._make_version(self.name, fitting[-1], self._records(self._short, fitting[-1]))


class Service:
    """The endpoints of one schema file."""

    __slots__ = ("description", "endpoints", "name")

    def __init__(self, index: Mapping[str, Any], records: Records, make_version: MakeVersion = Version) -> None:
        """Take the index, which has the summary of each endpoint; `records` loads one version of one endpoint."""
        self.name = str(index["name"])
        self.description = str(index["description"])
        self.endpoints: dict[str, Endpoint] = {
            name: Endpoint(self.name, name, summary, records, make_version)
            for name, summary in index["endpoints"].items()
        }


class Catalog:
    """The services of a schema by name, each loaded on demand; an endpoint without a service is the default one's.

    The folder of a ClearML server has files for a dozen services, of which a command needs one: the others cost
    nothing, and their errors do not matter.
    """

    __slots__ = ("_loaded", "_loaders", "default_name")

    def __init__(self, loaders: Mapping[str, Callable[[], Service]]) -> None:
        """Take the functions that load the services; the default service is `projects`, else the first."""
        self._loaders = loaders
        self._loaded: dict[str, Service] = {}
        self.default_name: str = DEFAULT_SERVICE if DEFAULT_SERVICE in loaders else next(iter(loaders))

    @property
    def services(self) -> dict[str, Service]:
        """Every service, the default one first."""
        names = (self.default_name, *(name for name in self._loaders if name != self.default_name))
        return {name: self._service(name) for name in names}

    @property
    def default(self) -> Service:
        """The default service."""
        return self._service(self.default_name)

    def endpoints(self) -> list[Endpoint]:
        """Return all endpoints in the order of their files, those of the default service first."""
        return [endpoint for service in self.services.values() for endpoint in service.endpoints.values()]

    def has(self, name: str) -> bool:
        """Return whether there is an endpoint of that name."""
        return self._known(name) is not None

    def endpoint(self, name: str) -> Endpoint:
        """Return the endpoint of that name, which may begin with the name of the service.

        Raises:
            UnknownEndpoint: there is none; the message has the most similar names.
        """
        known = self._known(name)
        if known is not None:
            return known
        from projects_cli.errors import SchemaError, nearest

        # Limited, since comparing takes time and a hostile name may be long.
        short = name[:80].rpartition(".")[2].replace("-", "_")
        near: list[str] = []
        for service_name in self._loaders:
            try:
                endpoints = self._service(service_name).endpoints
            except SchemaError:  # of a file that this command does not need
                continue
            near += [endpoints[known].name for known in nearest(short, endpoints)]
        suggestion = f"; did you mean {' or '.join(near[:3])}?" if near else ""
        raise _unknown(f"no endpoint {quote(name)}{suggestion}")

    def version(self, name: str, limit: str | None = None) -> Version:
        """Return a version of an endpoint: see `Endpoint.version`."""
        return self.endpoint(name).version(limit)

    def _known(self, name: str) -> Endpoint | None:
        # `projects.get_all`, `get_all` and `get-all` are the same.
        prefix, _, short = name.rpartition(".")
        if prefix and not (short and prefix in self._loaders):
            return None
        return self._service(prefix or self.default_name).endpoints.get(short.replace("-", "_"))

    def _service(self, name: str) -> Service:
        if name not in self._loaded:
            self._loaded[name] = self._loaders[name]()
        return self._loaded[name]


def _unknown(message: str) -> UnknownEndpoint:
    from projects_cli.errors import UnknownEndpoint

    return UnknownEndpoint(message, hint="list the endpoints: projects schema")
