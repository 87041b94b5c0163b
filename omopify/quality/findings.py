"""What a report shows beside the checks: where rows went, what was lost, and pictures of the persons.

Everything is counted in the database, by statements that stand in ``sql/quality/findings``.  No text of the export is
taken: names of visits are read by pattern, responses and sexes by their value sets, ages in bands, dates in months.
The one exception are terms without a concept, which are values: they come along only where the user asks for them.
A database without the schemas ``dsp`` and ``audit``, such as a partner's CDM, gives fewer findings.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omopify import cdm
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import OmopifyError
from omopify.quality.model import Context, Coverage, Findings, Link, Loss, MapRows, Picture, Unmapped
from omopify.specs.maps import MapFile
from omopify.specs.project import Project

_ERAS: Mapping[str, tuple[str, ...]] = {"eras.drug": ("drug_exposure",), "eras.condition": ("condition_occurrence",)}
"""What the eras, which are no maps, are made of."""

PROPOSALS = (10, 30)
"""For so many terms, the most frequent, the search is asked; first for ten where the vocabulary is large."""
_OF_A_FIELD = 5
"""So many of them may be of one field."""
SECONDS = 0.4
"""How long all terms may take, reckoned by those that were looked for first."""
_QUICK = 20_000_000
"""Bytes of a vocabulary file that is indexed for search in a moment; the index of a larger one must be there."""

_DSP = "dsp."
_RESPONSES = ("CR", "iCR", "PR", "iPR", "SD", "iSD", "PD", "iUPD", "iCPD")
"""Responses in the order in which they are drawn, where no shared model says one."""

_Draw = Callable[[DuckDB, Context], Picture]
_Rows = list[tuple[Any, ...]]


def find(
    db: DuckDB, project: Project | None, context: Context, manifest: Mapping[str, Any], show_terms: bool
) -> Findings:
    """Count what a report shows beside the checks.

    Args:
        db: the result, open for reading.
        project: the project that made it, which says what each map reads; None for a database from elsewhere.
        context: which schemas the result has, and the shared model's value sets.
        manifest: the run's manifest, for the order of the maps; may be empty.
        show_terms: whether terms without a concept are named, where they stand in at least as many rows as the
            project's small-cell limit.
    """
    if "audit" not in context.schemas:
        return Findings(pictures=_pictures(db, context))
    maps = _maps(db, manifest)
    return Findings(
        flow=_flow(db, maps, "dsp" in context.schemas),
        maps=maps,
        unmapped=_unmapped(db, project, show_terms),
        losses=tuple(Loss(*row) for row in db.rows(render("quality/findings/losses.sql"))),
        coverage=tuple(Coverage(*row) for row in db.rows(render("quality/findings/coverage.sql"))),
        pictures=_pictures(db, context),
    )


def place_of(sources: Sequence[str]) -> tuple[str, str]:
    """Return stage and name of the place that a map reads, as links call it; of several the first is named."""
    first, *others = (source.removeprefix(_DSP) for source in sources)
    name = first if not others else f"{first} + {others[0]}" if len(others) == 1 else f"{first} + {len(others)} more"
    return "harmonised" if sources[0].startswith(_DSP) else "form", name


def _maps(db: DuckDB, manifest: Mapping[str, Any]) -> tuple[MapRows, ...]:
    order = {name: place for place, name in enumerate(manifest.get("order", ()))}
    found = [
        MapRows(name, tuple(sources) or _ERAS.get(name, ()), tuple(targets), *counts)
        for name, sources, targets, *counts in db.rows(render("quality/findings/maps.sql"))
    ]
    return tuple(sorted(found, key=lambda one: (order.get(one.map, len(order)), one.map)))


def _flow(db: DuckDB, maps: Sequence[MapRows], harmonised: bool) -> tuple[Link, ...]:
    """Return the links between forms, harmonised tables and the CDM."""
    known = [one for one in maps if one.sources and one.map not in _ERAS]
    by_form = _by_form(db, known) if harmonised else []
    exactly = {table for table, _, _ in by_form}
    written = [row for row in db.rows(render("quality/findings/written.sql")) if row[1] not in exactly]
    links: Counter[tuple[Any, Any, Any, Any]] = Counter()
    for table, form, rows in by_form:
        links["form", form, *_place(table)] += rows
    for one in known:
        for _, table, rows in (row for row in written if row[0] == one.map):
            links[*place_of(one.sources), *_place(table)] += rows
    for place, what, rows in _left_out(db, known, harmonised):
        links[*place_of((place,)), "left out", what] += rows
    return tuple(Link(*ends, rows=rows) for ends, rows in sorted(links.items()) if rows)


def _left_out(db: DuckDB, maps: Sequence[MapRows], harmonised: bool) -> list[tuple[str, str, int]]:
    """Return (place, why, rows) for rows of forms and harmonised tables of which no map has used anything.

    Maps share a form: what one filters another one uses.  So rows are counted, not readings.  Some tables of the CDM
    (DEATH, COHORT) do not say where their rows come from; what a single map left out is then the most that can be.
    """
    tables = sorted({source.removeprefix(_DSP) for one in maps for source in one.sources if source.startswith(_DSP)})
    made = {
        table: sorted(
            {_place(to)[1] for one in maps for to in one.targets if to.startswith(_DSP) and _DSP + table in one.sources}
        )
        for table in tables
    }
    every = sorted({*tables, *(_place(to)[1] for one in maps for to in one.targets if to.startswith(_DSP))})
    counted = db.rows(render("quality/findings/left_out_forms.sql.jinja", harmonised=every if harmonised else []))
    if tables and harmonised:
        counted += db.rows(render("quality/findings/left_out_harmonised.sql.jinja", places=made))
    found = []
    for place, rows, used, rejected in counted:
        readers = [one for one in maps if place in one.sources]
        # a map that reads the place row by row, not cells or pieces of rows, and no other place
        alike = [one for one in readers if len(one.sources) == 1 and one.read == rows]
        # a row of several forms says only where the first of them is from, so that all of a form may seem unused
        unknown = all(len(one.sources) > 1 and one.written < one.used for one in readers)
        rest = rejected if unknown else min([rows - used, *(one.read - one.used for one in alike)])
        rejected = min(rejected, rest)
        duplicate = min(max((one.duplicate for one in alike or readers), default=0), rest - rejected)
        found += [(place, "rejected", rejected), (place, "duplicate", duplicate)]
        found.append((place, "filtered", rest - rejected - duplicate))
    return found


def _by_form(db: DuckDB, maps: Iterable[MapRows]) -> list[tuple[str, str, int]]:
    """Return (harmonised table, form, rows) of tables that maps write from several forms: their rows know the form."""
    writers: dict[str, list[MapRows]] = {}
    for one in maps:
        for table in one.targets:
            writers.setdefault(table, []).append(one)
    tables = [
        table.removeprefix(_DSP)
        for table, some in writers.items()
        if table.startswith(_DSP)
        and any(len(one.sources) > 1 for one in some)
        and not any(source.startswith(_DSP) for one in some for source in one.sources)
    ]
    if not tables:
        return []
    rows = db.rows(render("quality/findings/written_by_form.sql.jinja", tables=tables))
    return [(_DSP + table, form, count) for table, form, count in rows]


def _place(table: str) -> tuple[str, str]:
    return ("harmonised", table.removeprefix(_DSP)) if table.startswith(_DSP) else ("omop", table)


def _unmapped(db: DuckDB, project: Project | None, show_terms: bool) -> tuple[Unmapped, ...]:
    rows = db.rows(render("quality/findings/unmapped.sql"))
    least = project.file.quality.small_cell if project and show_terms else None
    found = [
        Unmapped(name, field, number, count, term if least is not None and count >= least else None)
        for name, field, number, count, term in rows
    ]
    proposed = _proposals(project, rows) if project else {}
    return tuple(replace(one, **proposed.get(place, {})) for place, one in enumerate(found))


def _proposals(project: Project, rows: _Rows) -> dict[int, dict[str, Any]]:
    """Return what the search proposes for the most frequent terms, by their place, if its index is at hand."""
    vocabulary = _vocabulary(project)
    specs = {loaded.spec.map: loaded.spec for loaded in project.pack.maps}
    # what ends in a digit is an item of a questionnaire, or a code: no words that could be looked for
    asked = [
        (place, name, field, rows, term)
        for place, (name, field, number, rows, term) in enumerate(rows)
        if number <= _OF_A_FIELD and term and not term[-1].isdigit()
    ]
    if vocabulary is None or not asked:
        return {}
    from omopify.vocabulary.search.index import index_places, open_search
    from omopify.vocabulary.suggestion.suggest import GOOD, Request, suggest

    is_small = vocabulary.stat().st_size <= _QUICK
    if not is_small and not any(place.is_file() for place in index_places(vocabulary)):
        return {}
    found: dict[int, dict[str, Any]] = {}
    started = time.perf_counter()
    try:
        with open_search(vocabulary) as search:
            done = 0
            for number in PROPOSALS[-1:] if is_small else PROPOSALS:
                if done and (time.perf_counter() - started) * number / done > SECONDS:
                    break
                some, done = asked[done:number], number
                requests = [
                    Request(term, count, _domains(specs.get(name), field)) for _, name, field, count, term in some
                ]
                for (place, *_), suggestion in zip(some, suggest(requests, search, limit=1), strict=True):
                    best = suggestion.best
                    if best and best.score >= GOOD:
                        found[place] = {
                            "concept_id": best.targets[0].concept_id,
                            "concept_name": " + ".join(target.name for target in best.targets),
                            "vocabulary": best.targets[0].vocabulary_id,
                            "score": round(best.score, 2),
                        }
    except OmopifyError:  # a proposal is a help: a vocabulary that cannot be searched must not stop the report
        return {}
    return found


def _vocabulary(project: Project) -> Path | None:
    """Return the file with the project's vocabulary: the one that it names, or that its last run has made."""
    named = [project.folder / name for name in project.file.vocabulary if name.endswith(".duckdb")]
    made = sorted((project.out / ".vocabulary").glob("vocabulary-*.duckdb"))
    return next((path for path in (*named, *made) if path.is_file()), None)


