"""From maps to a plan: each map is checked and becomes steps; the maps are put in an order in which they can run."""

from __future__ import annotations

from dataclasses import dataclass, field

from omopify import cdm
from omopify.compiler.concepts import Concepts
from omopify.compiler.events import Event, attribute_condition, event_tables, table_of_domain
from omopify.compiler.expressions import Over, compile_expression
from omopify.compiler.fields import Columns, Target
from omopify.compiler.names import Context, Input, open_input, order_by, source_names
from omopify.compiler.plan import Assertion, Cte, Finding, Item, MapPlan, Output, Plan, ScopePlan, Select
from omopify.compiler.shape import Shape, shape
from omopify.compiler.typed import BOOLEAN, Typed, literal, quoted
from omopify.errors import Problems, did_you_mean
from omopify.specs.project import LoadedMap, Pack

_STEP = "typed"
_USED = "_left_out IS NULL AND _reject = 0"


def make_plan(pack: Pack, headers: dict[str, dict[str, str]], problems: Problems) -> Plan | None:
    """Compile all maps of a pack; note every mistake of every map and return None if there is one.

    ``headers`` holds the columns (with labels) that the export brings, by source; a source that is not in it
    is checked against the pack's column list, or not at all if there is none.
    """
    before = len(problems.errors)
    context = Context(pack, headers, problems)
    scopes = [s for name in pack.trial.scope if (s := _scope(name, context))]
    maps = [plan for loaded in pack.maps if (plan := _MapPlanner(loaded, context).plan())]
    ordered = _in_order(maps, problems)
    return None if len(problems.errors) > before else Plan(tuple(scopes), tuple(ordered))


def _scope(name: str, context: Context) -> ScopePlan | None:
    scope, trial = context.trial.scope[name], context.trial
    relation = context.relation(scope.source)
    if relation is None:
        hint = did_you_mean(scope.source, context.relation_names())
        context.problems.add("OM310", f"there is no source '{scope.source}'", trial.at("scope", name, "from"), hint)
        return None
    names = source_names(context, relation)
    at = trial.at("scope", name, "where")
    condition = compile_expression(scope.where, names, at, context.problems)
    subject = compile_expression(scope.on, names, trial.at("scope", name, "on"), context.problems)
    if condition is None or subject is None:
        return None
    used = tuple((scope.source, column) for column in sorted(names.used))
    return ScopePlan(name, relation.table, subject.sql, condition.sql, used)


