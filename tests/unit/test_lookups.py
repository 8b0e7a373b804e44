"""Laws of the readers of products and users."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from footfall.core.errors import Failure, FootfallError, Reason, UsageError
from footfall.sources.lookups import ProductRow, UserRow, read_products, read_users

RETAIL = Path(os.environ.get("FOOTFALL_RETAIL") or Path(__file__).parents[2] / "../shared/data/retail")  # noqa: TID251

PRODUCT = {"id": "P1", "category": "shoes", "title": "Boot", "description": "Warm", "image": "P1.svg", "price": 5.5}
USER = UserRow("A-1", "F", "1990-02-03")


def file(folder: Path, text: str | bytes, name: str = "data") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        '{"userId":"A-1","gender":"F","birthDate":"1990-02-03"}\r\n\n',
        '[{"userId":"A-1","gender":"female","birthDate":"1990-02-03","more":[1]}]',
        "gender,userId,birthDate\nf,A-1,1990-02-03\n",
        'user_id;gender;birthday\r\n"A-1";Female;1990-02-03T00:00:00\r\n',
        "\ufeffuserId\tgender\tbirthDate\nA-1\tF\t1990-02-03",
    ],
)
def test_users_read_the_same_from_every_kind_of_file(tmp_path: Path, text: str) -> None:
    for content in (text.encode(), gzip.compress(text.encode())):
        lookup = read_users(file(tmp_path, content))
        assert (lookup.rows, list(lookup.bad)) == ([USER], [])


def test_products_read_the_same_from_every_kind_of_file(tmp_path: Path) -> None:
    lines = ",".join(PRODUCT) + "\n" + ",".join(str(value) for value in PRODUCT.values())
    for text in (json.dumps([PRODUCT]), json.dumps(PRODUCT) + "\n", lines, lines.replace(",", "\t")):
        assert read_products(file(tmp_path, text)).rows == [ProductRow(**PRODUCT)]  # type: ignore[arg-type]


def test_missing_values_are_left_out(tmp_path: Path) -> None:
    text = '{"userId":"A","gender":null,"birthDate":""}\n{"userId":"B"}'
    assert read_users(file(tmp_path, text)).rows == [UserRow("A"), UserRow("B")]
    assert read_products(file(tmp_path, "id,title,price\n7,,")).rows == [ProductRow("7")]


def test_the_last_row_of_an_id_wins(tmp_path: Path) -> None:
    lookup = read_users(file(tmp_path, "userId,gender\nA,M\nB,F\nA,U"))
    assert (lookup.rows, lookup.replaced) == ([UserRow("A", "U"), UserRow("B", "F")], 1)


def test_stray_braces_and_quotes_around_an_id_are_taken_off(tmp_path: Path) -> None:
    text = '{"userId":"5FE7B09C}\\""}\n{"userId":"{A}"}\n{"userId":"a}b"}\n{"userId":"}\\""}'
    lookup = read_users(file(tmp_path, text))
    assert [row.userId for row in lookup.rows] == ["5FE7B09C", "A"]
    assert [(bad.line, bad.reason) for bad in lookup.bad] == [(3, Reason.BAD_VALUE), (4, Reason.MISSING_FIELD)]


@pytest.mark.parametrize(
    ("text", "line", "reason", "raw"),
    [
        ('{"userId":"A"}\n{"userId":null}', 2, Reason.MISSING_FIELD, b'{"userId":null}'),
        ('{"userId":"A"}\n\n{oops\n', 3, Reason.BAD_SYNTAX, b"{oops"),
        ('{"userId":"A","birthDate":"1990-02-30"}', 1, Reason.BAD_VALUE, None),
        ('{"userId":"A","birthDate":"3 Feb 1990"}', 1, Reason.BAD_VALUE, None),
        ('{"userId":"A","birthDate":"1066-01-01"}', 1, Reason.BAD_VALUE, None),
        ('{"userId":"A","gender":4}', 1, Reason.BAD_VALUE, None),
        ('{"userId":true}', 1, Reason.BAD_VALUE, None),
        ('{"userId":"%s"}' % ("x" * 9000), 1, Reason.FIELD_TOO_LONG, None),
        (b'{"userId":"\xff"}', 1, Reason.BAD_ENCODING, None),
        ('[\n{"userId":"A"},\n 5, {"userId":\n ""}]', 3, Reason.BAD_SYNTAX, b"5"),
        ("userId,gender\nA,M\n\nB\n", 4, Reason.COLUMN_COUNT, b"B"),
        (b"userId,gender\r\nA\xff,M\r\n", 2, Reason.BAD_ENCODING, b"A\xff,M"),
        ('userId,gender\n"A\nB",M\n', 2, Reason.BAD_VALUE, b'"A\nB",M'),
    ],
)
def test_a_row_that_cannot_be_used_is_named(
    tmp_path: Path, text: str | bytes, line: int, reason: Reason, raw: bytes | None
) -> None:
    bad = read_users(file(tmp_path, text)).bad[0]
    assert (bad.line, bad.reason) == (line, reason)
    assert bad.detail
    assert raw is None or bad.raw == raw


@pytest.mark.parametrize("price", ["-1", "nan", "inf", "cheap"])
def test_a_price_is_a_number_from_0_up(tmp_path: Path, price: str) -> None:
    lookup = read_products(file(tmp_path, f"id,price\nA,{price}\nB,0\n"))
    assert [row.id for row in lookup.rows] == ["B"]
    assert lookup.bad[0].reason is Reason.BAD_VALUE


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", UsageError),
        (b"\n \n", UsageError),
        (b"a,b\n1,2\n", UsageError),
        (b'[{"userId":"A"}', UsageError),
        ('{"userId":"A"}'.encode("utf-16"), UsageError),
        (b"\x00\x01\x02", UsageError),
        (gzip.compress(b'{"userId":"A"}\n', mtime=0)[:-9], Failure),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_remedy(
    tmp_path: Path, content: bytes, kind: type[FootfallError]
) -> None:
    with pytest.raises(kind) as caught:
        read_users(file(tmp_path, content))
    assert caught.value.remedy


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError):
            read_products(path)


@pytest.mark.skipif(not RETAIL.is_dir(), reason="the retail data is not here (set FOOTFALL_RETAIL)")
def test_the_retail_files_load_but_for_the_two_users_without_an_id() -> None:
    users = read_users(RETAIL / "users.json")
    assert (len(users.rows), users.replaced) == (38_453, 0)
    assert [bad.reason for bad in users.bad] == [Reason.MISSING_FIELD] * 2
    assert all(len(row.userId) == 36 for row in users.rows)
    products = read_products(RETAIL / "products.json")
    assert (len(products.rows), len(products.bad)) == (31, 0)
