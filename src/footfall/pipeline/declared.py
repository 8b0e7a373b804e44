"""Turns the sections ``streams`` and ``processors`` of ``footfall.yaml`` into values that can be run.

streams:
  - name: Clicks                 # what queries call it
    stream: click                # what the log calls it; the name otherwise
    key: user_id
    schema:
      fields: {user_id: STRING, page: INT}
    time:
      event_time: {from: timestamp, watermark: 30 seconds}
processors:
  - name: vip
    sql: vip.sql                 # a file; or `query:` with the text
    to: vip-action               # where the rows of a SELECT go
  - name: shout
    function: shout.py:shout     # or the file alone, module.function, or a built-in one
    from: vip-action
    to: vip-action-shouted
    key: user_id
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from footfall.core.errors import UsageError
from footfall.core.events import SCHEMAS
from footfall.core.placed import Part, read_documents
from footfall.pipeline.settings import FILE
from footfall.sql.declarations import FIELDS, Declaration, Protocol, read_declaration
from footfall.sql.declarations.statement import names_in
from footfall.sql.errors import SqlError

if TYPE_CHECKING:
    from footfall.engine.registry import Registered
    from footfall.sql.functions.user import UserFunctions
    from footfall.sql.plan import Script

PROCESSOR_FIELDS: Final = ("name", "sql", "query", "function", "from", "to", "key", "replicas")
MOST_REPLICAS: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlProcessor:
    """A query that never stops."""

    name: str
    query: str
    """As written, with names in the place of placeholders."""
    file: Path
    """Where it stands, for messages."""
    tables: tuple[Declaration, ...] = ()
    """The declared streams that it names and does not create itself."""
    to: str | None = None
    """The stream for the rows of a SELECT; an INSERT says itself where they go."""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    """The tables, or streams, that it names."""
    replicas: int = 1

    @property
    def script(self) -> str:
        """The whole of it in SQL: the tables, then the query."""
        return self._tables() + self.query

    def planned(self, streams: Mapping[str, str], functions: UserFunctions | None = None) -> Script:
        """What is to be run. ``streams`` are those of the log that need no declaration, by name.

        Raises UsageError naming the file; line and column are those of the query.
        """
        from footfall.sql.planning import plan_script

        try:
            return plan_script(self.script, streams=streams, functions=functions)
        except SqlError as error:
            line = error.at.line - self._tables().count("\n")
            raise UsageError(
                f"{self.file}, processor {self.name}: {error.what} (line {max(1, line)}, column {error.at.column}).",
                remedy=error.remedy,
            ) from error

    def _tables(self) -> str:
        return "".join(f"{one.create_table()};\n\n" for one in self.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionProcessor:
    """A user's function on a stream."""

    name: str
    function: str
    """See ``engine.named_functions``."""
    directory: Path
    """Where its file is looked for."""
    stream: str | None = None
    """What it reads; a file that registers its functions says that itself, as the next two."""
    to: str | None = None
    key: str | None = None
    replicas: int = 1

    def registered(self) -> Sequence[Registered]:
        """What the engine works with. Raises UsageError when there is no such function."""
        from footfall.engine.functions import on_event
        from footfall.engine.named_functions import function_named, is_file
        from footfall.engine.registry import REGISTERED, load_registered

        if is_file(self.function):
            return load_registered([self.directory / self.function])
        function = function_named(self.function, directory=self.directory)
        on_event(self.stream or "", to=self.to, key=self.key or "userId", name=self.name)(function)
        return [REGISTERED.pop()]


Processor = SqlProcessor | FunctionProcessor


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Streams and processors as declared in a file."""

    source: Path
    streams: Mapping[str, Declaration] = field(default_factory=dict)
    """By the names that the file gives them."""
    processors: tuple[Processor, ...] = ()

    @property
    def sinks(self) -> list[Declaration]:
        """The streams that are carried on to RabbitMQ, from the log's stream of the same name."""
        return [one for one in self.streams.values() if one.protocol is Protocol.RABBITMQ]


def read_declared(file: Path | None = None) -> Declared:
    """What the file (``footfall.yaml`` if it is there) declares.

    Raises UsageError naming the file, the line, the field and what to do.
    """
    path = file or FILE
    if file is None and not path.exists():
        return Declared(source=path)
    documents = read_documents(path)
    if not documents:
        return Declared(source=path)
    sections = documents[0].mapping()
    directory = path.parent
    streams: dict[str, Declaration] = {}
    for part in _listed(sections.get("streams")):
        declaration = read_declaration(part.fields(FIELDS), part, directory=directory)
        if declaration.name in streams:
            raise part.wrong(f"two streams are called {declaration.name}.", remedy="Rename one of them.")
        streams[declaration.name] = declaration
    processors = [_processor(part, streams, directory) for part in _listed(sections.get("processors"))]
    return Declared(source=path, streams=streams, processors=all_different(processors, sections.get("processors")))


def all_different(processors: Iterable[Processor], part: Part | None) -> tuple[Processor, ...]:
    """The processors, if no two have the same name."""
    found: dict[str, Processor] = {}
    for number, one in enumerate(processors):
        if one.name in found and part is not None:
            where = part.items()[number] if isinstance(part.value, list) else part
            raise where.wrong(f"two processors are called {one.name}.", remedy="They would share one position.")
        found[one.name] = one
    return tuple(found.values())


