"""Documents as bytes: so a document can be kept and put back exactly as it was, byte for byte."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projects_cli.messages import Document

_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)


def encode(document: Mapping[str, Any]) -> bytes:
    """Give a document as BSON."""
    return bson.encode(document)


def decode(raw: bytes) -> Document:
    """Give BSON as a document; dates are UTC without a zone."""
    return bson.decode(raw, _OPTIONS)


UNREADABLE = "\ufffd"
"""What stands in decoded text for bytes that are not UTF-8: such text must not be stored again."""

AFTER_THE_LAST_DATE = DatetimeMS(253_402_300_800_000)
"""The first moment of the year 10000, which Python has no date for."""

DATES = (datetime, DatetimeMS)
"""What stored dates are read as: the second kind where Python has no such date."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - dates are UTC without a zone
_MILLISECOND = timedelta(milliseconds=1)


def is_beyond_dates(value: Any) -> bool:
    """Return whether a stored value is a date outside the years 1 to 9999."""
    return isinstance(value, DatetimeMS)


def is_later(one: Any, other: Any) -> bool:
    """Tell whether one stored date is later than another."""
    try:
        return bool(one > other)
    except TypeError:  # one of each kind
        return _milliseconds(one) > _milliseconds(other)


def seconds_between(started: Any, completed: Any) -> int:
    """Give the whole seconds from one stored date to another; nothing where that is not later."""
    try:
        span = completed - started
    except TypeError:
        return max(0, (_milliseconds(completed) - _milliseconds(started)) // 1000)
    return span.days * 86_400 + span.seconds if span.days >= 0 else 0


def _milliseconds(date: Any) -> int:
    return (date - _EPOCH) // _MILLISECOND if isinstance(date, datetime) else int(date)
