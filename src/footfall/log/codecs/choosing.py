"""Turns the name of a message format into its codec; a vendor's library is imported only with its codec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from footfall.core.errors import UsageError
from footfall.log.codecs.base import Codec
from footfall.log.codecs.json import JsonCodec
from footfall.log.codecs.quix import QuixCodec

FORMATS: Final = ("json", "avro", "quix")


def codec(
    name: str,
    *,
    registry: str | None = None,
    registry_settings: Mapping[str, Any] | None = None,
    topic: Callable[[str], str] = str,
) -> Codec:
    """The codec of a format. ``registry`` is the address of the schema registry that Avro needs.

    ``registry_settings`` go to its client as they are; ``topic`` turns a stream's name into its topic's.
    Raises UsageError for a format that there is not, and for Avro without a registry or its libraries.
    """
    if name == "json":
        return JsonCodec()
    if name == "quix":
        return QuixCodec()
    if name != "avro":
        raise UsageError(f"There is no message format {name!a}.", remedy=f"Choose one of {', '.join(FORMATS)}.")
    if not registry:
        raise UsageError(
            "The format avro needs a schema registry, and none is given.",
            remedy="Give the registry's address, such as http://127.0.0.1:8081, or choose the format json.",
        )
    try:
        from footfall.log.codecs.avro import AvroCodec, Registry
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The format avro needs {error.name}, which is not installed.",
            remedy="Install it with `pip install 'footfall[avro]'`.",
        ) from None
    return AvroCodec(Registry.at(registry, registry_settings), topic=topic)
