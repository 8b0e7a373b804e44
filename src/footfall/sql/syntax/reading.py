"""Turns tokens into the expressions of Flink's dialect, by sqlglot's rules where they are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.parser import IsPredicatePrecedence, Parser
from sqlglot.tokenizer_core import Token, TokenType

from footfall.sql.syntax.intervals import MONTH_UNITS, date_value, interval_value, moment_value, time_value, unit_named
from footfall.sql.syntax.nodes import CastTo, Typed
from footfall.sql.syntax.tokens import RESERVED
from footfall.sql.syntax.typenames import TypeNames
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
    """The text ends, or goes on in a way that no rule allows. Carries the token, and what to write instead."""

    def __init__(self, message: str, *, token: Token | None, remedy: str = "") -> None:
        super().__init__(message)
        self.token = token
        self.remedy = remedy


def _bare(name: str) -> Callable[[], exp.Expression]:
    return lambda: exp.Anonymous(this=name, expressions=[])


class ExpressionParser(TypeNames, Parser):
    """sqlglot's parser, less what Flink does not know. Each call of a function is Anonymous, with its own name."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CAST": lambda self: self.cast(safe=False),
        "TRY_CAST": lambda self: self.cast(safe=True),
        "EXTRACT": lambda self: self.unit_from("EXTRACT"),
        "FLOOR": lambda self: self.to_unit("FLOOR"),
        "CEIL": lambda self: self.to_unit("CEIL"),
        "CEILING": lambda self: self.to_unit("CEIL"),
        "TIMESTAMPADD": lambda self: self.unit_first("TIMESTAMPADD"),
        "TIMESTAMPDIFF": lambda self: self.unit_first("TIMESTAMPDIFF"),
        "TRIM": lambda self: self.trim(),
        "SUBSTRING": lambda self: self.separated("SUBSTRING", ("FROM", "FOR")),
        "OVERLAY": lambda self: self.separated("OVERLAY", ("PLACING", "FROM", "FOR")),
        "POSITION": lambda self: self.position(),
        "JSON_VALUE": lambda self: self.json_call("JSON_VALUE"),
        "JSON_QUERY": lambda self: self.json_call("JSON_QUERY"),
        "JSON_EXISTS": lambda self: self.json_call("JSON_EXISTS"),
    }
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
        return Unreadable("" if plain else message, token=token or (self._curr or None), remedy=remedy)

    def expression(self, instance: Any, token: Token | None = None, comments: list[str] | None = None) -> Any:
        """A node that knows where it stands, if it is a leaf."""
        if token is None and self._prev and not any(isinstance(one, exp.Expr) for one in instance.args.values()):
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
        unit = self.unit()
        to = self.unit() if self._match_text_seq("TO") else None
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
        return self.typed(value, SqlType(family, nullable=False), start)

    def unit(self) -> str:
        """A unit of time; digits behind it are read over."""
        found = unit_named(self._curr.text) if self._curr.token_type in {RESERVED, TokenType.VAR} else None
        if found is None:
            raise self.unreadable(
                f"{self._curr.text or 'Nothing'} is no unit of time",
                remedy="Write SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER or YEAR.",
            )
        self._advance()
        if self._match(TokenType.L_PAREN):
            self._parse_csv(self._parse_number)
            self._match_r_paren()
        return found

    def call(self, name: str, arguments: list[Any]) -> Any:
        """A call, as of any other function."""
        return exp.Anonymous(this=name, expressions=arguments)

    def word(self, text: str, token: Token) -> Any:
        """A word that counts as an argument, as a text."""
        return exp.Literal.string(text).update_positions(token)

    def cast(self, *, safe: bool) -> Any:
        """What stands behind CAST(."""
        this = self._parse_disjunction()
        self.expect("AS")
        return self.expression(CastTo(this=this, to=self.type_name(), safe=safe))

    def unit_first(self, name: str) -> Any:
        """A unit, a comma, and further arguments."""
        unit, token = self.field_name(), self._prev
        if not self._match(TokenType.COMMA):
            raise self.unreadable("", remedy="A comma is expected here.")
        return self.call(name, [self.word(unit, token), *self._parse_csv(self._parse_disjunction)])

    def field_name(self) -> str:
        """A unit, or what else EXTRACT and its like know: DOW, EPOCH, MILLISECOND."""
        token = self._curr
        if token.token_type not in {RESERVED, TokenType.VAR}:
            raise self.unreadable("", remedy="A unit of time is expected here, such as MINUTE.")
        self._advance()
        return str(token.text).upper().removeprefix("SQL_TSI_")

    def unit_from(self, name: str) -> Any:
        """A unit, FROM, and a time."""
        unit, token = self.field_name(), self._prev
        self.expect("FROM")
        return self.call(name, [self.word(unit, token), self._parse_disjunction()])

    def to_unit(self, name: str) -> Any:
        """One argument, or a time TO a unit."""
        this = self._parse_disjunction()
        if not self._match_text_seq("TO"):
            return self.call(name, [this])
        unit, token = self.field_name(), self._prev
        return self.call(name, [self.word(unit, token), this])

    def trim(self) -> Any:
        """Where to trim, what, and from what; all but the last may be left out."""
        where, token = "BOTH", self._curr
        if self._match_texts(("BOTH", "LEADING", "TRAILING")):
            where = self._prev.text.upper()
        chars = None if self._match_text_seq("FROM") else self._parse_disjunction()
        if chars is not None and not self._match_text_seq("FROM"):
            return self.call("TRIM", [chars])
        chars = chars if chars is not None else exp.Literal.string(" ")
        return self.call("TRIM", [self.word(where, token), chars, self._parse_disjunction()])

    def separated(self, name: str, words: tuple[str, ...]) -> Any:
        """Arguments with words between them, or with commas."""
        found = [self._parse_disjunction()]
        found += [
            self._parse_disjunction() for word in words if self._match(TokenType.COMMA) or self._match_text_seq(word)
        ]
        return self.call(name, found)

    def position(self) -> Any:
        """What IN what."""
        this = self._parse_bitwise()
        if not self._match(TokenType.COMMA):
            self.expect("IN")
        return self.call("POSITION", [this, self._parse_disjunction()])

    def json_call(self, name: str) -> Any:
        """A text, a path, and what else there is, as constants in a fixed order."""
        found = self._parse_csv(self._parse_disjunction)
        further: list[Any] = []
        if name == "JSON_VALUE":
            returned = self._returned()
            further = [returned, *self._json_behaviours(("EMPTY", "ERROR"), ("NULL", "ERROR", "DEFAULT"))]
        elif name == "JSON_QUERY":
            further = [self._wrapper()]
            further += self._json_behaviours(("EMPTY", "ERROR"), ("NULL", "ERROR", "EMPTY ARRAY", "EMPTY OBJECT"))[::2]
        else:
            further = self._json_behaviours(("ERROR",), ("TRUE", "FALSE", "UNKNOWN", "ERROR"))[::2]
        while further and further[-1] is None:
            further.pop()
        return self.call(name, [*found, *(one or exp.Null() for one in further)])

    def _returned(self) -> Any:
        if not self._match_text_seq("RETURNING"):
            return exp.Literal.string("STRING")
        token = self._curr
        return self.word(str(self.type_name()), token)

    def _wrapper(self) -> Any:
        token = self._curr
        found = "WITHOUT"
        if self._match_text_seq("WITH"):
            found = "CONDITIONAL" if self._match_text_seq("CONDITIONAL") else "UNCONDITIONAL"
            self._match_text_seq("UNCONDITIONAL")
            self._match_text_seq("ARRAY")
            self.expect("WRAPPER")
        elif self._match_text_seq("WITHOUT"):
            self._match_text_seq("ARRAY")
            self.expect("WRAPPER")
        return self.word(found, token)

    def _json_behaviours(self, cases: tuple[str, ...], allowed: tuple[str, ...]) -> list[Any]:
        """For each case what happens, and the default, if that is given."""
        found: dict[str, list[Any]] = {
            case: [exp.Literal.string("FALSE" if len(cases) == 1 else "NULL"), None] for case in cases
        }
        while self._curr and self._curr.token_type != TokenType.R_PAREN:
            token = self._curr
            words = next((one for one in allowed if self._match_text_seq(*one.split())), None)
            if words is None:
                raise self.unreadable("", remedy=f"{', '.join(allowed)} … ON {' or ON '.join(cases)} is expected here.")
            default = self._parse_bitwise() if words == "DEFAULT" else None
            self.expect("ON")
            case = self._curr.text.upper()
            if case not in cases:
                raise self.unreadable("", remedy=f"{' or '.join(cases)} is expected here.")
            self._advance()
            found[case] = [self.word(words, token), default]
        return [one for case in cases for one in found[case]]

    def begin(self, tokens: list[Token], text: str) -> None:
        """Take up the tokens of one statement."""
        self.reset()
        self.sql = text
        self._chunks = [tokens]
        self._advance_chunk()

    def at_end(self) -> bool:
        """Whether nothing is left to read."""
        return self._index >= self._tokens_size
