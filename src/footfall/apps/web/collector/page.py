"""Turns the OpenAPI description into a page for people, made here and without a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

Node = Mapping[str, Any]


async def description_page(request: Request) -> HTMLResponse:
    """``GET /docs``: what the collector takes and answers."""
    return HTMLResponse(page_of(request.app.openapi()))


def page_of(description: Node) -> str:
    """The page of an OpenAPI description."""
    title = escape(description["info"]["title"])
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: the collector</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/static/shop.css"></head>'
        f"<body><main><h1>{title}: the collector</h1>"
        '<p>How to send events. The same for programs: <a href="/openapi.json">/openapi.json</a>.</p>'
        f"{operations}</main></body></html>"
    )


def _operation(path: str, method: str, operation: Node) -> str:
    parts = [
        f"<section><h2><code>{escape(method.upper())} {escape(path)}</code></h2>",
        f"<p><strong>{escape(operation.get('summary', ''))}.</strong> {escape(operation.get('description', ''))}</p>",
    ]
    if operation.get("parameters"):
        fields = {one["name"]: one["schema"] for one in operation["parameters"]}
        required = [one["name"] for one in operation["parameters"] if one.get("required")]
        parts.append(_table("In the query", fields, required))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h3>Body: <code>{escape(kind)}</code></h3>")
        parts += [_table(*shape) for shape in _shapes(content["schema"])]
    parts.append("<h3>Answers</h3><dl>")
    for status, answer in operation["responses"].items():
        parts.append(f"<dt>{escape(status)}</dt><dd>{escape(answer['description'])}</dd>")
    return "".join([*parts, "</dl></section>"])


def _shapes(schema: Node) -> Iterator[tuple[str, Node, list[str]]]:
    """The objects that a schema stands for, each once: title, fields, those required."""
    found: dict[str, tuple[str, Node, list[str]]] = {}
    waiting = [schema]
    while waiting:
        one = waiting.pop(0)
        waiting += [*one.get("anyOf", ()), *([one["items"]] if "items" in one else ())]
        if "properties" in one:
            title = one.get("title", "Object")
            found.setdefault(title, (title, one["properties"], one.get("required", [])))
            waiting += one["properties"].values()
    yield from found.values()


def _table(title: str, fields: Node, required: list[str]) -> str:
    rows = "".join(
        f"<tr><th scope='row'><code>{escape(name)}</code></th><td>{escape(_kind(schema))}"
        f"{', required' if name in required else ''}</td><td>{escape(schema.get('description', ''))}</td></tr>"
        for name, schema in fields.items()
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{rows}</tbody></table>"


def _kind(schema: Node) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    kind = schema.get("type", "")
    return f"list of {schema['items'].get('title', 'objects')}" if kind == "array" else str(kind)