def _domains(spec: MapFile | None, field: str) -> tuple[str, ...]:
    """Return the domain that the CDM asks of a map's field, if it asks for one."""
    table = cdm.tables().get(spec.to) if spec else None
    column = cdm.words(table.name).get(field) if table else None
    domain = table.field(column).domain if table and column else None
    return (domain,) if (domain and cdm.domain_table(domain)) or domain == "Unit" else ()


def _pictures(db: DuckDB, context: Context) -> tuple[Picture, ...]:
    """Return the pictures that the database's tables allow."""
    if "dsp" in context.schemas:
        ways: tuple[tuple[_Draw, ...], ...] = (
            (_persons_by_month,), (_age_sex,), (_visits, _visits_of_cdm), (_grades,), (_responses, _responses_of_cdm),
        )  # fmt: skip
    else:
        ways = ((_persons_by_month,), (_age_sex,), (_visits_of_cdm,), (_responses_of_cdm,))
    drawn = (next(filter(None, (_drawn(draw, db, context) for draw in some)), None) for some in ways)
    return tuple(picture for picture in drawn if picture)


def _drawn(draw: _Draw, db: DuckDB, context: Context) -> Picture | None:
    try:
        picture = draw(db, context)
    except OmopifyError:  # a table or a column is missing: a check of its own says so
        return None
    return picture if picture.rows else None


