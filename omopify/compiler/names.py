"""What the expressions of a map may refer to, and the first step of its query: the input with its joins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from omopify.compiler.expressions import Names, compile_condition, compile_expression, orders_text
from omopify.compiler.handwritten import handwritten
from omopify.compiler.parsing import split_order
from omopify.compiler.plan import Assertion, Cte, Item, Select
from omopify.compiler.relations import Context, Relation
from omopify.compiler.typed import (
    DATE,
    DIFFERENT_FORMATS,
    DIFFERENT_FORMATS_HINT,
    INTEGER,
    NUMERIC,
    TEXT,
    Typed,
    alike,
    quoted,
    read_date,
    read_number,
)
from omopify.errors import Location, Problems, did_you_mean
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

    def ctes(self) -> tuple[list[Cte], list[Assertion], list[tuple[str, str, str, str]]]:
        """Return the input query, what must hold of its joins, and the version conflicts to look for.

        Called when all expressions are compiled, because only the columns in use are read.
        """
        own = sorted(c for c in self.names.used if not self._joined(c) and c not in _BUILT_IN and c not in self.made)
        conflicts: list[tuple[str, str, str, str]] = []
        joins = [_Join(alias, relation, join, self) for alias, (relation, join) in self.joins.items()]
        early, assertions = [], []
        for join in joins:
            cte, needed = join.build()
            early.append(cte)
            assertions += needed
        selects = []
        for relation in self.relations:
            number = "i.rowid + 1" if relation.name.startswith("dsp.") else "CAST(NULL AS bigint)"
            items = [Item("i._file", "_file"), Item("i._row", "_row"), Item(number, "_of")]
            if len(self.relations) > 1:
                items.append(Item(f"'{relation.name}'", "_source"))
            for name in own:
                items += self._column(relation, name, conflicts)
            for name in sorted(c for c in self.names.used if self._joined(c)):
                alias, _, column = name.partition(".")
                items.append(Item(f"{quoted(alias)}.{quoted(column)}", name))
            for alias, (_, spec) in self.joins.items():
                if spec.required:
                    items.append(Item(f"{quoted(alias)}._row IS NULL", f"{alias} missing"))
            selects.append(
                Select(tuple(items), f"{relation.table} AS i", joins=tuple(join.clause(relation) for join in joins))
            )
        what = " and ".join(r.name for r in self.relations)
        unique = list(dict.fromkeys(conflicts))
        return [*early, Cte("input", f"the columns of {what} that are used", tuple(selects))], assertions, unique

    def _joined(self, name: str) -> bool:
        return name.partition(".")[0] in self.joins and "." in name

    def _column(self, relation: Relation, name: str, conflicts: list[tuple[str, str, str, str]]) -> list[Item]:
        column = self.renames.get(relation.name, {}).get(name, name)
        if column not in relation.columns and relation.known:
            return [Item("NULL", name)]
        versions = relation.versions.get(column, ())
        if not versions:
            return [Item(f"i.{quoted(column)}", name)]
        revisions = [f"i.{quoted(c)}" for c in (column, *versions)]
        several = f"({' + '.join(f'CASE WHEN {r} IS NULL THEN 0 ELSE 1 END' for r in revisions)}) > 1"
        merged = f"coalesce({', '.join(revisions)})"
        rule = self._rule(column)
        if rule == "first":
            return [Item(merged, name, "its revisions, the first that is filled")]
        conflicts.append((name, revisions_of(name), rule, "several revisions filled"))
        return [
            Item(f"CASE WHEN {several} THEN NULL ELSE {merged} END", name, "one of its revisions"),
            Item(several, revisions_of(name)),
        ]

    def _rule(self, column: str) -> str:
        rules = {name.casefold(): rule for name, rule in self.spec.versions.items()}
        return rules.get(column.casefold(), "empty")

    def may_conflict(self, name: str) -> bool:
        """Say whether a column may be left empty because several of its revisions are filled."""
        columns = [(r, self.renames.get(r.name, {}).get(name, name)) for r in self.relations]
        return any(r.versions.get(column) and self._rule(column) != "first" for r, column in columns)


def revisions_of(name: str) -> str:
    """Return the column that tells whether several revisions of a question are filled."""
    return f"{name} revisions"


_BUILT_IN = ("_row", "_file", "_of", "_source")


@dataclass
class _Join:
    """One join of a map: a step with the other side's keys, and the condition for each of the map's relations."""

    alias: str
    relation: Relation
    join: Join
    input: Input
    rights: list[Typed] = field(default_factory=list)

    def build(self) -> tuple[Cte, list[Assertion]]:
        """Return the step that prepares the other side, and what must hold of it."""
        spec, problems = self.input.spec, self.input.context.problems
        here = self._names()
        for left, right_text in self.join.on.items():
            found = compile_expression(right_text, here, spec.at("join", self.alias, "on", left), problems)
            self.rights.append(found or Typed("NULL", TEXT))
        where = ""
        if self.join.where:
            at = spec.at("join", self.alias, "where")
            condition = compile_condition(self.join.where, here, at, problems)
            where = condition.sql if condition else ""
        keys = self._keys()
        items = [Item("_file", "_file"), Item("_row", "_row")]
        items += [Item(right.sql, key) for key, right in zip(keys, self.rights, strict=True)]
        wanted = {c.partition(".")[2] for c in self.input.names.used if c.startswith(f"{self.alias}.")}
        items += [Item(quoted(column), column) for column in sorted(wanted)]
        by = ", ".join(right.sql for right in self.rights)
        if self.join.take:
            order = order_by(self.join.take.order, here, spec, ("join", self.alias, "take", "order"), problems)
            items.append(Item(f"row_number() OVER (PARTITION BY {by} ORDER BY {order})", "_nth"))
        self.input.join_columns += [
            (self.relation.name, column) for column in sorted(here.used) if column not in _BUILT_IN
        ]
        source = self.relation.table + (f"\n    WHERE {where}" if where else "")
        note = f"{self.relation.name}, for the join '{self.alias}'"
        cte = Cte(f"join_{self.alias}", note, (Select(tuple(items), source),))
        return cte, [] if self.join.many or self.join.take else [self._unique(by, where)]

    def clause(self, relation: Relation) -> str:
        """Return the LEFT JOIN for the rows of one of the map's relations."""
        spec, context = self.input.spec, self.input.context
        renames = dict(self.input.renames.get(relation.name, {}))
        columns = {
            name: replace(relation.columns[column], sql=f"i.{quoted(column)}")
            for name, column in {**{c: c for c in relation.columns}, **renames}.items()
            if column in relation.columns
        }
        names = _names(context, columns, relation.owner, relation.labels, None)
        names.open = lambda name: (
            Typed("CAST(NULL AS varchar)", TEXT)
            if name in self.input.names.columns
            else None
            if relation.known
            else Typed(f"i.{quoted(name)}", TEXT, relation.dates, relation.decimal)
        )
        conditions = []
        for (left_text, _), right, key in zip(self.join.on.items(), self.rights, self._keys(), strict=True):
            at = spec.at("join", self.alias, "on", left_text, key=True)
            left = compile_expression(left_text, names, at, context.problems)
            if left:
                one, two = self._alike(left, replace(right, sql=f"{quoted(self.alias)}.{key}"), left_text, at)
                conditions.append(f"{two} = {one}")
        self.input.join_columns += [
            (relation.name, renames.get(column, column)) for column in sorted(names.used) if column not in _BUILT_IN
        ]
        if self.join.take:
            conditions.append(f"{quoted(self.alias)}._nth = 1")
        return f"LEFT JOIN join_{self.alias} AS {quoted(self.alias)} ON {' AND '.join(conditions)}"

    def _alike(self, left: Typed, right: Typed, text: str, at: Location) -> tuple[str, str]:
        types = {left.type, right.type}
        if len(types) == 1 or types <= set(NUMERIC):
            return left.sql, right.sql
        if types <= {TEXT, *NUMERIC}:
            return read_number(left), read_number(right)
        if types == {TEXT, DATE}:
            return read_date(left, left.dates), read_date(right, right.dates)
        message = f"'{text}' is of type {left.type}, but it is joined with {right.type}"
        self.input.context.problems.add("OM306", message, at)
        return left.sql, right.sql

    def _unique(self, by: str, where: str) -> Assertion:
        filled = [f"{right.sql} IS NOT NULL" for right in self.rights] + ([f"({where})"] if where else [])
        query = (
            f"SELECT count(*) FROM (SELECT 1 FROM {self.relation.table} WHERE {' AND '.join(filled)} "
            f"GROUP BY {by} HAVING count(*) > 1) AS repeated"
        )
        message = f"the join '{self.alias}' finds several rows of '{self.relation.name}' for {{n}} keys"
        hint = "say which one with 'take:', or 'many: true' if each is meant"
        return Assertion("OM501", message, hint, query, self.input.spec.at("join", self.alias, key=True))

    def _keys(self) -> list[str]:
        return [f"key{n}" for n in range(1, len(self.join.on) + 1)]

    def _names(self) -> Names:
        columns = {**self.relation.columns, "_row": Typed("_row", INTEGER)}
        return _names(self.input.context, columns, self.relation.owner, self.relation.labels, self.relation)


