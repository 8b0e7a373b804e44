"""Turns calls with words between their arguments into calls with arguments in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from footfall.sql.syntax.nodes import CastTo
from footfall.sql.syntax.tokens import RESERVED
from footfall.sql.syntax.typenames import TypeNames


class Calls(TypeNames):
    """The part of the parser that reads calls of their own form."""

    _match_texts: Any
    _parse_bitwise: Any
    _parse_csv: Any
    _parse_disjunction: Any
    expect: Any
    expression: Any

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


FORMS: Final[dict[str, Callable[[Any], Any]]] = {
    "CAST": lambda parser: parser.cast(safe=False),
    "TRY_CAST": lambda parser: parser.cast(safe=True),
    "EXTRACT": lambda parser: parser.unit_from("EXTRACT"),
    "FLOOR": lambda parser: parser.to_unit("FLOOR"),
    "CEIL": lambda parser: parser.to_unit("CEIL"),
    "CEILING": lambda parser: parser.to_unit("CEIL"),
    "TIMESTAMPADD": lambda parser: parser.unit_first("TIMESTAMPADD"),
    "TIMESTAMPDIFF": lambda parser: parser.unit_first("TIMESTAMPDIFF"),
    "TRIM": lambda parser: parser.trim(),
    "SUBSTRING": lambda parser: parser.separated("SUBSTRING", ("FROM", "FOR")),
    "OVERLAY": lambda parser: parser.separated("OVERLAY", ("PLACING", "FROM", "FOR")),
    "POSITION": lambda parser: parser.position(),
    "JSON_VALUE": lambda parser: parser.json_call("JSON_VALUE"),
    "JSON_QUERY": lambda parser: parser.json_call("JSON_QUERY"),
    "JSON_EXISTS": lambda parser: parser.json_call("JSON_EXISTS"),
}
