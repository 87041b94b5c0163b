"""What is kept of a delivery, for whom, and what the next one says when it is compared with it."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.engines.duckdb import DuckDB
from omopify.errors import OmopifyError
from omopify.quality import delivery
from omopify.quality.model import Comparison, Context, Counted, Result
from omopify.quality.outputs.quality_json import to_json
from omopify.quality.place import Place

from .small_result import MANIFEST, SIGNED, assessment, change, deliver, make_result, result

KEPT = Context(schemas=frozenset({"cdm", "dsp", "audit", "last"}))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    out = tmp_path / "out"
    (out / "quality").mkdir(parents=True)
    (out / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    assess(out / "quality")
    database = make_result(out / "omop.duckdb")
    return Place(database, out / "manifest.json", out / "quality", tmp_path / "register")


def assess(folder: Path, release_date: str | None = "2026-01-31") -> None:
    text = to_json(assessment({"a": "pass", "b": "fail"}, release_date))
    (folder / "quality.json").write_text(text, encoding="utf-8")


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def compared(place: Place, results: tuple[Result, ...] = (), manifest: dict[str, Any] = MANIFEST) -> Comparison:
    with DuckDB(place.database, delivery.attached(place.register, place.database), read_only=True) as db:
        return delivery.compare(db, KEPT, results, manifest)


def test_a_delivery_is_numbered_and_the_newest_is_the_one_that_was_signed_last(place: Place) -> None:
    assert place.register
    assert delivery.newest(place.register) is None
    assert delivery.attached(place.register) == []
    assert delivery.attached(None) == []
    first = delivery.keep(place, SIGNED)
    assert (first.name, first.parent) == ("2026-01-31-1-01234567.duckdb", place.register / "deliveries")
    for number in range(2, 11):
        (first.parent / f"2025-12-0{number % 10}-{number}-abcdefab.duckdb").touch()
    (first.parent / "2027-01-01-12.duckdb").touch()
    assess(place.folder, None)
    last = delivery.keep(place, SIGNED)
    assert last.name == "2026-02-01-11-01234567.duckdb"  # the day of the signature, where the export has none
    assert delivery.newest(place.register) == last


def test_what_was_signed_itself_is_compared_with_the_delivery_before(place: Place) -> None:
    assert place.register
    own = hashlib.sha256(place.database.read_bytes()).hexdigest()
    first = delivery.keep(place, SIGNED)
    for _ in range(2):
        delivery.keep(place, replace(SIGNED, data_sha256=own))
    assert delivery.newest(place.register, place.database) == first
    (attached,) = delivery.attached(place.register, place.database)
    assert (attached.name, attached.path, attached.read_only) == ("last", first, True)
    first.unlink()
    assert delivery.attached(place.register, place.database) == []


def test_it_is_for_its_owner_alone_and_older_readers_open_it(place: Place) -> None:
    path = delivery.keep(place, SIGNED)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    name = path.stem
    with duckdb.connect(str(path), read_only=True) as connection:
        tags = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = ?", [name]).fetchall()
    assert "v1.2.0" in str(tags)


def test_it_holds_what_was_counted_and_who_signed(place: Place) -> None:
    path = delivery.keep(place, SIGNED)
    assert rows(path, "SELECT trial, CAST(release_date AS varchar), signed_by, data_sha256 FROM delivery") == [
        ("t", "2026-01-31", "Kari Nordmann", "0123456789abcdef")
    ]
    counts = dict(rows(path, "FROM table_rows"))
    assert {name: number for name, number in counts.items() if number} == {
        "person": 40, "care_site": 2, "observation_period": 40, "visit_occurrence": 40, "drug_exposure": 40,
        "condition_occurrence": 40, "dsp.subject": 40,
    }  # fmt: skip
    assert "concept" not in counts
    assert rows(path, "SELECT count(*), min(year_of_birth), max(year_of_birth) FROM persons") == [(40, 1941, 1980)]
    assert rows(path, "FROM sites ORDER BY ALL") == [(1,), (2,)]
    assert rows(path, "FROM forms") == [("ae", 1, 100, 38), ("dm", 1, 40, 40), ("qol", 0, 0, None)]
    assert rows(path, "SELECT map, rows_used, rows_written FROM maps ORDER BY map") == [
        ("event", 80, 110), ("person", 40, 82), ("subject", 40, 50),
    ]  # fmt: skip
    assert rows(path, "SELECT count(*), sum(rows) FROM code_lists") == [(6, 159)]
    assert rows(path, "FROM checks") == [("a", "pass", False), ("b", "fail", False)]
    assert ("software", "omopify", "0.1") in rows(path, "FROM made_with")


def test_the_same_result_is_unchanged(place: Place) -> None:
    delivery.keep(place, SIGNED)
    found = compared(place, tuple(assessment({"a": "pass", "b": "fail"}).results))
    assert (found.at, found.by) == (SIGNED.at, SIGNED.by)
    assert all(count.before == count.now for count in found.counts)
    assert Counted("persons", "persons", 40, 40) in found.counts
    assert Counted("table", "dsp.subject", 40, 40) in found.counts
    assert not any(count.name in ("qol", "measurement") for count in found.counts)  # nothing then, nothing now
    assert replace(found, at=None, by=None, counts=()) == Comparison()


def test_without_an_earlier_delivery_nothing_is_compared(place: Place) -> None:
    with DuckDB(place.database, read_only=True) as db:
        assert delivery.compare(db, Context(), (), MANIFEST) == Comparison()


def test_what_came_and_what_went_is_counted(place: Place) -> None:
    delivery.keep(place, SIGNED)
    change(
        place.database,
        "DELETE FROM cdm.person WHERE person_id <= 3; "
        "INSERT INTO cdm.person (person_id, gender_concept_id, year_of_birth, race_concept_id, ethnicity_concept_id) "
        "VALUES (41, 0, 1990, 0, 0), (42, 0, 1991, 0, 0); "
        "DELETE FROM cdm.care_site WHERE care_site_id = 1; DELETE FROM cdm.visit_occurrence WHERE person_id = 1; "
        "UPDATE audit.forms SET rows = 130 WHERE source = 'ae'; INSERT INTO audit.forms VALUES ('new', TRUE, 1, 7, 7); "
        "UPDATE audit.map_rows SET rows_used = 110 WHERE map = 'event'; "
        "UPDATE audit.written SET rows = 39 WHERE table_name = 'person'; "
        "DELETE FROM audit.code_lists WHERE value IN ('Fatal', '3'); "
        "INSERT INTO audit.code_lists VALUES ('ae', 'OUT', 'Worse', 1), ('ae', 'OUT', 'RECOVERED', 1)",
    )
    found = compared(place)
    assert (found.persons_appeared, found.persons_vanished) == (2, 3)
    changed = [count for count in found.counts if count.before != count.now]
    assert changed == [
        Counted("persons", "persons", 40, 39),
        Counted("sites", "sites", 2, 1),
        Counted("visits", "visits", 40, 39),
        Counted("table", "person", 40, 39),
        Counted("form", "ae", 100, 130),
        Counted("form", "new", None, 7),
        Counted("map", "event", 80, 110),
    ]
    assert found.code_lists == (Counted("column", "ae.OUT", 2, 1),)  # RECOVERED is Recovered


def test_checks_are_compared_where_both_know_them(tmp_path: Path) -> None:
    database = make_result(tmp_path / "omop.duckdb")
    register = tmp_path / "register"
    (register / "deliveries").mkdir(parents=True)
    deliver(
        database, register / "deliveries" / "2026-01-31-1-01234567.duckdb"
    )  # a passes, b fails, c error, d n.a., e fails
    now = (
        result("a", "fail"),
        result("b", "pass"),
        result("c", "fail"),
        result("d", "error"),
        result("e", "not applicable"),
        result("new", "fail"),
    )
    found = compared(Place(database, tmp_path / "m", tmp_path, register), now)
    assert found.checks_failing == ("a", "d")
    assert found.checks_mended == ("b",)


def test_other_maps_vocabulary_and_software_are_said_in_sentences(place: Place) -> None:
    delivery.keep(place, SIGNED)
    specs = {"t/person.yaml": "1", "t/event.yaml": "3", "t/values/outcome.csv": "9"}
    specs |= {f"t/n{n}.yaml": "1" for n in range(7)}
    later = MANIFEST | {
        "omopify": "0.2",
        "specs": specs,
        "vocabulary": {"release": "v2", "parts": []},
    }
    assert compared(place, (), later).changed == (
        "1 map file changed: t/event.yaml",
        "7 map files new: t/n0.yaml, t/n1.yaml, t/n2.yaml, t/n3.yaml, t/n4.yaml, ...",
        "1 value list changed: t/values/outcome.csv",
        "1 concept file gone: t/concepts/a.csv",
        "vocabulary: v1 -> v2",
        "omopify: 0.1 -> 0.2",
    )
    other_files = MANIFEST | {"vocabulary": {"release": "v1", "parts": [{"path": "starter", "sha256": "b"}]}}
    assert compared(place, (), other_files).changed == (
        "the vocabulary has other files, although its release is called the same",
    )


def refused(call: Any) -> str:
    with pytest.raises(OmopifyError) as error:
        call()
    (problem,) = error.value.problems
    return problem.code


def test_a_damaged_delivery_is_said(place: Place) -> None:
    path = delivery.keep(place, SIGNED)
    path.write_bytes(b"not a database " * 1000)
    assert refused(lambda: compared(place)) == "OM836"


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff\xfe", b'{"order": 5}', b'{"specs": []}'])
def test_a_damaged_manifest_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_bytes(content)
    assert refused(lambda: delivery.read_manifest(path)) == "OM829"


def test_a_result_of_an_older_omopify_is_not_kept(place: Place) -> None:
    change(place.database, "DROP TABLE audit.forms")
    assert refused(lambda: delivery.keep(place, SIGNED)) == "OM838"
    assert place.register
    assert list((place.register / "deliveries").iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        "DROP SCHEMA cdm CASCADE",
        "DROP SCHEMA audit CASCADE",
        "DROP TABLE audit.map_sources",
        "DROP VIEW audit.map_accounting; ALTER TABLE audit.map_rows DROP COLUMN rows_used",
    ],
)
def test_a_result_that_lacks_something_is_not_asked(place: Place, damage: str) -> None:
    def look() -> None:
        with DuckDB(place.database, read_only=True, name="result") as db:
            delivery.stop_if_older(db, place.database)

    look()
    change(place.database, damage)
    assert refused(look) == "OM838"


def test_a_delivery_of_a_newer_omopify_is_not_guessed_at(place: Place) -> None:
    change(delivery.keep(place, SIGNED), "UPDATE delivery SET format = 2")
    assert refused(lambda: compared(place)) == "OM839"


def test_a_folder_in_the_way_is_said(place: Place) -> None:
    assert place.register
    place.register.mkdir()
    (place.register / "deliveries").write_text("a file", encoding="utf-8")
    assert refused(lambda: delivery.keep(place, SIGNED)) == "OM837"


def test_no_name_of_a_subject_is_kept(place: Place) -> None:
    change(
        place.database,
        "UPDATE dsp.subject SET subject_id = 'CANARY'; UPDATE cdm.person SET person_source_value = 'CANARY'",
    )
    path = delivery.keep(place, SIGNED)
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        content = str([connection.execute(f"FROM {name}").fetchall() for name in tables])
    assert "Recovered" in content  # so the search finds what is there
    assert "CANARY" not in content
