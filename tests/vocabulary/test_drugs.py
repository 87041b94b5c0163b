"""Products and the substances that they name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omopify.vocabulary.search.spelling import fold
from omopify.vocabulary.suggestion.drugs import product


def parts(text: str) -> list[list[str]]:
    return [[reading.text for reading in part] for part in product(text).parts]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Paracet 1 g", "paracet"),
        ("Morfin 10 mg/ml", "morfin"),
        ("Fentanyl plaster 25 µg/t", "fentanyl"),
        ("Imovane 7,5 mg", "imovane"),
        ("Dexamethasone 1.5mg", "dexamethasone"),
        ("Fragmin 5000 IE", "fragmin"),
        ("NaCl 9 mg/ml ", "nacl"),
        ("NaCl 0,9 %", "nacl"),
        ("Symbicort Turbuhaler", "symbicort"),
        ("OxyContin depottabletter 10 mg", "oxycontin"),
        ("Prednisolon 5 mg 1 tabl x 3", "prednisolon"),
        ("Ceftriaxone 2 g i.v. x 1", "ceftriaxone"),
        ("HYDROCORTISONE, TOPICAL", "hydrocortisone"),
        ("ASPIRIN (E.C.)", "aspirin"),
        ("NEOSPORIN /USA/", "neosporin"),
        ("TYLENOL EXTRA STRENGTH", "tylenol"),
        ("blinatumomab 133.75mcg infusion bag", "blinatumomab"),
        ("blinatumomab 100mcg infusion bag (2", "blinatumomab"),
        ("Vitamin D3 1000 IE", "vitamin d3"),
        ("Vitamin E", "vitamin e"),
        ("VITAMIN B12", "vitamin b12"),
        ("5-FU", "5 fu"),
        ("polyethylene glycol 3350", "polyethylene glycol 3350"),
        ("trastuzumab deruxtecan", "trastuzumab deruxtecan"),
        ("nab-paclitaxel", "nab paclitaxel"),
        ("Penicillin V 660 mg", "penicillin v"),
        ("Deksametasoni 4 mg tabletti", "deksametasoni"),
        ("paracétamol 500 mg comprimé", "paracetamol"),
    ],
)
def test_what_is_not_the_name_is_cut_off(text: str, name: str) -> None:
    assert [part[0] for part in parts(text)] == [name]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Morfin 40 mg/ml, Metoklopramid 5 mg/ml, Midazolam 5 mg/ml", ["morfin", "metoklopramid", "midazolam"]),
        ("amoxicillin/clavulanic acid", ["amoxicillin", "clavulanic acid"]),
        ("paracetamol + kodein", ["paracetamol", "kodein"]),
        ("Sulfametoksazol og trimetoprim", ["sulfametoksazol", "trimetoprim"]),
        ("HYDROCHLOROTHIAZIDE WITH TRIAMTERENE", ["hydrochlorothiazide", "triamterene"]),
        ("TYLENOL W/CODEINE NO. 4", ["tylenol", "codeine"]),
        ("Oxycodone 5 mg/naloxone 2,5 mg", ["oxycodone", "naloxone"]),
        ("Targiniq (oxycodone/naloxone)", ["oxycodone", "naloxone"]),
        ("Trametinib+Dabrafenib", ["trametinib", "dabrafenib"]),
        ("paklitakseli - karboplatiini", ["paklitakseli", "karboplatiini"]),
        ("Dosetakseli-Karboplatiini", ["dosetakseli", "karboplatiini"]),
        ("co-trimoxazole", ["sulfamethoxazole", "trimethoprim"]),
    ],
)
def test_mixtures_are_taken_apart(text: str, names: list[str]) -> None:
    assert [part[0] for part in parts(text)] == names


def test_a_brand_and_its_substance_are_one_product() -> None:
    assert parts("Mekinist (Trametinib)") == [["trametinib", "mekinist"]]
    assert parts("Trastuzumab emtansine (kadcyla)") == [["kadcyla", "trastuzumab emtansine"]]


def test_a_salt_in_brackets_is_no_substance() -> None:
    assert parts("hydrocortisone (as sodium succinate") == [["hydrocortisone"]]


def test_a_name_without_its_salt_is_a_reading_of_less_trust() -> None:
    ((whole, bare),) = product("LOSARTAN POTASSIUM").parts
    assert (whole.text, bare.text) == ("losartan potassium", "losartan")
    assert bare.trust < whole.trust < 1


@pytest.mark.parametrize("text", ["", "  ", "5 mg", "50 Gy/25", "x 3", "1", ",", "()"])
def test_a_text_without_a_name_has_no_parts(text: str) -> None:
    assert parts(text) == []


@given(st.text(max_size=60))
def test_any_text_is_a_product(text: str) -> None:
    for part in product(text).parts:
        assert part
        for reading in part:
            assert reading.text
            assert fold(reading.text) == reading.text
            assert 0 < reading.trust < 1
