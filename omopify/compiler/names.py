"""What the expressions of a map may refer to, and the first step of its query: the input with its joins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from omopify.compiler.expressions import Names, compile_expression, split_order
from omopify.compiler.handwritten import handwritten
from omopify.compiler.plan import Assertion, Cte, Item, Select
from omopify.compiler.relations import Context, Relation
from omopify.compiler.typed import BOOLEAN, INTEGER, TEXT, Typed, quoted
from omopify.errors import Problems, did_you_mean
from omopify.specs.maps import Join, MapFile
from omopify.specs.project import LoadedMap


@dataclass
class Input:
    """The rows a map starts from, while its expressions are compiled."""

    names: Names
    relations: tuple[Relation, ...]
    renames: Mapping[str, Mapping[str, str]]
    joins: Mapping[str, tuple[Relation, Join]]
    spec: MapFile
    context: Context
    made: set[str] = field(default_factory=set)
    """Columns that a shaping clause makes; they are not read."""
    join_columns: list[tuple[str, str]] = field(default_factory=list)
    """(source, column) that joins compare; known when ``ctes`` has been called."""

    def ctes(self) -> tuple[list[Cte], list[Assertion], list[tuple[str, str, str]]]:
        """Return the input query, what must hold of its joins, and the version conflicts to look for.

        Called when all expressions are compiled, because only the columns in use are read.
        """
        own = sorted(c for c in self.names.used if not self._joined(c) and c not in _BUILT_IN and c not in self.made)
        conflicts: list[tuple[str, str, str]] = []
        join_sql, assertions, early = self._joins()
        selects = []
        for relation in self.relations:
            items = [Item("i._file", "_file"), Item("i._row", "_row")]
            if len(self.relations) > 1:
                items.append(Item(f"'{relation.name}'", "_source"))
            for name in own:
                items += self._column(relation, name, conflicts)
            for name in sorted(c for c in self.names.used if self._joined(c)):
                alias, _, column = name.partition(".")
                items.append(Item(f"{quoted(alias)}.{quoted(column)}", name))
            for alias, (_, join) in self.joins.items():
                if join.required:
                    items.append(Item(f"{quoted(alias)}._row IS NULL", f"{alias} missing"))
            selects.append(Select(tuple(items), f"{relation.table} AS i", joins=tuple(join_sql)))
        what = " and ".join(r.name for r in self.relations)
        unique = list(dict.fromkeys(conflicts))
        return [*early, Cte("input", f"the columns of {what} that are used", tuple(selects))], assertions, unique

    def _joined(self, name: str) -> bool:
        return name.partition(".")[0] in self.joins and "." in name

    def _column(self, relation: Relation, name: str, conflicts: list[tuple[str, str, str]]) -> list[Item]:
        column = self.renames.get(relation.name, {}).get(name, name)
        if column not in relation.columns and relation.known:
            return [Item("NULL", name)]
        versions = relation.versions.get(column, ())
        if not versions:
            return [Item(f"i.{quoted(column)}", name)]
        revisions = [f"i.{quoted(c)}" for c in (column, *versions)]
        several = f"({' + '.join(f'CASE WHEN {r} IS NULL THEN 0 ELSE 1 END' for r in revisions)}) > 1"
        merged = f"coalesce({', '.join(revisions)})"
        rule = self.spec.versions.get(column, "empty")
        if rule == "first":
            return [Item(merged, name, "its revisions, the first that is filled")]
        conflicts.append((name, f"{name} revisions", rule))
        return [
            Item(f"CASE WHEN {several} THEN NULL ELSE {merged} END", name, "one of its revisions"),
            Item(several, f"{name} revisions"),
        ]

    def _joins(self) -> tuple[list[str], list[Assertion], list[Cte]]:
        sql, assertions, early = [], [], []
        for alias, (relation, join) in self.joins.items():
            result = _Join(alias, relation, join, self).build()
            sql.append(result[0])
            assertions += result[1]
            early += result[2]
        return sql, assertions, early


_BUILT_IN = ("_row", "_file", "_source")


@dataclass
class _Join:
    alias: str
    relation: Relation
    join: Join
    input: Input

    def build(self) -> tuple[str, list[Assertion], list[Cte]]:
        spec, problems = self.input.spec, self.input.context.problems
        here = self.names()
        sides = []
        for left_text, right_text in self.join.on.items():
            at = spec.at("join", self.alias, "on", left_text)
            left = compile_expression(left_text, self.left_names(), at, problems)
            right = compile_expression(right_text, here, at, problems)
            if left and right:
                sides.append((left.sql, right.sql))
        wanted = sorted({c.partition(".")[2] for c in self.input.names.used if c.startswith(f"{self.alias}.")})
        where = ""
        if self.join.where:
            found = compile_expression(self.join.where, here, spec.at("join", self.alias, "where"), problems)
            where = found.sql if found and found.type == BOOLEAN else ""
        self.input.join_columns += [(self.relation.name, column) for column in sorted(here.used)]
        keys = [f"key{n}" for n in range(1, len(sides) + 1)]
        items = [Item("_file", "_file"), Item("_row", "_row")]
        items += [Item(right, key) for key, (_, right) in zip(keys, sides, strict=True)]
        items += [Item(quoted(c), c) for c in wanted]
        source = self.relation.table + (f"\n    WHERE {where}" if where else "")
        if self.join.take:
            order = order_by(self.join.take.order, here, spec, ("join", self.alias, "take", "order"), problems)
            rank = f"row_number() OVER (PARTITION BY {', '.join(right for _, right in sides)} ORDER BY {order})"
            items.append(Item(rank, "_nth"))
        name = f"join_{self.alias}"
        cte = Cte(name, f"{self.relation.name}, for the join '{self.alias}'", (Select(tuple(items), source),))
        matches = [f"{quoted(self.alias)}.{key} = {left}" for key, (left, _) in zip(keys, sides, strict=True)]
        if self.join.take:
            matches.append(f"{quoted(self.alias)}._nth = 1")
        on = " AND ".join(matches)
        assertion = []
        if not self.join.many and not self.join.take:
            columns = ", ".join(right for _, right in sides)
            filled = " AND ".join([f"{right} IS NOT NULL" for _, right in sides] + ([f"({where})"] if where else []))
            query = (
                f"SELECT count(*) FROM (SELECT 1 FROM {self.relation.table} WHERE {filled} "
                f"GROUP BY {columns} HAVING count(*) > 1) AS repeated"
            )
            message = f"the join '{self.alias}' finds several rows of '{self.relation.name}' for {{n}} keys"
            hint = "say which one with 'take:', or 'many: true' if each is meant"
            at = spec.at("join", self.alias, key=True)
            assertion.append(Assertion("OM501", message, hint, query, at))
        return f"LEFT JOIN {name} AS {quoted(self.alias)} ON {on}", assertion, [cte]

    def names(self) -> Names:
        context = self.input.context
        columns = {**self.relation.columns, "_row": Typed("_row", INTEGER)}
        return _names(context, columns, self.relation.owner, self.relation.labels, self.relation)

    def left_names(self) -> Names:
        columns: dict[str, Typed] = {}
        for relation in self.input.relations:
            for name, typed in relation.columns.items():
                columns.setdefault(name, Typed(f"i.{quoted(name)}", typed.type, typed.dates, typed.decimal))
        first = self.input.relations[0]
        names = _names(self.input.context, columns, first.owner, first.labels, None)
        if not first.known:
            names.open = lambda name: Typed(f"i.{quoted(name)}", TEXT, first.dates, first.decimal)
        return names


def open_input(loaded: LoadedMap, context: Context) -> Input | None:
    """Find a map's sources and joins and return what its expressions may name; note what is not there."""
    spec = loaded.spec
    names = [spec.source_from] if spec.source_from else list(spec.union)
    relations = []
    if spec.sql:
        names = [spec.sql]
        written = handwritten(loaded, context)
        relations = [written] if written else []
    for name in names if not spec.sql else ():
        steps = ("from",) if spec.source_from else ("union", name)
        relation = _find(str(name), context, spec, steps)
        if relation:
            relations.append(relation)
    joins = {}
    for alias, join in spec.join.items():
        relation = _find(join.source or alias, context, spec, ("join", alias, "from"))
        if relation:
            joins[alias] = (relation, join)
    if len(relations) < len(names) or len(joins) < len(spec.join):
        return None
    columns: dict[str, Typed] = {}
    for relation in relations:
        for name, typed in _renamed(relation, spec.union.get(relation.name, {}), spec, context).items():
            columns.setdefault(name, Typed(quoted(name), typed.type, typed.dates, typed.decimal))
    for alias, (relation, _) in joins.items():
        for name, typed in relation.columns.items():
            columns[f"{alias}.{name}"] = Typed(quoted(f"{alias}.{name}"), typed.type, typed.dates, typed.decimal)
    columns["_row"] = Typed("_row", INTEGER)
    if len(relations) > 1:
        columns["_source"] = Typed("_source", TEXT)
    labels = {name: label for relation in relations for name, label in relation.labels.items()}
    owner = " and ".join(relation.owner for relation in relations)
    found = _names(context, columns, owner, labels, relations[0], tuple(joins))
    if not all(r.known for r in relations) or not all(r.known for r, _ in joins.values()):
        found.open = _opener(found, relations, joins)
    return Input(found, tuple(relations), spec.union, joins, spec, context)


