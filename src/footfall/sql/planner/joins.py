"""Turns the conditions of a join into keys, bounds of time, and what each side can check alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from footfall.sql import plan
from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Call, Column, Constant, Expression
from footfall.sql.plan import JoinKind, Step
from footfall.sql.planner import combining, steps
from footfall.sql.planner.steps import column, field_named, fresh, names
from footfall.sql.planner.walking import columns_of, conjunction, conjuncts, is_settled
from footfall.sql.types import Family

_FLIPPED: Final = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_STRICT: Final = {"=", "<>", "<", "<=", ">", ">=", "LIKE", "IS NOT NULL", "IS TRUE"}


@dataclass(slots=True)
class Sorted:
    """The conditions of a join and over it, by where they are checked."""

    kind: JoinKind
    left: list[Expression] = field(default_factory=list)
    right: list[Expression] = field(default_factory=list)
    both: list[Expression] = field(default_factory=list)
    above: list[Expression] = field(default_factory=list)
    keys: list[tuple[Expression, Expression]] = field(default_factory=list)


def sorted_out(step: plan.Join, conditions: Sequence[Expression]) -> Sorted:
    """Where the conditions of a join, and those over it, are checked."""
    ours, theirs = set(names(step.left)), set(names(step.right))
    found = Sorted(_simplified(step, conditions, ours, theirs))
    keys = zip(step.left_keys, step.right_keys, strict=True)
    found.keys = [(column(field_named(step.left, a)), column(field_named(step.right, b))) for a, b in keys]
    own = conjuncts(step.condition)
    if found.kind is JoinKind.INNER:
        own, conditions = [*own, *conditions], []
    for one in conditions:
        used = columns_of(one)
        if is_settled(one) and used and used <= ours and found.kind not in {JoinKind.RIGHT, JoinKind.FULL}:
            found.left.append(one)
        elif is_settled(one) and used and used <= theirs and found.kind is JoinKind.RIGHT:
            found.right.append(one)
        else:
            found.above.append(one)
    for one in own:
        _place(found, one, ours, theirs)
    return found


def _place(found: Sorted, one: Expression, ours: set[str], theirs: set[str]) -> None:
    used = columns_of(one)
    if is_settled(one) and used and used <= ours and found.kind in {JoinKind.INNER, JoinKind.RIGHT, JoinKind.SEMI}:
        found.left.append(one)
    elif (
        is_settled(one)
        and used
        and used <= theirs
        and found.kind in {JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI}
    ):
        found.right.append(one)
    else:
        found.both.append(one)


def _simplified(step: plan.Join, conditions: Sequence[Expression], ours: set[str], theirs: set[str]) -> JoinKind:
    """An outer join whose added rows would not pass the conditions anyway is an inner one."""
    no_left = any(_rejects_null(one, ours) for one in conditions)
    no_right = any(_rejects_null(one, theirs) for one in conditions)
    match step.kind:
        case JoinKind.LEFT if no_right:
            return JoinKind.INNER
        case JoinKind.RIGHT if no_left:
            return JoinKind.INNER
        case JoinKind.FULL if no_left and no_right:
            return JoinKind.INNER
        case JoinKind.FULL if no_left:
            return JoinKind.LEFT
        case JoinKind.FULL if no_right:
            return JoinKind.RIGHT
    return step.kind


def _rejects_null(condition: Expression, side: set[str]) -> bool:
    """Whether a condition is never true when all columns of a side are NULL."""
    if not isinstance(condition, Call) or condition.function not in _STRICT:
        return False
    return any(isinstance(one, Column) and one.name in side for one in condition.arguments)


def decided(found: Sorted, left: Step, right: Step) -> Step:
    """The join that the conditions make, over inputs that have checked theirs."""
    interval = _interval(found, left, right)
    if interval is not None:
        return interval
    ours, theirs = set(names(left)), set(names(right))
    keys, rest = list(found.keys), []
    for one in found.both:
        pair = _equal(one, ours, theirs)
        if pair is None:
            rest.append(one)
        else:
            keys.append(pair)
    pairs, left, right = keyed(keys, left, right)
    window = _window(found, pairs, left, right, rest)
    return window or combining.join(found.kind, left, right, pairs, conjunction(rest))


def _equal(condition: Expression, ours: set[str], theirs: set[str]) -> tuple[Expression, Expression] | None:
    if not isinstance(condition, Call) or condition.function != "=" or not is_settled(condition):
        return None
    one, two = condition.arguments
    if columns_of(one) and columns_of(two):
        if columns_of(one) <= ours and columns_of(two) <= theirs:
            return one, two
        if columns_of(one) <= theirs and columns_of(two) <= ours:
            return two, one
    return None


def equal_sides(condition: Expression, ours: set[str], theirs: set[str]) -> tuple[Expression, Expression] | None:
    """What must be equal on the left and on the right, if a condition says that and no more."""
    return _equal(condition, ours, theirs)


def keyed(
    keys: Sequence[tuple[Expression, Expression]], left: Step, right: Step
) -> tuple[list[tuple[str, str]], Step, Step]:
    """Keys as columns: what is none yet becomes one."""
    left, ours = _with_keys(left, [one for one, _ in keys])
    right, theirs = _with_keys(right, [two for _, two in keys], taken=names(left))
    pairs = list(dict.fromkeys(zip(ours, theirs, strict=True)))
    return pairs, left, right


def _with_keys(step: Step, keys: Sequence[Expression], taken: Sequence[str] = ()) -> tuple[Step, list[str]]:
    extra: dict[str, Expression] = {}
    found = []
    for key in keys:
        if isinstance(key, Column):
            found.append(key.name)
            continue
        known = next((name for name, value in extra.items() if value == key), None)
        name = known or fresh([*names(step), *taken, *extra], "key")
        extra[name] = key
        found.append(name)
    return (steps.with_columns(step, extra.items()) if extra else step), found


# ---------------------------------------------------------------- windows


def _window(
    found: Sorted, keys: list[tuple[str, str]], left: Step, right: Step, rest: list[Expression]
) -> plan.WindowJoin | None:
    edges: dict[str, tuple[str, str]] = {}
    for pair in keys:
        ours, theirs = field_named(left, pair[0]), field_named(right, pair[1])
        if ours.edge and ours.edge == theirs.edge:
            edges[ours.edge] = pair
    if not {"start", "end"} <= set(edges) or left.changes or right.changes:
        return None
    others = [pair for pair in keys if pair not in edges.values()]
    start, end = edges["start"], edges["end"]
    windows = ((start[0], end[0]), (start[1], end[1]))
    return combining.window_join(found.kind, left, right, others, conjunction(rest), windows)


# ---------------------------------------------------------------- intervals


def _interval(found: Sorted, left: Step, right: Step) -> plan.IntervalJoin | None:
    if found.kind in {JoinKind.SEMI, JoinKind.ANTI}:
        return None
    ours = {one.name: one for one in left.output if one.is_time or one.is_arrival}
    theirs = {one.name: one for one in right.output if one.is_time or one.is_arrival}
    bounds: dict[tuple[str, str], tuple[int | None, int | None]] = {}
    rest = []
    at = found.both[0].at if found.both else At()
    for one in found.both:
        bound = _bound(one, set(ours), set(theirs))
        if bound is None or ours[bound[0][0]].is_time != theirs[bound[0][1]].is_time:
            rest.append(one)
            continue
        pair, lower, upper = bound
        at = one.at
        least, most = bounds.get(pair, (None, None))
        bounds[pair] = (_tighter(least, lower, max), _tighter(most, upper, min))
    if len(bounds) != 1:
        return None
    ((pair, (least, most)),) = bounds.items()
    if least is None or most is None:
        return None
    if left.changes or right.changes:
        raise SqlError(
            "Rows of an interval join must not be taken back",
            at=at,
            remedy="Join the streams before they are grouped or joined otherwise, or leave the bounds of time out.",
        )
    keys, others = list(found.keys), []
    for one in rest:
        equal = _equal(one, set(names(left)), set(names(right)))
        if equal is None:
            others.append(one)
        else:
            keys.append(equal)
    pairs, left, right = keyed(keys, left, right)
    return combining.interval_join(found.kind, left, right, pairs, conjunction(others), pair, (least, most))


def _tighter(one: int | None, two: int | None, choose: object) -> int | None:
    if one is None or two is None:
        return two if one is None else one
    return max(one, two) if choose is max else min(one, two)


def _bound(
    condition: Expression, ours: set[str], theirs: set[str]
) -> tuple[tuple[str, str], int | None, int | None] | None:
    """Of ``left <= right + 5``: the columns, and what left minus right is at least and at most, in ms."""
    if not isinstance(condition, Call) or condition.function not in _FLIPPED:
        return None
    operator = condition.function
    one, two = (_moved_time(side) for side in condition.arguments)
    if one is None or two is None:
        return None
    if one[0] in theirs and two[0] in ours:
        one, two, operator = two, one, _FLIPPED[operator]
    if one[0] not in ours or two[0] not in theirs:
        return None
    distance = two[1] - one[1]
    pair = (one[0], two[0])
    match operator:
        case "=":
            return pair, distance, distance
        case "<":
            return pair, None, distance - 1
        case "<=":
            return pair, None, distance
        case ">":
            return pair, distance + 1, None
    return pair, distance, None


def _moved_time(side: Expression) -> tuple[str, int] | None:
    """A column, and by how many ms it is moved."""
    if isinstance(side, Column):
        return side.name, 0
    if not isinstance(side, Call) or side.function not in {"+", "-"} or len(side.arguments) != 2:
        return None
    inner = _moved_time(side.arguments[0])
    by = side.arguments[1]
    if inner is None or not isinstance(by, Constant) or by.type.family is not Family.INTERVAL_SECOND:
        return None
    return inner[0], inner[1] + (by.value if side.function == "+" else -by.value)
