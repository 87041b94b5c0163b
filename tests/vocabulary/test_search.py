"""Searching: what is found, in which order, that nothing a person types fails, and when the index is built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from omopify.cli.main import main
from omopify.engines.duckdb import DuckDB
from omopify.errors import OmopifyError, Problems
from omopify.vocabulary.loading.athena import starter_path
from omopify.vocabulary.loading.chosen import user_cache
from omopify.vocabulary.loading.load import load_vocabulary
from omopify.vocabulary.search.index import index_places, open_search
from omopify.vocabulary.search.search import Filters, check_filters, exact, retrieve, search, similar_tokens
from tests.docs.page import follow, matches
from tests.vocabulary.small import VALID, concept_rows, small_vocabulary

ALL = Filters(valid=False)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_vocabulary(tmp_path_factory.mktemp("search") / "vocabulary.duckdb")


@pytest.fixture(scope="module")
def database(file: Path) -> Iterator[DuckDB]:
    with open_search(file) as db:
        yield db


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDB]:
    """The real concepts that ship with omopify."""
    file = tmp_path_factory.mktemp("shipped") / "shipped.duckdb"
    folders = [path for name in ("starter", "demo_restricted") if (path := starter_path(name))]
    load_vocabulary(folders, file, Problems())
    with open_search(file) as db:
        yield db


def ids(database: DuckDB, text: str, filters: Filters | None = None, limit: int = 20) -> list[int]:
    return [hit.concept_id for hit in search(database, text, filters, limit).hits]


# what is found first


def test_a_standard_concept_of_that_name_comes_before_others_of_it(database: DuckDB) -> None:
    assert ids(database, "fever")[:2] == [900101, 900102]
    assert ids(database, "FEVER ", ALL)[:3] == [900101, 900102, 900105]  # the retired one last


def test_a_concept_that_is_not_standard_says_what_to_use_instead(database: DuckDB) -> None:
    standard, other = search(database, "fever").hits[:2]
    assert standard.maps_to == ()
    assert other.maps_to == ((900101, "Fever"),)  # the link to 900122 has ended


def test_whole_names_come_before_names_with_the_word(database: DuckDB) -> None:
    # then the name that begins so and is shorter, before the longer one that has the word in it
    assert ids(database, "fever") == [900101, 900102, 900103, 900106]


def test_a_synonym_is_as_good_as_the_name(database: DuckDB) -> None:
    hit = search(database, "regional ENTERITIS").hits[0]
    assert (hit.concept_id, hit.kind, hit.matched) == (900120, "synonym", "Regional enteritis")
    hit = search(database, "mamma ca grade 3").hits[0]
    assert (hit.concept_id, hit.kind, hit.matched) == (900125, "synonym", "Mamma-ca [grade 3]")
    assert ids(database, "breast cancer")[0] == 900125


def test_all_words_count_and_their_order_does_not(database: DuckDB) -> None:
    assert ids(database, "tablet wombatinib 250 mg")[0] == 900112
    assert ids(database, "wombatinib 500mg tablet")[0] == 900111
    assert ids(database, "breast neoplasm")[0] == 900126  # the shorter name, although it is no standard concept
    assert ids(database, "malignant breast")[0] == 900125


def test_a_decimal_number_is_one_word(database: DuckDB) -> None:
    assert ids(database, "wombatinib 0,5 mg/ml")[0] == 900113
    assert 900111 not in ids(database, "0.5 mg/ml", limit=1)


def test_case_accents_possessives_and_punctuation_do_not_matter(database: DuckDB) -> None:
    for text in ("crohn's disease", "CROHN DISEASE", "Crohn\u2019s  disease", "crohn-disease"):
        assert ids(database, text)[0] == 900120, text
    for text in ("Meniere disease", "ménière's DISEASE", "Ménière disease"):
        assert ids(database, text)[0] == 900121, text


def test_the_last_word_may_be_unfinished(database: DuckDB) -> None:
    assert ids(database, "wombat")[0] == 900110
    assert ids(database, "febrile neutr") == [900104]
    assert ids(database, "malignant neo")[0] == 900125


def test_misspelt_words_are_repaired_and_it_is_said(database: DuckDB) -> None:
    # a letter too few, too many, another one, two that changed places; and two slips in a longer word
    for text in ("wombatnib", "wombatiinib", "wombatimib", "wombaitnib", "wmbatinb", "vombatinib"):
        found = search(database, text)
        assert found.hits[0].concept_id == 900110, text
        assert found.corrections == ((text, ("wombatinib",)),)
    assert ids(database, "malignnt neoplasm of brest")[0] == 900125
    assert ids(database, "nausa")[0] == 900122
    assert search(database, "wombatinib").corrections == ()


def test_short_words_and_numbers_are_not_repaired(database: DuckDB) -> None:
    assert ids(database, "501") == []
    assert ids(database, "eat") == []
    assert ids(database, "tever") == []  # the first letter of a short word is taken as right
    assert ids(database, "fevr")[0] == 900101


def test_words_of_the_trials_languages_are_read_in_english(database: DuckDB) -> None:
    found = search(database, "kvalme")
    assert found.hits[0].concept_id == 900122
    assert found.reading is not None
    assert found.reading.text == "nausea"
    assert ids(database, "brystkreft")[0] == 900125


def test_nothing_found_offers_words_that_begin_so(database: DuckDB) -> None:
    found = search(database, "febxqzj")
    assert found.hits == ()
    assert found.corrections == (("febxqzj", ()),)
    assert found.near[0] == "febrile"


# codes and ids


def test_a_code_is_found_with_and_without_its_punctuation(database: DuckDB) -> None:
    for text in ("C50.9", "c50.9", " C50.9 ", "C509", "c50-9"):
        hit = search(database, text).hits[0]
        assert (hit.concept_id, hit.kind, hit.matched) == (900123, "code", "C50.9"), text
    assert ids(database, "C50") == [900124, 900123]  # both begin so
    assert search(database, "%").hits[0].concept_id == 900130
    assert search(database, "99213").hits[0].concept_id == 900131  # its name is missing, as CPT4's are
    assert ids(database, "ä/ß-1") == [900133]


def test_a_vocabulary_may_stand_before_a_colon(database: DuckDB) -> None:
    assert ids(database, "beta:C50.9") == [900123]
    assert ids(database, "Alpha: fever")[0] == 900101
    assert ids(database, "Beta:fever") == [900102]
    assert ids(database, "note: fever")[0] == 900101  # no vocabulary: a word that no name has
    assert ids(database, "fever:")[0] == 900101


def test_a_number_is_an_id_whatever_the_filters_say(database: DuckDB) -> None:
    assert ids(database, "900105", Filters(domains=("Drug",), standard=True)) == [900105]
    assert search(database, "900105").hits[0].kind == "id"
    assert search(database, "0").hits[0].concept_id == 0
    # the id is the code of another one
    assert search(database, "161").hits[0].kind == "code"


def test_scores_are_between_0_and_1_and_fall(database: DuckDB) -> None:
    for text in ("fever", "wombatinib 500 mg", "C50", "malignant"):
        scores = [hit.score for hit in search(database, text).hits]
        assert all(0 < score <= 1 for score in scores), text
    assert search(database, "pyrexia").hits[0].score == 1


# filters


def test_filters(database: DuckDB) -> None:
    assert ids(database, "fever", Filters(vocabularies=("Beta",))) == [900102]
    assert ids(database, "fever", Filters(domains=("Observation",))) == [900106]
    assert ids(database, "fever", Filters(domains=("Observation", "Condition"), classes=("Code", "Disorder"))) == [
        900102
    ]
    assert 900102 not in ids(database, "fever", Filters(standard=True))
    assert 900105 not in ids(database, "fever")
    assert 900105 in ids(database, "fever", ALL)
    assert ids(database, "C50.9", Filters(standard=True)) == []
    assert ids(database, "wombatinib", limit=2) == ids(database, "wombatinib")[:2]


def test_filters_are_taken_in_any_case_and_unknown_ones_told(database: DuckDB) -> None:
    problems = Problems()
    asked = Filters(domains=("condition", "drog"), vocabularies=("ALPHA",), classes=("Clinical Drog",))
    checked = check_filters(database, asked, problems)
    assert checked.domains[0] == "Condition"
    assert checked.vocabularies == ("Alpha",)
    assert [str(problem) for problem in problems.errors] == [
        "no concept of this vocabulary file is of domain 'drog'; did you mean 'Drug'?; it has Condition, Drug, "
        "Measurement, Metadata, Observation, Procedure, Unit [OM670]",
        "no concept of this vocabulary file is of concept class 'Clinical Drog'; did you mean 'Clinical Drug'?; it has "
        "Clinical Drug, Code, Disorder, Finding, Ingredient, Lab Test, Procedure, Undefined, Unit [OM670]",
    ]


# many texts at once


def test_retrieve_is_in_the_order_of_the_texts_and_the_best_first(database: DuckDB) -> None:
    texts = [
        "wombatinib 250 mg oral tablet",
        "",
        "brest cancer",
        "xqzj",
        "Morbus Crohn",
        "wombatinib 250 mg oral tablet",
    ]
    found = retrieve(database, texts, per_text=2)
    best = {c.text: (c.concept_id, c.matched, c.kind) for c in reversed(found)}
    assert best == {
        0: (900112, "wombatinib 250 MG Oral Tablet", "name"),
        2: (900125, "Breast cancer", "synonym"),
        4: (900120, "Morbus Crohn", "synonym"),
        5: (900112, "wombatinib 250 MG Oral Tablet", "name"),
    }
    assert [c.text for c in found] == sorted(c.text for c in found)
    assert max(sum(c.text == n for c in found) for n in range(6)) == 2
    for one, other in pairwise(found):
        assert one.text < other.text or one.score >= other.score


def test_retrieve_takes_domains_for_each_text(database: DuckDB) -> None:
    found = retrieve(database, ["fever", "fever", "fever"], domains=[("Observation",), (), ("Drug", "Unit")])
    assert {c.concept_id for c in found if c.text == 0} == {900106}
    assert {c.concept_id for c in found if c.text == 1} == {900101, 900102, 900103, 900106}
    assert {c.concept_id for c in found if c.text == 2} == set()


def test_exact_finds_what_folds_to_the_same(database: DuckDB) -> None:
    found = exact(database, ["fever", "breast CANCER", "breast", "", "%"])
    assert {(c.text, c.concept_id, c.kind) for c in found} == {
        (0, 900101, "name"), (0, 900102, "name"), (1, 900125, "synonym"),
    }  # fmt: skip
    assert {(c.text, c.concept_id) for c in exact(database, ["fever"], ALL)} == {(0, 900101), (0, 900102), (0, 900105)}


def test_similar_tokens(database: DuckDB) -> None:
    assert similar_tokens(database, ["wombatimib", "wmbatinb", "fever", "xqzj"]) == [
        ("wmbatinb", "wombatinib", 2),
        ("wombatimib", "wombatinib", 1),
    ]


def test_nothing_is_asked_of_no_texts(database: DuckDB) -> None:
    assert retrieve(database, []) == []
    assert exact(database, []) == []
    assert similar_tokens(database, []) == []


# anything may be typed


AWKWARD = [
    "", " ", "'", '"', "%", "_", "\\", "';--", "{{ text }}", "$typed", "?", "\0", "\n\t", "😀", "癌", "é" * 300,
    "a" * 10_000, "fever " * 2_000, "0" * 5_000 + "1", "9" * 5_000, "-1", "1e5", "٣", "²", "\udcff",
    "\U0010ffff", "()[]*+.^$|",
]  # fmt: skip


@pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
def test_awkward_texts(database: DuckDB, text: str) -> None:
    search(database, text)
    exact(database, [text])
    retrieve(database, [text], domains=[("Drug",)])
    similar_tokens(database, [text])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text(database: DuckDB, text: str) -> None:
    found = search(database, text, limit=5)
    assert len(found.hits) <= 5
    assert {c.concept_id for c in exact(database, [text], ALL)} <= set(ids(database, text, ALL, limit=1000))


def test_every_concept_is_found_by_its_name_and_code(database: DuckDB) -> None:
    for row in concept_rows():
        for text in filter(None, (row[1], row[6], row[0])):
            assert int(row[0]) in ids(database, text, ALL)[:3], text


def test_every_shipped_concept_is_found_by_its_name(shipped: DuckDB) -> None:
    concepts = shipped.rows("SELECT concept_id, concept_name, concept_code FROM vocabulary.concept ORDER BY concept_id")
    names = [name for _, name, _ in concepts]
    found = {(c.text, c.concept_id) for c in exact(shipped, names, ALL)}
    assert [row for number, row in enumerate(concepts) if (number, row[0]) not in found] == []
    best: dict[int, set[int]] = {}
    for candidate in retrieve(shipped, names, 10, ALL):
        best.setdefault(candidate.text, set()).add(candidate.concept_id)
    assert [row for number, row in enumerate(concepts) if row[0] not in best[number]] == []
    for concept_id, _, code in concepts[::60]:
        if code != "OMOP generated":
            assert concept_id in ids(shipped, code, ALL)


# the index


def test_the_index_is_built_once_and_again_for_another_vocabulary(tmp_path: Path) -> None:
    file = small_vocabulary(tmp_path / "v.duckdb")
    beside, _ = index_places(file)
    said: list[tuple[float, float]] = []

    def say(text: str, done: float = 0, of: float = 0) -> None:
        assert text
        said.append((done, of))

    with open_search(file, say) as db:
        assert ids(db, "narwhal") == []
    assert said == [(0, 3), (1, 3), (2, 3)]
    first = beside.stat().st_mtime_ns
    with open_search(file, say):
        assert len(said) == 3
    assert beside.stat().st_mtime_ns == first
    narwhal = ["900200", "Narwhal", "Condition", "Alpha", "Finding", "S", "N1", *VALID]
    small_vocabulary(file, [narwhal])
    with open_search(file, say) as db:
        assert ids(db, "narwhal") == [900200]
    assert len(said) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.duckdb", "v.search.duckdb", "v_download"]


@pytest.mark.parametrize("content", [b"", b"no database", b"\0" * 8192])
def test_a_broken_index_is_built_again(tmp_path: Path, content: bytes) -> None:
    file = small_vocabulary(tmp_path / "v.duckdb")
    index_places(file)[0].write_bytes(content)
    with open_search(file) as db:
        assert ids(db, "nausea") == [900122]


def test_an_index_that_was_not_finished_is_not_taken(tmp_path: Path) -> None:
    file = small_vocabulary(tmp_path / "v.duckdb")
    with DuckDB(index_places(file)[0]) as other:
        other.script("CREATE TABLE about (identity varchar, names integer, mean_words double)")
    with open_search(file) as db:
        assert ids(db, "nausea") == [900122]


def test_where_nothing_can_be_written_beside_the_file_the_cache_has_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))
    file = small_vocabulary(tmp_path / "v.duckdb")
    beside, cached = index_places(file)
    beside.mkdir()  # what is in the way of a file, also for root
    with open_search(file) as db:
        assert ids(db, "nausea") == [900122]
    assert cached.is_file()
    assert cached.is_relative_to(tmp_path / "cache")
    (tmp_path / "other").write_text("a file, where a folder is needed")
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "other"))
    with pytest.raises(OmopifyError) as error, open_search(file):
        pass
    assert error.value.problems[0].code == "OM673"


READ_ONLY = """
import os, sys
from click.testing import CliRunner
from omopify.cli.main import main
def search(file):
    arguments = ["vocab", "search", "nausea", "--json", "--vocabulary", file]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    print(result.stderr, file=sys.stderr)
    return result.stdout
