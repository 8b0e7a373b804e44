"""Turns functions of texts into what they mean."""

from __future__ import annotations

from typing import Final

from footfall.sql.functions.forms import Arguments, Function, Rule, Typed, checked, plain
from footfall.sql.types import BOOLEAN, BYTES, INT, STRING, Family


def split(given: Arguments) -> Typed:
    """SPLIT_INDEX: the separator is a text, or a character's number."""
    separator = "integer" if given[1].type.family is not Family.STRING else "text"
    return STRING, checked(given, ["text", separator, "integer"])


def hexadecimal(given: Arguments) -> Typed:
    """HEX: of a whole number or of a text."""
    kind = "text" if given[0].type.family is Family.STRING else "integer"
    return plain(kind, STRING)(given)


def _text(
    form: str, about: str, kinds: str, result: Rule | None = None, *, least: int, most: int | None = None
) -> Function:
    name = form.partition("(")[0]
    return Function(name, "Texts", (form,), about, result or plain(kinds, STRING), least, most or least)


def _maybe(kinds: str) -> Rule:
    return plain(kinds, STRING, nulls=True)


def _sure(kinds: str) -> Rule:
    return plain(kinds, STRING)


_TEXT: Final = "text"
_NUMBER: Final = "text integer"
_INT: Final = plain("text", INT)
_BOOL: Final = plain("text", BOOLEAN)

TEXTS: Final = (
    _text("UPPER(text)", "In capitals.", _TEXT, least=1),
    _text("LOWER(text)", "In small letters.", _TEXT, least=1),
    _text("INITCAP(text)", "Each word with a capital.", _TEXT, least=1),
    _text(
        "TRIM([LEADING | TRAILING | BOTH] [characters FROM] text)",
        "Without these characters, or spaces, at its ends.",
        _TEXT,
        least=1,
        most=3,
    ),
    _text("LTRIM(text[, characters])", "Without them at its start.", _TEXT, least=1, most=2),
    _text("RTRIM(text[, characters])", "Without them at its end.", _TEXT, least=1, most=2),
    _text("BTRIM(text[, characters])", "Without them at both ends.", _TEXT, least=1, most=2),
    _text(
        "SUBSTRING(text, start[, length])",
        "A part; from 1, negative from the end.",
        "",
        _maybe("text integer"),
        least=2,
        most=3,
    ),
    _text("SUBSTR(text, start[, length])", "As SUBSTRING.", "", _maybe("text integer"), least=2, most=3),
    _text(
        "OVERLAY(text PLACING other FROM start [FOR length])",
        "With another in place of a part.",
        "text text integer",
        least=3,
        most=4,
    ),
    _text("POSITION(part IN text)", "Where it first is, from 1; 0 if nowhere.", "", _INT, least=2),
    _text(
        "LOCATE(part, text[, from])",
        "Where it is, from 1; 0 if nowhere.",
        "",
        plain("text text integer", INT),
        least=2,
        most=3,
    ),
    _text("INSTR(text, part)", "As POSITION.", "", _INT, least=2),
    _text("CHAR_LENGTH(text)", "The number of characters.", "", _INT, least=1),
    _text("CHARACTER_LENGTH(text)", "The number of characters.", "", _INT, least=1),
    Function(
        "CONCAT", "Texts", ("CONCAT(text, …)",), "One after another; NULL if one is.", plain("text", STRING), 1, None
    ),
    Function(
        "CONCAT_WS",
        "Texts",
        ("CONCAT_WS(separator, text, …)",),
        "One after another, NULLs left out.",
        plain("text", STRING),
        1,
        None,
    ),
    _text("REPLACE(text, old, new)", "Each old part by a new one.", _TEXT, least=3),
    _text("TRANSLATE(text, old, new)", "Each of the old characters by the new one at its place.", _TEXT, least=3),
    _text("REVERSE(text)", "Backwards.", "", _maybe("text"), least=1),
    _text("REPEAT(text, times)", "So many times.", _NUMBER, least=2),
    _text("LPAD(text, length, fill)", "Filled or cut at its start.", "", _sure("text integer text"), least=3),
    _text("RPAD(text, length, fill)", "Filled or cut at its end.", "", _sure("text integer text"), least=3),
    _text("LEFT(text, length)", "So many characters of its start.", "", _maybe(_NUMBER), least=2),
    _text("RIGHT(text, length)", "So many characters of its end.", "", _maybe(_NUMBER), least=2),
    _text("SPLIT_INDEX(text, separator, index)", "A part between separators, from 0.", "", split, least=3),
    _text("REGEXP(text, pattern)", "Whether a Java regular expression is found.", "", _BOOL, least=2),
    _text(
        "REGEXP_EXTRACT(text, pattern[, group])",
        "What a regular expression finds.",
        "",
        _maybe("text text integer"),
        least=2,
        most=3,
    ),
    _text(
        "REGEXP_REPLACE(text, pattern, new)",
        "What a regular expression finds, replaced by a text.",
        "",
        _sure("text"),
        least=3,
    ),
    _text("STARTSWITH(text, start)", "Whether it starts so.", "", _BOOL, least=2),
    _text("ENDSWITH(text, end)", "Whether it ends so.", "", _BOOL, least=2),
    _text("ASCII(text)", "The number of its first byte, signed.", "", _INT, least=1),
    _text("CHR(number)", "The character of a number, modulo 256.", "", _maybe("integer"), least=1),
    _text("BIN(number)", "A whole number in binary digits.", "integer", least=1),
    _text("HEX(value)", "A whole number, or a text's bytes, in hexadecimal digits.", "", hexadecimal, least=1),
    _text(
        "UNHEX(text)",
        "Bytes from hexadecimal digits; NULL if they are none.",
        "",
        plain("text", BYTES, nulls=True),
        least=1,
    ),
    *(
        _text(f"{name}(text)", f"Its {name} in hexadecimal digits.", _TEXT, least=1)
        for name in ("MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512")
    ),
    _text("SHA2(text, bits)", "Its SHA of 224, 256, 384 or 512 bits.", _NUMBER, least=2),
    _text("TO_BASE64(text)", "In Base64.", _TEXT, least=1),
    _text("FROM_BASE64(text)", "From Base64; NULL if it is none.", "", _sure("text"), least=1),
    _text(
        "PARSE_URL(url, part[, key])",
        "HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO.",
        "",
        _maybe("text"),
        least=2,
        most=3,
    ),
    _text("URL_ENCODE(text)", "As in a form's address.", "", _maybe("text"), least=1),
    _text("URL_DECODE(text)", "Back from that; NULL if it cannot be.", "", _maybe("text"), least=1),
)
