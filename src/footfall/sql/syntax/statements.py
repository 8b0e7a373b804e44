"""Turns tokens into statements: declarations, INSERT, SET, EXPLAIN."""

from __future__ import annotations

from typing import Any, Final

from sqlglot.tokenizer_core import Token, TokenType

from footfall.sql.syntax import nodes
from footfall.sql.syntax.nodes import Name
from footfall.sql.syntax.queries import QueryParser

_REFUSED: Final = {
    "ALTER": "Write the CREATE TABLE as it should be.",
    "ANALYZE": "Leave it out.",
    "CALL": "Leave it out.",
    "DELETE": "Write what should stay as a SELECT with WHERE.",
    "DESCRIBE": "EXPLAIN SELECT * FROM the table shows its columns.",
    "DESC": "EXPLAIN SELECT * FROM the table shows its columns.",
    "LOAD": "Leave it out.",
    "MERGE": "Write INSERT INTO … SELECT ….",
    "SHOW": "`footfall topics` lists the streams.",
    "TRUNCATE": "Leave it out.",
    "UPDATE": "Write INSERT INTO a table with a PRIMARY KEY: its rows are replaced.",
    "USE": "Leave it out: there is one catalog.",
    "RESET": "Leave the SET out instead.",
    "ADD": "Leave it out: CREATE FUNCTION names a Python function.",
    "COMPILE": "Write EXECUTE STATEMENT SET BEGIN … END.",
}


