"""Turns values out of files (JSON, texts) into values of a column's type, or says why they are none.

Times are ISO 8601 or, where a number stands, milliseconds since 1970 UTC.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import pyarrow as pa

from footfall.sql.types import Family, SqlType

_WHOLE: Final = {Family.TINYINT: 7, Family.SMALLINT: 15, Family.INT: 31, Family.BIGINT: 63}
"""Bits, without the sign."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN: Final = 60


class UnfitError(ValueError):
    """A value that is none of its column's type."""


def value_of(value: Any, kind: SqlType, name: str) -> Any:
    """What a column of this type holds for a value of a JSON document. Raises UnfitError naming the field."""
    if value is None:
        if kind.nullable:
            return None
        raise UnfitError(f"{name}: is NULL, but the column is NOT NULL")
    try:
        return _value(value, kind, name)
    except (ValueError, TypeError, KeyError, OverflowError, InvalidOperation, binascii.Error) as error:
        if isinstance(error, UnfitError):
            raise
        raise UnfitError(f"{name}: {_shown(value)} is no {kind.without_null()}".removesuffix(" NOT NULL")) from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _value(value: Any, kind: SqlType, name: str) -> Any:
    family = kind.family
    if family is Family.STRING:
        return value if isinstance(value, str) else _refuse()
    if family is Family.BOOLEAN:
        return value if isinstance(value, bool) else {"true": True, "false": False}[_text(value).lower()]
    if family in _WHOLE:
        return _whole(value, _WHOLE[family])
    if family in {Family.FLOAT, Family.DOUBLE}:
        return _refuse() if isinstance(value, bool) else float(value)
    if family is Family.DECIMAL:
        return _decimal(value, kind)
    if family is Family.BYTES:
        return base64.b64decode(_text(value), validate=True)
    if family in {Family.DATE, Family.TIME, Family.TIMESTAMP, Family.TIMESTAMP_LTZ}:
        return _time(value, kind)
    return _nested(value, kind, name)


def _refuse() -> Any:
    raise ValueError


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _refuse()


def _whole(value: Any, bits: int) -> int:
    if isinstance(value, (bool, float)):
        _refuse()
    number = int(value)
    return number if -(1 << bits) <= number < 1 << bits else _refuse()


def _decimal(value: Any, kind: SqlType) -> Decimal:
    if isinstance(value, bool):
        _refuse()
    number = Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.scale), rounding="ROUND_HALF_UP")
    return number if len(number.as_tuple().digits) <= kind.precision else _refuse()


def _time(value: Any, kind: SqlType) -> Any:
    if kind.family is Family.DATE:
        return date.fromisoformat(_text(value))
    if kind.family is Family.TIME:
        return time.fromisoformat(_text(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return _arrow_time(value, kind)
    moment = datetime.fromisoformat(_text(value).replace(" ", "T"))
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return _arrow_time((moment - _EPOCH).total_seconds() * 1000, kind)


def _arrow_time(milliseconds: float, kind: SqlType) -> Any:
    moment = _EPOCH.timestamp() * 1000 + milliseconds
    return (
        pa.scalar(round(moment), pa.timestamp("ms", tz="UTC")).as_py()
        if kind.family is Family.TIMESTAMP_LTZ
        else (pa.scalar(round(moment), pa.timestamp("ms")).as_py())
    )


def _nested(value: Any, kind: SqlType, name: str) -> Any:
    if kind.family is Family.ARRAY and isinstance(value, list):
        return [value_of(one, kind.inner[0], f"{name}[{index}]") for index, one in enumerate(value)]
    if kind.family is Family.MAP and isinstance(value, Mapping):
        return [(key, value_of(one, kind.inner[1], f"{name}[{key!r}]")) for key, one in value.items()]
    if kind.family is Family.ROW and isinstance(value, Mapping):
        fields = zip(kind.names, kind.inner, strict=True)
        return {field: value_of(value.get(field), of, f"{name}.{field}") for field, of in fields}
    return _refuse()
