"""Whatever a file holds: each line that is not empty is a click or a bad row, however the file is cut."""

from __future__ import annotations

import contextlib
import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footfall.core.errors import FootfallError
from footfall.sources.again import parse_row
from footfall.sources.base import BadRow
from footfall.sources.files import open_reader

Found = tuple[list[dict[str, object]], list[BadRow]]
FIELDS = ("userId", "productId", "timestamp", "ip", "userAgent", "age")
TIME = b"1331769601000"

good_row = st.builds(
    lambda user, time, agent: b",".join([user, b"P", time, b"", agent, b""]),
    st.sampled_from([b"U", b"V", "Ü".encode(), b'"W"', b'"a""b"', b'x"y']),
    st.sampled_from([TIME, b"2012-03-15T00:00:01Z", b"1331769601"]),
    st.sampled_from([b"", b"A", b'"A, B"', b'"A\nB"', b'"', b'""', b'"A"x', b"\xef\xbb\xbf"]),
)
garbage = st.binary(max_size=30) | st.text('",\n\r\t\0aé1', max_size=12).map(str.encode)
line = st.one_of(good_row, good_row, good_row, garbage, st.sampled_from([b"", b"\r", b" "]))
body = st.lists(line, max_size=25).map(b"\n".join) | st.lists(line, max_size=25).map(b"\r\n".join)


def read(data: bytes, name: str, block_bytes: int) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        reader = open_reader(path, block_bytes=block_bytes)
        clicks: list[dict[str, object]] = []
        bad: list[BadRow] = []
        for block in reader.blocks():
            block.clicks.validate(full=True)
            clicks += block.clicks.to_pylist()
            bad += block.bad
        for row in bad:
            again = parse_row(reader.layout, row.raw)
            assert [b.reason for b in again.bad] == [row.reason]
        return clicks, bad


@pytest.mark.parametrize("delimiter", [b",", b"\t"])
@settings(max_examples=200, deadline=None)
@given(body=body, block_bytes=st.integers(1, 400))
@example(body=b"U,P," + TIME + b',,"A\nB",\n' + b'U,P,1,,"A', block_bytes=1)
@example(body=b"\xef\xbb\xbfU,P," + TIME + b",,,\n", block_bytes=1)
def test_rows_and_bad_rows_do_not_depend_on_the_size_of_blocks(delimiter: bytes, body: bytes, block_bytes: int) -> None:
    data = delimiter.join(f.encode() for f in FIELDS) + b"\n" + body.replace(b",", delimiter)

    whole = read(data, "x.csv", 1 << 20)

    assert read(data, "x.csv", block_bytes) == whole
    assert read(data, "x.csv", 1) == whole


@settings(max_examples=200, deadline=None)
@given(body)
def test_each_line_between_tabs_is_a_click_or_a_bad_row(body: bytes) -> None:
    data = "\t".join(FIELDS).encode() + b"\n" + body.replace(b",", b"\t")
    clicks, bad = read(data, "x.tsv", 100)

    lines = [raw.removesuffix(b"\r") for raw in data.split(b"\n")]
    full = [n for n, raw in enumerate(lines, start=1) if raw and n > 1]
    assert len(clicks) + len(bad) == len(full)
    assert {b.line for b in bad} <= set(full)
    assert all(b.raw == lines[b.line - 1] for b in bad)


@settings(max_examples=200, deadline=None)
@given(body)
def test_the_bytes_of_bad_rows_between_commas_stand_in_the_file_at_their_line(body: bytes) -> None:
    data = ",".join(FIELDS).encode() + b"\n" + body
    _, bad = read(data, "x.csv", 100)

    lines = data.split(b"\n")
    for row in bad:
        assert b"\n".join(lines[row.line - 1 :]).startswith(row.raw)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200) | st.text(max_size=60).map(str.encode),
    st.sampled_from(["x.csv", "x.tsv", "x.ndjson", "x.parquet", "x.gz"]),
    st.sampled_from([b"", b"userId,productId,timestamp\n", b'{"userId":"U"}\n', b"\x1f\x8b", b"PAR1", b"\xef\xbb\xbf"]),
)
def test_any_bytes_are_read_or_refused_with_an_error_of_ours(body: bytes, name: str, begin: bytes) -> None:
    with contextlib.suppress(FootfallError):
        read(begin + body, name, 50)


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(texts.map(lambda t: "u" + t), texts.map(lambda t: "p" + t), texts), min_size=1, max_size=8))
def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["userId", "productId", "userAgent", "timestamp"])
    writer.writerows([*row, "1331769601000"] for row in rows)
    clicks, bad = read(out.getvalue().encode(), "x.csv", 64)

    assert not bad
    assert [(c["userId"], c["productId"], c["userAgent"] or "") for c in clicks] == rows