def open_input(loaded: LoadedMap, context: Context) -> Input | None:
    """Find a map's sources and joins and return what its expressions may name; note what is not there."""
    spec = loaded.spec
    if spec.sql:
        found_relations = [handwritten(loaded, context)]
    elif spec.source_from:
        found_relations = [_find(spec.source_from, context, spec, ("from",))]
    else:
        found_relations = [_find(name, context, spec, ("union", name)) for name in spec.union]
    relations = [relation for relation in found_relations if relation]
    joins = {}
    for alias, join in spec.join.items():
        relation = _find(join.source or alias, context, spec, ("join", alias, "from"))
        if relation:
            joins[alias] = (relation, join)
    if len(relations) < len(found_relations) or len(joins) < len(spec.join):
        return None
    columns = _stacked(relations, spec, context)
    for alias, (relation, _) in joins.items():
        for name, typed in relation.columns.items():
            columns[f"{alias}.{name}"] = Typed(quoted(f"{alias}.{name}"), typed.type, typed.dates, typed.decimal)
    _check_versions(relations, spec, context)
    columns["_row"] = Typed("_row", INTEGER)
    if len(relations) > 1:
        columns["_source"] = Typed("_source", TEXT)
    labels = {name: label for relation in relations for name, label in relation.labels.items()}
    owner = " and ".join(relation.owner for relation in relations)
    found = _names(context, columns, owner, labels, relations[0], tuple(joins))
    if not all(r.known for r in relations) or not all(r.known for r, _ in joins.values()):
        found.open = _opener(found, relations, joins)
    return Input(found, tuple(relations), spec.union, joins, spec, context)


