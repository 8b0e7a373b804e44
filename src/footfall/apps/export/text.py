"""Turns documents into YAML: the same text for the same settings, with a head that says what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    """No anchors, lists set in, and long texts as they are."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else '"' if value.startswith("127.") or "${" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Plain.add_representer(str, _text)


def as_yaml(document: Mapping[str, Any]) -> str:
    """One document."""
    text: str = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=10_000)
    return text


def as_page(head: Sequence[str], documents: Iterable[Mapping[str, Any]]) -> str:
    """Several documents below a head of comments."""
    comments = "".join(f"# {line}".rstrip() + "\n" for line in head)
    return comments + "\n" + "---\n".join(as_yaml(one) for one in documents)
