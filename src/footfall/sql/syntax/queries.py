"""Turns tokens into queries: what stands behind FROM, with windows, versions and patterns."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import TokenType

from footfall.sql.errors import At
from footfall.sql.syntax.nodes import (
    Descriptor,
    MatchClause,
    MatchTable,
    Name,
    PartitionedTable,
    PatternPart,
    TableName,
    WindowCall,
)
from footfall.sql.syntax.places import Places
from footfall.sql.syntax.reading import ExpressionParser

WINDOWS: Final = ("TUMBLE", "HOP", "CUMULATE", "SESSION")
_MODIFIERS: Final = (
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.ORDER_BY,
    TokenType.LIMIT,
    TokenType.OFFSET,
    TokenType.QUALIFY,
    TokenType.WINDOW,
    TokenType.TABLE_SAMPLE,
)


class QueryParser(ExpressionParser):
    """Reads a SELECT, WITH or VALUES."""

    places: Places
    QUERY_MODIFIER_PARSERS: ClassVar[dict[TokenType, Any]] = {
        token: Parser.QUERY_MODIFIER_PARSERS[token] for token in _MODIFIERS
    }
    QUERY_MODIFIER_TOKENS: ClassVar = set(_MODIFIERS)

    def name_here(self) -> Name:
        """The next token as a name."""
        token = self._curr
        if token.token_type not in self.ID_VAR_TOKENS:
            raise self.unreadable("", remedy="A name is expected here.")
        self._advance()
        return Name(token.text, self.places.of(token))

    def query(self) -> Any:
        """A whole query."""
        found = self._parse_select(nested=True)
        if found is None:
            raise self.unreadable("", remedy="A query is expected here: SELECT … FROM ….")
        return self._parse_query_modifiers(self._parse_set_operations(found))

    def _parse_statement(self) -> Any:
        return self.query()

    def _parse_into(self) -> None:
        return None

    def _parse_pivots(self) -> None:
        return None

    def _parse_lateral(self) -> None:
        if self._curr.token_type == TokenType.LATERAL:
            raise self.unreadable("LATERAL is not supported", remedy="Join with a query or a view instead.")

    def _parse_table(self, *_: Any, joins: bool = False, **__: Any) -> Any:
        found = self._source()
        if self._match(TokenType.MATCH_RECOGNIZE):
            found = self._match_recognize(found)
        if not found.args.get("alias") and (alias := self._parse_table_alias()):
            found.set("alias", alias)
        if joins:
            for join in self._parse_joins():
                found.append("joins", join)
        return found

    def _source(self) -> Any:
        if self._curr.token_type == TokenType.UNNEST:
            raise self.unreadable("UNNEST is not supported", remedy="Take single elements with array[1].")
        self._parse_lateral()
        if self._curr.text.upper() == "TABLE" and self._next.token_type == TokenType.L_PAREN:
            self._advance(2)
            found = self._window_call()
            self._match_r_paren()
            return found
        if self._next.token_type == TokenType.L_PAREN and self._curr.token_type == TokenType.VAR:
            return self._window_call()
        if self._curr.token_type in {TokenType.L_PAREN, TokenType.VALUES, TokenType.SELECT}:
            values = self._parse_derived_table_values()
            if values is not None:
                return values
            found = self._parse_select(table=True)
            if found is not None:
                return found
        return self._table_name()

    def _table_name(self) -> Any:
        token = self._curr
        if token.token_type not in self.ID_VAR_TOKENS:
            raise self.unreadable("", remedy="The name of a table is expected here.")
        self._advance()
        name = exp.Identifier(this=token.text, quoted=token.token_type == TokenType.IDENTIFIER)
        name.update_positions(token)
        while self._match(TokenType.DOT):
            raise self.unreadable(
                "Names of tables have no parts", token, "Leave catalogs and databases out, and name the table alone."
            )
        found = TableName(this=name)
        found.update_positions(token)
        if self._match_text_seq("FOR", "SYSTEM_TIME", "AS", "OF"):
            found.set("version", self._parse_bitwise())
        return found

    def _window_call(self) -> Any:
        token = self._curr
        name = token.text.upper()
        if name not in WINDOWS:
            raise self.unreadable(
                f"There is no table function {token.text}",
                token,
                "TUMBLE, HOP, CUMULATE and SESSION are known, as in TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), "
                "INTERVAL '1' MINUTE)).",
            )
        self._advance()
        self._match_l_paren()
        arguments = self._parse_csv(self._window_argument)
        self._match_r_paren()
        call = WindowCall(this=name, arguments=arguments)
        call.update_positions(token)
        return call

    def _window_argument(self) -> Any:
        if self._next.token_type == TokenType.FARROW:
            label = self._curr
            self._advance(2)
            value = exp.Kwarg(this=exp.Var(this=label.text.upper()), expression=self._window_value())
            return value.update_positions(label)
        return self._window_value()

    def _window_value(self) -> Any:
        token = self._curr
        word = token.text.upper()
        if word == "TABLE" and self._next.token_type != TokenType.L_PAREN:
            self._advance()
            found = PartitionedTable(this=self._table_name())
            if self._match(TokenType.PARTITION_BY):
                found.set("partition", self._columns())
            return found.update_positions(token)
        if token.token_type == TokenType.L_PAREN or word == "TABLE":
            if word == "TABLE":
                self._advance()
            self._match_l_paren()
            inner = exp.Subquery(this=self.query())
            self._match_r_paren()
            return PartitionedTable(this=inner).update_positions(token)
        if word == "DESCRIPTOR":
            self._advance()
            self._match_l_paren()
            columns = self._parse_csv(self._parse_column)
            self._match_r_paren()
            return Descriptor(expressions=columns).update_positions(token)
        return self._parse_disjunction()

    def _columns(self) -> list[Any]:
        if self._match(TokenType.L_PAREN):
            found = self._parse_csv(self._parse_column)
            self._match_r_paren()
            return found
        return [self._parse_column()]

    def _parse_join(self, *args: Any, **kwargs: Any) -> Any:
        token = self._curr
        if self._match(TokenType.COMMA):
            return exp.Join(this=self._parse_table(), kind="CROSS").update_positions(token)
        join = super()._parse_join(*args, **kwargs)
        if join is not None:
            join.update_positions(token)
        return join

    # ------------------------------------------------------------ MATCH_RECOGNIZE

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
