"""A JMESPath interpreter whose values cannot outgrow the response that it works on.

A short expression can double a value again and again: `[@, @] | [@, @] | …`, or `join('', [@, @])` for text. The lists
share their items, so the size that counts is that of the written result; it is bounded for each intermediate value,
which also bounds comparisons, error messages and `to_string`. What is allocated in all is bounded as well.
"""

from __future__ import annotations

from typing import Any

from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

GROWING = frozenset(
    {
        "multi_select_list",
        "multi_select_dict",
        "function_expression",
        "flatten",
        "projection",
        "filter_projection",
        "value_projection",
    }
)
"""Kinds of nodes that make a value which was not there before."""

LARGE = 1000
"""From this size on the size of a container is remembered: small ones are measured again, which is cheap."""


class TooLargeError(Exception):
    """A value is larger than the limit."""


class _Functions(Functions):
    """The standard functions; the length of a joined text is checked before it is allocated."""

    def __init__(self, largest: int) -> None:
        self._largest = largest

    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        if function_name == "join" and [type(argument) for argument in resolved_args] == [str, list]:
            separator, texts = resolved_args
            length = sum(len(text) for text in texts if isinstance(text, str))
            if length + len(separator) * len(texts) > self._largest:
                raise TooLargeError
        return super().call_function(function_name, resolved_args)


class BoundedInterpreter(TreeInterpreter):
    """Evaluates an expression, and raises `TooLargeError` once a value or all of them together are too large.

    Sizes are about those of the values as JSON, in characters.
    """

    def __init__(self, largest: int, most: int) -> None:
        """Keep the limits: `largest` for one value, `most` for all that is allocated."""
        super().__init__(Options(custom_functions=_Functions(largest)))
        self._largest = largest
        self._left = most
        self._sizes: dict[int, tuple[Any, int]] = {}  # with the values, so that no id is used again

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate a node, and measure what it makes."""
        result = super().visit(node, *args, **kwargs)
        if node["type"] in GROWING and isinstance(result, (list, dict, str)):
            self._left -= len(result) if isinstance(result, str) else 8 * len(result)
            if self._left < 0 or self._size(result) > self._largest:
                raise TooLargeError
        return result

    def _size(self, value: Any) -> int:
        if isinstance(value, str):
            return len(value) + 2
        if not isinstance(value, (list, dict)):
            return 4
        known = self._sizes.get(id(value))
        if known is not None:
            return known[1]
        size = 2
        for item in value.values() if isinstance(value, dict) else value:
            size += self._size(item) + 1
            if size > self._largest:
                raise TooLargeError
        if isinstance(value, dict):
            size += sum(len(key) + 3 for key in value)
        if size >= LARGE:
            self._sizes[id(value)] = value, size
        return size
