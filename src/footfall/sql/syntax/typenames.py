"""Turns the name of a type, as CAST and CREATE TABLE have it, into the type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sqlglot.tokenizer_core import Token, TokenType

from footfall.sql.types import Family, SqlType

_PLAIN: Final = {
    "BOOLEAN": Family.BOOLEAN,
    "TINYINT": Family.TINYINT,
    "SMALLINT": Family.SMALLINT,
    "INT": Family.INT,
    "INTEGER": Family.INT,
    "BIGINT": Family.BIGINT,
    "FLOAT": Family.FLOAT,
    "DOUBLE": Family.DOUBLE,
    "STRING": Family.STRING,
    "BYTES": Family.BYTES,
    "DATE": Family.DATE,
}
_LENGTHS: Final = {"CHAR": Family.STRING, "VARCHAR": Family.STRING, "BINARY": Family.BYTES, "VARBINARY": Family.BYTES}
_DECIMALS: Final = ("DECIMAL", "DEC", "NUMERIC")
_UNSUPPORTED: Final = ("MULTISET", "RAW", "CHARACTER")


class TypeNames:
    """The part of the parser that reads types."""

    _curr: Any
    _prev: Any
    _advance: Any
    _match: Any
    _match_text_seq: Any
    _match_r_paren: Any
    unreadable: Any

    def type_name(self) -> SqlType:
        """The type whose name comes next, with NOT NULL if that stands behind it."""
        token = self._curr
        found = self._named(token)
        if self._match_text_seq("NOT", "NULL"):
            return replace(found, nullable=False)
        self._match_text_seq("NULL")
        if self._match_text_seq("ARRAY"):
            return SqlType(Family.ARRAY, inner=(found,))
        return found

    def _named(self, token: Token) -> SqlType:
        word = token.text.upper() if token.token_type != TokenType.STRING else ""
        if word:
            self._advance()
        if word in _PLAIN:
            self._match_text_seq("PRECISION")
            return SqlType(_PLAIN[word])
        if word in _LENGTHS:
            length = self.numbers()
            return SqlType(_LENGTHS[word], precision=length[0] if length else 1 if word in {"CHAR", "BINARY"} else 0)
        if word in _DECIMALS:
            return self._decimal(token)
        if word in {"TIMESTAMP", "TIMESTAMP_LTZ", "TIME"}:
            return self._time(word, token)
        if word in {"ARRAY", "MAP"}:
            return self._nested(word, token)
        if word == "ROW":
            return self._row()
        if word == "INTERVAL":
            raise self.unreadable(
                "Columns of intervals are not supported", token, "Keep a number of seconds, as BIGINT."
            )
        if word in _UNSUPPORTED:
            raise self.unreadable(f"The type {word} is not supported", token, "Use STRING, BYTES or ARRAY.")
        names = ", ".join(sorted({*_PLAIN, "DECIMAL(p, s)", "TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", "ARRAY<…>", "ROW<…>"}))
        raise self.unreadable(
            f"{token.text or 'Nothing'} is no type", token if token.text else None, f"Types are {names}."
        )
        raise AssertionError

    def numbers(self) -> list[int]:
        """Whole numbers in parentheses, if there are any."""
        if not self._match(TokenType.L_PAREN):
            return []
        found: list[int] = []
        while not found or self._match(TokenType.COMMA):
            if not self._match(TokenType.NUMBER) or not self._prev.text.isdigit():
                raise self.unreadable("", self._curr or None, "A whole number is expected here.")
            found.append(int(self._prev.text))
        self._match_r_paren()
        return found

    def _decimal(self, token: Token) -> SqlType:
        given = [*self.numbers(), 0]
        precision, scale = (10, 0) if len(given) == 1 else (given[0], given[1])
        if not 1 <= precision <= 38 or scale > precision:
            raise self.unreadable(
                f"DECIMAL({precision}, {scale}) is out of range", token, "Digits are 1 to 38, and decimals no more."
            )
        return SqlType(Family.DECIMAL, precision=precision, scale=scale)

    def _time(self, word: str, token: Token) -> SqlType:
        digits = self.numbers()
        local = word == "TIMESTAMP_LTZ"
        if self._match_text_seq("WITH", "LOCAL", "TIME", "ZONE"):
            local = True
        elif self._match_text_seq("WITH", "TIME", "ZONE"):
            raise self.unreadable("TIMESTAMP WITH TIME ZONE is not supported", token, "Use TIMESTAMP_LTZ(3).")
        self._match_text_seq("WITHOUT", "TIME", "ZONE")
        if word == "TIME":
            return SqlType(Family.TIME, precision=digits[0] if digits else 0)
        precision = digits[0] if digits else 6
        if precision > 9:
            raise self.unreadable(
                f"A time has no {precision} digits of a second", token, "Write 0 to 9; 3 are milliseconds."
            )
        return SqlType(Family.TIMESTAMP_LTZ if local else Family.TIMESTAMP, precision=precision)

    def _nested(self, word: str, token: Token) -> SqlType:
        if not self._match(TokenType.LT):
            raise self.unreadable(
                "", remedy=f"Say of what, as in {'ARRAY<STRING>' if word == 'ARRAY' else 'MAP<STRING, INT>'}."
            )
        inner = [self.type_name()]
        while self._match(TokenType.COMMA):
            inner.append(self.type_name())
        if len(inner) != (1 if word == "ARRAY" else 2):
            raise self.unreadable(f"This is no {word}", token, "Write ARRAY<STRING> or MAP<STRING, INT>.")
        self._close()
        return SqlType(Family(word), inner=tuple(inner))

    def _row(self) -> SqlType:
        closing = TokenType.GT if self._match(TokenType.LT) else None
        if closing is None and not self._match(TokenType.L_PAREN):
            raise self.unreadable("", remedy="Say the fields, as in ROW<name STRING, age INT>.")
        names: list[str] = []
        inner: list[SqlType] = []
        while not names or self._match(TokenType.COMMA):
            names.append(self._curr.text)
            self._advance()
            inner.append(self.type_name())
        if closing is None:
            self._match_r_paren()
        else:
            self._close()
        return SqlType(Family.ROW, inner=tuple(inner), names=tuple(names))

    def _close(self) -> None:
        if not self._match(TokenType.GT):
            raise self.unreadable("", remedy="> is expected here.")
