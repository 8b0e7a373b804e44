"""Turns enriched clicks into special offers: watches each visitor's clicks for the patterns of a pattern file."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from footfall.core import hashing
from footfall.core.codes import Codes, Dictionary, coded
from footfall.core.events import MATCHED, OFFER_SCHEMA, OFFERS, PAGE, TIME, Batch
from footfall.processors.base import Change, Codebook, Flags, Frame, Output, Partial, State
from footfall.processors.pattern_clicks import Clicks, Hit, Moves
from footfall.processors.pattern_machine import Machine
from footfall.processors.pattern_model import Pattern, PatternSet
from footfall.processors.pattern_state import ATTEMPTS, restore, saved_batch
from footfall.processors.pattern_table import AGES, DONE, TARGET

LINES: Final = 100
"""How many log lines are kept."""
SLACK: Final = 10_000
"""Rows that the saved state may hold beyond twice the running attempts before it is written anew."""
LOG_SCHEMA: Final = pa.schema([pa.field("timestamp", pa.int64()), pa.field("line", pa.string())])
COUNT_SCHEMA: Final = pa.schema([pa.field("name", pa.string()), pa.field("count", pa.int64())])


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Makes offers to visitors whose clicks match a pattern."""

    patterns: PatternSet

    @property
    def name(self) -> str:
        """As all processors."""
        return "behaviour"

    def start(self, *, book: Codebook, state: State) -> Detector:
        """The running detector; attempts at patterns that have changed since are not taken up."""
        detector = Detector(self.patterns, book=book)
        detector.restore(state)
        return detector


class _Place(NamedTuple):
    """A click at which something happened, as it sorts: by row, then by pattern."""

    row: int
    machine: int


