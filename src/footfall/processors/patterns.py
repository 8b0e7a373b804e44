"""Turns a pattern file (YAML) into a ``PatternSet``, or into a message that names the place to correct.

The file is walked as YAML nodes, not as loaded values: each message has its line, a key given twice is seen,
and words that YAML 1.1 takes for true or false (``on``, ``no``) stay words. No tag of the file is ever executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final, NoReturn

import yaml

from footfall.core.errors import UsageError
from footfall.processors.pattern_model import (
    ANY_GENDER,
    INIT,
    MAX_STATES,
    OFFER,
    Audience,
    Pattern,
    PatternSet,
    PatternState,
    Transition,
)

__all__ = ["PatternFile", "PatternSet", "builtin_patterns", "load_patterns", "parse_patterns"]

DIFFERENT: Final = "different-from-first"
GENDERS: Final = ("M", "F", "U", ANY_GENDER)
UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
LONGEST: Final = timedelta(days=7)
OLDEST: Final = 150
MAX_BYTES: Final = 256 * 1024
MAX_PATTERNS: Final = 64
MAX_NAMES: Final = 100
REMEDY: Final = "Correct the file and save it again."
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_SPAN: Final = re.compile(r"(\d{1,6}) *(second|minute|hour|day)s?")


def builtin_patterns() -> PatternSet:
    """The pattern that Footfall comes with."""
    text = files(__package__).joinpath("offers.yaml").read_text(encoding="utf-8")
    return parse_patterns(text, source="offers.yaml")


def load_patterns(path: str | Path) -> PatternSet:
    """The patterns in a file; ``UsageError`` if it cannot be read or used."""
    return _decode(_read(Path(path)), source=str(path))


def parse_patterns(text: str, *, source: str = "pattern file") -> PatternSet:
    """The patterns in a text; ``source`` stands for the file in messages."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}, line {mark.line + 1}" if mark else source
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "a character is not allowed"
        raise UsageError(f"{where}: not YAML: {problem}.", remedy=REMEDY) from error
    except RecursionError as error:
        raise UsageError(f"{source}: not a pattern file: nested too deeply.", remedy=REMEDY) from error
    return _Reader(source).pattern_set(root)


