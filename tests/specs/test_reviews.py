"""An approval is of what a part says, not of how its file is written; and a spreadsheet may have had the file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import cast

import pytest

from omopify.errors import OmopifyError, Problems
from omopify.specs.meanings import meanings
from omopify.specs.reviews import COLUMNS, Reviewed, review, reviews
from tests.comparing.project import Trial

DAY = "2026-11-21"
PARTS = (
    "trial",
    "map:event",
    "map:person",
    "map:small_event",
    "map:small_subject",
    "concepts:shared/concepts/terms.csv",
)


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path / "small")


def states(trial: Trial) -> dict[str, Reviewed]:
    return {state.part: state for state in reviews(trial.project)}


def open_parts(trial: Trial) -> list[str]:
    return [part for part, state in states(trial).items() if state.is_open]


def approve(trial: Trial, *parts: str, note: str = "") -> None:
    review(trial.project, parts or ("all",), "approved", "Kari Nordmann", DAY, note)


def test_every_part_is_open_until_somebody_approves_it(trial: Trial) -> None:
    assert tuple(states(trial)) == PARTS
    assert open_parts(trial) == list(PARTS)
    approve(trial, "small_event", "trial", "shared/concepts/terms.csv")
    assert open_parts(trial) == ["map:event", "map:person", "map:small_subject"]
    state = states(trial)["map:small_event"]
    assert (state.status, state.reviewer, state.date) == ("approved", "Kari Nordmann", DAY)
    approve(trial)
    assert open_parts(trial) == []


SAME: dict[str, Callable[[Trial], None]] = {
    "a comment": lambda t: t.change("maps/event.yaml", "from: ae", "# the AE form\nfrom: ae"),
    "quotes": lambda t: t.change("maps/event.yaml", "  term: TERM", '  term: "TERM"'),
    "a list of one": lambda t: t.change("maps/event.yaml", "  term: TERM", "  term: [TERM]"),
    "the order of the first words": lambda t: t.change(
        "maps/event.yaml", "to: dsp.event\nfrom: ae", "from: ae\nto: dsp.event"
    ),
    "Windows' line ends": lambda t: [
        (t.folder / name).write_bytes((t.folder / name).read_bytes().replace(b"\n", b"\r\n"))
        for name in ("maps/event.yaml", "maps/values/outcome.csv", "shared/concepts/terms.csv", "maps/trial.yaml")
    ] and None,
    "a test": lambda t: t.change(
        "maps/event.yaml", "from: ae", "from: ae\ntests: [{name: a, given: {ae: []}, expect: {dsp.event: none}}]"
    ),
    "its author's word": lambda t: t.change(
        "maps/event.yaml", "from: ae", "from: ae\nreview: {status: reviewed, by: X}"
    ),
    "a remark in a list of values": lambda t: t.change("maps/values/outcome.csv", "ongoing,", "ongoing,as agreed"),
    "semicolons in a list of values": lambda t: (t.folder / "maps/values/outcome.csv").write_text(
        "\ufefffrom;to;remark\r\nrecovered;recovered;\r\nstill there;ongoing;\r\n", encoding="utf-8"
    ) and None,
    "what a harmonised table is for": lambda t: t.change(
        "shared/dsp/event.yaml", "outcome: {}", "outcome: {definition: how it ended}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_what_changes_nothing_leaves_the_approval(trial: Trial, what: str) -> None:
    approve(trial)
    SAME[what](trial)
    assert open_parts(trial) == []


OTHER = {
    "an expression": ("maps/event.yaml", "  term: TERM", "  term: lower(TERM)", "map:small_event"),
    "a note": ("maps/event.yaml", "from: ae", "from: ae\nnote: as the PI wishes", "map:small_event"),
    "a list of values": ("maps/values/outcome.csv", "ongoing", "not over", "map:small_event"),
    "the table that it fills": ("shared/dsp/event.yaml", "outcome: {}", "outcome: {required: true}", "map:small_event"),
    "a concept": ("shared/concepts/terms.csv", "Cough,254761", "Cough,4272488", "concepts:shared/concepts/terms.csv"),
    "the trial": ("maps/trial.yaml", "qol: {optional: true}", "qol: {optional: false}", "trial"),
    "the project's word": ("omopify.yaml", "data: data", "data: data\nsources: {ae: {decimal: ','}}", "trial"),
    "the days of an era": ("maps/trial.yaml", "condition: 30", "condition: 60", "trial"),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHER)
def test_what_changes_the_meaning_asks_for_another_approval(trial: Trial, what: str) -> None:
    file, old, new, part = OTHER[what]
    approve(trial)
    trial.change(file, old, new)
    assert open_parts(trial) == [part]
    assert states(trial)[part].status == "changed"
    trial.change(file, new, old)
    assert open_parts(trial) == []


def test_the_projects_own_concepts_belong_to_the_part(trial: Trial) -> None:
    approve(trial)
    own = trial.folder / "concepts" / "shared" / "terms.csv"
    own.parent.mkdir(parents=True)
    own.write_text("sourceName,conceptId,mappingStatus\nKløe,0,UNCHECKED\n", encoding="utf-8")
    assert states(trial)["concepts:shared/concepts/terms.csv"].status == "changed"


def test_the_authors_word_is_shown_and_approves_nothing(trial: Trial) -> None:
    said = "from: ae\nreview: {status: approved, by: Ola, on: 2026-01-01, note: as in the protocol}"
    trial.change("maps/event.yaml", "from: ae", said)
    state = states(trial)["map:small_event"]
    assert (state.status, state.reviewer, state.is_open) == ("reviewed", "Ola", True)


def test_withdrawing_is_recorded(trial: Trial) -> None:
    approve(trial, "all")
    review(trial.project, ["map:event"], "draft", "Ola", DAY, "wrong unit")
    state = states(trial)["map:event"]
    assert (state.status, state.reviewer, state.note) == ("draft", "Ola", "wrong unit")
    assert open_parts(trial) == ["map:event"]


def test_a_spreadsheet_may_have_saved_the_file(trial: Trial) -> None:
    approve(trial, "event", note="=cmd|' /C calc'!A0")
    path = trial.folder / "reviews.csv"
    text = path.read_text(encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    cells = next(row for row in csv.DictReader(text.splitlines()) if row["part"] == "map:event")
    assert cells["note"].startswith("'=")
    rows = list(csv.reader(text.splitlines()))
    rows[1][5], rows[1][6], rows[1][2] = "Åse Ødegård", "21.11.2026", rows[1][2].upper()
    # what a Norwegian Excel writes as 'CSV': semicolons, Windows-1252, its own dates, empty lines
    path.write_bytes("\r\n".join([*(";".join(row) for row in rows), ";;;;;;;", ""]).encode("cp1252"))
    state = states(trial)["map:event"]
    assert (state.status, state.reviewer, state.date) == ("approved", "Åse Ødegård", "21.11.2026")
    assert state.note == "=cmd|' /C calc'!A0"
    approve(trial, "person")
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == ";".join(COLUMNS)
    assert any("Åse Ødegård" in line for line in lines)
    assert open_parts(trial) == ["trial", "map:small_event", "map:small_subject", "concepts:shared/concepts/terms.csv"]


def refused(trial: Trial) -> str:
    with pytest.raises(OmopifyError) as error:
        reviews(trial.project)
    return str(error.value)


def test_a_file_that_is_none_is_said(trial: Trial) -> None:
    path = trial.folder / "reviews.csv"
    path.write_text("part,file\nmap:event,x\n", encoding="utf-8")
    assert "has no column 'sha256'" in refused(trial)
    path.write_text("part,sha256,status,reviewer\nmap:event,x,aproved,K\n", encoding="utf-8")
    assert "reviews.csv:2:1: 'aproved' is no status; did you mean 'approved'? [OM950]" in refused(trial)
    path.unlink()
    path.mkdir()
    assert "cannot be read" in refused(trial)
    with pytest.raises(OmopifyError, match="OM950"):
        approve(trial)


def test_a_line_about_nothing_is_a_warning(trial: Trial) -> None:
    approve(trial, "small_event")
    trial.change("reviews.csv", "map:small_event", "map:smal_event")
    problems = Problems()
    reviews(trial.project, problems)
    (told,) = problems.warnings
    assert str(told).endswith(
        "reviews.csv:2:1: the mapping has no part 'map:smal_event'; did you mean 'map:small_event'? "
        "if it is left out on purpose: omopify review --approve smal_event --by NAME [OM958]"
    )


def test_an_approved_map_that_is_deleted_is_open_until_somebody_says_it_may_be(trial: Trial) -> None:
    approve(trial)
    written = (trial.folder / "maps/event.yaml").read_text(encoding="utf-8")
    (trial.folder / "maps/event.yaml").unlink()
    gone = states(trial)["map:small_event"]
    assert (gone.is_gone, gone.is_open, gone.reviewer) == (True, True, "Kari Nordmann")
    refused = trial.omopify("run", "--upload", "--no-quality")
    assert refused.exit_code == 1
    assert "'map:small_event' is gone since Kari Nordmann looked at it" in refused.stderr
    draft = cast(dict[str, object], trial.run(tested=True)["review"])
    assert (draft["draft"], draft["parts"]) == (True, ["map:small_event"])
    listed = trial.omopify("review").stdout
    assert listed.startswith("6 parts: 5 approved, 1 changed since or gone.")
    assert any(line.split()[:2] == ["map:small_event", "gone"] for line in listed.splitlines())
    approve(trial, "small_event")
    assert open_parts(trial) == []
    (trial.folder / "maps/event.yaml").write_text(written, encoding="utf-8")
    assert open_parts(trial) == ["map:small_event"]  # what was approved is that it is gone
    approve(trial)
    (trial.folder / "maps/event.yaml").unlink()
    review(trial.project, ["map:small_event"], "draft", "Ola", DAY)
    problems = Problems()
    assert [state.part for state in reviews(trial.project, problems)] == [*PARTS[:3], *PARTS[4:]]
    assert problems.found == []


def test_an_approval_by_nobody_is_none(trial: Trial) -> None:
    approve(trial)
    trial.change("reviews.csv", "Kari Nordmann", "")
    problems = Problems()
    assert all(state.is_open for state in reviews(trial.project, problems))
    assert [problem.at.line for problem in problems.warnings if problem.at] == [2, 3, 4, 5, 6, 7]
    assert "does not say who approved 'trial'" in str(problems.warnings[0])


@pytest.mark.parametrize(
    ("saved", "encoding"), [("sep=;\r\n", "utf-8"), ("sep=;\n", "cp1252"), ("", "utf-16"), ("sep=;\r\n", "utf-16")]
)
def test_other_ways_in_which_excel_saves_the_file(trial: Trial, saved: str, encoding: str) -> None:
    approve(trial, note='two\nlines, "quoted", Åse\u00a0Ø')
    path = trial.folder / "reviews.csv"
    rows = list(csv.reader(StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(saved)
        csv.writer(file, delimiter=";" if saved else "\t").writerows(rows)
    assert open_parts(trial) == []
    assert states(trial)["trial"].note == 'two\nlines, "quoted", Åse\u00a0Ø'


@pytest.mark.parametrize("cell", ["x" * 200_000, '"x', '"x" y'])
def test_a_lost_quotation_mark_is_said_with_its_line(trial: Trial, cell: str) -> None:
    approve(trial, note="two\nlines")
    path = trial.folder / "reviews.csv"
    lines = path.read_text(encoding="utf-8-sig").count("\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\r\nmap:event,{cell},b,approved\r\ntrial,a,b,approved\r\n")
    for command in (["review"], ["run", "--upload"]):
        told = trial.omopify(*command)
        assert told.exit_code == 1
        assert f"reviews.csv:{lines + 2}:1: " in told.stderr
        assert "[OM950]" in told.stderr


@pytest.mark.parametrize("command", ["check", "docs"])
@pytest.mark.parametrize("cell", ["x" * 200_000, '"x'])
def test_a_lost_quotation_mark_in_a_list_of_values(trial: Trial, cell: str, command: str) -> None:
    with (trial.folder / "maps/values/outcome.csv").open("a", encoding="utf-8") as file:
        file.write(f"\nworse,{cell},z\nbetter,recovered,\n")
    assert len(reviews(trial.project)) == len(PARTS)
    told = trial.omopify(command)
    assert told.exit_code == 1
    assert "maps/values/outcome.csv:5:1: " in told.stderr
    assert "[OM117]" in told.stderr


def test_all_wrong_names_are_told_and_nothing_is_written(trial: Trial) -> None:
    with pytest.raises(OmopifyError) as error:
        approve(trial, "evnt", "person", "trail")
    assert [problem.code for problem in error.value.problems] == ["OM951", "OM951"]
    assert [problem.hint for problem in error.value.problems] == ["did you mean 'event'?", "did you mean 'trial'?"]
    assert not (trial.folder / "reviews.csv").exists()


def test_a_file_that_cannot_be_written_is_said(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(_path: Path, _target: Path) -> None:
        raise PermissionError("open in Excel")

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(OmopifyError, match="OM957"):
        approve(trial)
    assert [path.name for path in trial.folder.glob("*reviews*")] == []


def test_the_hash_is_the_same_wherever_the_project_lies(trial: Trial, tmp_path: Path) -> None:
    other = Trial(tmp_path / "elsewhere")
    assert [m.sha256 for m in meanings(other.project)] == [m.sha256 for m in meanings(trial.project)]
    assert [m.name for m in meanings(other.project)] == [m.name for m in meanings(trial.project)]


def test_the_command_lists_approves_and_takes_back(trial: Trial) -> None:
    listed = trial.omopify("review").stdout
    assert listed.startswith("6 parts: 0 approved, 6 not looked at.")
    assert "map:small_event" in listed
    done = trial.omopify("review", "--approve", "small_event", "event", "trial", "--by", "Kari Nordmann")
    assert done.exit_code == 0, done.stderr
    assert "3 parts approved: map:small_event, map:event, trial" in done.stdout
    assert "map:event" not in trial.omopify("review").stdout
    assert "map:event" in trial.omopify("review", "--all").stdout
    assert "1 part no longer approved: map:event" in trial.omopify("review", "--withdraw", "event", "--by", "K").stdout
    trial.change("maps/event.yaml", "from: ae", "from: ae\nnote: later")
    found = {part["part"]: part for part in json.loads(trial.omopify("review", "--json").stdout)}
    assert found["map:small_event"]["status"] == "changed"
    assert found["trial"]["status"] == "approved"
    everywhere = trial.omopify("review", str(trial.folder), "--approve", "all", "--by", "K")
    assert "All 6 parts are approved." in everywhere.stdout


@pytest.mark.parametrize(
    "words", [["--approve", "trial"], ["--approve", "trial", "--withdraw", "event", "--by", "K"], ["trial"]]
)
def test_half_a_sentence_is_a_mistake_of_usage(trial: Trial, words: list[str]) -> None:
    assert trial.omopify("review", *words).exit_code == 2


def test_an_approval_says_what_is_still_open(trial: Trial) -> None:
    trial.change("maps/event.yaml", "from: ae", "from: ae\n# stop_date: ???\n")
    assert ["map:small_event", "draft", "1", "x", "???;", "no", "test"] in [
        line.split() for line in trial.omopify("review").stdout.splitlines()
    ]
    done = trial.omopify("review", "--approve", "all", "--by", "K").stdout
    assert "with '???' where somebody has to decide: map:small_event" in done
    assert "without a test: map:event, map:person, map:small_event, map:small_subject" in done
    assert "???" not in trial.omopify("review", "--approve", "all", "--by", "K").stdout


def test_unchecked_rows_are_counted(trial: Trial) -> None:
    trial.change("shared/concepts/terms.csv", "Cough,254761,APPROVED", "Cough,254761,UNCHECKED")
    found = {part["part"]: part["unchecked"] for part in json.loads(trial.omopify("review", "--json").stdout)}
    assert found["concepts:shared/concepts/terms.csv"] == 1
    assert "1 row of concept files that nobody has checked" in trial.omopify("review").stdout
