"""Put together the document about a project's mapping, from the files that run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from omopify import __version__
from omopify.compiler.codelists import inputs_of
from omopify.compiler.plan import MapPlan, Plan
from omopify.compiler.planner import make_plan
from omopify.compiler.render import statements
from omopify.conversion.sources import headers
from omopify.describing import model
from omopify.describing.counted import Counts, count
from omopify.describing.forms import read_by, scope, sources
from omopify.describing.targets import harmonised, omop
from omopify.describing.wording import Part, sentences
from omopify.errors import Location, OmopifyError, Problems
from omopify.resources import data
from omopify.specs.maps import Test
from omopify.specs.packs import ModelField
from omopify.specs.project import DATABASE, MANIFEST, LoadedMap, Project, shown
from omopify.specs.reviews import Reviewed, reviews
from omopify.vocabulary.files.concept_files import read_concept_file

MOST_TERMS = 2000
"""Rows of a concept file that the document lists; a longer one is looked at as the file that it is."""

_CLAUSES = ("to", "from", "union", "sql", "reads", "gives", "join", "split", "unpivot", "slots", "versions", "where",
            "keep", "group", "window", "key", "known_by", "on_unmapped", "too_long", "partial")  # fmt: skip
_NEVER = ("trial", "id")
"""Facts that are shown as the trial's name."""


def document(project: Project, problems: Problems) -> model.Mapping:
    """Return the document about a project's mapping.

    Columns and labels are those of the export, if it is there and fits; else those of the pack's list.  Counts are from
    the last result, if there is one.

    Args:
        project: whose mapping.
        problems: where mistakes in maps go, and the warning OM970 that a result or an export could not be used.

    Raises:
        OmopifyError: maps have mistakes, or ``reviews.csv`` cannot be read.
    """
    brought = _headers(project, problems)
    plan = make_plan(project.pack, brought, problems)
    problems.stop_if_errors()
    assert plan is not None
    counts, result = _counts(project, problems)
    return _Document(project, plan, brought, counts, result, reviews(project, problems), problems).whole()


