"""Turns tokens into the expressions of Flink's dialect, by sqlglot's rules where they are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.parser import IsPredicatePrecedence, Parser
from sqlglot.tokenizer_core import Token, TokenType

from footfall.sql.syntax.calls import FORMS, Calls
from footfall.sql.syntax.intervals import MONTH_UNITS, date_value, interval_value, moment_value, time_value, unit_named
from footfall.sql.syntax.nodes import Name, Typed
from footfall.sql.syntax.places import Places
from footfall.sql.syntax.tokens import RESERVED
from footfall.sql.types import DATE, Family, SqlType

_NAMES: Final = {TokenType.VAR, TokenType.IDENTIFIER}
_BARE_CALLS: Final = (
    TokenType.CURRENT_DATE,
    TokenType.CURRENT_TIME,
    TokenType.CURRENT_TIMESTAMP,
    TokenType.LOCALTIME,
    TokenType.LOCALTIMESTAMP,
)


class Unreadable(ParseError):
    """The text ends, or goes on in a way that no rule allows.

    Carries the token, the one before it, and what to write instead.
    """

    def __init__(self, message: str, *, token: Token | None, before: Token | None = None, remedy: str = "") -> None:
        super().__init__(message)
        self.token = token
        self.before = before
        self.remedy = remedy


def _bare(name: str) -> Callable[[], exp.Expression]:
    return lambda: exp.Anonymous(this=name, expressions=[])


class ExpressionParser(Calls, Parser):
    """sqlglot's parser, less what Flink does not know. Each call of a function is Anonymous, with its own name."""

    places: Places
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = FORMS
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CASE": lambda self: self._parse_case()}
    NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {one: _bare(one.name) for one in _BARE_CALLS}
    ID_VAR_TOKENS: ClassVar = _NAMES
    ALIAS_TOKENS: ClassVar = _NAMES
    TABLE_ALIAS_TOKENS: ClassVar = _NAMES
    COLON_PLACEHOLDER_TOKENS: ClassVar[set[TokenType]] = set()
    FUNC_TOKENS: ClassVar = {*_NAMES, RESERVED, TokenType.LEFT, TokenType.RIGHT, TokenType.EXISTS, *_BARE_CALLS}
    IS_PREDICATE_PRECEDENCE: ClassVar = IsPredicatePrecedence.LOW
    SUBQUERY_PREDICATES: ClassVar = {TokenType.EXISTS: exp.Exists}
    COLUMN_OPERATORS: ClassVar[dict[TokenType, Any]] = {TokenType.DOT: None}
    CAST_COLUMN_OPERATORS: ClassVar[set[TokenType]] = set()
    PLACEHOLDER_PARSERS: ClassVar[dict[TokenType, Any]] = {}
    LAMBDAS: ClassVar[dict[TokenType, Any]] = {}
    TERM: ClassVar = {TokenType.DASH: exp.Sub, TokenType.PLUS: exp.Add}
    FACTOR: ClassVar = {TokenType.SLASH: exp.Div, TokenType.STAR: exp.Mul, TokenType.MOD: exp.Mod}
    BITWISE: ClassVar[dict[TokenType, Any]] = {}
    EXPONENT: ClassVar[dict[TokenType, Any]] = {}
    ASSIGNMENT: ClassVar[dict[TokenType, Any]] = {}
    ARRAY_CONSTRUCTORS: ClassVar[dict[str, Any]] = {}
    RANGE_PARSERS: ClassVar[dict[TokenType, Any]] = {
        token: Parser.RANGE_PARSERS[token]
        for token in (TokenType.BETWEEN, TokenType.IN, TokenType.IS, TokenType.LIKE, TokenType.SIMILAR_TO)
    }
    UNARY_PARSERS: ClassVar[dict[TokenType, Any]] = {
        token: Parser.UNARY_PARSERS[token] for token in (TokenType.PLUS, TokenType.NOT, TokenType.DASH)
    }

    def raise_error(self, message: str, token: Token | None = None, *, remedy: str = "") -> None:
        """Stop here. What sqlglot says of its own classes is no use to who wrote the query."""
        raise self.unreadable(message, token or (self._curr or None), remedy)

    def unreadable(self, message: str, token: Token | None = None, remedy: str = "") -> Unreadable:
        """The error at a token, or at the one that comes next."""
        plain = message.startswith(("Required", "Number of arguments", "Invalid expression", "Expected ", "Expecting"))
        here = self._curr or None
        before = self._prev if token is None or token is here else None
        return Unreadable("" if plain else message, token=token or here, before=before or None, remedy=remedy)

    def expression(self, instance: Any, token: Token | None = None, comments: list[str] | None = None) -> Any:
        """A node that knows where it stands, if it is a leaf."""
        if token is None and self._prev and not any(isinstance(one, exp.Expr | list) for one in instance.args.values()):
            token = self._prev if "start" not in instance.meta else None
        return super().expression(instance, token, comments)

    def expect(self, *words: str) -> None:
        """The next words must be these."""
        for word in words:
            if self._curr.text.upper() != word or self._curr.token_type in self.TEXT_MATCH_EXCLUDED_TOKENS:
                raise self.unreadable("", remedy=f"{word} is expected here.")
            self._advance()

    def _match_l_paren(self, expression: Any = None) -> None:
        if not self._match(TokenType.L_PAREN, expression=expression):
            raise self.unreadable("", remedy="( is expected here.")

    def _match_r_paren(self, expression: Any = None) -> None:
        if not self._match(TokenType.R_PAREN, expression=expression):
            raise self.unreadable("", remedy="A comma or ) is expected here.")

    def _parse_string_as_identifier(self) -> None:
        return None

    def _parse_csv(self, parse_method: Any, sep: TokenType = TokenType.COMMA) -> list[Any]:
        found = [one] if (one := parse_method()) is not None else []
        while found and self._match(sep):
            one = parse_method()
            if one is None:
                raise self.unreadable("", remedy="Something is missing between the comma and this.")
            found.append(one)
        return found

    def _parse_function_call(self, *args: Any, **kwargs: Any) -> Any:
        token = self._curr
        found = super()._parse_function_call(*args, **kwargs)
        if isinstance(found, exp.Expr) and "start" not in found.meta:
            found.update_positions(token)
        return found

    def _advance(self, times: int = 1) -> None:
        if self._index + times > self._tokens_size:
            raise self.unreadable("")
        super()._advance(times)

    def _parse_function_parameter(self) -> Any:
        return self._parse_id_var(any_token=False)

    def _parse_types(self, *_: Any, **__: Any) -> None:
        return None

    def _parse_function(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("functions", None)
        return self._parse_function_call(*args, **kwargs)

    def _parse_hint(self) -> None:
        return None

    def _parse_type(self, parse_interval: bool = True, fallback_to_identifier: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 - sqlglot's
        if self._curr.token_type == TokenType.INTERVAL:
            return self._parse_interval()
        if self._next.token_type == TokenType.STRING and self._curr.text.upper() in {"DATE", "TIME", "TIMESTAMP"}:
            return self.time_literal()
        if self._next.token_type == TokenType.L_BRACKET and self._curr.text.upper() in {"ARRAY", "MAP"}:
            return self.collection()
        atom = self._parse_atom()
        return atom if atom is not None else self._parse_column()

    def _parse_is(self, this: Any) -> Any:
        index = self._index
        negated = self._match_text_seq("NOT")
        if not self._match_text_seq("JSON"):
            self._retreat(index)
            return super()._parse_is(this)
        kind = "VALUE"
        if self._match_texts(("VALUE", "OBJECT", "ARRAY", "SCALAR")):
            kind = self._prev.text.upper()
        found = self.call("IS JSON", [this, exp.Literal.string(kind)])
        return exp.Not(this=found) if negated else found

    def collection(self) -> Any:
        """ARRAY[…] or MAP[…], as a call."""
        token = self._curr
        self._advance(2)
        items = self._parse_csv(self._parse_disjunction)
        if not self._match(TokenType.R_BRACKET):
            raise self.unreadable("", remedy="A comma or ] is expected here.")
        return self._parse_column_ops(self.call(token.text.upper(), items).update_positions(token))

    def time_literal(self) -> Any:
        """DATE, TIME or TIMESTAMP, and a text."""
        word = self._curr.text.upper()
        self._advance(2)
        token = self._prev
        try:
            if word == "DATE":
                return self.typed(date_value(token.text), DATE.without_null(), token)
            if word == "TIME":
                return self.typed(time_value(token.text), SqlType(Family.TIME, nullable=False), token)
            value, digits = moment_value(token.text)
            return self.typed(value, SqlType(Family.TIMESTAMP, nullable=False, precision=digits), token)
        except ValueError:
            example = {"DATE": "2026-01-31", "TIME": "09:30:00", "TIMESTAMP": "2026-01-31 09:30:00.000"}[word]
            raise self.unreadable(f"'{token.text}' is no {word}", token, f"Write it as {word} '{example}'.") from None

    def typed(self, value: Any, kind: SqlType, token: Token) -> Any:
        """A literal with its value."""
        return self.expression(Typed(value=value, kind=kind), token)

    def _parse_interval(self, require_interval: bool = True, parse_function_unit: bool = True) -> Any:  # noqa: ARG002, FBT001, FBT002 - sqlglot's
        start = self._curr
        if not self._match(TokenType.INTERVAL):
            return None
        sign = -1 if self._match(TokenType.DASH) else 1
        if not self._match(TokenType.STRING):
            raise self.unreadable("", remedy="Write the number of an interval as a text: INTERVAL '5' MINUTE.")
        text = self._prev
        unit, digits = self.unit()
        to = self.unit()[0] if self._match_text_seq("TO") else None
        family = Family.INTERVAL_MONTH if unit in MONTH_UNITS else Family.INTERVAL_SECOND
        try:
            value = sign * interval_value(text.text, unit, to)
        except ValueError:
            units = unit if to is None else f"{unit} TO {to}"
            raise self.unreadable(
                f"'{text.text}' is no interval in {units}",
                text,
                "Write INTERVAL '5' MINUTE, INTERVAL '1.5' SECOND, or INTERVAL '1:30' MINUTE TO SECOND.",
            ) from None
        leading = len(text.text.lstrip("+- ").partition(".")[0].partition(":")[0].partition(" ")[0].partition("-")[0])
        if leading > digits:
            raise self.unreadable(
                f"'{text.text}' has more than the {digits} digits of {unit}",
                text,
                f"Say how many there are: INTERVAL '{text.text}' {unit}({min(leading, 10)}), or take a larger unit.",
            )
        return self.typed(value, SqlType(family, nullable=False), start)

    def unit(self) -> tuple[str, int]:
        """A unit of time, and how many digits it has: two, as in Flink, unless they stand behind it."""
        found = unit_named(self._curr.text) if self._curr.token_type in {RESERVED, TokenType.VAR} else None
        if found is None:
            raise self.unreadable(
                f"{self._curr.text or 'Nothing'} is no unit of time",
                remedy="Write SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER or YEAR.",
            )
        self._advance()
        digits = self.numbers()
        return found, min(digits[0], 10) if digits else 2

    def name_here(self) -> Name:
        """The next token as a name."""
        token = self._curr
        if token.token_type not in self.ID_VAR_TOKENS:
            raise self.unreadable("", remedy="A name is expected here.")
        self._advance()
        return Name(token.text, self.places.of(token))

    def begin(self, tokens: list[Token], text: str) -> None:
        """Take up the tokens of one statement."""
        self.reset()
        self.sql = text
        self._chunks = [tokens]
        self._advance_chunk()

    def at_end(self) -> bool:
        """Whether nothing is left to read."""
        return self._index >= self._tokens_size
