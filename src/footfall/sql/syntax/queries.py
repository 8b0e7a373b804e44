"""Turns tokens into queries: what stands behind FROM, with windows, versions and patterns."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import TokenType

from footfall.sql.syntax.nodes import Descriptor, PartitionedTable, TableName, WindowCall
from footfall.sql.syntax.patterns import PatternParser

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


class QueryParser(PatternParser):
    """Reads a SELECT, WITH or VALUES."""

    QUERY_MODIFIER_PARSERS: ClassVar[dict[TokenType, Any]] = {
        token: Parser.QUERY_MODIFIER_PARSERS[token] for token in _MODIFIERS
    }
    QUERY_MODIFIER_TOKENS: ClassVar = set(_MODIFIERS)

    def query(self) -> Any:
        """A whole query."""
        found = self._parse_select(nested=True)
        if found is None:
            raise self.unreadable("", remedy="A query is expected here: SELECT … FROM ….")
        return self._parse_query_modifiers(self._parse_set_operations(found))

    def _parse_statement(self) -> Any:
        return self.query()

    def _parse_select(self, *args: Any, **kwargs: Any) -> Any:
        token = self._curr
        found = super()._parse_select(*args, **kwargs)
        if isinstance(found, exp.Expr) and "start" not in found.meta:
            found.update_positions(token)
        if isinstance(found, exp.Select) and not found.expressions:
            raise self.unreadable("", remedy="Name columns behind SELECT, or write *.")
        return found

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
