"""Turns a file's header, or a text that stands for it, into what its columns mean.

A layout can be written as a text and read back, so that one raw row can be parsed again later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from footfall.core.errors import Failure, UsageError
from footfall.sources.clicks import CLEANERS
from footfall.sources.fields import FIELDS

Form = Literal["delimited", "ndjson", "collect"]

TEMPLATE: Final[Mapping[str, str]] = {
    "Visitor Unique ID": "userId",
    "IP Address": "ip",
    "29": "userAgent",
    "Unix Timestamp": "original_timestamp",
    "Product Page URL": "productId",
}
COMMERCE: Final[Mapping[str, str]] = {
    "event_time": "timestamp",
    "event_type": "event_type",
    "product_id": "productId",
    "user_id": "userId",
}
FOOTFALL: Final[Mapping[str, str]] = {name: name for name in FIELDS}
KNOWN: Final[Mapping[str, Mapping[str, str]]] = {"template": TEMPLATE, "commerce": COMMERCE, "footfall": FOOTFALL}
MAPPED: Final = "mapped"
_TIMES: Final = frozenset({"timestamp", "original_timestamp"})
_OPTIONAL_COLUMNS: Final = frozenset({"IP Address", "29", "event_type"})
"""Columns without which a file may still be of the template's layout, or of the commerce one."""
_MANY: Final = 40


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What the columns of a file mean."""

    layout: str
    """template, commerce, footfall, or mapped (a footfall one with other names)."""
    form: Form
    """How a row is written. The rows of a Parquet file are shown as NDJSON; ``collect`` is an event of a request."""
    delimiter: str = ","
    """Between two fields; with a comma, fields may be quoted."""
    columns: tuple[str, ...] = ()
    """All columns of a delimited file, in its order."""
    fields: dict[str, str]
    """Column to field, for those that are used."""
    given: dict[str, str] = {}
    """For an event of a request: what the connection said of it (see ``sources.collect``)."""

    @property
    def cleaners(self) -> Mapping[str, Callable[[str], str]]:
        """What is done to a field's texts before they are judged."""
        return CLEANERS if self.layout == "template" else {}

    def text(self) -> str:
        """The layout as one line of text."""
        return msgspec.json.encode(self).decode()


def recognise(
    columns: Sequence[str], mapping: Mapping[str, str], *, form: Form, delimiter: str = ",", where: str
) -> Layout:
    """The layout of a file with these columns.

    Raises UsageError, with the columns found, when no layout fits or the mapping is wrong.
    """
    _check_mapping(columns, mapping, where)
    for name, known in KNOWN.items():
        if name != "footfall" and not set(known) - _OPTIONAL_COLUMNS <= set(columns):
            continue
        fields = {c: f for c, f in known.items() if c in columns and c not in mapping and f not in mapping.values()}
        fields |= mapping
        if not {"userId", "productId"} <= set(fields.values()) or _TIMES.isdisjoint(fields.values()):
            continue
        _check_once(columns, fields, where)
        return Layout(
            layout=MAPPED if mapping and name == "footfall" else name,
            form=form,
            delimiter=delimiter,
            columns=tuple(columns) if form == "delimited" else (),
            fields=fields,
        )
    raise _unknown(columns, mapping, where)


def recognise_keys(keys: Sequence[str], mapping: Mapping[str, str], *, where: str) -> Layout:
    """The layout of JSON objects, given the keys of the first; others may have more keys, or fewer."""
    for name in ("template", "commerce"):
        if not mapping and set(KNOWN[name]) - _OPTIONAL_COLUMNS <= set(keys):
            return Layout(layout=name, form="ndjson", fields=dict(KNOWN[name]))
    if mapping:
        _check_mapping([*keys, *mapping], mapping, where)
    elif keys and not set(FIELDS) & set(keys):
        raise _unknown(keys, mapping, where)
    own = {name: name for name in FIELDS if name not in mapping.values() and name not in mapping}
    return Layout(layout=MAPPED if mapping else "footfall", form="ndjson", fields=own | dict(mapping))


def _check_mapping(columns: Sequence[str], mapping: Mapping[str, str], where: str) -> None:
    for column, field in mapping.items():
        if field not in FIELDS:
            raise UsageError(
                f"--map {column}={field}: there is no field {field!r}.", remedy=f"The fields are {', '.join(FIELDS)}."
            )
        if column not in columns:
            raise UsageError(
                f"--map {column}={field}: {where} has no column {column!r}.", remedy=f"It has {_listed(columns)}."
            )
    given = list(mapping.values())
    for field in given:
        if given.count(field) > 1:
            raise UsageError(f"--map names the field {field!r} twice.", remedy="Map one column to it.")


def _check_once(columns: Sequence[str], fields: Mapping[str, str], where: str) -> None:
    for column in fields:
        if list(columns).count(column) > 1:
            raise UsageError(f"{where} has the column {column!r} twice.", remedy="Rename or remove one of them.")


def _unknown(columns: Sequence[str], mapping: Mapping[str, str], where: str) -> UsageError:
    known = "; ".join(f"{name}: {', '.join(fields)}" for name, fields in KNOWN.items())
    mapped = f" and --map {' '.join(f'{c}={f}' for c, f in mapping.items())}" if mapping else ""
    return UsageError(
        f"The layout of {where} is not known. Its columns{mapped}: {_listed(columns)}.",
        remedy=f"Known layouts: {known}. For others say what the columns are, at least userId, productId and "
        "timestamp (ms or ISO 8601) or original_timestamp (seconds): --map 'their column=userId' "
        "--map 'another=productId' --map 'time=original_timestamp'.",
    )


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(c[:60]) for c in columns[:_MANY])
    return shown + (f" and {len(columns) - _MANY} more" if len(columns) > _MANY else "")


def layout_of(text: str) -> Layout:
    """The layout that a text stands for."""
    try:
        return msgspec.json.decode(text, type=Layout)
    except msgspec.MsgspecError as error:
        raise Failure(
            f"The layout {text[:80]!r} is not one of a file: {error}.", remedy="Only rows of files can be parsed again."
        ) from error
