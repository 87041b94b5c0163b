"""Every mistake is told in one clear message: where, what, how to mend it, and never a value of the data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import omopify
from tests.language.workbench import Workbench, cases, parameters

CASES = Path(__file__).parent / "cases"
ALL = dict(cases(CASES))
PARAMETERS = parameters(ALL)

CODE = re.compile(r"\bOM[1-9][0-9]{2}\b")

ELSEWHERE = {
    # files that are not text: made and tested in tests/staging
    "OM404": "a worksheet that is not in its workbook",
    "OM405": "a workbook with several sheets and a source that names none",
    "OM412": "a file that is not UTF-8",
    "OM434": "Excel errors",
    "OM435": "Excel cells whose text is not their value",
    "OM436": "Parquet columns without a text form",
    "OM437": "Excel cells that are merged or hidden",
    # what an operating system does, or a limit of memory and disk
    "OM100": "a file that may not be read",
    "OM207": "a hundred mistakes in one file: tests/check/test_command.py",
    "OM106": "YAML nested too deeply: test_a_file_that_is_nested_too_deeply",
    "OM110": "no project: test_there_is_no_project",
    "OM408": "a data file that may not be read",
    "OM440": "a staging folder that may not be written",
    "OM591": "not enough memory",
    "OM596": "Windows: a file that another program has open",
    "OM597": "a file of a command that cannot be written",
    "OM604": "a vocabulary file that may not be read",
    "OM615": "vocabulary files: tests/vocabulary/test_load.py",
    "OM616": "vocabulary files: tests/vocabulary/test_load.py",
    "OM617": "archives are not text: tests/vocabulary/test_load.py",
    "OM622": "what vocab load warns of: tests/vocabulary/test_load.py",
    "OM623": "what vocab load warns of: tests/vocabulary/test_load.py",
    "OM624": "what vocab load warns of: tests/vocabulary/test_load.py",
    "OM625": "what vocab load warns of: tests/vocabulary/test_load.py",
    "OM629": "a file that cannot be written: tests/vocabulary/test_load.py",
    # faults of omopify itself: no input is known that gives them
    "OM590": "the database refuses a statement",
    "OM593": "rows that do not add up",
    # what 'vocab check' says; the examples are compared there
    "OM640": "vocab check: tests/vocabulary/test_check.py",
    "OM641": "vocab check: tests/vocabulary/test_check.py",
    "OM642": "vocab check: tests/vocabulary/test_check.py",
    "OM643": "vocab check: tests/vocabulary/test_check.py",
    "OM644": "vocab check: tests/vocabulary/test_check.py",
    "OM645": "vocab check: tests/vocabulary/test_check.py",
    "OM646": "vocab check: tests/vocabulary/test_check.py",
    "OM647": "vocab check: tests/vocabulary/test_check.py",
    "OM648": "vocab check: tests/vocabulary/test_check.py",
    "OM650": "vocab check: tests/vocabulary/test_check.py",
    "OM651": "vocab check: tests/vocabulary/test_check.py",
    "OM652": "vocab check: tests/vocabulary/test_check.py",
    "OM653": "vocab check: tests/vocabulary/test_check.py",
    "OM654": "vocab check: tests/vocabulary/test_check.py",
    "OM655": "vocab check: tests/vocabulary/test_check.py",
    "OM656": "vocab check: tests/vocabulary/test_check.py",
    "OM657": "vocab check: tests/vocabulary/test_check.py",
    "OM658": "vocab check: tests/vocabulary/test_check.py",
    "OM659": "vocab check: tests/vocabulary/test_check.py",
    "OM660": "vocab check: tests/vocabulary/test_check.py",
    # commands other than run
    "OM118": "check without a data folder",
    "OM119": "sql of a map that is not there",
    "OM639": "vocab import and export: tests/vocabulary/test_concept_files_exchanged.py",
    "OM670": "vocab search: tests/vocabulary/test_search.py",
    "OM671": "vocab show: tests/vocabulary/test_show.py",
    "OM672": "vocab show: tests/vocabulary/test_show.py",
    "OM673": "vocab search: tests/vocabulary/test_search.py",
    "OM675": "vocab suggest: tests/vocabulary/test_proposals.py",
    "OM676": "vocab suggest: tests/vocabulary/test_proposals.py",
    "OM680": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM681": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM682": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM683": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM684": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM685": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM686": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM687": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM688": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM689": "lists of tumour types and biomarkers: tests/vocabulary/test_standards.py",
    "OM701": "options of the generator",
    "OM702": "options of the generator",
    "OM703": "options of the generator",
    "OM704": "options of the generator",
}
"""Codes that have no case here, and why."""

QUALITY = {
    "cli/test_quality.py": "OM822 OM826 OM828",
    "quality/test_builtin.py": "OM840 OM841 OM842",
    "quality/test_cdm_suite.py": "OM845 OM846",
    "quality/test_delivery.py": "OM829 OM836 OM837 OM838 OM839",
    "quality/test_gate.py": "OM813 OM814 OM815 OM816",
    "quality/test_judging.py": "OM809",
    "quality/test_outputs.py": "OM827",
    "quality/test_rows.py": "OM820 OM821 OM823 OM824 OM825",
    "quality/test_signoff.py": "OM830 OM831 OM832 OM833 OM834",
    "quality/test_suites.py": "OM800 OM801 OM802 OM803 OM804 OM805 OM806 OM807 OM808 OM810 OM811 OM812",
}
"""The tests that provoke the problems of 'omopify quality' and 'omopify sign-off'."""

WORKBENCH = {
    "check/cases/warnings.yaml": (
        "OM920 OM921 OM922 OM923 OM924 OM925 OM926 OM927 OM928 OM929 OM930 OM931 OM932 OM933 OM934 OM935 OM939"
    ),
    "cli/test_init.py": "OM911 OM912",
    "comparing/test_diff.py": "OM953 OM954 OM955 OM956 OM959",
    "describing/test_document.py": "OM970",
    "drafting/test_draft.py": "OM910 OM913",
    "quality/test_drafts.py": "OM952",
    "scanning/test_scanning_forms.py": "OM900 OM901 OM902 OM903 OM904",
    "specs/test_reviews.py": "OM950 OM951 OM957 OM958",
    "testing/test_checking.py": "OM940 OM941 OM942 OM943 OM944",
    "testing/test_command.py": "OM945",
    "testing/test_freezing.py": "OM946 OM947 OM948 OM949",
    "tracing/test_trace.py": "OM960 OM961 OM962 OM963 OM964 OM965 OM966 OM967 OM968",
}
"""The tests that provoke the problems and warnings of the other commands."""

ELSEWHERE |= {c: f"tests/{name}" for name, codes in {**QUALITY, **WORKBENCH}.items() for c in codes.split()}


def sources() -> dict[str, str]:
    root = Path(omopify.__file__).parent
    return {str(p.relative_to(root)): p.read_text(encoding="utf-8") for p in sorted(root.rglob("*.py"))}


def codes_in_sources() -> set[str]:
    return {code for text in sources().values() for code in re.findall(r'["\[](OM[0-9]{3})["\]]', text)}


def sections() -> dict[str, str]:
    text = (Path(__file__).parents[2] / "docs" / "problems.md").read_text(encoding="utf-8")
    parts = re.split(r"^### (OM[0-9]{3})\b.*$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", PARAMETERS)
def test_message(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # messages show paths from here
    case: dict[str, Any] = ALL[name]
    bench = Workbench(tmp_path).write(case).run()
    assert bench.told == case["refused"]
    warnings = [bench.relative(str(problem)) for problem in bench.warnings]
    assert warnings == case.get("warned", [])
    assert "MARKER" not in "".join([*bench.told, *warnings])
    for problem in bench.problems:
        assert problem.message == problem.message.strip().rstrip(".")
        assert "\n" not in str(problem)
    if not case["refused"]:
        manifest = (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")
        assert "MARKER" not in manifest


def test_every_code_has_a_section() -> None:
    assert sorted(codes_in_sources() - set(sections())) == []


def test_every_section_has_an_example_and_a_way_out() -> None:
    for code, text in sections().items():
        assert f"[{code}]" in text, code
        assert "```" in text, code
        assert "**To mend it:**" in text, code


def messages() -> set[str]:
    return {line for case in ALL.values() for line in [*case["refused"], *case.get("warned", [])]}


def test_examples_are_real_messages() -> None:
    for code, text in sections().items():
        if code not in ELSEWHERE:
            example = re.findall(r"```text\n(.*)\n```", text)
            assert example
            assert set(example) <= messages(), code


def test_every_code_has_a_case() -> None:
    told = {code for line in messages() for code in CODE.findall(line)}
    assert sorted(codes_in_sources() - told - set(ELSEWHERE)) == []
    assert sorted(set(ELSEWHERE) & told) == []


@pytest.mark.parametrize("name", [*QUALITY, *WORKBENCH])
def test_problems_of_other_commands_have_their_test(name: str) -> None:
    text = (Path(__file__).parents[1] / name).read_text(encoding="utf-8")
    assert [code for code in {**QUALITY, **WORKBENCH}[name].split() if code not in text] == []


def test_a_code_means_one_thing() -> None:
    """No two rooms give one code to different things; scanning tells what staging has noted, under its codes."""
    rooms: dict[str, set[str]] = {}
    for name, text in sources().items():
        if name.startswith("scanning/"):
            continue
        for code in re.findall(r'"(OM[0-9]{3})"', text):
            rooms.setdefault(code, set()).add(name.split("/")[0])
    shared = {code: sorted(found) for code, found in rooms.items() if len(found) > 1}
    assert {code for code in shared if "synthetic" in shared[code] or "staging" in shared[code]} == set()


def test_there_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Workbench(tmp_path).run().told == [
        "omopify.yaml: there is no project here; PROJECT is a folder with a file 'omopify.yaml' [OM110]"
    ]


def test_a_file_that_is_nested_too_deeply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bench = Workbench(tmp_path).write({"maps": {"a": "set: " + "[" * 5000 + "]" * 5000}}).run()
    assert bench.told == ["maps/trial/a.yaml:2:105: nested too deeply [OM106]"]


def test_the_mistakes_of_all_files_come_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case = {
        "project": "outt: x\n",
        "trial": "sources: {v: {file: v.csv}}\ncolumns: nowhere.csv\n",
        "tables": {"t": "id: {typ: text}\n"},
        "maps": {"a": "to: person\nform: v\n", "b": "to: person\nfrom: v\nto: x\n"},
        "shared": {"c": "to: person\n"},
    }
    told = Workbench(tmp_path).write(case).run().told
    assert [line.partition(":")[0] for line in told] == ["omopify.yaml"]
    case["project"] = ""
    told = Workbench(tmp_path).write(case).run().told
    assert list(dict.fromkeys(line.partition(":")[0] for line in told)) == [
        "maps/shared/c.yaml",
        "maps/shared/dsp/t.yaml",
        "maps/trial/a.yaml",
        "maps/trial/b.yaml",
        "maps/trial/trial.yaml",
    ]


def test_no_message_holds_a_value_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marker values in every cell, maps that reject, leave out, impute and fail: none of them is shown."""
    monkeypatch.chdir(tmp_path)
    case: dict[str, Any] = {
        "trial": "identifiers: [ID]\nsources: {v: {file: v.csv}, w: {file: w.csv}}\n",
        "tables": {
            "t": "id: {required: true}\nn: {type: integer, required: true}\nd: {type: date}\nw: {values: [a]}\n"
        },
        "maps": {
            "t": "to: dsp.t\nfrom: v\nkey: ID\nset: {id: ID, n: N, d: D, w: W}\n",
            "p": "to: person\nfrom: v\nkey: ID\nset: {year_of_birth: N, person_source_value: W}\n",
            "o": "to: observation\nfrom: v\nkey: ID\nperson: ID\nconcept: {value: W, vocabulary: Trial Terms}\n"
            "date: D\ntype: 32809\n",
        },
        "data": {
            "v.csv": "ID,N,D,W\nMARKER1,MARKER2,MARKER3,MARKER4\nMARKER5,1960,2020-01-01,MARKER6\n",
            "w.csv": "ID\nMARKER1\n",
        },
    }
    bench = Workbench(tmp_path).write(case).run()
    assert bench.told == []
    assert bench.rows("SELECT count(*) FROM audit.rejects") > [(0,)]
    assert "MARKER" not in "".join(str(problem) for problem in bench.warnings)
    assert "MARKER" not in (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")
    case["maps"]["o"] += "on_unmapped: error\n"
    case["maps"]["p"] += "join: {w: {on: ID, many: true}}\n"
    bench.write(case).run()
    assert [problem.code for problem in bench.problems] == ["OM503"]
    assert "MARKER" not in "".join(bench.told)