def _opener(
    names: Names, relations: list[Relation], joins: Mapping[str, tuple[Relation, Join]]
) -> Callable[[str], Typed | None]:
    def opened(name: str) -> Typed | None:
        alias, dot, _ = name.partition(".")
        owners = [joins[alias][0]] if dot and alias in joins else relations
        unknown = next((relation for relation in owners if not relation.known), None)
        if unknown is None or (dot and alias not in joins):
            return None
        names.used.add(name)
        return Typed(quoted(name), TEXT, unknown.dates, unknown.decimal)

    return opened


def _renamed(relation: Relation, renames: Mapping[str, str], spec: MapFile, context: Context) -> dict[str, Typed]:
    columns = dict(relation.columns)
    for name, column in renames.items():
        if column in relation.columns:
            columns[name] = relation.columns[column]
        elif relation.known:
            hint = did_you_mean(column, relation.columns)
            at = spec.at("union", relation.name, name)
            context.problems.add("OM301", f"unknown column '{column}' in {relation.owner}", at, hint)
    return columns


def _find(name: str, context: Context, spec: MapFile, steps: tuple[str, ...]) -> Relation | None:
    relation = context.relation(name)
    if relation is None and name.removeprefix("dsp.") not in context.pack.broken:
        known = context.relation_names()
        hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
        context.problems.add("OM310", f"there is no source or table '{name}'", spec.at(*steps), hint)
    return relation


