"""Documents as bytes: so a document can be kept and put back exactly as it was, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

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
