"""Skeletons, translations and the tables that they come from."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omopify.engines.duckdb import DuckDB
from omopify.resources import data
from omopify.vocabulary.search import spelling
from omopify.vocabulary.search.spelling import LANGUAGES, fold, macros, mixture, readings, skeleton, skeletons

# Each line: an English name, and how the trials' languages write it.
ONE_WORD = """
dexamethasone: deksametason dexametason deksametasoni deksametasoon deksametazonas dexametasona dexaméthasone
metoclopramide: metoklopramid metoklopramidi metoklopramiid metoklopramidas metoclopramida métoclopramide
morphine: Morfin morfiini morfiin morfinas morfina morfine
paracetamol: parasetamoli paratsetamool paracetamolis
cisplatin: sisplatiini tsisplatiin cisplatina cisplatine
carboplatin: karboplatin karboplatiini karboplatina carboplatine
oxycodone: oksykodon oksikodoni oksikodonas oxicodona oxycodon
cyclophosphamide: syklofosfamid cyklofosfamid syklofosfamidi tsüklofosfamiid ciklofosfamidas ciclofosfamida
methotrexate: metotreksat metotrexat metotreksaatti metotreksaat metotreksatas metotrexato méthotrexate methotrexaat
quetiapine: kvetiapin ketiapiini quetiapina
calcium: kalsium kalcium kaltsium kalcis cálcio
ibuprofen: ibuprofeen ibuprofeeni ibuprofenas ibuprofeno ibuprofène
everolimus: everolimuusi everolimuzas
spironolactone: espironolactona spironolakton spironolaktoni
fentanyl: fentanyyli fentanüül fentanilis fentanilo
hypertension: hypertensjon hüpertensioon hypertensio hipertenzija hipertensão hypertensie
infection: infeksjon infektion infektio infektsioon infekcija infecção infeção infectie
gastritis: gastritt gastrit gastriitti gastriit gastritas gastrite
osteoporosis: osteoporose osteoporos osteoporoosi osteoporoos osteoporozė ostéoporose
anemia: anaemia anæmi anemi aneemia anemija anémie
diarrhea: diarrhoea diaré diarré diarree diarreia diarrhée
edema: oedema ødem ödem œdème oedeem
carcinoma: karsinom karcinom karsinooma kartsinoom karcinoma carcinome carcinoom
depression: depresjon depressio depresija depressão depressie depressioon
hyperglycemia: hyperglycaemia hyperglykemi hiperglicemia
leukocyte: leucocyte leukocytt leukosyytti leucócito
tumor: tumour tumors tumeur
platelet: platelets
"""
BONES = [
    (name, other)
    for line in ONE_WORD.strip().splitlines()
    for name, rest in [line.split(":")]
    for other in rest.split()
]


@pytest.mark.parametrize(("english", "other"), BONES)
def test_a_word_has_one_skeleton_in_every_language(english: str, other: str) -> None:
    assert skeleton(other) == skeleton(english)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("prednisone", "prednisolone"),
        ("cetirizine", "sertraline"),
        ("hydroxyzine", "hydralazine"),
        ("phenobarbital", "pentobarbital"),
        ("chlorpromazine", "chlorpropamide"),
        ("vinblastine", "vincristine"),
        ("daunorubicin", "doxorubicin"),
        ("pain", "penis"),
        ("phosphate", "phosphatase"),
        ("hypotension", "hypertension"),
        ("hypothyroidism", "hyperthyroidism"),
        ("fluoxetine", "paroxetine"),
    ],
)
def test_different_words_keep_different_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_no_two_ingredients_of_the_starter_have_one_skeleton() -> None:
    with data("vocab", "starter", "CONCEPT.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if r["domain_id"] == "Drug"]
    names = defaultdict(set)
    for row in rows:
        names[skeletons(row["concept_name"])].add(fold(row["concept_name"]))
    assert len(names) > 150
    assert {bones: some for bones, some in names.items() if len(some) > 1} == {}


@pytest.mark.parametrize("word", ["5fu", "b12", "il2", "her2", "ca", "mg", "Oral2"])
def test_short_words_and_words_with_digits_are_only_folded(word: str) -> None:
    assert skeleton(word) == word.lower()


@pytest.fixture(scope="module")
def database() -> Iterator[DuckDB]:
    with DuckDB(None) as opened:
        opened.script(macros())
        yield opened


@settings(deadline=None)
@given(words=st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=14), min_size=1, max_size=60))
def test_the_macro_does_what_the_function_does(database: DuckDB, words: list[str]) -> None:
    found = database.rows("SELECT word, o_skeleton(word) FROM (SELECT unnest($words) AS word)", {"words": words})
    assert dict(found) == {word: skeleton(word) for word in words}


def test_the_macro_leaves_out_what_is_no_plain_word(database: DuckDB) -> None:
    (row,) = database.rows("SELECT o_skeleton('b12'), o_skeleton('0.5'), o_skeleton('癌'), o_skeleton('')")
    assert row == (None, None, None, None)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Pain, abdominal", "pain abdominal"),
        ("  ØDEM - hø. arm ", "odem ho arm"),
        ("Diabetes type II", "diabetes type 2"),
        ("interferon-\u03b1", "interferon alpha"),
        ("CÁLCIO", "calcio"),
        ("œdème", "oedeme"),
        ("grade iv", "grade 4"),
        ("i.v.", "i v"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    found = readings(text)
    texts = [reading.text for reading in found]
    assert len(set(texts)) == len(texts)
    assert all(0 < reading.trust <= 1 for reading in found)
    assert all(fold(reading.text) == reading.text for reading in found)
    if fold(text):
        assert (found[0].text, found[0].trust, found[0].why) == (fold(text), 1.0, "")


@pytest.mark.parametrize(
    ("text", "english", "language"),
    [
        ("kvalme", "nausea", "Norwegian"),
        ("Brystkreft", "breast cancer", "Norwegian"),
        ("Spyttkjertelkreft", "salivary gland cancer", "Norwegian"),
        ("bröstcancer", "breast cancer", "Swedish"),
        ("brystkræft", "breast cancer", "Danish"),
        ("rintasyöpä", "breast cancer", "Finnish"),
        ("borstkanker", "breast cancer", "Dutch"),
        ("cancer du sein", "cancer breast", "French"),
        ("cancro da mama", "cancer breast", "Portuguese"),
        ("rinnavähk", "breast cancer", "Estonian"),
        ("krūties vėžys", "breast cancer", "Lithuanian"),
        ("høyt blodtrykk", "hypertensive disorder", "Norwegian"),
        ("MALIGNT MELANOM", "malignant melanoma", "Norwegian"),
        ("acide zolédronique", "zoledronic acid", "French"),
    ],
)
def test_words_of_the_trials_are_put_in_english(text: str, english: str, language: str) -> None:
    found = {reading.text: reading for reading in readings(text)}
    assert english in found
    assert found[english].trust < 1
    assert language in {why for reading in found.values() for why in reading.why.split()}


def test_a_joining_word_alone_is_no_translation() -> None:
    assert [reading.text for reading in readings("in situ")] == ["in situ"]


def test_other_wordings_are_readings_of_less_trust() -> None:
    found = {reading.text: reading for reading in readings("PYREXIA")}
    assert found["fever"].trust < found["pyrexia"].trust == 1
    assert found["fever"].why == "'pyrexia' is 'fever'"


def test_names_of_substances_are_found_in_every_spelling() -> None:
    for name in ("Paracetamol", "parasetamoli", "paratsetamool", "paracetamolis"):
        assert "acetaminophen" in {reading.text for reading in readings(name)}


def test_the_word_order_of_snomed() -> None:
    assert "malignant tumor of pancreas" in {reading.text for reading in readings("Pancreatic cancer")}


def test_a_mixture_with_a_name_of_its_own() -> None:
    assert mixture("co-trimoxazole") == ("sulfamethoxazole", "trimethoprim")
    assert mixture("paracetamol") == ()


def rows(name: str) -> list[dict[str, str]]:
    with data("vocab", "spelling", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_every_rule_does_something_to_its_example() -> None:
    idle = []
    for row in rows("rules.csv"):
        fired = False
        for example in row["example"].split():
            word = example.casefold()
            for other in rows("rules.csv"):
                if other["use"] == row["use"]:
                    before = word
                    word = re.sub(other["pattern"], other["replacement"], word)
                    fired |= other == row and word != before
                    if other["pattern"] == "ü":
                        word = fold(word)
        if not fired:
            idle.append((row["pattern"], row["example"]))
    assert idle == []


@pytest.mark.parametrize("name", sorted(path.name for path in data("vocab", "spelling").glob("*.csv")))
def test_tables_are_whole(name: str) -> None:
    for number, row in enumerate(rows(name), start=2):
        assert None not in row, f"{name}:{number} has too many cells"
        assert None not in row.values(), f"{name}:{number} has too few cells"
        assert all(cell == cell.strip() for cell in row.values()), f"{name}:{number} has blanks around a cell"


def test_words_have_every_language_and_no_form_twice() -> None:
    for row in rows("words.csv"):
        assert set(row) == {"english", "note", *LANGUAGES}
        for language in LANGUAGES:
            forms = row[language].split("|")
            assert len(forms) == len(set(forms)), (row["english"], language)


def test_the_readme_says_where_the_words_come_from() -> None:
    text = Path(data("vocab", "spelling", "README.md")).read_text(encoding="utf-8")
    assert all(path.name in text for path in data("vocab", "spelling").glob("*.csv"))


def test_the_tables_are_read_once() -> None:
    assert spelling._tables() is spelling._tables()