def _persons_by_month(db: DuckDB, context: Context) -> Picture:
    rows = db.rows(render("quality/findings/persons_by_month.sql.jinja", cdm=context.cdm))
    width = rows[0][2] if rows else 1
    each = {1: "month", 3: "quarter"}.get(width, "year")
    return Picture(
        id="persons_by_month",
        title="Persons over time",
        note=f"Persons by the {each} in which they come under observation."
        + ("" if width == 1 else f" The {each} is named by its first month."),
        kind="bars",
        columns=("month", "persons"),
        rows=tuple((month, persons) for month, persons, _ in rows),
        x="month",
        y="persons",
        counts=("persons",),
    )


def _age_sex(db: DuckDB, context: Context) -> Picture:
    return Picture(
        id="age_sex",
        title="Age and sex",
        note="Persons by age in years when they come under observation, reckoned by the year of birth, and by sex.",
        kind="stacked bars",
        columns=("age", "sex", "persons"),
        rows=tuple(db.rows(render("quality/findings/age_sex.sql.jinja", cdm=context.cdm))),
        x="age",
        y="persons",
        series="sex",
        counts=("persons",),
    )


def _visits(db: DuckDB, context: Context) -> Picture:
    return _visited(
        db.rows(render("quality/findings/visits_dsp.sql")),
        "Treated persons with a visit of this name, of those who were still followed in that week. A gap means visits "
        "that were not held, or not recorded. Visits at no planned time have no 'of'.",
    )


def _visits_of_cdm(db: DuckDB, context: Context) -> Picture:
    return _visited(
        db.rows(render("quality/findings/visits_cdm.sql.jinja", cdm=context.cdm)),
        "Persons with a visit in these months of their observation, of those who were still observed then.",
    )


def _visited(rows: _Rows, note: str) -> Picture:
    return Picture(
        id="visits",
        title="Visits against the schedule",
        note=note,
        kind="bars",
        columns=("visit", "week", "persons", "of"),
        rows=tuple(rows) if any(persons for _, _, persons, _ in rows) else (),
        x="visit",
        y="persons",
        counts=("persons", "of"),
    )


def _grades(db: DuckDB, context: Context) -> Picture:
    return Picture(
        id="ae_grades",
        title="Adverse events by grade",
        note="Adverse events by CTCAE grade, serious or not.",
        kind="stacked bars",
        columns=("grade", "serious", "events"),
        rows=tuple(db.rows(render("quality/findings/ae_grades.sql"))),
        x="grade",
        y="events",
        series="serious",
        counts=("events",),
    )


def _responses(db: DuckDB, context: Context) -> Picture:
    table = context.tables.get("tumour_assessment")
    field = table.fields.get("response") if table else None
    known = list(field.values) if field else list(_RESPONSES)
    rows = db.rows(render("quality/findings/responses_dsp.sql"), {"responses": known})
    return _answered(rows, "Assessments of the tumour by weeks since treatment began")


def _responses_of_cdm(db: DuckDB, context: Context) -> Picture:
    sql = render("quality/findings/responses_cdm.sql.jinja", cdm=context.cdm)
    rows = db.rows(sql, {"responses": list(_RESPONSES)})
    return _answered(rows, "Assessments of the tumour by weeks since the person came under observation")


def _answered(rows: _Rows, what: str) -> Picture:
    return Picture(
        id="responses_by_week",
        title="Response by week",
        note=f"{what}, in steps of eight (week 8 is from week 4 to week 12), and the response. "
        "Week 104 is all that is later.",
        kind="stacked bars",
        columns=("week", "response", "assessments"),
        rows=tuple(rows),
        x="week",
        y="assessments",
        series="response",
        counts=("assessments",),
    )