class PatternFile:
    """A pattern file that may change while it is in use.

    ``current`` is the last usable content. ``error`` says why the file as it is now cannot be used, else None.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.error: str | None = None
        self._seen = self._stamp()
        self._content = _read(self.path)
        self.current = _decode(self._content, source=str(path))

    def poll(self) -> bool:
        """Look whether the file changed; True if ``current`` did. Costs one ``stat`` when it did not."""
        stamp = self._stamp()
        if stamp == self._seen and stamp is not None:
            return False
        try:
            content = _read(self.path)
            self._seen = stamp
            if content == self._content and self.error is None:
                return False
            self._content = content
            patterns = _decode(content, source=str(self.path))
        except UsageError as error:
            self.error = str(error)
            return False
        self.error = None
        changed = patterns.version != self.current.version
        self.current = patterns
        return changed

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        why = error.strerror or str(error)
        problem = f"{path}: the pattern file cannot be read: {why}."
        raise UsageError(problem, remedy="Check its path and rights.") from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES // 1024} KiB, so not a pattern file.", remedy=REMEDY)
    return content


def _decode(content: bytes, *, source: str) -> PatternSet:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{source}, line {line}: not UTF-8 text.", remedy=REMEDY) from error
    return parse_patterns(text, source=source)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads nodes; each method takes a node and the path of fields that leads to it."""

    source: str

    def fail(self, node: yaml.Node | None, at: str, problem: str) -> NoReturn:
        line = f", line {node.start_mark.line + 1}" if node is not None else ""
        raise UsageError(f"{self.source}{line}: {at}: {problem}.", remedy=REMEDY)

    # -- the parts of YAML -------------------------------------------------------------------------

    def pairs(self, node: yaml.Node, at: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, at, "must be fields, as in `name: value`")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.text(key, at)
            if name in found:
                self.fail(key, f"{at}.{name}", "given twice")
            found[name] = value
        return found

    def fields(
        self, node: yaml.Node, at: str, *, needs: Iterable[str], may: Iterable[str] = ()
    ) -> dict[str, yaml.Node]:
        found = self.pairs(node, at)
        allowed = [*needs, *may]
        for name, value in found.items():
            if name not in allowed:
                self.fail(value, f"{at}.{name}", f"there is no such field; allowed are {', '.join(allowed)}")
        for name in needs:
            if name not in found:
                self.fail(node, f"{at}.{name}", "is missing")
        return found

    def items(self, node: yaml.Node, at: str) -> list[tuple[yaml.Node, str]]:
        if not isinstance(node, yaml.SequenceNode):
            self.fail(node, at, "must be a list")
        if not node.value:
            self.fail(node, at, "must not be empty")
        return [(item, f"{at}[{i}]") for i, item in enumerate(node.value)]

    def text(self, node: yaml.Node, at: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.fail(node, at, "must be a text")
        return str(node.value)

    def name(self, node: yaml.Node, at: str) -> str:
        name = self.text(node, at)
        if not _NAME.fullmatch(name):
            rule = "must begin with a letter and hold at most 64 letters, digits, `-`, `_` or `.`"
            self.fail(node, at, f"`{name}` {rule}")
        return name

    def texts(self, node: yaml.Node, at: str) -> tuple[str, ...]:
        if isinstance(node, yaml.ScalarNode):
            return (self.text(node, at),)
        return tuple(self.text(item, place) for item, place in self.items(node, at))

    # -- the parts of a pattern --------------------------------------------------------------------

    def pattern_set(self, root: yaml.Node | None) -> PatternSet:
        if root is None:
            self.fail(None, "patterns", "the file is empty; it must list at least one pattern")
        nodes = self.items(self.fields(root, "file", needs=["patterns"])["patterns"], "patterns")
        if len(nodes) > MAX_PATTERNS:
            self.fail(root, "patterns", f"at most {MAX_PATTERNS} are allowed")
        patterns: dict[str, Pattern] = {}
        for node, at in nodes:
            pattern = self.pattern(node, at)
            if pattern.name in patterns:
                self.fail(node, f"{at}.name", f"another pattern is named `{pattern.name}` already")
            patterns[pattern.name] = pattern
        return PatternSet(tuple(patterns.values()))

    def pattern(self, node: yaml.Node, at: str) -> Pattern:
        found = self.fields(node, at, needs=["name", "within", "audience", "states"], may=["ignore_refresh"])
        refresh = found.get("ignore_refresh")
        pattern = Pattern(
            name=self.name(found["name"], f"{at}.name"),
            within=self.span(found["within"], f"{at}.within"),
            audience=tuple(self.audience(n, p) for n, p in self.items(found["audience"], f"{at}.audience")),
            ignore_refresh=refresh is None or self.yes(refresh, f"{at}.ignore_refresh"),
            states=self.states(found["states"], f"{at}.states"),
        )
        if max(len(pattern.categories), len(pattern.products)) > MAX_NAMES:
            self.fail(node, at, f"names more than {MAX_NAMES} categories or products")
        return pattern

    def span(self, node: yaml.Node, at: str) -> timedelta:
        text = self.text(node, at)
        match = _SPAN.fullmatch(text.strip())
        span = timedelta(seconds=int(match[1]) * UNITS[match[2]]) if match else timedelta(0)
        if not timedelta(0) < span <= LONGEST:
            rule = "must be a time as `30 minutes` (seconds, minutes, hours or days; at most 7 days)"
            self.fail(node, at, f"`{text}` {rule}")
        return span

    def yes(self, node: yaml.Node, at: str) -> bool:
        text = self.text(node, at)
        if text not in ("true", "false"):
            self.fail(node, at, f"`{text}` must be true or false")
        return text == "true"

    def audience(self, node: yaml.Node, at: str) -> Audience:
        found = self.fields(node, at, needs=["gender", "age", "offer"])
        gender = self.text(found["gender"], f"{at}.gender")
        if gender not in GENDERS:
            self.fail(found["gender"], f"{at}.gender", f"`{gender}` must be one of {', '.join(GENDERS)}")
        ages = [self.age(n, p) for n, p in self.items(found["age"], f"{at}.age")]
        if len(ages) != 2 or ages[0] > ages[1]:
            self.fail(found["age"], f"{at}.age", "must be the youngest and the oldest age, as `[35, 45]`")
        offer = self.name(found["offer"], f"{at}.offer")
        return Audience(gender=gender, youngest=ages[0], oldest=ages[1], offer=offer)

    def age(self, node: yaml.Node, at: str) -> int:
        text = self.text(node, at)
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= OLDEST):
            self.fail(node, at, f"`{text}` must be a whole number of years from 0 to {OLDEST}")
        return int(text)

    def states(self, node: yaml.Node, at: str) -> tuple[PatternState, ...]:
        found = self.pairs(node, at)
        if len(found) > MAX_STATES:
            self.fail(node, at, f"{len(found)} states; at most {MAX_STATES} are allowed")
        if next(iter(found), None) != INIT:
            self.fail(node, at, f"the first state must be `{INIT}`")
        if OFFER in found:
            self.fail(found[OFFER], f"{at}.{OFFER}", "no state may have this name: it is where a pattern ends")
        targets = [*(name for name in found if name != INIT), OFFER]
        states = tuple(self.state(name, value, f"{at}.{name}", targets=targets) for name, value in found.items())
        entered = {transition.to for state in states for transition in state.transitions}
        for target in targets:
            if target not in entered:
                self.fail(found.get(target, node), at, f"no transition leads to `{target}`")
        return states

    def state(self, name: str, node: yaml.Node, at: str, *, targets: list[str]) -> PatternState:
        _ = self.name(yaml.ScalarNode("", name, node.start_mark), at)
        transitions = [self.transition(n, p, targets=targets) for n, p in self.items(node, at)]
        if name == INIT and any(t.different for t in transitions):
            self.fail(node, at, f"`product: {DIFFERENT}` means nothing here: the attempt has no first click yet")
        return PatternState(name=name, transitions=tuple(transitions))

    def transition(self, node: yaml.Node, at: str, *, targets: list[str]) -> Transition:
        found = self.fields(node, at, needs=["on", "to"], may=["product"])
        on = self.fields(found["on"], f"{at}.on", needs=[], may=["category", "productId"])
        if not on:
            self.fail(found["on"], f"{at}.on", "must name a category, a productId or both")
        product = found.get("product")
        if product is not None and self.text(product, f"{at}.product") != DIFFERENT:
            rule = f"may only be `{DIFFERENT}`; products are named as `on: {{productId: …}}`"
            self.fail(product, f"{at}.product", rule)
        to = self.text(found["to"], f"{at}.to")
        if to not in targets:
            self.fail(found["to"], f"{at}.to", f"`{to}` must be one of {', '.join(targets)}")
        return Transition(
            categories=self.texts(on["category"], f"{at}.on.category") if "category" in on else (),
            products=self.texts(on["productId"], f"{at}.on.productId") if "productId" in on else (),
            different=product is not None,
            to=to,
        )
