"""What a run promises, whatever the maps: the same result twice, ids that stay, sums that hold, no half results."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from omopify import cdm
from omopify.errors import OmopifyError

from .conftest import Workplace, content


def rows(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_second_run_gives_the_same_tables_and_ids(workplace: Workplace, tmp_path: Path) -> None:
    first = workplace.run()
    before = content(workplace.database)
    second = workplace.run()
    assert content(workplace.database) == before
    elsewhere = workplace.run(tmp_path / "elsewhere")
    assert content(tmp_path / "elsewhere" / "omop.duckdb") == before
    manifests = [result.manifest | {"run": None} for result in (first, second, elsewhere)]
    assert manifests[0] == manifests[1] == manifests[2]
    assert len(before["cdm.person"]) > 15


def test_the_manifest_knows_every_file_that_people_wrote(workplace: Workplace) -> None:
    own = workplace.folder / "concepts" / "prime_rose" / "mine.csv"
    own.parent.mkdir(parents=True)
    own.write_text("sourceName,conceptId\n", encoding="utf-8")
    maps = workplace.folder / "maps"
    for name in ("by_hand.sql", "by_hand.sql.jinja"):
        (maps / "impress" / name).write_text("SELECT 1", encoding="utf-8")
    written = {
        path.relative_to(maps).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in maps.rglob("*")
        if path.suffix in (".yaml", ".csv", ".sql", ".jinja")
    }
    assert any("/concepts/" in name for name in written)
    written["concepts/prime_rose/mine.csv"] = hashlib.sha256(own.read_bytes()).hexdigest()
    assert workplace.run().manifest["specs"] == written


def test_a_fresh_register_gives_the_same_ids(workplace: Workplace, tmp_path: Path) -> None:
    workplace.run()
    other = Workplace(tmp_path / "other")
    other.run()
    assert content(other.database) == content(workplace.database)


def _subject_of_person(database: Path) -> dict[str, int]:
    return dict(
        rows(
            database,
            "SELECT s.subject_id, o.row_id FROM audit.row_origins o "
            "JOIN dsp.subject s ON s._file = o.file_number AND s._row = o.row WHERE o.table_name = 'person'",
        )
    )


def test_an_added_patient_moves_no_id(workplace: Workplace) -> None:
    """Leave a subject out of all forms of the first export and bring it with the second."""
    forms = sorted(workplace.data.glob("*.csv"))
    whole = {path: path.read_bytes() for path in forms}
    workplace.run()
    subjects = sorted(_subject_of_person(workplace.database))
    late = subjects[len(subjects) // 2]
    for path in forms:
        kept = [line for line in whole[path].splitlines(keepends=True) if late.encode() not in line]
        path.write_bytes(b"".join(kept))
    (workplace.folder / "register" / "keys.duckdb").unlink()
    workplace.run()
    people = _subject_of_person(workplace.database)
    conditions = set(
        rows(workplace.database, "SELECT condition_occurrence_id, person_id FROM cdm.condition_occurrence")
    )
    assert late not in people
    for path in forms:
        path.write_bytes(whole[path])
    workplace.run()
    grown = _subject_of_person(workplace.database)
    assert set(grown) == {*people, late}
    assert {name: grown[name] for name in people} == people
    now = set(rows(workplace.database, "SELECT condition_occurrence_id, person_id FROM cdm.condition_occurrence"))
    assert conditions < now


def test_sums_hold_and_agree_with_the_files(workplace: Workplace) -> None:
    result = workplace.run()
    accounting = rows(workplace.database, "SELECT * FROM audit.map_accounting")
    assert accounting
    for name, read, used, filtered, deduplicated, rejected, _ in accounting:
        assert read == used + filtered + deduplicated + rejected, name
    for name, filtered in rows(workplace.database, "SELECT map, sum(rows) FROM audit.filters GROUP BY map"):
        assert filtered == next(row[3] for row in accounting if row[0] == name)
    for form, number, sha in rows(workplace.database, "SELECT file, rows, sha256 FROM audit.files"):
        with (workplace.data / form).open(encoding="utf-8", newline="") as file:
            records = [record for record in list(csv.reader(file))[2:] if any(cell.strip() for cell in record)]
        assert number == len(records), form
        assert len(sha) == 64
    assert sum(m["rows_read"] for m in result.manifest["maps"].values()) == sum(row[1] for row in accounting)


def test_every_written_row_has_an_origin_that_exists(workplace: Workplace) -> None:
    workplace.run()
    known = {name for (name,) in rows(workplace.database, "SELECT DISTINCT table_name FROM audit.lineage")}
    for table in cdm.tables().values():
        if table.schema != "cdm" or table.name in ("cdm_source", "metadata") or not table.primary_key:
            continue
        key = table.primary_key[0]
        total = rows(workplace.database, f"SELECT count(*) FROM cdm.{table.name}")[0][0]
        traced = rows(
            workplace.database,
            f"SELECT count(DISTINCT l.row_id) FROM audit.lineage l JOIN cdm.{table.name} t ON t.{key} = l.row_id "
            f"WHERE l.table_name = '{table.name}' AND l.file IS NOT NULL AND l.row > 2",
        )[0][0]
        assert traced == total, table.name
        assert (table.name in known) == (total > 0)


def test_the_database_is_a_cdm_that_older_readers_open(workplace: Workplace) -> None:
    workplace.run()
    header = workplace.database.read_bytes()[:100]
    assert b"DUCK" in header
    with duckdb.connect(str(workplace.database), read_only=True) as connection:
        version = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'omop'").fetchone()
        tables = {
            name
            for (name,) in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'cdm'"
            ).fetchall()
        }
        macros = connection.execute(
            "SELECT count(*) FROM duckdb_functions() WHERE starts_with(function_name, 'o_')"
        ).fetchone()
    assert "v1.2.0" in str(version)
    assert tables == set(cdm.tables())
    assert macros == (0,)


def test_the_register_is_for_the_owner_alone_and_not_in_the_output(workplace: Workplace) -> None:
    workplace.run()
    register = workplace.folder / "register"
    assert stat.S_IMODE(register.stat().st_mode) == 0o700
    assert stat.S_IMODE((register / "keys.duckdb").stat().st_mode) == 0o600
    assert sorted(path.name for path in (workplace.folder / "out").iterdir()) == [
        ".staging",
        ".vocabulary",
        "definitions.json",
        "manifest.json",
        "omop.duckdb",
    ]


def test_unchanged_input_is_not_read_twice(workplace: Workplace) -> None:
    workplace.run()
    staged = {path: path.stat().st_mtime_ns for path in (workplace.folder / "out" / ".staging").iterdir()}
    workplace.run()
    assert {path: path.stat().st_mtime_ns for path in (workplace.folder / "out" / ".staging").iterdir()} == staged


def test_a_failing_run_leaves_the_last_result(workplace: Workplace) -> None:
    workplace.run()
    before = content(workplace.database)
    form = next(workplace.data.glob("*_AE.csv"))
    form.write_text(form.read_text(encoding="utf-8").replace("AESTDAT", "AESTDT"), encoding="utf-8")
    with pytest.raises(OmopifyError) as caught:
        workplace.run()
    assert any("AESTDAT" in str(problem) for problem in caught.value.problems)
    assert content(workplace.database) == before
    assert not list((workplace.folder / "out").glob(".building-*"))


def _start(workplace: Workplace) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "omopify", "run", "--no-quality", str(workplace.folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_run_never_harms_the_last_result(workplace: Workplace) -> None:
    """Kill runs at random moments, on changing exports; what can be opened is always one whole result."""
    workplace.run()
    started = time.perf_counter()
    assert _start(workplace).wait() == 0
    usual = time.perf_counter() - started
    moments = random.Random(20261121)
    form = next(workplace.data.glob("*_AE.csv"))
    full = form.read_bytes()
    shorter = b"".join(full.splitlines(keepends=True)[:-3])
    valid = []
    for version in (full, shorter):
        form.write_bytes(version)
        workplace.run()
        valid.append(content(workplace.database))
    assert valid[0] != valid[1]
    killed = 0
    for number in range(5):
        form.write_bytes((full, shorter)[number % 2])
        process = _start(workplace)
        time.sleep(moments.uniform(0.2, 1.0) * usual)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        assert content(workplace.database) in valid
        json.loads((workplace.folder / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert killed >= 2
    form.write_bytes(full)
    workplace.run()
    assert content(workplace.database) == valid[0]
    left = {path.name for path in (workplace.folder / "out").iterdir()}
    made = {"definitions.json", "earlier", "manifest.json", "omop.duckdb"}
    assert left - {".tests.json"} == {".staging", ".vocabulary"} | made
    earlier = workplace.folder / "out" / "earlier"
    assert [path.name for path in earlier.iterdir()] == ["last"]
    assert content(earlier / "last" / "omop.duckdb") in valid


def test_a_run_between_its_renames_is_completed_by_the_next(workplace: Workplace) -> None:
    workplace.run()
    out = workplace.folder / "out"
    ready = out / ".ready"
    ready.mkdir()
    (out / "manifest.json").rename(ready / "manifest.json")
    from omopify.conversion.replacement import finish_replacement

    finish_replacement(out)
    assert (out / "manifest.json").is_file()
    assert not ready.exists()


def test_little_memory_is_enough_or_said_clearly(workplace: Workplace) -> None:
    command = [sys.executable, "-m", "omopify", "run", "--no-quality", str(workplace.folder), "--memory-limit", "10MB"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "--memory-limit" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_an_interrupted_run_leaves_nothing_half(workplace: Workplace) -> None:
    workplace.run()
    before = content(workplace.database)
    interrupted = 0
    for wait in (0.5, 0.9, 1.3):
        process = _start(workplace)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        interrupted += process.wait() != 0
        assert content(workplace.database) == before
        assert not list((workplace.folder / "out").glob(".building-*"))
    assert interrupted
