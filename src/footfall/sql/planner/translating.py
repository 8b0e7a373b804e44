"""Turns what the parser read into expressions: names into columns, operators and calls into typed ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp

from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Call, Constant, Expression
from footfall.sql.functions.registry import cast_call, is_aggregate, result_type
from footfall.sql.functions.user import UserFunctions
from footfall.sql.planner.literals import bytes_of, negated, number
from footfall.sql.planner.scopes import Scope
from footfall.sql.syntax.nodes import CastTo, Typed
from footfall.sql.syntax.places import Places
from footfall.sql.types import BOOLEAN, STRING, Family, SqlType

_OPERATORS: Final[dict[type, str]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.DPipe: "||",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
}
_NAMES: Final = {"CHARACTER_LENGTH": "CHAR_LENGTH", "CEILING": "CEIL", "MOD": "%"}
_LEGACY: Final = ("TUMBLE", "HOP", "SESSION")
_AUXILIARY: Final = ("START", "END", "ROWTIME", "PROCTIME")
_PATTERN_ONLY: Final = ("PREV", "NEXT", "FIRST", "LAST", "MATCH_ROWTIME", "MATCH_PROCTIME", "CLASSIFIER")
_OVER_ONLY: Final = ("ROW_NUMBER", "RANK", "DENSE_RANK", "LAG", "LEAD", "NTILE", "PERCENT_RANK", "CUME_DIST")


class Translator:
    """Translates the expressions of one scope."""

    def __init__(self, scope: Scope, places: Places, functions: UserFunctions) -> None:
        self.scope = scope
        self.places = places
        self.functions = functions

    def of(self, node: Any) -> Expression:
        """The expression that a node is. Raises SqlError."""
        special = self.special(node)
        if special is not None:
            return special
        kind = type(node)
        if kind in _OPERATORS:
            return self.call(_OPERATORS[kind], [node.this, node.expression], node)
        handler = _HANDLERS.get(kind)
        if handler is None:
            raise self.unsupported(node)
        return handler(self, node)

    def special(self, node: Any) -> Expression | None:
        """What a node means in this place, if that differs from what it means elsewhere."""
        del node
        return None

    def condition(self, node: Any, where: str) -> Expression:
        """An expression that must be a condition."""
        found = self.of(node)
        if found.type.family not in {Family.BOOLEAN, Family.NULL}:
            raise SqlError(
                f"{where} needs a condition, and this is {found.type.with_null()}",
                at=found.at,
                remedy="Compare it with something, as in x > 0 or x IS NOT NULL.",
            )
        return found

    def at(self, node: Any) -> At:
        """Where a node stands."""
        return self.places.of(node)

    def unsupported(self, node: Any) -> SqlError:
        """The error for what we do not know."""
        match node:
            case exp.Subquery() | exp.Select():
                return SqlError(
                    "A query in the place of a value is not supported",
                    at=self.at(node),
                    remedy="Join with that query, or use IN or EXISTS in WHERE.",
                )
            case exp.Exists():
                return SqlError(
                    "EXISTS is only supported in WHERE, joined to other conditions by AND",
                    at=self.at(node),
                    remedy="Write WHERE EXISTS (…) AND …, or use a LEFT JOIN.",
                )
            case exp.Star():
                return SqlError("* cannot stand here", at=self.at(node), remedy="Name the columns.")
            case exp.Window():
                return SqlError(
                    "OVER cannot stand here",
                    at=self.at(node),
                    remedy="Put it into the SELECT of a query below, without GROUP BY, and use its column.",
                )
        return SqlError(f"{type(node).__name__} is not supported", at=self.at(node), remedy="Write it otherwise.")

    # ------------------------------------------------------------ calls

    def call(self, name: str, arguments: list[Any], node: Any) -> Expression:
        """A call of a function or operator."""
        return self.typed(name, [self.of(one) for one in arguments], self.at(node))

    def typed(self, name: str, arguments: list[Expression], at: At) -> Expression:
        """A call whose arguments are translated."""
        kind, complete = result_type(name, arguments, at, functions=self.functions)
        return Call(kind, name, complete, at=at)

    def function(self, node: exp.Anonymous) -> Expression:
        """A call by name."""
        name = node.this if isinstance(node.this, str) else node.this.name
        if name in self.functions:
            return self.call(name, node.expressions, node)
        upper = name.upper()
        self._refuse(upper, node)
        if any(isinstance(one, exp.Distinct) for one in node.expressions):
            raise SqlError(f"{upper} does not take DISTINCT", at=self.at(node), remedy="Leave DISTINCT out.")
        return self.call(_NAMES.get(upper, upper), node.expressions, node)

    def _refuse(self, upper: str, node: exp.Anonymous) -> None:
        base, _, suffix = upper.partition("_")
        if base in _LEGACY and (not suffix or suffix in _AUXILIARY):
            raise SqlError(
                f"{upper} in GROUP BY or SELECT is not supported any more",
                at=self.at(node),
                remedy="Write FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) "
                "GROUP BY window_start, window_end.",
            )
        if upper in _PATTERN_ONLY:
            raise SqlError(
                f"{upper} is only known within MATCH_RECOGNIZE",
                at=self.at(node),
                remedy="Use it in MEASURES or DEFINE.",
            )
        if upper in _OVER_ONLY:
            raise SqlError(
                f"{upper} is not supported here",
                at=self.at(node),
                remedy="Write ROW_NUMBER() OVER (PARTITION BY … ORDER BY …), with a condition on it around the query.",
            )
        if is_aggregate(upper):
            raise SqlError(
                f"The aggregate {upper} cannot stand here",
                at=self.at(node),
                remedy="Aggregates belong into SELECT or HAVING; put them in a query below and use its columns.",
            )

    def cast(self, node: CastTo) -> Expression:
        """CAST and TRY_CAST."""
        return cast_call(self.of(node.this), node.args["to"], attempt=bool(node.args.get("safe")), at=self.at(node))

    # ------------------------------------------------------------ leaves

    def column(self, node: exp.Column) -> Expression:
        """A name."""
        if isinstance(node.this, exp.Star):
            raise self.unsupported(node.this)
        names = [node.args[part].name for part in ("catalog", "db", "table", "this") if node.args.get(part)]
        return self.scope.find(names, self.at(node))

    def literal(self, node: exp.Literal) -> Expression:
        """A number or a text."""
        at = self.at(node)
        if node.is_string:
            return Constant(STRING.without_null(), node.this, at=at)
        return number(node.this, at)

    def is_(self, node: exp.Is, negated: str = "") -> Expression:
        """IS NULL, IS TRUE and their like."""
        word = node.expression
        match word:
            case exp.Null():
                text = node.meta.get("word", "NULL")
            case exp.Boolean():
                text = "TRUE" if word.this else "FALSE"
            case _:
                raise SqlError(
                    "IS is followed by NULL, TRUE, FALSE or UNKNOWN",
                    at=self.at(word),
                    remedy="Compare values with =, or with IS NOT DISTINCT FROM if NULL shall equal NULL.",
                )
        return self.call(f"IS {negated}{text}", [node.this], node)

    def not_(self, node: exp.Not) -> Expression:
        """NOT, and NOT in the middle."""
        inner = node.this
        if isinstance(inner, exp.Is) and not node.meta.get("prefix"):
            return self.is_(inner, "NOT ")
        return self.call("NOT", [inner], node)

    def like(self, node: Any) -> Expression:
        """LIKE, SIMILAR TO, with ESCAPE or without."""
        escape = node.expression if isinstance(node, exp.Escape) else None
        pattern = node.this if escape is not None else node
        if not isinstance(pattern, exp.Like | exp.SimilarTo):
            raise self.unsupported(node)
        name = "LIKE" if isinstance(pattern, exp.Like) else "SIMILAR TO"
        arguments = [pattern.this, pattern.expression, *([escape] if escape is not None else [])]
        found = self.call(name, arguments, node)
        return self.typed("NOT", [found], found.at) if pattern.args.get("negate") else found

    def between(self, node: exp.Between) -> Expression:
        """Two comparisons."""
        value, low, high = self.of(node.this), self.of(node.args["low"]), self.of(node.args["high"])
        at = self.at(node)
        if node.args.get("symmetric"):
            low, high = self.typed("LEAST", [low, high], at), self.typed("GREATEST", [low, high], at)
        return self.typed("AND", [self.typed(">=", [value, low], at), self.typed("<=", [value, high], at)], at)

    def in_(self, node: exp.In) -> Expression:
        """IN a list."""
        if node.args.get("query") or node.args.get("unnest") or node.args.get("field"):
            raise SqlError(
                "IN with a query is only supported in WHERE, joined to other conditions by AND",
                at=self.at(node),
                remedy="Write WHERE x IN (SELECT …) AND …, or use a join.",
            )
        if isinstance(node.this, exp.Tuple):
            raise SqlError(
                "IN with several columns is not supported for a list",
                at=self.at(node),
                remedy="Write (a = 1 AND b = 2) OR ….",
            )
        return self.call("IN", [node.this, *node.expressions], node)

    def case(self, node: exp.Case) -> Expression:
        """CASE, with a value or without."""
        base = node.args.get("this")
        found: list[Expression] = []
        for one in node.args["ifs"]:
            test = exp.EQ(this=base, expression=one.this) if base is not None else one.this
            condition = self.condition(test, "WHEN")
            found += [condition, self.of(one.args["true"])]
        otherwise = node.args.get("default")
        null = Constant(SqlType(Family.NULL), None, at=self.at(node))
        return self.typed("CASE", [*found, null if otherwise is None else self.of(otherwise)], self.at(node))

    def bracket(self, node: exp.Bracket) -> Expression:
        """An element of an array or a map."""
        if len(node.expressions) != 1:
            raise SqlError("One index is expected", at=self.at(node), remedy="Write array[1] or map['key'].")
        return self.call("[]", [node.this, node.expressions[0]], node)

    def dot(self, node: exp.Dot) -> Expression:
        """A field of a row."""
        name = Constant(STRING.without_null(), node.expression.name, at=self.at(node.expression))
        return self.typed(".", [self.of(node.this), name], self.at(node))

    def connected(self, node: exp.And | exp.Or) -> Expression:
        """A chain of AND or OR, however long."""
        kind = type(node)
        found: list[Expression] = []
        waiting: list[Any] = [node]
        while waiting:
            one = waiting.pop()
            if isinstance(one, kind):
                waiting += [one.expression, one.this]
            else:
                found.append(self.condition(one, kind.__name__.upper()))
        return self.typed("AND" if kind is exp.And else "OR", found, found[0].at)


def _negative(one: Translator, node: exp.Neg) -> Expression:
    inner = one.of(node.this)
    return negated(inner) or one.typed("-", [inner], inner.at)


_HANDLERS: Final[dict[type, Callable[[Any, Any], Expression]]] = {
    CastTo: Translator.cast,
    Typed: lambda one, node: Constant(node.args["kind"], node.args["value"], at=one.at(node)),
    exp.Anonymous: Translator.function,
    exp.Column: Translator.column,
    exp.Literal: Translator.literal,
    exp.Null: lambda one, node: Constant(SqlType(Family.NULL), None, at=one.at(node)),
    exp.Boolean: lambda one, node: Constant(BOOLEAN.without_null(), bool(node.this), at=one.at(node)),
    exp.HexString: lambda one, node: bytes_of(node.this, one.at(node)),
    exp.Paren: lambda one, node: one.of(node.this),
    exp.Neg: _negative,
    exp.Is: Translator.is_,
    exp.Not: Translator.not_,
    exp.Like: Translator.like,
    exp.SimilarTo: Translator.like,
    exp.Escape: Translator.like,
    exp.Between: Translator.between,
    exp.In: Translator.in_,
    exp.Case: Translator.case,
    exp.Bracket: Translator.bracket,
    exp.Dot: Translator.dot,
    exp.And: Translator.connected,
    exp.Or: Translator.connected,
}