search(sys.argv[1])  # so that everything is imported before root, for whom nothing is read-only, becomes nobody
if os.geteuid() == 0:
    os.seteuid(65534)
print(search(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders of Windows have no such rights")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    other = small_vocabulary(tmp_path / "other.duckdb")
    with TemporaryDirectory() as name:  # not in pytest's folders, which only root may enter
        share, cache = Path(name) / "share", Path(name) / "cache"
        share.mkdir()
        cache.mkdir()
        file = Path(shutil.copy(other, share / "v.duckdb"))
        Path(name).chmod(0o755)
        cache.chmod(0o777)
        share.chmod(0o555)
        environment = {**os.environ, "OMOPIFY_CACHE": str(cache)}
        command = [sys.executable, "-c", READ_ONLY, str(other), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        assert done.stderr.strip() == ""
        assert json.loads(done.stdout)["hits"][0]["concept_id"] == 900122
        assert [path.name for path in share.iterdir()] == ["v.duckdb"]
        assert [path.suffix for path in (cache / "search").iterdir()] == [".duckdb"]
        share.chmod(0o755)


def test_several_processes_may_build_at_the_same_time(tmp_path: Path) -> None:
    file = small_vocabulary(tmp_path / "v.duckdb")
    command = [sys.executable, "-m", "omopify", "vocab", "search", "nausea", "--json", "--vocabulary", str(file)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert json.loads(out)["hits"][0]["concept_id"] == 900122
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.duckdb", "v.search.duckdb", "v_download"]


NO_NETWORK = """
import socket, sys
def refuse(*_arguments, **_more):
    raise AssertionError("a socket was opened")
socket.socket.connect = socket.socket.bind = socket.create_connection = socket.getaddrinfo = refuse
from omopify.cli.main import main
main(["vocab", "search", "nausea", "--vocabulary", sys.argv[1]])
"""


def test_no_network_is_used(tmp_path: Path) -> None:
    file = small_vocabulary(tmp_path / "v.duckdb")
    done = subprocess.run([sys.executable, "-c", NO_NETWORK, str(file)], capture_output=True, text=True, check=True)
    assert "900122" in done.stdout


# the command


def omopify(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_json(file: Path) -> None:
    result = omopify("vocab", "search", "pyrexia", "--vocabulary", file, "--json", "--in", "alpha")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "query": "pyrexia",
        "vocabulary": {"path": str(file), "release": "v5.0 made up"},
        "filters": {"domains": [], "vocabularies": ["Alpha"], "classes": [], "standard": False, "valid": True},
        "read_as": None,
        "corrections": [],
        "near": [],
        "hits": [
            {
                "concept_id": 900101,
                "concept_name": "Fever",
                "domain_id": "Condition",
                "vocabulary_id": "Alpha",
                "concept_class_id": "Finding",
                "standard_concept": "S",
                "concept_code": "F1",
                "invalid_reason": None,
                "matched": "Pyrexia",
                "kind": "synonym",
                "score": 1.0,
                "valid": True,
                "maps_to": [],
            }
        ],
    }


def test_nothing_found_is_no_failure(file: Path) -> None:
    result = omopify("vocab", "search", "xqzj", "--vocabulary", file, "--json")
    assert (result.exit_code, json.loads(result.stdout)["hits"]) == (0, [])
    result = omopify("vocab", "search", "xqzj", "--vocabulary", file)
    assert result.exit_code == 0
    assert "nothing found for 'xqzj'" in result.stdout
    result = omopify("vocab", "search", "nausea", "--vocabulary", file, "--domain", "Drug")
    assert "without the filters there is: Condition in Alpha (1)" in result.stdout
    result = omopify("vocab", "search", "F4", "--vocabulary", file)
    assert "1 retired concepts fit; --all shows them" in result.stdout


def test_names_with_brackets_are_shown_whole(file: Path) -> None:
    assert "HER2 [Presence] in specimen" in omopify("vocab", "search", "her2", "--vocabulary", file).stdout
    assert "synonym 'Mamma-ca [grade 3]'" in omopify("vocab", "search", "mamma", "--vocabulary", file).stdout


def test_a_wrong_filter_is_told(file: Path) -> None:
    result = omopify("vocab", "search", "x", "--vocabulary", file, "--domain", "drog")
    assert result.exit_code == 1
    assert "did you mean 'Drug'?" in result.stderr
    assert result.stdout == ""


def test_the_vocabulary_that_is_meant(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OMOPIFY_VOCABULARY", raising=False)
    monkeypatch.chdir(tmp_path)

    def release(*options: str) -> str:
        return str(json.loads(omopify("vocab", "search", "x", "--json", *options).stdout)["vocabulary"]["release"])

    assert release() == "omopify starter v1"
    Path("omopify.yaml").write_text(f"mappings: nowhere\ndata: data\nvocabulary: {file.as_posix()}\n")
    assert release() == "v5.0 made up"
    monkeypatch.setenv("OMOPIFY_VOCABULARY", "starter")
    assert release() == "omopify starter v1"
    assert release("--vocabulary", str(file)) == "v5.0 made up"
    assert release("--vocabulary", str(file.parent / "vocabulary_download")) == "v5.0 made up"
    assert release("--vocabulary", "starter,demo_restricted") == "omopify starter v1"
    assert (
        len(list((tmp_path / "cache" / "vocabulary").glob("*.duckdb"))) == 6
    )  # three vocabularies, each with its index


def test_a_vocabulary_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.duckdb").write_text("no database")
    for name, code in (("nowhere.duckdb", "OM615"), ("v.duckdb", "OM615"), ("nowhere", "OM601")):
        result = omopify("vocab", "search", "x", "--vocabulary", name)
        assert result.exit_code == 1
        assert code in result.stderr


def test_the_cache_is_where_the_system_wants_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path))
    assert user_cache() == tmp_path
    monkeypatch.delenv("OMOPIFY_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache() == tmp_path / "xdg" / "omopify"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_cache() == tmp_path / ".cache" / "omopify"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_cache() == tmp_path / "Library" / "Caches" / "omopify"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert user_cache() == tmp_path / "local" / "omopify" / "Cache"


def test_the_page_shows_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OMOPIFY_VOCABULARY", raising=False)
    page = Path(__file__).parents[2] / "docs" / "howto-find-a-concept.md"
    done = list(follow(page.read_text("utf-8"), tmp_path))
    assert len(done) >= 8
    for command in done:
        assert command.status == command.expected_status, command.given
        assert matches(command.shown, command.given), "\n".join(command.given)
