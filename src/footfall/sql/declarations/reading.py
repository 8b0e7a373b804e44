"""Turns the fields of a YAML file that declare a stream into the declaration; the schema may be in any form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from footfall.core.placed import Part
from footfall.sql.declarations.avro import NotAvroError, read_avro
from footfall.sql.declarations.model import (
    METADATA,
    PROCTIME,
    Declaration,
    Draft,
    NotMeantError,
    Protocol,
    TimeAttribute,
)
from footfall.sql.declarations.statement import checked_expression, read_statement, type_named
from footfall.sql.errors import SqlError

FIELDS: Final = ("name", "stream", "protocol", "schema", "key", "primary_key", "time", "options")
"""What may be said of a stream."""
PROTOCOLS: Final[Mapping[str, Protocol]] = {**{one.value: one for one in Protocol}, "embedded": Protocol.LOG}
_FORMS: Final = ("fields", "avro", "sql")
_TIME: Final = ("from", "as", "processing", "type", "watermark")
_UNITS: Final = {"ms": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_DURATION: Final = re.compile(r"(\d+)\s*(?:(ms)|(second|minute|hour|day)s?)")


def read_declaration(
    parts: Mapping[str, Part],
    whole: Part,
    *,
    directory: Path,
    spelled: Mapping[str, str] | None = None,
    called: str | None = None,
) -> Declaration:
    """The stream that these fields declare (see FIELDS; ``name`` may be left out of a CREATE TABLE's).

    ``directory`` is where files that the schema names are looked for. ``spelled`` says how the file spells fields
    that are not spelled as in FIELDS, ``called`` what the log calls a stream that does not say it. Raises UsageError
    that names file, document, line and field.
    """
    schema = parts.get("schema")
    if schema is None:
        raise whole.wrong("schema is missing.", remedy=f"Give it as one of {', '.join(_FORMS)}.")
    forms = schema.fields(_FORMS)
    if len(forms) != 1:
        raise schema.wrong(
            "a stream has one schema." if forms else "the schema is missing.",
            remedy=f"Give it as one of {', '.join(_FORMS)}.",
        )
    [(form, part)] = forms.items()
    draft = _from_sql(part, parts, directory) if form == "sql" else _from_columns(form, part, parts, whole, directory)
    _common(draft, parts)
    draft.stream = draft.stream or called
    try:
        return draft.finished()
    except NotMeantError as error:
        where = parts.get(error.where) or parts.get((spelled or {}).get(error.where, ""), schema)
        raise where.wrong(str(error), remedy=error.remedy) from error


def _from_sql(part: Part, parts: Mapping[str, Part], directory: Path) -> Draft:
    """A CREATE TABLE says all of columns, time and primary key; the name must be the same, if it is given."""
    with _sql_errors(part, placed=True):
        draft = read_statement(_text_or_file(part, directory, ".sql"))
    for name in ("time", "primary_key"):
        if name in parts:
            raise parts[name].wrong(
                "CREATE TABLE says this itself.", remedy="Leave it out here, and write it into the statement."
            )
    if "name" in parts and parts["name"].text() != draft.name:
        raise parts["name"].wrong(
            f"CREATE TABLE calls it {draft.name}.", remedy="Use the same name, or leave this one out."
        )
    return draft


def _from_columns(form: str, part: Part, parts: Mapping[str, Part], whole: Part, directory: Path) -> Draft:
    if "name" not in parts:
        raise whole.wrong("name is missing.", remedy="Say what queries call the stream.")
    draft = Draft(name=parts["name"].text())
    if form == "fields":
        _fields(part, draft)
    else:
        _avro(part, draft, directory)
    if "primary_key" in parts:
        draft.primary_key = tuple(one.text() for one in parts["primary_key"].one_or_more())
    if "time" in parts:
        for name, one in parts["time"].mapping().items():
            _time(name, one, draft)
    return draft


def _fields(part: Part, draft: Draft) -> None:
    """``name: TYPE`` for each column; or a list of such, or of objects with name and type."""
    if isinstance(part.value, dict):
        columns = list(part.mapping().items())
    else:
        columns = [_column(one) for one in part.items()]
    for name, kind in columns:
        with _sql_errors(kind):
            draft.add(name, type_named(kind.text()))


def _column(part: Part) -> tuple[str, Part]:
    found = part.mapping()
    if set(found) == {"name", "type"}:
        return found["name"].text(), found["type"]
    if len(found) != 1:
        raise part.wrong("one column is expected.", remedy="Write `- page: INT`, or name and type.")
    return next(iter(found.items()))


def _avro(part: Part, draft: Draft, directory: Path) -> None:
    """A schema as an object, as a JSON text, or the name of a file that ends in .avsc."""
    schema: Any = part.value
    if isinstance(schema, str):
        try:
            schema = json.loads(_text_or_file(part, directory, ".avsc"))
        except ValueError as error:
            raise part.wrong(f"this is not JSON ({error}).", remedy="Give the schema, or a file's name.") from error
    try:
        columns = read_avro(schema)
    except NotAvroError as error:
        raise part.wrong(str(error), remedy="See https://avro.apache.org/docs for how schemas are written.") from error
    for name, kind in columns:
        draft.add(name, kind)


def _time(name: str, part: Part, draft: Draft) -> None:
    """A column that is a time: of the event, by the message or by a column; or of the processing."""
    given = part.fields(_TIME)
    origins = [one for one in ("from", "as", "processing") if one in given]
    if len(origins) > 1:
        raise part.wrong(f"{origins[0]} and {origins[1]} exclude each other.", remedy="Leave one of them out.")
    if not origins and "watermark" not in given:
        raise part.wrong("this says nothing of the column.", remedy="Say from, as, processing or watermark.")
    if "type" in given and "from" not in given:
        raise given["type"].wrong("a type belongs to what comes with the message.", remedy="Leave it out.")
    if "from" in given:
        what = given["from"].chosen(METADATA)
        with _sql_errors(given.get("type", part)):
            kind = type_named(given["type"].text()) if "type" in given else METADATA[what]
        draft.add(name, kind, metadata=what)
    elif "as" in given:
        with _sql_errors(given["as"]):
            draft.compute(name, checked_expression(given["as"].text()))
    elif "processing" in given and given["processing"].yes():
        draft.compute(name, PROCTIME)
    if "watermark" in given:
        if draft.time is not None:
            raise given["watermark"].wrong("a stream has one watermark.", remedy="Leave all but one of them out.")
        draft.time = TimeAttribute(name, _duration(given["watermark"]))


def _common(draft: Draft, parts: Mapping[str, Part]) -> None:
    """What all forms may say; where a CREATE TABLE says it as well, it must be the same."""
    if "protocol" in parts:
        protocol = PROTOCOLS[parts["protocol"].chosen(PROTOCOLS)]
        if draft.protocol not in {Protocol.LOG, protocol}:
            raise parts["protocol"].wrong(f"CREATE TABLE says {draft.protocol}.", remedy="Leave one of them out.")
        draft.protocol = protocol
    for name in ("stream", "key"):
        if name in parts:
            said, given = getattr(draft, name), parts[name].text()
            if said not in {None, given}:
                raise parts[name].wrong(f"CREATE TABLE says {said}.", remedy="Leave one of them out.")
            setattr(draft, name, given)
    if "options" in parts:
        for name, part in parts["options"].mapping().items():
            if draft.options.setdefault(name, part.text()) != part.text():
                raise part.wrong(f"CREATE TABLE says {draft.options[name]}.", remedy="Leave one of them out.")


def _duration(part: Part) -> timedelta:
    text = part.text()
    found = _DURATION.fullmatch(text)
    if text == "0":
        return timedelta()
    if found:
        return timedelta(milliseconds=int(found[1]) * _UNITS[found[2] or found[3]])
    raise part.wrong(f"{text} is no duration.", remedy="Write, for example, 30 seconds, 500 ms or 10 minutes.")


def _text_or_file(part: Part, directory: Path, ending: str) -> str:
    """The text itself, or that of the file which it names."""
    text = part.text()
    if "\n" in text or not text.endswith(ending):
        return text
    try:
        return (directory / text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise part.wrong(f"{directory / text} cannot be read: {error}.", remedy="Check the path.") from error


@contextmanager
def _sql_errors(part: Part, *, placed: bool = False) -> Iterator[None]:
    """What is wrong with a piece of SQL is said of the field in which it stands; ``placed``: with its place in it."""
    try:
        yield
    except SqlError as error:
        raise part.wrong(error.message if placed else f"{error.what}.", remedy=error.remedy) from error
