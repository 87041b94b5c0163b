"""A test from rows of the export: what a map makes of them today, to be kept.

Rows are chosen that differ in what becomes of them.  With them come the rows of other forms that the map looks
something up in, as far as they make a difference: each is left out once, and stays out if the map does the same.
Subjects get made-up names; what identifies them otherwise is never written.  Of a de-identified export the columns stay
out, too, that the project's scan takes for a person's, or for free text.

Problems:

* OM947  the export holds data of patients, as far as the project says
* OM948  there are no such rows
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omopify.compiler.plan import MapPlan, Plan, chunks
from omopify.compiler.planner import make_plan
from omopify.compiler.render import render, scopes, statements
from omopify.compiler.typed import quoted
from omopify.conversion.session import prepare_tables
from omopify.conversion.sources import create_source_tables, headers, staged
from omopify.conversion.terms import read_terms
from omopify.conversion.vocabulary import find_vocabulary, local_concepts, prepare_vocabulary, vocabulary_files
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import OmopifyError, Problem, Problems, did_you_mean
from omopify.progress import Progress, silent
from omopify.scanning.storing import SCAN_FILE, read_scan
from omopify.specs.maps import MapFile, Test
from omopify.specs.project import LoadedMap, Pack, Project
from omopify.staging import StagedSource
from omopify.testing.bench import MAKES_ROWS, Bench, Given, open_bench, used_columns
from omopify.testing.disguise import Disguise
from omopify.testing.run import chosen, framed
from omopify.testing.writing import as_yaml

_MOST = 40
"""No more rows of one form than these are looked at: a test is read by people."""

_SCAN = Path("scan", SCAN_FILE)
"""Where a project keeps the scan of its export."""

_NAMES = ("subject_id",)
"""How shared tables call the column that names the subject."""

Found = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What test is asked for."""

    map: str
    rows: int = 3
    picked: tuple[str, ...] = ()
    """``FORM:ROW``, as a spreadsheet numbers rows; without them rows are chosen."""
    data_is: str | None = None
    """``synthetic`` or ``deidentified``, if the project does not say it."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A test that was made from rows of the export, and passes."""

    map: str
    name: str
    given: Mapping[str, Sequence[Mapping[str, str | None]]]
    expect: Mapping[str, Sequence[Mapping[str, Any]]]
    about: str
    """What it is made of, in words."""

    @property
    def text(self) -> str:
        """The test as an item of ``tests:``."""
        return as_yaml(self.name, self.given, self.expect)

    def lines(self, indent: str) -> list[str]:
        """Return the lines of the test, indented."""
        return as_yaml(self.name, self.given, self.expect, indent).splitlines()


def freeze(
    project: Project, wish: Wish, out: Path | None = None, vocabulary: Path | None = None, progress: Progress = silent
) -> Frozen:
    """Make a test of a map from rows of the project's export.

    Args:
        project: whose map and export.
        wish: which map, and which rows.
        out: the output folder, if it is not the project's; it keeps what was read of the export.
        vocabulary: instead of the project's.
        progress: is told what is being done.

    Raises:
        OmopifyError: OM946 there is no such map, OM947 the export may hold data of patients, OM948 there are no such
            rows, OM903 the project's scan cannot be read, or what is wrong with maps, export or vocabulary.
    """
    chosen(project.pack, [wish.map])
    _may_be_written(project, wish)
    loaded = next(one for one in project.pack.maps if one.spec.map == wish.map)
    with _converted(project, wish, (out or project.out).absolute(), vocabulary, progress) as export:
        places = export.choose(wish)
        given, disguise, inputs = export.take(places)
        left_out = [name for form in given for name in export.kept_back(form)]
    progress("running the map on these rows")
    sample = Test(name="frozen", given={name: list(rows) for name, rows in given.items()}, expect={"rejects": "none"})
    one = loaded.spec.model_copy(update={"tests": [sample]})
    one._tree = loaded.spec._tree
    others = tuple(LoadedMap(one, m.folder, m.pack) if m is loaded else m for m in project.pack.maps)
    problems = Problems()
    found = find_vocabulary(project, problems, vocabulary)
    folder = (out or project.out).absolute()
    pack = replace(project.pack, maps=others)
    with framed(pack, found, folder, problems, progress, lambda: export.brought) as (frame, scratch):
        own = frame.steps[wish.map]
        with open_bench(frame, frame.steps_of(own, given), [given], scratch) as bench:
            given = _least(bench, own, given, inputs)
            expect = _expected(bench, own, given)
    name = _free_name(f"frozen from {len(places)} row{'s' * (len(places) > 1)} of the export", loaded.spec)
    made = Frozen(wish.map, name, given, expect, _about(given, expect, left_out))
    if disguise.told([made.text]):
        at = loaded.spec.at("map")
        hint = "it stands in a column of another name; choose other rows with --from"
        raise OmopifyError(Problem("OM948", "a subject's own name would stand in the test", at, hint))
    return made


