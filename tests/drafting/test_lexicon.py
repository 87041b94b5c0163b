"""The words of forms: what they mean in the languages of the trials, and that the data files fit the shared model."""

from __future__ import annotations

import pytest

from omopify.drafting.lexicon import read_lexicon
from omopify.drafting.precedents import Shipped

LEXICON = read_lexicon("prime_rose")


@pytest.mark.parametrize(
    ("header", "meanings"),
    [
        ("tox_onset", {"adverse", "start"}),
        ("AESTDTC", {"adverse", "start"}),
        ("AECTCAET", {"adverse"}),
        ("Dødsdato", {"death"}),
        ("Geburtsdatum", {"birth"}),
        ("DATE OF BIRTH", {"date", "birth"}),
        ("kjønn", {"sex"}),
        ("Geslacht", {"sex"}),
        ("Bijwerkingen", {"adverse"}),
        ("syntymäaika", {"birth"}),
        ("gimimo data", {"birth", "date"}),
        ("Data di nascita", {"date", "birth"}),
        ("fecha de inicio", {"date", "start"}),
        ("Concominant_start_date", {"medication", "start", "date"}),
        ("xyzzy", set()),
        ("", set()),
    ],
)
def test_headers_are_read_in_the_languages_of_the_trials(header, meanings):
    assert meanings <= LEXICON.meanings(header)
    if not meanings:
        assert LEXICON.meanings(header) == frozenset()


def test_phrases_use_known_meanings_and_variables_and_values_are_those_of_the_model(packs: Shipped):
    tables = packs.tables("prime_rose")
    known = frozenset().union(*LEXICON.words.values())
    for variable in LEXICON.variables:
        assert all(set(phrase) <= known for phrase in variable.phrases), variable
        assert variable.table in tables
        assert not variable.field or variable.field in tables[variable.table].fields, variable
    for (table, field), spellings in LEXICON.values.items():
        if table != "*":
            assert set(spellings.values()) <= set(tables[table].fields[field].values), (table, field)
    assert {v.table for v in LEXICON.variables if v.role == "topic"} == {v.table for v in LEXICON.variables}
