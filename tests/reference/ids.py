"""Turns an event into its id: the published rule of docs/reference/message-format.md, in plain integers."""

from __future__ import annotations

import xxhash

WORD = 0xFFFF_FFFF_FFFF_FFFF
GOLDEN = 0x9E37_79B9_7F4A_7C15
SEEDS = (0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344)


def mix(number: int) -> int:
    """SplitMix64's finaliser."""
    z = (number + GOLDEN) & WORD
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & WORD
    return z ^ (z >> 31)


def number_of(value: str | int | None) -> int:
    """The 64-bit number of a text or an integer."""
    if value is None:
        return GOLDEN
    if isinstance(value, int):
        return value & WORD
    return xxhash.xxh3_64_intdigest(value.encode())


def id_of(*values: str | int | None) -> str:
    """The id of a row with these columns, as 32 hex digits."""
    halves = []
    for seed in SEEDS:
        combined = mix(number_of(values[0]) ^ seed)
        for value in values[1:]:
            combined = mix(combined ^ number_of(value))
        halves.append(combined.to_bytes(8, "little"))
    return b"".join(halves).hex()
