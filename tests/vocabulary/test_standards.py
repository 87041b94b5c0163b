"""The lists of tumour types and biomarkers: true to their sources, found by every name, checked to the cell."""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path

import pytest

from omopify.errors import OmopifyError, Problems
from omopify.resources import data
from omopify.synthetic._catalogue import PROGRAMMES, TUMOURS
from omopify.vocabulary.standards.lists import ROOT, Standards, read_standards, read_tree

FACTS = Path("/work/shared/facts")
needs_facts = pytest.mark.skipif(not FACTS.exists(), reason=f"{FACTS} is not here")

TYPES = data("vocab", "standards", "tumour_types.csv")
MARKERS = data("vocab", "standards", "biomarkers.csv")


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")
    quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    return list(csv.DictReader(text.splitlines(), delimiter=delimiter, quoting=quoting))


@pytest.fixture(scope="module")
def standards() -> Standards:
    problems = Problems()
    found = read_standards(problems)
    assert problems.found == []
    return found


@pytest.fixture(scope="module")
def concepts() -> dict[int, dict[str, str]]:
    """What ships: the concepts of the starter and of the extract of SNOMED."""
    files = (data("vocab", folder, "CONCEPT.csv") for folder in ("starter", "demo_restricted"))
    return {int(row["concept_id"]): row for file in files for row in rows(file, "\t")}


def names_by_id() -> dict[int, str]:
    files = (data("vocab", "genomic", name) for name in ("protein_variants.csv.gz", "gene_fusions.csv"))
    return {int(row["concept_id"]): row["concept_name"] for file in files for row in rows(file)}


# the lists that ship


def test_every_concept_of_the_lists_is_one_that_ships_with_this_name(
    standards: Standards, concepts: dict[int, dict[str, str]]
) -> None:
    named = {number: row["concept_name"] for number, row in concepts.items()} | names_by_id()
    pairs = [(e.concept_id, e.concept_name) for e in (*standards.tumour_types, *standards.biomarkers) if e.concept_id]
    pairs += [(b.value_concept_id, b.value_concept_name) for b in standards.biomarkers if b.value_concept_id]
    assert len(pairs) > 80
    assert [pair for pair in pairs if named.get(pair[0] or 0) != pair[1]] == []


def test_the_concepts_of_the_lists_are_standard_and_of_the_right_domain(
    standards: Standards, concepts: dict[int, dict[str, str]]
) -> None:
    for entries, domain in ((standards.tumour_types, "Condition"), (standards.biomarkers, "Measurement")):
        for entry in entries:
            concept = concepts.get(entry.concept_id or -1)
            if concept:
                assert (concept["standard_concept"], concept["domain_id"]) == ("S", domain), entry.id
    values = {concepts[b.value_concept_id]["domain_id"] for b in standards.biomarkers if b.value_concept_id}
    assert values == {"Meas Value"}


def test_every_row_says_that_it_is_an_example(standards: Standards) -> None:
    assert {entry.status for entry in (*standards.tumour_types, *standards.biomarkers)} == {"example"}
    assert "EXAMPLE" in data("vocab", "standards", "README.md").read_text("utf-8")


def test_the_readme_counts_right(standards: Standards) -> None:
    readme = data("vocab", "standards", "README.md").read_text("utf-8")
    assert f"`tumour_types.csv` ({len(standards.tumour_types)} rows)" in readme
    assert f"`biomarkers.csv` ({len(standards.biomarkers)} rows)" in readme


def test_ncit_codes_are_those_of_diseases_as_oncotree_gives_them(standards: Standards) -> None:
    for entry in standards.tumour_types:
        node = standards.tree.get(entry.oncotree)
        organ = node is None or node.parent == ROOT
        assert entry.ncit == ("" if node is None or organ else "|".join(node.nci)), entry.id