class Detector:
    """Behaviour detection at work on one partition."""

    def __init__(self, patterns: PatternSet, *, book: Codebook) -> None:
        self.offers: Counter[str] = Counter()
        """How often each offer was made so far."""
        self._book = book
        self._categories = Dictionary()
        self._patterns = patterns
        self._machines = [self._machine(pattern) for pattern in patterns]
        self._lines: deque[tuple[int, str]] = deque(maxlen=LINES)
        self._unsaved: deque[tuple[int, str]] = deque(maxlen=LINES)
        self._rows = {"attempts": 0, "state_logs": 0}  # what the saved tables hold
        self._rewrite = False
        self._counted = False

    @property
    def patterns(self) -> PatternSet:
        """The patterns in use."""
        return self._patterns

    def use(self, patterns: PatternSet) -> None:
        """Go on with these patterns; attempts at those that are the same as before go on too."""
        if patterns == self._patterns:
            return
        before = {machine.pattern.definition: machine for machine in self._machines}
        self._machines = [before.get(p.definition) or self._machine(p) for p in patterns]
        self._patterns = patterns
        self._rewrite = True

    def process(self, frame: Frame) -> Sequence[Output]:
        """Offers for the patterns that these clicks complete, in the order of the completing clicks."""
        if not len(frame):
            return []
        categories, texts = frame.coded("category")
        moves = self._advance(frame, categories, texts)
        for machine in self._machines:
            machine.sweep(frame.watermark)
        hits = sorted(((_Place(hit.row, m), hit) for m, move in enumerate(moves) for hit in move.hits), key=_place)
        offers = {place: self._machines[place.machine].pattern.audience[hit.audience].offer for place, hit in hits}
        for place, action in _latest(moves):
            line = self._line(frame, place, action, texts[categories[place.row]], offers)
            self._lines.append(line)
            self._unsaved.append(line)
        if not hits:
            return []
        self.offers.update(offers.values())
        self._counted = True
        return [Output(OFFERS, self._batch(frame, hits, list(offers.values())))]

    def changes(self) -> Sequence[Change]:
        """Attempts that began, went on or ended; counts and log lines when there are new ones."""
        changes = list(self._attempts())
        if self._counted:
            counts = {"name": list(self.offers), "count": list(self.offers.values())}
            changes.append(Change("counts", pa.RecordBatch.from_pydict(counts, schema=COUNT_SCHEMA), reset=True))
            self._counted = False
        if self._unsaved:
            reset = self._rows["state_logs"] + len(self._unsaved) > SLACK
            lines = self._lines if reset else self._unsaved
            changes.append(Change("state_logs", _log_batch(lines), reset=reset))
            self._rows["state_logs"] = len(lines) + (0 if reset else self._rows["state_logs"])
            self._unsaved.clear()
        return changes

    def partials(self) -> Sequence[Partial]:
        """The latest lines of the state machine's log, oldest first."""
        return [Partial("state_logs", _log_batch(self._lines))]

    def live(self) -> Flags:
        """Visitors with an attempt, here or in the saved state."""
        live = np.zeros(len(self._book.visitors), dtype=np.bool_)
        for machine in self._machines:
            size = min(len(live), len(machine.state))
            live[:size] |= machine.running()[:size] | machine.saved[:size]
        return live

    def restore(self, state: State) -> None:
        """Take up what ``changes`` gave."""
        attempts = state.get("attempts", ())
        own = sum(restore(m, attempts, book=self._book, categories=self._categories) for m in self._machines)
        self._rows["attempts"] = sum(batch.num_rows for batch in attempts)
        self._rewrite = own < self._rows["attempts"]
        for batch in state.get("counts", ())[-1:]:
            names, counts = batch.column("name").to_pylist(), batch.column("count").to_pylist()
            self.offers.update(dict(zip(names, counts, strict=True)))
        for batch in state.get("state_logs", ()):
            times = batch.column("timestamp").to_pylist()
            self._lines.extend(zip(times, batch.column("line").to_pylist(), strict=True))
            self._rows["state_logs"] += batch.num_rows

    # -- clicks ------------------------------------------------------------------------------------

    def _machine(self, pattern: Pattern) -> Machine:
        return Machine(pattern, products=self._book.products.add(pattern.products))

    def _advance(self, frame: Frame, categories: Codes, texts: Sequence[str | None]) -> list[Moves]:
        """Show the frame's clicks to each pattern's machine; ``categories`` are indices of ``texts``."""
        order = frame.by_visitor
        genders, people = _people(frame)
        people = people[order]
        visitors, products, times = frame.visitors, frame.products, frame.times
        own = self._categories.add(text or "" for text in texts)
        moves = []
        for machine in self._machines:
            machine.grow(visitors=len(self._book.visitors), products=len(self._book.products))
            audience = machine.table.people_of(genders)[people]
            chosen = np.flatnonzero(audience >= 0)
            if not len(chosen):
                moves.append(Moves())
                continue
            rows = order[chosen]
            classes = machine.classes(categories[rows], texts, products[rows])
            kept = machine.effective(visitors=visitors[rows], products=products[rows], classes=classes)
            rows = rows[kept]
            clicks = Clicks(
                rows=rows,
                visitors=visitors[rows],
                products=products[rows],
                times=times[rows],
                categories=own[categories[rows]],
                classes=classes[kept],
                audience=audience[chosen[kept]],
            )
            moves.append(machine.advance(clicks))
        return moves

    def _batch(self, frame: Frame, hits: Sequence[tuple[_Place, Hit]], offers: Sequence[str]) -> Batch:
        """The offers as a batch of the stream."""
        rows = np.array([place.row for place, _ in hits], dtype=np.int64)
        patterns = _coded([self._machines[place.machine].pattern.name for place, _ in hits])
        clicks = hashing.lanes_of(frame.batch.column("event_id"))[rows]
        columns = [
            pa.array(frame.times[rows]).cast(TIME),
            hashing.ids_of([hashing.column_hashes(patterns), clicks[:, 0], clicks[:, 1]]),
            _coded([self._book.visitors.text(code) for code in frame.visitors[rows].tolist()]),
            _coded(offers),
            patterns,
            pa.array([[self._matched(*click) for click in hit.matched] for _, hit in hits], type=MATCHED),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=OFFER_SCHEMA)

    def _matched(self, time: int, product: int, category: int) -> dict[str, int | str]:
        return {
            "timestamp": time,
            "productId": self._book.products.text(product),
            "category": self._categories.text(category),
        }

    def _line(
        self, frame: Frame, place: _Place, action: int, category: str | None, offers: dict[_Place, str]
    ) -> tuple[int, str]:
        """The time and the text of a line of the log."""
        time, user = int(frame.times[place.row]), self._book.visitors.text(frame.visitors[place.row])
        if action & DONE:
            return time, f"[User {user} triggered offer {offers[place]}]"
        state = self._machines[place.machine].pattern.states[action & TARGET].name
        product = self._book.products.text(frame.products[place.row])
        return time, f"[User {user} entered state {state}][Event: clicked {product}][Category: {category}]"

    # -- saved state -------------------------------------------------------------------------------

    def _attempts(self) -> Iterator[Change]:
        changed = []
        for machine in self._machines:
            touched = machine.touched()
            changed.append(touched[machine.running()[touched] | machine.saved[touched]])
        rows = self._rows["attempts"] + sum(map(len, changed))
        reset = self._rewrite
        if rows > SLACK and not reset:
            reset = rows > SLACK + 2 * sum(int(np.count_nonzero(m.state)) for m in self._machines)
        if reset:
            changed = [np.flatnonzero(m.state).astype(np.int32) for m in self._machines]
            rows = sum(map(len, changed))
            yield Change("attempts", pa.RecordBatch.from_pylist([], schema=ATTEMPTS), reset=True)
        for machine, visitors in zip(self._machines, changed, strict=True):
            if reset:
                machine.saved[:] = False
            if len(visitors):
                yield Change("attempts", saved_batch(machine, visitors, book=self._book, categories=self._categories))
                machine.saved[visitors] = machine.state[visitors] > 0
        self._rows["attempts"] = rows
        self._rewrite = False