def processor_name(part: Part) -> str:
    """A name that a processor may have."""
    name = part.text()
    if not _NAME.fullmatch(name):
        raise part.wrong(
            f"{name} is no name for a processor.",
            remedy="It has lower-case letters, digits and dashes, begins with a letter, and is at most 41 long.",
        )
    return name


def _listed(part: Part | None) -> list[Part]:
    return [] if part is None or part.value is None else part.items()


def _processor(part: Part, streams: Mapping[str, Declaration], directory: Path) -> Processor:
    fields = part.fields(PROCESSOR_FIELDS, needed=("name",))
    kinds = [name for name in ("sql", "query", "function") if name in fields]
    if len(kinds) != 1:
        raise part.wrong(
            "a processor is a query or a function.", remedy="Give it one of: sql (a file), query (a text), function."
        )
    name = processor_name(fields["name"])
    replicas = fields["replicas"].number(least=1, most=MOST_REPLICAS) if "replicas" in fields else 1
    to = to_stream(fields["to"], streams) if "to" in fields else None
    if kinds == ["function"]:
        return _function(fields, name=name, to=to, streams=streams, directory=directory, replicas=replicas)
    for extra in ("from", "key"):
        if extra in fields:
            raise fields[extra].wrong("a query says this itself.", remedy="Leave it out.")
    query, file = _query(fields[kinds[0]], directory)
    return sql_processor(
        fields[kinds[0]], name=name, query=query, file=file, to=to, streams=streams.values(), replicas=replicas
    )


def sql_processor(
    part: Part, *, name: str, query: str, file: Path, to: str | None, streams: Iterable[Declaration], replicas: int
) -> SqlProcessor:
    """A query with the streams that it names; it can be read as SQL, and its rows go somewhere."""
    try:
        names = names_in(query)
    except SqlError as error:
        raise part.wrong(error.message, remedy=error.remedy) from error
    if not names.filled and to is None:
        raise part.wrong("nobody says where the rows go.", remedy="Write INSERT INTO …, or name a stream with `to`.")
    if names.filled and to is not None:
        raise part.wrong("INSERT INTO says itself where the rows go.", remedy="Leave `to` out.")
    named = {*names.read, *names.filled} - names.created
    tables = tuple(one for one in streams if one.name in named)
    filled = (to,) if to is not None else names.filled
    return SqlProcessor(
        name=name, query=query, file=file, tables=tables, to=to, reads=names.read, writes=filled, replicas=replicas
    )


def to_stream(part: Part, streams: Mapping[str, Declaration]) -> str:
    """What the log calls the stream of this name, which is not one of Footfall's own."""
    name = part.text()
    stream = streams[name].stream if name in streams else name
    if stream in SCHEMAS:
        raise part.wrong(f"{stream} is Footfall's own stream.", remedy="Choose another name.")
    return stream


def from_stream(part: Part, streams: Mapping[str, Declaration]) -> str:
    """What the log calls the stream of this name, which can be read."""
    name = part.text()
    if name in streams and streams[name].protocol is Protocol.RABBITMQ:
        raise part.wrong(
            f"{name} is a stream of RabbitMQ, which can only be written to.",
            remedy="Let its sender write to Kafka, or to the collector, and read that.",
        )
    return streams[name].stream if name in streams else name


def _function(
    fields: Mapping[str, Part],
    *,
    name: str,
    to: str | None,
    streams: Mapping[str, Declaration],
    directory: Path,
    replicas: int,
) -> FunctionProcessor:
    function = fields["function"].text()
    registers_itself = function.endswith(".py")
    for extra in ("from", "to", "key"):
        if registers_itself and extra in fields:
            raise fields[extra].wrong(
                "a file says this itself, with @on_event.",
                remedy="Leave it out, or name the function: file.py:function.",
            )
    if not registers_itself and "from" not in fields:
        raise fields["function"].wrong("from is missing.", remedy="Name the stream that the function reads.")
    stream = from_stream(fields["from"], streams) if "from" in fields else None
    if stream is not None and stream == to:
        raise fields["to"].wrong(f"{name} would read what it writes.", remedy="Choose another stream.")
    return FunctionProcessor(
        name=name,
        function=function,
        directory=directory,
        stream=stream,
        to=to,
        key=fields["key"].text() if "key" in fields else _key_of(fields.get("from"), streams),
        replicas=replicas,
    )


def _key_of(part: Part | None, streams: Mapping[str, Declaration]) -> str | None:
    """The key of the declared stream, if it is one."""
    found = streams.get(part.text()) if part is not None else None
    return found.key if found is not None else None


def _query(part: Part, directory: Path) -> tuple[str, Path]:
    """The text of a query, and the file in which it stands."""
    if part.path[-1] == "query":
        return part.text(), part.origin.file
    file = directory / part.text()
    try:
        return file.read_text(encoding="utf-8"), file
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise part.wrong(f"{file} cannot be read: {why}.", remedy="Check the path.") from error
