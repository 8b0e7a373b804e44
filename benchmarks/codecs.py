"""Turns clicks and enriched clicks into messages and back, by columns and row by row: microseconds an event.

python -m benchmarks.codecs
python -m benchmarks.codecs --json
"""

from __future__ import annotations

import argparse
import json as stdlib_json
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
from confluent_kafka.schema_registry import SchemaRegistryClient

from footfall.core.codes import coded
from footfall.core.events import CLICK_SCHEMA, CLICKS, ENRICHED, ENRICHED_SCHEMA, Batch
from footfall.log.codecs import json
from footfall.log.codecs.avro import AvroCodec, Registry
from footfall.log.codecs.base import Codec
from footfall.log.codecs.choosing import codec
from footfall.sources.generate import GeneratorSettings, generate

EVENTS: Final = 10_000
ROUNDS: Final = 7


def enriched(clicks: Batch) -> Batch:
    """The clicks with what enrichment adds; made up, but as varied."""
    rows = clicks.num_rows
    draws = np.random.default_rng(1)

    def some(texts: list[str]) -> pa.Array:
        return coded(draws.integers(0, len(texts), rows).astype(np.int32), texts)

    columns = {field.name: column for field, column in zip(clicks.schema, clicks.columns, strict=True)} | {
        "age": pa.array(draws.integers(18, 80, rows), pa.int16()),
        "gender": some(["F", "M", "U"]),
        "category": some([f"category {each}" for each in range(20)]),
        "title": some([f"A product with a name, number {each}" for each in range(2_000)]),
        "birthdate": pa.array(draws.integers(0, 15_000, rows), pa.int32()).cast(pa.date32()),
        "country": some(["France", "Germany", "United States of America"]),
        "deviceType": some(["Desktop", "Mobile", "Tablet"]),
        "is_bot": pa.array(np.zeros(rows, dtype=np.bool_)),
        "is_refresh": pa.array(draws.integers(0, 2, rows) == 0),
    }
    return Batch.from_arrays([columns[name] for name in ENRICHED_SCHEMA.names], schema=ENRICHED_SCHEMA)


def in_memory() -> Codec:
    """Avro with a registry that comes with Confluent's client."""
    client = SchemaRegistryClient.new_client({"url": "mock://"})
    return AvroCodec(Registry(lambda: nullcontext(client), where="memory"))


def best(work: Callable[[], Any]) -> float:
    """Microseconds of processor time an event: the best of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken) / EVENTS * 1e6


def measured(stream: str, batch: Batch) -> Iterable[dict[str, Any]]:
    """One line a format; the row-by-row functions, which are the yardstick, by turns with it."""
    schema = batch.schema
    flat = json.encode(batch)
    yardsticks = (lambda: json.encode(batch), lambda: json.decode(flat, schema))
    for name in ("json", "avro", "quix"):
        one = in_memory() if name == "avro" else codec(name)
        messages = one.encode(stream, batch)
        found = one.decode(stream, messages, schema=schema)
        assert (found.batch.num_rows, list(found.bad)) == (EVENTS, [])
        if name == "json":
            assert messages == flat
            assert found.batch.equals(json.decode(flat, schema)[0])
        line: dict[str, Any] = {"stream": stream, "format": name, "bytes": sum(map(len, messages)) // EVENTS}
        line |= {"encode": best(partial(one.encode, stream, batch)), "encode_by_rows": best(yardsticks[0])}
        decode = partial(one.decode, stream, messages, schema=schema)
        line |= {"decode": best(decode), "decode_by_rows": best(yardsticks[1])}
        yield line


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = options.parse_args().json
    (clicks,) = generate(GeneratorSettings(events=EVENTS, seed=1))
    assert clicks.schema == CLICK_SCHEMA
    lines = [*measured(CLICKS, clicks), *measured(ENRICHED, enriched(clicks))]
    if as_json:
        print(stdlib_json.dumps({"events": EVENTS, "lines": lines}))
        return
    print(f"{EVENTS:,} events a batch; processor time in µs an event; x: times as fast as JSON row by row, same run")
    print(f"{'stream':20} {'format':6} {'bytes':>6} {'encode':>8} {'x':>6} {'decode':>8} {'x':>6}")
    for line in lines:
        ratios = [line[f"{what}_by_rows"] / line[what] for what in ("encode", "decode")]
        print(
            f"{line['stream']:20} {line['format']:6} {line['bytes']:6} {line['encode']:8.2f} {ratios[0]:6.1f}"
            f" {line['decode']:8.2f} {ratios[1]:6.1f}"
        )


if __name__ == "__main__":
    main()