def _free_name(name: str, spec: MapFile) -> str:
    taken = {test.name for test in spec.tests}
    others = (f"{name} ({number})" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(other for other in others if other not in taken)


def _may_be_written(project: Project, wish: Wish) -> None:
    if (wish.data_is or project.file.data_is) == "real":
        message = "rows of this export may not be written into a file: nothing says that they are not patients'"
        hint = "if they are made up or de-identified, say so: 'data_is: synthetic' or 'data_is: deidentified'"
        raise OmopifyError(Problem("OM947", message, project.file.at("data_is"), hint))


@contextmanager
def _converted(
    project: Project, wish: Wish, out: Path, vocabulary: Path | None, progress: Progress
) -> Iterator[_Export]:
    """Read the export and run the maps up to the one that is asked for."""
    pack, problems = project.pack, Problems()
    progress("checking the maps")
    found = find_vocabulary(project, problems, vocabulary)
    brought = headers(pack, project.data, problems)
    plan = make_plan(pack, brought, problems)
    terms = read_terms(pack, plan, problems, project) if plan else None
    local = local_concepts(pack, problems)
    problems.stop_if_errors()
    assert plan is not None
    assert terms is not None
    staging, cache = out / ".staging", out / ".vocabulary"
    cache.mkdir(parents=True, exist_ok=True)
    files = vocabulary_files(found, plan, cache, progress)
    sources = staged(pack, project.data, staging, problems, progress)
    is_made_up = (wish.data_is or project.file.data_is) == "synthetic"
    flagged = {} if is_made_up else _flagged(project, sources, problems)
    problems.stop_if_errors()
    own = next(step for step in plan.maps if step.name == wish.map)
    attached = [*(Attached(each) for each in ("work", "source", "vocabulary", "register"))]
    attached += [Attached(each, getattr(files, each), read_only=True) for each in ("athena", "terms")]
    with tempfile.TemporaryDirectory() as scratch, DuckDB(None, attached, [staging], Path(scratch)) as db:
        db.define_functions()
        prepare_tables(db, pack)
        steps = _needed(plan, own)
        prepare_vocabulary(Plan(plan.scopes, tuple(steps)), terms, local, db, Problems())
        create_source_tables(db, pack, plan, sources)
        for scope in scopes(plan):
            db.run(scope)
        for number, step in enumerate(steps):
            progress(f"map {step.name}", number, len(steps))
            for statement in statements(step):
                if statement.kind in MAKES_ROWS:
                    db.run(statement)
        spec = next(one.spec for one in pack.maps if one.spec.map == wish.map)
        yield _Export(pack, plan, own, spec, db, brought, flagged)


def _flagged(project: Project, sources: Mapping[str, StagedSource], problems: Problems) -> dict[str, frozenset[str]]:
    """Return which columns of each form (case folded) the project's scan takes for a person's, or for free text.

    In a form that the scan does not have, what it flags in any form is flagged.
    """
    scan = read_scan(project.folder / _SCAN, problems) if (project.folder / _SCAN).is_file() else None
    if scan is None:
        return {}
    found = {}
    for name, source in sources.items():
        files = {(file.file, file.sheet) for file in source.files}
        forms = [form for form in scan.forms if (form.file, form.sheet) in files or form.name == name] or scan.forms
        columns = [column for form in forms for column in form.columns if column.identifier or column.free_text]
        found[name] = frozenset(column.name.casefold() for column in columns)
    return found


def _needed(plan: Plan, own: MapPlan) -> list[MapPlan]:
    """Return the maps that a map needs: those that fill what it reads and refers to, and what these need."""
    wanted, named, found = {*own.reads, *own.references}, {link.map for link in own.links}, [own]
    for step in reversed(plan.maps[: plan.maps.index(own)]):
        if step.name in named or wanted & set(step.writes):
            found.insert(0, step)
            wanted |= {*step.reads, *step.references}
            named |= {link.map for link in step.links}
    return found


@dataclass
class _Export:
    """A converted export, from which rows are taken."""

    pack: Pack
    plan: Plan
    own: MapPlan
    spec: MapFile
    db: DuckDB
    brought: dict[str, dict[str, str]]
    """The columns of the export."""
    flagged: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The columns of forms that are not written, case folded."""

    def choose(self, wish: Wish) -> list[tuple[int, int]]:
        """Return the rows to be frozen, by file number and row."""
        bits = [n for n, _ in (*chunks("_issues", self.own.issues), *chunks("_imputed", self.own.imputations))]
        picked = [place for text in wish.picked for place in self._place(text)]
        rows = len(picked) or wish.rows
        sql = render("testing/chosen.sql.jinja", step=self.own, bits=bits, picked=picked, rows=rows)
        places = [(file, row) for file, row, _ in self.db.rows(sql)]
        if not places:
            message = f"map '{wish.map}' reads none of these rows" if picked else f"map '{wish.map}' finds no row"
            reads = ", ".join(self.own.reads)
            raise OmopifyError(Problem("OM948", message, self.spec.at("map"), f"it reads: {reads}"))
        return list(dict.fromkeys(places))

    def _place(self, text: str) -> list[tuple[int, int]]:
        form, _, row = text.rpartition(":")
        known = {name.casefold(): name for name in self.pack.sources}
        if form.casefold() not in known or not row.isdigit():
            near = did_you_mean(form, self.pack.sources) if row.isdigit() else ""
            hint = near or f"write FORM:ROW, such as {next(iter(self.pack.sources))}:17"
            raise OmopifyError(Problem("OM948", f"there is no row '{text}'", None, hint))
        sql = render("testing/file_numbers.sql")
        return [(number, int(row)) for (number,) in self.db.rows(sql, {"source": known[form.casefold()]})]

    def take(self, places: Sequence[tuple[int, int]]) -> tuple[Given, Disguise, tuple[str, ...]]:
        """Return the rows, and those of the same subjects that the map may need, with made-up names."""
        inputs = self._inputs()
        whole = bool(self.spec.group or self.spec.keep or self.spec.window or self.spec.sql)
        rows = {name: self._rows(name, places=places) for name in inputs}
        named = {name: column for name in inputs if (column := self._subject(name))}
        subjects = [subject for name in named for row in rows[name] if (subject := row.get(named[name]))]
        forms = [scope.columns[0][0] for scope in self.plan.scopes if scope.columns]
        reads = dict.fromkeys([*(name for step in self._steps() for name in step.reads), *forms])
        for name in reads:
            if self._subject(name) and subjects and (whole or name not in inputs):
                rows[name] = self._rows(name, subjects=tuple(dict.fromkeys(subjects)))
        disguise = Disguise()
        for subject in subjects:
            disguise.name(subject)
        given = {
            name: [self._filled(name, disguise.row(row, self._subject(name))) for row in found]
            for name, found in rows.items()
            if found
        }
        return given, disguise, inputs

    def _steps(self) -> list[MapPlan]:
        """Return the maps that the test will run: the one that is frozen, and those whose rows it refers to."""
        others = [step for step in _needed(self.plan, self.own) if not step.writes[0].startswith("dsp.")]
        return [*(step for step in others if step is not self.own), self.own]

    def _inputs(self) -> tuple[str, ...]:
        spec = self.spec
        return (spec.source_from,) if spec.source_from else tuple(spec.union) or spec.reads

    def _rows(
        self, name: str, places: Sequence[tuple[int, int]] = (), subjects: Sequence[str] = ()
    ) -> list[dict[str, str | None]]:
        columns, subject = self._columns(name), self._subject(name)
        table = f"dsp.{quoted(name[4:])}" if name.startswith("dsp.") else f"source.main.{quoted(name)}"
        sql = render(
            "testing/taken.sql.jinja", table=table, columns=columns, places=list(places), subject=subject, most=_MOST
        )
        found = self.db.rows(sql, None if places else {"subjects": list(subjects)})
        texts = [[None if value is None else _text(value) for value in row] for row in found]
        return [dict(zip(columns, row, strict=True)) for row in texts]

    def _columns(self, name: str) -> list[str]:
        """Return the columns of a form that maps use, without those that identify a subject in another way."""
        pairs = used_columns(Plan(self.plan.scopes, tuple(self._steps())))
        used = {column.casefold() for source, column in pairs if source == name}
        subject = self._subject(name)
        there = self._there(name)
        if name.startswith("dsp."):
            fields = self.pack.tables[name[4:]].fields
            return [c for c in there if c in fields and (c.casefold() in used or fields[c].required or c == subject)]
        never = {c.casefold() for c in self.pack.trial.identifiers} | self.flagged.get(name, frozenset())
        never -= {(subject or "").casefold()}
        wanted = used | {(subject or "").casefold()}
        return [c for c in there if c.casefold() in wanted and c.casefold() not in never]

    def kept_back(self, name: str) -> list[str]:
        """Return the columns of a form that the test would use, if the scan did not flag them."""
        flagged = self.flagged.get(name, frozenset())
        pairs = dict.fromkeys(used_columns(Plan(self.plan.scopes, tuple(self._steps()))))
        subject = (self._subject(name) or "").casefold()
        return [f"{name}.{c}" for form, c in pairs if form == name and c.casefold() in flagged - {subject}]

    def _there(self, name: str) -> list[str]:
        table = f"dsp.{quoted(name[4:])}" if name.startswith("dsp.") else f"source.main.{quoted(name)}"
        return [row[0] for row in self.db.rows(render("testing/columns.sql.jinja", table=table))]

    def _subject(self, name: str) -> str | None:
        folded = {column.casefold(): column for column in self._there(name)}
        names = (*(_NAMES if name.startswith("dsp.") else ()), *self.pack.trial.identifiers)
        return next((folded[each.casefold()] for each in names if each.casefold() in folded), None)

    def _filled(self, name: str, row: Mapping[str, str | None]) -> dict[str, str | None]:
        return {column: value for column, value in row.items() if value is not None}


def _least(bench: Bench, own: MapPlan, given: Given, inputs: Sequence[str]) -> Given:
    """Leave out the rows of other forms that make no difference to what the map gives."""
    wanted = _expected(bench, own, given)
    for name in [name for name in given if name not in inputs]:
        without = {other: rows for other, rows in given.items() if other != name}
        if _expected(bench, own, without) == wanted:
            given = without
            continue
        for row in list(given[name]):
            rows = [other for other in given[name] if other is not row]
            fewer = {**given, name: rows}
            if rows and _expected(bench, own, fewer) == wanted:
                given = fewer
    return given


def _expected(bench: Bench, own: MapPlan, given: Given) -> Found:
    """Return what a map makes of rows, as a test expects it: filled fields, without ids that are given by chance."""
    broken = bench.run(own, given, ("rejects", "value_issues", "imputations", "filters", "unmapped"))
    if broken:
        message = f"a run would stop at these rows: {broken.message.replace('{n}', str(bench.broken))}"
        raise OmopifyError(Problem("OM948", message, broken.at, broken.hint))
    tables = {table.removeprefix("cdm."): bench.rows(table, own.name) for table in own.writes}
    found: Found = {table: [_told(table, row) for row in rows] for table, rows in tables.items() if rows}
    found = found or {next(iter(tables)): []}
    for name, columns in _ACCOUNTING.items():
        rows = [{column: row[column] for column in columns} for row in bench.rows(name, own.name)]
        if rows and (name != "filters" or any(row["rows"] for row in rows)):
            found[name] = sorted(rows, key=lambda row: [str(value) for value in row.values()])
    return found


_ACCOUNTING = {
    "rejects": ("field", "reason"),
    "value_issues": ("field", "reason"),
    "imputations": ("field", "rule"),
    "filters": ("filter", "rows"),
    "unmapped": ("field", "source_value", "rows"),
}


def _told(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    filled = {name: value for name, value in row.items() if value is not None}
    return {name: _plain(value) for name, value in filled.items() if not _is_of_chance(table, name)}


def _is_of_chance(table: str, name: str) -> bool:
    """Say whether a column holds an id of OMOP, which depends on the rows that were there before, or a row's place."""
    given = name.endswith("_id") and not name.endswith("concept_id") and not table.startswith("dsp.")
    return given or name.startswith(("fact_id", "_")) or name == "trial"


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int)) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _about(given: Given, expect: Mapping[str, Sequence[object]], left_out: Sequence[str]) -> str:
    rows = ", ".join(f"{len(found)} of {name}" for name, found in given.items())
    gives = ", ".join(f"{len(found) or 'none'} of {name}" for name, found in expect.items())
    less = f"; left out, since {_SCAN.as_posix()} takes it for a person's or free text: {', '.join(left_out)}"
    return f"rows given: {rows}; expected: {gives}{less if left_out else ''}"
