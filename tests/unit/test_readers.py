"""Each layout is recognised and read; what cannot be used is named with its line, and the rest loads."""

from __future__ import annotations

import gzip
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footfall.core.errors import Failure, Reason, UsageError
from footfall.core.events import CLICK_SCHEMA, Batch
from footfall.core.hashing import column_hashes, id_from_text, ids_of
from footfall.sources.again import parse_row
from footfall.sources.base import BadRow, Block, Reader
from footfall.sources.fields import is_address, product_of_url, time_ms
from footfall.sources.files import open_reader

SECONDS = 1_331_769_601
TEMPLATE_HEADER = "Unix Timestamp\tIP Address\tother\tProduct Page URL\t29\tVisitor Unique ID"
OWN_HEADER = "userId,productId,original_timestamp,event_type,ip,userAgent,age,gender"


def template_row(number: int = 0, **changed: str) -> str:
    row = {
        "time": str(SECONDS + number),
        "ip": f"10.0.{number // 256 % 256}.{number % 256}",
        "other": "x",
        "url": f"http://www.acme.com/SH1/VD{number % 7}",
        "agent": "Mozilla/5.0 (X11)",
        "user": f"{{U-{number % 90}}}",
    } | changed
    return "\t".join(row.values())


def saved(tmp_path: Path, text: str | bytes, name: str = "clicks.tsv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(reader: Reader) -> tuple[list[dict[str, object]], list[BadRow]]:
    """All clicks, as dicts, and all bad rows of a file."""
    clicks: list[dict[str, object]] = []
    bad: list[BadRow] = []
    for block in reader.blocks():
        assert block.clicks.schema == CLICK_SCHEMA
        block.clicks.validate(full=True)
        clicks += block.clicks.to_pylist()
        bad += block.bad
    return clicks, bad


def clicks_of(reader: Reader) -> Batch:
    (block,) = reader.blocks()
    assert not block.bad
    return block.clicks


def test_the_template_loses_its_braces_and_its_urls(tmp_path: Path) -> None:
    rows = [template_row(), template_row(url="http://www.acme.com/", user="{A}", ip="", agent="")]
    clicks, bad = read(open_reader(saved(tmp_path, "\n".join([TEMPLATE_HEADER, *rows]))))

    assert not bad
    assert [c["userId"] for c in clicks] == ["U-0", "A"]
    assert [c["productId"] for c in clicks] == ["VD0", "http://www.acme.com/"]
    assert [c["original_timestamp"] for c in clicks] == [SECONDS, SECONDS]
    assert [c["ip"] for c in clicks] == ["10.0.0.0", None]
    assert [c["userAgent"] for c in clicks] == ["Mozilla/5.0 (X11)", None]
    assert [c["event_type"] for c in clicks] == ["view", "view"]


def test_an_event_id_is_that_of_the_columns(tmp_path: Path) -> None:
    batch = clicks_of(
        open_reader(saved(tmp_path, "\n".join([TEMPLATE_HEADER, template_row(), template_row(ip=""), ""])))
    )

    names = ("timestamp", "userId", "productId", "event_type", "ip", "userAgent")
    assert batch.column("event_id").equals(ids_of([column_hashes(batch.column(n)) for n in names]))


def test_equal_rows_have_one_id_in_every_form_of_file(tmp_path: Path) -> None:
    own = f"U-0,VD0,{SECONDS},view,10.0.0.0,Mozilla/5.0 (X11),,"
    record = {"userId": "U-0", "productId": "VD0", "timestamp": SECONDS * 1000, "ip": "10.0.0.0"}
    files = [
        saved(tmp_path, TEMPLATE_HEADER + "\n" + template_row(), "a.tsv"),
        saved(tmp_path, OWN_HEADER + "\n" + own, "b.csv"),
        saved(tmp_path, json.dumps(record | {"userAgent": "Mozilla/5.0 (X11)"}), "c.ndjson"),
    ]

    assert len({clicks_of(open_reader(f)).column("event_id")[0].as_py() for f in files}) == 1


def test_the_commerce_layout_is_read(tmp_path: Path) -> None:
    text = (
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:07 UTC,cart,446,21,,shiseido,35.79,541,72d7\n"
    )
    ((click,), bad) = read(open_reader(saved(tmp_path, text, "c.csv")))

    assert not bad
    assert (click["userId"], click["productId"], click["event_type"]) == ("541", "446", "cart")
    assert click["original_timestamp"] == 1_569_888_007


def test_a_replayed_file_is_read(tmp_path: Path) -> None:
    text = f'ip,original_timestamp,productId,userAgent,userId\n::1,{SECONDS},P,"A, B ""C""",U\n'
    ((click,), bad) = read(open_reader(saved(tmp_path, text, "r.csv")))

    assert not bad
    assert (click["ip"], click["userAgent"]) == ("::1", 'A, B "C"')


def test_a_mapping_names_the_columns_of_another_layout(tmp_path: Path) -> None:
    path = saved(tmp_path, "who,what,when,note\nU,P,2012-03-15T01:00:01.25+01:00,x\nU,,1,x", "m.csv")
    reader = open_reader(path, mapping={"who": "userId", "what": "productId", "when": "timestamp"})
    ((click,), (bad,)) = read(reader)

    assert click["original_timestamp"] == 1_331_769_601
    assert bad.reason == Reason.MISSING_FIELD
    assert parse_row(reader.layout, b"U,P,2012-03-15 00:00:01,x").clicks.num_rows == 1


def test_own_event_ids_are_kept(tmp_path: Path) -> None:
    ids = ["00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-AABBCCDDEEFF", "order 7", ""]
    text = "userId,productId,timestamp,event_id\n" + "".join(f"U,P,{SECONDS}000,{i}\n" for i in ids)
    found = clicks_of(open_reader(saved(tmp_path, text, "i.csv"))).column("event_id").to_pylist()

    assert found[0] == found[1] == bytes.fromhex(ids[0])
    assert found[2] == id_from_text("order 7")
    assert len(found[3]) == 16


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("packed", [False, True])
def test_line_ends_bom_and_gzip_change_nothing(tmp_path: Path, ending: str, bom: bytes, packed: bool) -> None:
    plain = read(open_reader(saved(tmp_path, "\n".join([TEMPLATE_HEADER, *map(template_row, range(9))]))))
    data = bom + ending.join([TEMPLATE_HEADER, "", *map(template_row, range(9)), ""]).encode()
    half = data.index(b"10.0.0.5")
    packed_data = gzip.compress(data[:half]) + gzip.compress(data[half:])

    assert read(open_reader(saved(tmp_path, packed_data if packed else data, "x.tsv"), block_bytes=64)) == plain


def test_parquet_gives_back_what_was_written(tmp_path: Path) -> None:
    text = OWN_HEADER + f"\nU,P,{SECONDS},cart,::1,A,20,F\nV,P,{SECONDS},,,,,\n"
    batch = clicks_of(open_reader(saved(tmp_path, text, "p.csv")))
    pq.write_table(pa.Table.from_batches([batch]), tmp_path / "p.parquet")

    assert clicks_of(open_reader(tmp_path / "p.parquet")).to_pylist() == batch.to_pylist()


def test_bad_rows_of_a_parquet_file_can_be_corrected(tmp_path: Path) -> None:
    table = pa.table({"userId": ["U", None], "productId": [1, 2], "original_timestamp": [float(SECONDS)] * 2})
    pq.write_table(table, tmp_path / "p.parquet")
    reader = open_reader(tmp_path / "p.parquet")
    (_, (bad,)) = read(reader)

    assert (bad.line, bad.reason) == (2, Reason.MISSING_FIELD)
    fixed = json.dumps(json.loads(bad.raw) | {"userId": "V"}).encode()
    assert parse_row(reader.layout, fixed).clicks.column("userId").to_pylist() == ["V"]


BAD: tuple[tuple[Reason, bytes], ...] = (
    (Reason.COLUMN_COUNT, template_row().encode() + b"\tmore"),
    (Reason.COLUMN_COUNT, b"only one"),
    (Reason.MISSING_FIELD, template_row(user="{}").encode()),
    (Reason.MISSING_FIELD, template_row(url="").encode()),
    (Reason.MISSING_FIELD, template_row(time="").encode()),
    (Reason.BAD_TIMESTAMP, template_row(time="yesterday").encode()),
    (Reason.TIMESTAMP_OUT_OF_RANGE, template_row(time="99999999999").encode()),
    (Reason.BAD_IP, template_row(ip="300.1.1.1").encode()),
    (Reason.BAD_ENCODING, template_row(other="\0").encode()),
    (Reason.BAD_ENCODING, template_row().encode() + b"\xff"),
    (Reason.FIELD_TOO_LONG, template_row(agent="x" * 8193).encode()),
)


def rows_with_bad_ones() -> Iterator[tuple[bytes, Reason | None]]:
    """10,000 rows, every twentieth bad, of all kinds in turn."""
    for number in range(10_000):
        if number % 20:
            yield template_row(number).encode(), None
        else:
            reason, raw = BAD[number // 20 % len(BAD)]
            yield raw, reason


@pytest.mark.parametrize("block_bytes", [30_000, 8 << 20])
def test_500_bad_rows_of_10000_are_named_and_the_rest_loads(tmp_path: Path, block_bytes: int) -> None:
    rows = list(rows_with_bad_ones())
    reader = open_reader(
        saved(tmp_path, b"\n".join([TEMPLATE_HEADER.encode(), *(raw for raw, _ in rows)])), block_bytes=block_bytes
    )
    clicks, bad = read(reader)

    expected = [(i + 2, reason, raw) for i, (raw, reason) in enumerate(rows) if reason]
    assert len(clicks) == 9_500
    assert [(b.line, b.reason, b.raw) for b in bad] == expected
    assert [c["original_timestamp"] for c in clicks] == [SECONDS + i for i in range(10_000) if i % 20]


def test_a_bad_row_fails_again_for_the_same_reason_until_it_is_corrected(tmp_path: Path) -> None:
    reader = open_reader(saved(tmp_path, b"\n".join([TEMPLATE_HEADER.encode(), *(raw for _, raw in BAD)])))
    _, bad = read(reader)

    for row in bad:
        (again,) = parse_row(reader.layout, row.raw).bad
        assert (again.reason, again.detail, again.raw) == (row.reason, row.detail, row.raw)
    assert parse_row(reader.layout, template_row(7).encode()).clicks.num_rows == 1


def test_a_detail_is_short_and_has_no_control_characters(tmp_path: Path) -> None:
    text = TEMPLATE_HEADER + "\n" + template_row(ip="\x1b[31m" + "9" * 5_000)
    (_, (bad,)) = read(open_reader(saved(tmp_path, text)))

    assert len(bad.detail) < 200
    assert bad.detail.isprintable()


def test_an_unclosed_quote_costs_one_row(tmp_path: Path) -> None:
    good = f'U,P,{SECONDS},view,,"a\nb",,'
    text = "\n".join([OWN_HEADER, good, f'U,"P,{SECONDS},view,,,,', *[f"U,P,{SECONDS},view,,x,,"] * 30_000])
    clicks, bad = read(open_reader(saved(tmp_path, text, "q.csv"), block_bytes=1 << 16))

    assert [(b.line, b.reason) for b in bad] == [(4, Reason.BAD_SYNTAX)]
    assert len(clicks) == 30_001
    assert clicks[0]["userAgent"] == "a\nb"


def test_a_row_of_many_megabytes_costs_one_row(tmp_path: Path) -> None:
    data = "\n".join([TEMPLATE_HEADER, template_row(1), "x" * 3_000_000, template_row(2)])
    for block_bytes in (1 << 16, 8 << 20):
        clicks, (bad,) = read(open_reader(saved(tmp_path, data), block_bytes=block_bytes))

        assert len(clicks) == 2
        assert (bad.line, bad.reason, len(bad.raw)) == (3, Reason.FIELD_TOO_LONG, 1 << 20)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[1]", Reason.BAD_SYNTAX),
        (b'{"userId":', Reason.BAD_SYNTAX),
        (b"[" * 50_000, Reason.BAD_SYNTAX),
        (b'{"userId":{},"productId":"P","timestamp":1}', Reason.BAD_VALUE),
        (b'{"userId":"U","productId":"P"}', Reason.MISSING_FIELD),
        (b'{"userId":"\\u0000","productId":"P","timestamp":1}', Reason.BAD_ENCODING),
        (b'{"userId":"\xff","productId":"P"}', Reason.BAD_ENCODING),
        (b'{"userId":"U","productId":"P","timestamp":1331769601000,"age":900}', Reason.BAD_VALUE),
        (b'{"userId":"U","productId":"P","timestamp":1331769601000,"event_type":"x"}', Reason.BAD_VALUE),
    ],
)
def test_a_bad_json_line_costs_one_row(tmp_path: Path, raw: bytes, reason: Reason) -> None:
    good = b'{"userId":"U","productId":5,"timestamp":1331769601000}'
    clicks, bad = read(open_reader(saved(tmp_path, b"\n".join([good, raw, good]), "x.ndjson")))

    assert len(clicks) == 2
    assert [(b.line, b.reason, b.raw) for b in bad] == [(2, reason, raw)]


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    assert read(open_reader(saved(tmp_path, TEMPLATE_HEADER))) == ([], [])
    assert read(open_reader(saved(tmp_path, TEMPLATE_HEADER + "\n"))) == ([], [])


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("e.csv", b"", "empty"),
        ("bom.csv", b"\xef\xbb\xbf", "empty"),
        ("u.csv", "userId,productId".encode("utf-16"), "UTF-16"),
        ("b.csv", b"\x89PNG\r\n\x1a\n\0\0", "binary"),
        ("l.csv", b"x" * 2_000_000, "longer"),
        ("o.csv", b"a,b\n1,2\n", "--map"),
        ("o.csv", b"a,b\n1,2\n", "'a', 'b'"),
        ("d.csv", b"userId,userId,productId,timestamp\n", "twice"),
        ("x.tsv.gz", b"userId\tproductId", "gzip"),
        ("p.parquet", b"PAR1 and no more", "Parquet"),
    ],
)
def test_a_file_that_is_no_file_of_clicks_is_refused(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        open_reader(saved(tmp_path, data, name))

    assert caught.value.remedy
    assert name in caught.value.message


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        open_reader(tmp_path / "missing.tsv")
    with pytest.raises(UsageError, match="directory"):
        open_reader(tmp_path)


@pytest.mark.parametrize("mapping", [{"x": "userId"}, {"a": "nothing"}, {"a": "userId", "b": "userId"}])
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, mapping: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="--map"):
        open_reader(saved(tmp_path, "a,b\n", "a.csv"), mapping=mapping)