@dataclass
class _MapPlanner:
    loaded: LoadedMap
    context: Context
    input: Input = field(init=False)
    shape: Shape = field(init=False)
    columns: Columns = field(init=False)
    filters: list[tuple[str, str]] = field(default_factory=list)
    assertions: list[Assertion] = field(default_factory=list)

    def plan(self) -> MapPlan | None:
        spec, problems = self.loaded.spec, self.context.problems
        before = len(problems.errors)
        opened = open_input(spec, self.context) if not spec.sql else None
        if spec.sql:
            problems.add("OM340", "'sql:' is not supported yet", spec.at("sql"))
        if opened is None:
            return None
        self.input = opened
        self.shape = shape(spec, opened)
        self.columns = Columns(self.loaded, self.context, opened.names)
        self._filters()
        keep = self._keep()
        self._over()
        concepts = Concepts(self.columns, f"work.{quoted(f'{spec.map} concepts')}")
        event = Event(self.columns, concepts)
        key = self._key(event)
        made = self._dsp() if spec.to.startswith("dsp.") else self._cdm(event, concepts)
        if len(problems.errors) > before or made is None or key is None:
            return None
        outputs, events = made
        return self._assembled(key, keep, concepts, events, outputs)

    def _filters(self) -> None:
        spec = self.loaded.spec
        for name, scope in self.context.trial.scope.items():
            if not spec.source_from or spec.source_from.startswith("dsp."):
                subjects = [r for r in self.input.relations if scope.on in r.columns]
                if spec.source_from or len(subjects) < len(self.input.relations):
                    continue
            if scope.on in self.input.relations[0].columns:
                column = self.input.names.column(scope.on)
                assert column is not None
                found = f"{column.sql} IN (SELECT subject FROM work.{quoted(f'scope {name}')})"
                self.filters.append((name, found))
        self.filters += self.shape.filters
        for name, text in spec.where.items():
            condition = self.columns.expression(text, "where", name)
            if condition and condition.type != BOOLEAN:
                at = spec.at("where", name)
                hint = "such as COLUMN is not null, or COLUMN = 1"
                self.context.problems.add("OM306", f"'{name}' is not a condition", at, hint)
            elif condition:
                self.filters.append((name, condition.sql))

    def _keep(self) -> tuple[str, int, list[str]] | None:
        spec = self.loaded.spec
        if not spec.keep:
            return None
        per = [f.sql for n, t in enumerate(spec.keep.per) if (f := self.columns.expression(t, "keep", "per", n))]
        order = order_by(spec.keep.order, self.input.names, spec, ("keep", "order"), self.context.problems)
        window = f"(PARTITION BY {', '.join(per)}, (_left_out IS NULL) ORDER BY {order})"
        differs = []
        for number, text in enumerate(spec.keep.agree):
            found = self.columns.expression(text, "keep", "agree", number)
            if found:
                differs.append(f"{found.sql} IS DISTINCT FROM first_value({found.sql}) OVER {window}")
        return f"row_number() OVER {window}", spec.keep.first, differs

    def _over(self) -> None:
        spec = self.loaded.spec
        if spec.group:
            by = [f.sql for n, t in enumerate(spec.group.by) if (f := self.columns.expression(t, "group", "by", n))]
            self.columns.over = Over(", ".join([*by, "(_left_out IS NULL)"]))
        elif spec.window:
            per = [
                f.sql for n, t in enumerate(spec.window.per) if (f := self.columns.expression(t, "window", "per", n))
            ]
            order = order_by(spec.window.order, self.input.names, spec, ("window", "order"), self.context.problems)
            self.columns.over = Over(", ".join([*per, "(_left_out IS NULL)"]), order, "window")

    def _key(self, event: Event) -> str | None:
        spec = self.loaded.spec
        texts = spec.key or (spec.group.by if spec.group else ()) or (spec.keep.per if spec.keep else ())
        if not texts:
            hint = "the columns that tell one row from another in every export, such as key: [SubjectId, AESPID]"
            self.context.problems.add("OM315", f"the map '{spec.map}' has no 'key:'", spec.at("map"), hint)
            return None
        steps = "key" if spec.key else "group" if spec.group else "keep"
        key = event.key(texts, steps)
        if key is None:
            return None
        extra = "".join(f" || chr(31) || {part}" for part in self.shape.keys)
        return key + extra

    def _dsp(self) -> tuple[list[Output], list[Event]] | None:
        spec = self.loaded.spec
        name = spec.to.removeprefix("dsp.")
        table = self.context.pack.tables.get(name)
        if table is None:
            hint = (
                did_you_mean(name, self.context.pack.tables)
                or "the shared model's tables are files in its folder 'dsp'"
            )
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
        if unknown:
            word = "to" if spec.to != "by_domain" else "otherwise"
            hint = did_you_mean(unknown[0], [*known, "by_domain"]) or "a table of the CDM, 'dsp.<table>' or 'by_domain'"
            self.context.problems.add("OM316", f"there is no table '{unknown[0]}'", spec.at(word), hint)
            return None
        tables = [known[name] for name in names]
        event.build(spec, tables)
        event.set_columns(spec.set, tables)
        self._check_words(event, tables)
        if spec.to == "by_domain" and not spec.concept:
            hint = "add 'concept:', or name the table under 'to:'"
            self.context.problems.add("OM331", "'by_domain' needs a concept", spec.at("to"), hint)
            return None
        outputs = []
        for table in tables:
            condition = f"_table = {literal(table.name)}" if spec.to == "by_domain" else ""
            outputs.append(event.output(table, condition, "_hash"))
        events = [event]
        for name, attribute in spec.attributes.items():
            child = Event(self.columns, concepts, f"{name}.", ("attributes", name))
            child.words = {
                w: s for w, s in event.words.items() if w in ("person", "visit", "start", "start.datetime", "type")
            }
            target = known[attribute.to]
            child.build(attribute, [target])
            when = attribute_condition(attribute, child)
            if attribute.when:
                found = self.columns.expression(attribute.when, "attributes", name, "when")
                if found:
                    self.columns.carry(f"{name}.when", found)
                    when = quoted(f"{name}.when")
            for table in tables:
                link = table.event_field_concept_id
                if link is None:
                    message = f"rows of '{table.name}' cannot have attributes"
                    self.context.problems.add("OM333", message, spec.at("attributes", key=True))
                    continue
                here = f"_table = {literal(table.name)} AND " if len(tables) > 1 else ""
                own = f"o_id({literal(spec.map)} || chr(31) || _key || chr(31) || {literal(name)})"
                condition = f"{here}_target = 1 AND ({when})"
                outputs.append(child.output(target, condition, own, (table.name, link)))
            events.append(child)
        return outputs, events

    def _check_words(self, event: Event, tables: list[cdm.Table]) -> None:
        spec = self.loaded.spec
        for word in event.words:
            if "." in word or word in spec.concepts:
                continue
            if not any(word in cdm.words(table.name) for table in tables):
                message = f"'{word}' has no place in '{tables[0].name}'"
                hint = f"its words: {', '.join(sorted(w for w in cdm.words(tables[0].name) if '.' not in w and w != 'id'))}"
                self.context.problems.add("OM331", message, spec.at(word, key=True), hint)

    def _assembled(
        self,
        key: str,
        keep: tuple[str, int, list[str]] | None,
        concepts: Concepts,
        events: list[Event],
        outputs: list[Output],
    ) -> MapPlan:
        spec = self.loaded.spec
        ctes, assertions, conflicts = self.input.ctes()
        conflicts = conflicts + self.shape.conflicts
        ctes += self.shape.ctes
        number = () if self.shape.ctes else (Item("1", "_n"),)
        branches = " ".join(f"WHEN NOT coalesce({sql}, FALSE) THEN {literal(name)}" for name, sql in self.filters)
        left_out = f"CASE {branches} END" if branches else "CAST(NULL AS varchar)"
        source = self.shape.name
        ctes.append(
            Cte(
                "filtered",
                "which rows are left out, and why",
                (Select((*number, Item(left_out, "_left_out")), source, source),),
            )
        )
        source = "filtered"
        passed = "_left_out"
        differs = []
        if keep:
            rank, first, agreements = keep
            items = [Item(rank, "_rank")] + [Item(sql, f"_differs{n}") for n, sql in enumerate(agreements, 1)]
            ctes.append(Cte("ranked", "which rows are kept", (Select(tuple(items), source, source),)))
            source = "ranked"
            passed = f"coalesce(_left_out, CASE WHEN _rank > {first} THEN 'keep' END)"
            differs = [f"_differs{n}" for n in range(1, len(agreements) + 1)]
        for _, column, _ in conflicts:
            self.columns.carry(column, Typed(quoted(column), BOOLEAN))
        raw = [Item(c, c) for c in ("_file", "_row", "_n")] + [Item(passed, "_left_out"), Item(key, "_key")]
        raw += [Item(d, d) for d in differs]
        raw += self.columns.raw
        missing_joins = [alias for alias, (_, join) in self.input.joins.items() if join.required]
        raw += [Item(quoted(f"{alias} missing"), f"{alias} missing") for alias in missing_joins]
        ctes.append(Cte("raw", "the expressions of the map", (Select(_unique(raw), source),)))
        base = [Item(c, c) for c in ("_file", "_row", "_n", "_left_out", "_key", *differs)]
        base += [Item(quoted(f"{alias} missing"), f"{alias} missing") for alias in missing_joins]
        typed = _unique(base + self.columns.typed)
        last = "converted" if self.columns.imputed else _STEP
        ctes.append(Cte(last, "read as the types that the target asks for", (Select(typed, "raw"),)))
        if self.columns.imputed:
            ctes.append(Cte(_STEP, "partial dates filled in", (Select(tuple(self.columns.imputed), last, last),)))
        rejects = [Finding("key", "missing", "_key IS NULL")]
        rejects += [Finding(f"join {alias}", "no match", f"{quoted(f'{alias} missing')}") for alias in missing_joins]
        for name, column, rule in conflicts:
            finding = Finding(
                name, "several revisions filled" if name != "slots" else "several slots filled", quoted(column)
            )
            (rejects if rule == "reject" else self.columns.issues).append(finding)
        rejects += self.columns.rejects
        concept = next((e for e in events if not e.prefix and "concept" in e.words), None)
        if spec.on_unmapped == "reject" and concept:
            rejects.append(Finding("concept", "unmapped", 'coalesce("concept", 0) = 0'))
        issues = (
            [
                Finding(
                    f"keep {spec.keep.agree[n]}", "differs from the row that is kept", f"_left_out = 'keep' AND {d}"
                )
                for n, d in enumerate(differs)
            ]
            if spec.keep
            else []
        )
        issues += [Finding(f.field, f.reason, f"_left_out IS NULL AND {f.condition}") for f in self.columns.issues]
        after = self._after(concepts, events, rejects, issues, concept is not None)
        for name, condition, at in self.columns.too_long:
            query = f"SELECT count(*) FROM work.{quoted(spec.map)} WHERE _status = 'used' AND {condition}"
            hint = "cut them by decision with 'too_long: truncate'"
            assertions.append(
                Assertion("OM502", f"{{n}} values of '{name}' are longer than their CDM column", hint, query, at)
            )
        if spec.on_unmapped == "error" and concept:
            query = (
                f"SELECT count(*) FROM work.{quoted(spec.map)} WHERE _status = 'used' AND coalesce(\"concept\", 0) = 0"
            )
            assertions.append(
                Assertion(
                    "OM503",
                    "{n} rows have no concept, and 'on_unmapped: error' is set",
                    "map them, or choose zero or reject",
                    query,
                    spec.at("on_unmapped"),
                )
            )
        reads = [r.name for r in self.input.relations] + [r.name for r, _ in self.input.joins.values()]
        references = [name for e in events for name in e.references]
        return MapPlan(
            name=spec.map,
            at=spec.at("map"),
            reads=tuple(dict.fromkeys(reads)),
            references=tuple(dict.fromkeys(references)),
            before=tuple(ctes),
            after=tuple(after),
            lookups=tuple(concepts.lookups),
            rejects=tuple(rejects),
            issues=tuple(issues),
            imputations=tuple(self.columns.imputations),
            unmapped=tuple(self.columns.unmapped),
            outputs=tuple(outputs),
            assertions=tuple(assertions),
            constants=tuple(concepts.constants),
            filters=tuple(dict.fromkeys([name for name, _ in self.filters] + (["keep"] if keep else []))),
            columns=self._used_columns(),
            kept=self._kept(concepts, events),
        )

    def _after(
        self, concepts: Concepts, events: list[Event], rejects: list[Finding], issues: list[Finding], has_concept: bool
    ) -> list[Cte]:
        spec = self.loaded.spec
        items = [item for e in events for item in e.items] + concepts.items
        joins = [join for e in events for join in e.joins] + concepts.joins
        if not any(item.alias == "_target" for item in items):
            items.append(Item("1", "_target"))
        ctes = []
        resolved = Select(tuple(_unique(items)), _STEP, _STEP, tuple(joins))
        ctes.append(Cte("resolved", "references and concepts", (resolved,)))
        verdict = "".join(f"\n            WHEN {f.condition} THEN {n}" for n, f in enumerate(rejects, 1))
        prefix = "" if spec.to in _BY_KEY or spec.to.startswith("dsp.") else f"{literal(spec.map)} || chr(31) || "
        judged = [
            Item(f"CASE WHEN _left_out IS NOT NULL THEN 0{verdict}\n            ELSE 0 END", "_reject"),
            Item(_bits(issues), "_issues"),
            Item(_bits(self.columns.imputations), "_imputed"),
            Item(f"o_id({prefix}_key)", "_hash"),
        ]
        if spec.to == "by_domain":
            judged.append(Item(table_of_domain('"concept.domain"', spec.otherwise), "_table"))
        ctes.append(Cte("judged", "what is wrong with each row", (Select(tuple(judged), "resolved", "resolved"),)))
        if has_concept:
            hashed = Item(
                "CASE WHEN _target = 1 THEN _hash ELSE o_id(CAST(_hash AS varchar) || chr(31) || CAST(_target AS varchar)) END",
                "_id_hash",
            )
        else:
            hashed = Item("_hash", "_id_hash")
        usable = f"({_USED})"
        if spec.group:
            writes = Item(f"row_number() OVER (PARTITION BY _hash, {usable} ORDER BY _file, _row, _n) = 1", "_first")
            status = "CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected' ELSE 'used' END"
            final = Select((Item(status, "_status"), writes, hashed), "judged", "judged")
            ctes.append(Cte("final", "the status of each row", (final,)))
            return ctes
        alike = Item(f"count(*) OVER (PARTITION BY _hash, _target, {usable})", "_alike")
        ctes.append(Cte("counted", "rows with the same key", (Select((alike,), "judged", "judged"),)))
        content = self._content(events)
        window = f"(PARTITION BY _hash, _target, {usable} ORDER BY _file, _row, _n)"
        twins = [
            Item(f"CASE WHEN _alike > 1 AND {usable} THEN row_number() OVER {window} ELSE 1 END", "_nth"),
            Item(f"CASE WHEN _alike > 1 AND {usable} THEN {content} END", "_content"),
        ]
        ctes.append(Cte("numbered", "the first of them is used", (Select(tuple(twins), "counted", "counted"),)))
        same = f"_content = first_value(_content) OVER {window}"
        ctes.append(
            Cte(
                "compared",
                "",
                (Select((Item(f"CASE WHEN _nth > 1 THEN {same} END", "_same"),), "numbered", "numbered"),),
            )
        )
        status = (
            "CASE WHEN _left_out IS NOT NULL THEN 'filtered' WHEN _reject > 0 THEN 'rejected' "
            "WHEN _nth = 1 THEN 'used' WHEN _same THEN 'deduplicated' ELSE 'rejected' END"
        )
        final = Select((Item(status, "_status"), Item("TRUE", "_first"), hashed), "compared", "compared")
        ctes.append(Cte("final", "the status of each row", (final,)))
        return ctes

    def _kept(self, concepts: Concepts, events: list[Event]) -> tuple[str, ...]:
        shown = {u.value.strip('"') for u in self.columns.unmapped}
        own = [item.alias for item in (*self.columns.typed, *self.columns.imputed)]
        own = [name for name in own if not name.endswith((".full", ".hash", ".raw", ".said")) or name in shown]
        lookups = {lookup.column for lookup in concepts.lookups}
        found = [item.alias for event in events for item in event.items] + [item.alias for item in concepts.items]
        table = ["_table"] if self.loaded.spec.to == "by_domain" else []
        fixed = ["_file", "_row", "_n", "_key", "_hash", "_id_hash", "_target", "_first", "_status", "_left_out"]
        fixed += ["_reject", "_issues", "_imputed", *table]
        return tuple(
            dict.fromkeys([*fixed, *(n for n in own if n not in lookups), *(f for f in found if f != "_target")])
        )

    def _content(self, events: list[Event]) -> str:
        names = [item.alias for item in self.columns.typed if not item.alias.endswith((".full", " revisions"))]
        parts = [f"coalesce(CAST({quoted(name)} AS varchar), '')" for name in dict.fromkeys(names)]
        return " || chr(31) || ".join(parts) or "''"

    def _used_columns(self) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        names = self.input.names.used
        for relation in self.input.relations:
            renames = self.input.renames.get(relation.name, {})
            for name in names:
                column = renames.get(name, name)
                if column in relation.columns or not relation.known:
                    found.append((relation.name, column))
                    found += [(relation.name, version) for version in relation.versions.get(column, ())]
        for alias, (relation, join) in self.input.joins.items():
            found += [(relation.name, n.partition(".")[2]) for n in names if n.startswith(f"{alias}.")]
            found += [(relation.name, column) for column in join.on.values() if column in relation.columns]
        return tuple(sorted(set(found)))


_BY_KEY = ("person", "visit_occurrence", "care_site", "location", "provider")


def _bits(findings: list[Finding]) -> str:
    terms = [f"CASE WHEN {f.condition} THEN {1 << n} ELSE 0 END" for n, f in enumerate(findings)]
    return "\n            + ".join(terms) or "0"


def _unique(items: list[Item]) -> tuple[Item, ...]:
    return tuple({item.alias: item for item in items}.values())


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
    return any(writer is not plan and writer not in done for writer in needed)
