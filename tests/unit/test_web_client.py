"""A client's address comes from its connection, and from proxies only where they are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.apps.web import client
from footfall.apps.web.client import client_ip
from footfall.apps.web.settings import WebSettings, read_web_settings
from footfall.core.errors import UsageError

PROXY, CLIENT, FORGED = "10.0.0.1", "203.0.113.9", "198.51.100.1"
TRUSTING = WebSettings(trusted_proxies=("10.0.0.0/8", "fd00::/8"))


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"type": "http", "client": None if peer is None else (peer, 4711), "headers": headers}


def test_nobody_is_believed_unless_a_proxy_is_configured() -> None:
    assert client_ip(scope(PROXY, FORGED), WebSettings()) == PROXY


def test_only_the_proxys_own_word_counts() -> None:
    assert client_ip(scope(CLIENT, FORGED), TRUSTING) == CLIENT


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ((CLIENT,), CLIENT),
        ((f"{FORGED}, {CLIENT}",), CLIENT),
        ((FORGED, CLIENT), CLIENT),
        ((f"{FORGED}, {CLIENT}, 10.0.0.2, 10.0.0.3",), CLIENT),
        ((f"{CLIENT}:5123",), CLIENT),
        (("[2001:db8::7]:5123",), "2001:db8::7"),
        (("2001:db8::7",), "2001:db8::7"),
        (("::ffff:203.0.113.9",), CLIENT),
        (("10.0.0.9, 10.0.0.8",), "10.0.0.9"),
        ((f"{FORGED}, unknown",), PROXY),
        ((f"{FORGED}, <script>, 10.0.0.2",), "10.0.0.2"),
        (("",), PROXY),
        ((), PROXY),
    ],
)
def test_behind_a_proxy_the_nearest_address_that_is_no_proxy_is_the_clients(
    forwarded: tuple[str, ...], expected: str
) -> None:
    assert client_ip(scope(PROXY, *forwarded), TRUSTING) == expected


def test_an_ipv4_address_dressed_as_ipv6_is_one_of_ipv4() -> None:
    assert client_ip(scope("::ffff:10.0.0.1", CLIENT), TRUSTING) == CLIENT


@pytest.mark.parametrize("peer", [None, "testclient", ""])
def test_a_connection_without_an_address_has_none(peer: str | None) -> None:
    assert client_ip(scope(peer, CLIENT), TRUSTING) == ""


@pytest.mark.parametrize(
    ("peer", "expected"),
    [("203.0.113.9", "203.0.113.0"), ("2001:db8:1:2::7", "2001:db8:1::"), ("::ffff:203.0.113.9", "203.0.113.0")],
)
def test_a_masked_address_keeps_its_network_alone(peer: str, expected: str) -> None:
    assert client_ip(scope(peer), WebSettings(mask_ip=True)) == expected


def test_a_long_text_is_no_address_and_is_not_remembered() -> None:
    before = client._address.cache_info().currsize
    for number in range(3):
        assert client_ip(scope(PROXY, f"{CLIENT}, {number}{'a' * 60_000}"), TRUSTING) == PROXY
        assert client_ip(scope(f"{number}{'a' * 60_000}"), TRUSTING) == ""
    assert client._address.cache_info().currsize <= before + 1  # the proxy's


@given(st.text(max_size=50))
def test_whatever_is_forwarded_an_address_comes_out(forwarded: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode(errors="replace"))]
    found = client_ip({"client": (PROXY, 1), "headers": headers}, TRUSTING)
    assert client_ip(scope(found), WebSettings()) == found


# -- settings -------------------------------------------------------------------------------------------------


def settings_of(tmp_path: Path, text: str) -> WebSettings:
    file = tmp_path / "footfall.yaml"
    file.write_text(text)
    return read_web_settings(file)


def test_settings_are_read_from_their_section(tmp_path: Path) -> None:
    found = settings_of(tmp_path, "pipeline: {partitions: 4}\nweb: {trusted_proxies: [10.0.0.1], mask_ip: true}\n")
    assert found == WebSettings(trusted_proxies=("10.0.0.1",), mask_ip=True)


@pytest.mark.parametrize("text", ["", "pipeline: {}\n", "web:\n"])
def test_without_the_section_the_defaults_hold(tmp_path: Path, text: str) -> None:
    assert settings_of(tmp_path, text) == WebSettings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("web: {mask: true}", "mask_ip"),
        ("web: {mask_ip: perhaps}", "mask_ip"),
        ("web: {trusted_proxies: [everybody]}", "everybody"),
        ("web: {requests_per_address: 0}", "requests_per_address"),
        ("[", "cannot be read"),
        ("- web", "one `name: value` a line"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        settings_of(tmp_path, text)
