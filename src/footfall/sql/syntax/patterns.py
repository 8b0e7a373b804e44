"""Turns the tokens of MATCH_RECOGNIZE into what it says."""

from __future__ import annotations

from typing import Any

from sqlglot.tokenizer_core import TokenType

from footfall.sql.errors import At
from footfall.sql.syntax.nodes import MatchClause, MatchTable, Name, PatternPart
from footfall.sql.syntax.reading import ExpressionParser


class PatternParser(ExpressionParser):
    """Reads MATCH_RECOGNIZE and its pattern."""

    def _match_recognize(self, table: Any) -> Any:
        token = self._prev
        self._match_l_paren()
        partition = self._parse_partition_by()
        order = self._parse_csv(self._parse_ordered) if self._match(TokenType.ORDER_BY) else []
        measures = self._parse_csv(self._measure) if self._match_text_seq("MEASURES") else []
        self._rows_per_match()
        skip, skip_to = self._skip()
        if not self._match_text_seq("PATTERN"):
            raise self.unreadable("", remedy="PATTERN ( … ) is expected here.")
        self._match_l_paren()
        pattern = self._choice()
        self._match_r_paren()
        within = None
        if self._match_text_seq("WITHIN"):
            within = self._parse_interval()
            if within is None:
                raise self.unreadable("", remedy="An interval is expected here, as in WITHIN INTERVAL '30' MINUTE.")
        if self._curr.text.upper() == "SUBSET":
            raise self.unreadable("SUBSET is not supported", remedy="Name the variables one by one.")
        define = self._parse_csv(self._definition) if self._match_text_seq("DEFINE") else []
        self._match_r_paren()
        clause = MatchClause(self.places.of(token), partition, order, measures, pattern, define, skip, skip_to, within)
        return MatchTable(this=table, clause=clause).update_positions(token)

    def _measure(self) -> tuple[Any, Name]:
        value = self._parse_disjunction()
        if not self._match(TokenType.ALIAS):
            raise self.unreadable("", remedy="Each measure needs a name: LAST(A.page) AS page.")
        return value, self.name_here()

    def _rows_per_match(self) -> None:
        if self._match_text_seq("ONE", "ROW", "PER", "MATCH"):
            return
        if self._match_text_seq("ALL", "ROWS", "PER", "MATCH", advance=False):
            raise self.unreadable("ALL ROWS PER MATCH is not supported", remedy="Write ONE ROW PER MATCH.")

    def _skip(self) -> tuple[Any, Name | None]:
        if not self._match_text_seq("AFTER"):
            return None, None
        self.expect("MATCH", "SKIP")
        if self._match_text_seq("PAST", "LAST", "ROW"):
            return "past last row", None
        self.expect("TO")
        if self._match_text_seq("NEXT", "ROW"):
            return "to next row", None
        if self._match_text_seq("FIRST"):
            return "to first", self.name_here()
        self._match_text_seq("LAST")
        return "to last", self.name_here()

    def _definition(self) -> tuple[Name, Any]:
        name = self.name_here()
        self.expect("AS")
        return name, self._parse_disjunction()

    def _choice(self) -> PatternPart:
        at = self.places.of(self._curr)
        parts = [self._sequence()]
        while self._curr.text == "|":
            self._advance()
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else PatternPart(at, parts=tuple(parts), choice=True)

    def _sequence(self) -> PatternPart:
        at = self.places.of(self._curr)
        parts: list[PatternPart] = []
        while self._curr and self._curr.token_type != TokenType.R_PAREN and self._curr.text != "|":
            parts.append(self._quantified())
        if not parts:
            raise self.unreadable("", remedy="A pattern's variable is expected here.")
        return parts[0] if len(parts) == 1 else PatternPart(at, parts=tuple(parts))

    def _quantified(self) -> PatternPart:
        at = self.places.of(self._curr)
        if self._curr.token_type == TokenType.L_BRACE:
            raise self.unreadable(
                "Exclusions {- -} are not supported", remedy="Leave the variable out of MEASURES instead."
            )
        if self._curr.text.upper() == "PERMUTE":
            raise self.unreadable("PERMUTE is not supported", remedy="Write the orders with |: (A B | B A).")
        if self._match(TokenType.L_PAREN):
            inner = self._choice()
            self._match_r_paren()
        else:
            inner = PatternPart(at, variable=self.name_here().text)
        bounds = self._bounds(at)
        if bounds is None:
            return inner
        reluctant = self._match(TokenType.PLACEHOLDER)
        parts = (inner,) if not inner.variable or inner.parts else ()
        return PatternPart(at, inner.variable, parts, least=bounds[0], most=bounds[1], reluctant=bool(reluctant))

    def _bounds(self, at: At) -> tuple[int, int | None] | None:
        if self._match(TokenType.STAR):
            return 0, None
        if self._match(TokenType.PLUS):
            return 1, None
        if self._match(TokenType.PLACEHOLDER):
            return 0, 1
        if not self._match(TokenType.L_BRACE):
            return None
        least = self._times()
        comma = self._match(TokenType.COMMA)
        most = self._times() if comma else least
        if least is None and most is None:
            raise self.unreadable("", remedy="Write how often: {3}, {2,5}, {2,} or {,5}.")
        if not self._match(TokenType.R_BRACE):
            raise self.unreadable("", remedy="} is expected here.")
        if most is not None and (most < (least or 0) or most == 0):
            raise self.unreadable(
                f"{{{least or 0},{most}}} is no number of times (line {at.line})",
                self._prev,
                "The second number must not be less than the first, and not 0.",
            )
        return least or 0, most

    def _times(self) -> int | None:
        if self._match(TokenType.NUMBER) and self._prev.text.isdigit():
            return int(self._prev.text)
        return None
