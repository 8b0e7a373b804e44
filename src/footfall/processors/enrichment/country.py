"""Turns a click's IP address into the name of the country it was given out in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from footfall.core.events import UNKNOWN
from footfall.processors.base import Frame
from footfall.processors.enrichment.memo import Memo
from footfall.processors.enrichment.step import Columns, Context, gather, named, texts_of


@dataclass(frozen=True, slots=True)
class Locate:
    """Adds ``country``; Unknown for addresses without a country, or that are none."""

    def start(self, context: Context) -> RunningLocate:  # noqa: ARG002  (every step gets it)
        return RunningLocate()


class RunningLocate:
    """Looks each address up once."""

    def __init__(self) -> None:
        from iptocc import country_code  # loaded by the services that need it

        self._country_codes = country_code
        self._number_of = countries()
        self._names = (UNKNOWN, *_names_by_code().values())
        self._memo = Memo(self._look_up)

    def _look_up(self, addresses: Sequence[str]) -> list[int]:
        number_of = self._number_of
        return [number_of.get(code, 0) for code in self._country_codes(addresses)]

    def columns(self, frame: Frame) -> Columns:
        indices, addresses = texts_of(frame, "ip")
        numbers = gather(self._memo.answers(addresses), indices, missing=0)
        return {"country": named(numbers, self._names)}


@cache
def countries() -> Mapping[str | None, int]:
    """Each ISO 3166 code's number, from 1; 0 stands for Unknown."""
    return {code: number for number, code in enumerate(_names_by_code(), start=1)}


@cache
def _names_by_code() -> Mapping[str, str]:
    import pycountry  # takes 40 ms to load

    return {country.alpha_2: getattr(country, "common_name", country.name) for country in pycountry.countries}
