"""Turns visitor numbers into what a visitor brings along: an id, an address, a device, a birth date."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.sources.generate_agents import Agents
from footfall.sources.generate_draws import Bools, Draws, Ints, choices, field, hits, quantiles
from footfall.sources.lookups import UserRow

ADDRESSES: Final = 4
"""How many addresses a visitor may have: 0 is home, the others are places on the way."""

_HEX: Final = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)
_DASHES: Final = (8, 13, 18, 23)
_DIGITS: Final = tuple(place for place in range(36) if place not in _DASHES)
_AGES: Final = quantiles([(0, 14), (60, 19), (250, 26), (560, 36), (760, 46), (920, 62), (1023, 85)])
_GENDERS: Final = choices({0: 40, 1: 40, 2: 17, 3: 3})
_GENDER_NAMES: Final = ("M", "F", "U", None)
_BORN_BEFORE: Final = np.datetime64("2026-01-01", "D")


def visitor_ids(draws: Draws, count: int, *, first: int = 0, purpose: str = "user") -> pa.StringArray:
    """Upper-case UUIDs (version 4) of visitors ``first``, ``first + 1`` and so on."""
    index = np.arange(first, first + count, dtype=np.uint64)
    halves = np.stack([draws.bits(purpose, index), draws.bits(f"{purpose}, second half", index)], axis=1)
    octets = halves.astype(">u8").view(np.uint8).reshape(count, 16)
    octets[:, 6] = (octets[:, 6] & 0x0F) | 0x40
    octets[:, 8] = (octets[:, 8] & 0x3F) | 0x80
    texts = np.full((count, 36), ord("-"), dtype=np.uint8)
    texts[:, _DIGITS] = _HEX[np.stack([octets >> 4, octets & 0x0F], axis=2).reshape(count, 32)]
    offsets = np.arange(0, 36 * count + 1, 36, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(texts)))


def make_users(count: int, seed: int = 0) -> list[UserRow]:
    """Users for the visitors' look-up file: the first ``count`` visitors of a clickstream of the same seed.

    A few have no gender or no birth date. On 2026-01-01 they are 14 to 85 years old.
    """
    draws = Draws(seed)
    index = np.arange(count, dtype=np.int64)
    bits = draws.bits("person", index)
    ages = _AGES[field(bits, shift=0, width=10)]
    days = ages * 365 + (ages + 3) // 4 + 1 + field(bits, shift=10, width=16) % 364
    births = (_BORN_BEFORE - days.astype("timedelta64[D]")).astype(str).tolist()
    genders = _GENDERS[field(bits, shift=26, width=10)].tolist()
    unborn = hits(bits, 0.01, shift=40).tolist()
    return [
        UserRow(user_id, gender=_GENDER_NAMES[gender], birthday=None if without else born)
        for user_id, gender, born, without in zip(
            visitor_ids(draws, count).to_pylist(), genders, births, unborn, strict=True
        )
    ]


@cache
def _networks() -> tuple[pa.StringArray, Bools]:
    """Networks of many countries (each /16, or /32 for IPv6), and which of them are IPv6."""
    lines = files("footfall.sources").joinpath("data/networks.csv").read_text(encoding="utf-8").split()[1:]
    names = [line.split(",")[0] for line in lines]
    return pa.array(names, type=pa.string()), np.array([":" in name for name in names])


def address_texts(draws: Draws, codes: Ints) -> pa.StringArray:
    """The IP addresses behind address codes (visitor * ADDRESSES + place)."""
    networks, newer = _networks()
    bits = draws.bits("address", codes)
    chosen = field(bits, shift=0, width=16) % len(networks)
    octets = pc.binary_join_element_wise(
        pc.take(networks, pa.array(chosen)),
        pc.cast(pa.array(field(bits, shift=16, width=8)), pa.string()),
        pc.cast(pa.array(1 + field(bits, shift=24, width=8) % 254), pa.string()),
        ".",
    )
    longer = newer[chosen]
    if not longer.any():
        return octets
    return pc.replace_with_mask(octets, pa.array(longer), _newer_addresses(networks, chosen[longer], bits[longer]))


def _newer_addresses(networks: pa.StringArray, chosen: Ints, bits: npt.NDArray[np.uint64]) -> pa.StringArray:
    prefixes = pc.take(networks, pa.array(chosen)).to_pylist()
    groups = [
        [f"{0x1000 + number % 0xF000:x}" for number in field(bits, shift=shift, width=16).tolist()]
        for shift in (16, 32, 48)
    ]
    return pa.array([f"{p}:{a}:{b}::{c}" for p, a, b, c in zip(prefixes, *groups, strict=True)], type=pa.string())


def address_codes(draws: Draws, visitors: Ints, visits: npt.NDArray[np.uint64]) -> Ints:
    """Where each visit comes from: home as a rule, sometimes one of the visitor's other places."""
    bits = draws.bits("place", visits)
    place = np.where(hits(bits, 0.08), 1 + field(bits, shift=16, width=8) % (ADDRESSES - 1), 0)
    return visitors * ADDRESSES + place


class Devices:
    """Which user agent a visit is made with: the visitor's usual one as a rule, sometimes a second one."""

    def __init__(self, draws: Draws, agents: Agents, *, mobiles: float, tablets: float) -> None:
        self._draws = draws
        self._agents = agents
        self._mobiles = mobiles
        self._handheld = mobiles + tablets

    def codes(self, visitors: Ints, visits: npt.NDArray[np.uint64], *, bots: Bools) -> Ints:
        """An index into ``Agents.all`` for each visit."""
        second = self._draws.chance("second device", visits, 0.1)
        usual = self._draws.bits("device", visitors * 2 + second)
        kind = field(usual, shift=0, width=16)
        mobile = kind < round(self._mobiles * 65_536)
        tablet = ~mobile & (kind < round(self._handheld * 65_536))
        # Of two numbers the smaller: some agents are met much more often than others.
        skewed = np.minimum(field(usual, shift=16, width=16), field(usual, shift=32, width=16))
        agents = self._agents
        desktops, phones, pads = len(agents.desktops), len(agents.mobiles), len(agents.tablets)
        people = skewed % desktops
        people = np.where(mobile, desktops + skewed % phones, people)
        people = np.where(tablet, desktops + phones + skewed % pads, people)
        return np.where(bots, desktops + phones + pads + skewed % len(agents.bots), people)
