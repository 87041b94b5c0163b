"""From maps to a plan: each map is checked and becomes steps; the maps are put in an order in which they can run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from omopify import cdm
from omopify.compiler.concepts import Concepts
from omopify.compiler.domains import event_tables
from omopify.compiler.events import BORN, Event, attribute_condition
from omopify.compiler.expressions import Over, compile_condition, compile_expression
from omopify.compiler.fields import Columns, Target
from omopify.compiler.handwritten import columns_read
from omopify.compiler.names import Input, open_input, order_by, source_names
from omopify.compiler.plan import Finding, Item, MapPlan, Output, Parent, Plan, ScopePlan, Unmapped
from omopify.compiler.references import KNOWN_BY, REFERENCED_TABLES, ROW_LINKS
from omopify.compiler.relations import Context
from omopify.compiler.shape import Shape, shape
from omopify.compiler.steps import Kept, Parts
from omopify.compiler.typed import literal, quoted
from omopify.errors import Problems, did_you_mean
from omopify.specs.project import LoadedMap, Pack


def make_plan(pack: Pack, headers: dict[str, dict[str, str]], problems: Problems) -> Plan | None:
    """Compile all maps of a pack; note every mistake of every map and return None if there is one.

    ``headers`` holds the columns (with labels) that the export brings, by source; a source that is not in it
    is checked against the pack's column list, or not at all if there is none.
    """
    before = len(problems.errors)
    context = Context(pack, headers, problems)
    _check_identifiers(context)
    scopes = [s for name in pack.trial.scope if (s := _scope(name, context))]
    named = _named_maps(pack)
    maps = [plan for loaded in pack.maps if (plan := _MapPlanner(loaded, context, loaded.spec.map in named).plan())]
    _check_references(context, maps)
    ordered = _in_order(maps, problems)
    return None if len(problems.errors) > before else Plan(tuple(scopes), tuple(ordered))


def _named_maps(pack: Pack) -> set[str]:
    """Return the maps whose rows other maps point to."""
    links = [getattr(loaded.spec, word) for loaded in pack.maps for word in ROW_LINKS]
    return {link.map for link in links if link}


def _scope(name: str, context: Context) -> ScopePlan | None:
    scope, trial = context.trial.scope[name], context.trial
    relation = context.relation(scope.source)
    if relation is None:
        hint = did_you_mean(scope.source, context.relation_names())
        context.problems.add("OM310", f"there is no source '{scope.source}'", trial.at("scope", name, "from"), hint)
        return None
    names = source_names(context, relation)
    at = trial.at("scope", name, "where")
    condition = compile_condition(scope.where, names, at, context.problems)
    subject = compile_expression(scope.on, names, trial.at("scope", name, "on"), context.problems)
    if condition is None or subject is None:
        return None
    used = tuple((scope.source, column) for column in sorted(names.used))
    return ScopePlan(name, relation.table, subject.sql, condition.sql, used)


@dataclass
class _MapPlanner:
    loaded: LoadedMap
    context: Context
    named: bool
    """Whether other maps point to rows of this one."""
    input: Input = field(init=False)
    shape: Shape = field(init=False)
    columns: Columns = field(init=False)
    filters: list[tuple[str, str]] = field(default_factory=list)
    parents: list[Parent] = field(default_factory=list)
    key_parts: int = 0

    def plan(self) -> MapPlan | None:
        spec, problems = self.loaded.spec, self.context.problems
        before = len(problems.errors)
        opened = open_input(self.loaded, self.context)
        if opened is None:
            return None
        self.input = opened
        self.shape = shape(spec, opened)
        self.columns = Columns(self.loaded, self.context, opened.names)
        self._filters()
        keep = self._keep()
        self._over()
        concepts = Concepts(self.columns, f"work.{quoted(f'{spec.map} concepts')}")
        event = Event(columns=self.columns, concepts=concepts)
        key = self._key(event)
        self._known_by(event)
        made = self._dsp() if spec.to.startswith("dsp.") else self._cdm(event, concepts)
        if len(problems.errors) > before or made is None or key is None:
            return None
        outputs, events = made
        extra = columns_read(self.loaded, self.context)
        return Parts(
            columns=self.columns,
            input=opened,
            shape=self.shape,
            filters=self.filters,
            key=key,
            kept=keep,
            concepts=concepts,
            events=events,
            outputs=outputs,
            parents=self.parents,
            extra_columns=extra,
            key_parts=self.key_parts,
            named=self.named,
        ).plan()

    def _filters(self) -> None:
        spec = self.loaded.spec
        for name, scope in self.context.trial.scope.items():
            relations = self.input.relations
            subject = scope.on.casefold()
            if all(
                r.name in self.context.pack.sources and subject in {c.casefold() for c in r.columns} for r in relations
            ):
                column = self.input.names.column(scope.on)
                assert column is not None
                found = f"{column.sql} IN (SELECT subject FROM work.{quoted(f'scope {name}')})"
                self.filters.append((name, found))
        self.filters += self.shape.filters
        for name, text in spec.where.items():
            condition = self.columns.condition(text, "where", name)
            if condition:
                self.filters.append((name, condition.sql))

    def _keep(self) -> Kept | None:
        spec = self.loaded.spec
        if not spec.keep:
            return None
        per = [f.sql for n, t in enumerate(spec.keep.per) if (f := self.columns.expression(t, "keep", "per", n))]
        order = order_by(spec.keep.order, self.input.names, spec, ("keep", "order"), self.context.problems)
        window = f"(PARTITION BY {', '.join([*per, '(_filter IS NULL)'])} ORDER BY {order})"
        differs = []
        for number, text in enumerate(spec.keep.agree):
            found = self.columns.expression(text, "keep", "agree", number)
            if found:
                differs.append((text, f"{found.sql} IS DISTINCT FROM first_value({found.sql}) OVER {window}"))
        return Kept(f"row_number() OVER {window}", spec.keep.first, tuple(differs))

    def _over(self) -> None:
        spec = self.loaded.spec
        if spec.group:
            by = [f.sql for n, t in enumerate(spec.group.by) if (f := self.columns.expression(t, "group", "by", n))]
            self.columns.over = Over(", ".join([*by, "(_left_out IS NULL)"]), by=frozenset(by))
        elif spec.window:
            per = [
                f.sql for n, t in enumerate(spec.window.per) if (f := self.columns.expression(t, "window", "per", n))
            ]
            order = order_by(spec.window.order, self.input.names, spec, ("window", "order"), self.context.problems)
            self.columns.over = Over(", ".join([*per, "(_left_out IS NULL)"]), order, "window")

    def _key(self, event: Event) -> str | None:
        spec = self.loaded.spec
        texts = spec.key or (spec.group.by if spec.group else ()) or (spec.keep.per if spec.keep else ())
        if not spec.key and spec.keep and spec.keep.first > 1:
            texts = ()
        if not texts:
            hint = "the columns that tell one row from another in every export, such as key: [SubjectId, AESPID]"
            self.context.problems.add("OM315", f"the map '{spec.map}' has no 'key:'", spec.at("map"), hint)
            return None
        self.key_parts = len(texts)
        steps = "key" if spec.key else "group" if spec.group else "keep"
        key = event.key(texts, steps)
        if key is None:
            return None
        extra = "".join(f" || chr(31) || {part}" for part in self.shape.keys)
        return key + extra

    def _known_by(self, event: Event) -> None:
        spec = self.loaded.spec
        if not spec.known_by:
            return
        if spec.to not in REFERENCED_TABLES:
            names = ", ".join(REFERENCED_TABLES)
            message = f"'known_by' has no place in '{spec.to}'"
            self.context.problems.add("OM331", message, spec.at("known_by", key=True), f"it goes with: {names}")
            return
        key = event.key(spec.known_by, "known_by")
        if key is not None:
            self.columns.raw.append(Item(f"o_id({key})", KNOWN_BY))
            self.columns.typed.append(Item(KNOWN_BY, KNOWN_BY))

    def _dsp(self) -> tuple[list[Output], list[Event]] | None:
        spec = self.loaded.spec
        name = spec.to.removeprefix("dsp.")
        table = self.context.pack.tables.get(name)
        if table is None and self.context.pack.is_broken(spec.to):
            return None
        if table is None:
            hint = did_you_mean(spec.to, [f"dsp.{known}" for known in self.context.pack.tables])
            hint = hint or "the shared model's tables are files in its folder 'dsp'"
            self.context.problems.add("OM316", f"there is no table '{spec.to}'", spec.at("to"), hint)
            return None
        for fieldname in spec.set:
            if fieldname not in table.fields:
                hint = did_you_mean(fieldname, table.fields)
                message = f"there is no field '{fieldname}' in {spec.to}"
                self.context.problems.add("OM332", message, spec.at("set", fieldname, key=True), hint)
        items = [Item("_file", "_file"), Item("_row", "_row"), Item(literal(self.context.trial.trial), "trial")]
        for fieldname, wanted in table.fields.items():
            if fieldname in spec.set:
                target = Target(fieldname, wanted.type, wanted.required, tuple(wanted.values), partial=wanted.partial)
                self.columns.add(spec.set[fieldname], target, "set", fieldname)
                items.append(Item(quoted(fieldname), fieldname))
            elif wanted.required:
                hint = f"add it under 'set:'; {wanted.definition}" if wanted.definition else "add it under 'set:'"
                self.context.problems.add("OM330", f"{spec.to} needs '{fieldname}'", spec.at("to"), hint)
        return [Output(spec.to, tuple(items))], []

    def _cdm(self, event: Event, concepts: Concepts) -> tuple[list[Output], list[Event]] | None:
        spec = self.loaded.spec
        known = cdm.tables()
        names = event_tables(spec.to, spec.otherwise)
        unknown = [name for name in names if name not in known]
        written = [name for name in names if name in known and (known[name].schema == "vocab" or name == "cdm_source")]
        if written:
            message = f"'{written[0]}' is filled by omopify itself, not by a map"
            self.context.problems.add("OM316", message, spec.at("to"))
            return None
        if unknown:
            word = "to" if spec.to != "by_domain" else "otherwise"
            hint = did_you_mean(unknown[0], [*known, "by_domain"]) or "a table of the CDM, 'dsp.<table>' or 'by_domain'"
            self.context.problems.add("OM316", f"there is no table '{unknown[0]}'", spec.at(word), hint)
            return None
        tables = [known[name] for name in names]
        event.build(spec, tables)
        event.set_columns(spec.set, tables)
        self._check_words(event, tables)
        if spec.to == "by_domain":
            self._note_no_place(event, tables)
        if spec.to == "by_domain" and not spec.concept:
            hint = "add 'concept:', or name the table under 'to:'"
            self.context.problems.add("OM331", "'by_domain' needs a concept", spec.at("to"), hint)
            return None
        outputs = []
        for table in tables:
            condition = f"_table = {literal(table.name)}" if spec.to == "by_domain" else ""
            outputs.append(event.output(table, condition, "_id_hash"))
        self._count_unknown(concepts, "", "TRUE")
        events = [event]
        for name, attribute in spec.attributes.items():
            child = Event(columns=self.columns, concepts=concepts, prefix=f"{name}.", steps=("attributes", name))
            child.words = {
                w: s for w, s in event.words.items() if w in ("person", "visit", "start", "start.datetime", "type")
            }
            target = known[attribute.to]
            before = len(self.columns.unmapped)
            child.build(attribute, [target])
            when = attribute_condition(attribute, child)
            if attribute.when:
                found = self.columns.condition(attribute.when, "attributes", name, "when")
                if found:
                    self.columns.carry(f"{name}.when", found)
                    when = quoted(f"{name}.when")
            if attribute.start or attribute.date:
                dated = child.words["start"]
                self.columns.issues.append(Finding(f"{name}.start", "missing", f"({when}) AND {dated} IS NULL"))
                if {"person", "start"} <= event.words.keys():
                    unborn = f"{dated} < {quoted(BORN)}"
                    self.columns.issues.append(Finding(f"{name}.start", "before birth", f"({when}) AND {unborn}"))
                    when = f"({when}) AND NOT coalesce({unborn}, FALSE)"
                when = f"({when}) AND {dated} IS NOT NULL"
            own = f"o_id({literal(spec.map)} || chr(31) || _key || chr(31) || {literal(name)})"
            row = child.output(target, f"_target = 1 AND ({when})", own, linked=True)
            outputs.append(replace(row, part=name))
            self.columns.unmapped[before:] = [
                Unmapped(found.field, found.value, f"{found.condition} AND ({when})")
                for found in self.columns.unmapped[before:]
            ]
            self._count_unknown(concepts, f"{name}.", when)
            events.append(child)
        if spec.attributes or self.named:
            self._find_parents(tables)
        return outputs, events

    def _find_parents(self, tables: list[cdm.Table]) -> None:
        spec = self.loaded.spec
        for table in tables:
            if spec.attributes and table.event_field_concept_id is None:
                message = f"rows of '{table.name}' cannot have attributes"
                self.context.problems.add("OM333", message, spec.at("attributes", key=True))
                continue
            if table.id_field is None:
                message = f"rows of '{table.name}' have no ids, but other maps point to rows of '{spec.map}'"
                self.context.problems.add("OM333", message, spec.at("to"))
                continue
            condition = f"step._table = {literal(table.name)}" if spec.to == "by_domain" else ""
            self.parents.append(Parent(table.name, condition, table.event_field_concept_id, table.domain_concept_id))

    def _count_unknown(self, concepts: Concepts, prefix: str, when: str) -> None:
        for slot, constant in concepts.unknown:
            if slot.startswith(prefix) and (prefix or "." not in slot):
                shown = literal(f"{constant.id} {constant.name}".strip())
                condition = f"o_concept({constant.id}) = 0 AND coalesce({quoted(slot)}, 0) = 0 AND ({when})"
                self.columns.unmapped.append(Unmapped(slot, shown, condition))

    def _said(self, word: str) -> bool:
        spec = self.loaded.spec
        return bool(getattr(spec, word, None)) or (word == "start" and spec.date is not None)

    def _note_no_place(self, event: Event, tables: list[cdm.Table]) -> None:
        """A value that the table of the row's domain has no column for is left out, and said to be."""
        for word, sql in event.words.items():
            if "." in word or not self._said(word):
                continue
            for table in tables:
                if word not in cdm.words(table.name):
                    condition = f"_table = {literal(table.name)} AND {sql} IS NOT NULL"
                    self.columns.issues.append(Finding(word, f"no place in {table.name}", condition))

    def _check_words(self, event: Event, tables: list[cdm.Table]) -> None:
        spec = self.loaded.spec
        for word in event.words:
            if "." in word or word in spec.concepts or not self._said(word):
                continue
            if not any(word in cdm.words(table.name) for table in tables):
                message = f"'{word}' has no place in '{tables[0].name}'"
                has = sorted(w for w in cdm.words(tables[0].name) if "." not in w and w != "id")
                hint = f"its words: {', '.join(has)}"
                self.context.problems.add("OM331", message, spec.at(word, key=True), hint)


