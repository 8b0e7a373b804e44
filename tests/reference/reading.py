"""Turns a file in the template's TSV layout into clicks and bad rows, and look-up files into dicts."""

from __future__ import annotations

import gzip
import ipaddress
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from tests.reference.model import BadRow, Click, Product, User

USER, IP, AGENT, TIME, URL = "Visitor Unique ID", "IP Address", "29", "Unix Timestamp", "Product Page URL"
EARLIEST, LATEST = 631_152_000, 4_102_444_800  # seconds: 1990 and 2100
LONGEST_FIELD = 8_192  # bytes


def read_template(path: Path) -> tuple[list[Click], list[BadRow]]:
    """The clicks of a file in its order, and the rows that are none."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    header = lines[0].removesuffix(b"\r").decode().split("\t")
    rows = _Rows(header)
    clicks, bad = [], []
    for number, line in enumerate(lines[1:], start=2):
        raw = line.removesuffix(b"\r")
        if not raw:
            continue
        outcome = rows.click(raw)
        if isinstance(outcome, Click):
            clicks.append(outcome)
        else:
            bad.append(BadRow(number, outcome, raw))
    return clicks, bad


class _Rows:
    """Parses rows under one header."""

    def __init__(self, header: list[str]) -> None:
        self.width = len(header)
        self.places = [header.index(name) for name in (USER, IP, AGENT, TIME, URL)]
        self.addresses: dict[str, bool] = {"": True}
        self.products: dict[str, str] = {}

    def click(self, raw: bytes) -> Click | str:
        """The click of a row, or the reason why it is none."""
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return "bad_encoding"
        if "\0" in text:
            return "bad_encoding"
        fields = text.split("\t")
        if len(fields) != self.width:
            return "column_count"
        if len(raw) > LONGEST_FIELD and any(len(f.encode()) > LONGEST_FIELD for f in fields):
            return "field_too_long"
        user, ip, agent, time, url = [fields[place] for place in self.places]
        if user.startswith("{") and user.endswith("}"):
            user = user[1:-1]
        if not user.strip() or not time or not url.strip():
            return "missing_field"
        if not re.fullmatch(r"-?\d+", time, re.ASCII):
            return "bad_timestamp"
        seconds = int(time)
        if not EARLIEST <= seconds <= LATEST:
            return "timestamp_out_of_range"
        if ip not in self.addresses:
            self.addresses[ip] = is_address(ip)
        if not self.addresses[ip]:
            return "bad_ip"
        if url not in self.products:
            self.products[url] = product_of(url)
        return Click(
            timestamp=seconds * 1000,
            user_id=user,
            product_id=self.products[url],
            original_timestamp=seconds,
            ip=ip or None,
            user_agent=agent or None,
        )


def is_address(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def product_of(url: str) -> str:
    """The last segment of a URL's path; the URL itself when that cannot be a product's id (it has no digit)."""
    path = re.sub(r"^[a-z]+://[^/]*", "", url).split("?")[0].split("#")[0]
    last = path.rstrip("/").split("/")[-1]
    return last if re.fullmatch(r"[A-Za-z0-9_-]+", last) and re.search(r"[0-9]", last) else url


def read_products(path: Path) -> dict[str, Product]:
    """Products by id, from a JSON array."""
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return {str(row["id"]): Product(row.get("category") or None, row.get("title") or None) for row in rows}


def read_users(path: Path) -> dict[str, User]:
    """Users by id, from JSON lines; those without an id are left out, stray braces and quotes around one removed."""
    users = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        row = json.loads(line)
        user_id = (row.get("userId") or "").strip('{}"')
        if not user_id:
            continue
        gender, birthdate = row.get("gender"), row.get("birthDate")
        users[user_id] = User(
            gender=gender[0].upper() if gender else None,
            birthdate=date.fromisoformat(birthdate) if birthdate else None,
        )
    return users
