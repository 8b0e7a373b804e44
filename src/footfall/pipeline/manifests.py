"""Turns a file of manifests, one document a stream or processor, into the values that ``footfall.yaml`` gives.

apiVersion: footfall/v1
kind: Stream
metadata: {name: click}
spec:
  protocol: kafka
  key: user_id
  schema:
    fields: {user_id: STRING, page: INT}
  timeAttributes:
    event_time: {from: timestamp, watermark: 30 seconds}
---
apiVersion: footfall/v1
kind: Processor
metadata: {name: pages}
spec:
  inputs: [click]
  outputs: [page-view]
  query: SELECT user_id, page FROM [[STREAM:click]]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from footfall.core.events import SCHEMAS
from footfall.core.placed import Part, read_documents
from footfall.pipeline.declared import (
    MOST_REPLICAS,
    Declared,
    FunctionProcessor,
    Processor,
    all_different,
    from_stream,
    processor_name,
    sql_processor,
    to_stream,
)
from footfall.sql.declarations import Declaration, read_declaration
from footfall.sql.declarations.model import quoted

VERSION: Final = "footfall/v1"
_DOCUMENT: Final = ("apiVersion", "kind", "metadata", "spec")
_METADATA: Final = ("name", "labels", "annotations", "namespace")
_STREAM: Final = ("stream", "protocol", "schema", "key", "primaryKey", "timeAttributes", "options")
_PROCESSOR: Final = ("inputs", "outputs", "query", "function", "key", "replicas")
_SPELLED: Final = {"primary_key": "primaryKey", "time": "timeAttributes"}
_PLACEHOLDER: Final = re.compile(r"\[\[\s*STREAM\s*:\s*([^\]]*?)\s*\]\]")


def read_manifests(file: Path) -> Declared:
    """What the documents of a file declare; in any order, streams may stand behind the processors that name them.

    Raises UsageError naming the file, the document, the line, the field and what to do.
    """
    documents = [_Document(part) for part in read_documents(file)]
    streams: dict[str, Declaration] = {}
    for one in documents:
        if one.kind == "Stream":
            if one.name in streams:
                raise one.named.wrong(f"two streams are called {one.name}.", remedy="Rename one of them.")
            streams[one.name] = one.stream(file.parent)
    processors: list[Processor] = []
    for one in documents:
        if one.kind == "Processor":
            processors.append(one.processor(streams, file.parent))
            all_different(processors, one.named)
    return Declared(source=file, streams=streams, processors=tuple(processors))


def are_manifests(file: Path) -> bool:
    """Whether the file holds manifests, and not settings. Raises UsageError when it cannot be read."""
    return any(isinstance(one.value, dict) and {"kind", "apiVersion"} & set(one.value) for one in read_documents(file))


class _Document:
    """One manifest."""

    def __init__(self, part: Part) -> None:
        fields = part.fields(_DOCUMENT, needed=_DOCUMENT)
        fields["apiVersion"].chosen((VERSION,))
        self.kind = fields["kind"].chosen(("Stream", "Processor"))
        self.named = fields["metadata"].fields(_METADATA, needed=("name",))["name"]
        self.name = self.named.text()
        self.spec = fields["spec"]

    def stream(self, directory: Path) -> Declaration:
        """The stream that this one declares."""
        given = self.spec.fields(_STREAM, needed=("schema",))
        fields = {_field(name): part for name, part in given.items()}
        schema = fields["schema"].value
        if not (isinstance(schema, dict) and "sql" in schema):  # a CREATE TABLE has a name of its own
            fields["name"] = self.named
        return read_declaration(fields, self.spec, directory=directory, spelled=_SPELLED, called=self.name)

    def processor(self, streams: Mapping[str, Declaration], directory: Path) -> Processor:
        """The processor that this one declares."""
        fields = self.spec.fields(_PROCESSOR)
        kinds = [name for name in ("query", "function") if name in fields]
        if len(kinds) != 1:
            raise self.spec.wrong("a processor is a query or a function.", remedy="Give it one of: query, function.")
        name = processor_name(self.named)
        replicas = fields["replicas"].number(least=1, most=MOST_REPLICAS) if "replicas" in fields else 1
        inputs = _names(fields.get("inputs"), streams, may_be_ours=True)
        outputs = _names(fields.get("outputs"), streams)
        for one in inputs:
            from_stream(one, streams)
        for one in outputs:
            if one.text() in {other.text() for other in inputs}:
                raise one.wrong(f"{name} would read what it writes.", remedy="Name another stream.")
        if kinds == ["function"]:
            return self._function(fields, name, inputs, outputs, streams, directory, replicas)
        return self._query(fields, name, inputs, outputs, streams, replicas)

    def _query(
        self,
        fields: Mapping[str, Part],
        name: str,
        inputs: list[Part],
        outputs: list[Part],
        streams: Mapping[str, Declaration],
        replicas: int,
    ) -> Processor:
        part = fields["query"]
        if "key" in fields:
            raise fields["key"].wrong("a query has no key.", remedy="Give the stream a key.")
        allowed = [one.text() for one in (*inputs, *outputs)]
        query = _filled(part, allowed, streams)
        if len(outputs) == 1 and re.match(r"\s*(?:SELECT|WITH)\b", query, re.IGNORECASE):
            query = f"INSERT INTO {_table(outputs[0].text(), streams)}\n{query}"
        tables = [streams[one] for one in dict.fromkeys(allowed) if one in streams]
        return sql_processor(
            part, name=name, query=query, file=part.origin.file, to=None, streams=tables, replicas=replicas
        )

    def _function(
        self,
        fields: Mapping[str, Part],
        name: str,
        inputs: list[Part],
        outputs: list[Part],
        streams: Mapping[str, Declaration],
        directory: Path,
        replicas: int,
    ) -> Processor:
        function = fields["function"].text()
        if function.endswith(".py"):
            raise fields["function"].wrong("this is a whole file.", remedy=f"Name its function: {function}:NAME.")
        if len(inputs) != 1 or len(outputs) > 1:
            where = fields.get("inputs" if len(inputs) != 1 else "outputs", self.spec)
            raise where.wrong("a function has one input, and at most one output.", remedy="Write a processor for each.")
        read = streams.get(inputs[0].text())
        return FunctionProcessor(
            name=name,
            function=function,
            directory=directory,
            stream=from_stream(inputs[0], streams),
            to=to_stream(outputs[0], streams) if outputs else None,
            key=fields["key"].text() if "key" in fields else read.key if read is not None else None,
            replicas=replicas,
        )


def _field(name: str) -> str:
    """What ``footfall.yaml`` calls a field of a Stream."""
    return {ours: other for other, ours in _SPELLED.items()}.get(name, name)


def _names(part: Part | None, streams: Mapping[str, Declaration], *, may_be_ours: bool = False) -> list[Part]:
    """The names of streams that the file declares; or, where these may be read, of Footfall's own."""
    parts = [] if part is None else part.one_or_more()
    known = [*streams, *(SCHEMAS if may_be_ours else ())]
    for one in parts:
        if one.text() not in known:
            raise one.wrong(f"there is no stream {one.text()}.", remedy=f"There are: {', '.join(known)}.")
    return parts


def _filled(part: Part, allowed: list[str], streams: Mapping[str, Declaration]) -> str:
    """The query with a table's name in each placeholder's place."""

    def table(found: re.Match[str]) -> str:
        name = found[1]
        if name not in allowed:
            raise part.wrong(
                f"[[STREAM:{name}]] is neither an input nor an output.",
                remedy=f"Add it to one of them; there are: {', '.join(allowed) or 'none'}.",
            )
        return _table(name, streams)

    return _PLACEHOLDER.sub(table, part.text())


def _table(name: str, streams: Mapping[str, Declaration]) -> str:
    """What a query calls the stream."""
    return quoted(streams[name].name if name in streams else name)
