"""Finding a vocabulary folder, and saying what is wrong with it."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import pytest

from omopify.cdm import tables
from omopify.errors import Location, Problems
from omopify.vocabulary.loading import athena
from omopify.vocabulary.loading.athena import TABLES, AthenaDownload, concept_names, find_athena, starter_path

AT = Location("omopify.yaml", 3, 5)
HEADERS = {table: "\t".join(field.name for field in tables()[table].fields) for table in TABLES}
RELEASE = "None\tOMOP Standardized Vocabularies\tOMOP generated\tv5.0 30-AUG-24\t44819096"


def write(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    minimal = {
        "CONCEPT.csv": HEADERS["concept"] + "\n",
        "CONCEPT_RELATIONSHIP.csv": HEADERS["concept_relationship"] + "\n",
        "VOCABULARY.csv": f"{HEADERS['vocabulary']}\n{RELEASE}\n",
    }
    for name, text in minimal.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def find(folder: Path) -> AthenaDownload:
    problems = Problems()
    found = find_athena(folder, problems, AT)
    assert problems.found == []
    assert found is not None
    return found


def problems_of(folder: Path) -> list[str]:
    problems = Problems()
    assert find_athena(folder, problems, AT) is None
    assert all(problem.at == AT for problem in problems.found)
    return [str(problem).removeprefix(f"{AT}: ") for problem in problems.found]


def test_a_minimal_folder_is_enough(tmp_path: Path) -> None:
    found = find(write(tmp_path))
    assert set(found.files) == {"concept", "concept_relationship", "vocabulary"}
    assert found.release == "v5.0 30-AUG-24"
    assert found.sampled == ()
    assert len(found.sha256) == 64


def test_case_ending_compression_and_strangers_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "CONCEPT.csv").rename(tmp_path / "concept.TSV")
    (tmp_path / "VOCABULARY.csv").unlink()
    with gzip.open(tmp_path / "Vocabulary.csv.gz", "wt", encoding="utf-8", newline="") as file:
        file.write(f"\ufeff{HEADERS['vocabulary'].upper()}\r\n{RELEASE}\r\n")
    (tmp_path / "CONCEPT_CPT4.csv").write_text("whatever")
    (tmp_path / "readme.txt").write_text("whatever")
    (tmp_path / "domain.csv").mkdir()
    found = find(tmp_path)
    assert found.release == "v5.0 30-AUG-24"
    assert {table: file.path.name for table, file in found.files.items()} == {
        "concept": "concept.TSV",
        "concept_relationship": "CONCEPT_RELATIONSHIP.csv",
        "vocabulary": "Vocabulary.csv.gz",
    }


def test_an_addition_has_no_release(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "VOCABULARY.csv").write_text(HEADERS["vocabulary"] + "\nSNOMED\tx\ty\tz\t1\nshort\n")
    assert find(tmp_path).release == ""


def test_no_folder(tmp_path: Path) -> None:
    (found,) = problems_of(tmp_path / "vocab")
    assert found.startswith(f"there is no vocabulary folder or archive '{tmp_path / 'vocab'}'; choose and download")
    assert found.endswith("[OM601]")


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    write(tmp_path)
    (found,) = problems_of(tmp_path / "CONCEPT.csv")
    told = (
        f"vocabulary '{tmp_path / 'CONCEPT.csv'}' is neither a folder nor a zip archive; give its folder, '{tmp_path}'"
    )
    assert found == f"{told} [OM601]"
    (tmp_path / "notes.txt").write_text("x")
    (found,) = problems_of(tmp_path / "notes.txt")
    assert "is neither a folder nor a zip archive; choose and download" in found


def test_an_archive_is_as_good_as_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "download")
    (folder / "DOMAIN.csv").write_text(HEADERS["domain"] + "\n")
    archive = tmp_path / "download.zip"
    inside = {
        "CONCEPT.csv": "v5/concept.CSV",
        "VOCABULARY.csv": "v5\\Vocabulary.csv",
    }  # the latter as old tools for Windows
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("v5/", b"")
        for file in folder.iterdir():
            packed.write(file, inside.get(file.name, f"v5/{file.name}"))
        for name in ("__MACOSX/v5/CONCEPT.csv", "v5/._CONCEPT.csv", "v5/cpt4.jar", "readme.txt"):
            packed.writestr(name, b"whatever")
    found = find(archive)
    assert set(found.files) == {"concept", "concept_relationship", "vocabulary", "domain"}
    assert found.files["concept"].name == "concept.CSV"
    assert found.files["concept"].shown == str(archive / "v5" / "concept.CSV")
    assert found.release == "v5.0 30-AUG-24"
    assert found.sampled == ("concept", "concept_relationship", "domain", "vocabulary")
    assert len(found.sha256) == 64
    for table, file in found.files.items():
        with file.open() as content:
            assert content.read().decode().startswith(HEADERS[table])
        assert file.columns() == HEADERS[table].split("\t")


def test_the_hash_of_an_archive_is_of_its_content(tmp_path: Path) -> None:
    folder = write(tmp_path / "download")
    hashes = set()
    for name, level in (("a", 1), ("b", 9)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=level) as packed:
            for file in folder.iterdir():
                packed.write(file, f"{name}/{file.name}")
        hashes.add(find(tmp_path / f"{name}.zip").sha256)
    assert len(hashes) == 1
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as packed:
        packed.writestr("DOMAIN.csv", HEADERS["domain"])
    assert find(tmp_path / "a.zip").sha256 not in hashes


def test_what_is_missing_or_twice_in_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "download.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("v1/VOCABULARY.csv", HEADERS["vocabulary"])
        packed.writestr("v2/VOCABULARY.csv", HEADERS["vocabulary"])
        packed.writestr("CONCEPT.csv", "concept_id")
    twice, missing, columns = problems_of(archive)
    assert twice.startswith(
        f"vocabulary archive '{archive}' has table vocabulary twice: 'v1/VOCABULARY.csv' and 'v2/VOC"
    )
    assert missing.startswith(f"vocabulary archive '{archive}' has no file CONCEPT_RELATIONSHIP.csv; ")
    assert columns.startswith(f"vocabulary file '{archive / 'CONCEPT.csv'}' lacks the columns concept_name, ")


def test_a_folder_with_the_archive_in_it(tmp_path: Path) -> None:
    (tmp_path / "vocabulary_download_v5.zip").write_bytes(b"")
    assert f"did you mean '{tmp_path / 'vocabulary_download_v5.zip'}'? [OM602]" in problems_of(tmp_path)[0]


def test_a_column_twice(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "DOMAIN.csv").write_text(HEADERS["domain"] + "\tDomain_Name\t\t\n")
    (found,) = problems_of(tmp_path)
    assert "DOMAIN.csv' has two columns called domain_name; keep the one that Athena ships [OM603]" in found


def test_all_missing_files_are_named_at_once(tmp_path: Path) -> None:
    found = problems_of(tmp_path)
    assert len(found) == 3
    for name, text in zip(("CONCEPT", "VOCABULARY", "CONCEPT_RELATIONSHIP"), found, strict=True):
        assert text.startswith(f"vocabulary folder '{tmp_path}' has no file {name}.csv; ")
        assert "https://athena.ohdsi.org" in text
        assert text.endswith("[OM602]")


def test_a_folder_too_high_is_guessed(tmp_path: Path) -> None:
    write(tmp_path / "vocabulary_v5")
    assert f"did you mean '{tmp_path / 'vocabulary_v5'}'? [OM602]" in problems_of(tmp_path)[0]


def test_all_missing_columns_are_named_at_once(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "CONCEPT.csv").write_text("concept_id\tCONCEPT_NAME\tdomain_id\n")
    (tmp_path / "CONCEPT_ANCESTOR.csv").write_text(HEADERS["concept_ancestor"].replace("\t", ",") + "\n")
    concept, ancestor = problems_of(tmp_path)
    assert "CONCEPT.csv' lacks the columns vocabulary_id, concept_class_id, standard_concept, " in concept
    assert "the first line must name the columns" in concept
    assert concept.endswith("[OM603]")
    assert "lacks the columns ancestor_concept_id, descendant_concept_id, min_levels" in ancestor
    assert "columns must be separated by tabs" in ancestor


def test_an_empty_file_lacks_all_columns(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "DOMAIN.csv").write_text("")
    (found,) = problems_of(tmp_path)
    assert "DOMAIN.csv' lacks the columns domain_id, domain_name, domain_concept_id; " in found


def test_unreadable_files(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "CONCEPT.csv").write_bytes(b"concept_id\tconcept_name\xe9\n")
    (tmp_path / "DOMAIN.csv.gz").write_bytes(b"not compressed")
    found = problems_of(tmp_path)
    assert [text[-7:] for text in found] == ["[OM604]", "[OM604]"]
    assert "CONCEPT.csv' cannot be read" in found[0]
    assert "DOMAIN.csv.gz' cannot be read" in found[1]


def test_a_vocabulary_that_breaks_further_down(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "VOCABULARY.csv").write_bytes(HEADERS["vocabulary"].encode() + b"\n" + b"x" * 20_000 + b"\xe9\n")
    (found,) = problems_of(tmp_path)
    assert found.endswith("[OM604]")


def test_a_table_twice(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "concept.tsv").write_text(HEADERS["concept"] + "\n")
    (found,) = problems_of(tmp_path)
    assert "has table concept twice: 'CONCEPT.csv' and 'concept.tsv'; " in found
    assert found.endswith("[OM605]")


def test_problems_of_others_and_of_an_earlier_look_do_not_matter(tmp_path: Path) -> None:
    problems = Problems()
    problems.add("OM201", "something else")
    assert find_athena(write(tmp_path / "good"), problems, AT) is not None
    for _ in range(2):
        assert find_athena(tmp_path, problems, AT) is None
    assert len(problems.found) == 4


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one"), write(tmp_path / "two")
    assert find(one).sha256 == find(two).sha256
    (two / "CONCEPT.csv").write_text(HEADERS["concept"] + "\n\n")
    assert find(one).sha256 != find(two).sha256
    write(two)
    (two / "DOMAIN.csv").write_text(HEADERS["domain"] + "\n")
    assert find(one).sha256 != find(two).sha256


def test_of_a_big_file_the_ends_are_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(athena, "_WHOLE_FILE", 1000)
    monkeypatch.setattr(athena, "_SAMPLE", 100)
    file = write(tmp_path) / "CONCEPT.csv"

    def sha256(text: str, time: int) -> str:
        file.write_text(HEADERS["concept"] + "\n" + text)
        os.utime(file, ns=(time, time))
        found = find(tmp_path)
        assert found.sampled == ("concept",)
        return found.sha256

    first = sha256("a" * 5000, 1)
    assert sha256("a" * 5000, 1) == first
    assert sha256("a" * 5000, 2) != first
    assert sha256("a" * 4999 + "b", 1) != first
    assert sha256("a" * 5001, 1) != first


def test_names_are_read_without_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    rows = '1\t"one\tx\n2\ttwo\tx\ncut\n'
    (tmp_path / "CONCEPT.csv").write_text(HEADERS["concept"].upper() + "\n" + rows)
    assert concept_names(find(tmp_path), {1, 3}) == {1: '"one'}
    monkeypatch.setattr(athena, "_WHOLE_FILE", 10)
    monkeypatch.setattr(athena, "_SAMPLE", 5)
    assert concept_names(find(tmp_path), {1, 3}) is None


def test_shipped_folders_have_names() -> None:
    for name in ("starter", "demo_restricted"):
        folder = starter_path(name)
        assert folder is not None
        assert folder.is_dir()
        assert find(folder).path == folder
    assert starter_path("vocab/athena") is None
    starter = starter_path("starter")
    assert starter is not None
    assert find(starter).release == "omopify starter v1"
    limit = tables()["cdm_source"].field("vocabulary_version").length
    assert limit is not None
    assert len(find(starter).release) <= limit
