"""Turns a pattern into look-up tables: what a click of each class does in each state, and who is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from footfall.processors.pattern_model import ANY_GENDER, OFFER, Pattern, Transition

Actions = npt.NDArray[np.uint8]

TARGET: Final = 0x0F
"""The bits of an action that hold the state after the click."""
BEGIN: Final = 0x10
"""The click is the first of an attempt."""
DONE: Final = 0x20
"""The click completes the pattern."""
MOVED: Final = 0x40
"""The click enters a state (again or anew), ends the attempt or completes the pattern: what the log shows."""

AGES: Final = 256
"""Width of the table of people: ages are kept within -1 (unknown) and 254."""


@dataclass(frozen=True, slots=True)
class Table:
    """A pattern as arrays.

    A click's class is ``category class * (products + 1) + product class``; 0 is what no transition names.
    """

    actions: Actions
    """What a click does, flat over (product differs from the first: 2, state, class)."""
    action_bytes: bytes
    """The same, for plain loops."""
    classes: int
    states: int
    categories: dict[str, int]
    """Class of each named category."""
    products: tuple[str, ...]
    """Named products; the first has class 1."""
    begins: npt.NDArray[np.bool_]
    """By class: begins an attempt in ``init``."""
    inert: npt.NDArray[np.bool_]
    """By class: leads on from no state, so that it ends any attempt that it is not a refresh in."""
    people: dict[str | None, npt.NDArray[np.int8]]
    """By gender, by age + 1: the entry of the audience, or -1. None stands for all other genders."""

    def people_of(self, genders: Sequence[str | None]) -> npt.NDArray[np.int8]:
        """The audience, flat over (gender index + 1, age + 1); index -1 is no gender."""
        return np.concatenate([self.people.get(g, self.people[None]) for g in (None, *genders)])


def compile_pattern(pattern: Pattern) -> Table:
    """The tables of one pattern."""
    categories = {name: i for i, name in enumerate(pattern.categories, start=1)}
    products = {name: i for i, name in enumerate(pattern.products, start=1)}
    number = {state.name: i for i, state in enumerate(pattern.states)}
    shape = (2, len(pattern.states), len(categories) + 1, len(products) + 1)
    actions = np.zeros(shape, dtype=np.uint8)
    for s, state in enumerate(pattern.states):
        if s > 0:  # a click that fits nothing is looked at once more as from init
            actions[:, s] = np.where(actions[:, 0] > 0, actions[:, 0], MOVED)
        for transition in reversed(state.transitions):  # so that the first that fits is written last
            where = np.ix_(
                [1] if transition.different else [0, 1],
                [s],
                [categories[c] for c in transition.categories] or range(shape[2]),
                [products[p] for p in transition.products] or range(shape[3]),
            )
            actions[where] = _action(transition, source=s, number=number)
    classes = shape[2] * shape[3]
    by_state = actions.reshape(2, shape[1], classes)
    leads = (by_state[:, 1:] & TARGET > 0) | (by_state[:, 1:] & DONE > 0)
    begins = by_state[0, 0] > 0
    return Table(
        actions=np.ascontiguousarray(actions.reshape(-1)),
        action_bytes=actions.tobytes(),
        classes=classes,
        states=shape[1],
        categories=categories,
        products=pattern.products,
        begins=begins,
        inert=~leads.any(axis=(0, 1)) & ~begins,
        people=_people(pattern),
    )


def _action(transition: Transition, *, source: int, number: dict[str, int]) -> int:
    begin = BEGIN if source == 0 else 0
    if transition.to == OFFER:
        return begin | DONE | MOVED
    target = number[transition.to]
    return begin | target | (MOVED if target != source else 0)


def _people(pattern: Pattern) -> dict[str | None, npt.NDArray[np.int8]]:
    people: dict[str | None, npt.NDArray[np.int8]] = {}
    named = {entry.gender for entry in pattern.audience} - {ANY_GENDER}
    for gender in (None, *sorted(named)):
        row = np.full(AGES, -1, dtype=np.int8)
        for i in range(len(pattern.audience) - 1, -1, -1):  # so that the first that fits is written last
            entry = pattern.audience[i]
            if entry.gender in (gender, ANY_GENDER):
                row[entry.youngest + 1 : entry.oldest + 2] = i
        people[gender] = row
    return people