def _people(frame: Frame) -> tuple[list[str | None], Codes]:
    """What ``Table.people_of`` is indexed by: the batch's genders, and an index a row.

    Bots, and pages that show no product, get one that no audience has.
    """
    gender, genders = frame.coded("gender")
    ages = frame.batch.column("age")
    age = (ages.fill_null(-1) if ages.null_count else ages).to_numpy(zero_copy_only=False)
    age = np.minimum(np.maximum(age, -1), AGES - 3)
    index = (gender + np.int32(1)) * np.int32(AGES) + age + np.int32(1)
    index[frame.flag("is_bot") | frame.is_type((PAGE,))] = AGES - 1
    return genders, index


def _latest(moves: Sequence[Moves]) -> list[tuple[_Place, int]]:
    """The latest moves, at most ``LINES``, in order: the lines of others would be gone at once."""
    latest = []
    for machine, found in enumerate(moves):
        if not found.rows:
            continue
        rows, actions = np.concatenate(found.rows), np.concatenate(found.actions)
        if len(rows) > LINES:
            last = np.argpartition(rows, -LINES)[-LINES:]
            rows, actions = rows[last], actions[last]
        pairs = zip(rows.tolist(), actions.tolist(), strict=True)
        latest += [(_Place(row, machine), action) for row, action in pairs]
    return sorted(latest)[-LINES:]


def _place(found: tuple[_Place, Hit]) -> _Place:
    return found[0]


def _coded(texts: Sequence[str]) -> pa.DictionaryArray:
    distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    return coded(np.fromiter((distinct[text] for text in texts), dtype=np.int32, count=len(texts)), list(distinct))


def _log_batch(lines: Sequence[tuple[int, str]]) -> Batch:
    return pa.RecordBatch.from_arrays(
        [
            pa.array([time for time, _ in lines], type=pa.int64()),
            pa.array([line for _, line in lines], type=pa.string()),
        ],
        schema=LOG_SCHEMA,
    )
