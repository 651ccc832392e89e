"""Versions of endpoints from a schema file that was loaded in place of the shipped one.

Such a file may declare more than this program implements. What is implemented is stated in one place: the shipped
schema. A request has to be valid by both, so that nothing is accepted and then ignored.

As in `cache`, `errors` is imported only where something is wrong.
"""

from __future__ import annotations

from projects_cli.limits import cpu_limit
from projects_cli.schema.cache import load
from projects_cli.schema.model import Version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from projects_cli.errors import ParameterNotImplemented, SchemaError

VALIDATION_SECONDS = 1.0
"""Processor time for one request: what takes longer is a regular expression that explodes."""

NOT_NEEDED = frozenset({"description"})
"""Parameters that the shipped schema requires and the implementation can do without: newer servers do not ask for a
description of a new project.
"""


class LoadedVersion(Version):
    """A version that accepts only what its own schema allows and this program implements."""

    __slots__ = ()

    def validate(self, params: Any) -> dict[str, Any]:
        """Return the checked parameters, with the defaults of both schemas.

        Raises:
            ValidationError: the loaded schema refuses the request.
            ParameterNotImplemented: it allows a parameter or a value that this program does not implement.
            SchemaError: a regular expression of the schema takes too long.
        """
        with cpu_limit(VALIDATION_SECONDS, self._too_slow):
            valid = super().validate(params)
        shipped = self._shipped()
        return valid if shipped is None else self._implemented(shipped, params, valid)

    def skeleton(self) -> dict[str, Any]:
        """Return a request to fill in, without the parameters that are not implemented."""
        shipped, example = self._shipped(), super().skeleton()
        if shipped is None:
            return example
        return {name: value for name, value in example.items() if name in _names(shipped)}

    def _too_slow(self) -> SchemaError:
        from projects_cli.errors import SchemaError

        return SchemaError(
            f"{self.endpoint} {self.number}: checking the request against the patterns of the schema takes too long",
            hint="a pattern like (a+)+ needs exponential time; change it in the schema file",
        )

    def _shipped(self) -> Version | None:
        """Return the version that is implemented; None if this program does not implement the endpoint at all."""
        catalog = load(None)
        return catalog.version(self.endpoint) if catalog.has(self.endpoint) else None

    def _implemented(self, shipped: Version, params: Mapping[str, Any], valid: dict[str, Any]) -> dict[str, Any]:
        """Return the request with the shipped defaults, once nothing in it exceeds what is implemented."""
        known = _names(shipped)
        extra = [name for name in params if name in valid and name not in known and _is_set(params[name], valid[name])]
        if extra:
            raise self._not_implemented([f"params.{name}" for name in extra], known)
        missing = NOT_NEEDED & {*shipped.request_schema.get("required", ())} - valid.keys()
        kept = {name: value for name, value in valid.items() if name in known}
        from projects_cli.errors import ValidationError

        try:
            return shipped.validate({**dict.fromkeys(missing, ""), **kept})
        except ValidationError as error:
            raise self._not_implemented(
                [f"{problem.path}: {problem.message}" for problem in error.problems], known
            ) from error

    def _not_implemented(self, what: Sequence[str], known: Iterable[str]) -> ParameterNotImplemented:
        from projects_cli.errors import ParameterNotImplemented

        return ParameterNotImplemented(
            f"{self.endpoint} is not implemented with {'; '.join(what)}",
            hint=f"implemented: {', '.join(known)} (with their values: projects schema {self.endpoint})",
        )


def _names(version: Version) -> dict[str, Any]:
    """Return the parameters of a version, by name."""
    return dict(version.request_schema.get("properties", {}))


def _is_set(value: Any, valid: Any) -> bool:
    """Return whether a parameter was given; null stands for "not given" unless null is a value of its own there."""
    return value is not None or valid is None