def as_data(mapping: model.Mapping) -> dict[str, Any]:
    """Return the document as JSON has it."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(mapping)))
    return plain


def _headers(project: Project, problems: Problems) -> dict[str, dict[str, str]]:
    if not project.data.is_dir():
        return {}
    own = Problems()
    found = headers(project.pack, project.data, own)
    if own.errors:
        message = "the export does not fit the maps, so the columns are those of the maps' own list"
        hint = "'omopify check' says what is wrong with it"
        problems.add("OM970", message, Location(shown(project.data)), hint, "warning")
        return {}
    return found


def _counts(project: Project, problems: Problems) -> tuple[Counts | None, model.Result | None]:
    database = project.out / DATABASE
    if not database.is_file():
        return None, None
    limit = project.file.quality.small_cell
    try:
        counts = count(database, limit)
        run = json.loads((project.out / MANIFEST).read_text(encoding="utf-8"))["run"]["started"]
    except (OmopifyError, OSError, ValueError, LookupError):
        message = "the last result cannot be read, so the document has no counts"
        hint = "is it open in another program, or from an older omopify? 'omopify run' makes it anew"
        problems.add("OM970", message, Location(shown(database)), hint, "warning")
        return None, None
    return counts, model.Result(str(run)[:10], limit)


@dataclass
class _Document:
    project: Project
    plan: Plan
    brought: Mapping[str, Mapping[str, str]]
    counts: Counts | None
    result: model.Result | None
    reviewed: Sequence[Reviewed]
    problems: Problems
    states: dict[str, model.State] = field(init=False)

    def __post_init__(self) -> None:
        self.states = {
            one.part: model.State(
                one.part,
                _relative(one.file),
                one.status,
                one.author,
                one.reviewer,
                one.date,
                one.note,
                shared=_is_shared(one.file, self.project),
            )
            for one in self.reviewed
        }

    def whole(self) -> model.Mapping:
        pack, trial = self.project.pack, self.project.pack.trial
        steps = {step.name: step for step in self.plan.maps}
        described = {loaded.spec.map: sentences(loaded, pack, self.brought).parts for loaded in pack.maps}
        asked = self._ask(described)
        maps = tuple(
            self._map(loaded, steps[loaded.spec.map], described[loaded.spec.map], asked)
            for loaded in sorted(pack.maps, key=lambda one: one.spec.map)
        )
        return model.Mapping(
            schema_version=model.SCHEMA_VERSION,
            omopify=__version__,
            fingerprint=fingerprint(self.reviewed),
            approved=bool(self.reviewed) and not any(one.is_open for one in self.reviewed),
            trial=trial.trial,
            pack=pack.folder.name,
            name=trial.name,
            facts=tuple(model.Fact(name, said) for name, said in trial.stated().items() if said and name not in _NEVER),
            edc=trial.edc,
            model=pack.model.name if pack.model else "",
            model_version=pack.model.version if pack.model else "",
            scope=scope(pack),
            eras=tuple(
                f"{table.upper()} is made of all events; up to {days} days may lie between two of one era."
                for table, days in pack.eras.tables().items()
            ),
            result=self.result,
            sources=sources(pack, self.plan, self.brought, self.counts),
            harmonised=harmonised(pack, maps),
            omop=omop(self.plan, maps),
            maps=maps,
            concept_files=tuple(self._concept_files(maps)),
            states=tuple(self.states.values()),
            flow=_flow(maps, {loaded.spec.map: inputs_of(loaded.spec) for loaded in pack.maps}),
        )

    def _ask(self, described: Mapping[str, Sequence[Part]]) -> set[object]:
        """Ask for the counts of all value maps, so that what is hidden is decided for all of them together."""
        asked: set[object] = set()
        if self.counts is None:
            return asked
        for name, parts in described.items():
            for part in parts:
                if part.values:
                    pairs = [(origin.source, origin.column.casefold()) for origin in part.origins]
                    if self.counts.ask((name, part.path), pairs, [row.value for row in part.values.rows]):
                        asked.add((name, part.path))
        self.counts.mask()
        return asked

    def _map(self, loaded: LoadedMap, step: MapPlan, parts: Sequence[Part], asked: set[object]) -> model.Map:
        spec = loaded.spec
        rules = [self._rule(loaded, part, (spec.map, part.path) in asked) for part in parts]
        attributes = tuple(
            (name, tuple(rule for rule in rules if rule.part.path[:2] == ("attributes", name)))
            for name in spec.attributes
        )
        clauses = tuple(rule for rule in rules if rule.part.path[0] in _CLAUSES)
        fields = tuple(rule for rule in rules if rule.part.path[0] not in (*_CLAUSES, "attributes"))
        return model.Map(
            anchor=f"map-{spec.map}",
            name=spec.map,
            pack=loaded.pack,
            file=_file(loaded),
            to=spec.to,
            reads=read_by(loaded),
            writes=tuple(table.removeprefix("cdm.") for table in step.writes),
            clauses=clauses,
            fields=fields,
            attributes=attributes,
            note=spec.note,
            examples=tuple(_example(test) for test in spec.tests),
            state=self.states.get(f"map:{spec.map}"),
            sql="\n\n".join(s.sql for s in statements(step) if s.kind == "map"),
        )

    def _rule(self, loaded: LoadedMap, part: Part, counted: bool) -> model.Rule:
        name, spec = loaded.spec.map, loaded.spec
        anchor = "-".join(["map", name, "", *(str(step) for step in part.path)])
        table = self.project.pack.tables.get(spec.to.removeprefix("dsp.")) if spec.to.startswith("dsp.") else None
        wanted = table.fields.get(part.name) if table and part.path[0] == "set" else None
        wanted = wanted or ModelField()
        answers = None
        if part.values:
            told = self.counts.told if self.counts and counted else lambda _: None
            rows = tuple(
                model.Answer(row.value, row.becomes, row.note, told(((name, part.path), row.value)))
                for row in part.values.rows
            )
            answers = model.Answers(part.values.file, rows, part.values.otherwise, told(((name, part.path), None)))
        shape = (wanted.required, tuple(wanted.values), wanted.unit, wanted.definition)
        return model.Rule(anchor, replace(part, values=None), wanted.type if table else "", *shape, answers)

    def _concept_files(self, maps: Sequence[model.Map]) -> Iterator[model.ConceptFile]:
        users: dict[str, list[str]] = {}
        for one in maps:
            for rule in (*one.fields, *(rule for _, rules in one.attributes for rule in rules)):
                for name in rule.part.concept_files:
                    users.setdefault(name, []).append(one.name)
        for name in sorted(users):
            shipped, own = self.project.concept_file(name)
            terms = [*self._terms(own, own=True), *self._terms(shipped, own=False)]
            statuses: dict[str, int] = {}
            for term in terms:
                statuses[term.status] = statuses.get(term.status, 0) + 1
            yield model.ConceptFile(
                anchor="concepts-" + name.replace("/", "-").removesuffix(".csv"),
                name=name,
                file=name,
                own=own.relative_to(self.project.folder).as_posix() if own.is_file() else "",
                statuses=tuple(sorted(statuses.items())),
                maps=tuple(dict.fromkeys(users[name])),
                terms=tuple(terms) if len(terms) <= MOST_TERMS else (),
                state=self.states.get(f"concepts:{name}"),
            )

    def _terms(self, path: Path, *, own: bool) -> Iterator[model.Term]:
        found = read_concept_file(path, self.problems) if path.is_file() else None
        for row in found.rows if found else ():
            yield model.Term(
                " · ".join(row.said), row.concept_id, row.concept_name, row.status, row.equivalence, row.comment, own
            )  # fmt: skip


def _is_shared(path: str, project: Project) -> bool:
    file = Path(path).resolve()
    return file.is_relative_to(data("mappings").resolve()) and not file.is_relative_to(project.pack.folder.resolve())


def fingerprint(reviewed: Sequence[Reviewed]) -> str:
    """Return twelve letters that tell one version of a mapping from another: of what all its parts say."""
    said = json.dumps(sorted((one.part, one.sha256) for one in reviewed if not one.is_gone))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _file(loaded: LoadedMap) -> str:
    path = Path(loaded.spec.at().path)
    return f"{loaded.pack}/{path.name}"


def _relative(file: str) -> str:
    """Return the last folders of a file, which are the same on every computer."""
    return "/".join(Path(file).parts[-3:])


def _example(test: Test) -> model.Example:
    return model.Example(
        test.name,
        tuple(_rows(table, rows) for table, rows in test.given.items()),
        tuple(_rows(table, rows) for table, rows in test.expect.items()),
    )


def _rows(table: str, rows: object) -> model.Rows:
    if not isinstance(rows, list):
        return model.Rows(table, (), None)
    columns = tuple(dict.fromkeys(str(name) for row in rows for name in row))
    cells = tuple(tuple(_cell(row, name) for name in columns) for row in rows)
    return model.Rows(table, columns, cells)


def _cell(row: Mapping[str, object], name: str) -> str | None:
    """Return a cell of a test; None if the row does not name the column."""
    if name not in row:
        return None
    value = row[name]
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _flow(maps: Sequence[model.Map], inputs: Mapping[str, Sequence[str]]) -> tuple[model.Link, ...]:
    """Return what becomes what; a form or table that is only looked into becomes nothing."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for one in maps:
        for read in inputs[one.name]:
            start = ("harmonised", read.removeprefix("dsp.")) if read.startswith("dsp.") else ("form", read)
            for table in one.writes:
                end = ("harmonised", table.removeprefix("dsp.")) if table.startswith("dsp.") else ("omop", table)
                found.setdefault((*start, *end), []).append(one.name)
    return tuple(model.Link(*key, tuple(names)) for key, names in found.items())  # type: ignore[arg-type]
