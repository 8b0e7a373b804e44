"""Runs jobs on the tests' Flink, over the messages of a log of ours on the tests' Kafka."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from confluent_kafka import Message

from footfall.apps.cli import main
from footfall.log.base import Append
from footfall.log.kafka import KafkaLog
from footfall.sql.flink.gateway import Gateway
from footfall.sql.flink.jobs import cancel, statuses
from tests.integration.kafkas import consume, opened
from tests.servers.flink import Flink
from tests.servers.kafka import Kafka

USER: Final = pa.schema([("user_id", pa.string()), ("name", pa.string()), ("level", pa.string())])
CLICK: Final = pa.schema(
    [
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("user_id", pa.string()),
        ("page", pa.int32()),
        ("action", pa.string()),
    ]
)
START: Final = 1_772_359_200_000
PATIENCE: Final = 100.0
"""Seconds until a job has started and written, on a busy machine; two as a rule."""
Row = Mapping[str, Any]


class Cluster:
    """A Flink, and a Kafka with a prefix of its own."""

    def __init__(self, flink: Flink, kafka: Kafka, folder: Path, log: KafkaLog, capsys: Any, options: str = "") -> None:
        self.flink = flink
        self.kafka = kafka
        self.log = log
        self.folder = folder
        self._capsys = capsys
        self._address = f"kafka://{kafka.address}?prefix={folder.name}.{options}"

    def write(self, stream: str, schema: pa.Schema, rows: Sequence[Row], *, partition: int = 0) -> None:
        """Append by our log, with a mark of time behind the rows."""
        batch = pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)
        self.log.append([Append(stream, partition, batch, watermark=START)])

    def run(self, *arguments: str, code: int = 0) -> str:
        """`footfall flink …`; what it prints, or what it says when it fails."""
        ended = main.run(["flink", *arguments, "--gateway", self.flink.gateway, "--data-dir", str(self.folder)])
        said = self._capsys.readouterr()
        assert ended == code, said.err
        return str(said.err if code else said.out)

    def submit(self, text: str, *options: str, code: int = 0) -> str:
        """Submit a query; the job's id, or what is wrong."""
        file = self.folder / "query.sql"
        file.write_text(text)
        said = self.run(
            "submit", str(file), "--kafka", self._address, *options, *(() if code else ("--json",)), code=code
        )
        return said if code or "--show" in options else str(json.loads(said)["job"])

    def rows(self, stream: str, count: int) -> list[Row]:
        """So many messages of a topic."""
        return [json.loads(message.value() or b"null") for message in self.messages(stream, count)]

    def messages(self, stream: str, count: int) -> list[Message]:
        """The same with their keys."""
        return consume(self.kafka, f"{self.folder.name}.{stream}", count, patience=PATIENCE)

    def running(self) -> list[str]:
        """The jobs that have not ended."""
        found = statuses(Gateway(self.flink.gateway))
        return [one.job for one in found if one.status not in {"FINISHED", "CANCELED", "FAILED"}]


@contextmanager
def in_cluster(
    flink: Flink, kafka: Kafka, folder: Path, capsys: pytest.CaptureFixture[str], *, options: str = ""
) -> Iterator[Cluster]:
    """A log of the folder's own on Kafka, beside Flink; jobs that still run at the end are cancelled."""
    with opened(kafka, folder, options=options) as log:
        made = Cluster(flink, kafka, folder, log, capsys, options)
        yield made
        for job in made.running():
            cancel(Gateway(flink.gateway), job)


def user(number: int, level: str, name: str = "Zoë O'Neil") -> Row:
    return {"user_id": f"u{number}", "name": name, "level": level}


def click(number: int, page: int, *, second: int = 0, action: str = "cart") -> Row:
    time = datetime.fromtimestamp(START / 1000 + second, UTC)
    return {"timestamp": time, "user_id": f"u{number}", "page": page, "action": action}


def look(number: int, who: str, product: str, *, late: bool = False) -> Row:
    """A click of the pipeline."""
    time = datetime.fromtimestamp(START / 1000, UTC)
    ids = {"event_id": bytes([number]) * 16, "userId": who, "productId": product}
    return {"timestamp": time, **ids, "event_type": "view", "late": late}


def counted(rows: Sequence[Row]) -> Counter[str]:
    return Counter(json.dumps(row) for row in rows)
