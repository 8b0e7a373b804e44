"""Turns batches of clicks into the lines of a file, a column at a time; each distinct text is escaped once a batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import Batch
from footfall.core.hashing import lanes_of
from footfall.sources.lookups import ProductRow

SHOP: Final = "http://shop.example/SH10000001/"
"""What stands before a product id in the template's layout."""

FIELDS: Final = (
    "timestamp",
    "userId",
    "productId",
    "event_type",
    "original_timestamp",
    "ip",
    "userAgent",
    "age",
    "gender",
    "event_id",
)
"""Our own layout: every field of a click but ``late``, which is for the next reader to decide."""


class Rows(Protocol):
    """Makes a file's bytes from batches."""

    def header(self) -> bytes:
        """What the file begins with."""
        ...

    def lines(self, batch: Batch) -> pa.Buffer:
        """The rows of a batch, each with its line end."""
        ...


Escape = Callable[[str], str]


class TemplateRows:
    """The template's TSV: braces around the visitor, the product in the page's address."""

    _COLUMNS: Final = (
        "Record Number",
        "Unix Timestamp",
        "IP Address",
        "Product Page URL",
        "Site Language",
        "29",
        "Page Title",
        "Visitor Unique ID",
    )

    def header(self) -> bytes:
        return ("\t".join(self._COLUMNS) + "\n").encode()

    def lines(self, batch: Batch) -> pa.Buffer:
        seconds = pc.cast(pc.divide(batch.column("timestamp").cast(pa.int64()), 1000), pa.string())
        return _joined(
            [
                _prefixed("1\t", seconds),
                _texts(batch.column("ip"), _untabbed),
                _texts(batch.column("productId"), _page, end="\ten"),
                _texts(batch.column("userAgent"), _untabbed, end="\t"),
                _texts(batch.column("userId"), _untabbed, begin="{", end="}\n"),
            ],
            "\t",
        )


def _page(product: str) -> str:
    return product if "://" in product else SHOP + _untabbed(product)


def _untabbed(text: str) -> str:
    return text.replace("\t", " ").replace("\n", " ").replace("\r", " ")


class OwnRows:
    """Our own columns, with quotes where they are needed."""

    def __init__(self, separator: str, fields: Sequence[str] = FIELDS) -> None:
        self._separator = separator
        self._fields = fields

    def header(self) -> bytes:
        return (self._separator.join(self._fields) + "\n").encode()

    def lines(self, batch: Batch) -> pa.Buffer:
        columns = [_field(batch, name, _quoter(self._separator)) for name in self._fields]
        return _joined([*columns[:-1], _suffixed(columns[-1], "\n")], self._separator)


class JsonRows:
    """One JSON object a line, with null for what is missing. The last field is ``event_id``."""

    def __init__(self, fields: Sequence[str] = FIELDS) -> None:
        self._fields = fields

    def header(self) -> bytes:
        return b""

    def lines(self, batch: Batch) -> pa.Buffer:
        columns = [
            _prefixed(f'"{name}":', _field(batch, name, lambda text: json.dumps(text, ensure_ascii=False), "null"))
            for name in self._fields[:-1]
        ]
        ids = _prefixed('"event_id":"', _suffixed(hex_ids(batch.column("event_id")), '"}\n'))
        return _joined([_prefixed("{", columns[0]), *columns[1:], ids], ",")


class CommerceRows:
    """The columns of the common e-commerce data sets; what is not known stays empty."""

    _COLUMNS: Final = (
        "event_time",
        "event_type",
        "product_id",
        "category_id",
        "category_code",
        "brand",
        "price",
        "user_id",
        "user_session",
    )

    def __init__(self, separator: str, products: Sequence[ProductRow]) -> None:
        self._separator = separator
        self._quote = _quoter(separator)
        self._known: Mapping[str, ProductRow] = {product.id: product for product in products}

    def header(self) -> bytes:
        return (self._separator.join(self._COLUMNS) + "\n").encode()

    def lines(self, batch: Batch) -> pa.Buffer:
        seconds = batch.column("timestamp").cast(pa.timestamp("s", tz="UTC"), safe=False).dictionary_encode()
        times = pc.strftime(seconds.dictionary, format="%Y-%m-%d %H:%M:%S UTC")
        return _joined(
            [
                pc.take(times, seconds.indices),
                _texts(batch.column("event_type"), self._quote),
                _texts(batch.column("productId"), self._product),
                _texts(batch.column("userId"), self._quote, end=self._separator + "\n"),
            ],
            self._separator,
        )

    def _product(self, product_id: str) -> str:
        known = self._known.get(product_id, ProductRow(product_id))
        price = "" if known.price is None else f"{known.price:.2f}"
        return self._separator.join([self._quote(product_id), "", self._quote(known.category or ""), "", price])


def _quoter(separator: str) -> Escape:
    special = (separator, '"', "\n", "\r")

    def quote(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in special) else text

    return quote


def _field(batch: Batch, name: str, escape: Escape, missing: str = "") -> pa.StringArray:
    """One field of every row, as text."""
    column = batch.column(name)
    if name == "event_id":
        return hex_ids(column)
    if pa.types.is_dictionary(column.type):
        return _texts(column, escape, missing=missing)
    if name == "timestamp":
        column = column.cast(pa.int64())
    return pc.fill_null(pc.cast(column, pa.string()), missing)


def _texts(column: pa.Array, escape: Escape, *, begin: str = "", end: str = "", missing: str = "") -> pa.StringArray:
    """A coded column as texts: each distinct one is escaped once."""
    distinct = [begin + escape(text) + end for text in column.dictionary.to_pylist()]
    codes = column.indices
    if codes.null_count:
        codes = codes.fill_null(len(distinct))
    return pc.take(pa.array([*distinct, begin + missing + end], type=pa.string()), codes)


def _prefixed(prefix: str, column: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise(prefix, column, "")


def _suffixed(column: pa.StringArray, suffix: str) -> pa.StringArray:
    return pc.binary_join_element_wise(column, suffix, "")


def _joined(columns: Sequence[pa.StringArray], separator: str) -> pa.Buffer:
    """The rows' bytes, one after the other: the last column brings the line end."""
    between = pa.scalar(separator, pa.large_string())
    lines = pc.binary_join_element_wise(*(column.cast(pa.large_string()) for column in columns), between)
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int64)[lines.offset : lines.offset + len(lines) + 1]
    return lines.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def hex_ids(ids: pa.Array) -> pa.StringArray:
    """Event ids as 32 hex digits each."""
    octets = np.ascontiguousarray(lanes_of(ids)).view(np.uint8).reshape(-1, 16)
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    texts = np.ascontiguousarray(digits[np.stack([octets >> 4, octets & 0x0F], axis=2).reshape(-1, 32)])
    offsets = np.arange(0, 32 * len(ids) + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(texts))
