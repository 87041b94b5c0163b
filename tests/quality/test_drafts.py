"""A result is a draft unless all of its mapping is approved, checked and tested; and every paper of it says so."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omopify.cli.assessing import pages
from omopify.errors import OmopifyError
from omopify.quality.drafts import is_draft, reasons
from omopify.quality.outputs.quality_json import from_json, to_document, to_json
from omopify.quality.place import Place, sha256
from omopify.quality.signoff import SIGN_OFF, sign, state, write_reports
from omopify.reports.quality import render_report
from omopify.specs.reviews import review
from tests.comparing.project import Trial
from tests.quality.test_outputs import ASSESSMENT

APPROVED = {"draft": False, "open": 0, "of": 6, "parts": [], "unchecked": 0, "tested": True, "tests": {}}
DRAFT = replace(
    ASSESSMENT, subject=replace(ASSESSMENT.subject, draft=True, draft_reasons=("2 of 6 parts are <b>open</b>",))
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ()),
        ({"draft": True}, ("it was asked for as a draft",)),
        ({"draft": True, "open": 1}, ("1 of 6 parts of the mapping is not approved",)),
        ({"draft": True, "tested": False}, ("the tests of the maps were not run",)),
        ({"draft": True, "tested": False, "tests": {"run": 9, "failed": 2}}, ("2 of 9 tests of the maps failed",)),
        (
            {"draft": True, "open": 2, "unchecked": 3},
            ("2 of 6 parts of the mapping are not approved", "3 mappings that nobody has checked went into it"),
        ),
    ],
)
def test_the_reasons_are_those_of_the_manifest(said: dict[str, object], expected: tuple[str, ...]) -> None:
    assert reasons({"review": APPROVED | said}) == expected


def test_a_result_from_before_there_were_reviews_is_none() -> None:
    assert not is_draft({"omopify": "0.5"})
    assert reasons({}) == ()
    before = json.loads(to_json(DRAFT))
    del before["subject"]["draft"], before["subject"]["draft_reasons"]
    assert from_json(json.dumps(before)).subject.draft is False


def test_a_run_is_a_draft_until_all_is_approved_and_tested(tmp_path: Path) -> None:
    trial = Trial(tmp_path / "small")
    with pytest.raises(OmopifyError) as error:
        trial.run(upload=True)
    assert {problem.code for problem in error.value.problems} == {"OM952"}
    assert len(error.value.problems) == 6
    assert not (trial.folder / "out").exists()
    review(trial.project, ["all"], "approved", "Kari Nordmann", "2026-11-21")
    whole = trial.run(tested=True, upload=True)["review"]
    assert whole == APPROVED | {"tests": {"run": 0, "passed": 0, "failed": 0, "skipped": 0}}
    trial.change("maps/event.yaml", "  term: TERM", "  term: lower(TERM)")
    assert trial.run(draft=True)["review"] == whole | {
        "draft": True,
        "open": 1,
        "parts": ["map:small_event"],
        "tested": False,
    }
    with pytest.raises(OmopifyError, match="'map:small_event' has changed since Kari Nordmann looked at it"):
        trial.run(upload=True)


@pytest.mark.parametrize("masked", [False, True])
def test_the_report_of_a_draft_says_so_on_every_page(masked: bool) -> None:
    page = render_report(to_document(DRAFT), None, masked=masked)
    assert "<title>DRAFT: " in page
    assert "Not for upload: <bdi>2 of 6 parts are &lt;b&gt;open&lt;/b&gt;</bdi>." in page
    assert page.count('<p class="watermark"') == 1
    other = render_report(to_document(ASSESSMENT), None, masked=masked)
    assert "DRAFT" not in other
    assert '<p class="watermark"' not in other


def test_a_draft_is_signed_as_a_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trial = Trial(tmp_path / "small")
    manifest = trial.run()
    out = trial.folder / "out"
    place = Place(out / "omop.duckdb", out / "manifest.json", out / "quality", tmp_path / "register")
    ready = replace(DRAFT.subject, data_sha256=sha256(place.database), draft_reasons=reasons(manifest))
    text = to_json(replace(DRAFT, subject=ready, results=()))
    for folder in (place.folder, place.folder / "shareable"):
        folder.mkdir()
        (folder / "quality.json").write_text(text, encoding="utf-8")
    write_reports(place, pages(place))
    sign(place, "K. Berg", datetime(2026, 11, 21, tzinfo=UTC), pages(place))
    record = json.loads((place.folder / SIGN_OFF).read_text(encoding="utf-8"))
    assert record["draft"] is True
    found = state(place)
    assert found.status == "signed"
    assert found.sentence() == "signed off by K. Berg on 2026-11-21 as a DRAFT: it cannot be uploaded"
    told = trial.omopify("sign-off", "--check")
    assert (told.exit_code, told.stdout.strip()) == (3, found.sentence())
    (place.folder / SIGN_OFF).write_text(json.dumps(record | {"draft": False}), encoding="utf-8")
    assert state(place).why == (f"{SIGN_OFF} was changed",)