@pytest.mark.parametrize(
    ("text", "row"),
    [
        # the labels and free texts of IMPRESS that its public sources show (facts/impress_ecrf.md, COH)
        ("Pancreatic Cancer", "pancreatic-cancer"),
        ("Pancreatic cancer", "pancreatic-cancer"),
        ("Cholangiocarcinoma", "cholangiocarcinoma"),
        ("Lung Cancer: Non-Small Cell", "non-small-cell-lung-cancer"),
        ("Transitional Cell Cancer of the Renal Pelvis and Ureter", "upper-tract-urothelial-carcinoma"),
        ("Neuroendocrine carcinoma (NEC)", "neuroendocrine-carcinoma"),
        ("Bladder Cancer", "bladder-cancer"),
        ("Odontogenic Carcinoma", "odontogenic-carcinoma"),
        ("Salivary Gland Cancer", "salivary-gland-cancer"),
        ("NSCLC", "non-small-cell-lung-cancer"),
        (" nec ", "neuroendocrine-carcinoma"),
        # diseases whose response criteria the protocol names (facts/domain.md, C1)
        ("glioblastoma", "glioblastoma"),
        ("multiple  myeloma", "multiple-myeloma"),
        ("Non-Hodgkin lymphoma", "non-hodgkin-lymphoma"),
        ("AML", "acute-myeloid-leukaemia"),
        # OncoTree codes
        ("coad", "colon-cancer"),
        ("Blærekreft", "bladder-cancer"),
    ],
)
def test_a_tumour_type_is_found_by_what_trials_write(standards: Standards, text: str, row: str) -> None:
    found = standards.tumour_type(text)
    assert found is not None
    assert found.id == row


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("BRAF activating mutations", "braf-activating-mutation"),
        ("BRCA1 inactivating mutation", "brca1-inactivating-mutation"),
        ("SDHAF2 mutation", "sdhaf2-mutation"),
        ("BRAF Non-V600mut", "braf-non-v600"),
        ("HER2exp", "erbb2-overexpression"),
        ("HER2", "erbb2"),
        ("TMB", "tmb-high"),
        ("MSI-H", "msi-high"),
        ("BRAF V600E", "braf-v600e"),
        ("BRAF:p.(Val600Glu)", "braf-v600e"),
        ("NP_004324.2:p.Val600Glu", "braf-v600e"),
        ("EML4-ALK fusion", "eml4-alk-fusion"),
    ],
)
def test_a_biomarker_is_found_by_what_trials_write(standards: Standards, text: str, row: str) -> None:
    found = standards.biomarker(text)
    assert found is not None
    assert found.id == row


def test_a_biomarker_is_found_with_the_gene_of_another_column(standards: Standards) -> None:
    found = standards.biomarker("p.V600K", gene="BRAF")
    assert found is not None
    assert found.id == "braf-v600k"
    assert standards.biomarker("p.V600K") is None


@pytest.mark.parametrize("text", ["", "  ", "Other", "V600E", "no BRAF V600E", "BRAF wild type"])
def test_what_is_in_no_list_is_not_found(standards: Standards, text: str) -> None:
    assert standards.tumour_type(text) is None
    assert standards.biomarker(text) is None


def test_the_lists_agree_with_the_concept_files_of_prime_rose(standards: Standards) -> None:
    """What the shipped maps use and what the lists say may not differ, where both say something."""
    compared = 0
    for file, find in (("tumour_types.csv", standards.tumour_type), ("biomarkers.csv", standards.biomarker)):
        for row in rows(data("mappings", "prime_rose", "concepts", file)):
            entry = find(row["sourceName"])
            if entry is None or row["mappingStatus"] != "APPROVED":
                continue
            compared += 1
            if row["mappingType"] == "MAPS_TO":
                assert str(entry.concept_id or "") == row["conceptId"], row["sourceName"]
            else:
                assert str(getattr(entry, "value_concept_id", "")) == row["conceptId"], row["sourceName"]
    assert compared > 60


def test_every_word_of_the_made_up_export_is_in_the_lists(standards: Standards) -> None:
    """The generator writes what IMPRESS is known to write, and likely words where that is not known."""
    for tumour in TUMOURS:
        for text in {tumour.main, tumour.other} - {"Other", ""}:
            assert standards.tumour_type(text), text
    for programme in PROGRAMMES:
        if programme.alteration != "Other":
            assert standards.biomarker(programme.alteration), programme.alteration


# the tree


@needs_facts
def test_oncotree_is_as_published_but_for_the_columns_left_out() -> None:
    ours = rows(data("vocab", "oncotree", "oncotree.csv"))
    theirs = rows(FACTS / "vocab" / "oncotree.tsv", "\t")
    assert ours == [{column: row[column] for column in ours[0]} for row in theirs]
    assert (
        data("vocab", "oncotree", "LICENSE.md").read_bytes() == (FACTS / "vocab" / "oncotree_LICENSE.md").read_bytes()
    )


