"""How one row names another: by the key of its table (a person, a visit), or by a map and its key (an event)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from omopify import cdm
from omopify.compiler.domains import event_tables
from omopify.compiler.expressions import KEY, Over
from omopify.compiler.fields import Columns
from omopify.compiler.plan import Finding, Item, RowLink
from omopify.compiler.typed import Typed, as_text, literal, quoted
from omopify.errors import Location, did_you_mean
from omopify.specs.maps import Reference, RowReference

REFERENCED = {
    "person": "person",
    "visit": "visit_occurrence",
    "provider": "provider",
    "care_site": "care_site",
    "location": "location",
    "cohort": "cohort_definition",
}
"""Words that name a row of another table by its natural key."""

REFERENCED_TABLES = tuple(REFERENCED.values())
"""Tables whose rows are known by their natural key alone, whatever map writes them."""

ROW_LINKS = ("event", "parent", "episode", "fact_1", "fact_2")
"""Words that name a row of another map by that map and its key."""

_POINTED_TO: Mapping[str, Callable[[cdm.Table], bool]] = {
    "event": lambda table: table.event_field_concept_id is not None,
    "parent": lambda table: table.name == "episode",
    "episode": lambda table: table.name == "episode",
    "fact_1": lambda table: table.domain_concept_id is not None,
    "fact_2": lambda table: table.domain_concept_id is not None,
}
_POINTED_TO_WORDS = {
    "event": "events",
    "parent": "episodes",
    "episode": "episodes",
    "fact_1": "events",
    "fact_2": "events",
}

KNOWN_BY = "known_by"
"""The column of a step table with the hash of the other key by which its rows are known."""

_KEY_SEPARATOR = "chr(31)"
"""Staging removes this character from all cells, so two different keys never give one text."""


@dataclass(kw_only=True)
class Pointing:
    """A kind of row that a map writes, with the rows that it points to."""

    columns: Columns
    prefix: str = ""
    steps: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    """Word -> SQL over the step table."""
    joins: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    reference_keys: list[tuple[str, int, Location]] = field(default_factory=list)
    links: list[RowLink] = field(default_factory=list)
    tables: list[cdm.Table] = field(default_factory=list)
    """The tables that the rows may go to."""

    def name(self, word: str) -> str:
        """Return what a word's column in the step table is called."""
        return f"{self.prefix}{word}"

    def refer(self, word: str, table: str, reference: Reference) -> None:
        """Name a row of a table by its natural key."""
        key = self._reference_key(reference.key, *self.steps, word)
        if key is None:
            return
        self.reference_keys.append((f"cdm.{table}", len(reference.key), self.columns.spec.at(*self.steps, word)))
        hashed, alias = self.name(f"{word}.hash"), self.name(f"{word} ref")
        self.columns.raw.append(Item(f"o_id({key})", hashed))
        self.columns.typed.append(Item(quoted(hashed), hashed))
        name = self.name(word)
        on = f"{quoted(alias)}.hash = typed.{quoted(hashed)}"
        self.joins.append(f"LEFT JOIN work.{quoted(f'ids of {table}')} AS {quoted(alias)} ON {on}")
        self.items.append(Item(f"{quoted(alias)}.id", name))
        self.words[word] = quoted(name)
        must = reference.missing == "reject" or (reference.missing is None and word in ("person", "cohort"))
        self._must_be_there(word, hashed, name, must)

    def _must_be_there(self, word: str, hashed: str, name: str, must: bool) -> None:
        missing = Finding(word, "missing", f"{quoted(hashed)} IS NULL")
        lost = Finding(word, "not found", f"{quoted(hashed)} IS NOT NULL AND {quoted(name)} IS NULL")
        if must:
            self.columns.rejects += [missing, lost]
        else:
            self.columns.issues.append(lost)

    def link(self, word: str, link: RowReference) -> None:
        """Point to a row that another map has written; how its key is hashed depends on the table it goes to."""
        spec, problems = self.columns.spec, self.columns.context.problems
        writers = {loaded.spec.map: loaded.spec for loaded in self.columns.context.pack.maps}
        writer = writers.get(link.map)
        if writer is None or writer.to.startswith("dsp."):
            hint = did_you_mean(link.map, [name for name, other in writers.items() if not other.to.startswith("dsp.")])
            problems.add("OM337", f"no map '{link.map}' writes rows of OMOP", spec.at(word, "map"), hint)
            return
        if link.map == spec.map:
            hint = "write the rows that others point to in a map of their own"
            problems.add("OM317", f"the map '{link.map}' points to rows of its own", spec.at(word, "map"), hint)
            return
        kinds = [table for name in event_tables(writer.to, writer.otherwise) if (table := cdm.tables().get(name))]
        if not any(_POINTED_TO[word](table) for table in kinds):
            hint = f"'{word}' points to {_POINTED_TO_WORDS[word]}"
            problems.add("OM337", f"'{word}' cannot point to rows of '{writer.to}'", spec.at(word, "map"), hint)
            return
        key = self._reference_key(link.key, word, "key")
        if key is None:
            return
        self.links.append(RowLink(link.map, len(link.key), spec.at(word, "key")))
        prefix = "" if writer.to in REFERENCED_TABLES else f"{literal(link.map)} || {_KEY_SEPARATOR} || "
        hashed, alias = f"{word}.hash", f"{word} row"
        self.columns.raw.append(Item(f"o_id({prefix}{key})", hashed))
        self.columns.typed.append(Item(quoted(hashed), hashed))
        on = f"{quoted(alias)}.hash = typed.{quoted(hashed)}"
        self.joins.append(f"LEFT JOIN work.{quoted(f'{link.map} parents')} AS {quoted(alias)} ON {on}")
        for part, column in (("", "id"), (".field", "field_concept_id"), (".domain", "domain_concept_id")):
            if all(f"{word}{part}" in cdm.words(table.name) for table in self.tables):
                self.items.append(Item(f"{quoted(alias)}.{column}", f"{word}{part}"))
                self.words[f"{word}{part}"] = quoted(f"{word}{part}")
        needed = {cdm.words(table.name).get(word): table for table in self.tables}
        must = any(column and table.field(column).required for column, table in needed.items())
        self._must_be_there(word, hashed, word, link.missing == "reject" or (link.missing is None and must))

    def _reference_key(self, texts: tuple[str, ...], *steps: str) -> str | None:
        """Return the SQL text of a reference's key; a map with groups may only use what a group agrees in."""
        if self.columns.spec.group and None in [
            self.columns.expression(text, *steps, *self._place(texts, n, *steps)) for n, text in enumerate(texts)
        ]:
            return None
        return self.key(texts, *steps)

    def _place(self, texts: tuple[str, ...], number: int, *steps: str) -> tuple[int, ...]:
        short = len(texts) == 1 and not isinstance(self.columns.spec.at(*steps), list)
        return () if short else (number,)

    def key(self, texts: tuple[str, ...], *steps: str) -> str | None:
        """Return the SQL text of a natural key; NULL when one of its parts is missing.

        A key may not hold aggregates: it would change, and with it the ids, whenever a row is added.
        """
        over, self.columns.over = self.columns.over, Over("", kind=KEY)
        try:
            return self._key(texts, *steps)
        finally:
            self.columns.over = over

    def _key(self, texts: tuple[str, ...], *steps: str) -> str | None:
        parts = []
        for number, text in enumerate(texts):
            found = self.columns.expression(text, *steps, *self._place(texts, number, *steps))
            if found is None:
                return None
            parts.append(as_text(Typed(found.sql, found.type)).sql)
        return f" || {_KEY_SEPARATOR} || ".join(parts)
