"""Concept files come from SSSOM and leave as SSSOM and SOURCE_TO_CONCEPT_MAP."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from omopify import __version__
from omopify.cli.main import main
from omopify.errors import Problems
from omopify.resources import data
from omopify.vocabulary.files import exchange
from omopify.vocabulary.files.concept_files import STANDARD, ConceptFile, ConceptRow, read_concept_file
from omopify.vocabulary.files.concept_rows import EQUIVALENCES, MAPPING_TYPES, STATUSES
from tests.docs.page import follow, matches

PAGE = Path(__file__).parents[2] / "docs" / "howto-concept-files.md"

DAY = 1795219200000  # 2026-11-21, midnight UTC: 20778 days after 1970
SET = "https://example.org/sets/demo"
BUILT_IN = {"owl", "rdf", "rdfs", "semapv", "skos", "sssom", "xsd", "linkml"}


def read(text: str, folder: Path) -> tuple[ConceptFile, list[str]]:
    path = folder / "m.tsv"
    path.write_bytes(text.encode())
    problems = Problems()
    found = read_concept_file(path, problems)
    assert found is not None, problems.found
    return found, [str(problem).removeprefix(str(folder)) for problem in problems.found]


def omopify(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_day_is_the_day_it_says() -> None:
    assert DAY == 20778 * 24 * 60 * 60 * 1000


def test_sssom_is_read(tmp_path: Path) -> None:
    found, told = read(
        "# curie_map:\n"
        "#   CONCEPT: https://athena.ohdsi.org/search-terms/terms/\n"
        "#   MIMIC4: https://example.org/mimic/\n"
        "# mapping_set_id: https://example.org/set\n"
        "# mapping_set_description: made up,\n"
        "#   mapping_date: is no slot here\n"
        "# mapping_date: '2024-05-02'\n"
        "subject_id\tsubject_label\tpredicate_id\tobject_id\tobject_label\tobject_category\tmapping_justification\t"
        "author_label\treviewer_label\tconfidence\tcomment\tcnt\n"
        "MIMIC4:50817\tOxygen|Blood\tskos:exactMatch\tCONCEPT:3013502\tOxygen saturation in Blood\tMeasurement\t"
        'semapv:LexicalMatching\tAda\tKari|Ola\t0.9\t"says ""so"""\t17\n'
        "MIMIC4:1\tb\tskos:broadMatch\tOMOP:1\t\t\tsemapv:ManualMappingCuration\tAda\t\t\t\t\n"
        "MIMIC4:2\tc\tskos:narrowMatch\tathena:2\t\t\tsemapv:LexicalMatching\t\t\t\t\t\n"
        "MIMIC4:3\td\tskos:relatedMatch\thttps://athena.ohdsi.org/search-terms/terms/3\t\t\tsemapv:x\t\t\t\t\t\n"
        "MIMIC4:4\te\tskos:closeMatch\t4\t\t\tsemapv:x\t\t\t\t\t\n"
        "MIMIC4:5\tf\tskos:exactMatch\tsssom:NoTermFound\t\t\tsemapv:ManualMappingCuration\t\t\t\t\t\n",
        tmp_path,
    )
    assert told == []
    assert found.kind == "sssom"
    assert [(r.source_code, r.concept_id, r.status, r.equivalence) for r in found.rows] == [
        ("50817", 3013502, "APPROVED", "EQUAL"),
        ("1", 1, "APPROVED", "WIDER"),
        ("2", 2, "UNCHECKED", "NARROWER"),
        ("3", 3, "UNCHECKED", "INEXACT"),
        ("4", 4, "UNCHECKED", "EQUIVALENT"),
        ("5", 0, "APPROVED", "UNMATCHED"),
    ]
    first = found.rows[0]
    # 2024-05-02 is 19845 days after 1970.
    assert (first.created_on, first.status_set_on) == (19845 * 86400000, 19845 * 86400000)
    assert (first.source_name, first.concept_name, first.domain_id) == (
        "Oxygen|Blood", "Oxygen saturation in Blood", "Measurement",
    )  # fmt: skip
    assert (first.status_set_by, first.created_by, first.match_score) == ("Kari; Ola", "Ada", 0.9)
    assert first.comment == 'says "so"'
    assert first.extra == {"cnt": "17", "subject_id": "MIMIC4:50817"}
    assert found.rows[1].status_set_by == "Ada"


def test_sssom_without_metadata_with_commas_and_old_words(tmp_path: Path) -> None:
    found, told = read(
        "subject_label,predicate_id,object_id,match_type\npain,skos:exactMatch,OMOP:7,HumanCurated\n", tmp_path
    )
    assert told == []
    assert [(r.said, r.concept_id, r.status) for r in found.rows] == [(("pain",), 7, "APPROVED")]