def test_oncotree_is_attributed() -> None:
    readme = data("vocab", "oncotree", "README.md").read_text("utf-8")
    for words in ("Memorial Sloan Kettering", "2025-10-03", "CC BY 4.0", "What was changed", "898 rows"):
        assert words in readme
    notice = (Path(__file__).parents[2] / "NOTICE").read_text("utf-8")
    assert "OncoTree" in notice
    assert "2025-10-03" in notice


def test_every_node_leads_to_an_organ(standards: Standards) -> None:
    tree = read_tree()
    assert len(tree) == 898
    for code, node in tree.items():
        if code == ROOT:
            continue
        above = standards.ancestors(code)
        assert (above[-1] if above else node).parent == ROOT
        assert len({n.code for n in above} | {code}) == len(above) + 1


@pytest.mark.parametrize(
    ("code", "above"),
    [
        ("COAD", ["COADREAD", "BOWEL"]),
        ("HGSOC", ["SOC", "OVT", "OVARY"]),
        ("NSCLC", ["LUNG"]),
        ("LUNG", []),
        (ROOT, []),
        ("GBM", []),  # a former code: no place in the tree
    ],
)
def test_ancestors_by_hand(standards: Standards, code: str, above: list[str]) -> None:
    assert [node.code for node in standards.ancestors(code)] == above


@pytest.mark.parametrize(
    ("text", "broader"),
    [
        ("Colon Cancer", ["colorectal-cancer"]),
        ("HGSOC", ["ovarian-cancer"]),
        ("TNBC", ["breast-cancer"]),
        ("osteosarcoma", ["bone-sarcoma"]),
        ("NSCLC", []),
    ],
)
def test_broader_by_hand(standards: Standards, text: str, broader: list[str]) -> None:
    found = standards.tumour_type(text)
    assert found is not None
    assert [entry.id for entry in standards.broader(found)] == broader


# lists of one's own, and what can be wrong with them

TYPE_HEADER = "id,name,oncotree,ncit,parent,concept_id,concept_name,equivalence,synonyms,status,agreed_on,comment"
MARKER_HEADER = (
    "id,name,gene,hgnc,alteration,hgvs,profile,concept_id,concept_name,equivalence,value_concept_id,"
    "value_concept_name,synonyms,status,agreed_on,comment"
)


def told(folder: Path, monkeypatch: pytest.MonkeyPatch, types: str = "", markers: str = "") -> list[str]:
    monkeypatch.chdir(folder)
    problems = Problems()
    files = []
    for name, header, text in (("t.csv", TYPE_HEADER, types), ("b.csv", MARKER_HEADER, markers)):
        (folder / name).write_text(f"{header}\n{text}" if text else "", "utf-8")
        files.append(folder / name if text else None)
    read_standards(problems, *files)
    for problem in problems.found:
        assert problem.message == problem.message.strip().rstrip(".")
        assert problem.hint
    return [("warning: " if p.severity == "warning" else "") + str(p) for p in problems.found]


