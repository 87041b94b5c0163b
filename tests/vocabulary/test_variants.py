"""Gene variants: every usual spelling of a change is read, leads to the right concept, and does so in SQL as well."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from omopify.cli.main import main
from omopify.engines.duckdb import DuckDB
from omopify.resources import data
from omopify.vocabulary.standards.hgvs import THREE, Change, Residue, parse, write
from omopify.vocabulary.standards.variants import KEYS, gene_of, read_variants, variant_key, write_spellings
from tests.docs.page import follow, matches

FACTS = Path("/work/shared/facts/vocab")
needs_facts = pytest.mark.skipif(not FACTS.exists(), reason=f"{FACTS} is not here")
GENOMIC = data("vocab", "genomic")


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")
    quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    return list(csv.DictReader(text.splitlines(), delimiter=delimiter, quoting=quoting))


PROTEINS = rows(GENOMIC / "protein_variants.csv.gz")
NAMES = {name: int(row["concept_id"]) for row in PROTEINS for name in row["hgvs"].split("|")}
"""Each HGVS name of the table and its concept."""


# changes of proteins

amino_acid = st.sampled_from("ARNDCQEGHILKMFPSTWYV")
sequence = st.text("ARNDCQEGHILKMFPSTWYV", min_size=1, max_size=6)
residue = st.builds(Residue, amino_acid, st.integers(1, 99_999))
stop = st.sampled_from(["", "?"]) | st.integers(1, 99_999).map(str)


@st.composite
def change(draw: st.DrawFn) -> Change:
    first = draw(residue)
    behind = Residue(draw(amino_acid), first.number + draw(st.integers(1, 500)))
    last = draw(st.none() | st.just(behind))
    possible = [
        Change("substitution", first, None, draw(amino_acid)),
        Change("nonsense", first, None, "*"),
        Change("silent", first),
        Change("codon", first),
        Change("deletion", first, last),
        Change("duplication", first, last),
        Change("delins", first, last, draw(sequence) + draw(st.sampled_from(["", "*"]))),
        Change("insertion", first, Residue(behind.letter, first.number + 1), draw(sequence)),
        Change("frameshift", first, None, draw(amino_acid), draw(stop)),
        Change("frameshift", first),
        Change("extension", Residue("*", first.number), None, draw(amino_acid), draw(stop) or "?"),
        Change("extension", Residue("M", 1), None, "", f"-{draw(st.integers(1, 99))}"),
    ]
    return draw(st.sampled_from([c for c in possible if c.last is None or c.last.number <= 99_999]))


@settings(deadline=None)
@given(st.lists(change(), min_size=1, max_size=3), st.sampled_from([1, 3]))
def test_a_change_is_read_as_it_was_written(changes: list[Change], letters: int) -> None:
    expected = tuple(changes)
    text = write(expected, 1 if letters == 1 else 3)
    for spelling in (text, f"p.{text}", f"p.({text})", text.lower(), text.upper(), f" p.{text} "):
        assert parse(spelling) == expected, spelling


@settings(deadline=None)
@given(change())
def test_one_letter_and_three_letters_say_the_same(one: Change) -> None:
    """The long form is the short one with each letter written out, and the other way round."""
    short = one.hgvs(1)
    words = re.sub(r"(?<=[0-9])(delins|del|dup|ins)|(fs|ext)", lambda found: f"<{found[0]}>", short)
    parts = re.split(r"(<[a-z]+>)", words)
    long = "".join(
        part[1:-1] if part.startswith("<") else re.sub(r"[A-Z*]", lambda found: THREE[found[0]], part) for part in parts
    )
    assert one.hgvs(3) == long


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("V600E", "Val600Glu substitution"),
        ("p.(Val600Glu)", "Val600Glu substitution"),
        ("R1450*", "Arg1450Ter nonsense"),
        ("R1450X", "Arg1450Ter nonsense"),
        ("Arg1450Ter", "Arg1450Ter nonsense"),
        ("R1450Ter", "Arg1450Ter nonsense"),
        ("p.Cys188=", "Cys188= silent"),
        ("E746_A750del", "Glu746_Ala750del deletion"),
        ("p.Val241del", "Val241del deletion"),
        ("Y772_A775dup", "Tyr772_Ala775dup duplication"),
        ("D770_N771insNPG", "Asp770_Asn771insAsnProGly insertion"),
        ("L747_P753delinsS", "Leu747_Pro753delinsSer delins"),
        ("G776delinsVC", "Gly776delinsValCys delins"),
        ("p.Phe209SerfsTer5", "Phe209SerfsTer5 frameshift"),
        ("F209Sfs*5", "Phe209SerfsTer5 frameshift"),
        ("F209SfsX5", "Phe209SerfsTer5 frameshift"),
        ("p.Ile327Argfs*?", "Ile327ArgfsTer? frameshift"),
        ("S1982fs", "Ser1982fs frameshift"),
        ("S1982fs*", "Ser1982fs frameshift"),
        ("p.Met1ext-5", "Met1ext-5 extension"),
        ("p.*110Glnext*17", "Ter110GlnextTer17 extension"),
        ("p.Ter327ArgextTer?", "Ter327ArgextTer? extension"),
        ("V600", "Val600 codon"),
        # three letters are not three amino acids: THR is Thr here, and T, H, R there
        ("Ala1_Cys2insThr", "Ala1_Cys2insThr insertion"),
        ("A1_C2insTHR", "Ala1_Cys2insThrHisArg insertion"),
    ],
)
def test_changes_by_hand(text: str, expected: str) -> None:
    found = parse(text)
    assert found is not None
    assert f"{write(found)} {found[0].kind}" == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "p.", "BRAF", "V600Glu", "Val600E", "B600E", "V0E", "V06E", "600E", "VE", "V600EE", "V600e mutation",
        "Arg782Xaa", "E746_A740del", "E746_A750", "E746_A750E", "D770_N773insN", "D770insN", "V600delins", "ex19del",
        "p.[Ser68Arg];[Asn594del]", "p.(Ser68Arg)(;)(Asn594del)", "p.?", "p.0", "c.1799T>A", "n.*14del", "\u212a12C",
    ],
)  # fmt: skip
def test_what_is_no_change(text: str) -> None:
    assert parse(text) is None


def test_several_changes_of_one_copy() -> None:
    found = parse("p.[Leu747_Ser752del;Pro753Leu;Lys754=]")
    assert found is not None
    assert [c.kind for c in found] == ["deletion", "substitution", "silent"]
    assert write(found, 1) == "[L747_S752del;P753L;K754=]"


def test_every_name_of_the_table_is_read_and_written_again() -> None:
    unread = []
    for name in NAMES:
        text = name.partition(":")[2]
        found = parse(text)
        if found is None:
            unread.append(name)
        else:
            assert f"p.{write(found)}" == text
            assert parse(write(found, 1)) == found
    assert sorted(unread) == [
        f"{reference}:n.*{number}del"
        for reference in ("CDKN2A NP_478102.2", "ENSP00000462950.1", "NP_478102.2")
        for number in (14, 22)
    ]


# what ships


@needs_facts
def test_the_tables_are_those_of_the_facts() -> None:
    theirs = rows(FACTS / "omop_genomic_hgvs_protein.csv.gz")
    assert len(theirs) == len(NAMES) == 13_510
    assert {(int(r["concept_id"]), r["concept_name"]) for r in theirs} == {
        (int(r["concept_id"]), r["concept_name"]) for r in PROTEINS
    }
    assert {r["concept_synonym_name"]: int(r["concept_id"]) for r in theirs} == NAMES
    fusions = {
        (r["concept_id"], r["concept_name"])
        for r in rows(FACTS / "codeless_concepts.tsv", "\t")
        if r["concept_class_id"] == "Gene Fusion"
    }
    ours = {(r["concept_id"], r["concept_name"]) for r in rows(GENOMIC / "gene_fusions.csv")}
    assert fusions <= ours
    assert {name for _, name in ours - fusions} == {"MKRN1::BRAF gene fusion measurement"}


def test_genes_are_those_of_the_starter() -> None:
    starter = rows(data("vocab", "starter", "CONCEPT.csv"), "\t")
    theirs = {
        (r["concept_code"], r["concept_id"], r["concept_name"])
        for r in starter
        if r["concept_class_id"] == "Genetic Variation"
    }
    genes = rows(GENOMIC / "genes.csv")
    ours = {(r["hgnc"], r["concept_id"], r["concept_name"]) for r in genes if r["concept_id"]}
    assert ours == theirs
    assert all(r["concept_name"].startswith(f"{r['symbol']} (") for r in genes if r["concept_id"])
    assert all(not r["hgnc"] and not r["concept_name"] for r in genes if not r["concept_id"])
    assert {r["concept_name"].split()[0] for r in PROTEINS} <= {r["symbol"] for r in genes}
    fused = {r["concept_id"]: r["concept_name"] for r in rows(GENOMIC / "gene_fusions.csv")}
    (mkrn1,) = (r for r in starter if r["concept_name"] == "MKRN1::BRAF gene fusion measurement")
    assert fused[mkrn1["concept_id"]] == mkrn1["concept_name"]


def test_the_keys_are_made_of_the_tables(tmp_path: Path) -> None:
    """If this fails: write_spellings(data("vocab", "genomic", KEYS)), and look at the difference."""
    write_spellings(tmp_path / KEYS)
    assert rows(tmp_path / KEYS) == rows(GENOMIC / KEYS)


def test_no_key_is_there_twice_and_every_concept_has_one() -> None:
    keys = rows(GENOMIC / KEYS)
    assert max(Counter(row["key"] for row in keys).values()) == 1
    assert {row["level"] for row in keys} == {"protein", "fusion", "gene"}
    concepts = {int(r["concept_id"]) for name in ("protein_variants.csv.gz", "gene_fusions.csv", "genes.csv")
                for r in rows(GENOMIC / name) if r["concept_id"]}  # fmt: skip
    assert {int(row["concept_id"]) for row in keys if row["concept_id"]} == concepts


def test_the_readme_counts_right() -> None:
    readme = (GENOMIC / "README.md").read_text("utf-8")
    for name in ("protein_variants.csv.gz", "gene_fusions.csv", "genes.csv", KEYS):
        assert re.search(rf"\| `{re.escape(name)}` \| {len(rows(GENOMIC / name)):,} \|", readme), name
    genes = {row["concept_name"].split()[0] for row in PROTEINS}
    assert f"{len(genes)} genes: " in readme
    assert all(gene in readme for gene in genes)
    starter = {int(r["concept_id"]) for r in rows(data("vocab", "starter", "CONCEPT.csv"), "\t")}
    assert f"Of the {len(PROTEINS):,} concepts {len(starter & set(NAMES.values()))} are in `../starter`" in readme
    by_gene = {s.concept_id for s in read_variants().keys.values() if not s.key.startswith(("np_", "ensp"))}
    apart = Counter(r["concept_name"].split()[0] for r in PROTEINS if int(r["concept_id"]) not in by_gene)
    told = ", ".join(f"{number} {gene}" for gene, number in apart.most_common())
    assert f"The {sum(apart.values())} concepts of the other proteins only ({told})" in readme


# from text to concept


def test_every_name_of_the_table_leads_to_its_concept() -> None:
    """In full, without the version of the protein, and with one letter an amino acid."""
    find = read_variants().find
    for name, concept_id in NAMES.items():
        reference, _, text = name.partition(":")
        assert find(name).concept_id == concept_id
        assert find(f"{reference.rpartition('.')[0]}:{text}").concept_id == concept_id
        changes = parse(text)
        if changes and reference.startswith("NP_"):
            assert find(f"{reference}:p.{write(changes, 1)}").concept_id == concept_id


def test_the_names_of_the_concepts_say_the_same() -> None:
    """An independent way: 'BRAF protein: Substitution in position 600 of V replaced by E' is BRAF V600E."""
    replaced = re.compile(r"(\S+) protein: Substitution in position (\d+) of ([A-Z]) replaced by (.*) measurement")
    usual = {"BRAF": "NP_004324.2", "KRAS": "NP_004976.2", "CDKN2A": "NP_000068.1", "PTCH1": "NP_000255.2"}
    find = read_variants().find
    checked = 0
    for row in PROTEINS:
        found = replaced.fullmatch(row["concept_name"])
        if found is None:
            continue
        gene, place, old, new = found.groups()
        text = f"{gene} p.{old}{place}{'*' if new == 'an early stop codon' else new}"
        result = find(text)
        if gene in usual and f"{usual[gene]}:" not in row["hgvs"]:
            assert result.concept_id != int(row["concept_id"]), text
        else:
            assert (result.level, result.concept_id) == ("protein", int(row["concept_id"])), text
            checked += 1
    assert checked > 4_000


V600E = NAMES["NP_004324.2:p.Val600Glu"]


@pytest.mark.parametrize(
    "text",
    [
        "BRAF V600E", "BRAF p.V600E", "BRAF p.Val600Glu", "BRAF:p.(Val600Glu)", "NP_004324.2:p.Val600Glu",
        "NP_004324:p.Val600Glu", "NP_004324.9:p.V600E", "ENSP00000493543.1:p.Val600Glu", "braf v600e", " BRAF  V600E ",
        "BRAF\u00a0V600E", "B-RAF V600E", "BRAF-V600E", "BRAFV600E", "BRAF/V600E", "BRAF (V600E)", "BRAF gene V600E",
        "BRAF V600E mutation", "BRAF V600E-mutation".replace("-", " "), "BRAF mutasjon V600E", "BRAF exon 15 V600E",
        "BRAF c.1799T>A p.V600E", "BRAF p.V600E (c.1799T>A)", "NM_004333.6(BRAF):c.1799T>A (p.Val600Glu)",
        "NM_004333.4:c.1799T>A NP_004324.2:p.Val600Glu", "BRAF NP_004324.2:p.V600E", "NP_004324.2(BRAF):p.(Val600Glu)",
        "BRAF BRAF V600E",
    ],
)  # fmt: skip
def test_one_variant_in_its_everyday_spellings(text: str) -> None:
    found = read_variants().find(text)
    assert (found.level, found.gene, found.concept_id) == ("protein", "BRAF", V600E)
    assert found.gene_concept_id == 35948173
    assert found.concept_name == "BRAF protein: Substitution in position 600 of V replaced by E measurement"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EGFR L858R", "NP_005219.2:p.Leu858Arg"),
        ("KRAS G12C", "NP_004976.2:p.Gly12Cys"),
        ("EGFR E746_A750del", "NP_005219.2:p.Glu746_Ala750del"),
        ("HER2 L755S", "NP_004439.2:p.Leu755Ser"),
        ("ERBB2 L755_T759del", "NP_004439.2:p.Leu755_Thr759del"),
        ("AKT1 F209Sfs*5", "NP_001369359.1:p.Phe209SerfsTer5"),
        ("AKT1 p.Phe209SerfsX5", "NP_001369359.1:p.Phe209SerfsTer5"),
        ("BRCA2 R2318*", "NP_000050.3:p.Arg2318Ter"),
        ("BRCA2 p.R2318X", "NP_000050.3:p.Arg2318Ter"),
        ("BRCA2 p.Arg2318Ter", "NP_000050.3:p.Arg2318Ter"),
        ("EGFR p.[Leu747_Ser752del;Pro753Leu]", "NP_005219.2:p.[Leu747_Ser752del;Pro753Leu]"),
        ("NP_001361187.1:p.V640E", "NP_001361187.1:p.Val640Glu"),
        ("CDKN2A NP_478102.2:n.*14del", "NP_478102.2:n.*14del"),
    ],
)
def test_variants_by_hand(text: str, name: str) -> None:
    found = read_variants().find(text)
    assert (found.level, found.concept_id) == ("protein", NAMES[name])


@pytest.mark.parametrize(
    ("text", "gene"),
    [
        ("BRAF", "BRAF"),
        ("BRAF V600", "BRAF"),
        ("BRAF Non-V600mut", "BRAF"),
        ("BRAF V600E/K", "BRAF"),
        ("BRAF V600X", "BRAF"),
        ("BRAF V640E", "BRAF"),  # of another protein than the usual one
        ("BRAF non V600E", "BRAF"),
        ("BRAF activating mutations", "BRAF"),
        ("BRAF fusion", "BRAF"),
        ("HER2", "ERBB2"),
        ("ERBB2 amplification", "ERBB2"),
        ("EGFR exon 19 deletion", "EGFR"),
        ("EGFR ex20ins", "EGFR"),
        ("MET exon 14 skipping", "MET"),
        ("BRCA2 p.S1982fs", "BRCA2"),
        ("BRCA1 c.5266dupC", "BRCA1"),
        ("BRCA1 inactivating mutation", "BRCA1"),
        ("EGFR L858R/T790M", "EGFR"),
        ("KRAS G12D;G12V", "KRAS"),
        ("EGFR E746-A750del", "EGFR"),
        ("BRAF p.Met1?", "BRAF"),
        ("BRCA2 p.Ala2Argfs*?", "BRCA2"),
        ("NP_004324.2:p.Val600Xaa", ""),
        ("NP_004324.2:p.Val601Glu", "BRAF"),
    ],
)
def test_the_gene_is_the_fallback(text: str, gene: str) -> None:
    found = read_variants().find(text)
    if not gene:
        assert found.level is None
        return
    known = {row["symbol"]: row for row in rows(GENOMIC / "genes.csv")}
    assert (found.level, found.gene) == ("gene", gene)
    assert found.concept_id == int(known[gene]["concept_id"])


@pytest.mark.parametrize(
    "text",
    [
        "", "V600E", "p.T790M", "BRAF wild type", "BRAF wt", "BRAF negative", "no BRAF mutation", "BRAF ikke mutert",
        "BRAF V600E not detected", "BRAF V600E negative", "BRAF V600E, KRAS G12C", "non-mutated BRAF", "HER2 3+",
        "HER2 IHC 3+", "HER2 overexpression", "MLH1 loss of expression", "BRAF unknown", "BRAF?", "NTRK1/2/3 fusion",
        "Other", "MSI-H", "TMB 18 mut/Mb", "BRAF variant of uncertain significance", "BRAF likely benign", "XYZ1 V600E",
        "KRAS G12=", "KRAS p.(Gly12=)", "BRAF V600E?", "BRAF V600E-", "BRAF V600E/KRAS G12D", "BRAF V600E-KRAS G12D",
        "BRAF V600E; KRAS G12D",
    ],
)  # fmt: skip
def test_what_is_not_guessed_at(text: str) -> None:
    found = read_variants().find(text)
    assert (found.level, found.concept_id, found.gene) == (None, None, "")


@pytest.mark.parametrize("text", ["PIK3CA", "PTCH1 p.W844*", "POLE p.P286R", "c-KIT fusion"])
def test_a_gene_whose_concept_no_source_shows_is_still_known(text: str) -> None:
    found = read_variants().find(text)
    assert found.level == "gene"
    assert found.gene in {"PIK3CA", "PTCH1", "POLE", "KIT"}
    assert found.concept_id is None


@pytest.mark.parametrize(
    ("text", "gene", "concept"),
    [
        ("p.V600E", "BRAF", V600E),
        ("V600E", "BRAF activating mutations", V600E),
        ("BRAF V600E", "BRAF", V600E),
        ("NP_004324.2:p.Val600Glu", "BRAF", V600E),
        ("L755S", "HER2", NAMES["NP_004439.2:p.Leu755Ser"]),
        ("EML4-ALK", "ALK", 35976974),
        ("V600E", "KRAS", 35948791),  # not a change of KRAS: its gene
        ("V600E", "Other", None),
    ],
)
def test_the_gene_may_be_in_another_column(text: str, gene: str, concept: int | None) -> None:
    assert read_variants().find(text, gene).concept_id == concept


@pytest.mark.parametrize("text", ["EML4-ALK", "EML4::ALK", "EML4/ALK", "eml4-alk fusion", "EML4::ALK fusion"])
def test_fusions(text: str) -> None:
    found = read_variants().find(text)
    assert (found.level, found.gene, found.concept_id, found.gene_concept_id) == ("fusion", "ALK", 35976974, 35963763)


def test_the_order_of_a_fusion_matters() -> None:
    assert read_variants().find("RET::NCOA4").concept_id == 19644602
    assert read_variants().find("NCOA4::RET").concept_id == 35977094
    assert read_variants().find("ALK-EML4").concept_id is None


# the same in SQL

PIECES = """
    BRAF braf NP_004324.2 ENSP00000493543.1 NM_004333.6 (BRAF) p. p.( V600E Val600Glu v600* R1450X fsTer5 fs*5 fsX5
    extTer28 Ter133 del dup delins _A750 c.1799T>A g.140753336A>T exon 19 ekson mutation mutasjon gene fusion EML4 ALK
    :: : ; , - / _ [ ] ( ) = ? * . + non non-V600 wild type ex19del Å ß K 12 3+
"""
pieces = st.sampled_from([*PIECES.split(), " ", "  ", "\u00a0", "\t"])


# what staging leaves in a cell: no control characters
letters = st.characters(max_codepoint=0x24F, exclude_categories=["Cc"], exclude_characters="\u0130")


@pytest.fixture(scope="module")
def database() -> Iterator[DuckDB]:
    with DuckDB(None) as opened:
        opened.define_functions()
        yield opened


def same_keys(database: DuckDB, texts: list[str]) -> None:
    query = "SELECT o_variant(x), coalesce(o_gene(o_variant(x)), '') FROM (SELECT unnest($texts) AS x)"
    here = [(variant_key(text), gene_of(variant_key(text))) for text in texts]
    assert database.rows(query, {"texts": texts}) == here


@settings(deadline=None)
@given(
    texts=st.lists(st.lists(pieces, max_size=9).map("".join) | st.text(letters, max_size=20), min_size=1, max_size=50)
)
def test_the_database_makes_the_same_keys_of_anything(database: DuckDB, texts: list[str]) -> None:
    same_keys(database, texts)


def test_the_database_makes_the_same_keys_of_every_name(database: DuckDB) -> None:
    same_keys(database, [*NAMES, *(name.replace(":", " ") for name in NAMES), *read_variants().keys])


def test_a_key_is_its_own_key() -> None:
    for key in read_variants().keys:
        assert variant_key(key) == key


# the command and the page


def test_the_command() -> None:
    result = CliRunner().invoke(main, ["vocab", "variant", "--json", "BRAF V600E", "T790M"])
    assert result.exit_code == 0
    first, second = json.loads(result.output)
    assert first == {
        "text": "BRAF V600E",
        "key": "braf v600e",
        "level": "protein",
        "gene": "BRAF",
        "change": "p.Val600Glu",
        "kind": "substitution",
        "concept_id": V600E,
        "concept_name": "BRAF protein: Substitution in position 600 of V replaced by E measurement",
        "gene_concept_id": 35948173,
        "biomarker": "braf-v600e",
        "biomarker_name": "BRAF V600E",
        "biomarker_status": "example",
    }
    assert (second["level"], second["gene"], second["concept_id"]) == (None, None, None)


def test_the_page_shows_what_happens(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "howto-tumour-types-and-biomarkers.md"
    done = list(follow(page.read_text("utf-8"), tmp_path))
    assert len(done) >= 7
    for command in done:
        assert command.status == command.expected_status, command.given
        assert matches(command.shown, command.given), "\n".join(command.given)


def test_the_page_names_spellings_that_are_all_the_same() -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto-tumour-types-and-biomarkers.md").read_text("utf-8")
    listed = page.partition("All of these are the same to it:\n\n")[2].partition("\n\n")[0]
    spellings = re.findall(r"`([^`]+)`", listed)
    assert len(spellings) == 10
    assert {read_variants().find(text).concept_id for text in spellings} == {V600E}