def test_sssom_that_leads_to_no_concept_is_kept_and_told(tmp_path: Path) -> None:
    found, told = read(
        "subject_label\tpredicate_id\tpredicate_modifier\tobject_id\tmapping_justification\n"
        "a\tskos:exactMatch\t\tLOINC:20564-1\tsemapv:ManualMappingCuration\n"
        "b\tskos:exactMatch\tNot\tOMOP:7\tsemapv:ManualMappingCuration\n",
        tmp_path,
    )
    assert [(r.source_name, r.concept_id, r.status, r.extra) for r in found.rows] == [
        ("a", 0, "UNCHECKED", {"object_id": "LOINC:20564-1"})
    ]
    assert told == [
        "/m.tsv:3:1: a row says what a term is not, and is left out; concept files have no word for it [OM638]",
        "/m.tsv:2:1: an object is no OMOP concept, so its term has no concept; what stood there is kept as 'object_id' "
        "[OM638]",
    ]


ROWS = (
    ConceptRow(
        2, "K-1/a", 'Kreft "x"', 4112853, "APPROVED", "MAPS_TO", "WIDER", "Malignant tumor of breast", "Condition",
        frequency=3, match_score=0.25, status_set_by="kari", status_set_on=DAY, created_by="a|b\\c", created_on=DAY,
        comment="level\tof the gene",
    ),
    ConceptRow(
        3, "ALK", "ALK", 9191, "APPROVED", "MAPS_TO_VALUE", "EQUAL", "Positive", "Meas Value",
        status_set_by="0000-0002-1825-0097", status_set_on=DAY, created_by="kari", created_on=DAY,
    ),
    ConceptRow(4, "", "uvær", 0, "APPROVED", created_on=DAY, created_by="kari", concept_name="Unmapped"),
    ConceptRow(5, "", "waits", 7, "UNCHECKED", match_score=0.5, created_on=DAY),
    ConceptRow(6, "", "waits without", 0, "UNCHECKED"),
    ConceptRow(7, "", "no", 8, "IGNORED"),
)  # fmt: skip


def test_the_sssom_that_is_written() -> None:
    approved = exchange.exported(ConceptFile(Path("m.csv"), ROWS), everything=False)
    assert [row.line for row in approved] == [2, 3, 4]
    text = exchange.sssom(approved, exchange.SetWords("demo", SET)).decode()
    # Checked by hand against sssom-py 0.4.21 on 2026-11-21: 'sssom validate' and 'sssom parse' take such files.
    assert text == (
        '#sssom_version: "1.1"\n'
        "#curie_map:\n"
        "#  OMOP: https://athena.ohdsi.org/search-terms/terms/\n"
        "#  athena: https://athena.ohdsi.org/\n"
        "#  orcid: https://orcid.org/\n"
        "#  source: https://example.org/sets/demo#\n"
        "#mapping_set_id: https://example.org/sets/demo\n"
        "#mapping_set_title: demo\n"
        "#license: https://w3id.org/sssom/license/unspecified\n"
        "#subject_source: source:demo\n"
        "#object_source: athena:vocabulary/list\n"
        "#mapping_tool: omopify\n"
        f'#mapping_tool_version: "{__version__}"\n'
        "#mapping_date: 2026-11-21\n"
        "#extension_definitions:\n"
        "#  - slot_name: omop_equivalence\n"
        "#  - slot_name: omop_mapping_type\n"
        "subject_id\tsubject_label\tpredicate_id\tobject_id\tobject_label\tobject_category\tmapping_justification\t"
        "author_label\treviewer_id\treviewer_label\tsubject_type\treview_date\tsimilarity_score\tcomment\t"
        "omop_equivalence\tomop_mapping_type\n"
        "\tALK\tskos:relatedMatch\tOMOP:9191\tPositive\tMeas Value\tsemapv:ManualMappingCuration\t"
        "kari\torcid:0000-0002-1825-0097\t\trdfs literal\t2026-11-21\t\t\tEQUAL\tMAPS_TO_VALUE\n"
        "\tuvær\tskos:exactMatch\tsssom:NoTermFound\t\t\tsemapv:ManualMappingCuration\t"
        "kari\t\t\trdfs literal\t\t\t\t\t\n"
        'source:K-1%2Fa\t"Kreft ""x"""\tskos:broadMatch\tOMOP:4112853\tMalignant tumor of breast\tCondition\t'
        'semapv:ManualMappingCuration\ta\\|b\\\\c\t\tkari\t\t2026-11-21\t0.25\t"level\tof the gene"\t\t\n'
    )
    assert "frequency" not in text
    both = exchange.exported(ConceptFile(Path("m.csv"), ROWS), everything=True)
    assert [row.line for row in both] == [2, 3, 4, 5]
    assert "waits\tskos:mappingRelation\tOMOP:7\t" in exchange.sssom(both, exchange.SetWords("demo", SET)).decode()


