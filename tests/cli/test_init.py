"""``omopify init``: a project from an export, that passes the check and writes nothing over.

That it runs as it stands is what the tutorial does with it.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from omopify.cli.checking import Checker
from omopify.cli.main import main
from omopify.specs.schema import json_schema_text
from omopify.specs.yamlfile import parse_yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
HERON = EXAMPLES / "heron" / "data"
FORM = "HERON_performance.csv"


def omopify(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    project = tmp_path_factory.mktemp("init") / "heron study"
    shutil.copytree(HERON, project / "export")
    result = omopify(
        "init",
        project,
        "--data",
        project / "export",
        "--trial",
        "heron",
        "--name",
        "HERON 1: the first",
        "--edc",
        "REDCap",
    )
    assert result.exit_code == 0, result.output
    return project, result.output


def test_it_says_what_the_export_becomes_what_is_written_and_what_comes_next(made: tuple[Path, str]):
    _, said = made
    assert "The export: 12 forms, 685 rows." in said
    assert "No mapping that ships with omopify fits its columns, so one is drafted from the export." in said
    row = next(line for line in said.splitlines() if line.startswith("toxicity"))
    assert row.split()[1:3] == ["91", "15"]
    assert "adverse_event, adverse_event_relation" in row
    assert "19 maps in use." in said
    assert said.index("omopify check") < said.index("omopify run") < said.index("omopify review")


def test_the_project_passes_the_check(made: tuple[Path, str]):
    checked = Checker(made[0]).check()
    assert checked.errors == ()
    assert checked.sources == 12
    assert {problem.code for problem in checked.warnings} <= {"OM611", "OM928", "OM930", "OM614"}


def test_data_and_results_stay_out_of_git_and_maps_do_not(made: tuple[Path, str]):
    ignored = (made[0] / ".gitignore").read_text().splitlines()
    assert {"/export/", "/out/", "/register/", "/scan/", "*.duckdb", "do-not-share/", ".env"} <= set(ignored)
    assert not any("csv" in line or "yaml" in line for line in ignored if not line.startswith("#"))


def test_editors_find_the_schemas_and_every_file_can_be_read(made: tuple[Path, str]):
    project = made[0]
    settings = json.loads((project / ".vscode" / "settings.json").read_text())
    for schema in settings["yaml.schemas"]:
        assert (project / schema).read_text(encoding="utf-8") == json_schema_text(Path(schema).name.split(".")[0])
    for path in (project / "mappings" / "heron").glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert (path.parent / first.partition("$schema=")[2]).is_file()
    workflow = parse_yaml((project / ".github" / "workflows" / "omopify.yml").read_text(), "omopify.yml")
    assert [step.get("run", "").split("#")[0].strip() for step in workflow["jobs"]["check"]["steps"]][2:] == [
        "pip install omopify",
        "omopify check --format github",
        "omopify test",
    ]
    written = parse_yaml((project / "omopify.yaml").read_text(encoding="utf-8"), "omopify.yaml")
    assert written["data"] == "export"
    assert written["mappings"] == "mappings/heron"
    trial = parse_yaml((project / "mappings" / "heron" / "trial.yaml").read_text(encoding="utf-8"), "trial.yaml")
    assert trial["name"] == "HERON 1: the first"


def test_a_project_is_never_written_over(made: tuple[Path, str]):
    before = (made[0] / "omopify.yaml").read_bytes()
    result = omopify("init", made[0], "--data", HERON, "--trial", "other")
    assert result.exit_code == 1
    assert "there is a project here already" in result.output
    assert "[OM911]" in result.output
    assert (made[0] / "omopify.yaml").read_bytes() == before


def test_a_shipped_mapping_that_fits_is_used_and_files_of_other_names_are_found(tmp_path: Path):
    (tmp_path / "data").mkdir()
    for path in (EXAMPLES / "impress" / "data").glob("*.csv"):
        shutil.copy(path, tmp_path / "data" / path.name.replace("IMPRESS_AE", "IMPRESS_AEs 2024"))
    (tmp_path / ".gitignore").write_text("mine\n")
    result = omopify("init", tmp_path, "--no-input")
    assert result.exit_code == 0, result.output
    assert "It has 249 of the 249 columns that the mapping 'impress' (IMPRESS-Norway) needs." in result.output
    assert "So it is used; '--mappings new' drafts one from the export instead." in result.output
    assert "The mapping ships with omopify, in " in result.output
    assert "omopify docs" in result.output
    assert "Left as it was, because it was there already: .gitignore." in result.output
    written = parse_yaml((tmp_path / "omopify.yaml").read_text(), "omopify.yaml")
    assert written["mappings"] == "impress"
    assert written["data"] == "data"
    assert written["sources"] == {"ae": {"file": "SYNTHETIC_IMPRESS_AEs 2024.csv"}}
    assert Checker(tmp_path).check().errors == ()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "where is the export? Name its folder with --data"),
        (("--data", "form"), 2, "what is the trial's short name? Give it with --trial, such as --trial new"),
        (("--data", "form", "--trial", "My Trial"), 2, "such as --trial my_trial"),
        (("--data", "form", "--mappings", "impres"), 1, "did you mean 'impress'? [OM912]"),
        (("--data", "nowhere", "--trial", "x"), 1, "[OM900]"),
        (("--data", Path(__file__).parent, "--trial", "x"), 1, "[OM901]"),
    ],
)
def test_what_is_missing_or_wrong_is_said(tmp_path: Path, words: tuple[object, ...], code: int, message: str):
    (tmp_path / "form").mkdir()
    shutil.copy(HERON / FORM, tmp_path / "form")
    result = omopify("init", tmp_path / "new", *(tmp_path / word if word == "form" else word for word in words))
    assert (result.exit_code, message in " ".join(result.output.split())) == (code, True), result.output
    assert not (tmp_path / "new").exists()


def test_on_a_terminal_it_asks(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    (tmp_path / "form").mkdir()
    shutil.copy(HERON / FORM, tmp_path / "form")
    keys, screen = pty.openpty()
    os.write(keys, b"Not A Name\nheron\n\nREDCap\n")
    kept = sys.stdin
    try:
        sys.stdin = os.fdopen(screen, encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["init", str(tmp_path / "my trial"), "--data", str(tmp_path / "form")])
    finally:
        sys.stdin.close()
        sys.stdin = kept
        os.close(keys)
    said = capfd.readouterr().out
    assert ended.value.code == 0
    assert "The trial's short name [my_trial]: " in said
    assert "Please use small letters, digits and _, with a letter first." in said
    trial = parse_yaml((tmp_path / "my trial" / "mappings" / "heron" / "trial.yaml").read_text(), "trial.yaml")
    assert (trial["trial"], trial["name"], trial["edc"]) == ("heron", "HERON", "REDCap")
