"""A signature is of one report of one database: what it records, when it is refused, and what makes it void."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from omopify.conversion.run import Options, run
from omopify.errors import OmopifyError, Problems
from omopify.progress import silent
from omopify.quality.gate import verdict
from omopify.quality.model import Assessment, Check, Measurement, Result, Status, Subject, Waiver
from omopify.quality.outputs.quality_json import to_json
from omopify.quality.place import Place
from omopify.quality.signoff import Pages, State, sign, state, write_reports
from omopify.specs.project import load_project
from tests.cli.test_commands import FILES_OF_A_PROJECT, FILES_OF_AN_EXPORT, write

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=timezone(timedelta(hours=1)))
WAIVER = Waiver("s.rare", "the site mends it", "M. Dahl", "2026-11-01", "2026-12-01")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def result(name: str, status: Status, waiver: Waiver | None = None) -> Result:
    check = Check(f"s.{name}", "s", name, "cdm", "person", None, "TABLE", "Plausibility", "critical", 0, "")
    return Result(check, Measurement(check.id, 1 if status == "fail" else 0, 9), status, waiver)


def pages(place: Place) -> Pages:
    """Reports of the simplest kind: what was found, and the sign-off."""

    def made(found: State) -> dict[str, str]:
        text = (place.folder / "quality.json").read_text(encoding="utf-8") + json.dumps(found.block())
        return {"report.html": text, "shareable/report.html": f"masked {text}"}

    return made


def assessed(place: Place, *results: Result) -> None:
    found = results or (result("good", "pass"),)
    subject = Subject("t", "T", "2026-11-21T12:00:00+00:00", None, sha256(place.database), 5)
    text = to_json(Assessment(subject, verdict(found), found))
    place.folder.mkdir(exist_ok=True)
    (place.folder / "quality.json").write_text(text, encoding="utf-8")
    (place.folder / "shareable").mkdir(exist_ok=True)
    (place.folder / "shareable" / "quality.json").write_text(text, encoding="utf-8")
    write_reports(place, pages(place))


def convert_again(place: Place) -> None:
    """The data change, as they do when an export is converted again."""
    with duckdb.connect(place.database) as database:
        database.execute("INSERT INTO audit.rejects (map, field, reason) VALUES ('person', 'key', 'missing')")


@pytest.fixture(scope="module")
def result_of_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("project"), {**FILES_OF_A_PROJECT, **FILES_OF_AN_EXPORT})
    problems = Problems()
    project = load_project(folder, problems)
    assert project is not None
    return run(project, Options(), problems, silent).out


@pytest.fixture
def place(tmp_path: Path, result_of_a_run: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("omop.duckdb", "manifest.json"):
        shutil.copy(result_of_a_run / name, out / name)
    return Place(out / "omop.duckdb", out / "manifest.json", out / "quality", tmp_path / "register")


def refused(place: Place, now: datetime = NOW) -> list[str]:
    before = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    with pytest.raises(OmopifyError) as error:
        sign(place, "K. Berg", now, pages(place))
    assert {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()} == before
    return [str(problem) for problem in error.value.problems]


def test_a_signature_records_who_when_and_what(place: Place) -> None:
    assessed(place, result("good", "pass"), result("rare", "fail", WAIVER))
    assert state(place) == State("unsigned")
    sign(place, "K. Berg", NOW, pages(place))
    record = json.loads((place.folder / "sign-off.json").read_text(encoding="utf-8"))
    assert record == {
        "schema_version": 1,
        "by": "K. Berg",
        "at": "2026-11-21T13:30:00+00:00",
        "quality_sha256": sha256(place.folder / "quality.json"),
        "data_sha256": sha256(place.database),
        "report_sha256": sha256(place.folder / "report.html"),
        "shareable_sha256": sha256(place.folder / "shareable" / "report.html"),
        "files_sha256": {"quality.json": sha256(place.folder / "shareable" / "quality.json")},
        "verdict": "ready with waivers",
        "waivers": [
            {
                "check": "s.rare",
                "reason": "the site mends it",
                "author": "M. Dahl",
                "date": "2026-11-01",
                "expires": "2026-12-01",
            }
        ],
    }
    found = state(place)
    assert found.status == "signed"
    assert found.sentence() == "signed off by K. Berg on 2026-11-21"
    for name in ("report.html", "shareable/report.html"):
        assert '"by": "K. Berg"' in (place.folder / name).read_text(encoding="utf-8")


def test_what_was_delivered_is_kept_in_the_register(place: Place) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    assert place.register is not None
    kept = [path for path in (place.register / "deliveries").rglob("*") if path.is_file()]
    assert kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ("omop.duckdb", "the data have changed"),
        ("quality/quality.json", "quality was assessed anew"),
        ("quality/report.html", "report.html was changed"),
        ("quality/shareable/report.html", "shareable/report.html was changed"),
        ("quality/shareable/quality.json", "shareable/quality.json was changed"),
    ],
)
def test_every_later_change_makes_it_void(place: Place, changed: str, why: str) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    with (place.database.parent / changed).open("ab") as file:
        file.write(b" ")
    found = state(place)
    assert (found.status, found.why) == ("void", (why,))
    assert found.sentence() == f"VOID: the sign-off by K. Berg on 2026-11-21 no longer holds: {why}"


@pytest.mark.parametrize("gone", ["omop.duckdb", "quality/report.html", "quality/quality.json"])
def test_without_what_was_signed_there_is_no_signature(place: Place, gone: str) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    (place.database.parent / gone).unlink()
    assert state(place).status == "void"


def test_a_copy_that_was_moved_on_its_way_voids_nothing(place: Place) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    shutil.rmtree(place.folder / "shareable")
    assert state(place).status == "signed"


def change_without_closing(place: Place) -> None:
    """What another program has written, and not taken over into the file when it ended."""
    program = f"""