def test_the_same_mappings_have_the_same_name() -> None:
    words = exchange.SetWords("demo")
    names = {
        re.search(rb"mapping_set_id: (.*)", exchange.sssom(rows, words))[1] for rows in (ROWS[:2], ROWS[:2], ROWS[:3])
    }  # type: ignore[index]
    assert len(names) == 2
    assert all(name.startswith(b"https://w3id.org/sssom/mappings/") for name in names)


def test_a_program_is_no_author() -> None:
    """Nobody is named for what 'vocab suggest' proposed, so that reading it again does not take it for an approval."""
    row = ConceptRow(2, "", "flu", 4112853, "APPROVED", created_by="omopify suggest")
    assert b"omopify suggest" not in exchange.sssom([row], exchange.SetWords("demo"))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00\x1c\x1d\x1e\x1f")).map(str.strip)
names = texts.filter(bool)
equivalences = st.sampled_from(["EQUAL", "EQUIVALENT", "WIDER", "NARROWER", "INEXACT", "UNREVIEWED"])


@given(
    st.lists(
        st.builds(
            ConceptRow,
            line=st.just(0),
            source_code=st.just("") | names.filter(lambda code: code[0] not in "'="),
            source_name=names,
            concept_id=st.integers(1, 2**31 - 1),
            status=st.sampled_from(["APPROVED", "UNCHECKED"]),
            mapping_type=st.sampled_from(["MAPS_TO", "MAPS_TO_UNIT"]),
            equivalence=equivalences,
            concept_name=texts,
            domain_id=texts,
            created_by=names.filter(lambda name: ";" not in name and not re.search(r"\d{4}-", name)),
            created_on=st.integers(1, 20000).map(lambda day: day * 86400000),
            comment=texts,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_sssom_goes_round(rows: list[ConceptRow]) -> None:
    rows = [
        replace(row, status_set_by="kari", status_set_on=86400000) if row.status == "APPROVED" else row for row in rows
    ]
    text = exchange.sssom(rows, exchange.SetWords("demo")).decode()
    head = yaml.safe_load("".join(line[1:] + "\n" for line in text.split("\n") if line.startswith("#")))
    body = text[text.index("\nsubject") + 1 :]
    records = list(csv.DictReader(io.StringIO(body, newline=""), delimiter="\t", strict=True))
    slots = ("subject_id", "predicate_id", "object_id", "mapping_justification", "subject_source", "object_source")
    prefixes = {
        str(cell).partition(":")[0] for record in (*records, head) for slot in slots if (cell := record.get(slot))
    }
    assert prefixes <= set(head["curie_map"]) | BUILT_IN
    for record in records:  # the slots that the schema requires
        assert record["predicate_id"]
        assert record["object_id"]
        assert record["mapping_justification"]
        literal = record.get("subject_type") or head.get("subject_type")
        assert record["subject_label"] if literal == "rdfs literal" else record["subject_id"]
    with TemporaryDirectory() as name:
        found, _ = read(text, Path(name))

    def known(row: ConceptRow) -> tuple[object, ...]:
        code = row.source_code if row.source_code != row.source_name else ""
        value = (row.concept_id, row.status, row.mapping_type, row.equivalence, row.concept_name, row.domain_id)
        return (code, row.source_name, *value, row.created_by, row.created_on, row.comment, row.status_set_by)

    assert sorted(map(known, found.rows)) == sorted(map(known, rows))


def test_a_source_to_concept_map_is_written() -> None:
    problems = Problems()
    written = exchange.stcm(ROWS[:3], "TRIAL", {4112853: "SNOMED", 9191: "SNOMED"}, Path("m.csv"), problems)
    assert problems.found == []
    assert written.decode() == (
        "source_code,source_concept_id,source_vocabulary_id,source_code_description,target_concept_id,"
        "target_vocabulary_id,valid_start_date,valid_end_date,invalid_reason\n"
        'K-1/a,0,TRIAL,"Kreft ""x""",4112853,SNOMED,1970-01-01,2099-12-31,\n'
        "uvær,0,TRIAL,uvær,0,None,1970-01-01,2099-12-31,\n"
    )


def test_what_does_not_fit_a_source_to_concept_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    long = ConceptRow(9, "x" * 51, "n" * 256, 7, "APPROVED")
    problems = Problems()
    exchange.stcm((long,), "V" * 21, {}, tmp_path / "m.csv", problems)
    assert [str(problem) for problem in problems.found] == [
        "'VVVVVVVVVVVVVVVVVVVVV' is longer than the 20 characters of a vocabulary's id; give a shorter --vocabulary-id "
        "[OM639]",
        "m.csv:9:1: the code is longer than the 50 characters of 'source_code'; give the term a short code in the "
        "column 'sourceCode' [OM639]",
        "m.csv:9:1: concept 7 is not in the vocabulary; name one that has it with --vocabulary, or correct the id "
        "[OM639]",
        "m.csv: 1 names are cut to the 255 characters of 'source_code_description' [OM639]",
    ]


def test_import_says_what_it_takes_for_granted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.csv").write_text("source_value;concept_id;site\nPCM;1125315;x\nukjent;;\n", encoding="utf-8")
    result = omopify("vocab", "import", "list.csv", "--out", "concepts/drugs.csv")
    assert (result.exit_code, result.stdout) == (
        0,
        "2 rows for 2 terms: 2 UNCHECKED\n"
        "It is a table of terms and concept ids: nobody has approved it, so its rows are UNCHECKED (--approved-by NAME "
        "says who has).\n"
        "Columns that Usagi does not know are kept as additional information: site\n"
        "concepts/drugs.csv\n",
    )
    again = omopify("vocab", "import", "list.csv", "--out", "concepts/drugs.csv", "--approved-by", "kari")
    assert again.exit_code == 1
    assert "there is already a file 'concepts/drugs.csv'" in again.stderr
    again = omopify("vocab", "import", "list.csv", "--out", "concepts/drugs.csv", "--approved-by", "kari", "--replace")
    assert again.stdout.startswith("2 rows for 2 terms: 1 APPROVED, 1 UNCHECKED\n")
    found = read_concept_file(Path("concepts/drugs.csv"), Problems())
    assert found
    assert [(r.status, r.status_set_by, r.info) for r in found.rows] == [
        ("APPROVED", "kari", {"site": "x"}),
        ("UNCHECKED", "", {"site": ""}),
    ]


def test_import_of_a_broken_file_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.csv").write_text("source_value,concept_id\nPCM,1125315\nx,MALE\n", encoding="utf-8")
    result = omopify("vocab", "import", "list.csv", "--out", "drugs.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("list.csv:3:3: 'conceptId' is not a number")
    assert not Path("drugs.csv").exists()


def test_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))
    file = data("mappings", "prime_rose", "concepts", "biomarkers.csv")
    text = file.read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    arguments = (
        "--sssom",
        "b.sssom.tsv",
        "--stcm",
        "b.csv",
        "--vocabulary-id",
        "PRIME_ROSE",
        "--vocabulary",
        "starter",
    )
    result = omopify("vocab", "export", file, *arguments)
    assert result.exit_code == 0, result.stderr
    approved, waiting = text.count(",APPROVED,"), text.count(",UNCHECKED,")
    values = sum(",MAPS_TO_VALUE," in line and ",APPROVED," in line for line in text.splitlines())
    assert result.stdout == (
        f"{approved} rows: b.sssom.tsv\n"
        f"{approved - values} rows (without {values} rows for values and units: the table has no word for them): "
        "b.csv\n"
        f"{waiting} rows are not approved and stay here\n"
    )
    problems = Problems()
    again = read_concept_file(tmp_path / "b.csv", problems)
    assert again
    assert problems.found == []
    assert (again.kind, len(again.rows)) == ("stcm", approved - values)
    concepts = data("vocab", "starter", "CONCEPT.csv").read_text("utf-8").splitlines()
    vocabularies = {line.split("\t")[0]: line.split("\t")[3] for line in concepts}
    assert {row.extra["target_vocabulary_id"] == vocabularies[str(row.concept_id)] for row in again.rows} == {True}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "say what to write: --sssom OUT or --stcm OUT"),
        (("--sssom", "x.tsv", "--license", "CC0-1.0"), "--license is a web address"),
        (("--stcm", "x.csv"), "--stcm needs --vocabulary-id NAME"),
        (("--stcm", "x.csv", "--vocabulary-id", "V", "--all"), "--all is for --sssom"),
    ],
)
def test_export_asks_for_what_it_needs(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = omopify("vocab", "export", tmp_path / "m.csv", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_export_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.csv").write_text("sourceName,conceptId,mappingStatus\nx,7,UNCHECKED\n")
    result = omopify("vocab", "export", "m.csv", "--sssom", "out.tsv")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "m.csv: no row is approved; approve rows in Usagi or a spreadsheet, or use --all [OM639]"
    )
    assert not Path("out.tsv").exists()


def test_the_page_shows_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))
    done = list(follow(PAGE.read_text("utf-8"), tmp_path))
    assert len(done) == 6
    for command in done:
        assert command.status == command.expected_status, command
        assert matches(command.shown, command.given), "\n".join(command.given)


def test_the_page_names_every_column_and_word() -> None:
    text = PAGE.read_text("utf-8")
    words = (*STANDARD, *EQUIVALENCES, *MAPPING_TYPES, *STATUSES)
    assert [word for word in words if f"`{word}`" not in text] == []
