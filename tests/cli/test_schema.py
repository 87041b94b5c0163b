"""The JSON Schemas say what the models say: they are current, and take and refuse the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BeforeValidator

from omopify.errors import Problems
from omopify.resources import data
from omopify.specs.model import Model, build
from omopify.specs.quality import read_quality_file, read_suite
from omopify.specs.schema import FILES, _Generator, json_schema, json_schema_text
from omopify.specs.yamlfile import parse_yaml

ROOT = Path(__file__).parents[2]
SHIPPED = [
    *sorted(ROOT.glob("mappings/**/*.yaml")),
    *sorted(path for path in ROOT.glob("quality/**/*.yaml") if path.name != "check_types.yaml"),
    *sorted(ROOT.glob("examples/**/omopify.yaml")),
]


def kind_of(path: Path) -> str:
    named = {"trial.yaml": "trial", "model.yaml": "model", "omopify.yaml": "project"}
    if ROOT / "quality" in path.parents:
        return "suite"
    return named.get(path.name) or ("table" if path.parent.name == "dsp" else "map")


def home(kind: str) -> Path:
    """Where the checked-in schema of a kind of file is."""
    return data("quality" if kind in ("suite", "changes", "waivers") else "mappings", f"{kind}.schema.json")


def mistakes(kind: str, tree: Any) -> list[str]:
    return [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(json_schema(kind)).iter_errors(tree)
    ]


@pytest.mark.parametrize("kind", FILES)
def test_the_checked_in_schemas_are_current(kind: str) -> None:
    path = home(kind)
    assert path.read_text(encoding="utf-8") == json_schema_text(kind), (
        f"run: omopify schema {kind} --out {path.parent.name}"
    )


@pytest.mark.parametrize("kind", FILES)
def test_the_schemas_are_schemas(kind: str) -> None:
    Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_shipped_file_fits_its_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert mistakes(kind_of(path), parse_yaml(text, path.name)) == []
    named = re.search(r"^# yaml-language-server: \$schema=(\S+)", text, re.MULTILINE)
    if named:
        assert (path.parent / named[1]).resolve() == home(kind_of(path)).resolve()


def map_with(text: str) -> str:
    return f"map: m\nto: dsp.t\n{'' if re.search('^(from|union|sql):', text, re.MULTILINE) else 'from: ae'}\n{text}\n"


@pytest.mark.parametrize(
    "text",
    [
        # a field: an expression, a number, true or false, several to choose from, or in full
        "set: {a: COLUMN}",
        "set: {a: 1}",
        "set: {a: 1.5}",
        "set: {a: true}",
        "set: {a: [FIRST, SECOND, 0]}",
        "set: {a: {value: COLUMN}}",
        "set: {a: {value: [FIRST, SECOND], partial: latest, not_before: b, note: as agreed}}",
        "set: {a: {constant: text}}",
        "set: {a: {constant: 5}}",
        "set: {a: {value: COLUMN, map: values/a.csv}}",
        "set: {a: {value: COLUMN, map: {1: true, 0: false, x: null, y: 2}}}",
        "set: {a: {value: COLUMN, map: {file: values/a.csv, values: {1: yes}}, otherwise: other}}",
        "set: {a: {value: COLUMN, dates: '%d.%m.%Y', decimal: ',', comparator: true, too_long: truncate}}",
        "start: COLUMN\nend: {value: COLUMN, partial: latest}\nnumber: 1",
        # a concept: an id, an id with its name, a way to look it up, or several ways
        "type: 32809",
        "type: 32809 Case Report Form",
        "concept: {concept: 32809 Case Report Form}",
        "concept: {concept: {id: 32809, name: Case Report Form}}",
        "concept: {value: a, via: concepts/a.csv}",
        "concept: {value: [a, b], vocabulary: [MedDRA, SNOMED], by: name}",
        "concept: {value: a, map: {male: 8507 MALE, female: 8532}}",
        "concept: [{value: a, vocabulary: SNOMED}, 0]",
        "concepts: {gender: {value: sex, map: {1: 8507}}}",
        # references, keys and other lists: one word or several
        "person: SubjectId\nkey: SubjectId",
        "person: [trial, subject_id]\nkey: [SubjectId, 1]",
        "visit: {key: [trial, subject_id], missing: reject}",
        "attributes: {grade: {concept: 4077563, number: grade, when: grade is not null}}",
        "union: [ra, rnrsp]",
        "union: {ra: {date: RADAT}, rnrsp: }",
        "join: {dm: {on: SubjectId}}",
        "join: {dm: {on: [SubjectId, EventId], many: true}}",
        "join: {first: {from: dm, on: {SUBJ: SubjectId}, take: {order: [EventDate desc, _row]}, required: true}}",
        "unpivot: {columns: 'C30_Q{item:1..30}', value: answer, code: '{}CD'}",
        "slots: {n: [1, 2], drug: 'AETRT{n}', code: 'AEREL{n}CD', on_conflict: reject}",
        "slots: {n: ['', __2], columns: {drug: 'COHALLO1{n}'}}",
        "versions: {COHTTYPE: reject}",
        "keep: {per: SubjectId, order: [EventDate desc, _row], agree: SEX}",
        "group: {by: SubjectId}\nset: {n: count(COLUMN)}",
        "window: {per: [SubjectId], order: TRC1_DT}",
        "split: {CMAENO: ','}",
        "where: {has_event: AESTDAT is not null}",
        "sql: evaluable.sql.jinja\nreads: dm\ngives: {subject_id: text, day: date}",
        "tests: [{name: n, given: {ae: [{SubjectId: 1, AESTDAT: }]}, expect: {dsp.t: none}}]",
        "review: {status: approved, by: data-manager, on: 2026-11-01, note: agreed}",
        "partial: earliest\ntoo_long: truncate\non_unmapped: reject\nnote: n",
    ],
)
def test_every_form_that_a_map_may_have_fits_model_and_schema(text: str) -> None:
    problems = Problems()
    tree = parse_yaml(map_with(text), "map.yaml")
    assert build(FILES["map"], tree, problems) is not None, problems.found
    assert mistakes("map", tree) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("project", "mappings: impress\ndata: data\nvocabulary: starter\nout: ../out\nregister: /keys"),
        ("project", "mappings: m\ndata: d\nvocabulary: [starter, athena]\nrelease_date: 2026-01-31"),
        ("project", "mappings: m\ndata: d\nsources: {defaults: {delimiter: ;}, ae: {file: x.csv, decimal: ','}}"),
        ("project", "mappings: m\ndata: d\ncdm_source: {cdm_holder: A trial, cdm_version: 5.4}"),
        ("trial", "trial: t\nname: T\nctcae: 5.0\nregistry: [1, x]\nfacts: {weeks: 16, open: true}\nsources: {ae: {}}"),
        ("trial", "trial: t\nname: T\nsources: {ae: {file: [a.csv, b.csv], missing: NA, dates: [iso], several: true}}"),
        ("trial", "trial: t\nname: T\nsources: {ae: {ignore: {AEX: not in the DSP}}, dm: {ignore: not in the DSP}}"),
        ("trial", "trial: t\nname: T\nsources: {ae: {}}\nscope: {in: {from: dm, on: SUBJ, where: SUBJ is not null}}"),
        ("table", "table: t\ntransfer: monthly\nfields: {a: {type: integer, values: [1, 2]}, b: {partial: latest}}"),
        ("model", "model: m\nname: M\nversion: 0.1"),
    ],
)
def test_every_form_that_other_files_may_have_fits_model_and_schema(kind: str, text: str) -> None:
    problems = Problems()
    tree = parse_yaml(text, "file.yaml")
    assert build(FILES[kind], tree, problems) is not None, problems.found
    assert mistakes(kind, tree) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("map", map_with("sett: {a: COLUMN}")),
        ("map", map_with("set: {a: {valu: COLUMN}}")),
        ("map", map_with("set: {a: {value: COLUMN, partial: last}}")),
        ("map", map_with("set: {a: }")),
        ("map", map_with("type: Case Report Form")),
        ("map", map_with("type: {id: 32809}")),
        ("map", map_with("concept: {vocab: SNOMED, value: a}")),
        ("map", map_with("join: {dm: SubjectId}")),
        ("map", map_with("keep: {per: SubjectId}")),
        ("map", map_with("on_unmapped: ignore")),
        ("map", "map: Adverse Event\nto: dsp.t\nfrom: ae"),
        ("map", "to: dsp.t\nfrom: ae"),
        ("trial", "trial: t\nname: T"),
        ("trial", "trial: t\nname: T\nsources: {ae: {header_row: 0}}"),
        ("project", "mappings: impress"),
        ("project", "mappings: impress\ndata: data\nrelease_date: yesterday"),
        ("table", "table: t\nfields: {a: {type: string}}"),
        ("suite", "name: ours"),
        ("suite", "name: Ours\nexpectations: []"),
        ("suite", "name: ours\nexpectations: [{typ: expect_few_violations}]"),
        ("suite", "name: ours\nexpectations: [{type: a, severity: fatal}]"),
        ("changes", "changes: [{check: a, max_pct: 101, reason: r, author: a, date: 2026-11-21}]"),
        ("changes", "changes: [{check: a, off: true, author: a, date: 2026-11-21}]"),
        ("waivers", "waivers: [{check: a, reason: r, author: a, date: 2026-11-21}]"),
        ("waivers", "waivers: [{check: a, reason: '', author: a, date: 2026-11-21, expires: 2026-12-21}]"),
    ],
)
def test_slips_are_refused_by_model_and_schema(kind: str, text: str) -> None:
    problems = Problems()
    tree = parse_yaml(text, "file.yaml")
    assert build(FILES[kind], tree, problems) is None
    assert mistakes(kind, tree) != []


OWN = "{type: expect_few_violations, kwargs: {check: a, rows: SELECT 1}, meta: {table: cdm.person}}"
BUILT_IN = "{type: expect_column_max_to_be_between, kwargs: {column: a, max_value: 9}, meta: {dimension: Volume}}"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("suite", f"name: ours\nexpectations: [{OWN}, {BUILT_IN}]"),
        ("suite", "name: ours\nmeta: {table: dsp.death, needs: [dsp, trial.ctcae]}\nexpectations: []"),
        ("changes", "changes: [{check: 'a.*', max_pct: 2.5, reason: r, author: a, date: 2026-11-21}]"),
        ("changes", "changes: [{check: a, severity: info, reason: r, author: a, date: 2026-11-21}]"),
        ("waivers", "waivers: [{check: a, reason: r, author: a, date: 2026-11-21, expires: 2026-12-21}]"),
    ],
)
def test_what_users_write_about_quality_fits_model_and_schema(kind: str, text: str, tmp_path: Path) -> None:
    problems = Problems()
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_suite(path, problems) if kind == "suite" else read_quality_file(FILES[kind], path, problems)
    assert problems.found == []
    assert mistakes(kind, parse_yaml(text, "file.yaml")) == []


@pytest.mark.parametrize(
    "expectation",
    [
        "{type: expect_few_violations, meta: {table: cdm.person}}",
        "{type: expect_few_violations, kwargs: {chek: a, rows: SELECT 1}}",
        "{type: expect_dsp_tables_to_conform, kwargs: {check_type: values}}",
        "{type: expect_few_violations, kwargs: {check: a, rows: SELECT 1}, meta: {tabel: cdm.person}}",
        "{type: expect_column_values_to_not_be_null, kwargs: {column: a}, meta: {category: Plausible}}",
    ],
)
def test_slips_inside_an_expectation_are_refused_by_model_and_schema(expectation: str, tmp_path: Path) -> None:
    text = f"name: ours\nexpectations: [{expectation}]"
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    problems = Problems()
    assert read_suite(path, problems) is None
    assert problems.errors
    assert mistakes("suite", parse_yaml(text, "file.yaml")) != []


def test_words_carry_their_descriptions_as_markdown() -> None:
    properties = json_schema("map")["properties"]
    assert properties["to"]["description"].startswith("`dsp.<table>`, a table of the CDM")
    assert "``" not in json.dumps(json_schema("map"))


def test_a_short_form_that_the_schema_does_not_know_is_an_error() -> None:
    def shout(written: object) -> object:
        return str(written).upper()

    class Loud(Model):
        word: Annotated[str, BeforeValidator(shout)]

    with pytest.raises(TypeError, match="add them to _SHORT"):
        Loud.model_json_schema(schema_generator=_Generator)