LISTS = {
    "OM681 a code that is not there": (
        "x,X,NSCLCX,,,,,,,proposed,,\n",
        ["t.csv:2:5: OncoTree has no code 'NSCLCX'; did you mean 'NSCLC'? [OM681]"],
    ),
    "OM681 a former code": (
        "x,X,GBM,,,,,,,proposed,,\n",
        ["t.csv:2:5: OncoTree has no code 'GBM'; it is now GB [OM681]"],
    ),
    "OM681 a name instead of a code": (
        "x,X,Lung adenocarcinoma,,,,,,,proposed,,\n",
        ["t.csv:2:5: OncoTree has no code 'Lung adenocarcinoma'; that is a name; its code is 'LUAD' [OM681]"],
    ),
    "OM681 nothing near": (
        "x,X,#,,,,,,,proposed,,\n",
        ["t.csv:2:5: OncoTree has no code '#'; look the code up in vocab/oncotree/oncotree.csv [OM681]"],
    ),
    "OM682 a parent that is not there": (
        "breast,Breast,BREAST,,,,,,,proposed,,\nx,X,,,brest,,,,,proposed,,\n",
        ["t.csv:3:1: no row has the id 'brest'; did you mean 'breast'? [OM682]"],
    ),
    "OM682 a circle": (
        "a,A,,,b,,,,,proposed,,\nb,B,,,c,,,,,proposed,,\nc,C,,,a,,,,,proposed,,\nd,D,,,a,,,,,proposed,,\n",
        [
            "t.csv:2:1: 'a' is among its own parents; correct one of the parents [OM682]",
            "t.csv:3:1: 'b' is among its own parents; correct one of the parents [OM682]",
            "t.csv:4:1: 'c' is among its own parents; correct one of the parents [OM682]",
        ],
    ),
    "OM682 a circle through the tree": (
        "colon,Colon,COAD,,,,,,,proposed,,\nbowel,Bowel,BOWEL,,colon,,,,,proposed,,\n",
        [
            "t.csv:2:1: 'colon' is among its own parents; correct one of the parents [OM682]",
            "t.csv:3:1: 'bowel' is among its own parents; correct one of the parents [OM682]",
        ],
    ),
    "OM683 two rows of one name": (
        "a,A,LUNG,,,,,,Lung cancer,proposed,,\nb,LUNG  cancer,LUAD,,,,,,,proposed,,\n",
        [
            "t.csv:3:1: 'LUNG cancer' already names the row in line 2 ('a'); "
            "a name stands for one row; take it out of one of them [OM683]"
        ],
    ),
    "OM686 an id that is none": (
        "a,A,LUNG,,,Lung,4115276,EQUAL,,proposed,,\n",
        ["t.csv:2:12: 'Lung' is no concept id; a row may have shifted by a column [OM686]"],
    ),
    "OM686 an id without a name": (
        "a,A,LUNG,,,4115276,,EQUAL,,proposed,,\n",
        [
            "t.csv:2:20: 'concept_id' and 'concept_name' do not go together; "
            "write both: the name is there so that a reader can check the id [OM686]"
        ],
    ),
    "OM687 an NCIt code of something else": (
        "a,A,LUAD,C2926,,,,,,proposed,,\n",
        ["warning: t.csv:2:10: NCIt code 'C2926' is not the one of OncoTree code LUAD; OncoTree gives C3512 [OM687]"],
    ),
    "OM688 words": (
        "a,A,LUNG,,,4115276,Lung,ALIKE,,agred,31.03.2026,\n",
        [
            "t.csv:2:32: 'agred' is no status; did you mean 'agreed'? [OM688]",
            "t.csv:2:38: '31.03.2026' is no date; write year, month and day: 2026-03-31 [OM688]",
            "t.csv:2:25: 'ALIKE' is no equivalence; write one of: EQUAL, EQUIVALENT, WIDER, NARROWER, INEXACT [OM688]",
        ],
    ),
    "OM688 OM689 empty cells": (
        ",,,,,,,,,,,\n,,,,,,,,a,,,\n",
        [
            "t.csv:3:11: 'status' is empty; write one of: example, proposed, agreed, withdrawn [OM688]",
            "t.csv:3:1: 'id' is empty; every row needs it; a row may have shifted by a column [OM689]",
            "t.csv:3:2: 'name' is empty; every row needs it; a row may have shifted by a column [OM689]",
            "t.csv:3:3: 'oncotree' and 'parent' are both empty; "
            "give the code of OncoTree, or the id of the row that it belongs to [OM689]",
        ],
    ),
    "OM689 agreed, but since when": (
        "a,A,LUNG,,,,,,,agreed,,\n",
        ["t.csv:2:23: the row is agreed, but not since when; write the day into 'agreed_on' [OM689]"],
    ),
}