def _check_identifiers(context: Context) -> None:
    relations = [r for name in context.pack.sources if (r := context.relation(name))]
    if not all(relation.known for relation in relations):
        return
    known = {column.casefold(): column for relation in relations for column in relation.columns}
    for number, name in enumerate(context.trial.identifiers):
        if name.casefold() not in known:
            at = context.trial.at("identifiers", number)
            hint = did_you_mean(name, known.values())
            context.problems.add("OM328", f"no source has the column '{name}'", at, hint)


def _check_references(context: Context, maps: list[MapPlan]) -> None:
    """Note references to tables that no map fills (unless a map that would is itself wrong)."""
    if context.problems.errors:
        return
    written = {table for plan in maps for table in plan.writes}
    keys = {table: plan for plan in maps for table in plan.writes}
    for plan in maps:
        for table, parts, at in plan.reference_keys:
            owner = keys.get(table)
            if owner and parts not in (owner.key_parts, owner.known_by_parts):
                name = table.removeprefix("cdm.")
                message = (
                    f"this key has {parts} parts, but that of '{name}' in the map '{owner.name}' has {owner.key_parts}"
                )
                context.problems.add("OM336", message, at, "they must be written alike, or nothing is found")
        named = {other.name: other for other in maps}
        for link in plan.links:
            if link.map in named and link.key_parts != named[link.map].key_parts:
                wanted = named[link.map].key_parts
                message = f"this key has {link.key_parts} parts, but that of the map '{link.map}' has {wanted}"
                context.problems.add("OM336", message, link.at, "they must be written alike, or nothing is found")
        for table in plan.references:
            if table not in written:
                written.add(table)  # once is enough, however many maps refer to it
                name = table.removeprefix("cdm.")
                message = f"no map writes '{name}', to which the map '{plan.name}' refers"
                context.problems.add("OM335", message, plan.at, f"add a map with 'to: {name}'")


def _in_order(maps: list[MapPlan], problems: Problems) -> list[MapPlan]:
    """Put maps behind those that fill what they read or refer to; by name where nothing else decides."""
    writers: dict[str, list[MapPlan]] = {}
    for plan in maps:
        for table in plan.writes:
            writers.setdefault(table, []).append(plan)
    done: list[MapPlan] = []
    left = sorted(maps, key=lambda plan: (not plan.writes[0].startswith("dsp."), plan.name))
    while left:
        ready = next((p for p in left if not _waits_for(p, writers, done)), None)
        if ready is None:
            names = ", ".join(f"'{plan.name}'" for plan in left)
            problems.add(
                "OM317", f"maps wait for one another: {names}", left[0].at, "a map reads what another one writes"
            )
            return done
        left.remove(ready)
        done.append(ready)
    return done


def _waits_for(plan: MapPlan, writers: dict[str, list[MapPlan]], done: list[MapPlan]) -> bool:
    needed = [w for table in (*plan.reads, *plan.references) for w in writers.get(table, [])]
    linked = {link.map for link in plan.links}
    needed += [w for found in writers.values() for w in found if w.name in linked]
    return any(writer is not plan and writer not in done for writer in needed)