import os, duckdb
database = duckdb.connect({str(place.database)!r})
database.execute("PRAGMA disable_checkpoint_on_shutdown")
database.execute("UPDATE cdm.person SET year_of_birth = 1900")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_changes_beside_the_file_are_changes_of_the_data(place: Place) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    before = sha256(place.database)
    change_without_closing(place)
    assert sha256(place.database) == before
    assert state(place).why == ("the data have changed",)


def test_a_report_that_says_that_the_data_have_changed_is_no_second_reason(place: Place) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    change_without_closing(place)
    write_reports(place, pages(place))
    assert state(place).why == ("the data have changed",)
    assert '"why": ["the data have changed"]' in (place.folder / "report.html").read_text(encoding="utf-8")


def test_changes_beside_the_file_are_not_signed(place: Place) -> None:
    assessed(place)
    change_without_closing(place)
    assert [line[-6:-1] for line in refused(place)] == ["OM831"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("by", "L. Moe"),
        ("at", "2020-01-01T00:00:00+00:00"),
        ("verdict", "ready"),
        ("waivers", []),
        ("files_sha256", {}),
    ],
)
def test_a_record_that_was_edited_is_void(place: Place, word: str, said: object) -> None:
    assessed(place, result("good", "pass"), result("rare", "fail", WAIVER))
    sign(place, "K. Berg", NOW, pages(place))
    path = place.folder / "sign-off.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {word: said}), encoding="utf-8")
    assert (state(place).status, state(place).why) == ("void", ("sign-off.json was changed",))


@pytest.mark.parametrize(("word", "said"), [("at", 7), ("by", None), ("files_sha256", {"quality.json": 1})])
def test_a_record_with_other_things_than_texts_is_void(place: Place, word: str, said: object) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    path = place.folder / "sign-off.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {word: said}), encoding="utf-8")
    assert state(place) == State("void", None, ("sign-off.json cannot be read",))


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"schema_version": 1, "by": "K. Berg", "waivers": [{}]}'])
def test_a_record_that_cannot_be_read_is_void(place: Place, record: str) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    (place.folder / "sign-off.json").write_text(record, encoding="utf-8")
    found = state(place)
    assert found == State("void", None, ("sign-off.json cannot be read",))
    assert found.sentence() == "VOID: the sign-off no longer holds: sign-off.json cannot be read"
    assert found.block() is not None