def _names(
    context: Context,
    columns: Mapping[str, Typed],
    owner: str,
    labels: Mapping[str, str],
    relation: Relation | None,
    prefixes: tuple[str, ...] = (),
) -> Names:
    names = Names(columns, owner, labels, context.trial.fact, tuple(context.trial.fact_names()), prefixes)
    if relation is not None and not relation.known:
        names.open = lambda name: Typed(quoted(name), TEXT, relation.dates, relation.decimal)
    return names


def source_names(context: Context, relation: Relation) -> Names:
    """Return what an expression over one source alone may name."""
    return _names(context, relation.columns, relation.owner, relation.labels, relation)


def order_by(texts: tuple[str, ...], names: Names, spec: MapFile, steps: tuple[str, ...], problems: Problems) -> str:
    """Return the ORDER BY of ``order:``; it must end in ``_row``, so that every pick has one answer."""
    parts = []
    for number, text in enumerate(texts):
        expression, direction = split_order(text)
        found = compile_expression(expression, names, spec.at(*steps, number), problems)
        if found:
            parts.append(f"{found.sql} {direction} NULLS LAST")
    if not texts or split_order(texts[-1])[0].strip() != "_row":
        hint = "end the order with '_row' (or '_row desc'): a tie is then decided by the place in the file"
        problems.add("OM311", "this order leaves ties undecided", spec.at(*steps), hint)
    return ", ".join([*parts, "_file ASC"])
