"""A map in words: every word of the language has a sentence, and each sentence says what the language means by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from omopify.describing.wording import SILENT, Described
from omopify.specs import maps, values

DSP = "map: one\nto: dsp.event\nkey: ID\nset: {subject_id: ID, term: TERM, start_date: START}\n"
HEAD = DSP + "from: ae\n"
OMOP = "map: one\nfrom: dsp.event\nkey: [trial, subject_id, term]\n"


def _set(line: str) -> str:
    return HEAD.replace("start_date: START}", f"start_date: START, {line}}}")


def _omop(to: str, lines: str) -> str:
    return f"{OMOP}to: {to}\n{lines}\n"


CASES: dict[str, tuple[str, str]] = {
    "MapFile.to": (HEAD, "Each row that is used becomes a row of dsp.event."),
    "MapFile.otherwise": (
        _omop("by_domain", "otherwise: measurement\nconcept: 32809 X"),
        "and of measurement where the concept is not known",
    ),
    "MapFile.source_from": (HEAD, "The rows of the form ae."),
    "MapFile.union": (
        DSP.replace("key: ID", "key: [ID, _source]") + "union: {ae: {}, fu: {START: LAST, TERM: ID}}",
        "In fu, 'START' is its column LAST and 'TERM' is its column ID.",
    ),
    "MapFile.join": (HEAD + "join: {dm: {on: ID}}", "Beside it the row of the form dm, with the same ID."),
    "MapFile.split": (HEAD + 'split: {TERM: ","}', "A cell of TERM with several values, cut at ','"),
    "MapFile.unpivot": (HEAD + 'unpivot: {columns: "Q{item:1..2}"}', "The columns Q1 and Q2 become rows"),
    "MapFile.slots": (HEAD + 'slots: {n: [1, 2], drug: "DRUG{n}"}', "'drug' is DRUG1 or DRUG2."),
    "MapFile.versions": (
        HEAD + "versions: {OUT: reject}",
        "If several revisions of OUT are filled, the row is rejected.",
    ),
    "MapFile.where": (
        HEAD + "where: {told: TERM is not null}",
        "Only rows for which TERM is filled. The others are counted as 'told'.",
    ),
    "MapFile.keep": (HEAD + "keep: {per: ID, order: _row}", "Of the rows that agree in ID only the first is used"),
    "MapFile.group": (
        HEAD.replace("ID, term: TERM, start_date: START", "ID, term: max(text(TERM)), start_date: min(date(START))")
        + "group: {by: ID}",
        "The rows that agree in ID become one row.",
    ),
    "MapFile.window": (
        HEAD + "window: {per: ID, order: [date(START), _row]}",
        "those with the same ID, in this order: the date in START; then the order of the file.",
    ),
    "MapFile.sql": (
        "map: one\nto: dsp.event\nkey: ID\nset: {subject_id: ID, term: ID, start_date: LAST}\n"
        "sql: query.sql.jinja\nreads: fu\ngives: {ID: text, LAST: date}",
        "The rows that the query in query.sql.jinja gives; it is written by hand.",
    ),
    "MapFile.known_by": (
        _omop("person", "set: {year_of_birth: grade}\nknown_by: [trial, term]"),
        "Other maps may also find the row by trial and term.",
    ),
    "MapFile.key": (HEAD, "A row is told from the others by ID."),
    "MapFile.set": (HEAD, "Taken from TERM. A row without it is rejected."),
    "MapFile.attributes": (
        _omop(
            "condition_occurrence",
            "person: [trial, subject_id]\nconcept: 32809 X\nstart: start_date\ntype: 32809 X\n"
            "attributes: {grade: {concept: 32809 X, number: grade}}",
        ),
        "An observation of its own that points to its event, written when what it is looked up by, or its result, is "
        "filled. Its person, type and day are that of the event.",
    ),
    "MapFile.on_unmapped": (
        _omop("specimen", "on_unmapped: reject"),
        "A row whose concept is not found is rejected.",
    ),
    "MapFile.too_long": (HEAD + "too_long: truncate", "A text that is longer than its column is cut, and counted."),
    "MapFile.partial": (
        HEAD + "partial: middle",
        "For the dates of this map that say nothing else: A partial date is filled with the middle",
    ),
    "Events.person": (_omop("specimen", "person: [trial, subject_id]"), "The row is rejected if there is none."),
    "Events.visit": (
        _omop("measurement", "visit: [trial, subject_id, term]"),
        "The visit that is known by trial, subject_id and term. The column stays empty, and it is noted, if there is",
    ),
    "Events.provider": (_omop("measurement", "provider: term"), "The provider that is known by term."),
    "Events.care_site": (_omop("person", "care_site: term"), "The care site that is known by term."),
    "Events.location": (_omop("person", "location: term"), "The location that is known by term."),
    "Events.cohort": (
        _omop("cohort", "cohort: [trial, term]"),
        "The cohort that is known by trial and term. The row is rejected if there is none.",
    ),
    "Events.concept": (
        _omop("specimen", "concept: {value: term, vocabulary: SNOMED}"),
        "Looked up as a code in SNOMED: term. A row whose concept is not found keeps concept 0, and is counted.",
    ),
    "Events.source": (_omop("measurement", "concept: 32809 X\nsource: term"), "Taken from term."),
    "Events.start": (_omop("specimen", "start: start_date"), "Taken from start_date. A row without it is rejected."),
    "Events.end": (
        _omop("episode", "start: start_date\nend: end_date"),
        "Taken from end_date. An end before the start is left out, and counted.",
    ),
    "Events.date": (_omop("measurement", "date: start_date"), "Taken from start_date."),
    **{
        f"Events.{word}": (_omop(table, f"{word}: 32809 Case Report Form"), "Always 32809 Case Report Form.")
        for word, table in {
            "type": "specimen", "status": "condition_occurrence", "value": "measurement", "unit": "measurement",
            "operator": "measurement", "route": "drug_exposure", "qualifier": "observation",
        }.items()
    },
    **{
        f"Events.{word}": (_omop(table, f"{word}: grade"), "Taken from grade.")
        for word, table in {"number": "measurement", "low": "measurement", "high": "measurement",
                            "quantity": "drug_exposure", "text": "observation", "value_source": "measurement",
                            "qualifier_source": "observation"}.items()
    },
    "Events.concepts": (
        _omop("person", "concepts: {gender: {value: term, map: {m: 8507 MALE}}}"),
        "Translated by a list of 1 (m: 8507 MALE): term.",
    ),
    "Attribute.to": (
        _omop("specimen", "attributes: {size: {to: measurement, number: grade}}"),
        "A measurement of its own that points to its event",
    ),
    "Attribute.when": (
        _omop("specimen", "attributes: {bad: {when: serious, number: grade}}"),
        "written when serious is yes.",
    ),
    "Join.source": (
        HEAD + "join: {person: {from: dm, on: ID}}",
        "Beside it the row of the form dm (called 'person' here), with the same ID.",
    ),
    "Join.on": (
        HEAD + "join: {fu: {on: {TERM: ID}}}",
        "Beside it the row of the form fu whose ID is TERM. Without a match its columns are empty.",
    ),
    "Join.where": (
        HEAD + "join: {fu: {on: ID, where: LAST is not null}}",
        "Only those for which LAST is filled.",
    ),
    "Join.take": (
        HEAD + "join: {fu: {on: ID, take: {order: [date(LAST) desc, _row]}}}",
        "Of several the first, in this order: the date in LAST, the highest first; then the order of the file.",
    ),
    "Take.order": (HEAD + "join: {fu: {on: ID, take: {order: _row}}}", "in this order: the order of the file."),
    "Join.many": (HEAD + "join: {fu: {on: ID, many: true}}", "Each match gives a row of its own."),
    "Join.required": (HEAD + "join: {fu: {on: ID, required: true}}", "A row without a match is rejected."),
    "Unpivot.columns": (HEAD + 'unpivot: {columns: "Q{item:1,2}"}', "'item' is what tells them apart"),
    "Unpivot.value": (HEAD + 'unpivot: {columns: "Q{item:1..2}", value: said}', "'said' is the cell."),
    "Unpivot.code": (
        HEAD + 'unpivot: {columns: "Q{item:1..2}", code: "{}CD"}',
        "'value_code' is the code beside it (Q1CD and Q2CD).",
    ),
    "Slots.n": (HEAD + 'slots: {n: [1, 2], drug: "DRUG{n}"}', "2 sets of columns become rows"),
    "Slots.columns": (HEAD + 'slots: {n: [1], drug: "DRUG{n}"}', "'drug' is DRUG1."),
    "Slots.on_conflict": (
        HEAD + 'slots: {n: [1, 2], drug: "DRUG{n}", on_conflict: empty}',
        "Only one of 2 sets of columns may be filled; if several are, their fields stay empty, and it is noted.",
    ),
    "Keep.per": (HEAD + "keep: {per: [ID, TERM], order: _row}", "agree in ID and TERM only"),
    "Keep.order": (
        HEAD + "keep: {per: ID, order: [number(GRADE) desc, _row]}",
        "in this order: the number in GRADE, the highest first; then the order of the file.",
    ),
    "Keep.first": (HEAD + "keep: {per: ID, order: _row, first: 3}", "only the first 3 are used"),
    "Keep.agree": (
        HEAD + "keep: {per: ID, order: _row, agree: [GRADE, OUT]}",
        "Where they differ in GRADE or OUT, it is noted.",
    ),
    "Group.by": (
        HEAD.replace("ID, term: TERM, start_date: START", "ID, term: TERM, start_date: min(date(START))")
        + "group: {by: [ID, TERM]}",
        "The rows that agree in ID and TERM become one row.",
    ),
    "Window.per": (HEAD + "window: {per: [ID, TERM], order: _row}", "those with the same ID and TERM"),
    "Window.order": (HEAD + "window: {per: ID, order: _row desc}", "in this order: the order of the file, the last"),
    "Reference.key": (_omop("specimen", "person: [trial, upper(subject_id)]"), "trial and subject_id in capitals."),
    "Reference.missing": (
        _omop("measurement", "visit: {key: [trial, subject_id], missing: reject}"),
        "The visit that is known by trial and subject_id. The row is rejected if there is none.",
    ),
    "FieldSpec.value": (
        _set("weight: [GRADE, number(OUT)]"),
        "The first that is filled of: (1) GRADE; (2) the number in OUT.",
    ),
    "FieldSpec.constant": (_set("outcome: {constant: fatal}"), "Always 'fatal'."),
    "FieldSpec.map": (
        _set("outcome: {value: OUT, map: values/out.csv}"),
        "The answer is looked up in values/out.csv (3 values). If it is not there, it is left out and counted.",
    ),
    "FieldSpec.otherwise": (
        _set("outcome: {value: OUT, map: {Dead: fatal}, otherwise: recovered}"),
        "Any other answer becomes 'recovered'.",
    ),
    "FieldSpec.partial": (
        _set("end_date: {value: STOP, partial: reject}"),
        "A partial date is not used, and counted.",
    ),
    "FieldSpec.dates": (
        _set('end_date: {value: STOP, dates: ["%d-%b-%Y", iso]}'),
        "It is read as a date (dd-mon-yyyy or yyyy-mm-dd).",
    ),
    "FieldSpec.decimal": (_set('weight: {value: GRADE, decimal: ","}'), "The decimal mark is a comma."),
    "FieldSpec.comparator": (
        _omop("measurement", "number: {value: outcome, comparator: true}"),
        "A sign before the number (<5) is taken off and becomes the operator.",
    ),
    "FieldSpec.not_before": (
        _set("end_date: {value: STOP, not_before: start_date}"),
        "A day that was filled in is never before start_date.",
    ),
    "FieldSpec.too_long": (
        _omop("measurement", "source: {value: term, too_long: truncate}"),
        "A text that is longer than its column is cut, and counted.",
    ),
    "ValueMap.file": (_set("outcome: {value: OUT, map: {file: values/out.csv}}"), "in values/out.csv (3 values)"),
    "ValueMap.values": (
        _set("outcome: {value: OUT, map: {values: {Dead: fatal, Well: recovered}}}"),
        "The answer is translated by a list of 2 values.",
    ),
    "ConceptSpec.concept": (_omop("specimen", "type: {concept: 32809 CRF}"), "Always 32809 CRF."),
    "ConceptSpec.value": (
        _omop("specimen", "unit: {value: [term, outcome], vocabulary: UCUM}"),
        "Looked up as a code in UCUM: the first that is filled of term and outcome.",
    ),
    "ConceptSpec.via": (
        _omop("specimen", "concept: {value: term, via: concepts/x.csv}"),
        "Looked up in the concept file concepts/x.csv (approved rows only): term.",
    ),
    "ConceptSpec.vocabulary": (
        _omop("specimen", "concept: {value: term, vocabulary: [MedDRA, SNOMED]}"),
        "Looked up as a code in MedDRA and then SNOMED: term.",
    ),
    "ConceptSpec.domain": (
        _omop("specimen", "unit: {value: term, vocabulary: UCUM, domain: Unit}"),
        "(only concepts of the domain Unit)",
    ),
    "ConceptSpec.by": (
        _omop("specimen", "concept: {value: term, vocabulary: OMOP Genomic, by: variant}"),
        "Looked up as a gene variant in OMOP Genomic: term.",
    ),
    "ConceptSpec.map": (
        _omop("specimen", "unit: {value: term, map: {a: 1 X, b: 2 Y}}"),
        "Translated by a list of 2 (a: 1 X; b: 2 Y): term.",
    ),
    "ConceptSpec.result": (
        _omop("measurement", "concept: {value: term, vocabulary: SNOMED, result: 9191 Positive}"),
        "(the result is then 9191 Positive)",
    ),
    "Constant.id": (_omop("specimen", "type: 32809"), "Always 32809."),
    "Constant.name": (_omop("specimen", "type: 32809 Case Report Form"), "Always 32809 Case Report Form."),
    **{
        f"MapFile.{word}": (_omop(table, f"{word}: {{map: other, key: [trial, term]}}"), words)
        for word, table, words in (
            ("event", "observation", "The row that this one is about: the row that the map 'other' writes for trial"),
            ("parent", "episode", "The episode that this one is part of: the row that the map 'other' writes for"),
            ("episode", "episode_event", "The episode that the event belongs to: the row that the map 'other' writes"),
            ("fact_1", "fact_relationship", "The row that the relationship starts from: the row that the map 'other'"),
            ("fact_2", "fact_relationship", "The row that the relationship leads to: the row that the map 'other'"),
        )
    },
    "RowReference.map": (_omop("episode", "parent: {map: other, key: trial}"), "the row that the map 'other' writes"),
    "RowReference.key": (_omop("episode", "parent: {map: other, key: [trial, term]}"), "for trial and term."),
    "RowReference.missing": (
        _omop("episode", "parent: {map: other, key: trial, missing: reject}"),
        "If there is none, the row is rejected.",
    ),
}  # fmt: skip
CASES["MapFile.reads"] = (CASES["MapFile.sql"][0], "The query reads the form fu.")
CASES["MapFile.gives"] = (CASES["MapFile.sql"][0], "It gives ID (text) and LAST (date).")

MODELS = (
    maps.MapFile, maps.Events, maps.Attribute, maps.Test, maps.Review, maps.Reference, maps.RowReference, maps.Window,
    maps.Group, maps.Keep, maps.Slots, maps.Unpivot, maps.Join, maps.Take, values.FieldSpec, values.ValueMap,
    values.ConceptSpec, values.Constant,
)  # fmt: skip


@pytest.mark.parametrize("word", CASES)
def test_every_word_says_what_it_means(describe: Callable[[str], Described], word: str) -> None:
    text, words = CASES[word]
    assert any(words in part.words for part in describe(text).parts), [part.words for part in describe(text).parts]


def test_no_word_of_the_language_is_forgotten() -> None:
    known = {
        f"{model.__name__}.{name}" for model in MODELS for name in model.__annotations__ if name in model.model_fields
    }
    assert known - CASES.keys() - SILENT.keys() == set()
    assert CASES.keys() <= known
    assert not CASES.keys() & SILENT.keys()


def test_parts_name_their_columns_with_labels(describe: Callable[[str], Described]) -> None:
    one = describe(_set("outcome: {value: [number(OUTCD), OUT], map: values/out.csv}"))
    part = one.part("set", "outcome")
    assert part is not None
    assert [(o.source, o.column, o.label) for o in part.origins] == [
        ("ae", "OUTCD", "Outcome (code)"),
        ("ae", "OUT", "Outcome"),
    ]
    assert "Or from one of its revisions (OUT__2), whichever is filled." in part.words
    assert part.targets == ("dsp.event.outcome",)
    assert part.values is not None
    assert [(row.value, row.becomes, row.note) for row in part.values.rows] == [
        ("Better", "recovered", "as agreed"),
        ("Dead", "fatal", ""),
        ("Unknown", None, ""),
    ]


def test_slots_and_items_lead_to_their_columns(describe: Callable[[str], Described]) -> None:
    slots = describe(
        HEAD.replace("term: TERM", "term: drug").replace("START}", "START, weight: slot}")
        + 'slots: {n: [1, 2], drug: "DRUG{n}"}'
    )
    assert [o.column for o in slots.filling("dsp.event.term")[0].origins] == ["DRUG1", "DRUG2"]
    assert slots.filling("dsp.event.weight")[0].origins == ()
    items = describe(HEAD.replace("term: TERM", "term: value") + 'unpivot: {columns: "Q{item:1..2}"}')
    assert [o.column for o in items.filling("dsp.event.term")[0].origins] == ["Q1", "Q2"]


def test_a_word_names_the_columns_of_all_tables_that_it_may_fill(describe: Callable[[str], Described]) -> None:
    one = describe(_omop("by_domain", "concept: {value: term, vocabulary: SNOMED}\nstart: start_date"))
    start = one.part("start")
    assert start is not None
    assert {"condition_occurrence.condition_start_date", "measurement.measurement_date"} <= set(start.targets)
    assert one.filling("measurement.measurement_source_value")[0].path == ("concept",)


def test_a_described_map_is_plain_data(describe: Callable[[str], Described]) -> None:
    assert json.loads(json.dumps(asdict(describe(HEAD))))["map"] == "one"