def test_a_gzip_file_that_breaks_off_loads_up_to_there_and_then_fails(tmp_path: Path) -> None:
    rows = [template_row(i, other=str(hash(("x", i)))) for i in range(5_000)]
    packed = gzip.compress("\n".join([TEMPLATE_HEADER, *rows]).encode())
    reader = open_reader(saved(tmp_path, packed[: len(packed) // 2], "t.tsv.gz"), block_bytes=10_000)
    seen: deque[Block] = deque()

    with pytest.raises(Failure, match="too early"):
        seen.extend(reader.blocks())  # keeps what came before the failure
    assert 1_000 < sum(block.clicks.num_rows for block in seen) < 5_000
    assert not any(block.bad for block in seen)


@pytest.mark.parametrize(
    ("url", "product"),
    [
        ("http://www.acme.com/SH55126545/VD55179433", "VD55179433"),
        ("https://shop.example/a/p-12/?ref=7#top", "p-12"),
        ("VD1", "VD1"),
        ("http://www.acme.com", "http://www.acme.com"),
        ("http://10.0.0.1", "http://10.0.0.1"),
        ("http://www.acme.com/about", "http://www.acme.com/about"),
        ("http://www.acme.com/index2.html", "http://www.acme.com/index2.html"),
    ],
)
def test_a_product_is_the_last_segment_of_the_path_if_it_looks_like_one(url: str, product: str) -> None:
    assert product_of_url(url) == product


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1331769601500", 1_331_769_601_500),
        ("2012-03-15T00:00:01Z", 1_331_769_601_000),
        ("2012-03-15 00:00:01 UTC", 1_331_769_601_000),
        ("2012-03-15T02:00:01.123456+02:00", 1_331_769_601_123),
        ("2012-03-14T19:00:01-0500", 1_331_769_601_000),
        ("2012-03-15 00:00", 1_331_769_600_000),
        ("2012-02-30 00:00:00", None),
        ("2012-03-15T00:00:01+99:00", None),
        ("12:00", None),
        ("1e12", None),
    ],
)
def test_a_time_is_milliseconds_or_iso_8601(text: str, ms: int | None) -> None:
    assert time_ms(text) == ms


def test_an_address_is_ipv4_or_ipv6() -> None:
    assert all(map(is_address, ["1.2.3.4", "255.255.255.255", "::", "2001:db8::1", "::ffff:1.2.3.4"]))
    assert not any(map(is_address, ["1.2.3", "256.1.1.1", "1.2.3.4 ", "::g", "localhost", "1.2.3.4:80"]))


def test_a_header_that_is_no_text_of_fields_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(b"\r\x01")

    with pytest.raises(UsageError, match="line 1: the header is not comma-separated text"):
        open_reader(file)