def test_a_new_report_says_that_the_old_signature_is_void(place: Place) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    convert_again(place)
    assessed(place)
    found = state(place)
    assert found.status == "void"
    assert found.why == ("the data have changed", "quality was assessed anew")
    text = (place.folder / "report.html").read_text(encoding="utf-8")
    assert '"status": "void", "why": ["the data have changed", "quality was assessed anew"], "by": "K. Berg"' in text
    sign(place, "L. Moe", NOW, pages(place))
    assert state(place).sentence() == "signed off by L. Moe on 2026-11-21"


def test_nothing_to_sign(place: Place) -> None:
    assert refused(place) == [
        "out/quality/quality.json: there is no report to sign; 'omopify quality' makes it [OM830]"
    ]


@pytest.mark.parametrize("gone", ["omop.duckdb", "quality/report.html", "quality/shareable/report.html"])
def test_nothing_is_signed_by_halves(place: Place, gone: str) -> None:
    assessed(place)
    (place.database.parent / gone).unlink()
    made_by = "omopify run" if gone == "omop.duckdb" else "omopify quality"
    assert refused(place) == [f"out/{gone}: there is no report to sign; '{made_by}' makes it [OM830]"]


def test_data_that_have_changed_since_the_report(place: Place) -> None:
    assessed(place)
    convert_again(place)
    assert refused(place) == [
        "out/omop.duckdb: the data have changed since the report was made, or are gone; "
        "run 'omopify quality' and read the new report [OM831]"
    ]


@pytest.mark.parametrize("name", ["report.html", "shareable/report.html"])
def test_a_report_that_was_edited(place: Place, name: str) -> None:
    assessed(place, result("good", "pass"), result("rare", "fail", WAIVER))
    path = place.folder / name
    path.write_text(path.read_text(encoding="utf-8").replace('"fail"', '"pass"'), encoding="utf-8")
    assert refused(place) == [
        "out/quality/report.html: this is not the report that was made of quality.json; "
        "run 'omopify quality' (with --rejudge it is quick) and read the new report [OM832]"
    ]


def test_a_result_that_is_not_ready(place: Place) -> None:
    assessed(place, result("rare", "fail"))
    assert refused(place) == [
        "out/quality/report.html: the result is not ready: 1 critical check fails; mend what fails, "
        "or waive it in the project's waivers.yaml; then run 'omopify quality' again [OM833]"
    ]


def test_a_waiver_that_has_expired_since(place: Place) -> None:
    assessed(place, result("good", "pass"), result("rare", "fail", WAIVER))
    (told,) = refused(place, datetime(2026, 12, 2, 12, tzinfo=UTC))
    assert "the waiver of 's.rare' expired on 2026-12-01" in told
    assert told.endswith("[OM833]")


def test_a_report_is_signed_once(place: Place) -> None:
    assessed(place)
    sign(place, "K. Berg", NOW, pages(place))
    assert refused(place) == [
        "out/quality/sign-off.json: this report is signed off by K. Berg on 2026-11-21 already [OM834]"
    ]


def test_all_that_stands_against_it_is_said_at_once(place: Place) -> None:
    assessed(place, result("rare", "fail"))
    convert_again(place)
    (place.folder / "report.html").write_text("ready", encoding="utf-8")
    assert [line[-6:-1] for line in refused(place)] == ["OM831", "OM832", "OM833"]


def test_what_cannot_be_kept_is_not_signed(place: Place) -> None:
    assessed(place)
    assert place.register is not None
    place.register.write_text("in the way", encoding="utf-8")
    before = (place.folder / "report.html").read_bytes()
    with pytest.raises((OmopifyError, OSError)):
        sign(place, "K. Berg", NOW, pages(place))
    assert state(place) == State("unsigned")
    assert (place.folder / "report.html").read_bytes() == before
