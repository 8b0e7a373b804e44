"""Turns values as the SQL Gateway gives them, with their types, into values as the expected files have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

_LOCAL: Final = "TIMESTAMP_WITH_LOCAL_TIME_ZONE"
_TIME: Final = "TIMESTAMP_WITHOUT_TIME_ZONE"


def rendered(value: Any, kind: Mapping[str, Any]) -> Any:
    """One value. See README.md for what each type looks like."""
    if value is None:
        return None
    match kind["type"]:
        case "DECIMAL":
            return f"{Decimal(str(value)).quantize(Decimal(1).scaleb(-kind['scale'])):f}"
        case one if one == _TIME:
            return _time(value)
        case one if one == _LOCAL:
            return _time(value) + "Z"
        case "DOUBLE" | "FLOAT":
            return value if isinstance(value, str) else float(value)
        case "ARRAY":
            return [rendered(one, kind["elementType"]) for one in value]
        case "ROW":
            return {one["name"]: rendered(value[one["name"]], one["fieldType"]) for one in kind["fields"]}
        case "MAP":
            return {key: rendered(one, kind["valueType"]) for key, one in value.items()}
        case _:
            return value


def _time(text: str) -> str:
    """ISO 8601 with milliseconds; Flink leaves out zeros at the end."""
    moment = datetime.fromisoformat(text.removesuffix("Z").replace(" ", "T")).replace(tzinfo=UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def type_name(kind: Mapping[str, Any]) -> str:
    """The type as SQL writes it."""
    name = kind["type"]
    length = kind.get("length")
    if name in {_TIME, _LOCAL}:
        name = f"{'TIMESTAMP' if name == _TIME else 'TIMESTAMP_LTZ'}({kind['precision']})"
    elif name == "DECIMAL":
        name = f"DECIMAL({kind['precision']}, {kind['scale']})"
    elif name in {"VARCHAR", "VARBINARY"} and length == 2147483647:
        name = "STRING" if name == "VARCHAR" else "BYTES"
    elif length is not None:
        name = f"{name}({length})"
    elif name == "ARRAY":
        name = f"ARRAY<{type_name(kind['elementType'])}>"
    elif name == "MAP":
        name = f"MAP<{type_name(kind['keyType'])}, {type_name(kind['valueType'])}>"
    elif name == "ROW":
        name = f"ROW<{', '.join(_field(one) for one in kind['fields'])}>"
    elif name == "TIME_WITHOUT_TIME_ZONE":
        name = f"TIME({kind['precision']})"
    return name if kind["nullable"] else f"{name} NOT NULL"


def _field(one: Mapping[str, Any]) -> str:
    return f"`{one['name']}` {type_name(one['fieldType'])}"


def row_of(names: Sequence[str], kinds: Sequence[Mapping[str, Any]], fields: Sequence[Any]) -> dict[str, Any]:
    """One row by its columns' names."""
    return {name: rendered(value, kind) for name, kind, value in zip(names, kinds, fields, strict=True)}