class StatementParser(QueryParser):
    """Reads one statement of a file."""

    def statement(self) -> nodes.Statement:
        """The statement that begins here."""
        token = self._curr
        word = token.text.upper() if token.token_type not in {TokenType.STRING, TokenType.IDENTIFIER} else ""
        match word:
            case "CREATE":
                self._advance()
                return self._create()
            case "INSERT":
                self._advance()
                return self._insert_into()
            case "SET":
                self._advance()
                return self._option()
            case "EXECUTE" | "BEGIN":
                self._advance()
                return self._set_begins(word, token)
            case "END":
                self._advance()
                return nodes.SetEdge(begins=False, at=self.places.of(token))
            case "EXPLAIN":
                self._advance()
                return self._explain()
            case "DROP":
                self._advance()
                return self._drop()
            case "SELECT" | "WITH" | "VALUES" | "(":
                return nodes.Select(self.query(), self.places.of(token))
        if word in _REFUSED:
            raise self.unreadable(f"{word} is not supported", token, _REFUSED[word])
        raise self.unreadable("", token, "A statement begins with SELECT, WITH, INSERT INTO, CREATE, SET or EXPLAIN.")

    def _set_begins(self, word: str, token: Token) -> nodes.SetEdge:
        if word == "EXECUTE" and self._curr.text.upper() in {"INSERT", "SELECT"}:
            raise self.unreadable("EXECUTE before a statement is not supported", token, "Leave EXECUTE out.")
        self.expect("STATEMENT", "SET")
        if word == "EXECUTE":
            self.expect("BEGIN")
        return nodes.SetEdge(begins=True, at=self.places.of(token))

    def _explain(self) -> nodes.Explain:
        self._match_text_seq("PLAN", "FOR")
        while self._match_texts(("ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE")):
            self._match(TokenType.COMMA)
        token = self._curr
        found = self.statement()
        if not isinstance(found, nodes.Select | nodes.InsertInto | nodes.SetEdge):
            raise self.unreadable(
                "Only queries can be explained", token, "Write EXPLAIN SELECT … or EXPLAIN INSERT INTO …."
            )
        return nodes.Explain(found)

    def _option(self) -> nodes.SetOption:
        if self._curr.token_type != TokenType.STRING or self._next.token_type != TokenType.EQ:
            raise self.unreadable("", remedy="Write SET 'key' = 'value', with both in quotes.")
        key = self._curr.text
        self._advance(2)
        if not self._match(TokenType.STRING):
            raise self.unreadable("", remedy="Write SET 'key' = 'value', with both in quotes.")
        return nodes.SetOption(key, self._prev.text)

    def _drop(self) -> nodes.Drop:
        self._match_text_seq("TEMPORARY")
        self._match_text_seq("SYSTEM")
        if not self._match_texts(("TABLE", "VIEW", "FUNCTION")):
            raise self.unreadable("", remedy="DROP TABLE, DROP VIEW and DROP FUNCTION are known.")
        kind = self._prev.text.upper()
        if_exists = self._match_text_seq("IF", "EXISTS")
        return nodes.Drop(kind, self.table_name(), if_exists)

    def table_name(self) -> Name:
        """The name of a table; it has no parts."""
        name = self.name_here()
        if self._curr.token_type == TokenType.DOT:
            raise self.unreadable(
                "Names of tables have no parts",
                self._prev,
                "Leave catalogs and databases out, and name the table alone.",
            )
        return name

    def _insert_into(self) -> nodes.InsertInto:
        if self._match_text_seq("OVERWRITE"):
            raise self.unreadable("INSERT OVERWRITE is not supported", self._prev, "Write INSERT INTO.")
        self.expect("INTO")
        table = self.table_name()
        if self._match_text_seq("PARTITION"):
            raise self.unreadable("PARTITION is not supported", self._prev, "Leave it out.")
        columns: list[Name] = []
        if self._match(TokenType.L_PAREN):
            columns = self._parse_csv(self.name_here)
            self._match_r_paren()
        return nodes.InsertInto(table, columns, self.query())

    def _create(self) -> nodes.Statement:
        if self._match_text_seq("OR"):
            raise self.unreadable(
                "CREATE OR REPLACE is not supported", self._prev, "Write CREATE alone: a file starts anew."
            )
        self._match_text_seq("TEMPORARY")
        self._match_text_seq("SYSTEM")
        if self._match_text_seq("TABLE"):
            return self._table()
        if self._match_text_seq("VIEW"):
            return self._view()
        if self._match_text_seq("FUNCTION"):
            return self._function()
        if self._curr.text.upper() in {"CATALOG", "DATABASE", "MODEL", "MATERIALIZED"}:
            raise self.unreadable(f"CREATE {self._curr.text.upper()} is not supported", remedy="Leave it out.")
        raise self.unreadable("", remedy="CREATE TABLE, CREATE VIEW and CREATE FUNCTION are known.")

    def _if_not_exists(self) -> bool:
        return bool(self._match_text_seq("IF", "NOT", "EXISTS"))

    def _view(self) -> nodes.CreateView:
        if_not_exists = self._if_not_exists()
        name = self.table_name()
        columns: list[Name] = []
        if self._match(TokenType.L_PAREN):
            columns = self._parse_csv(self.name_here)
            self._match_r_paren()
        self._comment()
        self.expect("AS")
        return nodes.CreateView(name, columns, self.query(), if_not_exists)

    def _function(self) -> nodes.CreateFunction:
        self._if_not_exists()
        name = self.name_here()
        self.expect("AS")
        token = self._curr
        if not self._match(TokenType.STRING):
            raise self.unreadable(
                "", remedy="Write where the function is, in quotes: AS 'module.function' LANGUAGE PYTHON."
            )
        language = "JAVA"
        if self._match_text_seq("LANGUAGE"):
            language = self._curr.text.upper()
            self._advance()
        if language != "PYTHON":
            raise self.unreadable(
                f"Functions in {language} are not supported", token, "Write LANGUAGE PYTHON behind the path."
            )
        return nodes.CreateFunction(name, Name(token.text, self.places.of(token)), language)

    def _comment(self) -> None:
        if self._match_text_seq("COMMENT") and not self._match(TokenType.STRING):
            raise self.unreadable("", remedy="A comment is a text in quotes.")

    # ------------------------------------------------------------ CREATE TABLE

    def _table(self) -> nodes.CreateTable:
        if_not_exists = self._if_not_exists()
        name = self.table_name()
        if self._curr.text.upper() in {"LIKE", "AS"}:
            raise self.unreadable(
                "CREATE TABLE … " + self._curr.text.upper() + " is not supported", remedy="List the columns."
            )
        self._match_l_paren()
        columns: list[nodes.ColumnDeclaration] = []
        watermarks: list[nodes.WatermarkDeclaration] = []
        keys: list[Name] = []
        while True:
            self._element(columns, watermarks, keys)
            if not self._match(TokenType.COMMA):
                break
        self._match_r_paren()
        self._comment()
        if self._match_text_seq("PARTITIONED", "BY") or self._match_text_seq("PARTITIONED"):
            raise self.unreadable(
                "PARTITIONED BY is not supported", self._prev, "Leave it out: the key decides the partition."
            )
        options = self._options() if self._match(TokenType.WITH) else {}
        if self._curr.token_type == TokenType.LIKE:
            raise self.unreadable("LIKE is not supported in CREATE TABLE", remedy="List the columns.")
        return nodes.CreateTable(name, columns, watermarks[0] if watermarks else None, keys, options, if_not_exists)

    def _element(
        self,
        columns: list[nodes.ColumnDeclaration],
        watermarks: list[nodes.WatermarkDeclaration],
        keys: list[Name],
    ) -> None:
        if self._match_text_seq("WATERMARK", "FOR"):
            if watermarks:
                raise self.unreadable("A table has one watermark", self._prev, "Leave the second one out.")
            column = self.name_here()
            self.expect("AS")
            watermarks.append(nodes.WatermarkDeclaration(column, self._parse_disjunction()))
        elif self._match_text_seq("CONSTRAINT"):
            self.name_here()
            self._primary_key(keys)
        elif self._curr.text.upper() == "PRIMARY":
            self._primary_key(keys)
        else:
            columns.append(self._column(keys))

    def _primary_key(self, keys: list[Name]) -> None:
        self.expect("PRIMARY", "KEY")
        if keys:
            raise self.unreadable(
                "A table has one primary key", self._prev, "Name all its columns in one PRIMARY KEY (…)."
            )
        self._match_l_paren()
        keys.extend(self._parse_csv(self.name_here))
        self._match_r_paren()
        self._not_enforced()

    def _not_enforced(self) -> None:
        if not self._match_text_seq("NOT", "ENFORCED"):
            raise self.unreadable(
                "", remedy="Write NOT ENFORCED behind PRIMARY KEY: nobody checks the keys of a stream."
            )

    def _column(self, keys: list[Name]) -> nodes.ColumnDeclaration:
        name = self.name_here()
        if self._match(TokenType.ALIAS):
            found = nodes.ColumnDeclaration(name, "computed", expression=self._parse_disjunction())
            self._comment()
            return found
        kind = self.type_name()
        if self._match_text_seq("METADATA"):
            key = name.text
            if self._match(TokenType.FROM):
                if not self._match(TokenType.STRING):
                    raise self.unreadable(
                        "", remedy="Write what of the message it is, in quotes: METADATA FROM 'timestamp'."
                    )
                key = self._prev.text
            virtual = bool(self._match_text_seq("VIRTUAL"))
            self._comment()
            return nodes.ColumnDeclaration(name, "metadata", kind, key=key, virtual=virtual)
        if self._match_text_seq("PRIMARY", "KEY"):
            self._not_enforced()
            keys.append(name)
        self._comment()
        return nodes.ColumnDeclaration(name, "physical", kind)

    def _options(self) -> dict[str, str]:
        self._match_l_paren()
        found = dict(self._parse_csv(self._pair))
        self._match_r_paren()
        return found

    def _pair(self) -> tuple[str, str]:
        pair: list[Any] = []
        for position in range(2):
            if not self._match(TokenType.STRING):
                raise self.unreadable("", remedy="Write WITH ('key' = 'value'), with both in quotes.")
            pair.append(self._prev.text)
            if position == 0 and not self._match(TokenType.EQ):
                raise self.unreadable("", remedy="= is expected here.")
        return pair[0], pair[1]