def _check_versions(relations: list[Relation], spec: MapFile, context: Context) -> None:
    known = {name.casefold() for relation in relations for name in relation.versions}
    for name in spec.versions:
        if name.casefold() not in known and all(relation.known for relation in relations):
            hint = did_you_mean(name, {n for relation in relations for n in relation.versions})
            at = spec.at("versions", name, key=True)
            context.problems.add("OM327", f"'{name}' has no revisions in the export", at, hint)


def _stacked(relations: list[Relation], spec: MapFile, context: Context) -> dict[str, Typed]:
    """Return the columns of several relations under one another, each to be read in all their formats."""
    found: dict[str, list[Typed]] = {}
    for relation in relations:
        for name, typed in _renamed(relation, spec.union.get(relation.name, {}), spec, context).items():
            found.setdefault(name, []).append(typed)
    columns = {}
    for name, parts in found.items():
        if len({part.type for part in parts}) > 1:
            message = f"the column '{name}' has different types in the tables under 'union:'"
            context.problems.add("OM326", message, spec.at("union"), "rename one of them")
        together = alike(parts)
        if together is None:
            context.problems.add("OM325", DIFFERENT_FORMATS, spec.at("union"), DIFFERENT_FORMATS_HINT)
        columns[name] = replace(together or parts[0], sql=quoted(name))
    return columns


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
    if relation is None and not context.pack.is_broken(name):
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
        if found and orders_text(expression, found):
            hint = "write date(X) or number(X), or text(X) if you mean the alphabet"
            problems.add("OM319", "this would put text in order", spec.at(*steps, number), hint)
        if found:
            parts.append(f"{found.sql} {direction} NULLS LAST")
    if not texts or split_order(texts[-1])[0].strip() != "_row":
        hint = "end the order with '_row' (or '_row desc'): a tie is then decided by the place in the file"
        problems.add("OM311", "this order leaves ties undecided", spec.at(*steps), hint)
    return ", ".join([*parts, "_file ASC"])
