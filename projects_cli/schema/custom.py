"""Versions of endpoints from a schema file that was loaded instead of the shipped one.

Such a file may declare more than this program implements. What is implemented is stated in one place: the shipped
schema. So a request has to be valid by both, and no parameter is accepted and then ignored.

As in `cache`, `errors` is imported only if there is one.
"""

from __future__ import annotations

from projects_cli.limits import cpu_limit
from projects_cli.schema.model import Version, version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from projects_cli.errors import ParameterNotImplemented, SchemaError
    from projects_cli.schema.model import Catalog

VALIDATION_SECONDS = 1.0
"""Processor time for one request: only a regular expression with exponential backtracking takes longer."""


class CustomVersion(Version):
    """A version that accepts only what its own schema allows and this program implements."""

    __slots__ = ("_defaults", "_shipped")

    def __init__(self, shipped: Catalog, endpoint: str, number: str, record: Mapping[str, Any]) -> None:
        """Take the shipped schema, and the rest as the base class does."""
        super().__init__(endpoint, number, record)
        self._shipped = shipped.version(endpoint) if shipped.has(endpoint) else None
        if self._shipped is not None:
            # A file may declare under an old number what the shipped schema has under a newer one: it is accepted.
            # But a request that leaves it out means what it means in the version that was asked for.
            number = max(number, shipped.endpoint(endpoint).versions[0], key=version_key)
            self._defaults = frozenset(_parameters(shipped.version(endpoint, number)))

    def validate(self, params: Any) -> dict[str, Any]:
        """Return the checked parameters, with the defaults of both schemas.

        Raises:
            ValidationError: the custom schema refuses the request.
            ParameterNotImplemented: it allows a parameter or a value that this program does not implement.
            SchemaError: a regular expression of the schema takes too long.
        """
        # First by the custom schema, whose defaults and errors are those that the user expects.
        with cpu_limit(VALIDATION_SECONDS, self._too_slow):
            valid = super().validate(params)
        # An endpoint that only the custom schema has is refused later, as not implemented.
        if self._shipped is None:
            return valid
        shipped, known = self._shipped, _parameters(self._shipped)
        # Null stands for "not given", unless it is a valid value of its own.
        passed = {name for name in params if name in valid and (params[name] is not None or valid[name] is None)}
        unknown = [f"params.{name}" for name in params if name in passed and name not in known]
        if unknown:
            raise self._not_implemented(unknown, known)
        implemented = {name: value for name, value in valid.items() if name in known}
        try:
            result = shipped.validate(implemented)
        except Exception as error:  # its class is imported only now: most requests need no errors
            from projects_cli.errors import ValidationError

            if not isinstance(error, ValidationError):
                raise
            reasons = [f"{problem.path}: {problem.message}" for problem in error.problems]
            # The request is valid by the schema that the user chose, so it is not the request that is wrong.
            raise self._not_implemented(reasons, known) from error
        return {name: value for name, value in result.items() if name in implemented or name in self._defaults}

    def skeleton(self) -> dict[str, Any]:
        """Return a request to fill in, without the parameters that are not implemented."""
        example = super().skeleton()
        if self._shipped is None:
            return example
        return {name: value for name, value in example.items() if name in _parameters(self._shipped)}

    def _too_slow(self) -> SchemaError:
        from projects_cli.errors import SchemaError

        return SchemaError(
            f"{self.endpoint} {self.number}: matching the patterns of the schema takes too long",
            hint="a pattern like (a+)+ needs exponential time; change it in the schema file",
        )

    def _not_implemented(self, reasons: Sequence[str], known: Iterable[str]) -> ParameterNotImplemented:
        from projects_cli.errors import ParameterNotImplemented

        return ParameterNotImplemented(
            f"{self.endpoint} is not implemented with {'; '.join(reasons)}",
            hint=f"implemented: {', '.join(known)} (with their values: projects schema {self.endpoint})",
        )


def _parameters(version: Version) -> dict[str, Any]:
    return dict(version.request_schema.get("properties", {}))