@pytest.mark.parametrize("title", LISTS)
def test_what_is_wrong_with_tumour_types(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, expected = LISTS[title]
    assert told(tmp_path, monkeypatch, types=text) == expected


BIOMARKERS = {
    "OM684 no HGVS": (
        "a,A,BRAF,,mutation,BRAF V600E,,,,,,,,proposed,,\n",
        [
            "b.csv:2:20: 'BRAF V600E' is no change of a protein in HGVS; "
            "write the protein and its change, such as NP_004324.2:p.Val600Glu [OM684]"
        ],
    ),
    "OM684 a codon is no change": (
        "a,A,BRAF,,mutation,NP_004324.2:p.Val600,,,,,,,,proposed,,\n",
        [
            "b.csv:2:20: 'NP_004324.2:p.Val600' is no change of a protein in HGVS; "
            "write the protein and its change, such as NP_004324.2:p.Val600Glu [OM684]"
        ],
    ),
    "OM684 a protein of another gene": (
        "a,A,KRAS,,mutation,NP_004324.2:p.Val600Glu,,,,,,,,proposed,,\n",
        ["b.csv:2:20: 'NP_004324.2' is a protein of BRAF; correct the gene or the protein [OM684]"],
    ),
    "OM684 a concept of another variant": (
        "a,A,BRAF,,mutation,NP_004324.2:p.Val600Glu,,19619660,K,EQUAL,,,,proposed,,\n",
        [
            "b.csv:2:45: the concept of 'NP_004324.2:p.Val600Glu' is 19596981, not 19619660; "
            "its name is 'BRAF protein: Substitution in position 600 of V replaced by E measurement' [OM684]"
        ],
    ),
    "OM685 a gene that nobody knows": (
        "a,A,BRAFF,,mutation,,,,,,,,,proposed,,\n",
        ["warning: b.csv:2:5: omopify does not know the gene 'BRAFF'; did you mean 'BRAF'? [OM685]"],
    ),
    "OM686 a value without a name": (
        "a,A,BRAF,,mutation,,,,,,9191,,,proposed,,\n",
        [
            "b.csv:2:30: 'value_concept_id' and 'value_concept_name' do not go together; "
            "write both: the name is there so that a reader can check the id [OM686]"
        ],
    ),
    "OM687 an HGNC number of something else": (
        "a,A,BRAF,3236,mutation,,,,,,,,,proposed,,\n",
        ["warning: b.csv:2:10: HGNC number '3236' is not the one of BRAF; HGNC gives 1097 [OM687]"],
    ),
    "OM688 an alteration": (
        "a,A,ERBB2,,amplifcation,,,,,,,,,proposed,,\n",
        ["b.csv:2:12: 'amplifcation' is no alteration; did you mean 'amplification'? [OM688]"],
    ),
    "OM689 a gene and a profile": (
        "a,A,BRAF,,mutation,,TMB,,,,,,,proposed,,\nb,B,,,mutation,,MSI,,,,,,,proposed,,\nc,C,,,,,,,,,,,,proposed,,\n",
        [
            "b.csv:2:5: 'gene' and 'profile' are both filled; a biomarker is of a gene or of the whole tumour [OM689]",
            "b.csv:3:7: a profile has no alteration; empty the cell [OM689]",
            "b.csv:4:5: 'gene' and 'profile' are both empty; a biomarker is of a gene or of the whole tumour [OM689]",
        ],
    ),
}


@pytest.mark.parametrize("title", BIOMARKERS)
def test_what_is_wrong_with_biomarkers(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, expected = BIOMARKERS[title]
    assert told(tmp_path, monkeypatch, markers=text) == expected


def test_a_list_that_is_no_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.csv").write_text("id,name\na,b\n", "utf-8")
    problems = Problems()
    read_standards(problems, tmp_path / "short.csv", tmp_path / "none.csv")
    assert [str(problem) for problem in problems.found] == [
        "short.csv:1:1: the list has no column synonyms, concept_id, concept_name, equivalence, status, agreed_on, "
        "comment, oncotree, ncit, parent; start from the list that ships with omopify, vocab/standards [OM680]",
        "none.csv: the list cannot be read: no such file or directory; check the name of the file [OM680]",
    ]
    (tmp_path / "short.csv").write_bytes(b"PK\x03\x04")
    problems = Problems()
    read_standards(problems, tmp_path / "short.csv")
    (problem,) = problems.found
    assert "Excel workbook" in str(problem)
    assert problem.code == "OM680"
    with pytest.raises(OmopifyError):
        problems.stop_if_errors()


def test_a_list_saved_by_a_spreadsheet_reads_the_same(tmp_path: Path, standards: Standards) -> None:
    """Semicolons, a byte order mark, quotes around all, other line ends, columns in another order and one more."""
    for path in (TYPES, MARKERS):
        table = rows(path)
        columns = [*reversed(table[0]), "our notes"]
        with (tmp_path / path.name).open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, columns, delimiter=";", quoting=csv.QUOTE_ALL, restval="x")
            writer.writeheader()
            writer.writerows(table)
    problems = Problems()
    again = read_standards(problems, tmp_path / TYPES.name, tmp_path / MARKERS.name)
    assert problems.found == []

    def bare(found: Standards) -> list[str]:
        return [re.sub(r", at=Location\(.*?\)", "", repr(e)) for e in (*found.tumour_types, *found.biomarkers)]

    assert bare(again) == bare(standards)
