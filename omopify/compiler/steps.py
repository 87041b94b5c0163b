"""Put a map's parts together as the steps of one query, from the input to the status of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omopify.compiler.concepts import Concepts
from omopify.compiler.domains import table_of_domain
from omopify.compiler.events import Event
from omopify.compiler.fields import Columns
from omopify.compiler.names import Input
from omopify.compiler.plan import Assertion, Cte, Finding, Item, MapPlan, Output, Parent, Select, chunks
from omopify.compiler.references import KNOWN_BY, REFERENCED_TABLES
from omopify.compiler.shape import Shape
from omopify.compiler.typed import BOOLEAN, Typed, literal, quoted

_ROW = ("_file", "_row", "_of", "_n", "_left_out", "_key")
_USABLE = "(_left_out IS NULL AND _reject = 0)"


@dataclass(frozen=True, slots=True)
class Kept:
    """What ``keep:`` comes to: the rank of a row, how many are kept, and where the others differ."""

    rank: str
    first: int
    differs: tuple[tuple[str, str], ...]
    """(what is compared, SQL that is true on a difference)"""


@dataclass
class Parts:
    """Everything of one map that has been compiled."""

    columns: Columns
    input: Input
    shape: Shape
    filters: list[tuple[str, str]]
    key: str
    kept: Kept | None
    concepts: Concepts
    events: list[Event]
    outputs: list[Output]
    parents: list[Parent]
    extra_columns: list[tuple[str, str]]
    key_parts: int
    named: bool

    def plan(self) -> MapPlan:
        """Return the plan of the map."""
        spec = self.columns.spec
        ctes, assertions, conflicts = self.input.ctes()
        conflicts = [*conflicts, *self.shape.conflicts]
        for _, column, _, _ in conflicts:
            self.columns.carry(column, Typed(quoted(column), BOOLEAN))
        required = [alias for alias, (_, join) in self.input.joins.items() if join.required]
        for alias in required:
            self.columns.carry(f"{alias} missing", Typed(quoted(f"{alias} missing"), BOOLEAN))
        before = [*ctes, *self.shape.ctes, *self._filtered(), *self._converted()]
        rejects, issues = self._findings(required, conflicts)
        imputed = [Finding(f.field, f.reason, f"_left_out IS NULL AND {f.condition}") for f in self.columns.imputations]
        reads = [r.name for r in self.input.relations if r.name != spec.sql] + list(spec.reads)
        reads += [relation.name for relation, _ in self.input.joins.values()]
        return MapPlan(
            name=spec.map,
            at=spec.at("map"),
            reads=tuple(dict.fromkeys(reads)),
            before=tuple(before),
            after=tuple(self._after(rejects, issues, imputed)),
            lookups=tuple(self.concepts.lookups),
            rejects=tuple(rejects),
            issues=tuple(issues),
            imputations=tuple(imputed),
            unmapped=tuple(self.columns.unmapped),
            outputs=tuple(self.outputs),
            parents=tuple(self.parents),
            assertions=(*assertions, *self._assertions()),
            constants=tuple(self.concepts.constants),
            filters=tuple(dict.fromkeys([name for name, _ in self.filters] + (["keep"] if self.kept else []))),
            columns=tuple(sorted({*self._used_columns(), *self.extra_columns})),
            kept=self._step_columns(issues, imputed),
            key_parts=self.key_parts + len(self.shape.keys),
            reference_keys=tuple(found for event in self.events for found in event.reference_keys),
            links=tuple(link for event in self.events for link in event.links),
            named=self.named,
            known_by_parts=len(spec.known_by),
        )

    def _filtered(self) -> list[Cte]:
        number = () if self.shape.ctes else (Item("1", "_n"),)
        branches = "".join(
            f"\n            WHEN NOT coalesce({sql}, FALSE) THEN {literal(name)}" for name, sql in self.filters
        )
        left_out = f"CASE{branches}\n        END" if branches else "CAST(NULL AS varchar)"
        source = self.shape.name
        items = (*number, Item(left_out, "_filter" if self.kept else "_left_out"))
        ctes = [Cte("filtered", "which rows are left out, and why", (Select(items, source, source),))]
        if self.kept:
            ranks = [Item(self.kept.rank, "_rank")]
            ranks += [Item(sql, f"_differs{n}") for n, (_, sql) in enumerate(self.kept.differs, 1)]
            ctes.append(
                Cte("ranked", "the order in which rows are kept", (Select(tuple(ranks), "filtered", "filtered"),))
            )
            kept = Item(f"coalesce(_filter, CASE WHEN _rank > {self.kept.first} THEN 'keep' END)", "_left_out")
            ctes.append(Cte("kept", "which rows are kept", (Select((kept,), "ranked", "ranked"),)))
        return ctes

    def _converted(self) -> list[Cte]:
        columns, kept = self.columns, self.kept
        differs = [f"_differs{n}" for n in range(1, len(kept.differs) + 1)] if kept else []
        raw = [Item(name, name) for name in (*_ROW[:-1], *differs)]
        raw.append(Item(self.key, "_key"))
        source = "kept" if kept else "filtered"
        ctes = [Cte("raw", "the expressions of the map", (Select(_unique([*raw, *columns.raw]), source),))]
        typed = [Item(name, name) for name in (*_ROW, *differs)] + columns.typed
        last = "converted" if columns.imputed else "typed"
        ctes.append(Cte(last, "read as the types that the target asks for", (Select(_unique(typed), "raw"),)))
        if columns.imputed:
            filled = Select(tuple(columns.imputed), last, last)
            ctes.append(Cte("typed", "partial dates filled in", (filled,)))
        return ctes

    def _findings(
        self, required: list[str], conflicts: list[tuple[str, str, str, str]]
    ) -> tuple[list[Finding], list[Finding]]:
        rejects = [Finding(f"join {alias}", "no match", quoted(f"{alias} missing")) for alias in required]
        rejects.append(Finding("key", "missing", "_key IS NULL"))
        issues = []
        if self.kept:
            for n, (what, _) in enumerate(self.kept.differs, 1):
                condition = f"_left_out = 'keep' AND _differs{n}"
                issues.append(Finding(f"keep {what}", "differs from the row that is kept", condition))
        found = list(self.columns.issues)
        for name, column, rule, reason in conflicts:
            (rejects if rule == "reject" else found).append(Finding(name, reason, quoted(column)))
        rejects += self.columns.rejects
        if self.columns.spec.on_unmapped == "reject" and self._has_concept:
            rejects.append(Finding("concept", "unmapped", "coalesce(concept, 0) = 0"))
        issues += [Finding(f.field, f.reason, f"_left_out IS NULL AND {f.condition}") for f in found]
        return rejects, issues

    @property
    def _has_concept(self) -> bool:
        return any(not event.prefix and "concept" in event.words for event in self.events)

    def _after(self, rejects: list[Finding], issues: list[Finding], imputed: list[Finding]) -> list[Cte]:
        spec = self.columns.spec
        items = [item for event in self.events for item in event.items] + self.concepts.items
        joins = [join for event in self.events for join in event.joins] + self.concepts.joins
        if not any(item.alias == "_target" for item in items):
            items.append(Item("1", "_target"))
        resolved = Select(_unique(items), "typed", "typed", tuple(joins))
        ctes = [Cte("resolved", "references and concepts", (resolved,))]
        verdict = "".join(f"\n            WHEN {f.condition} THEN {n}" for n, f in enumerate(rejects, 1))
        own_name = spec.to.startswith("dsp.") or spec.to in REFERENCED_TABLES
        prefix = "" if own_name else f"{literal(spec.map)} || chr(31) || "
        judged = [
            Item(
                f"CASE\n            WHEN _left_out IS NOT NULL THEN 0{verdict}\n            ELSE 0\n        END",
                "_reject",
            ),
            *(Item(_bits(chunk), name) for name, chunk in chunks("_issues", issues)),
            *(Item(_bits(chunk), name) for name, chunk in chunks("_imputed", imputed)),
            Item(f"o_id({prefix}_key)", "_hash"),
        ]
        source = "resolved"
        if spec.to == "by_domain":
            table = Item(table_of_domain(quoted("concept.domain"), spec.otherwise), "_table")
            ctes.append(Cte("routed", "the domain decides the table", (Select((table,), source, source),)))
            source = "routed"
        if not spec.group:
            judged.append(Item("row_number() OVER ()", "_id", "only tells rows apart"))
        verdicts = Select(tuple(judged), source, source)
        ctes.append(Cte("judged", "what is wrong with each row", (verdicts,), materialized=not spec.group))
        return ctes + (self._grouped() if spec.group else self._deduplicated())

    def _grouped(self) -> list[Cte]:
        status = "CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected' ELSE 'used' END"
        first = f"row_number() OVER (PARTITION BY _hash, _target, {_USABLE} ORDER BY _file, _row, _n) = 1"
        items = (Item(status, "_status"), Item(first, "_first"), self._id_hash())
        return [
            Cte(
                "final", "the status of each row; the first of a group is written", (Select(items, "judged", "judged"),)
            )
        ]

    def _deduplicated(self) -> list[Cte]:
        """Rows with the same key: the first is used, the others are duplicates of it or contradict it.

        They are few, so they are found by counting first: windows over all rows cost four times as much.
        """
        names = [i.alias for i in (*self.columns.typed, *self.columns.imputed)]
        names = [name for name in names if not name.endswith((".raw", ".full")) and name != KNOWN_BY]
        content = "\n            || chr(31) || ".join(
            f"coalesce(CAST({quoted(name)} AS varchar), '')" for name in dict.fromkeys(names)
        )
        keys = (Item("_hash", "_hash"), Item("_target", "_target"))
        twice = f"judged\n    WHERE {_USABLE}\n    GROUP BY _hash, _target\n    HAVING count(*) > 1"
        these = f"judged\n    WHERE {_USABLE} AND _hash IN (SELECT repeated._hash FROM repeated)"
        row = [Item(name, name) for name in ("_id", "_hash", "_target", "_file", "_row", "_n")]
        window = "(PARTITION BY _hash, _target ORDER BY _file, _row, _n, _id)"
        ranks = (
            Item("_id", "_id"),
            Item(f"row_number() OVER {window}", "_nth"),
            Item(f"_content = first_value(_content) OVER {window}", "_same"),
        )
        status = (
            "CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected'\n"
            "            WHEN coalesce(twins._nth, 1) = 1 THEN 'used' WHEN twins._same THEN 'deduplicated'\n"
            "            ELSE 'rejected' END"
        )
        final = (Item(status, "_status"), Item("TRUE", "_first"), self._id_hash())
        join = "LEFT JOIN twins ON twins._id = judged._id"
        return [
            Cte("repeated", "keys that stand there several times", (Select(keys, twice),)),
            Cte("alike", "their rows", (Select((*row, Item(content or "''", "_content")), these),)),
            Cte("twins", "the first is used; is another the same?", (Select(ranks, "alike"),)),
            Cte("final", "the status of each row", (Select(final, "judged", "judged", (join,)),)),
        ]

    def _id_hash(self) -> Item:
        if not self._has_concept:
            return Item("_hash", "_id_hash")
        several = "o_id(CAST(_hash AS varchar) || chr(31) || CAST(_target AS varchar))"
        return Item(f"CASE WHEN _target = 1 THEN _hash ELSE {several} END", "_id_hash")

    def _assertions(self) -> list[Assertion]:
        spec = self.columns.spec
        rows = f"SELECT count(*) FROM work.{quoted(spec.map)} WHERE _status = 'used' AND "
        found = []
        hint = "cut them by decision: 'too_long: truncate'"
        for name, condition, at in self.columns.too_long:
            message = f"{{n}} values of '{name}' are longer than their CDM column"
            found.append(Assertion("OM502", message, hint, rows + condition, at))
        if spec.on_unmapped == "error" and self._has_concept:
            message = "{n} rows have no concept, and 'on_unmapped: error' is set"
            hint, query = "map them, or choose zero or reject", f"{rows}coalesce(concept, 0) = 0"
            found.append(Assertion("OM503", message, hint, query, spec.at("on_unmapped")))
        if spec.to in REFERENCED_TABLES:
            message = f"{{n}} rows have a key that another map has written to '{spec.to}' before"
            hint = "one table has one row for a key: keep one of the maps, or part them by a filter"
            known = f"_hash IN (SELECT hash FROM work.{quoted(f'ids of {spec.to}')})"
            found.append(Assertion("OM504", message, hint, f"{rows}_first AND {known}", spec.at("key")))
        if spec.known_by:
            message = "{n} keys under 'known_by' stand for several rows"
            hint = "the key under 'known_by' must lead to one row"
            step = quoted(spec.map)
            # The rows' own keys are names, too: one that is another row's would lead to either of the two.
            names = (
                f"SELECT {KNOWN_BY} AS name, _hash FROM work.{step} WHERE _status <> 'rejected' "
                f"UNION SELECT _hash, _hash FROM work.{step} WHERE _status = 'used'"
            )
            several = (
                f"SELECT count(*) FROM (SELECT name FROM ({names}) AS named WHERE name IS NOT NULL "
                "GROUP BY name HAVING count(DISTINCT _hash) > 1) AS ambiguous"
            )
            found.append(Assertion("OM505", message, hint, several, spec.at("known_by")))
        return found

    def _step_columns(self, issues: list[Finding], imputed: list[Finding]) -> tuple[str, ...]:
        shown = {unmapped.value for unmapped in self.columns.unmapped}
        own = [item.alias for item in (*self.columns.typed, *self.columns.imputed)]
        own = [n for n in own if not n.endswith((".full", ".hash", ".raw", ".said")) or quoted(n) in shown]
        own += [lookup.column for lookup in self.concepts.lookups]
        found = [item.alias for event in self.events for item in event.items]
        found += [item.alias for item in self.concepts.items]
        table = ["_table"] if self.columns.spec.to == "by_domain" else []
        fixed = [*_ROW, "_hash", "_id_hash", "_target", "_first", "_status", "_reject", *table]
        fixed += [name for name, _ in (*chunks("_issues", issues), *chunks("_imputed", imputed))]
        return tuple(dict.fromkeys([*fixed, *own, *found]))

    def _used_columns(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        names = self.input.names.used
        for relation in self.input.relations:
            renames = self.input.renames.get(relation.name, {})
            for name in names:
                column = renames.get(name, name)
                if column in relation.columns or not relation.known:
                    found.append((relation.name, column))
                    found += [(relation.name, version) for version in relation.versions.get(column, ())]
        for alias, (relation, _) in self.input.joins.items():
            found += [(relation.name, n.partition(".")[2]) for n in names if n.startswith(f"{alias}.")]
        return [*found, *self.input.join_columns]


def _bits(findings: Sequence[Finding]) -> str:
    terms = [f"CASE WHEN {f.condition} THEN {1 << n} ELSE 0 END" for n, f in enumerate(findings)]
    return "\n            + ".join(terms) or "0"


def _unique(items: list[Item]) -> tuple[Item, ...]:
    return tuple({item.alias: item for item in items}.values())
